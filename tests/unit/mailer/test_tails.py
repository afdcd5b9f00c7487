"""The end of a mail in many languages: valedictions, mobile signatures and legal footers go, answers stay."""

import tomllib
from pathlib import Path

import pytest

from mailer.parse import parse
from mailer.segment import segment
from mailer.signature import name_words, unlabelled

TABLE = tomllib.loads((Path(__file__).parents[2] / "mail" / "tails.toml").read_text("utf-8"))
SAID = "We discussed the draft with our members and agree with most of it, but the travel fund is too small for us."


def reply(text: str) -> str:
    head = "From: Ana Ruiz <ana.ruiz@community.example>\nContent-Type: text/plain; charset=utf-8\n\n"
    found = segment(parse((head + text).encode()))
    return "\n".join(s.text.strip("\n") for s in found if s.kind == "reply").strip()


@pytest.mark.parametrize("tail", TABLE["signatures"] + TABLE["mobile"] + TABLE["disclaimers"] + TABLE["footers"])
def test_tail_is_no_answer(tail):
    assert reply(f"{SAID}\n\n{tail}\n") == SAID


@pytest.mark.parametrize("tail", TABLE["disclaimers"] + TABLE["footers"])
def test_footer_below_a_name(tail):
    assert reply(f"{SAID}\n\nRegards,\nAna\n\n{tail}\n") == SAID


@pytest.mark.parametrize("tail", TABLE["answers"])
def test_answer_is_kept(tail):
    assert reply(f"{SAID}\n\n{tail}\n") == f"{SAID}\n\n{tail}"
    assert reply(f"Hello,\n\n{tail}\n") == f"Hello,\n\n{tail}"
    assert reply(f"{tail}\n") == tail


@pytest.mark.parametrize("tail", TABLE["disclaimers"] + TABLE["footers"])
def test_footer_above_a_quote(tail):
    quote = "On Mon, 6 Jan 2025 at 10:00, Tidings <r@tidings.example> wrote:\n> What about the travel fund?\n"
    assert reply(f"{SAID}\n\nRegards,\nAna\n\n{tail}\n\n{quote}") == SAID


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[AR] Yes.", "Yes."),
        ("[Ana Ruiz] We agree.", "We agree."),
        ("AR: We agree", "We agree"),
        ("Ana Ruiz: We agree", "We agree"),
        ("Ruiz: too small", "Ruiz: too small"),
        ("[XY] We agree", "[XY] We agree"),
        ("[see below] We agree", "[see below] We agree"),
        ("Budget: too small", "Budget: too small"),
        ("AR:", "AR:"),
    ],
)
def test_the_writers_name_before_an_answer(text: str, said: str) -> None:
    assert unlabelled(text, name_words("Ana Ruiz", "ana.ruiz@community.example")) == said
