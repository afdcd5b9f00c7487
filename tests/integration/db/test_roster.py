"""Whom an address belongs to, who stands for whom, and what changes void."""

from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from db import addresses, roster, subscriptions
from db.engine import Database
from tests.seeds import act, make_digest, make_process, make_roster, moment

NOW = moment("2019-03-18")


@pytest.fixture
def process_id(database: Database) -> int:
    made = make_process(database)
    make_digest(database)
    make_roster(database)
    return made


def test_an_address_names_its_liaison_and_still_does_for_90_days(database: Database, process_id: int) -> None:
    with database.write() as tx:
        found = addresses.by_address_key(tx, process_id, "ana@post.example", NOW)
        assert found is not None
        assert (found.liaison.name, found.address.is_primary) == ("Ana Roth", False)
        addresses.retire_address(tx, found.address.id, NOW)
        later = addresses.by_address_key(tx, process_id, "ana@post.example", NOW + timedelta(days=89))
        assert later is not None
        assert addresses.by_address_key(tx, process_id, "ana@post.example", NOW + timedelta(days=91)) is None
        # Somebody else claims it: from then on it is theirs.
        row = {"liaison_id": found.liaison.id + 1, "addr": "ana@post.example", "key": "ana@post.example"}
        addresses.add_addresses(tx, process_id, [{**row, "hint_key": "ana@post.example", "is_primary": False}])
        claimed = addresses.by_address_key(tx, process_id, "ana@post.example", NOW + timedelta(days=1))
        assert claimed is not None
        assert claimed.liaison.id == found.liaison.id + 1


def test_one_key_has_one_liaison_and_a_group_one_first(database: Database, process_id: int) -> None:
    with database.read() as tx:
        ana, bo = (
            addresses.by_address_key(tx, process_id, key, NOW) for key in ("ana@wmde.example", "bo@wmde.example")
        )
        group = roster.group_by_slug(tx, process_id, "wmde")
    assert ana is not None
    assert bo is not None
    assert group is not None
    row = {"liaison_id": bo.liaison.id, "addr": "A", "key": "ana@wmde.example", "hint_key": "x", "is_primary": False}
    with pytest.raises(IntegrityError), database.write() as tx:
        addresses.add_addresses(tx, process_id, [row])
    with database.read() as tx:
        (mandate,) = roster.mandates(tx, process_id, [bo.liaison.id])
    with pytest.raises(IntegrityError), database.write() as tx:
        roster.change_mandate(tx, mandate.id, rank="first")


def test_groups_of_a_liaison_and_their_places(database: Database, process_id: int) -> None:
    with database.read() as tx:
        chloe = addresses.by_address_key(tx, process_id, "chloe@wmfr.example", NOW)
        assert chloe is not None
        groups = roster.groups_of(tx, chloe.liaison.id)
        assert [(one.slug, one.lat, one.zone) for one in groups] == [
            ("cloud", None, None),
            ("wmfr", 48.86, "Europe/Paris"),
        ]
        assert roster.group_by_tag(tx, process_id, groups[0].tag) == groups[0]
        assert roster.liaison_by_tag(tx, process_id, chloe.liaison.tag) == chloe.liaison


def test_processes_do_not_see_each_other(database: Database, process_id: int) -> None:
    other = make_process(
        database, "schema: 1\nprocess: {slug: o, name: O, zone: UTC, source_language: en}\n", "other.example"
    )
    with database.read() as tx:
        assert addresses.by_address_key(tx, other, "ana@wmde.example", NOW) is None
        assert roster.liaisons(tx, other) == []
        assert roster.groups(tx, other) == []
        assert addresses.addresses(tx, other) == {}
        assert len(roster.liaisons(tx, process_id)) == 3


def test_suppression_is_of_an_address_by_its_hash(database: Database, process_id: int) -> None:
    with database.write() as tx:
        assert addresses.suppress(tx, process_id, "hash", "hard bounce", NOW)
        assert not addresses.suppress(tx, process_id, "hash", "complaint", NOW)
        assert addresses.standing_order(tx, process_id, "hash") == "hard bounce"
        assert addresses.standing_orders(tx, process_id) == {"hash": "hard bounce"}
        assert addresses.lift_suppression(tx, process_id, "hash", NOW)
        assert not addresses.lift_suppression(tx, process_id, "hash", NOW)
        assert addresses.standing_order(tx, process_id, "hash") is None
        assert addresses.suppress(tx, process_id, "hash", "again", NOW)


def test_interests_void_the_cursor_and_keep_what_was_known(database: Database, process_id: int) -> None:
    with database.write() as tx:
        bo = addresses.by_address_key(tx, process_id, "bo@wmde.example", NOW)
        assert bo is not None
        (place,) = subscriptions.of_liaison(tx, bo.liaison.id)
        assert subscriptions.by_tag(tx, place.tag) == place
        subscriptions.change(tx, place.id, cursor=5)
        health, money = place.interests
        assert not subscriptions.set_interests(tx, place.id, [money, health], since=9)
        (same,) = subscriptions.of_liaison(tx, bo.liaison.id)
        assert (same.cursor, same.turn) == (5, 0)
        assert subscriptions.set_interests(tx, place.id, [], since=9)
        assert subscriptions.set_interests(tx, place.id, [health], since=12)
        (after,) = subscriptions.of_liaison(tx, bo.liaison.id)
        rows = tx.exec_driver_sql("SELECT track_id, since_seq, active FROM interest ORDER BY id").all()
    assert (after.cursor, after.turn, after.interests) == (None, 2, (health,))
    mine = [(row[0], row[1], bool(row[2])) for row in rows if row[0] in (health, money) or row[1] == 9]
    assert (health, 0, True) in mine
    assert (money, 0, False) in mine
    assert (None, 9, False) in mine


def test_tags_are_drawn_again_on_a_clash() -> None:
    drawn = iter([5, 0, 2**40, 7])
    assert roster.fresh_tag(lambda: next(drawn), {5}) == 7
    with pytest.raises(ValueError, match="random"):
        roster.fresh_tag(lambda: 5, {5})


def test_what_somebody_set_by_themselves_is_known(database: Database, process_id: int) -> None:
    from flows.roster import set_hour

    with database.read() as tx:
        ana = addresses.by_address_key(tx, process_id, "ana@wmde.example", NOW)
    assert ana is not None
    set_hour(database, ana.liaison.id, 7, act=act(actor=f"liaison:{ana.liaison.id}"))
    with database.read() as tx:
        assert roster.chosen_by_self(tx, process_id) == {ana.liaison.id: {"hour"}}
