"""Absence notices in more than thirty languages, with a header that says what they are and without one."""

import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mailer.message import Envelope
from mailer.read import read
from mailer.reading import Context, Kind

TABLE = tomllib.loads((Path(__file__).parents[2] / "mail" / "absences.toml").read_text("utf-8"))
NOTICES = TABLE["notices"]
NOW = datetime(2025, 1, 6, 12, tzinfo=UTC)


@pytest.mark.parametrize("header", ["Auto-Submitted: auto-replied\n", ""], ids=["header", "bare"])
@pytest.mark.parametrize(
    ("language", "subject", "text", "until"), NOTICES, ids=[f"{n[0]}-{n[1][:12]}" for n in NOTICES]
)
def test_absence_and_its_last_day(header, language, subject, text, until):
    raw = (
        f"From: Ana <ana@community.example>\nTo: reply+k3@tidings.example\nSubject: {subject}\n"
        f"Date: Mon, 6 Jan 2025 10:00:00 +0000\nIn-Reply-To: <e12@tidings.example>\n{header}"
        f"Content-Type: text/plain; charset=utf-8\n\n{text}\n"
    )
    found = read(raw.encode(), Envelope("ana@community.example", ("reply+k3@tidings.example",)), Context(now=NOW))
    assert found.kind is Kind.AUTOREPLY
    assert str(found.absent_until) == until


@pytest.mark.parametrize(("subject", "text"), TABLE["answers"])
def test_an_answer_that_speaks_of_leave(subject, text):
    raw = (
        f"From: Ana <ana@community.example>\nSubject: {subject}\nIn-Reply-To: <e12@tidings.example>\n"
        f"Content-Type: text/plain; charset=utf-8\n\n{text}\n"
    )
    found = read(raw.encode(), Envelope("ana@community.example", ("reply+k3@tidings.example",)), Context(now=NOW))
    assert found.kind is Kind.REPLY
