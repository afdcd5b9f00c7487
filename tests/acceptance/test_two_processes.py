"""Two processes in one deployment: each with its own domain, people, digest, questions and counters; nothing crosses."""

import contextlib
import smtplib
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from app.cli.main import cli
from db import inputs, process
from db import person as held_by
from db.inputs import Filter
from db.tables import Base
from flows import groups, questions, roster_import, schedule, timeline
from flows import person as persons
from flows import process as processes
from flows import roster as roster_verbs
from mailer import home
from tests.world import ENTRIES, GROUPS, LIAISONS, PROCESS, QUESTIONS, Mail, World

FIRST = datetime(2019, 3, 11, 23, 0, tzinfo=UTC)
GARDEN = (
    PROCESS.replace("slug: reform", "slug: garden")
    .replace("The reform", "The garden")
    .replace("process.example", "garden.example")
    .replace(
        "{role: Coordinator, address: mon@team.example, languages: [en]}",
        "{role: Gardener, address: gardener@team.example, languages: [en]},"
        " {role: بستاني, address: bustani@team.example, languages: [ar]}",
    )
)


def second(world: World, base: str = "garden.example") -> int:
    """The garden: the same people, tracks and question ids, at another domain, or behind a prefix."""
    db, act = world.engine.db, world.act()
    row, _ = processes.import_process(db, GARDEN, address_base=base, act=act)
    content = GARDEN + ENTRIES.format(talks_end="2019-04-05").replace("Talks about money", "Talks about seeds")
    assert timeline.import_timeline(db, "garden", content, act=act).ok
    assert questions.import_questions(db, "garden", QUESTIONS.replace("grants", "seeds"), act=act).ok
    assert groups.import_groups(db, "garden", GROUPS, draw_tag=world.engine.draw_tag, act=act).ok
    schedule.add_digest(
        world.engine, row.id, "core", "The garden digest", "weekly mon 09:00", anchor_on=date(2019, 3, 4),
        grace_minutes=60, act=act,
    )  # fmt: skip
    report = roster_import.import_liaisons(db, "garden", "core", LIAISONS, draw_tag=world.engine.draw_tag, act=act)
    assert report.ok, report.rejected
    return row.id


def of(world: World, who: str, base: str) -> list[Mail]:
    """Mails to somebody from a digest of one process, or from the process itself."""
    froms = {f"<{home.read(base).at(name)}>" for name in ("core", "garden" if "garden" in base else "reform")}
    return [mail for mail in world.mailbox(who) if mail["From"].rpartition(" ")[2] in froms]


def said(world: World, process_id: int) -> list[str]:
    with world.engine.db.read() as tx:
        rows = inputs.inputs(tx, process_id, Filter())
        return [one.ref for row in rows for one in inputs.statements(tx, [row.id]).get(row.id, [])]


@pytest.mark.parametrize("base", ["garden.example", "garden@process.example"])
def test_nothing_crosses(world: World, base: str) -> None:
    world.populate()
    garden = second(world, base)
    reform = world.process().id
    world.until(FIRST)
    (ours,), (theirs,) = of(world, "ana@", "process.example"), of(world, "ana@", base)
    assert "Talks about money" in ours.text
    assert "Talks about seeds" in theirs.text
    assert "seeds" not in ours.text
    assert (ours["List-Id"], theirs["List-Id"]) != (theirs["List-Id"], ours["List-Id"])
    at = home.read(base)
    assert f"<{at.local('reply')}+" in theirs["Reply-To"]
    assert f"@{at.domain}>" in theirs["Reply-To"]
    assert theirs["List-Id"].endswith(f"<core.{at.label}>")
    assert theirs.envelope.mail_from.startswith(f"{at.local('bounce')}+")
    assert at.local("leave") + "%2B" in theirs["List-Unsubscribe"]
    assert at.at("core-request") in theirs["List-Help"]
    assert at.at("core-owner") in theirs.text
    assert ours["Message-ID"] != theirs["Message-ID"]

    world.reply(theirs, "Seeds belong to those who sow them.", item=theirs.number_of("Talks about seeds"))
    world.turn()
    assert (said(world, garden), said(world, reform)) == (["S-1"], [])
    world.reply(ours, "Money belongs to the regions.", item=ours.number_of("Talks about money"))
    world.turn()
    assert (said(world, garden), said(world, reform)) == (["S-1"], ["S-1"])
    assert len(of(world, "ana@", base)) == 2  # the digest and the receipt

    # An address of one process, at the domain of the other, is nobody's.
    crossed = theirs.item_address(1).replace("garden.example", "process.example").replace("garden-", "")
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        world.send(b"From: ana@west.example\r\nSubject: x\r\n\r\nHello\r\n", crossed, "ana@west.example")

    # Who leaves one stays in the other; who is forgotten in one is known in the other.
    with world.engine.db.read() as tx:
        here = held_by.liaison_of(tx, garden, "chidi@coast.example") or 0
    roster_verbs.leave(world.engine.db, here, act=world.act())
    persons.erase(world.engine, garden, "ana@west.example", "asked", statements="keep", act=world.act())
    assert persons.export(world.engine, reform, "ana@west.example").rows["liaison"][0]["name"] == "Ana Alves"
    world.import_timeline(talks_end="2019-05-20")
    content = GARDEN + ENTRIES.format(talks_end="2019-05-20").replace("Talks about money", "Talks about seeds")
    assert timeline.import_timeline(world.engine.db, "garden", content, act=world.act()).ok
    world.until(FIRST.replace(day=18))
    assert [len(of(world, who, base)) for who in ("ana@", "chidi@", "badr@")] == [2, 1, 2]
    assert [len(of(world, who, "process.example")) for who in ("chidi@", "badr@")] == [2, 2]


def test_who_to_ask_by_track_and_language(world: World) -> None:
    world.populate()
    second(world)
    world.until(FIRST)
    ana, badr = of(world, "ana@", "garden.example")[0].text, of(world, "badr@", "garden.example")[0].text
    assert "gardener@team.example" in ana
    assert "bustani@team.example" not in ana
    assert "bustani@team.example" in badr
    assert "mon@team.example" not in ana
    assert "gardener@team.example" not in of(world, "ana@", "process.example")[0].text


def test_every_row_belongs_to_one_process(world: World) -> None:
    world.populate()
    second(world)
    world.until(FIRST)
    with world.engine.db.read() as tx:
        ids = {one.id for one in process.everyone(tx)}
        for table in Base.metadata.tables.values():
            if "process_id" in table.c and table.name not in ("raw_message", "journal", "setting", "fallback"):
                seen = {row[0] for row in tx.execute(select(table.c.process_id))} - {None}
                assert seen <= ids
                assert not seen or table.name in ("erasure", "task", "announcement", "suppression") or seen == ids


def test_the_command_line_asks_which_and_names_the_nearest(tmp_path: Path) -> None:
    def run(*words: str) -> tuple[int, str]:
        with contextlib.chdir(tmp_path):
            done = CliRunner().invoke(cli, list(words))
        return done.exit_code, done.stdout + done.stderr

    (tmp_path / "reform.yaml").write_text(PROCESS + ENTRIES.format(talks_end="2019-03-31"))
    (tmp_path / "garden.yaml").write_text(GARDEN + ENTRIES.format(talks_end="2019-03-31"))
    assert run("init", "--domain", "process.example")[0] == 0
    assert run("timeline", "import", "reform.yaml", "--domain", "process.example")[0] == 0
    code, words = run("timeline", "import", "garden.yaml", "--domain", "process.example")
    assert (code, "every address at process.example belongs to the process reform" in words) == (1, True)
    assert run("timeline", "import", "garden.yaml", "--domain", "garden.example")[0] == 0
    code, words = run("timeline", "show")
    assert (code, "which process? name one with --process: garden, reform" in words) == (1, True)
    code, words = run("-p", "gardn", "timeline", "show")
    assert (code, "did you mean garden?" in words) == (1, True)
    assert run("-p", "garden", "timeline", "show")[0] == 0
    assert run("-p", "garden", "digest", "add", "core", "--title", "G", "--rule", "weekly mon 09:00")[0] == 0
    assert "G" not in run("-p", "reform", "digest", "plan")[1].replace("--", "").split("\n")[0]
