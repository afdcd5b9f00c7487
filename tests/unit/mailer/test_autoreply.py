"""Automatic answers: known by header, subject or words; the day of return; what only looks like one."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.autoreply import names_question, read_autoreply
from mailer.phrases import tables
from mailer.when import dates_in, hour_in, until
from tests.letters import letter

NOW = datetime(2026, 11, 3, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "by"),
    [
        ({"Auto-Submitted": "auto-replied"}, "auto-submitted"),
        ({"Auto-Submitted": "Auto-Generated; x=1"}, "auto-submitted"),
        ({"X-Autoreply": "yes"}, "x-autoreply"),
        ({"Precedence": "auto_reply"}, "precedence"),
        ({"Precedence": "bulk"}, "precedence"),
        ({"X-MS-Exchange-Inbox-Rules-Loop": "kim@north.example"}, "exchange"),
        ({"X-Apple-Action": "VACATION"}, "x-autoreply"),
    ],
)
def test_by_header(headers: dict[str, str], by: str) -> None:
    found = read_autoreply(letter("text", headers=headers), "text", NOW)
    assert found is not None
    assert found.by == by


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto-Submitted": "no"},
        {"Auto-Submitted": "auto-forwarded"},
        {"Precedence": "list", "List-Id": "<talk.example>"},
        {"X-Auto-Response-Suppress": "OOF"},
        {},
    ],
)
def test_headers_that_say_nothing(headers: dict[str, str]) -> None:
    assert read_autoreply(letter("RR-2: local.", headers=headers, subject="Re: Digest 9"), "RR-2: local.", NOW) is None


def test_return_date() -> None:
    text = "I am out of the office from 1 November until 12 November and back on the 13th."
    found = read_autoreply(letter(text, subject="Out of office"), text, NOW)
    assert found is not None
    assert found.absent_until == date(2026, 11, 12)


def test_a_day_that_is_over_is_not_kept() -> None:
    text = "I was away until 2 May 2020. I am out of the office."
    found = read_autoreply(letter(text, subject="Automatic reply: x"), text, NOW)
    assert found is not None
    assert found.absent_until is None


def test_answers_that_mention_a_holiday_are_answers() -> None:
    for text in (
        "RR-2: I am on holiday, so quickly: local.",
        "We discussed it at length. " * 40 + "I am on holiday next week.",
    ):
        assert read_autoreply(letter(text, subject="Re: Digest 9"), text, NOW) is None


def test_subject_about_holidays_is_no_notice() -> None:
    text = "Our report on the holiday campaign is attached, with all the figures that you asked for."
    assert read_autoreply(letter(text, subject="Holiday campaign: results"), text, NOW) is None


def test_challenge_is_not_an_absence() -> None:
    text = "Click to prove you are human: https://guard.example/x"
    found = read_autoreply(letter(text, headers={"Auto-Submitted": "auto-replied"}), text, NOW)
    assert found is not None
    assert found.challenge


def test_thirty_languages_have_notices() -> None:
    with_notices = [code for code, table in tables().items() if table.get("autoreply", {}).get("phrases")]
    assert len(with_notices) >= 30


@pytest.mark.parametrize(
    ("text", "language", "day"),
    [
        ("bis 12.11.", "de", date(2026, 11, 12)),
        ("hasta el 12 de noviembre", "es", date(2026, 11, 12)),
        ("until November 12th", "en", date(2026, 11, 12)),
        ("до 12 ноября", "ru", date(2026, 11, 12)),
        ("حتى ١٢ نوفمبر", "ar", date(2026, 11, 12)),
        ("12 नवंबर तक", "hi", date(2026, 11, 12)),
        ("11月12日まで", "ja", date(2026, 11, 12)),
        ("back on Monday", "en", date(2026, 11, 9)),
        ("until 2026-11-12", "en", date(2026, 11, 12)),
        ("until 02/03", "en", date(2027, 2, 3)),
        ("until further notice", "en", None),
        ("until 31.31.2026", "en", None),
    ],
)
def test_dates(text: str, language: str, day: date | None) -> None:
    assert until(text, (language,), date(2026, 11, 3)) == day


@pytest.mark.parametrize(
    ("text", "hour"),
    [("9", 9), ("9:30", 9), ("9 pm", 21), ("12 a.m.", 0), ("18h", 18), ("٧", 7), ("25", None), ("x", None)],
)
def test_hours(text: str, hour: int | None) -> None:
    assert hour_in(text) == hour


def test_codes_are_told_from_references() -> None:
    assert names_question("about RR-2")
    assert not names_question("fix S-1042 and UTF-8")


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=1_000), st.text(max_size=200))
def test_anything_gives_a_verdict(text: str, subject: str) -> None:
    read_autoreply(letter(text, subject=subject), text, NOW, null_sender=True)
    assert all(day.start < day.end for day in dates_in(text, ("en", "de"), NOW.date()))
