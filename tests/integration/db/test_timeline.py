"""Events, their order, the projection, and facts at any seq."""

import threading
from dataclasses import replace

import pytest

from db import timeline
from db.engine import Database
from db.process import by_id
from db.timeline import Draft, Overtaken
from digests.subject import Status, Subject, SubjectKind
from digests.timeline import EntryKind, EventKind, Facts, When
from tests.seeds import act, make_process

FACTS = Facts(EntryKind.CONSULTATION, "Talk", When("2019-03-01", "2019-03-31"), ("core", "health"))


@pytest.fixture
def process_id(database: Database) -> int:
    return make_process(database)


def add(database: Database, process_id: int, slug: str, facts: Facts = FACTS) -> Subject:
    with database.write() as tx:
        (entry_id,) = timeline.add_entries(tx, process_id, [(slug, facts)])
        subject = Subject(SubjectKind.ENTRY, entry_id)
        timeline.append_events(tx, process_id, [Draft(subject, facts)], act=act(), cause="import")
    return subject


def change(database: Database, process_id: int, subject: Subject, facts: Facts) -> int:
    with database.write() as tx:
        known = next(one for one in timeline.entries(tx, process_id) if one.subject == subject)
        draft = Draft(subject, facts, known.facts, known.changed_seq)
        (event,) = timeline.append_events(tx, process_id, [draft], act=act(), cause="person")
    return event.seq


def test_every_event_holds_the_whole_facts_after_it(database: Database, process_id: int) -> None:
    subject = add(database, process_id, "talk")
    moved = replace(FACTS, when=When("2019-03-01", "2019-04-15"), reason="more time")
    later = change(database, process_id, subject, moved)
    with database.read() as tx:
        assert timeline.facts_at(tx, process_id, subject, 0) is None
        assert timeline.facts_at(tx, process_id, subject, 1) == FACTS
        assert timeline.facts_at(tx, process_id, subject, later) == moved
        assert timeline.facts_at_many(tx, process_id, [subject, Subject(SubjectKind.ENTRY, 99)]) == {subject: moved}
        first, second = timeline.events_between(tx, process_id, 0, later)
        assert timeline.events_between(tx, process_id, 1, later) == [second]
        assert timeline.history(tx, process_id, [subject]) == {subject: [first, second]}
        assert timeline.all_facts_at(tx, process_id, 1, [SubjectKind.ENTRY]) == {subject: FACTS}
    assert (first.kind, second.kind) == (EventKind.ADDED, EventKind.CHANGED)
    assert [(one.field, one.was, one.now) for one in second.changes] == [
        ("end", "2019-03-31", "2019-04-15"),
        ("reason", "", "more time"),
    ]


def test_the_projection_equals_the_replay(database: Database, process_id: int) -> None:
    talk, vote = add(database, process_id, "talk"), add(database, process_id, "vote")
    change(database, process_id, talk, replace(FACTS, tracks=("money",)))
    change(database, process_id, talk, FACTS)
    change(database, process_id, vote, replace(FACTS, status=Status.CANCELLED))
    with database.write() as tx:
        before = timeline.entries(tx, process_id)
        tracks = _tracks(tx)
        timeline.rebuild_projection(tx, process_id)
        assert timeline.entries(tx, process_id) == before
        assert _tracks(tx) == tracks
        assert timeline.hopped(tx, process_id) == {talk}
    assert [(one.slug, one.hopped, one.facts.status) for one in before] == [
        ("talk", True, "planned"),
        ("vote", False, "cancelled"),
    ]


def _tracks(tx: object) -> list[tuple[int, int, bool]]:
    rows = tx.exec_driver_sql("SELECT entry_id, track_id, main FROM entry_track ORDER BY 1, 2")  # type: ignore[attr-defined]
    return [(row[0], row[1], bool(row[2])) for row in rows]


def test_what_was_read_before_somebody_else_wrote_is_refused(database: Database, process_id: int) -> None:
    subject = add(database, process_id, "talk")
    with database.read() as tx:
        stale = timeline.entries(tx, process_id)[0]
    change(database, process_id, subject, replace(FACTS, title="Talks"))
    draft = Draft(subject, replace(FACTS, place="online"), stale.facts, stale.changed_seq)
    with pytest.raises(Overtaken), database.write() as tx:
        timeline.append_events(tx, process_id, [draft], act=act(), cause="person")
    with database.read() as tx:
        process = by_id(tx, process_id)
        assert process is not None
        assert process.last_seq == 2


def test_two_clocks_write_one_event(database: Database, process_id: int) -> None:
    subject = add(database, process_id, "talk")
    opened = replace(FACTS, status=Status.OPEN)
    draft = Draft(subject, opened, FACTS, 1, EventKind.OPENED, clock_key="2019-03-01")
    written: list[int] = []

    def tick() -> None:
        with database.write() as tx:
            written.append(len(timeline.append_events(tx, process_id, [draft], act=act(), cause="clock")))

    threads = [threading.Thread(target=tick) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(written) == [0, 0, 0, 1]


def test_seq_follows_the_order_of_commits(database: Database, process_id: int) -> None:
    subjects = [add(database, process_id, f"e{n}") for n in range(4)]
    seen: list[int] = []

    def write(subject: Subject) -> None:
        for n in range(5):
            change(database, process_id, subject, replace(FACTS, place=f"room {n}"))
            with database.read() as tx:
                found = by_id(tx, process_id)
                assert found is not None
                seen.append(found.last_seq)

    threads = [threading.Thread(target=write, args=(subject,)) for subject in subjects]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.read() as tx:
        seqs = [event.seq for event in timeline.events_between(tx, process_id, 0, 1000)]
    assert seqs == list(range(1, 25))
    assert len(seen) == 20
