"""The lines of a mail we sent, as its reader saw them in either edition, to know them again in an answer."""

from collections.abc import Iterable

from db import outbox
from db.engine import Tx
from db.sent import SentRow
from flows import frozen
from flows.frozen import Frozen
from mailer.compose import Piece
from mailer.html import to_text
from mailer.render import Renderer
from mailer.sent import WILD

_SPOKEN = ("greeting", "why")  # what is spliced in and holds words; the rest are addresses, links and hours
_SHORT = 3  # characters of the shortest line that tells anything


def shared(tx: Tx, variant_id: int) -> tuple[str, frozenset[str]]:
    """The language of a wording, and its lines as far as they are the same for all its readers."""
    body = outbox.bodies(tx, [variant_id]).get(variant_id)
    if body is None:
        return "", frozenset()
    wording: Frozen = frozen.load(body)
    pieces = wording.rendered.text
    return wording.rendered.lang, _lines((_joined(pieces), to_text(_joined(wording.rendered.html))))


def own(tx: Tx, renderer: Renderer, delivery: SentRow, lang: str, name: str, process: str) -> frozenset[str]:
    """The lines that only this reader's mail has: the greeting, why it is sent, what became of their statements."""
    blocks = frozen.load_blocks(outbox.personal(tx, [delivery.id]).get(delivery.id)).values()
    said = [renderer.personal(lang, *who, process) for who in ((name, WILD), (WILD, WILD), (name, ""))]
    spoken = (words[key] for words in said for key in _SPOKEN)
    return _lines((*spoken, *(block.text for block in blocks), *(to_text(block.html) for block in blocks)))


def _joined(pieces: Iterable[Piece]) -> str:
    return "".join(piece if isinstance(piece, str) else WILD for piece in pieces)


def _lines(texts: Iterable[str]) -> frozenset[str]:
    return frozenset(line for text in texts for one in text.split("\n") if len(line := one.strip()) >= _SHORT)
