"""Facts, dates, views and what the clock adds."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digests.timeline import (
    Change,
    EntryKind,
    EventKind,
    Facts,
    OtherFacts,
    Precision,
    Session,
    Status,
    SubjectKind,
    When,
    changes,
    clock_events,
    closing_at,
    event_kind,
    facts_of,
    hops,
    next_clock,
    status_by_dates,
    view,
)
from digests.wall import read_moment, zone

BERLIN = zone("Europe/Berlin")
TALKS = Facts(
    kind=EntryKind.CONSULTATION,
    title="Community conversations",
    when=When("2019-03-15", "2019-05-31"),
    tracks=("core-team", "advocacy"),
    participate=True,
    how="Reply to this digest.",
    questions=("RR-1",),
)
MEETING = Facts(
    kind=EntryKind.EVENT,
    title="Office hour",
    when=When("2020-11-21", "2020-11-22"),
    tracks=("core-team",),
    sessions=(
        Session.parse("2020-11-22T17:00Z/2020-11-22T21:00Z"),
        Session.parse("2020-11-21T11:00Z/2020-11-21T15:00Z"),
    ),
)


def berlin(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)


def test_what_dates_may_mean() -> None:
    month = When("2018-07", "2018-10", Precision.MONTH)
    assert (month.first_day(), month.started_day(), month.last_day()) == (
        date(2018, 7, 1),
        date(2018, 7, 31),
        date(2018, 10, 31),
    )
    about = When("2019-03-15", None, Precision.APPROX)
    assert (about.first_day(), about.last_day()) == (date(2019, 3, 12), date(2019, 3, 18))
    assert When("2018-03", None, Precision.APPROX).last_day() == date(2018, 3, 31) + timedelta(days=0)
    moment = When("2020-01-30T18:00Z", "2020-01-30T19:00Z")
    assert moment.ended_at(BERLIN) == datetime(2020, 1, 30, 19, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "end", "precision", "says"),
    [
        ("2019-02-30", None, "day", "not a date"),
        ("2019-13", None, "month", "not a date"),
        ("soon", None, "day", "2019-03-15, 2019-03 or"),
        ("2019-03-15T18:00", None, "day", "not a date"),
        ("2019-03-15", "2019-03-14", "day", "before it starts"),
        ("2019-03", None, "day", "precision is month"),
    ],
)
def test_wrong_dates_say_what_would_be_right(start: str, end: str | None, precision: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        When(start, end, Precision(precision))


def test_wrong_sessions_and_tracks() -> None:
    with pytest.raises(ValueError, match="carry a zone"):
        Session(datetime.fromisoformat("2020-01-01T10:00"), datetime.fromisoformat("2020-01-01T11:00"))
    with pytest.raises(ValueError, match="before it starts"):
        Session.parse("2020-01-01T10:00Z/2020-01-01T09:00Z")
    with pytest.raises(ValueError, match="start/end"):
        Session.parse("2020-01-01T10:00Z")
    with pytest.raises(ValueError, match="no zone"):
        read_moment("2020-01-01T10:00")
    with pytest.raises(ValueError, match="at least one track"):
        replace(TALKS, tracks=())
    with pytest.raises(ValueError, match="named twice"):
        replace(TALKS, tracks=("a", "a"))


def test_facts_survive_storage() -> None:
    for facts in (TALKS, MEETING, replace(TALKS, status=Status.CANCELLED, tell=3, reason="pandemic")):
        assert Facts.from_json(facts.to_json()) == facts
        assert facts_of(SubjectKind.ENTRY, facts.as_document()) == facts
    other = OtherFacts("Which policies matter?", ref="ADV-1", tracks=("advocacy",), entry=4, links=("response:1",))
    assert OtherFacts.from_json(other.to_json()) == other
    assert facts_of(SubjectKind.QUESTION, other.as_document()) == other


def test_stored_facts_are_stable_text_and_forgive_unknown_keys() -> None:
    assert replace(TALKS).to_json() == TALKS.to_json()
    assert '"place"' not in TALKS.to_json()
    assert Facts.of_document(TALKS.as_document() | {"colour": "red"}) == TALKS


def test_changes_name_both_values() -> None:
    later = replace(TALKS, when=When("2019-03-15", "2019-09-15"), tracks=("core-team",))
    assert changes(TALKS, later) == (
        Change("end", "2019-05-31", "2019-09-15"),
        Change("tracks", "core-team, advocacy", "core-team"),
    )
    assert changes(TALKS, TALKS) == ()
    assert Change("participate", "", "yes") in changes(None, TALKS)
    assert hops(TALKS, later)
    assert not hops(TALKS, replace(TALKS, tracks=("advocacy", "core-team")))


def test_kinds_of_events() -> None:
    gone, over = replace(TALKS, status=Status.CANCELLED), replace(TALKS, status=Status.OVER)
    assert event_kind(None, TALKS) is EventKind.ADDED
    assert event_kind(TALKS, gone) is EventKind.CANCELLED
    assert event_kind(gone, TALKS) is EventKind.REOPENED
    assert event_kind(over, TALKS) is EventKind.REOPENED
    assert event_kind(TALKS, replace(TALKS, title="Talks")) is EventKind.CHANGED


@pytest.mark.parametrize(
    "quiet", [{"title": "Talks"}, {"description": "More"}, {"link": "https://a.example"}, {"reason": "r"}]
)
def test_quiet_facts_do_not_change_the_view(quiet: dict[str, str]) -> None:
    assert view(replace(TALKS, **quiet)) == view(TALKS)
    assert view(replace(TALKS, **quiet, tell=1)) != view(TALKS)


@pytest.mark.parametrize(
    "loud",
    [
        {"when": When("2019-03-15", "2019-05-31", Precision.APPROX)},
        {"place": "Berlin"},
        {"tracks": ("advocacy", "core-team")},
        {"participate": False},
        {"how": "Write on the talk page."},
        {"questions": ("RR-1", "RR-2")},
        {"status": Status.OPEN},
        {"sessions": MEETING.sessions},
    ],
)
def test_loud_facts_do(loud: dict[str, object]) -> None:
    assert view(replace(TALKS, **loud)) != view(TALKS)


def test_over_and_cancelled_are_one_view_each() -> None:
    for status in (Status.OVER, Status.CANCELLED):
        assert view(replace(TALKS, status=status)) == view(replace(MEETING, status=status))
    assert view(replace(TALKS, status=Status.OVER, tell=1)) != view(replace(TALKS, status=Status.OVER))
    assert view(replace(TALKS, status=Status.CANCELLED, tell=1)) == view(replace(TALKS, status=Status.CANCELLED))


def test_the_clock_opens_and_closes_in_the_zone_of_the_process() -> None:
    assert clock_events(TALKS, berlin("2019-03-14T23:59"), BERLIN) == ()
    (opened,) = clock_events(TALKS, berlin("2019-03-15T00:00"), BERLIN)
    assert (opened.kind, opened.clock_key, opened.after.status) == (EventKind.OPENED, "2019-03-15", Status.OPEN)
    assert clock_events(opened.after, berlin("2019-05-31T23:59"), BERLIN) == ()
    (closed,) = clock_events(opened.after, berlin("2019-06-01T00:00"), BERLIN)
    assert (closed.kind, closed.clock_key, closed.after.status) == (EventKind.CLOSED, "2019-05-31", Status.OVER)
    assert clock_events(closed.after, berlin("2030-01-01T00:00"), BERLIN) == ()


def test_after_a_long_silence_the_clock_says_the_last_thing_alone() -> None:
    (closed,) = clock_events(TALKS, berlin("2020-01-01T00:00"), BERLIN)
    assert closed.kind is EventKind.CLOSED
    assert closed.due_at == berlin("2019-06-01T00:00")


def test_a_meeting_happens_after_its_last_session() -> None:
    assert clock_events(MEETING, read_moment("2020-11-22T20:59Z"), BERLIN) == ()
    (happened,) = clock_events(MEETING, read_moment("2020-11-22T21:00Z"), BERLIN)
    assert (happened.kind, happened.clock_key) == (EventKind.HAPPENED, "2020-11-22T21:00Z")


def test_a_month_falls_due_at_its_end() -> None:
    paper = Facts(EntryKind.PUBLICATION, "Paper", When("2018-06", None, Precision.MONTH), ("core-team",))
    assert clock_events(paper, berlin("2018-06-30T12:00"), BERLIN) == ()
    assert clock_events(paper, berlin("2018-07-01T00:00"), BERLIN)[0].kind is EventKind.HAPPENED


def test_cancelled_entries_are_left_alone() -> None:
    gone = replace(TALKS, status=Status.CANCELLED)
    assert clock_events(gone, berlin("2030-01-01T00:00"), BERLIN) == ()
    assert status_by_dates(gone, berlin("2019-04-01T00:00"), BERLIN) is Status.CANCELLED
    assert next_clock(gone, berlin("2019-01-01T00:00"), BERLIN) is None


def test_closing() -> None:
    assert closing_at(TALKS, BERLIN) == berlin("2019-06-01T00:00")
    assert closing_at(OtherFacts("q", closes="2019-06-01T10:00+00:00"), BERLIN) == read_moment("2019-06-01T10:00Z")
    assert closing_at(OtherFacts("q"), BERLIN) is None


@given(st.integers(0, 900), st.integers(0, 300), st.sampled_from(list(EntryKind)), st.sampled_from(list(Precision)))
def test_the_clock_ends_where_the_dates_say(first: int, length: int, kind: EntryKind, precision: Precision) -> None:
    """Walking from due moment to due moment gives the status that the dates give, wherever one stops."""
    start = date(2018, 1, 1) + timedelta(days=first)
    when = When(start.isoformat(), (start + timedelta(days=length)).isoformat(), precision)
    facts, now = Facts(kind, "t", when, ("a",)), datetime(2017, 1, 1, tzinfo=UTC)
    steps = 0
    while (due := next_clock(facts, now, BERLIN)) is not None:
        now, steps = due, steps + 1
        assert clock_events(facts, now - timedelta(seconds=1), BERLIN) == ()
        (event,) = clock_events(facts, now, BERLIN)
        assert event.due_at == now
        facts = event.after
        assert facts.status is status_by_dates(facts, now, BERLIN)
    assert facts.status is Status.OVER
    assert steps in (1, 2)
