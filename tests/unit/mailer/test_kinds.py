"""Small mails in many languages: which rule decides on each (nods, reactions, receipts, notices, tasks for a person)."""

import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mailer.message import Envelope
from mailer.read import read
from mailer.reading import Context

MAILS = tomllib.loads((Path(__file__).parents[2] / "mail" / "kinds.toml").read_text("utf-8"))["mails"]
CONTEXT = Context(now=datetime(2019, 4, 20, 12, tzinfo=UTC))


@pytest.mark.parametrize(("rule", "subject", "text"), MAILS, ids=[f"{m[0]}-{n}" for n, m in enumerate(MAILS)])
def test_the_rule_that_decides(rule, subject, text):
    raw = (
        f"From: Pat Quill <pat@community.example>\nTo: reply+k3@tidings.example\nSubject: {subject}\n"
        f"Date: Sat, 20 Apr 2019 10:00:00 +0000\nIn-Reply-To: <e12@tidings.example>\n"
        f"Content-Type: text/plain; charset=utf-8\n\n{text}\n"
    )
    found = read(raw.encode(), Envelope("pat@community.example", ("reply+k3@tidings.example",)), CONTEXT)
    assert found.rule == rule
