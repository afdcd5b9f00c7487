"""Commands in the writer's own words: unsubscribe, pause, resume, weekly, fortnightly, monthly, hour,
language, help, status, withdraw, fix, private; and `settings` for a wish that needs the page of settings.

`read_command(subject, text, today)` gives a `Command`, or None. It is a command only when the mail is short and
says nothing else: a keyword (with its argument) between greetings, or a sentence that asks for it.
Whatever names a question, argues or runs on is no command: the mail is filed instead.
"""

import re
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from babel.core import Locale

from mailer.phrases import Found, Phrases, fold, phrases, tables
from mailer.reading import CommandRead
from mailer.recall import may_recall, read_recall
from mailer.signature import is_name
from mailer.when import dates_in, digits, hour_in, until
from mailer.wish import WISHING, read_wish, speaks_of_mail

MAX_CHARS = 600
MAX_WORDS = 45
_MAX_WISH = 320  # with greeting and name
_LAST_WORD = re.compile(r"[,!.\u060c\uff0c] {1,2}([^\W\d_]{2,20})\.?\s*$")
_NAMES = (
    "unsubscribe", "pause", "resume", "weekly", "fortnightly", "monthly", "hour", "language", "help", "status",
    "withdraw", "fix", "private",
)  # fmt: skip
_LOOSE = ("unsubscribe_prose", "resume_prose", "settings_prose")
# Phrases that ask for the rest, in languages without a vocabulary of wishes, which is surer.
_PROSE = (*_LOOSE, *(f"{name}_prose" for name in ("pause", "weekly", "fortnightly", "monthly", "hour", "language")))
_WITH_REF = ("withdraw", "fix", "private")
_REF = re.compile(r"\b([a-z]{1,4})-?(\d{1,9})([a-z])?\b")
_CODE = re.compile(r"\b(?!S-)[A-Z]{1,5}-\d{1,3}\b")
_EDGE = " \t.,;:!?¡¿。、，！？؛،。…\"'«»“”„()[]*_>-"
_SPLIT = re.compile(r"(?<!\d)\.|[!?。！？؟।\n，、;；،؛։]|,(?! \d{4}\b)")
_ARGUMENT = re.compile(r"[\s:=：]+")
_BUT = re.compile(r"\bsubject\b|\?$")
_REPLY = re.compile(r"^(?:\s*[^\s:：\[]{1,6}(?:\[\d+\])?\s?[:：])+\s*")


@dataclass(frozen=True, slots=True)
class Command:
    """A command, the text that belongs to it (for fix), and the sign by which it was known."""

    read: CommandRead
    text: str = ""
    by: str = "keyword"


def read_command(
    subject: str, text: str, languages: tuple[str, ...] = (), today: date | None = None, prefix: str = "S"
) -> Command | None:
    """The command that a mail is, or None. `text` is the new text, without quote and signature."""
    text = text.strip().strip("\u200b\ufeff")
    first, _, rest = text.partition("\n")
    if found := _with_reference(first, rest, prefix) or _recall(text, prefix):
        return found
    if not text:
        bare = subject.strip()
        asked = None if _REPLY.match(bare) else _keyword(bare[:120], languages, today)
        return Command(asked, by="subject") if asked else None
    if len(text) > MAX_CHARS or len(text.split()) > MAX_WORDS or _CODE.search(text):
        return None
    lines = [line for line in text.split("\n") if line.strip()]
    if len(lines) > 8:
        return None
    if wished := asked_for(text, today):
        return Command(wished, by="prose")
    if found_command := _keyword(_without_courtesy(text), languages, today):
        return Command(found_command)
    prose = _prose(text, languages, today)
    return Command(prose, by="prose") if prose else None


def asked_for(text: str, today: date | None = None) -> CommandRead | None:
    """What a short mail asks for when it says nothing else, whomever it greets and however it is signed."""
    if len(text) > _MAX_WISH:
        return None
    lines = [line for line in text.split("\n") if line.strip()]
    said = ("\n".join(some) for some in dict.fromkeys((tuple(_without_greeting(lines)), tuple(lines))))
    forms = (form for one in said for form in (one, _without_name(one)) if form)
    return next((read for form in forms if (read := read_wish(form, today))), None)


def _recall(text: str, prefix: str) -> Command | None:
    """A whole sentence that takes back, corrects or hides a statement."""
    if not may_recall(text, prefix):
        return None
    said = "\n".join(_without_greeting(text.split("\n")))
    found = read_recall(said, _without_name(said), prefix)
    return Command(CommandRead(found.name, found.reference), found.text, by="prose") if found else None


def _without_greeting(lines: list[str]) -> list[str]:
    """The lines without a first one that only greets, whatever name it names."""
    greets = len(lines) > 1 and len(lines[0].split()) <= 4 and lines[0].rstrip()[-1:] in ",،、，!:："
    greets = greets and not any(char.isdecimal() for char in lines[0])
    return lines[1:] if greets else lines


def _without_name(text: str) -> str:
    """A text without the name at its end, on a line of its own or behind "Thanks, "; '' when there is none."""
    head, _, last = text.rpartition("\n")
    if head and is_name(last):
        return head
    found = _LAST_WORD.search(text)
    if found and is_name(found.group(1)):
        return text[: found.start()]
    return _without_signature(text)


def _without_signature(text: str) -> str:
    """A text without the name behind its last valediction or courtesy: "..., LG Tim", "谢谢，小安"; '' for none."""
    folded = fold(text)
    if len(folded) != len(text) or text.rstrip().endswith(("?", "？", "؟")):  # a question does not end in a name
        return ""
    for section, name in (("closing", "words"), ("courtesy", "fillers"), ("courtesy", "acks")):
        for found in phrases(section, name).find(folded):
            signed = text[found.end :].strip(_EDGE)
            if signed and len(signed) <= 30 and is_name(signed):
                return text[: found.end]
    return ""


def _with_reference(first: str, rest: str, prefix: str) -> Command | None:
    """`fix S-1042` and the new text below; `withdraw S-1042`, `private S-1042` alone."""
    line = fold(digits(first)).strip(_EDGE)
    found = _REF.search(line)
    if not found or len(line) > 60 or found.group(1) != prefix.lower():
        return None
    reference = f"{found.group(1).upper()}-{found.group(2)}{found.group(3) or ''}"
    words = _courteous(f"{line[: found.start()]} {line[found.end() :]}")
    name = _name_of(words, _WITH_REF)
    after = line[found.end() :].strip(_EDGE)
    if name == "fix":
        inline = first[first.find(":") + 1 :].strip() if ":" in first and not after.startswith("(") else ""
        body = "\n".join(part for part in (inline if after else "", rest.strip()) if part)
        return Command(CommandRead("fix", reference), body) if body else Command(CommandRead("fix", reference))
    if name and not _courteous(rest):
        return Command(CommandRead(name, reference))
    if not name and after and (name := _name_of(_courteous(line[: found.start()]), ("fix",))):
        body = first[_place(first, found.group(2)) :].lstrip(" :：-–.") + (f"\n{rest.strip()}" if rest.strip() else "")
        return Command(CommandRead("fix", reference), body)
    return None


def _place(first: str, number: str) -> int:
    """Where the text behind a reference number begins."""
    at = digits(first).find(number)
    return at + len(number) if at >= 0 else len(first)


def _name_of(words: str, allowed: tuple[str, ...]) -> str:
    """The command that folded words are, exactly; of a word with two meanings the first allowed."""
    meanings = [name for _, name in phrases("commands", *allowed).whole.get(words, ())]
    if not meanings and words in _private_words() and "private" in allowed:
        return "private"
    return next((name for name in allowed if name in meanings), "")


@lru_cache(maxsize=1)
def _private_words() -> frozenset[str]:
    return frozenset(fold(word) for table in tables().values() for word in table.get("private", {}).get("words", ()))


def sentences(folded: str) -> list[str]:
    """The sentences and lines of a folded text, as they stand."""
    return _SPLIT.split(folded)


def _pieces(text: str) -> list[str]:
    """The sentences and lines of a text, folded, without what is only a courtesy."""
    courtesy = phrases("courtesy", "fillers", "acks").whole
    pieces = (piece.strip(_EDGE) for piece in sentences(fold(text)))
    return [piece for piece in pieces if piece and piece not in courtesy]


def _without_courtesy(text: str) -> str:
    pieces = _pieces(text)
    return _courteous(pieces[0]) if len(pieces) == 1 else ""


def _courteous(text: str) -> str:
    """Words without a "please" or "thanks" at their edges."""
    text = fold(text).strip(_EDGE)
    fillers = phrases("courtesy", "fillers")
    for _ in range(3):
        for found in list(fillers.find(text)):
            if found.start == 0 and found.end < len(text):
                text = text[found.end :].strip(_EDGE)
                break
            if found.end == len(text):
                text = text[: found.start].strip(_EDGE)
                break
        else:
            break
    return text


def _keyword(text: str, languages: tuple[str, ...], today: date | None) -> CommandRead | None:
    """A keyword alone or with its argument."""
    text = fold(text).strip(_EDGE)
    if not text or len(text) > 80:
        return None
    names = tuple(n for n in _NAMES if n not in _WITH_REF)
    if name := _name_of(text, names):
        return CommandRead(name) if name not in ("hour", "language") else None
    if _asks_not(text):
        return None
    for found in sorted(phrases("commands", "pause", "hour", "language").find(text), key=lambda f: -len(f.phrase)):
        rest = text[found.end :].strip(_EDGE) if found.start == 0 else text[: found.start].strip(_EDGE)
        if found.start != 0 and found.end != len(text):
            continue
        if read := _argument(found, rest, languages, today):
            return read
    return None


def _argument(found: Found, rest: str, languages: tuple[str, ...], today: date | None) -> CommandRead | None:
    """A keyword with what stands beside it, when that is nothing but its argument."""
    if found.name == "hour":
        hour = hour_in(rest)
        return CommandRead("hour", str(hour)) if hour is not None and len(rest) <= 12 else None
    if found.name == "language":
        code = language_code(rest, (found.language, *languages))
        alone = rest in _language_names() or speaks_of_mail(rest, found.language, today)
        return CommandRead("language", code) if code and alone else None
    days = dates_in(rest, (found.language, *languages), today)
    if days and len(rest) <= 40 and speaks_of_mail(rest, found.language, today):
        return CommandRead("pause", days[-1].value.isoformat())
    return None


@lru_cache(maxsize=1)
def _language_names() -> dict[str, str]:
    """Folded names of languages, in themselves and in the languages of the tables, to their codes."""
    names: dict[str, str] = {}
    codes = [code for code in tables() if not code.startswith("zh-")] + ["zh_Hans", "zh_Hant"]
    spoken = ("en", "es", "fr", "de", "pt", "ar", "ru", "zh_Hans", "zh_Hant", "hi", "ja", "id", "sw", "he")
    for speaker in dict.fromkeys((*spoken, *codes)):
        locale = Locale.parse("fil" if speaker == "tl" else speaker)
        wanted = codes if speaker in spoken else [speaker]
        for code in wanted:
            name = locale.languages.get(code) or locale.languages.get(code.split("_")[0])
            if name:
                names.setdefault(fold(name), code.replace("_", "-"))
    names |= {fold(code): code for code in tables()} | {
        "pt-br": "pt-BR",
        "zh": "zh-Hans",
        "chinese": "zh-Hans",
        "中文": "zh-Hans",
    }
    names |= {
        "中文(简体)": "zh-Hans",
        "繁體中文": "zh-Hant",
        "简体中文": "zh-Hans",
        "kiswahili": "sw",
        "bahasa indonesia": "id",
    }
    return names


def language_code(text: str, languages: tuple[str, ...] = ()) -> str:
    """The code of a language named in words (`French`, `français`, `fr`), or ''."""
    del languages  # the names of all service languages are known at once; a name means the same in each
    text = fold(text).strip(_EDGE)
    names = _language_names()
    if text in names:
        return names[text]
    words = [w for w in _ARGUMENT.split(text) if w]
    if len(words) <= 3:
        for word in words:
            bare = word.strip(_EDGE)
            for form in (
                bare,
                bare.removeprefix("ال"),
                bare.removeprefix("ב"),
                bare.removesuffix("で"),
                bare.removesuffix("语") + "文",
            ):
                if len(form) > 2 and form in names:
                    return names[form]
    return ""


def _prose(text: str, languages: tuple[str, ...], today: date | None) -> CommandRead | None:
    """A sentence that asks for one thing, in a mail with little else."""
    folded = fold(text)
    found = [f for f in phrases("commands", *_PROSE).find(folded) if f.name in _LOOSE or f.language not in WISHING]
    if (
        not found
        or "http" in folded
        or _asks_not(folded)
        or len(text.split()) > MAX_WORDS
        or ("?" in _last(folded) and len(_pieces(text)) > 4)
    ):
        return None
    names = {f.name for f in found}
    if "unsubscribe_prose" in names:
        return CommandRead("unsubscribe") if len(text.split()) <= 40 and len(text) <= 350 else None
    if "settings_prose" in names and len(text.split()) <= 30:
        return CommandRead("settings")
    if len(text.split()) > 25 or len(text) > 200 or len(_pieces(text)) > 3:
        return None
    spoken = tuple(dict.fromkeys((*(f.language for f in found), *languages)))
    return _asked(names, folded, found, spoken, today)


def _asks_not(folded: str) -> bool:
    """Whether a text says to leave all as it is, or what others want, what was or would be."""
    return phrases("wish", "keep", "others").first(folded, stems=True) is not None


def _named_language(folded: str, rest: str) -> str:
    """The language that a sentence asks for: just behind its words, else the only one that it names at all."""
    for length in (3, 2, 1):
        if code := language_code(" ".join(rest.split()[:length])):
            return code
    names = {_language_names()[found.phrase] for found in _language_phrases().find(folded)}
    return names.pop() if len(names) == 1 else ""


@lru_cache(maxsize=1)
def _language_phrases() -> Phrases:
    return Phrases(
        (name, code, code) for name, code in _language_names().items() if len(name) > 3 or not name.isascii()
    )


def _last(folded: str) -> str:
    return folded.rstrip()[-1:]


def _asked(
    names: set[str], folded: str, found: list[Found], spoken: tuple[str, ...], today: date | None
) -> CommandRead | None:
    """The command of a sentence; one that needs an argument and has none is no command."""
    if "pause_prose" in names:
        day = until(folded, spoken, today)
        return CommandRead("pause", day.isoformat() if day else "")
    for name in ("fortnightly", "monthly", "weekly", "resume"):
        if f"{name}_prose" in names:
            return CommandRead(name)
    for mark in found:
        rest = folded[mark.end :].strip()
        if mark.name == "language_prose" and (code := _named_language(folded, rest)):
            return CommandRead("language", code)
        if mark.name == "hour_prose" and len(rest) <= 25 and (hour := hour_in(rest)) is not None:
            return CommandRead("hour", str(hour))
    return None
