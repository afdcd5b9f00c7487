"""The command line as an operator uses it: from nothing to a digest, with bad input answered in one line and a code."""

import contextlib
import json
import re
import socket
import stat
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from app import config as configuration
from app import mark, wiring
from app.cli.main import cli
from app.serve import Role, Service
from db import tasks
from db.journal import Act
from flows import schedule
from mailer.wire.sink import Sink

SAMPLES = Path(__file__).parents[2] / "samples"


class Shell:
    """Runs `tidings` in a folder of its own, inside this program: starting a new one costs a second each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, *words: str, code: int = 0) -> Result:
        with contextlib.chdir(self.folder):
            done = CliRunner().invoke(cli, list(words))
        assert done.exit_code == code, f"{words}: {done.exit_code}\n{done.stdout}\n{done.stderr}\n{done.exception!r}"
        return done

    def json(self, *words: str) -> list[dict]:
        return [json.loads(line) for line in self.run("--json", *words).stdout.splitlines()]


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    made = Shell(tmp_path)
    made.run("init", "--domain", "strategy.example")
    return made


def test_from_nothing_to_a_preview(shell: Shell) -> None:
    assert stat.S_IMODE((shell.folder / "tidings.toml").stat().st_mode) == 0o600
    timeline = str(SAMPLES / "timeline.yaml")
    first = shell.json("timeline", "import", timeline, "--domain", "strategy.example", "--as-of", "2019-03-20")
    assert [len(report["added"]) for report in first] == [16, 32]
    again = shell.json("timeline", "import", timeline, "--as-of", "2019-03-20")[-1]
    assert (again["added"], again["changed"], len(again["unchanged"])) == ([], [], 32)
    shell.run("timeline", "questions", str(SAMPLES / "questions.yaml"), "--as-of", "2019-03-20")
    shell.run("roster", "import", "--groups", str(SAMPLES / "groups.csv"))
    shell.run("digest", "add", "core", "--title", "Strategy digest", "--rule", "fortnightly wed 09:00")
    report = shell.json("roster", "import", "--liaisons", str(SAMPLES / "liaisons.csv"))[0]
    assert len(report["added"]) == 48
    assert len(shell.json("timeline", "show")) == 32
    assert all("ar" in row["languages"] for row in shell.json("roster", "show", "--language", "ar"))
    more = (SAMPLES / "timeline.yaml").read_text().replace("2019-09-15", "2019-10-20")
    (shell.folder / "moved.yaml").write_text(more)
    shell.run("timeline", "import", "moved.yaml", "--as-of", "2019-04-20")
    (preview,) = shell.json("digest", "preview", "--for", "bronwen.tully@wmuk.example")
    assert preview["subject"].startswith("Strategy digest, no. 1")
    assert "reply+" in preview["text"]
    shell.run("digest", "preview", "--for", "bronwen.tully@wmuk.example", "--as", "eml", "-o", "mail.eml")
    assert (shell.folder / "mail.eml").read_bytes().startswith(b"Date: ")
    slots = shell.json("digest", "plan", "--days", "30")
    assert len(slots) >= 2
    export = shell.run("timeline", "export").stdout
    (shell.folder / "export.yaml").write_text(export)
    assert shell.json("timeline", "import", "export.yaml")[-1]["added"] == []


def test_announcements_from_the_command_line(shell: Shell) -> None:
    shell.run("timeline", "import", str(SAMPLES / "timeline.yaml"), "--domain", "s.example", "--as-of", "2019-03-20")
    shell.run("roster", "import", "--groups", str(SAMPLES / "groups.csv"))
    shell.run("digest", "add", "core", "--title", "Digest", "--rule", "weekly mon 09:00")
    shell.run("roster", "import", "--liaisons", str(SAMPLES / "liaisons.csv"))
    (shell.folder / "en.md").write_text("# Office hours\n\nThey are on **Thursday**.\n")
    (shell.folder / "ar.md").write_text("# ساعات المكتب\n\nيوم الخميس.\n")
    shell.run("announce", "add", "hours", "--text", "en=en.md", "--text", "ar=ar.md", "--language", "ar")
    who = shell.json("announce", "recipients", "hours")
    assert len(who) == 7 or all("ar" in row["languages"] for row in who)
    assert "past" in shell.run("announce", "schedule", "hours", "--at", "2019-01-01T09:00", code=1).stderr
    shell.run("announce", "schedule", "hours", "--at", "2099-01-01T09:00", "--zone", "Africa/Tunis")
    for landing, said in (
        ("wall", "goes when each reader's clock shows 2099-01-01T09:00"),
        ("day", "goes on 2099-01-01 at each reader's own hour"),
        ("hour", "goes at each own hour after 2099-01-01T09:00 Africa/Tunis (2099-01-01 08:00 UTC)"),
        ("instant", "goes at 2099-01-01T09:00 Africa/Tunis (2099-01-01 08:00 UTC)"),
    ):
        shell.run("announce", "edit", "hours", "--landing", landing)
        at = ("--at", "2099-01-01T09:00", "--zone", "Africa/Tunis", "--undo-minutes", "20")
        told = " ".join(shell.run("announce", "schedule", "hours", *at).stdout.split())
        assert said in told
        assert "no mail leaves in the first 20 minutes: until then `announce undo hours`" in told
    (row,) = shell.json("announce", "list")
    assert (row["state"], row["send_wall"], row["zone"]) == ("scheduled", "2099-01-01T09:00", "Africa/Tunis")
    shell.run("announce", "withdraw", "hours")
    assert "withdrawn" in shell.run("announce", "schedule", "hours", code=1).stderr
    assert (
        "did you mean" in shell.run("announce", "add", "x", "--text", "en=en.md", "--track", "advocasy", code=1).stderr
    )
    (shell.folder / "bad.md").write_text("no title\n")
    assert "begins with its title" in shell.run("announce", "add", "y", "--text", "en=bad.md", code=1).stderr


def test_trials_go_to_whoever_asks_for_them(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    shell.run("timeline", "import", str(SAMPLES / "timeline.yaml"), "--domain", "s.example", "--as-of", "2019-03-20")
    shell.run("roster", "import", "--groups", str(SAMPLES / "groups.csv"))
    shell.run("digest", "add", "core", "--title", "Digest", "--rule", "weekly mon 09:00")
    shell.run("roster", "import", "--liaisons", str(SAMPLES / "liaisons.csv"))
    (shell.folder / "en.md").write_text("# Office hours\n\nThey are on **Thursday**.\n")
    shell.run("announce", "add", "hours", "--text", "en=en.md")
    got: list[tuple[tuple[str, ...], bytes]] = []
    sink = Sink(lambda envelope, data: got.append((envelope.rcpt_to, data)))
    sink.start()
    monkeypatch.setenv("TIDINGS_RELAY", json.dumps([{"host": "127.0.0.1", "port": sink.port, "tls": "none"}]))
    assert "sent: 250" in shell.run("digest", "test", "me@team.example", "--language", "fr").stdout
    (said,) = shell.json("announce", "test", "hours", "me@team.example", "--language", "sw")
    sink.stop()
    assert (said["to"], said["subject"]) == ("me@team.example", "[TEST] Office hours")
    assert [to for to, _ in got] == [("me@team.example",)] * 2
    assert b"Subject: [TEST] Office hours\r\n" in got[1][1]
    assert "no connection" in shell.run("announce", "test", "hours", "me@team.example", code=1).stderr
    assert "no announcement" in shell.run("announce", "test", "ours", "me@team.example", code=1).stderr
    assert "no address" in shell.run("announce", "test", "hours", "", code=1).stderr


def test_a_calendar_out_and_in_from_the_command_line(shell: Shell) -> None:
    shell.run("timeline", "import", str(SAMPLES / "timeline.yaml"), "--domain", "s.example", "--as-of", "2019-03-20")
    whole = shell.run("timeline", "export", "--what", "calendar").stdout
    assert whole.startswith("BEGIN:VCALENDAR")
    (shell.folder / "again.ics").write_text(whole)
    (report,) = shell.json("timeline", "import", "again.ics")
    assert (report["added"], report["changed"]) == ([], [])
    (shell.folder / "more.ics").write_text(
        "BEGIN:VCALENDAR\nVERSION:2.0\nBEGIN:VEVENT\nUID:call@else.example\nDTSTART:20990701T160000Z\n"
        "SUMMARY:Open call\nX-TIDINGS-HOW:Join us.\nEND:VEVENT\nEND:VCALENDAR\n"
    )
    assert "CATEGORIES" in shell.run("timeline", "import", "more.ics", code=1).stderr
    track = shell.json("timeline", "show")[0]["tracks"][0]
    (report,) = shell.json("timeline", "import", "more.ics", "--track", track)
    assert report["added"] == ["call"]
    one = shell.run("timeline", "export", "--what", "calendar", "--entry", "call").stdout
    assert one.count("BEGIN:VEVENT") == 1
    assert "DTSTART:20990701T160000Z" in one
    few = shell.run("timeline", "export", "--what", "calendar", "--deadlines", "--lang", "fr").stdout
    assert re.findall("UID:(.*)", few) == ["call.s1@s.example"]  # all else of 2019 is over
    assert "advocacy" in shell.run("timeline", "export", "--what", "calendar", "--track", "advocasy", code=1).stderr
    assert "unknown language" in shell.run("timeline", "export", "--what", "calendar", "--lang", "xx", code=1).stderr
    assert "calendar" in shell.run("timeline", "export", "--what", "calendr", code=2).stderr


def test_a_liaisons_days_and_interests_from_the_command_line(shell: Shell) -> None:
    shell.run("timeline", "import", str(SAMPLES / "timeline.yaml"), "--domain", "s.example", "--as-of", "2019-03-20")
    shell.run("roster", "import", "--groups", str(SAMPLES / "groups.csv"))
    shell.run("digest", "add", "core", "--title", "Digest", "--rule", "weekly mon 09:00")
    shell.run("roster", "import", "--liaisons", str(SAMPLES / "liaisons.csv"))
    who = "bronwen.tully@wmuk.example"
    done = shell.json("roster", "set", who, "--quiet", "22-7", "--size", "s", "--interest", "advocacy")[0]
    assert done["changed"] == ["size", "interests", "quiet"]
    assert shell.json("roster", "set", who, "--days", "mon,tue")[0]["changed"] == ["quiet"]
    assert shell.json("roster", "set", who, "--quiet", "22-7", "--days", "tue mon")[0]["changed"] == []  # both stayed
    (row,) = (one for one in shell.json("roster", "show") if one["address"] == who)
    assert (row["size"], row["interests"], row["spared"]) == ("S", ["advocacy"], "not 22-7, mon,tue")
    shell.run("roster", "set", who, "--interest", "all")
    (row,) = (one for one in shell.json("roster", "show") if one["address"] == who)
    assert row["interests"] == []
    assert "22-7" in shell.run("roster", "set", who, "--quiet", "late", code=1).stderr
    assert "nobody@x.example" in shell.run("rehearse", "--for", "nobody@x.example", code=1).stderr
    assert "did you mean tue" in shell.run("roster", "set", who, "--days", "tues", code=1).stderr
    assert "advocacy" in shell.run("roster", "set", who, "--interest", "advocasy", code=1).stderr


def test_an_announcement_by_two_people_from_the_command_line(shell: Shell) -> None:
    shell.run("timeline", "import", str(SAMPLES / "timeline.yaml"), "--domain", "s.example", "--as-of", "2019-03-20")
    shell.run("roster", "import", "--groups", str(SAMPLES / "groups.csv"))
    shell.run("digest", "add", "core", "--title", "Digest", "--rule", "weekly mon 09:00")
    shell.run("roster", "import", "--liaisons", str(SAMPLES / "liaisons.csv"))
    (shell.folder / "en.md").write_text("# Office hours\n\nOn Thursday. [date]\n")
    shell.run("--as", "ana", "announce", "add", "hours", "--text", "en=en.md", "--name", "bronwen.tully@wmuk.example")
    assert [row["addr"] for row in shell.json("announce", "recipients", "hours")] == ["bronwen.tully@wmuk.example"]
    bad = shell.run("announce", "check", "hours", "--no-links", code=1)
    assert "[date]" in bad.stdout
    assert "1 to mend" in bad.stderr
    (shell.folder / "latin.md").write_bytes(b"# B\xfcro\n\nWords.\n")
    assert "not UTF-8" in shell.run("announce", "edit", "hours", "--text", "de=latin.md", code=1).stderr
    assert "[date]" in shell.run("announce", "schedule", "hours", "--at", "2199-01-01T10:00", code=1).stderr
    assert "although" in shell.run("announce", "schedule", "hours", "--at", "2199-01-01T10:00", "--anyway").stdout
    assert "a draft again" in shell.run("announce", "undo", "hours").stdout
    (shell.folder / "en.md").write_text("# Office hours\n\nOn Thursday.\n")
    shell.run("--as", "ana", "announce", "edit", "hours", "--text", "en=en.md")
    shell.run("announce", "check", "hours", "--no-links")
    shell.run("--as", "ana", "announce", "review", "hours")
    assert "second person" in shell.run("--as", "ana", "announce", "review", "hours", "--approve", code=1).stderr
    waits = shell.run("announce", "schedule", "hours", "--repeat", "monthly 31 09:00", "--until", "2199-01-01")
    assert "in review" in waits.stdout
    shell.run("--as", "ben", "announce", "review", "hours", "--approve")
    (row,) = shell.json("announce", "list")
    assert (row["state"], row["written_by"], row["reviewed_by"]) == ("scheduled", "operator:ana", "operator:ben")
    assert "a draft again" in shell.run("announce", "undo", "hours").stdout
    assert "nobody got hours" in shell.run("announce", "erratum", "hours", "--text", "en=en.md", code=1).stderr
    assert "letters" in shell.run("--as", "ana\n", "announce", "list", code=2).stderr
    assert "once" not in shell.run("announce", "schedule", "hours", "--repeat", "monthly 32 09:00", code=1).stdout


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("digest", "add", "core", "--title", "x", "--rule", "weekly mond 09:00"), 1, "did you mean mon"),
        (
            ("digest", "add", "core", "--title", "x", "--rule", "weekly mon 09:00", "--zone", "Europe/Berln"),
            1,
            "Europe/Berlin",
        ),
        (("timeline", "show", "--track", "advocasy"), 1, "advocacy"),
        (("timeline", "import", "nowhere.yaml"), 2, "nowhere.yaml"),
        (("digest", "approve"), 1, "no digest"),
        (("digest", "preview", "--for", "not an address"), 1, ""),
        (("input", "show", "S-99"), 1, "S-99"),
        (("input", "accept", "12"), 1, "12"),
        (("inbox", "show", "7"), 1, "7"),
        (("inbox", "file", "7"), 1, "7"),
        (("outbox", "release", "5"), 1, "no mailing 5"),
        (("announce", "withdraw", "nothing"), 1, "nothing"),
        (("roster", "set", "x@y.example", "--hour", "25"), 2, "23"),
        (("init", "--domain", "x.example"), 1, "there already"),
        (("--config", "elsewhere.toml", "outbox", "status"), 3, "tidings init"),
        (("-p", "reform", "outbox", "status"), 1, "reform"),
    ],
)
def test_bad_input_is_answered_in_one_line(shell: Shell, words: tuple[str, ...], code: int, says: str) -> None:
    shell.run("timeline", "import", str(SAMPLES / "timeline.yaml"), "--domain", "s.example", "--as-of", "2018-08-01")
    done = shell.run(*words, code=code)
    assert says in done.stderr
    if code == 1:
        assert done.stderr.startswith("tidings: ")


def test_a_faulty_file_imports_nothing(shell: Shell) -> None:
    shell.run("timeline", "import", str(SAMPLES / "timeline.yaml"), "--domain", "s.example", "--as-of", "2018-08-01")
    before = len(shell.json("timeline", "show"))
    bad = (SAMPLES / "timeline.yaml").read_text().replace("kind: deadline", "kind: dedline", 1)
    (shell.folder / "bad.yaml").write_text(bad)
    done = shell.run("timeline", "import", "bad.yaml", code=1)
    assert "dedline" in done.stderr
    assert "deadline" in done.stderr
    assert "line " in done.stderr
    assert len(shell.json("timeline", "show")) == before


def test_a_bad_setting_is_named(shell: Shell) -> None:
    text = (shell.folder / "tidings.toml").read_text().replace("port = 2525", "port = 99999")
    (shell.folder / "tidings.toml").write_text(text)
    assert "listen.port" in shell.run("outbox", "status", code=3).stderr


def test_an_old_schema_says_what_to_do(shell: Shell) -> None:
    (shell.folder / "tidings.sqlite").unlink()
    assert "tidings migrate" in shell.run("outbox", "status", code=4).stderr
    shell.run("migrate")
    assert "no process yet" in shell.run("outbox", "status", code=1).stderr


def test_explain_needs_no_database(tmp_path: Path) -> None:
    (tmp_path / "a.eml").write_bytes(
        b"From: ana@west.example\r\nSubject: Re: x\r\n\r\nRR-2: yes.\r\n\r\nOn Mon, 1 Apr 2019, Us <u@x.example> wrote:\r\n> RR-2 What?\r\n"
    )
    (tmp_path / "known.yaml").write_text("questions:\n  RR-2: {track: roles, text: What}\n")
    shell = Shell(tmp_path)
    (found,) = shell.json("explain", "a.eml", "--context", "known.yaml")
    keys = [
        "file", "kind", "rule", "disposition", "visibility", "subject", "segments", "text", "language", "statements",
        "attachments", "bounce", "complaint", "command", "autoreply", "warnings",
    ]  # fmt: skip
    assert list(found) == keys
    assert [s["kind"] for s in found["segments"]] == ["reply", "intro", "quote"]
    assert found["statements"][0]["anchors"] == [{"kind": "question", "ref": "RR-2"}, {"kind": "track", "ref": "roles"}]
    assert "--- reply" in shell.run("explain", "a.eml").stdout
    assert "no mail at" in shell.run("explain", "b.eml", code=2).stderr


def test_the_ledger(shell: Shell) -> None:
    shell.run("timeline", "import", str(SAMPLES / "timeline.yaml"), "--domain", "strategy.example")
    shell.run("digest", "add", "core", "--title", "Strategy digest", "--rule", "fortnightly wed 09:00")
    for command in ("withdraw", "approve", "draft"):
        assert "core has no edition '7'" in shell.run("digest", command, "7", code=1).stderr
    assert "name one edition" in shell.run("ledger", code=1).stderr
    assert "no edition and no announcement '7'" in shell.run("ledger", "7", code=1).stderr
    assert "there is no mailing 7" in shell.run("ledger", "--mailing", "7", code=1).stderr
    proved = shell.run("ledger", "--verify").stdout
    assert "0 deliveries" in proved
    assert "keep the newest" in proved
    (shell.folder / "tidings.generation").write_text('{"generation": 1, "seal": 4, "hash": "ab"}')
    assert "seal 4 is known outside the database" in shell.run("ledger", "--verify", code=1).stdout
    (shell.folder / "tidings.generation").write_text("what?")
    assert "holds no generation mark" in shell.run("ledger", "--verify", code=3).stderr


def test_backup_and_restore(shell: Shell) -> None:
    shell.run("timeline", "import", str(SAMPLES / "timeline.yaml"), "--domain", "strategy.example")
    shell.run("roster", "import", "--groups", str(SAMPLES / "groups.csv"))
    entries = len(shell.json("timeline", "show"))
    (made,) = shell.json("backup", "one.backup")
    assert stat.S_IMODE((shell.folder / "one.backup").stat().st_mode) == 0o600
    assert made["generation"] == 1
    assert "not overwritten" in shell.run("backup", "one.backup", code=1).stderr
    assert "the database is not empty" in shell.run("restore", "one.backup", code=1).stderr
    (shell.folder / "cut.backup").write_bytes((shell.folder / "one.backup").read_bytes()[:-200])
    assert "no whole backup" in shell.run("restore", "cut.backup", "--replace", code=1).stderr
    assert "no whole backup" in shell.run("restore", "tidings.toml", "--replace", code=1).stderr
    assert len(shell.json("timeline", "show")) == entries
    (shell.folder / "tidings.sqlite").unlink()
    (done,) = shell.json("restore", "one.backup")
    assert done == {"generation": 2, "unproved": 0, "overdue": 0}
    assert len(shell.json("timeline", "show")) == entries
    assert json.loads((shell.folder / "tidings.generation").read_text())["generation"] == 2
    assert shell.json("outbox", "held") == []
    assert "name mailings" in shell.run("outbox", "release", code=1).stderr
    assert shell.json("outbox", "drop", "--restored") == []


def test_a_service_does_not_send_from_a_database_that_was_put_back(shell: Shell) -> None:
    shell.run("timeline", "import", str(SAMPLES / "timeline.yaml"), "--domain", "strategy.example")
    with contextlib.chdir(shell.folder):
        config = configuration.load()
        engine = wiring.engine(config)
        said: list[str] = []
        service = Service(config, engine, {Role.SCHEDULE}, said.append)
        service.tick()
        service.deliver()
        assert mark.read(config) is not None
        mark.write(config, mark.Mark(3, 0, ""))
        service.start()
        service.stop()
        assert "NOTHING IS SENT: the database is of generation 1, generation 3 was known" in said[0]
        assert service.deliver().total == 0
        assert mark.read(config) == mark.Mark(3, 0, "")
        engine.db.close()
    assert shell.json("adopt")[0]["generation"] == 4
    with contextlib.chdir(shell.folder):
        assert mark.read(config) is not None
        assert mark.read(config).generation == 4


def test_a_person_is_shown_forgotten_and_stays_so_after_a_restore(shell: Shell) -> None:
    shell.run("timeline", "import", str(SAMPLES / "timeline.yaml"), "--domain", "s.example", "--as-of", "2019-03-20")
    shell.run("roster", "import", "--groups", str(SAMPLES / "groups.csv"))
    shell.run("digest", "add", "core", "--title", "Digest", "--rule", "weekly mon 09:00")
    shell.run("roster", "import", "--liaisons", str(SAMPLES / "liaisons.csv"))
    who = "bronwen.tully@wmuk.example"
    shell.run("backup", "before.gz")
    (shown,) = shell.json("person", "export", who, "-o", "one.zip")
    assert shown["rows"]["liaison"] == 1
    assert stat.S_IMODE((shell.folder / "one.zip").stat().st_mode) == 0o600
    assert "Bronwen" in zipfile.ZipFile(shell.folder / "one.zip").read("person.json").decode()
    assert "one.zip" in shell.run("person", "export", who, "-o", "one.zip", code=1).stderr
    assert "code" in shell.run("person", "erase", who, "--reason", "She asked!", "--yes", code=1).stderr
    shell.run("person", "erase", who, "--reason", "asked", "--yes")
    assert "nothing is held" in shell.run("person", "export", who, "-o", "two.zip", code=1).stderr
    assert not (shell.folder / "two.zip").exists()
    assert who not in (shell.folder / "tidings.erasures").read_text()
    assert "forgotten again" in shell.run("restore", "before.gz", "--replace").stdout
    assert "nothing is held" in shell.run("person", "export", who, "-o", "two.zip", code=1).stderr
    assert len(shell.json("roster", "show")) == 47
    assert {row["due"] for row in shell.json("retain", "--dry-run")} == {0}
    shell.run("retain")


def test_texts_go_out_to_translators_and_come_back(shell: Shell) -> None:
    shell.run("timeline", "import", str(SAMPLES / "timeline.yaml"), "--domain", "s.example", "--as-of", "2019-03-20")
    shell.run("translate", "export", "-l", "sw", "-o", "sw.po")
    po = (shell.folder / "sw.po").read_text()
    at = po.index('msgstr ""', po.index("msgctxt")) + len('msgstr "')
    (shell.folder / "sw.po").write_text(po[:at] + "Habari" + po[at:])
    (report,) = shell.json("translate", "import", "sw.po")
    assert len(report["added"]) == 1
    (row,) = [row for row in shell.json("translate", "status") if row["lang"] == "sw"]
    assert (row["fresh"], len(row["missing"])) == (1, row["texts"] - 1)
    assert "outdated" in shell.run("translate", "status").stdout
    assert "did you mean" in shell.run("translate", "export", "-l", "swa-x", code=1).stderr
    assert "po, xliff, yaml" in shell.run("translate", "export", "-l", "sw", "--as", "xls", code=1).stderr
    (shell.folder / "bad.po").write_bytes(b"\xff\xfe")
    assert "UTF-8" in shell.run("translate", "import", "bad.po", code=1).stderr


def test_status_and_control(shell: Shell) -> None:
    shell.run("timeline", "import", str(SAMPLES / "timeline.yaml"), "--domain", "strategy.example")
    (found,) = shell.json("status")
    assert (found["generation"], found["workers"], found["held"]) == (1, [], 0)
    shell.run("outbox", "pause", "--domain", "Example.ORG", "--why", "it asked us to")
    assert "nothing is sent to example.org: it asked us to" in shell.run("status").stdout
    assert "not both" in shell.run("outbox", "pause", "3", "--domain", "example.org", code=1).stderr
    assert "example.com is not paused" in shell.run("outbox", "resume", "--domain", "example.com", code=1).stderr
    assert "say `outbox resume --domain example.org`" in shell.run("outbox", "resume", code=1).stderr
    shell.run("outbox", "resume", "--domain", "example.org")
    assert "no mailing 3 is ready" in shell.run("outbox", "sample", "3", code=1).stderr
    assert shell.json("roster", "suppressed") == []
    assert "is not suppressed" in shell.run("roster", "lift", "a@b.example", "--why", "so she says", code=1).stderr
    assert "nobody" in shell.run("roster", "lift", "nobody", "--why", "so", code=1).stderr


def test_a_test_mail_that_the_smart_host_does_not_take(shell: Shell) -> None:
    shell.run("timeline", "import", str(SAMPLES / "timeline.yaml"), "--domain", "strategy.example")
    shell.run("digest", "add", "core", "--title", "Strategy digest", "--rule", "fortnightly wed 09:00")
    assert "has no readers yet" in shell.run("digest", "test", "me@team.example", code=1).stderr
    assert "S, M or L" in shell.run("digest", "test", "me@team.example", "--size", "XL", code=1).stderr
    shell.run("roster", "import", "--groups", str(SAMPLES / "groups.csv"))
    shell.run("roster", "import", "--liaisons", str(SAMPLES / "liaisons.csv"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = shell.folder / "tidings.toml"
    config.write_text(config.read_text().replace("port = 25\n", f"port = {port}\n"))
    said = shell.run("digest", "test", "me@team.example", "--language", "de", code=1).stderr
    assert "did not take it" in said


def test_tasks_from_the_command_line(shell: Shell) -> None:
    shell.run("timeline", "import", str(SAMPLES / "timeline.yaml"), "--domain", "s.example", "--as-of", "2019-03-20")
    assert "(none)" in shell.run("task", "list").stdout
    engine = wiring.engine(configuration.load(shell.folder / "tidings.toml"))
    with engine.db.write() as tx:
        act = Act("clock", datetime(2020, 1, 1, tzinfo=UTC))
        for kind in ("safety", "complaint"):
            tasks.add(tx, act, 1, kind, ("raw", 1))
    engine.db.close()
    assert [(one["kind"], one["late"]) for one in shell.json("task", "list")] == [("safety", True), ("complaint", True)]
    shown = shell.run("task", "list").stdout
    assert "only the privacy circle" in shown
    assert "LATE" in shown
    assert "privacy circle" in shell.run("task", "show", "1", code=1).stderr
    assert "safety" in shell.run("task", "show", "1", "--private").stdout
    assert "looks after task 2" in shell.run("task", "assign", "2", "Kim").stdout
    assert "no contact person" in shell.run("task", "assign", "2", "nobody@s.example", code=1).stderr
    shell.run("--as", "kim", "task", "done", "2", "--reason", "they had left already")
    (done,) = shell.json("task", "list", "--state", "done")
    assert done["assigned_to"] == "Kim"
    assert "they had left already" in shell.run("task", "show", "2").stdout
    assert "no task 9" in shell.run("task", "reopen", "9", code=1).stderr
    shell.run("task", "reopen", "2")
    assert "tasks for people: 2" in shell.run("status").stdout


def test_a_draft_from_the_command_line(shell: Shell) -> None:
    shell.run("timeline", "import", str(SAMPLES / "timeline.yaml"), "--domain", "s.example", "--as-of", "2019-03-20")
    shell.run("roster", "import", "--groups", str(SAMPLES / "groups.csv"))
    shell.run("digest", "add", "core", "--title", "Digest", "--rule", "weekly mon 09:00", "--review-hours", "200")
    shell.run("roster", "import", "--liaisons", str(SAMPLES / "liaisons.csv"))
    assert "no draft of core is open" in shell.run("digest", "draft", code=1).stderr
    with contextlib.chdir(shell.folder):
        made = wiring.engine(configuration.load(Path("tidings.toml")))
        schedule.tick(made, act=Act("clock", datetime.now(UTC)))
        made.db.close()
    lines = shell.json("digest", "draft")
    name = lines[0]["name"]
    (shell.folder / "hello.md").write_text("Good day.\n")
    shell.run("digest", "draft", "--put-off", name, "--foreword", "hello.md")
    chosen = shell.json("digest", "draft")
    assert [line["choice"] for line in chosen if line.get("name") == name] == ["put off"]
    assert {"foreword": "Good day.", "language": "en"} in chosen
    assert not any(line.get("choice") for line in shell.json("digest", "draft", "--clear", name))
    assert "nothing that a digest tells" in shell.run("digest", "draft", "--pin", "no-such-thing", code=1).stderr
    assert shell.json("digest", "set", "--calendar") == [{"digest": "core", "calendar": True}]
