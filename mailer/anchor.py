"""Statements and what they answer: a reply cut into citable pieces, each tied to items, questions and tracks.

Evidence, strongest first: a code in the text (`RR-2`), a reference (`S-1042`), a numbered item or
recommendation named in words, the quoted lines just above, the address it was sent to, the topic it names,
the only question of the digest. Content beats the thread. Nothing found: no anchor and low confidence.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from mailer.known import Known
from mailer.nod import nod_in
from mailer.phrases import fold, phrases
from mailer.pointer import only_points
from mailer.reading import Anchor, Context, ItemKnown, Segment, SegmentKind, StatementRead
from mailer.when import digits

MAX_STATEMENTS = 60
_LEADING = 100  # characters of a line that leads to something passed on
_CALLS = ",!،！،，։"
_EDGE = " ,.:!،：！。՝։"
SURE, NUMBERED, UNDER_QUOTE, ADDRESSED, TOPIC, LISTED, ONLY, SUBJECT, NONE = (
    0.98,
    0.9,
    0.92,
    0.88,
    0.7,
    0.6,
    0.5,
    0.45,
    0.1,
)
_LIST = re.compile(
    r"[\s\u200e\u200f\u202a-\u202e]{0,8}(?:[#(（]?(\d{1,3})[.)．）:：、]|#(\d{1,3})\b|"
    r"[(（](\d{1,3})[)）])(?!\d)\s{0,3}[\u200e\u200f]?"
)
_BULLET = re.compile(r"\s{0,8}[-*•–·‣◦]\s+")
_REFERENCE = re.compile(r"(?<![\w-])S-(\d{1,9}[a-z]?)(?![\w-])")
_NUMBER_AFTER = re.compile(
    r"[\s:#№nº°.]{0,4}(?:(?:la|no|nr|num|number|nummer|numéro|número|numero|номер|رقم|ya|kwanza|số|"
    r"hao)[\s.:]{1,2})?(\d{1,3})(?![\d.]\d)"
)
_NUMBER_BEFORE = re.compile(r"(?<!\d)(\d{1,3})(?:st|nd|rd|th|\.|-?[^\W\d]{1,3})?[\s.]{1,2}$")
_ORDINAL = re.compile(r"第\s?(\d{1,3})\s?(?:条|條|項|项|个|個|号|號|点|點)?(?:建议|建議|提案|提言|推荐|勧告|推奨)?")
_UNSPACED = re.compile("[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff]")
_CALLED = 6  # letters of a name beside a greeting, in scripts without spaces
_GREETING = re.compile(r"^[^\n]{0,40}[,،:!：！،。]?$")


@dataclass(slots=True)
class _Piece:
    """A stretch of new text under construction: its number in a list, and the quote it stands under."""

    lines: list[str]
    number: int = 0
    colon: bool = False
    quote: str = ""
    heads: bool = False

    @property
    def text(self) -> str:
        return "\n".join(self.lines).strip()


def statements(
    segments: Iterable[Segment], context: Context, subject: str = "", forwarded: str = ""
) -> tuple[StatementRead, ...]:
    """The statements of a mail in order. `forwarded` is a community's own text that the mail passes on."""
    known = Known(context)
    answers = _answers(segments)
    pieces = [piece for text, quote in answers for piece in _cut(text, quote, known)]
    if any(quote for _, quote in answers):  # "See my answers below" is none itself
        pieces = [piece for piece in pieces if piece.quote or not only_points(piece.text)]
    if forwarded.strip():
        pieces = [piece for piece in pieces if not _leads(piece, known)]  # "From one of our members:"
        pieces += _cut(forwarded, "", known)
    found = [
        _read(piece, known)
        for place, piece in enumerate(pieces)
        if piece.text and (_answers_shortly(piece) or not _only_greeting(piece.text, place == 0 and len(pieces) > 1))
    ]
    joined = _join(found)
    if not any(s.anchors for s in joined):
        joined = _as_one(joined)
    return tuple(_fallback(s, known, subject) for s in joined)


def _leads(piece: _Piece, known: Known) -> bool:
    """Whether words only lead to what is passed on below them."""
    text = piece.text
    brief = len(text) <= _LEADING and "\n" not in text and not known.codes(text)
    return brief and (text[-1:] in ":：" or only_points(text)) and not re.search(r"[.!?。！？؟।]", text[:-1])


def _answers(segments: Iterable[Segment]) -> list[tuple[str, str]]:
    """Each stretch of the person's words with the quote directly above it ('' for none)."""
    found: list[tuple[str, str]] = []
    quote = ""
    for segment in segments:
        if segment.kind is SegmentKind.QUOTE:
            quote = segment.text
        elif segment.kind is SegmentKind.REPLY and segment.said.strip():
            found.append((segment.said, quote))
    return found


def _cut(text: str, quote: str, known: Known) -> list[_Piece]:
    """Pieces at list numbers, at lines that open with a code, and at blank lines."""
    pieces: list[_Piece] = []
    current = _Piece([], quote=quote)
    for line in text.split("\n"):
        if len(pieces) >= MAX_STATEMENTS:  # what is too much to tell apart stays together
            current.lines.append(line)
            continue
        number, colon = _list_number(line)
        heads = bool(known.codes(line[:60])) and (bool(number) or _opens_with_code(line, known))
        heads = heads or _opens_with_number(line)
        blank = not line.strip()
        if (blank or number or heads) and current.text:
            pieces.append(current)
            current = _Piece([], quote=quote)
        if not blank:
            if number or heads:
                current = _Piece([], number, colon, quote, heads)
            current.lines.append(line)
    if current.text:
        pieces.append(current)
    return pieces


def _opens_with_code(line: str, known: Known) -> bool:
    """Whether a code stands at the head of a line, at most a few short words in: `On RR-2:`, `Zu REV-1`."""
    bare = _BULLET.sub("", digits(line))
    at = known.first_code(bare)
    return 0 <= at <= 24 and len(bare[:at].split()) <= 4


def _opens_with_number(line: str) -> bool:
    """Whether a line begins by naming a question, item or recommendation: `Question 3: ...`."""
    head = fold(digits(line[:40]))
    return any(hit.start <= 4 and _NUMBER_AFTER.match(head, hit.end) for hit in phrases("numbers").find(head))


def _list_number(line: str) -> tuple[int, bool]:
    found = _LIST.match(digits(line[:40]))
    if not found:
        return 0, False
    number = next(group for group in found.groups() if group)
    return int(number), ":" in found.group() or "：" in found.group() or "#" in found.group()


def _answers_shortly(piece: _Piece) -> bool:
    """ "Yes", "Agreed", "+1": under a quoted question any nod but thanks answers it, elsewhere a word of consent."""
    if nod_in(piece.text) != "supports":
        return False
    said = fold(piece.text).strip(_EDGE)
    return (
        bool(piece.quote) or said in phrases("closing", "answers").whole or bool(phrases("cues", "support").first(said))
    )


def _only_greeting(text: str, first: bool = False) -> bool:
    """A line that only greets: begins with (or is) a courtesy, or opens the mail in a few words and a "
    "comma."""
    if "\n" in text.strip() or len(text) > 60:
        return False
    folded = fold(text).strip(_EDGE)
    # "Yes, translate it!" begins with a word of consent, and greets nobody
    begins = max(
        (hit.end for hit in phrases("courtesy", "fillers", "thanks").find(folded) if hit.start == 0), default=0
    )
    mark = text.rstrip()[-1:]
    glued = _UNSPACED.search(folded) is not None
    short = len(folded) <= _CALLED if glued else len(text.split()) <= (4 if mark in ",،，" or begins else 2)
    if first and short and mark in _CALLS and not any(char.isdigit() for char in text):
        return True
    if folded in phrases("courtesy", "fillers", "acks").whole:
        return True
    brief = len(folded.split()) <= 6 and (not glued or len(folded) - begins <= _CALLED)
    return begins > 0 and mark in ",:!،：！，,。" and brief


def _read(piece: _Piece, known: Known) -> StatementRead:
    """One piece with what its own words and the quote above it say."""
    text = piece.text
    ascii_text = digits(text)
    anchors: list[Anchor] = [Anchor("statement", f"S-{m.group(1)}") for m in _REFERENCE.finditer(ascii_text)][:5]
    codes = known.codes(ascii_text)
    recommended = _named_numbers(ascii_text, "recommendation")
    recommendations = [Anchor("recommendation", str(n)) for n in recommended]
    if codes:
        sure = SURE if known.questions else LISTED
        return StatementRead(
            text, _unique([*known.of_codes(codes), *recommendations, *anchors]), sure, _short(piece.quote)
        )
    if recommendations and (code := known.about_recommendation(text)):
        return StatementRead(
            text, _unique([*known.of_codes([code]), *recommendations, *anchors]), NUMBERED, _short(piece.quote)
        )
    item = _item_named(piece, ascii_text, known)
    if item:
        confidence = NUMBERED if piece.colon or not piece.number else LISTED
        return StatementRead(
            text, _unique([*known.of_item(item), *recommendations, *anchors]), confidence, _short(piece.quote)
        )
    under = known.in_quote(piece.quote)
    if under:
        return StatementRead(text, _unique([*under.anchors, *recommendations, *anchors]), UNDER_QUOTE, under.line)
    found = _unique([*recommendations, *anchors])
    return StatementRead(text, found, NUMBERED if found else NONE, _short(piece.quote) if piece.quote else "")


def _item_named(piece: _Piece, text: str, known: Known) -> ItemKnown | None:
    """The item that `2: ...`, `item 2`, `question 3` or a list number names, where the digest has it."""
    for number in [*_named_numbers(text, "item"), *_named_numbers(text, "question")]:
        if item := known.item(number):
            return item
    return known.item(piece.number) if piece.number else None


def _named_numbers(text: str, name: str) -> list[int]:
    """Numbers that stand beside a word for item, question or recommendation, in any language of the "
    "tables."""
    folded = fold(text[:3_000])
    numbers: list[int] = []
    for found in phrases("numbers", name).find(folded):
        after = _NUMBER_AFTER.match(folded, found.end)
        before = _NUMBER_BEFORE.search(folded[max(0, found.start - 10) : found.start])
        hit = after or before
        if hit and hit.group(1) not in ("0", ""):
            numbers.append(int(hit.group(1)))
    if name == "recommendation":
        numbers += [
            int(m.group(1))
            for m in _ORDINAL.finditer(folded)
            if re.search(r"建议|建議|提案|提言|推荐|勧告|推奨", m.group())
        ]
    return list(dict.fromkeys(numbers))[:13]


def _join(found: list[StatementRead]) -> list[StatementRead]:
    """Paragraphs without an anchor of their own continue the answer before them."""
    joined: list[StatementRead] = []
    for statement in found:
        last = joined[-1] if joined else None
        if last and _continues(last, statement):
            joined[-1] = replace(last, text=f"{last.text}\n\n{statement.text}")
        else:
            joined.append(statement)
    return joined


def _continues(last: StatementRead, statement: StatementRead) -> bool:
    """Whether a paragraph belongs to the answer before it: nothing of its own to hold on to, or the "
    "same quote."""
    if last.confidence == UNDER_QUOTE == statement.confidence and last.anchors == statement.anchors:
        return True
    return bool(last.anchors) and not statement.anchors and last.quote == statement.quote


def _as_one(found: list[StatementRead]) -> list[StatementRead]:
    """What names nothing is one statement, unless each part stands under a quote of its own."""
    if len({s.quote for s in found}) > 1:
        return found
    return [replace(found[0], text="\n\n".join(s.text for s in found))] if found else []


def _fallback(statement: StatementRead, known: Known, subject: str) -> StatementRead:
    """Anchors from the address, the topic, the digest's only question or the subject, for what names "
    "nothing."""
    weak = all(anchor.kind in ("recommendation", "statement") for anchor in statement.anchors)
    if not weak:
        return statement
    own = list(statement.anchors)
    for anchors, confidence in (
        (known.addressed(), ADDRESSED),
        (known.by_topic(statement.text), TOPIC),
        (known.by_cue(statement.text), LISTED),
        (known.only_question(), ONLY),
        (known.by_topic(subject, in_subject=True), SUBJECT),
        (known.by_words(statement.text), SUBJECT),
    ):
        if anchors:
            return replace(statement, anchors=_unique([*anchors, *own]), confidence=max(confidence, NONE))
    return statement


def _unique(anchors: Iterable[Anchor]) -> tuple[Anchor, ...]:
    return tuple(dict.fromkeys(anchors))


def _short(quote: str) -> str:
    """The last lines of a quote, without marks."""
    lines = [line.lstrip("> \t") for line in quote.split("\n") if line.strip("> \t")]
    return "\n".join(lines[-3:])[:500]
