"""What `tidings ledger --verify` prints of many findings: the first of each kind, and how many more."""

import pytest

from app.cli import ledger
from db.ledger import LedgerRow
from flows.verify import Finding


def test_findings_of_one_kind_do_not_hide_another(capsys: pytest.CaptureFixture[str]) -> None:
    many = [Finding(True, f"attempt 1 of delivery {n}: no journal row vouches for it") for n in range(2_000)]
    ledger._say([*many[:1_500], Finding(True, "seal 2 does not follow seal 0"), *many[1_500:]])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "FAULT: attempt 1 of delivery 0: no journal row vouches for it"
    assert lines[10] == "FAULT: seal 2 does not follow seal 0"
    assert lines[11] == "... and 1990 more: attempt N of delivery N: no journal row vouches for it"
    assert "--json" in lines[12]
    assert len(lines) == 13


def test_lists_and_moments_make_no_kinds_of_their_own(capsys: pytest.CaptureFixture[str]) -> None:
    said = "the attempts recorded at 2026-11-23 22:51:{} UTC say something else than they did: of deliveries {}"
    ledger._say(Finding(True, said.format(f"{n:02d}", ", ".join(map(str, range(n + 1))))) for n in range(30))
    assert capsys.readouterr().out.splitlines()[10].startswith("... and 20 more: the attempts recorded at N UTC say")


def test_few_findings_are_all_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    ledger._say([Finding(False, "attempt 2 of delivery 7: nobody can say")])
    assert capsys.readouterr().out == "unproved: attempt 2 of delivery 7: nobody can say\n"


@pytest.mark.parametrize(
    ("state", "reason", "said"),
    [
        ("sent", "", "550 5.7.1 no mail from you"),
        ("failed", "550 5.7.1", "550 5.7.1 no mail from you"),
        ("bounced", "bounce 5.1.1", "bounce 5.1.1; 550 5.7.1 no mail from you"),
    ],
)
def test_the_codes_of_an_answer_are_said_once(state: str, reason: str, said: str) -> None:
    row = LedgerRow(
        1, 1, "Ana", "ana@west.example", "en", "M", state, reason, None, 1, None, 550, "5.7.1", "no mail from you"
    )
    assert ledger._said(row) == said
