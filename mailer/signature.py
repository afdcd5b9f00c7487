"""The end of what a person wrote: valediction, contact block, "Sent from my ...", legal and list footers.

`tail(lines)` works from the last line upwards and labels only what it is sure of; the rest stays the reply.
"""

import re

from mailer.footer import RULE, Folded, Span, footers, trim
from mailer.lexicon import fold, lexicon
from mailer.reading import SegmentKind
from mailer.userpage import signs_off

_K = SegmentKind
_DELIMITER = re.compile(r"^(?:--|-- |\u2014|\u2013|\u2013\u2013|\u2014\u2014|__|_{3,12}|---)\s*$")
_URL = re.compile(r"(?:https?://|www\.)\S+|\b[\w-]+\.(?:com|org|net|edu|gov|info|io|de|fr|uk)\b", re.IGNORECASE)
_EMAIL = re.compile(r"\S@\S+\.\S")
_PHONE = re.compile(r"\+?\(?\d[\d\s().\-/]{5,}\d|\bx-?\d{3,5}\b|\bext\.? ?\d+", re.IGNORECASE)
_CONTACT = re.compile(
    r"^(?:t|f|m|p|tel|fax|mob|mobile|cell|phone|office|direct|e-?mail|skype|web|work|home|ph|pager)\b[\s.:]",
    re.IGNORECASE,
)
_TITLE = re.compile(
    r"\b(?:ceo|cto|cfo|manager|director|engineer|developer|president|vice|assistant|officer|coordinator|consultant|"
    r"chair\w*|liaison|secretary|treasurer|chapter|wikim[e\u00e9]dia|coordinat\w*|coordenad\w*|koordinat\w*|koordynator\w*|"
    r"pr[e\u00e9]sident\w*|vorsitzende\w*|vorstand\w*|tr[e\u00e9]sori\w+|secr\w{1,3}ta\w+|tesor\w+|voorzitter|"
    r"ordf\u00f6rande|p\u0159edsed\w+|prezes\w*|\u043a\u043e\u043e\u0440\u0434\u0438\u043d\u0430\u0442\u043e\u0440\w*|\u043f\u0440\u0435\u0434\u0441\u0435\u0434\u0430\u0442\u0435\u043b\w*|"
    r"department|inc|llc|ltd|gmbh|corp|co|company|university|team|group|street|st|suite|ave|road|floor|p\.?o\.? box)\b",
    re.IGNORECASE,
)
_NAME_AND_PHONE = re.compile(
    r"^\s*[A-Z][\w.']*(?: +[A-Z][\w.']*){0,3} *[-\u2013,:@]? *(?:x ?)?\+?\(?\d[\d\s().\-]{3,}\.?\s*$"
)
_POSTSCRIPT = re.compile(r"(?i)(?:p\.? ?){1,3}s\b[.:\s]")
_SENTENCE_END = re.compile(r"[.!?;,]['\")]*\s*$")
_SIGNS = re.compile(r"\s*([-_=*~#])\1{3,}\s*")
_MAX_TAIL = 40
_SENTENCE = 10  # words


def name_words(name: str, address: str) -> frozenset[str]:
    """Words of the sender's name and local part, folded: a last line that has one is the sender's name."""
    words = _WORDS.split(f"{fold(name)} {fold(address.partition('@')[0])}")
    return frozenset(w for w in words if len(w) > 1 and not w.isdigit())


def tail(lines: list[str], last: bool, names: frozenset[str] = frozenset(), first: bool = True) -> list[Span]:
    """Labelled spans at the end of a stretch of writing.

    `last`: nothing the person wrote comes after; `first`: nothing comes before. `names` as from `name_words`.
    """
    spans: list[Span] = []
    end = trim(lines, len(lines))
    folded = Folded(lines)
    if last:
        end = footers(lines, folded, end, spans, first)
    cut = _delimited(lines, folded, end, first)
    if cut is not None and cut[1] == "mobile" and _words(lines, cut[0] + 1, end) > _words(lines, 0, cut[0]):
        spans.append((cut[0], cut[0] + 1, _K.DELIMITED_SIGNATURE, "mobile"))  # the answer stands below it
    elif cut is not None:
        if cut[1] == "mobile" and cut[0] > 1 and RULE.match(lines[cut[0] - 1]):
            cut = (cut[0] - 1, cut[1])
        spans.append((cut[0], end, _K.DELIMITED_SIGNATURE, cut[1]))
        end = trim(lines, cut[0])
    rows = [i for i in range(end) if lines[i].strip()]
    if last and not first and len(rows) == 1 and is_name(lines[rows[0]]) and _all_known(folded[rows[0]], names):
        spans.append((rows[0], end, _K.CLOSING, "closing"))  # the sender's name alone, below what they answered
    _closing(lines, folded, end, spans, names, below=last and not first)
    return spans


# -- "-- " and "Sent from my ..."


def _words(lines: list[str], start: int, end: int) -> int:
    return sum(len(line.split()) for line in lines[start:end])


def _delimited(lines: list[str], folded: Folded, end: int, first: bool) -> tuple[int, str] | None:
    """Where a delimited signature begins, and by which rule."""
    floor = max(1 if first else 0, end - _MAX_TAIL)
    for i in range(floor, end):
        line = lines[i]
        if not _DELIMITER.match(line) or (line != "-- " and lines[i - 1].rstrip().endswith(":")):
            continue
        if line != "-- " and _goes_on(lines, i + 1, end):
            continue
        if _signature_like(lines, i + 1, end, strict=line.strip() not in ("--", "\u2014")):
            return i, "delimiter"
    for i in range(floor, end):
        if is_mobile(folded[i]) and _alone(lines, folded, i):
            return i, "mobile"
    return _ruled(lines, floor, end)


def _ruled(lines: list[str], floor: int, end: int) -> tuple[int, str] | None:
    """A rule of dashes over nothing but short lines, contact data among them; or such lines between two rules."""
    if end - floor > 2 and _is_frame(lines[end - 1]):
        top = next((i for i in range(end - 2, max(floor, end - 14) - 1, -1) if _is_frame(lines[i])), end)
        inside = [line.strip() for line in lines[top + 1 : end - 1] if line.strip()]
        if inside and any(map(_is_contact, inside)) and all(len(line) <= 75 for line in inside):
            return top, "ruled"
    for i in range(floor, end):
        if RULE.match(lines[i]):
            rest = [line.strip() for line in lines[i + 1 : end] if line.strip()]
            short = all(len(x) <= 60 and not (len(x.split()) > 6 and _SENTENCE_END.search(x)) for x in rest)
            if rest and len(rest) <= 14 and short and (sum(map(_is_contact, rest)) >= 2 or _only_names(rest)):
                return i, "ruled"
    return None


def _is_frame(line: str) -> bool:
    """A line of ornaments, as signatures in East Asia are framed with."""
    marks = line.replace(" ", "").replace("\u3000", "").replace("\u30fc", "-").strip()
    plain = len(set(marks)) <= 3 and not any(char.isalnum() or char in ".!?,;:\u2026\u3002" for char in marks)
    return 5 <= len(marks) <= 100 and plain


def _only_names(rest: list[str]) -> bool:
    """One or two names and nothing else."""
    said = lexicon().answers
    return len(rest) <= 2 and all(is_name(line) and fold(line).strip(" .,!") not in said for line in rest)


def is_mobile(text: str) -> bool:
    """Whether a folded line is what a phone or program adds: 'Sent from my iPhone', in any language."""
    lex = lexicon()
    text = text.strip(" *_<>[]()-\u2014")
    if not 4 < len(text) <= 120:
        return False
    bare = text.partition("<http")[0].partition("(http")[0].strip()
    phrase = lex.mobile.match(bare)
    if phrase:
        rest = bare[phrase.end() :].lstrip()
        if bare.endswith("?") or (rest.startswith(_ARTICLES) and not _DEVICE.search(rest)):
            return False
        return len(bare.split()) <= 10
    return bool(lex.mobile_ends.search(bare)) and len(bare) <= 60


_DEVICE = re.compile(r"\b(?:ios|android|iphone|ipad|windows|mac|app|mobile|phone|outlook|galaxy|tablet)\b")
_ARTICLES = ("a ", "an ", "the ", "our ", "your ", "all ", "here")


def _alone(lines: list[str], folded: Folded, at: int) -> bool:
    """A paragraph of its own, or among the last lines."""
    after = not lines[at + 1].strip() if at + 1 < len(lines) else True
    before = not lines[at - 1].strip() if at else True
    return after or (before and at + 1 < len(lines) and (is_mobile(folded[at + 1]) or _is_link(folded[at + 1])))


def _goes_on(lines: list[str], start: int, end: int) -> bool:
    """Whether nothing but whole sentences, apart from it, stand below a mark: it parts an answer."""
    rest = [line.strip() for line in lines[start:end] if line.strip()]
    told = all(len(line.split()) >= _SENTENCE and _SENTENCE_END.search(line) for line in rest)
    return bool(rest) and not lines[start].strip() and told and not any(map(_is_contact, rest))


def _is_link(text: str) -> bool:
    """Nothing but the address of a page."""
    return text.lstrip(" <(").startswith(("http://", "https://", "www.")) and len(text.split()) == 1


def _signature_like(lines: list[str], start: int, end: int, strict: bool) -> bool:
    """Whether what follows a delimiter may be a signature: few and short lines."""
    rest = [line.strip() for line in lines[start:end] if line.strip()]
    if not rest:
        return False
    if not strict:
        return len(rest) <= 20
    return len(rest) <= 6 and all(len(line) <= 60 for line in rest) and not any(RULE.match(x) for x in rest)


# -- valediction, name, contact block


def _closing(
    lines: list[str], folded: Folded, end: int, spans: list[Span], names: frozenset[str], *, below: bool
) -> None:
    """Label a valediction with its name, and the contact block after it. `below` a quote they may stand alone."""
    rows = [i for i in range(max(0, end - _MAX_TAIL), end) if lines[i].strip()]
    if len(rows) < 2:
        return
    at = _valediction(lines, folded, rows, names, below=below)
    if at is None:
        at = _name_or_block(lines, rows)
        if at is None and _all_known(folded[rows[-1]], names):
            at = rows[-1]  # the writer's own name, even without capitals
        if at is None and names and _introduces(lines[rows[-1]], names):
            at = rows[-1]
        if at is not None and len([i for i in rows if i >= at]) == 1 and not _own_name(lines, folded, at, names):
            return
        if at is not None and (_announced(lines, at) or _listed(lines, at)):
            return
    if at is None or not (below or any(lines[i].strip() for i in range(at))):
        return
    if _is_card(lines[at]):
        spans.append((at, end, _K.SIGNATURE, "contact-block"))
        return
    if at and _SIGNS.fullmatch(lines[at - 1]):
        spans.append((at - 1, end, _K.DELIMITED_SIGNATURE, "ruled"))
        return
    kind = _K.DELIMITED_SIGNATURE if _SIGNED.match(lines[at]) and lines[at].lstrip()[0] == "-" else _K.CLOSING
    stop = _closing_end(lines, folded, [i for i in rows if i >= at])
    spans.append((_parting(lines, folded, at) if kind is _K.CLOSING else at, stop, kind, "closing"))
    if any(lines[i].strip() for i in range(stop, end)):
        spans.append((stop, end, _K.SIGNATURE, "contact-block"))


def _parting(lines: list[str], folded: Folded, at: int) -> int:
    """Where taking leave begins: with "Looking forward to hearing from you" on a line above valediction or name."""
    above = trim(lines, at) - 1
    leaves = lexicon().parting.match(folded[above]) if above > 0 and len(folded[above]) <= _PARTING else None
    if leaves is None or len(folded[above][leaves.end() :].split()) > _FEW_WORDS:
        return at
    return above if any(line.strip() for line in lines[:above]) else at


def _listed(lines: list[str], at: int) -> bool:
    """Whether a name stands directly below two others: then it is one of a list, not a signature."""
    return at > 1 and all(is_name(lines[i]) and not _closes(lines[i].strip()) for i in (at - 1, at - 2))


def _initials(line: str, names: frozenset[str]) -> bool:
    """The sender's initials: "A. R." or "AR" of Ana Ruiz, but not the "OK" of Olga Kim."""
    bare = line.strip()
    alone = _CAPITALS.fullmatch(bare) is not None and fold(bare) not in lexicon().answers
    letters = _LETTER.findall(fold(line)) if alone or _INITIALS.fullmatch(bare) else []
    return bool(letters) and {name[0] for name in names}.issuperset(letters)


def unlabelled(text: str, names: frozenset[str]) -> str:
    """An answer between quoted lines without the writer's name before it, as Outlook marks them: "[Ana Ruiz] Yes"."""
    found = _LABELLED.match(text)
    head = (found[1] or found[2]).strip() if found else ""
    named = _all_known(fold(head), names) and (found is None or bool(found[1]) or " " in head)  # "Grant: too small"
    if found and (_initials(head, names) or named) and text[found.end() :].strip():
        return text[found.end() :]
    return text


def _all_known(text: str, names: frozenset[str]) -> bool:
    """Whether a folded line is made of the sender's names alone."""
    return bool(names) and frozenset(_WORDS.split(text.strip(" .-~"))) <= names


def _announced(lines: list[str], at: int) -> bool:
    """A colon before it: 'Please write to:' makes a name and address part of the answer."""
    before = next((lines[i].rstrip() for i in range(at - 1, max(-1, at - 4), -1) if lines[i].strip()), "")
    return before.endswith((":", "\uff1a"))


def _introduces(line: str, names: frozenset[str]) -> bool:
    """The sender's whole name, then what they are: 'Ana Ruiz, Chair of Group West'."""
    head, mark, rest = line.strip(" \t-\u2013\u2014*_").partition(",")
    words = [word for word in _WORDS.split(fold(head)) if word]
    title = bool(mark) and len(rest.split()) <= 6 and not _SENTENCE_END.search(rest)
    return title and len(words) > 1 and frozenset(words) <= names and is_name(head)


def _own_name(lines: list[str], folded: Folded, at: int, names: frozenset[str]) -> bool:
    """A lone word or two at the end: the sender's name, or any name under a text of some length.

    Without that care the answer "Agreed" under "Hello all," would be taken for a name.
    """
    if names.intersection(_WORDS.split(folded[at])) or signs_off(lines[at]) or _initials(lines[at], names):
        return True
    if folded[at].strip(" .,!") in lexicon().answers:
        return False
    if at and lines[at - 1].strip() and not _SIGNED.match(lines[at]):
        return False
    words = sum(len(line.split()) for line in lines[max(0, at - 60) : at])
    return words >= 12 and not _CASELESS.search(lines[at]) and not lines[at].rstrip().endswith(".")


def _valediction(
    lines: list[str], folded: Folded, rows: list[int], names: frozenset[str], *, below: bool
) -> int | None:
    """The line of the valediction when everything after it looks like name and contact data."""
    closings = lexicon().closings
    for place, i in enumerate(rows):
        text = folded[i].lstrip("/-*_ ")
        match = closings.match(text)
        whole = place == 0 and len(rows) == len([x for x in lines if x.strip()])
        if match is None or len(text) > 70 or (whole and not (below and _named_below(lines, rows[1:], names))):
            continue
        left = text[match.end() :].strip(" ,.!-*_:;)\u3002\u3001")
        more = 3 if _FROM_PLACE.match(left) else 0
        if len(left.split()) > 4 + more or len(text.split()) > 8 + more:
            continue
        rest = rows[place + 1 :]
        if len(left.split()) > 2 and not more and text.rstrip().endswith("."):
            continue  # a whole sentence: "Merci de me retirer."
        if not left and not rest and text.strip(" ,.!") in lexicon().answers:
            continue  # "Tak" is Danish for thanks, and Polish for yes
        if left and not rest and not _names_behind(lines[i], text[match.end() :], left, names):
            continue  # "Love the proposal", "Best option: B" are no valedictions
        said = sum(len(lines[j].split()) for j in rows[:place])
        if said < 5 and not left and len(rest) == 1 and _may_answer(lines[rest[0]], rest[0] > i + 1, names):
            continue
        if _all_sign(lines, rest, names):
            return i
    return None


def _named_below(lines: list[str], rows: list[int], names: frozenset[str]) -> bool:
    """Whether the first line under one valediction or two is the writer's name."""
    under = next((lines[i] for i in rows if not _closes(lines[i].strip())), "")
    known = _all_known(fold(under), names) if under else False
    return known or (is_name(under) and not names.isdisjoint(_WORDS.split(fold(under))))


def _names_behind(line: str, behind: str, left: str, names: frozenset[str]) -> bool:
    """Whether what stands behind a valediction on the last line is a name: "Thanks, Ana", "Best - the Lima group"."""
    if names.intersection(_WORDS.split(left)):
        return True
    if not _CASELESS.search(left):
        return is_name(line.rstrip(" .!")[-len(left) :])
    ended = line.rstrip().endswith((".", "!", "\u3002", "\uff01", "\u061f", "\u0964"))
    return behind.lstrip()[:1] in _COMMAS and is_name(left) and not ended


def _may_answer(line: str, apart: bool, names: frozenset[str]) -> bool:
    """One word that is no known name: "Hello, / Thank you! / Yes" ends in the answer, not in a name."""
    word = fold(line).strip(".,!")
    return " " not in word and word not in names and (apart or len(word) <= 2)


def _all_sign(lines: list[str], rows: list[int], names: frozenset[str]) -> bool:
    """Whether lines under a valediction are name, title and contact data, and none of them says anything."""
    if len(rows) > 14:
        return False
    named = False
    if rows and fold(lines[rows[0]]).strip(" .,!\u3002\uff01") in lexicon().answers:
        return False
    for place, j in enumerate(rows):
        text = lines[j].strip()
        if _POSTSCRIPT.match(text):
            return False
        if (
            is_name(text)
            or (not named and _GLUED_NAME.fullmatch(text))
            or names.intersection(_WORDS.split(fold(text[:80])))
        ):
            named = True
        elif _is_contact(text) or (_TITLE.search(text) and len(text) <= 75) or (place < 2 and _closes(text)):
            continue
        elif not named or len(text) > 75 or (_SENTENCE_END.search(text) and len(_LETTERS.findall(text)) > 3):
            return False
    return True


def _closes(text: str) -> bool:
    """A second valediction below the first."""
    return len(text) <= 30 and lexicon().closings.match(fold(text)) is not None


def _closing_end(lines: list[str], folded: Folded, rows: list[int]) -> int:
    """After the valediction and at most two lines of name."""
    if not rows:
        return 0
    stop = rows[0] + 1
    closings = lexicon().closings
    for i in rows[1:3]:
        if closings.match(folded[i]) or is_name(lines[i]):
            stop = i + 1
        else:
            break
    return stop


def is_name(line: str) -> bool:
    """At most four words, all letters, at least one of them capitalised or of a script without case."""
    if signs_off(line):
        return True
    if re.match(r"\s*[-*\u2022] ", line):
        return False  # an item of a list
    signed = _SIGNED.match(line) is not None
    line = _FOR_SOMEBODY.sub("", _PRONOUNS.sub("", line))
    words = line.strip(" \t\u00a0*_,.-\u2013\u2014/~").split()
    if not 0 < len(words) <= 4 or len(line) > 45 or line.rstrip().endswith(("?", "!", ":", ";")):
        return False
    if not all(_NAME_WORD.fullmatch(_MARKS.sub("", w)) for w in words):
        return False
    if signed and len(words) <= 2:
        return True
    if any(_CASELESS.match(w) for w in words):
        return len(words) <= 3 and (len(line.strip()) <= 5 or not _GLUED_SCRIPT.search(line))
    return all(w[0].isupper() or w.lower() in _PARTICLES for w in words)


_WORDS = re.compile(r"[^\w]+")
# "Greetings from ...", folded
_FROM_PLACE = re.compile(
    r"(?:from|aus|vom|desde|depuis|dal|dalla|van|vanuit|uit|fr\u00e5n|fra|z|ze|\u0438\u0437|\u043e\u0442|\u0437|dari|kutoka)\s\w"
)
_LETTERS = re.compile(r"[^\W\d_]{2,}")
_LETTER = re.compile(r"[^\W\d_]")
_INITIALS = re.compile(r"(?:[^\W\d_]\.[ -]?){2,4}")
_LABELLED = re.compile(r"\s{0,3}(?:\[([^\[\]\n]{2,60})\]\s?:?|([^\[\]\n:]{2,60}):)\s{1,4}")
_CAPITALS = re.compile(r"[A-Z\u00c0-\u00de\u0391-\u03a9\u0410-\u042f]{2,3}")
_FEW_WORDS = 5  # behind "Looking forward to hearing from you"
_PARTING = 90  # characters of a line that only takes leave
_NAME_WORD = re.compile(r"[^\W\d_][\w.'\u2019\u00ad\u30fb\u00b7-]*")
# Vowel signs of the scripts of India and South-East Asia, Hebrew and Arabic points: parts of letters, not letters.
_MARKS = re.compile(
    "[\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u0900-\u0903\u093a-\u094f\u0981-\u0983\u09bc-\u09cd"
    "\u0a01-\u0a03\u0a3c-\u0a4d\u0a81-\u0a83\u0abc-\u0acd\u0b82\u0bbe-\u0bcd\u0c01-\u0c03\u0c3e-\u0c4d"
    "\u0c82\u0c83\u0cbc-\u0ccd\u0d02\u0d03\u0d3e-\u0d4d\u0d82\u0d83\u0dca-\u0ddf\u0e31\u0e34-\u0e3a\u0e47-\u0e4e"
    "\u0eb1\u0eb4-\u0ebc\u0ec8-\u0ecd\u102b-\u103e\u17b4-\u17d3\u200c\u200d]"
)
_BARS = re.compile(r"\s+[|\u00b7\u2022\u2016\u2502]\s+|\s*\|\s*")
_COMMAS = tuple(",\u060c\uff0c\u3001!\uff01-\u2013\u2014")
_GLUED_NAME = re.compile("[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af \u3000\u30fb\u00b7.]{1,14}")
_SIGNED = re.compile(r"\s*(?:[-/~](?=[^\W\d_])|[\u2013\u2014]\s?(?=[^\W\d_]))")
_CASELESS = re.compile("[\u0590-\u10ff\u1200-\u137f\u3040-\u9fff\uac00-\ud7af]")
_GLUED_SCRIPT = re.compile("[\u0e00-\u0eff\u3040-\u9fff\uac00-\ud7af]")
_PRONOUNS = re.compile(r"\s*[(\[][^\W\d_]{1,6}(?:\s?/\s?[^\W\d_]{1,6}){1,3}[)\]]\s*$")
_FOR_SOMEBODY = re.compile(r"^\s*(?:[ip]\. ?[AVp]\.|gez\.|/s/)\s+")
_PARTICLES = frozenset(
    ["de", "da", "do", "dos", "la", "le", "du", "van", "von", "der", "den", "di", "al", "el", "bin", "ibn", "y", "e"]
)


def _name_or_block(lines: list[str], rows: list[int]) -> int | None:
    """A last paragraph that is only a name, or a name over lines of contact data."""
    block: list[int] = []
    for i in reversed(rows):
        text = lines[i].strip()
        if (len(text) > 60 and not (not block and (_is_card(text) or signs_off(text)))) or len(block) >= 10:
            break
        block.append(i)
        if i == 0 or not lines[i - 1].strip():
            if _is_block(lines, block):
                return i
            if not all(_is_contact(lines[j]) or is_name(lines[j]) for j in block):
                break
    return next((i for i in block[::-1] if is_name(lines[i]) and _is_block(lines, [j for j in block if j >= i])), None)


def _is_card(line: str) -> bool:
    """All on one line: 'Ana Ruiz | Group West | +34 600 000 000'."""
    fields = _BARS.split(line.strip())
    return len(fields) >= 3 and len(line) <= 140 and is_name(fields[0]) and any(map(_is_contact, fields[1:]))


def _is_contact(line: str) -> bool:
    text = line.strip()
    if _POSTSCRIPT.match(text):
        return False
    return bool(_PHONE.search(text) or _URL.search(text) or _EMAIL.search(text) or _CONTACT.match(text))


def _is_block(lines: list[str], block: list[int]) -> bool:
    """Name first, then contact data or titles; a lone name is one as well."""
    rows = sorted(block)
    if len(rows) == 1 and _is_card(lines[rows[0]]):
        return True
    if rows and _NAME_AND_PHONE.match(lines[rows[0]]) and len(lines[rows[0]]) <= 60:
        return all(_is_contact(lines[j]) or _TITLE.search(lines[j]) for j in rows)
    if not rows or not is_name(lines[rows[0]]):
        return False
    if len(rows) == 1:
        return True
    return any(_is_contact(lines[j]) or _TITLE.search(lines[j]) for j in rows[1:]) and not any(
        _SENTENCE_END.search(lines[j]) and len(lines[j].split()) > 6 for j in rows[1:]
    )
