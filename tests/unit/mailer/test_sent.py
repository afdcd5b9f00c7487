"""Our own mail coming back without marks: known again whatever a program did to its lines, and answers typed into it."""

import pytest

from mailer.message import Message
from mailer.reading import SegmentKind as K
from mailer.segment import body_text, segment
from mailer.sent import WILD, Sent

ONE = "RR-1: Who should decide about grants, the regions or one body for the whole world?"
TWO = "RR-2: How much of the money should stay in the region where it was given?"
WHEN = f"When: Tuesday 3 March 2026, {WILD}"
DIGEST = [
    "Strategy digest", "Movement process · no. 7 · Monday 2 March 2026", "Hello Ana Example,", "What you can do now",
    "1. Roles: your answers, please", "Roles", ONE, "Reply under the question, or discuss it with your group first.",
    "Answer item 1", WILD, "2. Money: your answers, please", "Money", TWO, WHEN, "Answer item 2",
    f"Times are given in your zone ({WILD}) and in UTC.", "You get this because you are a liaison of Group West.",
]  # fmt: skip
SENT = frozenset(DIGEST)
ADDRESS = "reply+0rynepcsn4fjywsbk01vtejcz5qh5j5mx46@process.example"
LINK = f"<mailto:{ADDRESS.replace('+', '%2B')}?subject=Re%3A%20Strategy>"
SAFE = "<https://eur01.safelinks.protection.example/?url=https%3A%2F%2Fmeta.example&data=05>"
HEADERS = (
    "From: Strategy digest <core@process.example>\nSent: Monday, March 2, 2026 9:00 AM\nTo: Ana\nSubject: Strategy\n"
)
FORWARDED = (
    "-------- Original message --------\nFrom: core@process.example\nDate: 02/03/2026  09:00\nSubject: Strategy\n"
)
SAMPLES = {
    "en": ("We need one position for the whole world.", "A third of it, and the rest to the global fund."),
    "ar": ("القرار للمناطق.", "يبقى الثلث في المنطقة، والباقي للصندوق."),
    "ja": ("地域が決めるべきです。", "三分の一を残してください。"),
    "short": ("Yes.", "No"),
}


def shown(answers: tuple[str, str] | None = None, between: str = "\n\n") -> str:
    """The digest as Outlook puts it into a plain part: no marks, links behind words."""
    lines = []
    for line in DIGEST:
        behind = LINK if line.startswith("Answer item") else SAFE if line == "Roles" else ""
        lines.append(filled(line) + behind)
        if answers and line in (ONE, TWO):
            lines.append(answers[0 if line == ONE else 1])
    return between.join(lines)


def filled(line: str) -> str:
    """A line as its reader sees it."""
    return line.replace(f"({WILD})", "(Berlin)").replace(f" {WILD}", " 18:00 CET (17:00 UTC)").replace(WILD, ADDRESS)


def said(plain: str | None, html: str | None = None) -> list[str]:
    message = Message((), "", "", "", (), (), "Re: Strategy", ("<m@process.example>",), (), "", "", plain, html)
    pieces = segment(message, SENT)
    assert "\n".join(piece.text for piece in pieces) == body_text(message)
    return [piece.said.strip() for piece in pieces if piece.kind is K.REPLY and piece.said.strip()]


@pytest.mark.parametrize("between", ["\n\n", "\n"])
@pytest.mark.parametrize("head", [HEADERS, "________________________________\n" + HEADERS, FORWARDED])
@pytest.mark.parametrize("language", SAMPLES)
def test_answers_typed_into_a_quote_without_marks(head: str, between: str, language: str) -> None:
    answers = SAMPLES[language]
    assert said(f"My answers are below.\n\n{head}\n{shown(answers, between)}") == ["My answers are below.", *answers]
    assert said(f"{head}\n{shown(answers, between)}") == [*answers]


@pytest.mark.parametrize("head", [HEADERS, FORWARDED])
def test_nothing_of_an_unmarked_quote_is_left(head: str) -> None:
    assert said(f"We agree with the draft.\n\n{head}\n{shown()}") == ["We agree with the draft."]


def test_a_line_broken_by_a_program_is_known_again() -> None:
    broken = ONE.replace("grants, ", "grants,\n").replace("one body ", "one body\n")
    assert Sent(SENT).own(broken.split("\n")) == [True, True, True]
    assert Sent(SENT).own(["> " + ONE[:37], "> " + ONE[37:], f"*{TWO}*", WHEN.replace(WILD, "19:00")]) == [True] * 4


@pytest.mark.parametrize(
    "line",
    [
        "We need one body for the whole world",
        "Yes",
        "How much?",
        "The regions should decide about grants",
        "roles and money",
    ],
)
def test_words_of_ours_in_another_order_are_an_answer(line: str) -> None:
    assert Sent(SENT).own([ONE, "", line, TWO]) == [True, None, False, True]


def test_links_and_addresses_alone_say_nothing() -> None:
    assert Sent(SENT).own([ADDRESS, f"garden-{ADDRESS}", LINK, SAFE, "", " > "]) == [None] * 6
    assert Sent(SENT).own([f"Answer item 1{LINK}", "Answer item 1"]) == [True, True]


def test_a_link_below_an_answer_belongs_to_it() -> None:
    answers = ("See our page:\nhttps://wiki.example/Grants", "Nothing.")
    assert said(f"{HEADERS}\n{shown(answers)}") == [*answers]


def test_structure_of_html_is_looked_into() -> None:
    mine = '<p class=MsoNormal><span style="color:#1F497D">The regions, always.</span></p>'
    shown_html = "".join(f"<p class=MsoNormal>{filled(line)}</p>" + (mine if line == ONE else "") for line in DIGEST)
    head = "<div style='border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0in 0in 0in'><p><b>From:</b> core</p></div>"
    assert said(None, f"<p>See below.</p>{head}{shown_html}") == ["See below.", "The regions, always."]
    assert said(None, f"<p>We agree.</p>{head}{shown_html.replace(mine, '')}") == ["We agree."]


def test_an_answer_typed_into_a_marked_quote() -> None:
    attribution = "On Mon, Mar 2, 2026 at 9:00 AM Strategy digest <core@process.example> wrote:"
    quote = "\n".join(f"> {line}" for line in shown(SAMPLES["en"]).split("\n"))
    assert said(f"{attribution}\n{quote}\n") == [*SAMPLES["en"]]
    assert said(
        f"We agree.\n\n{attribution}\n{quote.replace('> We need', '> > We need').replace('> A third', '> > A third')}\n"
    ) == ["We agree."]


@pytest.mark.parametrize("answer", ["Yes", "Money", TWO, ONE, "1. Roles: your answers, please"])
def test_an_answer_that_repeats_a_line_of_ours(answer: str) -> None:
    lines = [part for line in DIGEST for part in (f"> {filled(line)}", *(["", answer, ""] if line == ONE else []))]
    assert said("On Monday Tidings wrote:\n" + "\n".join(lines)) == [answer]


def test_lines_that_lost_their_mark_are_no_answers() -> None:
    lines = [filled(line) if line == TWO else f"> {filled(line)}" for line in DIGEST]
    assert said("We agree.\n\nOn Monday Tidings wrote:\n" + "\n".join(lines)) == ["We agree."]
    both = "\n".join([*map(filled, DIGEST), *(f"> {filled(line)}" for line in DIGEST)])
    assert said(f"We agree.\n\nOn Monday Tidings wrote:\n{both}") == ["We agree."]


def test_somebody_elses_mail_is_left_alone() -> None:
    other = "\n\n".join(f"Line {i} of a letter from somebody else about the summit." for i in range(12))
    assert said(f"Please see what our board says.\n\n{HEADERS}\n{other}") == ["Please see what our board says."]
    translated = f"{DIGEST[0]}\n\n{other}\n\n{WHEN}"
    assert said(f"We agree.\n\n{HEADERS}\n{translated}") == ["We agree."]


def test_work_is_bounded_on_bodies_made_of_beginnings() -> None:
    """What begins as many of our lines do, again and again: each word is looked at a few times."""
    sent = Sent(frozenset({*(f"Read more about item {n} of the digest" for n in range(200)), *SENT}))
    body = ["read more about item"] * 2_000
    assert sent.own([*body, "Read more about item 7 of the digest"])[-1] is True
    assert set(sent.own(body)) == {False}
    assert sent.own(["x" * 600_000, ONE])[-1] is None  # beyond what is looked at
