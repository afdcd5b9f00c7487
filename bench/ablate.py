"""What each rule is there for: switched off one by one, and which mails are then read otherwise.

usage: python bench/ablate.py [CORPUS_DIR] [--parts rules,conditions,patterns,words] [--out FILE] [--all]

rules       the rows of mailer.rules
conditions  every `if` taken as false, every side of an `or` left out, every side of an `and` not asked for
patterns    every branch at the top of every pattern of the modules that read mail
words       every word of the tables of languages that says where an answer ends

A mail of the corpus counts as better or worse by the corpus's own measure (score.py); one of ours (tests/mail) as
changed. Only mails that a rule had a say in are read again. What serves a single mail of the corpus and none of ours,
and what only does harm, is listed first. Without a corpus only our own mails are read, visibly.
"""

import argparse
import ast
import importlib
import importlib.abc
import importlib.machinery
import json
import re
import sys
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

MODULES = (
    "quote", "segment", "signature", "footer", "html", "bounce", "bounce_words", "dsn", "autoreply", "complaint", "mdn",
    "calendar_reply", "reaction", "nod",
)  # fmt: skip
SECTIONS = ("attribution", "header_block", "forward", "signature", "closing", "footer", "disclaimer", "autoreply")


class Asked:
    """Which question is switched off, and which were answered so that it matters to the mail at hand."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.needed: list[bool] = []
        self.off = -1
        self.mattered: set[int] = set()

    def __call__(self, number: int, value: object) -> object:
        needed = self.needed[number]
        if bool(value) is not needed:
            self.mattered.add(number)
            if number == self.off:
                return True if needed else None
        return value


ask = Asked()


class Questions(ast.NodeTransformer):
    """Wraps every condition of a module in a call of `ask`."""

    def __init__(self, module: str) -> None:
        self.module = module

    def _asked(self, node: ast.expr, kind: str) -> ast.expr:
        number = len(ask.names)
        ask.names.append(f"{self.module}:{node.lineno} {kind} {ast.unparse(node)[:100]}")
        ask.needed.append(kind == "and")
        call = ast.Call(ast.Name("ask_about", ast.Load()), [ast.Constant(number), self.visit(node)], [])
        return ast.copy_location(call, node)

    def visit_If(self, node: ast.If) -> ast.AST:
        node.test = self.visit(node.test) if isinstance(node.test, ast.BoolOp) else self._asked(node.test, "if")
        node.body = [self.visit(one) for one in node.body]
        node.orelse = [self.visit(one) for one in node.orelse]
        return node

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.AST:
        kind = "or" if isinstance(node.op, ast.Or) else "and"
        node.values = [self._asked(value, kind) for value in node.values]
        return node

    def visit_comprehension(self, node: ast.comprehension) -> ast.AST:
        node.iter = self.visit(node.iter)
        node.ifs = [self._asked(test, "and") for test in node.ifs]
        return node


class Loader(importlib.machinery.SourceFileLoader):
    """Loads a module with its conditions wrapped; never from or to the cache of compiled modules."""

    def get_code(self, fullname: str) -> types.CodeType:
        tree = Questions(fullname.rpartition(".")[2]).visit(ast.parse(Path(self.path).read_text("utf-8")))
        return compile(ast.fix_missing_locations(tree), self.path, "exec")

    def exec_module(self, module: types.ModuleType) -> None:
        module.__dict__["ask_about"] = ask
        super().exec_module(module)


class Finder(importlib.abc.MetaPathFinder):
    """Finds the modules that are to be asked."""

    def find_spec(self, name: str, *_: Any) -> importlib.machinery.ModuleSpec | None:
        if name.rpartition(".")[0] != "mailer" or name.rpartition(".")[2] not in MODULES:
            return None
        file = ROOT / "mailer" / f"{name.rpartition('.')[2]}.py"
        return importlib.machinery.ModuleSpec(name, Loader(name, str(file)), origin=str(file))


@dataclass
class Mail:
    """One mail, how it is read now, and how good that is (for mails of the corpus with an answer)."""

    name: str
    raw: bytes
    case: dict[str, Any] | None
    source: str = ""
    text: str = ""
    said: str = ""
    worth: tuple[float, ...] = ()
    mattered: frozenset[int] = frozenset()


class Readings:
    """All mails, and reading them again."""

    def __init__(self, corpus: Path | None) -> None:
        from bench.own_mails import own_mails
        from mailer.explain import explain
        from mailer.phrases import fold

        self.explain, self.fold = explain, fold
        self.reply = _reply_measure(corpus) if corpus else None
        self.mails = [Mail(name, raw, None) for name, raw in own_mails()]
        if corpus:
            for line in (corpus / "manifest.jsonl").read_text("utf-8").splitlines():
                case = json.loads(line)
                self.mails.append(Mail(case["file"], (corpus / case["file"]).read_bytes(), case))
        for mail in self.mails:
            ask.mattered = set()
            seen = self.explain(mail.raw, mail.name)
            mail.mattered = frozenset(ask.mattered)
            mail.said, mail.worth = _said(seen), self.worth(mail, seen)
            parts = "\n".join(segment["text"] for segment in seen["segments"])
            mail.source = f"{seen['subject']}\n{parts}\n{mail.raw.decode('utf-8', 'replace')[:30_000]}"
            mail.text = self.fold(mail.source)

    def worth(self, mail: Mail, seen: dict[str, Any]) -> tuple[float, ...]:
        """By the corpus's own measure; () where there is no answer to measure by."""
        if mail.case is None or self.reply is None:
            return ()
        kind, wish = mail.case["kind"], mail.case["expected"]
        if kind == "reply":
            right, part, gone = self.reply(mail.case, seen)
            return (float(right), round(part or 0, 3), -float(gone), -float(seen["kind"] not in ("reply", "other")))
        if kind == "mime":
            return ()
        found = float(seen["kind"] == kind)
        if kind != "bounce" or wish.get("is_bounce") is False:
            return (found if wish.get(f"is_{kind}") is not False else -found,)
        named = seen["bounce"] or {"recipients": [], "permanent": None}
        who = {r.lower() for r in named["recipients"]} == {r.lower() for r in wish.get("recipients") or ()}
        return (found, float(who), float(named["permanent"] is wish.get("permanent")))

    def without(self, concerned: Callable[[Mail], bool]) -> "Effect":
        """Reads again what may be concerned."""
        effect = Effect([], [], [])
        for mail in self.mails:
            if not concerned(mail):
                continue
            try:
                seen = self.explain(mail.raw, mail.name)
                said, worth = _said(seen), self.worth(mail, seen)
            except Exception as error:  # a rule that others lean on
                said, worth = repr(error), tuple(-1.0 for _ in mail.worth)
            if mail.case is None:
                effect.own += [mail.name] if said != mail.said else []
            elif worth != mail.worth:
                (effect.worse if worth < mail.worth else effect.better).append(mail.name)
        return effect


@dataclass
class Effect:
    """Which mails are read worse, better or (our own) otherwise without a rule."""

    worse: list[str]
    better: list[str]
    own: list[str]

    @property
    def verdict(self) -> str:
        if len(self.worse) == 1 and not self.own:
            return "one mail only"
        if self.better and not self.worse and not self.own:
            return "harm only"
        return "nothing" if not (self.worse or self.better or self.own) else "serves"


def _said(seen: dict[str, Any]) -> str:
    kept = {name: seen[name] for name in ("kind", "disposition", "segments", "bounce", "command", "autoreply")}
    return json.dumps(kept, ensure_ascii=False)


def _reply_measure(corpus: Path) -> Callable[[dict[str, Any], dict[str, Any]], tuple[bool, float | None, bool]]:
    """The measure of replies out of score.py, without its last line that runs it."""
    tree = ast.parse((corpus / "score.py").read_text("utf-8"))
    tree.body = [node for node in tree.body if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call))]
    space: dict[str, Any] = {"__name__": "score"}
    exec(compile(tree, "score.py", "exec"), space)
    return space["reply"]  # type: ignore[no-any-return]


Unit = tuple[str, Effect]


def _asked(number: int, mail: Mail) -> bool:
    return number in mail.mattered


def _has(pattern: re.Pattern[str], mail: Mail) -> bool:
    return bool(pattern.search(mail.text) or pattern.search(mail.source))


def _contains(text: str, mail: Mail) -> bool:
    return text in mail.text


def conditions(readings: Readings) -> Iterator[Unit]:
    """Every question that any mail gives the answer that matters."""
    for number, name in enumerate(ask.names):
        ask.off = number
        yield name, readings.without(partial(_asked, number))
    ask.off = -1


def rules(readings: Readings) -> Iterator[Unit]:
    """The rows of mailer.rules."""
    from mailer import rules as module

    whole = module.RULES
    for row in whole[:-1]:
        module.RULES = tuple(one for one in whole if one is not row)
        _forget()
        yield f"rule {row.name}", readings.without(lambda _: True)
    module.RULES = whole


def _branches(pattern: str) -> list[str]:
    """What stands between the bars at the top of a pattern; of a group that is the whole pattern, inside it."""
    parts, depth, inside, start, i = [], 0, False, 0, 0
    while i < len(pattern):
        sign = pattern[i]
        if sign == "\\":
            i += 1
        elif inside:
            inside = sign != "]"
        elif sign == "[":
            inside = True
            i += pattern[i + 1 : i + 2] in ("]", "^")
        elif sign in "()":
            depth += 1 if sign == "(" else -1
        elif sign == "|" and depth == 0:
            parts.append(pattern[start:i])
            start = i + 1
        i += 1
    return [*parts, pattern[start:]]


def _forget() -> None:
    """Empties what modules remember of tables and texts."""
    for name, module in list(sys.modules.items()):
        if name.startswith("mailer."):
            for value in vars(module).values():
                getattr(value, "cache_clear", lambda: None)()


@contextmanager
def _instead(old: object, new: object) -> Iterator[None]:
    """`new` wherever a module of `mailer` calls `old` by a name, alone or in a tuple."""
    places = []
    for name, module in list(sys.modules.items()):
        if name.startswith("mailer"):
            for key, value in list(vars(module).items()):
                if value is old:
                    places.append((module, key, value, new))
                elif isinstance(value, tuple) and any(one is old for one in value):
                    places.append((module, key, value, tuple(new if one is old else one for one in value)))
    for module, key, _, after in places:
        setattr(module, key, after)
    _forget()
    yield
    for module, key, before, _ in places:
        setattr(module, key, before)


def patterns(readings: Readings) -> Iterator[Unit]:
    """Every branch of every pattern; a pattern of one branch is put out of use."""
    for name in MODULES:
        module = importlib.import_module(f"mailer.{name}")
        for key, value in list(vars(module).items()):
            for one in value if isinstance(value, tuple) else (value,):
                if not isinstance(one, re.Pattern) or not isinstance(one.pattern, str):
                    continue
                parts = _branches(one.pattern)
                for place, part in enumerate(parts):
                    rest = "|".join(parts[:place] + parts[place + 1 :]) if len(parts) > 1 else "(?!)"
                    try:
                        alone = re.compile(part, one.flags | re.MULTILINE)
                    except re.error:  # the branch refers to a group of the whole
                        alone = re.compile("")
                    with _instead(one, re.compile(rest, one.flags)):
                        effect = readings.without(partial(_has, alone))
                        yield f"pattern {name}.{key} {part[:100]!r}", effect


def words(readings: Readings) -> Iterator[Unit]:
    """Every word of the tables that occurs in some mail."""
    from mailer.lexicon import fold, language_tables

    whole = "\n".join(mail.text for mail in readings.mails)
    for language, table in language_tables().items():
        for section in SECTIONS:
            for key, listed in table.get(section, {}).items():
                for word in list(listed):
                    short = fold(word).strip(" :,.")
                    if not short or readings.fold(short) not in whole:
                        continue
                    place = listed.index(word)
                    listed.remove(word)
                    _forget_tables()
                    has = readings.fold(short)
                    yield f"word {language}.{section}.{key} {word!r}", readings.without(partial(_contains, has))
                    listed.insert(place, word)
    _forget_tables()


def _forget_tables() -> None:
    from mailer import lexicon, phrases

    lexicon.lexicon.cache_clear()
    phrases.tables.cache_clear()
    phrases.phrases.cache_clear()


PARTS: dict[str, Callable[[Readings], Iterator[Unit]]] = {
    "rules": rules, "conditions": conditions, "patterns": patterns, "words": words,
}  # fmt: skip


def main() -> int:
    """Switch off, read, tell."""
    given = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    given.add_argument("corpus", nargs="?", type=Path)
    given.add_argument("--parts", default=",".join(PARTS))
    given.add_argument("--out", type=Path)
    given.add_argument("--all", action="store_true", help="also what serves several mails, or changes nothing")
    wish = given.parse_args()
    corpus = wish.corpus if wish.corpus and (wish.corpus / "manifest.jsonl").is_file() else None
    if corpus is None:
        print(f"skipped: no corpus at {wish.corpus}; our own mails only", flush=True)
    sys.meta_path.insert(0, Finder())
    readings = Readings(corpus)
    print(f"{len(readings.mails)} mails, {len(ask.names)} conditions", flush=True)
    count: dict[str, int] = {}
    out = wish.out.open("w", encoding="utf-8") if wish.out else None
    for part in wish.parts.split(","):
        for name, effect in PARTS[part](readings):
            count[effect.verdict] = count.get(effect.verdict, 0) + 1
            row = {"rule": name, "verdict": effect.verdict, **vars(effect)}
            if out:
                print(json.dumps(row, ensure_ascii=False), file=out, flush=True)
            if wish.all or effect.verdict in ("one mail only", "harm only"):
                print(f"{effect.verdict}: {name}\n    worse {effect.worse[:3]} better {effect.better[:3]} "
                      f"ours {len(effect.own)}", flush=True)  # fmt: skip
    print(", ".join(f"{verdict}: {number}" for verdict, number in sorted(count.items())))
    return 0


if __name__ == "__main__":
    sys.exit(main())
