"""How well inbound mail is understood: ours beside other libraries, on a corpus of mails with known answers.

usage: python bench/accuracy.py CORPUS_DIR [--replies YAML] [--out FILE] [--verbose]

CORPUS_DIR holds manifest.jsonl and score.py; where it is absent the run says `skipped: no corpus` and ends well.
Other readers are measured only when installed (requirements-bench.lock): mail-parser-reply, quotequail,
email-reply-parser, flufl.bounce.
"""

import argparse
import importlib
import importlib.util
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import replies
from mailer.explain import explain
from mailer.parse import parse
from mailer.segment import body_text

Row = dict[str, object]
SLOW = 1.0


def main() -> int:
    """Measure and print; 0 also when there is nothing to measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("corpus", nargs="?", type=Path)
    parser.add_argument("--replies", type=Path)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--verbose", action="store_true")
    given = parser.parse_args()
    if given.corpus is None or not (given.corpus / "manifest.jsonl").is_file():
        print(f"skipped: no corpus at {given.corpus}")
    else:
        with tempfile.TemporaryDirectory() as place:
            _corpus(given.corpus, given.out or Path(place) / "ours.jsonl")
    rows = given.replies or (given.corpus.parent / "data" / "replies.yaml" if given.corpus else None)
    if rows is None or not rows.is_file():
        print("skipped: no liaison replies")
        return 0
    for name, (right, of) in replies.measure(rows, given.verbose).items():
        print(f"liaison replies: {name:12} {right}/{of} {100 * right / max(1, of):.1f} %")
    return 0


def _corpus(corpus: Path, output: Path) -> None:
    cases = [json.loads(line) for line in (corpus / "manifest.jsonl").read_text(encoding="utf-8").splitlines()]
    explain(b"Subject: tables\n\nRead once, before anything is timed.\n", "warm-up")
    slow, started = [], time.perf_counter()
    with output.open("w", encoding="utf-8") as sink:
        for case in cases:
            begun = time.perf_counter()
            sink.write(
                json.dumps(explain((corpus / case["file"]).read_bytes(), case["file"]), ensure_ascii=False) + "\n"
            )
            if time.perf_counter() - begun > SLOW:
                slow.append(case["file"])
    took = time.perf_counter() - started
    print(
        f"== ours: {len(cases)} mails in {took:.1f} s, {len(cases) / took:.0f} a second; over {SLOW:.0f} "
        f"s: {slow or 'none'}"
    )
    print(_score(corpus, output))
    for name, reader in OTHERS.items():
        _other(corpus, cases, name, reader, output.with_name(f"accuracy-{name}.jsonl"))


def _score(corpus: Path, output: Path) -> str:
    command = [sys.executable, str(corpus / "score.py"), str(corpus), str(output)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def _mail_parser_reply(raw: bytes) -> Row:
    module = importlib.import_module("mailparser_reply")
    text = module.EmailReplyParser(
        languages=["en", "de", "fr", "es", "it", "nl", "pl", "sv", "ja", "ko", "zh", "cs", "da"]
    ).parse_reply(text=_text(raw))
    return {"segments": [{"kind": "reply", "text": text or ""}], "kind": "reply"}


def _quotequail(raw: bytes) -> Row:
    module = importlib.import_module("quotequail")
    shown = [text for expanded, text in module.quote(_text(raw)) if expanded]
    return {"segments": [{"kind": "reply", "text": "\n".join(shown)}], "kind": "reply"}


def _email_reply_parser(raw: bytes) -> Row:
    module = importlib.import_module("email_reply_parser")
    return {"segments": [{"kind": "reply", "text": module.EmailReplyParser.parse_reply(_text(raw))}], "kind": "reply"}


def _flufl(raw: bytes) -> Row:
    bounce = importlib.import_module("flufl.bounce")
    temporary, permanent = bounce.all_failures(importlib.import_module("email").message_from_bytes(raw))
    found = [a.decode("ascii", "replace") if isinstance(a, bytes) else a for a in {*temporary, *permanent}]
    return {"kind": "bounce" if found else "reply", "bounce": {"recipients": found, "permanent": bool(permanent)}}


def _text(raw: bytes) -> str:
    return body_text(parse(raw))[:100_000]


OTHERS: dict[str, Callable[[bytes], Row]] = {
    "mail-parser-reply": _mail_parser_reply,
    "quotequail": _quotequail,
    "email-reply-parser": _email_reply_parser,
    "flufl.bounce": _flufl,
}
MODULES = {
    "mail-parser-reply": "mailparser_reply", "quotequail": "quotequail", "email-reply-parser": "email_reply_parser",
    "flufl.bounce": "flufl.bounce",
}  # fmt: skip
REPLIES = ("replies: all", "neutral", "signature", "more than")


def _other(corpus: Path, cases: list[dict[str, str]], name: str, reader: Callable[[bytes], Row], output: Path) -> None:
    if importlib.util.find_spec(MODULES[name].split(".")[0]) is None:
        print(f"== {name}: skipped, not installed")
        return
    failed = 0
    with output.open("w", encoding="utf-8") as sink:
        for case in cases:
            try:
                row = reader((corpus / case["file"]).read_bytes())
            except Exception:  # another library's failure is a figure here
                failed += 1
                row = {}
            sink.write(json.dumps({"file": case["file"], **row}, ensure_ascii=False) + "\n")
    print(f"== {name}: exceptions {failed}")
    shown = ("bounces",) if name == "flufl.bounce" else REPLIES
    print("\n".join(line for line in _score(corpus, output).splitlines() if line.startswith(shown)))


if __name__ == "__main__":
    sys.exit(main())
