"""What commands say to machines."""

import io
import json
import os
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from zoneinfo import ZoneInfo

import pytest

from app.cli.console import counted, plain, unread


@dataclass(frozen=True, slots=True)
class _Planned:
    at: datetime
    local: datetime
    seen: tuple["_Planned", ...] = ()


def test_a_moment_in_a_zone_of_our_own_files_can_be_said() -> None:
    data = files("tzdata.zoneinfo.Europe").joinpath("Berlin").read_bytes()
    local = datetime(2019, 3, 25, 9, tzinfo=ZoneInfo.from_file(io.BytesIO(data)))  # cannot be copied or pickled
    one = _Planned(datetime(2019, 3, 25, 8, tzinfo=UTC), local)
    assert json.loads(json.dumps(plain(_Planned(one.at, local, (one,)))))["seen"] == [
        {"at": "2019-03-25T08:00:00+00:00", "local": "2019-03-25T09:00:00+01:00", "seen": []}
    ]


def test_one_is_no_plural() -> None:
    assert [counted(n, "mail") for n in (0, 1, 2)] == ["0 mails", "1 mail", "2 mails"]
    assert counted(1, "mail was", "mails were") == "1 mail was"


def test_whoever_read_us_may_have_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    with open(writing, "w", encoding="utf-8") as told:
        monkeypatch.setattr(sys, "stdout", told)
        assert not unread()
        os.close(reading)
        told.write("a table")
        assert unread()
        os.dup2(os.open(os.devnull, os.O_WRONLY), writing)  # for its own last flush
