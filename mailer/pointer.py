"""Sentences that only point at answers further down: "See my answers below", "Comments inline", in any language.

`only_points(text)` is asked of what stands above interleaved answers: there such a sentence says nothing of its own.
"""

import re

from mailer.phrases import fold, phrases

_SENTENCE = re.compile(r"[.!?:;\u3002\uff01\uff1a\u061f\u0964\n]+")
_WORD = re.compile(r"\w+")
_ANSWERS_WITHIN, _SEE_WITHIN, _ALONE = 12, 6, 2  # so many words, or three letters a word where none are told apart
_UNSPACED = re.compile("[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff]")


def only_points(text: str) -> bool:
    """Whether every sentence of a text points, greets or thanks, and at least one points."""
    if len(text) > 400:
        return False
    pieces = [piece.strip() for piece in _SENTENCE.split(_whole(fold(text))) if _WORD.search(piece)]
    pointing = [piece for piece in pieces if _points(piece)]
    return bool(pointing) and all(piece in pointing or _courteous(piece) for piece in pieces)


def _whole(text: str) -> str:
    """Without the stops of abbreviations that point: `s. u.`, `см. ниже`."""
    return re.sub(r"\b(\w{1,3})\. (?=\w)", r"\1 ", text)


def _points(sentence: str) -> bool:
    if phrases("closing", "answers").first(sentence) or phrases("cues").first(sentence):
        return False  # "We agree, see below" says something
    found: dict[str, set[str]] = {}
    for hit in phrases("pointer").find(sentence, stems=True):
        found.setdefault(hit.language, set()).add(hit.name)
    said = {frozenset(names) for names in found.values() if "below" in names}
    length = _length(sentence)
    return any(
        ("answers" in names and length <= _ANSWERS_WITHIN)
        or ("see" in names and length <= _SEE_WITHIN)
        or length <= _ALONE
        for names in said
    )


def _courteous(sentence: str) -> bool:
    """A greeting or thanks of a few words."""
    if sentence in phrases("courtesy", "acks").whole:
        return True
    courtesy = phrases("courtesy", "fillers", "thanks")
    return _length(sentence) <= _SEE_WITHIN and any(hit.start == 0 for hit in courtesy.find(sentence))


def _length(sentence: str) -> float:
    if _UNSPACED.search(sentence):
        return len(sentence) / 3
    return sum(1 for word in sentence.split() if _WORD.search(word))
