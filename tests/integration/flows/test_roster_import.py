"""Groups and liaisons from CSV, and what a liaison can do afterwards."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from db import addresses, roster, subscriptions
from db.engine import Database
from db.roster import LiaisonRow
from db.states import WrongMove
from db.tables import Consent, Journal
from flows import roster as verbs
from flows.engine import Refused
from flows.groups import import_groups
from flows.reports import Changed, ImportReport, UnknownName
from flows.roster_import import import_liaisons
from flows.roster_show import show_roster
from tests.seeds import GROUPS, LIAISONS, act, make_digest, make_process, make_roster, moment, tags


@pytest.fixture
def db(sqlite: Database) -> Database:
    make_process(sqlite)
    make_digest(sqlite)
    make_roster(sqlite)
    return sqlite


def again(db: Database, liaisons: str, day: str = "2019-04-01", **more: object) -> ImportReport:
    return import_liaisons(db, "demo", "weekly", liaisons, draw_tag=tags(500), act=act(day), **more)  # type: ignore[arg-type]


def who(db: Database, address: str) -> LiaisonRow:
    with db.read() as tx:
        found = addresses.by_address_key(tx, 1, address, moment("2019-04-01"))
    assert found is not None
    return found.liaison


def test_a_first_import_makes_active_liaisons_with_proof(database: Database) -> None:
    make_process(database)
    make_digest(database)
    make_roster(database)
    rows = show_roster(database, "demo")
    assert [(row.name, row.state, row.groups, row.cadence, row.size, row.interests) for row in rows] == [
        ("Ana Roth", "active", (("wmde", "first"),), "every", "L", ()),
        ("Bo Klein", "active", (("wmde", "deputy"),), "weekly", "M", ("health", "money")),
        ("Chloé Petit", "active", (("wmfr", "first"), ("cloud", "first")), "monthly", "S", ("health",)),
    ]
    assert rows[0].other_addresses == ("ana@post.example",)
    with database.read() as tx:
        moves = tx.execute(select(Journal.move_to).where(Journal.subject_kind == "liaison")).scalars().all()
        proofs = tx.execute(select(Consent.wording)).scalars().all()
    assert moves == ["active"] * 3
    assert proofs[2] == "named as liaison by wmfr on 2019-02-04, cloud on 2019-02-05"


def test_the_same_file_twice_changes_nothing(database: Database) -> None:
    make_process(database)
    make_digest(database)
    make_roster(database)
    with database.read() as tx:
        before = tx.execute(select(Journal.id)).scalars().all()
    report = again(database, LIAISONS)
    groups = import_groups(database, "demo", GROUPS, draw_tag=tags(), act=act())
    assert (report.added, report.changed, len(report.unchanged)) == ((), (), 3)
    assert (groups.added, groups.changed, len(groups.unchanged)) == ((), (), 3)
    with database.read() as tx:
        assert tx.execute(select(Journal.id)).scalars().all() == before


def test_a_changed_file_changes_exactly_that(database: Database) -> None:
    make_process(database)
    make_digest(database)
    make_roster(database)
    changed = LIAISONS.replace(
        "Europe/Vienna,18,weekly,M,health money,", "Europe/Vienna,7,weekly,S,money,bo@post.example"
    )
    changed = changed.replace("wmde,first,board", "wmde,deputy,board").replace(
        "wmde,deputy,member", "wmde,first,member"
    )
    report = again(database, changed)
    assert report.changed == (
        Changed("ana@wmde.example", ("mandates",)),
        Changed("bo@wmde.example", ("hour", "size", "interests", "other_addresses", "mandates")),
    )
    assert again(database, changed).changed == ()
    row = show_roster(database, "demo", group="wmde")[1]
    assert (row.hour, row.size, row.interests, row.groups) == (7, "S", ("money",), (("wmde", "first"),))
    with database.read() as tx:
        (place,) = subscriptions.of_liaison(tx, row.id)
    assert (place.cursor, place.turn) == (None, 1)


def test_group_changes(db: Database) -> None:
    changed = GROUPS.replace("Paris,48.86,2.35", "Lyon,45.76,4.84") + "new,New group,,usergroup,en,,World,,,,\n"
    report = import_groups(db, "demo", changed, draw_tag=tags(50), act=act())
    assert (report.added, report.changed) == (("new",), (Changed("wmfr", ("city", "lat", "lon")),))
    assert import_groups(db, "demo", GROUPS, draw_tag=tags(60), act=act()).missing == ("new",)


@pytest.mark.parametrize(
    ("was", "becomes", "line", "field", "reason"),
    [
        ("wmde,deputy", "wmde,first", 3, "rank", "has a first liaison already (line 2)"),
        ("wmde,deputy", "wmda,deputy", 3, "group", "there are cloud, wmde, wmfr"),
        ("Europe/Vienna", "Europe/Viena", 3, "timezone", "did you mean Europe/Vienna"),
        ("health money", "helth money", 3, "interests", "there are core, health, money"),
        ("18,weekly", "18,wekly", 3, "cadence", "did you mean weekly"),
        ("18,weekly", "25,weekly", 3, "hour", "from 0 to 23"),
        (",de,Europe/Vienna", ",klingonisch,Europe/Vienna", 3, "languages", "unknown language"),
        ("bo@wmde.example", "bo(at)wmde.example", 3, "address", "@"),
        ("2019-02-01", "1.2.2019", 3, "agreed_on", "2019-03-18"),
        ("weekly,M", "weekly,XL", 3, "size", "there are L, M, S"),
        ("chloe@wmfr.example,cloud", "CHLOE@wmfr.example,wmfr", 5, "rank", "has a first liaison already (line 4)"),
        (
            "Chloé Petit,chloe@wmfr.example,cloud",
            "Chloe,chloe@wmfr.example,cloud",
            5,
            "address",
            "differs from line 4 in name",
        ),
        ("health money,", "health money,ana@wmde.example", 3, "other_addresses", "belongs to a liaison of this file"),
        ("Bo Klein", "Bo\x1bKlein", 3, "name", "control character"),
        ("name,address", "nom,address", 1, "file", "the header lacks name"),
        ("Bo Klein,bo", "Bo Klein,x,bo", 3, "file", "cells where the header has"),
    ],
)
def test_one_fault_and_nothing_is_imported(
    sqlite: Database, was: str, becomes: str, line: int, field: str, reason: str
) -> None:
    make_process(sqlite)
    make_digest(sqlite)
    import_groups(sqlite, "demo", GROUPS, draw_tag=tags(), act=act())
    assert was in LIAISONS
    report = again(sqlite, LIAISONS.replace(was, becomes, 1))
    assert not report.ok
    assert (report.rejected[0].line, report.rejected[0].field) == (line, field)
    assert reason in report.rejected[0].reason
    assert show_roster(sqlite, "demo") == []


@pytest.mark.parametrize(
    ("was", "becomes", "field", "reason"),
    [
        ("52.5,13.39", "52.5,", "lat", "together"),
        ("52.5,13.39", "0,0", "lat", "lies in the sea"),
        ("52.5,13.39", "95,13.39", "lat", "from -90 to 90"),
        (",chapter,de en", ",chapters,de en", "kind", "did you mean chapter"),
        (",DE,", ",Germany,", "country", "unknown country"),
        ("wmfr,Wiki", "wmde,Wiki", "slug", "stands in line 2 already"),
        ("wmfr,Wiki", "WM FR,Wiki", "slug", "lower-case"),
    ],
)
def test_bad_groups(sqlite: Database, was: str, becomes: str, field: str, reason: str) -> None:
    make_process(sqlite)
    assert was in GROUPS
    report = import_groups(sqlite, "demo", GROUPS.replace(was, becomes, 1), draw_tag=tags(), act=act())
    assert (report.rejected[0].field, reason in report.rejected[0].reason) == (field, True), report.rejected
    with sqlite.read() as tx:
        assert roster.groups(tx, 1) == []


def test_a_taken_place_or_address_is_not_taken_again(db: Database) -> None:
    header = LIAISONS.partition("\n")[0]
    new = f"{header}\nDora,dora@wmde.example,wmde,first,,,de,Europe/Berlin,9,every,M,,bo@wmde.example\n"
    report = again(db, new)
    assert {one.field for one in report.rejected} == {"rank", "other_addresses"}
    assert "ana@wmde.example is the first liaison of wmde already" in str(report.rejected)


def test_warnings_about_people(db: Database) -> None:
    verbs.leave(db, who(db, "bo@wmde.example").id, act=act())
    with db.write() as tx:
        addresses.suppress(tx, 1, "#ana@wmde.example", "hard bounce", moment("2019-03-20"))
    more = LIAISONS + "Ana R,ana+news@wmde.example,wmfr,deputy,,,de,Europe/Berlin,9,every,M,,\n"
    report = again(db, more, address_hash=lambda key: f"#{key}")
    assert report.added == ("ana+news@wmde.example",)
    assert "is suppressed (hard bounce)" in report.warnings[0]
    assert "looks like ana@wmde.example" in report.warnings[1]
    assert "bo@wmde.example is left and stays so" in report.warnings[2]
    assert again(db, LIAISONS).missing == ("ana+news@wmde.example",)


def test_what_a_liaison_set_is_not_undone_by_a_file(db: Database) -> None:
    ana = who(db, "ana@wmde.example")
    assert verbs.set_hour(db, ana.id, 20, act=act(actor=f"liaison:{ana.id}"))
    assert not verbs.set_hour(db, ana.id, 20, act=act(actor=f"liaison:{ana.id}"))
    assert again(db, LIAISONS).changed == ()
    assert who(db, "ana@wmde.example").hour == 20
    assert again(db, LIAISONS.replace("Berlin,9,every,L", "Berlin,9,every,S")).changed == (
        Changed("ana@wmde.example", ("size",)),
    )


def test_pause_leave_and_come_back(db: Database) -> None:
    bo = who(db, "bo@wmde.example").id
    assert verbs.pause(db, bo, date(2019, 4, 1), act=act())
    assert not verbs.pause(db, bo, date(2019, 4, 1), act=act())
    with pytest.raises(Refused, match="not in the future"):
        verbs.pause(db, bo, date(2019, 3, 18), act=act())
    assert verbs.end_pauses(db, "demo", act=act("2019-03-31", hour=21)) == []
    assert verbs.end_pauses(db, "demo", act=act("2019-03-31", hour=22)) == [bo]  # midnight in Vienna, summer time
    assert who(db, "bo@wmde.example").state == "active"
    assert verbs.leave(db, bo, act=act())
    assert not verbs.leave(db, bo, act=act())
    assert verbs.come_back(db, bo, act=act("2019-04-10"))
    assert verbs.leave(db, bo, act=act())
    with pytest.raises(Refused, match="30 days"):
        verbs.come_back(db, bo, act=act("2019-05-01"))
    with pytest.raises(WrongMove):
        verbs.pause(db, bo, None, act=act())


def test_settings_are_checked(db: Database) -> None:
    ana = who(db, "ana@wmde.example").id
    with pytest.raises(UnknownName, match="Europe/Berlin"):
        verbs.set_zone(db, ana, "Europe/Berlyn", act=act())
    with pytest.raises(UnknownName, match="fortnightly"):
        verbs.set_cadence(db, ana, "fortnigthly", act=act())
    with pytest.raises(UnknownName, match="core, health, money"):
        verbs.set_interests(db, ana, ["heath"], act=act())
    with pytest.raises(Refused):
        verbs.set_languages(db, ana, [], act=act())
    with pytest.raises(Refused, match="no liaison"):
        verbs.set_hour(db, 999, 9, act=act())
    assert verbs.set_languages(db, ana, ["zh", "pt_br"], act=act())
    assert who(db, "ana@wmde.example").languages == ("zh-Hans", "pt-BR")
    assert verbs.set_size(db, ana, "s", act=act())
    assert verbs.set_cadence(db, ana, "monthly", act=act())
    with pytest.raises(Refused, match="are none at all"):
        verbs.set_quiet(db, ana, (7, 7), [], act=act())
    assert verbs.set_quiet(db, ana, (22, 7), [0, 1, 2], act=act())
    assert who(db, "ana@wmde.example").quiet == {"hours": [22, 7], "days": [0, 1, 2]}


def test_another_address(db: Database) -> None:
    ana = who(db, "ana@wmde.example").id
    with pytest.raises(Refused, match="another liaison"):
        verbs.use_address(db, ana, "BO@wmde.example", act=act())
    assert verbs.use_address(db, ana, "ana@new.example", act=act(), retire_others=True)
    assert next(row.address for row in show_roster(db, "demo", language="de")) == "ana@new.example"
    assert who(db, "ana@wmde.example").id == ana


def test_adding_one(db: Database) -> None:
    def add(**more: object) -> ImportReport:
        given = {"name": "Eve", "address": "eve@x.example", "group": "wmfr", "languages": ["fr"], "rank": "deputy"}
        given |= {"zone_name": "Europe/Paris", "act": act(), "draw_tag": tags(900)} | more
        return verbs.add_liaison(db, "demo", "weekly", **given)  # type: ignore[arg-type]

    assert add().added == ("eve@x.example",)
    with pytest.raises(Refused, match="on the roster already"):
        add()
    with pytest.raises(UnknownName, match="wmfr"):
        add(group="wmf", address="f@x.example")
    assert "first liaison of wmfr" in str(add(address="f@x.example", rank="first").rejected)


def test_filters_that_name_nothing(db: Database) -> None:
    with pytest.raises(UnknownName, match="Europe"):
        show_roster(db, "demo", region="Eurpe")
    with pytest.raises(UnknownName, match="weekly"):
        show_roster(db, "demo", digest_slug="weekyl")
    with pytest.raises(UnknownName, match="demo"):
        show_roster(db, "demoo")
    assert [row.name for row in show_roster(db, "demo", region="World")] == ["Chloé Petit"]
    assert show_roster(db, "demo", state="paused") == []
    assert len(show_roster(db, "demo", language="en")) == 2


def test_many_liaisons_in_one_file(db: Database) -> None:
    header = LIAISONS.partition("\n")[0]
    lines = [f"P{n},p{n}@many.example,wmde,deputy,,,en,UTC,{n % 24},every,M,,\n" for n in range(2000)]
    report = again(db, header + "\n" + "".join(lines))
    assert len(report.added) == 2000
    again_report = again(db, header + "\n" + "".join(lines), day=str(date(2019, 4, 1) + timedelta(days=1)))
    assert len(again_report.unchanged) == 2000
