"""What only points at answers further down, in many languages, and what says something."""

import tomllib
from pathlib import Path

import pytest

from mailer.anchor import statements
from mailer.parse import parse
from mailer.pointer import only_points
from mailer.reading import Context, QuestionKnown
from mailer.segment import segment

TABLE = tomllib.loads((Path(__file__).parents[2] / "mail" / "pointers.toml").read_text("utf-8"))
POINTS, SAYS = TABLE["points"], TABLE["says"]
QUOTED = (
    "On Mon, 6 Jan 2025 at 10:00, Tidings <reply+k3@tidings.example> wrote:\n> 1. RR-1: Who should decide about grants?"
)


@pytest.mark.parametrize("text", POINTS)
def test_pointing(text):
    assert only_points(text)


@pytest.mark.parametrize("text", SAYS)
def test_saying(text):
    assert not only_points(text)


def said(body: str) -> list[str]:
    head = "From: Ana <ana@community.example>\nSubject: Re: Digest 12\nContent-Type: text/plain; charset=utf-8\n\n"
    context = Context(questions=(QuestionKnown("RR-1", "roles", ""), QuestionKnown("RR-2", "roles", "")))
    return [one.text for one in statements(segment(parse((head + body).encode())), context)]


@pytest.mark.parametrize("text", POINTS)
def test_a_pointer_above_answers_is_no_statement(text):
    between = f"{QUOTED}\n\nThe affiliates.\n\n> 2. RR-2: How much should stay in the region?\n\nA third of it.\n"
    assert said(f"{text}\n\n{between}") == ["The affiliates.", "A third of it."]
    assert said(f"Hello,\n\n{text}\n\n{between}") == ["The affiliates.", "A third of it."]


@pytest.mark.parametrize("text", SAYS)
def test_what_says_something_stays_above_answers(text):
    found = said(f"{text}\n\n{QUOTED}\n\nThe affiliates.\n")
    assert "".join(found).startswith(text) or text in ("Thank you!",)


def test_a_pointer_without_answers_below_is_kept():
    assert said(f"See my answers below.\n\n{QUOTED}\n") == ["See my answers below."]


@pytest.mark.parametrize(
    "nod", ["Agreed.", "Yes", "No", "+1", "Ja.", "Oui", "Sí", "نعم", "כן", "はい", "हाँ", "Да", "同意", "Ndiyo"]
)
def test_a_nod_under_a_question_answers_it(nod):
    between = f"{QUOTED}\n\n{nod}\n\n> 2. RR-2: How much should stay in the region?\n\nA third of it.\n"
    assert said(between) == [nod, "A third of it."]


@pytest.mark.parametrize("thanks", ["Thank you!", "Merci beaucoup", "谢谢"])
def test_thanks_beside_answers_are_no_statement(thanks):
    assert said(f"{thanks}\n\n{QUOTED}\n\nThe affiliates.\n") == ["The affiliates."]
