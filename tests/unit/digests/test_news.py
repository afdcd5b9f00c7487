"""Labels, knowledge, and the decision for each reader."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from digests.cadence import Cadence
from digests.landing import Hours
from digests.news import (
    ALL_TRACKS,
    AskExact,
    Deliver,
    Interests,
    Label,
    LeftOut,
    Mind,
    News,
    Reader,
    Reason,
    Scope,
    Told,
    correction,
    decide,
    known,
    news,
    news_key,
)
from digests.subject import Status, Subject, SubjectKind
from digests.timeline import EntryKind, OtherFacts
from digests.wall import zone
from tests.unit.digests.stage import EVERYTHING, MONDAY, WEEK, Stage, entry, facts, reader

ONE = entry(1)
HEARD, STATEMENT = Subject(SubjectKind.HEARD, 7), Subject(SubjectKind.STATEMENT, 7)
CORE = Interests((("core", 0),))


def decided(stage: Stage, who: Reader | None = None, **more: Any) -> Deliver | LeftOut | AskExact:
    (decision,) = decide(stage.edition(**more), stage.chronicle, [who or reader()])
    return decision


def delivered(stage: Stage, who: Reader | None = None, **more: Any) -> Deliver:
    decision = decided(stage, who, **more)
    assert isinstance(decision, Deliver), decision
    return decision


def left_out(stage: Stage, who: Reader | None = None, **more: Any) -> LeftOut:
    decision = decided(stage, who, **more)
    assert isinstance(decision, LeftOut), decision
    return decision


def told_at(seq: int, subject: Subject = ONE) -> Mind:
    return Mind(None, ((subject, seq),))


@pytest.mark.parametrize(
    ("was", "now", "label", "quoted"),
    [
        (None, {}, Label.NEW, False),
        (None, {"status": Status.CANCELLED}, None, False),
        (None, {"status": Status.OVER}, Label.CLOSED, False),
        (None, {"status": Status.OVER, "kind": EntryKind.EVENT}, Label.HAPPENED, False),
        ({}, {"title": "Conversations"}, None, False),
        ({}, {"title": "Conversations", "tell": 1}, Label.CHANGED, True),
        ({}, {"place": "Berlin"}, Label.CHANGED, True),
        ({}, {"end": "2019-09-15"}, Label.MOVED, True),
        ({"status": Status.PLANNED}, {}, Label.OPENED, True),
        ({"status": Status.PLANNED}, {"place": "Berlin"}, Label.CHANGED, True),
        ({}, {"status": Status.OVER}, Label.CLOSED, True),
        ({}, {"status": Status.CANCELLED}, Label.CANCELLED, True),
        ({"status": Status.CANCELLED}, {}, Label.REOPENED, False),
        ({"status": Status.OVER}, {}, Label.REOPENED, False),
        ({"status": Status.OVER}, {"status": Status.OVER, "place": "Berlin"}, None, False),
        ({"status": Status.OVER}, {"status": Status.CANCELLED}, Label.CANCELLED, False),
        ({}, {"tracks": ("board",)}, Label.MOVED_TRACK, True),
        ({"tracks": ("board",)}, {}, Label.MOVED_TRACK, True),
        ({"tracks": ("board",)}, {"tracks": ("board",), "place": "Berlin"}, None, False),
    ],
)
def test_labels(was: dict[str, Any] | None, now: dict[str, Any], label: Label | None, quoted: bool) -> None:
    stage = Stage()
    at = None if was is None else stage.say(ONE, facts(**was))
    stage.say(ONE, facts(**now))
    mind = Mind(None) if at is None else told_at(at)
    found = news(stage.chronicle, stage.seq, CORE, mind)
    assert found == (() if label is None else (News(ONE, label, at if quoted else None),))


def test_there_and_back_is_no_news() -> None:
    stage = Stage()
    first = stage.say(ONE, facts())
    stage.say(ONE, facts(place="Berlin"))
    stage.say(ONE, facts())
    assert news(stage.chronicle, stage.seq, EVERYTHING, told_at(first)) == ()


def test_joining_late_tells_what_stands_and_not_what_is_over() -> None:
    stage = Stage()
    stage.say(ONE, facts())
    stage.say(entry(2), facts(status=Status.OVER))
    joined = stage.say(entry(3), facts(tracks=("board",)))
    stage.say(entry(4), facts())
    stage.say(entry(5), facts(status=Status.OVER, kind=EntryKind.PUBLICATION))
    interests = Interests((("core", joined),))
    assert [(n.subject.id, n.label) for n in news(stage.chronicle, stage.seq, interests, Mind(None))] == [
        (1, Label.STANDING),
        (4, Label.NEW),
        (5, Label.HAPPENED),
    ]


def test_an_expired_announcement_is_not_announced_again_but_a_withdrawn_one_is() -> None:
    stage, subject = Stage(), Subject(SubjectKind.ANNOUNCEMENT, 1)
    at = stage.say(subject, OtherFacts("Forms are open"))
    stage.say(subject, OtherFacts("Forms are open", Status.OVER))
    assert news(stage.chronicle, stage.seq, EVERYTHING, told_at(at, subject)) == ()
    stage.say(subject, OtherFacts("Forms are open", Status.CANCELLED))
    (found,) = news(stage.chronicle, stage.seq, EVERYTHING, told_at(at, subject))
    assert found.label is Label.CANCELLED


def test_known_is_the_newest_telling_of_each() -> None:
    deliveries = [Told(9, (ONE,)), Told(4, (ONE, entry(2)))]
    assert known(deliveries) == ((ONE, 9), (entry(2), 4))


def test_news_key_depends_on_the_news_alone() -> None:
    one, two = News(ONE, Label.NEW), News(entry(2), Label.MOVED, 4)
    assert news_key([one, two]) == news_key([two, one])
    assert news_key([one]) != news_key([replace(one, label=Label.STANDING)])
    assert news_key([two]) != news_key([replace(two, was_seq=5)])


def test_a_delivery_with_its_variant() -> None:
    stage = Stage()
    stage.say(ONE, facts())
    got = delivered(stage)
    assert got.news == (News(ONE, Label.NEW),)
    assert (got.send_at, got.not_after, got.cursor) == (MONDAY, MONDAY + timedelta(hours=36), stage.seq)
    assert got.scope == Scope(open=(ONE,))
    assert Scope.from_json(got.scope.to_json()) == got.scope
    assert got.variant_key == delivered(stage, reader(2)).variant_key
    for other in ({"size": "S"}, {"languages": ("ar", "en")}):
        changed = delivered(stage, reader(**other))
        assert changed.news == got.news
        assert changed.variant_key != got.variant_key


@pytest.mark.parametrize(
    ("reader_is", "reason"),
    [
        ({"active": False, "paused": True}, Reason.NOT_ACTIVE),
        ({"paused": True}, Reason.PAUSED),
        ({"reachable": False}, Reason.NO_ADDRESS),
        ({"regular": "2019-03-11T09:00", "cadence": Cadence.MONTHLY}, Reason.NOT_DUE),
        ({"regular": "2019-03-18T09:00"}, Reason.NOT_DUE),
    ],
)
def test_who_gets_none_and_why(reader_is: dict[str, Any], reason: Reason) -> None:
    stage = Stage()
    stage.say(ONE, facts())
    got = left_out(stage, reader(cursor=0, waiting=(), **reader_is))
    assert (got.reason, got.cursor, got.cancel) == (reason, 0, ())
    got = left_out(stage, reader(cursor=0, waiting=(11,), **reader_is))
    assert (got.cursor, got.cancel) == (None, (11,))


def test_a_special_edition_counts_in_no_period() -> None:
    stage = Stage()
    stage.say(ONE, facts())
    assert delivered(stage, reader(regular="2019-03-11T09:00", cadence=Cadence.MONTHLY), regular=False).news


def test_the_next_period_is_due() -> None:
    stage = Stage()
    stage.say(ONE, facts())
    assert delivered(stage, reader(regular="2019-02-25T09:00", cadence=Cadence.MONTHLY)).news


def test_nothing_new_moves_the_cursor_and_sends_nothing() -> None:
    stage = Stage()
    at = stage.say(ONE, facts())
    stage.say(ONE, facts("Conversations"))
    got = left_out(stage, reader(known=((ONE, at),)))
    assert (got.reason, got.cursor) == (Reason.NOTHING_NEW, stage.seq)


def test_what_closes_before_the_next_chance_is_worth_a_mail() -> None:
    stage = Stage()
    at = stage.say(ONE, facts(end="2019-03-22"))
    got = delivered(stage, reader(known=((ONE, at),)))
    assert got.news == ()
    assert got.scope.open == (ONE,)


def test_a_superseded_mail_is_told_anew() -> None:
    stage = Stage()
    at = stage.say(ONE, facts())
    got = delivered(stage, reader(cursor=at, waiting=(5, 6)))
    assert got.cancel == (5, 6)
    assert got.news == (News(ONE, Label.NEW),)


def test_the_shortcut_asks_for_the_exact_path_when_it_must() -> None:
    stage = Stage()
    at = stage.say(ONE, facts())
    stage.say(ONE, facts(tracks=("core", "board")))
    assert decided(stage, reader(interests=CORE, cursor=at, known=None)) == AskExact(1)
    assert delivered(stage, reader(cursor=at, known=None)).news == (News(ONE, Label.CHANGED, at),)
    gone = stage.say(ONE, facts(status=Status.CANCELLED))
    stage.say(ONE, facts())
    assert decided(stage, reader(cursor=gone, known=None)) == AskExact(1)
    assert decided(stage, reader(cursor=None, known=None)) == AskExact(1)


def test_a_told_erratum_is_not_repeated() -> None:
    stage = Stage()
    told = stage.say(ONE, facts())
    fixed = stage.say(ONE, facts(place="Berlin"))
    assert correction(stage.chronicle, fixed, EVERYTHING, ONE, told) == News(ONE, Label.CHANGED, told)
    assert correction(stage.chronicle, fixed, EVERYTHING, ONE, fixed) is None
    stage.say(entry(2), facts())
    got = delivered(stage, reader(cursor=told, errata=((ONE, fixed),), known=None))
    assert [n.subject for n in got.news] == [entry(2)]


def test_left_out_for_now_stays_untold_and_for_good_does_not() -> None:
    stage = Stage()
    at = stage.say(ONE, facts())
    stage.say(entry(2), facts())
    later = delivered(stage, postponed=frozenset({ONE}))
    assert ([n.subject.id for n in later.news], later.cursor, later.scope.open) == ([2], None, (entry(2),))
    never = delivered(stage, silenced={ONE: stage.seq})
    assert ([n.subject.id for n in never.news], never.cursor, never.scope.open) == ([2], stage.seq, (entry(2),))
    seen = stage.seq
    stage.say(ONE, facts(place="Berlin"))
    again = delivered(stage, reader(known=((entry(2), seen),)), silenced={ONE: seen})
    assert again.news == (News(ONE, Label.NEW),)
    assert decided(stage, reader(cursor=seen, known=None), silenced={ONE: at}) == AskExact(1)


def test_own_statements_go_to_their_author_alone_and_others_hear_of_them() -> None:
    stage = Stage()
    stage.say(STATEMENT, OtherFacts(ref="S-7", about=1))
    stage.say(HEARD, OtherFacts(ref="S-7", about=1, status=Status.OVER))
    author, other, heir = decide(stage.edition(), stage.chronicle, [reader(1), reader(2), reader(3, speaks_for=(1,))])
    assert isinstance(author, Deliver)
    assert isinstance(other, Deliver)
    assert isinstance(heir, Deliver)
    assert (author.news, author.own) == ((), (News(STATEMENT, Label.NEW),))
    assert (other.news, other.own) == ((News(HEARD, Label.NEW),), ())
    assert (heir.news, heir.own) == (author.news, author.own)


def test_an_announcement_for_others_is_not_delivered() -> None:
    stage, subject = Stage(), Subject(SubjectKind.ANNOUNCEMENT, 1)
    stage.say(subject, OtherFacts("Only for some"))
    assert left_out(stage, reader(excluded=frozenset({subject}))).reason is Reason.NOTHING_NEW
    assert delivered(stage).news == (News(subject, Label.NEW),)


def test_what_has_closed_before_the_mail_leaves_is_not_shown_as_open() -> None:
    stage = Stage()
    stage.say(ONE, facts(end="2019-03-18"))  # over at midnight in Berlin, 15 h after the freeze
    stage.say(entry(2), facts())
    early = delivered(stage)
    assert early.scope.open == (ONE, entry(2))
    assert early.not_after == MONDAY + timedelta(hours=15)
    late = delivered(stage, reader(hours=Hours(zone("America/Los_Angeles"), 15)))  # 23:00 in Berlin
    assert late.scope.open == (entry(2),)
    assert late.news == early.news
    assert late.variant_key != early.variant_key


def test_a_frozen_successor_takes_over() -> None:
    stage = Stage()
    stage.say(ONE, facts())
    at_six = reader(hours=Hours(zone("Europe/Berlin"), 6), cursor=0)
    got = left_out(stage, at_six, next_freeze=MONDAY + timedelta(hours=10))
    assert (got.reason, got.cursor) == (Reason.OVERTAKEN, 0)


def test_held_for_a_language() -> None:
    stage = Stage()
    stage.say(ONE, facts())
    arabic = reader(languages=("ar-EG", "en"))
    assert delivered(stage, arabic, closed_languages=frozenset({"ar", "fr"})).held == "ar"
    assert delivered(stage, arabic, closed_languages=frozenset({"en"})).held == ""


def test_any_split_into_batches_and_any_repetition_decides_the_same() -> None:
    """Property 3, the pure half: decisions depend on the reader and the edition, not on the company."""
    stage = Stage()
    for n in range(1, 6):
        stage.say(entry(n), facts(tracks=(("core", "board")[n % 2],), place=f"place {n}"))
    readers = [
        reader(n, interests=(EVERYTHING, CORE)[n % 2], cursor=(None, n % 6)[n % 3 == 0], size="SML"[n % 3])
        for n in range(30)
    ]
    edition = stage.edition()
    whole = list(decide(edition, stage.chronicle, readers))
    assert [d for r in readers for d in decide(edition, stage.chronicle, [r])] == whole
    assert list(decide(edition, stage.chronicle, readers[::-1]))[::-1] == whole


def test_zone_hour_size_and_language_never_change_the_news() -> None:
    """Property 4."""
    stage = Stage()
    for n in range(1, 6):
        stage.say(entry(n), facts(end=f"2019-03-{18 + n}"))
    found = set()
    for name in ("Europe/Berlin", "Pacific/Auckland", "America/Los_Angeles"):
        for hour in range(24):
            who = reader(hours=Hours(zone(name), hour), size="SML"[hour % 3], languages=(("en",), ("ar",))[hour % 2])
            got = delivered(stage, who)
            found.add(got.news_key)
            assert got.send_at < got.not_after
            assert MONDAY <= got.send_at < MONDAY + timedelta(hours=22)
    assert len(found) == 1


def test_a_weekly_reader_and_a_monthly_one_are_both_told_once() -> None:
    stage = Stage()
    stage.say(ONE, facts())
    monthly, moments = reader(cadence=Cadence.MONTHLY), []
    for week in range(8):
        at: datetime = MONDAY + WEEK * week
        wall = f"{at:%Y-%m-%d}T09:00"
        stage.say(ONE, facts(place=f"place {week}"))
        got = decided(stage, monthly, frozen_at=at, slot_wall=wall, next_freeze=at + WEEK)
        if isinstance(got, Deliver):
            moments.append(wall[:7])
            monthly = replace(monthly, cursor=got.cursor, regular=wall)
    assert moments == ["2019-03", "2019-04", "2019-05"]


def test_interests_in_everything() -> None:
    assert Interests(((ALL_TRACKS, 3), ("core", 3))).steady
    assert not Interests(((ALL_TRACKS, 3), ("core", 2))).steady
    assert not CORE.steady
