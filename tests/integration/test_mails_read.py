"""Every mail of tests/mail with a wish for its reading: what `tidings explain` says holds all that is wished.

A wish (`NAME.want.json`) names keys of the explained object; a mapping inside it may name fewer keys than there are.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from mailer.explain import explain

MAILS = Path(__file__).parent.parent / "mail"
KINDS = ("bounce", "autoreply", "complaint", "command", "calendar", "reaction", "mdn", "mime")
CASES = sorted(path for kind in KINDS for path in MAILS.glob(f"{kind}_*.eml"))
CONTEXT = {
    "questions": {
        "RR-1": {"track": "roles", "text": "Which structures let all voices in?"},
        "RR-2": {"track": "roles"},
    },
    "now": "2026-11-03T09:00:00+00:00",
}


def holds(wish: Any, found: Any) -> bool:
    """Whether all that is wished is there."""
    if isinstance(wish, dict) and isinstance(found, dict):
        return all(name in found and holds(value, found[name]) for name, value in wish.items())
    return bool(wish == found)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_read_as_wished(path: Path) -> None:
    wish = json.loads(path.with_suffix(".want.json").read_text(encoding="utf-8"))
    found = explain(path.read_bytes(), path.name, CONTEXT)
    for name, value in wish.items():
        assert holds(value, found[name]), (name, value, found[name], found["rule"])


def test_each_kind_has_mails() -> None:
    assert {path.stem.split("_")[0] for path in CASES} == set(KINDS)


def test_segments_hold_the_whole_body() -> None:
    for path in CASES:
        found = explain(path.read_bytes(), path.name, CONTEXT)
        if found["kind"] == "command":
            assert found["segments"], path.name
