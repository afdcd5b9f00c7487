"""What our side knows of a digest, made ready for looking up: codes, items, tracks and the words for them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from mailer.phrases import Phrases, fold, phrases, tables
from mailer.reading import Anchor, Context, ItemKnown, QuestionKnown, TrackKnown
from mailer.when import digits

_CODE = re.compile(r"(?<![A-Za-z0-9])([A-Za-zＡ-Ｚ]{1,12})[ \u00a0\-‐‑–－_]{0,2}(\d{1,3})(?![A-Za-z0-9])")
_EXACT = re.compile(r"(?<![\w-])(?!(?:S|UTF|ISO|RFC|COVID|CC|MP|HTTP|ASCII|A|B|H|G)-)[A-Z]{1,4}-[1-9]\d?(?![\w-])")
_GENERAL = ("all-working-groups", "all", "core-team", "organized-groups", "")
_WORD = re.compile(r"[^\W\d_]{4,}")
_STOP = frozenset(
    _WORD.findall(
        "about also been best could does from have into keeps make makes more most much must need only other over "
        "should than that their them then there these they this those under very were what when where which whose "
        "will with would your"
    )
)


@dataclass(frozen=True, slots=True)
class Under:
    """What a quoted line is about."""

    anchors: tuple[Anchor, ...]
    line: str


class Known:
    """The context of one mail as look-ups. Every look-up is linear in the text it is given."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.questions: dict[str, QuestionKnown] = {q.code.upper(): q for q in context.questions if q.code}
        for item in context.items:
            if item.code:
                self.questions.setdefault(item.code.upper(), QuestionKnown(item.code, item.track, item.title))
        self.asked = [item.code.upper() for item in context.items if item.code] or (
            list(self.questions) if not context.items else []
        )

    def codes(self, text: str) -> list[str]:
        """Codes of known questions in a text, however they are typed (`RR-2`, `rr 2`, `ＲＲ－２`)."""
        found = [f"{fold(m.group(1)).upper()}-{int(m.group(2))}" for m in _CODE.finditer(digits(text[:8_000]))]
        if not self.questions:  # nothing known: what is typed exactly like a code is taken for one
            found = [m.group() for m in _EXACT.finditer(text[:8_000])]
            return list(dict.fromkeys(found))
        return [code for code in dict.fromkeys(found) if code in self.questions]

    def first_code(self, text: str) -> int:
        """Where the first known code stands in a text, -1 for none."""
        for match in _CODE.finditer(digits(text[:200])):
            if f"{fold(match.group(1)).upper()}-{int(match.group(2))}" in self.questions:
                return match.start()
        return -1

    def item(self, number: int) -> ItemKnown | None:
        """The item of the digest with that number."""
        return next((item for item in self.context.items if item.number == number), None)

    def of_codes(self, codes: Iterable[str]) -> list[Anchor]:
        """Anchors of questions: the question, its item in this digest, its track."""
        anchors: list[Anchor] = []
        for code in codes:
            question = self.questions.get(code.upper()) or QuestionKnown(code, "")
            anchors.append(Anchor("question", question.code))
            anchors += [Anchor("item", str(i.number)) for i in self.context.items if i.code.upper() == code.upper()]
            if question.track:
                anchors.append(Anchor("track", question.track))
        return anchors

    def of_item(self, item: ItemKnown) -> list[Anchor]:
        """Anchors of an item: its question where it is one, the item, its track."""
        anchors = [Anchor("question", item.code)] if item.code else []
        anchors.append(Anchor("item", str(item.number)))
        return [*anchors, Anchor("track", item.track)] if item.track else anchors

    def in_quote(self, quote: str) -> Under | None:
        """The item or question that the nearest quoted line above an answer shows."""
        lines = [line.lstrip("> \t|") for line in quote.split("\n")]
        lines = [line for line in lines if line.strip()][-40:]
        for at in range(len(lines) - 1, -1, -1):
            line = lines[at]
            if codes := self.codes(line[:80]):
                return Under(tuple(self.of_codes(codes[:1])), line[:500])
            if anchors := self._by_title(line + (" " + lines[at + 1] if at + 1 < len(lines) else "")):
                return Under(tuple(anchors), line[:500])
            number = re.match(r"\s*[\[(#]?(\d{1,3})[.):\]]\s", digits(line))
            if number and (item := self.item(int(number.group(1)))):
                return Under(tuple(self.of_item(item)), line[:500])
        return None

    def _by_title(self, text: str) -> list[Anchor]:
        """An item or question whose title or wording a quoted text repeats (most of its longer words)."""
        words = set(_WORD.findall(fold(text)))
        if len(words) < 3:
            return []
        for item in self.context.items:
            if any(_same(words, candidate) for candidate in (item.title, *item.texts)):
                return self.of_item(item)
        for code, question in self.questions.items():
            if _same(words, question.text):
                return self.of_codes([code])
        return []

    def addressed(self) -> list[Anchor]:
        """The item named by the address that the mail was sent to."""
        if not self.context.token_item:
            return []
        item = self.item(self.context.token_item)
        return self.of_item(item) if item else [Anchor("item", str(self.context.token_item))]

    def only_question(self) -> list[Anchor]:
        """The question of a digest that asks just one."""
        if len(self.context.items) == 1:
            return self.of_item(self.context.items[0])
        return self.of_codes(self.asked) if len(self.asked) == 1 else []

    def tracks_in(self, text: str) -> list[str]:
        """Tracks that a text names, by their names in the writer's language."""
        slugs = {q.track for q in self.questions.values()} | {i.track for i in self.context.items}
        slugs |= {t.slug for t in self.context.tracks}
        slugs.discard("")
        if not slugs:
            return []
        topics = _topics(frozenset(slugs), self.context.tracks)
        return list(dict.fromkeys(found.name for found in topics.find(fold(text[:4_000]))))

    def by_topic(self, text: str, in_subject: bool = False) -> list[Anchor]:
        """The one question of a track that the text names; several questions of it: the track alone."""
        anchors: list[Anchor] = []
        for slug in self.tracks_in(text)[:3]:
            here = [c for c in self.asked if self.questions[c].track == slug]
            general = [c for c in self.asked if self.questions[c].track in _GENERAL]
            anywhere = [c for c, q in self.questions.items() if q.track == slug]
            for codes in (here, general if len(self.asked) == len(general) else [], anywhere):
                chosen = codes if len(codes) == 1 else [self._cued(codes, text)] if codes else []
                if chosen and chosen[0]:
                    anchors += self.of_codes(chosen)
                    break
            anchors += [Anchor("item", str(i.number)) for i in self.context.items if i.track == slug and not i.code]
            anchors.append(Anchor("track", slug))
        return [] if in_subject and not any(a.kind == "question" for a in anchors) else anchors

    def about_recommendation(self, text: str) -> str:
        """The question about recommendations that a remark on one answers, by what kind of remark it is."""
        codes = [c for c in self.asked if self._is_recommendation(c)] or [
            c for c in self.questions if self._is_recommendation(c)
        ]
        return self._cued(codes, text) or (codes[0] if codes else "")

    def by_cue(self, text: str) -> list[Anchor]:
        """Where a digest asks only about recommendations: the question that the kind of remark fits."""
        if not self.asked or not all(self._is_recommendation(code) for code in self.asked):
            return []
        return self.of_codes([self._cued(self.asked, text) or self.asked[0]])

    def _is_recommendation(self, code: str) -> bool:
        """A question about a recommendation, or one of the same series as such a question."""
        series = code.rpartition("-")[0]
        return any(
            "recommendation" in q.text.lower() for c, q in self.questions.items() if c.rpartition("-")[0] == series
        )

    def _cued(self, codes: list[str], text: str) -> str:
        """The question whose wording asks for the kind of remark (missing, objection) that the text makes."""
        cues = {found.name for found in phrases("cues", "missing", "objection").find(fold(text[:4_000]), stems=True)}
        for cue in ("objection", "missing"):
            for code in codes if cue in cues else []:
                asked = fold(self.questions[code].text)
                marks = ("stop", "oppos", "object", "against") if cue == "objection" else ("missing", "unclear", "lack")
                if any(mark in asked for mark in marks):
                    return code
        return ""

    def by_words(self, text: str) -> list[Anchor]:
        """The asked question that shares the most telling words with an English text; a tie is none."""
        words = _stems(text)
        scored = sorted(((len(words & _stems(self.questions[c].text)), c) for c in self.asked), reverse=True)
        if scored and scored[0][0] >= 2 and (len(scored) == 1 or scored[0][0] > scored[1][0]):
            return self.of_codes([scored[0][1]])
        return []


@lru_cache(maxsize=16)
def _topics(slugs: frozenset[str], tracks: tuple[TrackKnown, ...]) -> Phrases:
    """The words for some tracks: those of the process, and those of the tables in every language."""
    entries = [(word, "", track.slug) for track in tracks for word in (track.name, *track.words) if word]
    for language, table in tables().items():
        for slug, words in table.get("topics", {}).items():
            entries += [(word, language, slug) for word in words if slug in slugs]
    return Phrases(entries)


def _stems(text: str) -> set[str]:
    return {word[:6] for word in _WORD.findall(fold(text[:4_000])) if word not in _STOP}


def _same(words: set[str], title: str) -> bool:
    wanted = set(_WORD.findall(fold(title)))
    return len(wanted) >= 3 and len(wanted & words) >= max(3, 0.7 * len(wanted))
