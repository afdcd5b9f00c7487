"""What `tidings ledger --verify` prints of many findings: the first of each kind, and how many more."""

import pytest

from app.cli import ledger
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
