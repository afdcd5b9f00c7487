"""The content of each variant: sections, sizes, numbers."""

from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digests.edition import (
    LAST_NUMBER,
    Block,
    Contact,
    Issue,
    Item,
    SectionKind,
    Size,
    Source,
    TooManyItems,
    assemble,
    edition_subjects,
    number_items,
    outcome,
    with_words,
)
from digests.news import Deliver, Label, Scope, decide
from digests.subject import Status, Subject, SubjectKind
from digests.timeline import EntryKind, OtherFacts, When
from digests.when import Precision
from tests.unit.digests.stage import BERLIN, MONDAY, Stage, entry, facts, reader

PHASE, TALKS, MEETING, PAPER, DEADLINE = (entry(n) for n in range(1, 6))
QUESTION = Subject(SubjectKind.QUESTION, 1)
NOTE = Subject(SubjectKind.ANNOUNCEMENT, 1)
HEARD, STATEMENT = Subject(SubjectKind.HEARD, 9), Subject(SubjectKind.STATEMENT, 9)
CONTACTS = (
    Contact("Manager", "m@strategy.example"),
    Contact("Writer", "w@strategy.example", "core", ("en",)),
    Contact("Arabic writer", "a@strategy.example", "core", ("ar", "en")),
    Contact("Board", "b@strategy.example", "board", ("en",)),
)


@pytest.fixture
def stage() -> Stage:
    made = Stage()
    made.say(
        PHASE, facts("Research", "2019-03-01", "2019-06-30", kind=EntryKind.PHASE, participate=False, description="d")
    )
    made.say(
        TALKS, facts(how="Reply.", description="Talk to us.", questions=("RR-1",), reason="", link="https://a.example")
    )
    made.say(QUESTION, OtherFacts("What should change?", tracks=("core",), ref="RR-1", entry=2))
    made.say(MEETING, facts("Office hour", "2019-04-02", None, kind=EntryKind.EVENT, status=Status.PLANNED))
    made.say(DEADLINE, facts("Forms due", "2019-03-29", None, kind=EntryKind.DEADLINE, status=Status.PLANNED))
    made.say(NOTE, OtherFacts("Welcome"))
    made.say(HEARD, OtherFacts(ref="S-9", status=Status.OVER, about=2, tracks=("core",)))
    made.say(STATEMENT, OtherFacts(ref="S-9", state="answered", links=("response:1",), about=1))
    return made


def decision(stage: Stage, **more: object) -> Deliver:
    (got,) = decide(stage.edition(), stage.chronicle, [reader(**more)])
    assert isinstance(got, Deliver)
    return got


def source(stage: Stage, got: Deliver) -> Source:
    wanted = edition_subjects(stage.chronicle, stage.seq, [(got.news, got.scope)], BERLIN)
    return Source(stage.chronicle, stage.seq, number_items({}, wanted), BERLIN, CONTACTS)


def issue(stage: Stage, size: Size = Size.M, **more: object) -> Issue:
    got = decision(stage, **more)
    return assemble(source(stage, got), got.news, got.scope, size, ("ar", "en"))


def items(made: Issue, kind: SectionKind) -> tuple[Item, ...]:
    section = made.section(kind)
    return section.items if section else ()


def everything_until(stage: Stage, seq: int) -> tuple[tuple[Subject, int], ...]:
    """The mind of somebody who was told all there was."""
    return tuple((subject, seq) for subject in stage.chronicle.subjects(seq))


def shown(made: Issue) -> dict[SectionKind, list[Subject]]:
    return {section.kind: [item.subject for item in section.items] for section in made.sections}


def test_what_is_new_and_open_or_coming_stands_where_it_belongs(stage: Stage) -> None:
    made = issue(stage)
    assert shown(made) == {
        SectionKind.WHERE_WE_ARE: [PHASE],
        SectionKind.OPEN_NOW: [DEADLINE, TALKS],
        SectionKind.COMING: [MEETING],
        SectionKind.HEARD: [HEARD],
        SectionKind.ANNOUNCEMENTS: [NOTE],
        SectionKind.WHO_TO_ASK: [],
    }
    assert [section.kind for section in made.sections] == [kind for kind in SectionKind if kind in shown(made)]
    assert {item.label for section in made.sections for item in section.items} == {Label.NEW}
    assert (made.phases_over, made.phases) == (0, 1)


def test_what_changed_is_told_in_full_once_and_then_a_line(stage: Stage) -> None:
    before = stage.seq
    stage.say(TALKS, facts(end="2019-09-15", description="Talk to us.", how="Reply."))
    stage.say(MEETING, facts("Office hour", "2019-04-02", None, kind=EntryKind.EVENT, status=Status.CANCELLED))
    made = issue(stage, known=everything_until(stage, before))
    assert shown(made)[SectionKind.CHANGED] == [MEETING, TALKS]
    assert shown(made)[SectionKind.OPEN_NOW] == [DEADLINE, TALKS]
    assert SectionKind.COMING not in shown(made)
    (_, full), (_, line) = items(made, SectionKind.CHANGED), items(made, SectionKind.OPEN_NOW)
    assert (full.number, full.when, full.title) == (line.number, line.when, line.title)
    assert full.body
    assert not line.body
    assert line.label is None


def test_every_news_is_shown_exactly_once_as_news(stage: Stage) -> None:
    """Whatever the size: the sections together label each subject of the news set once; questions stand apart."""
    before = stage.seq
    stage.say(entry(8), facts("Drafting", kind=EntryKind.PHASE, how="Join in."))
    stage.say(TALKS, facts(end="2019-09-15"))
    stage.say(PAPER, facts("Paper", "2019-03-16", None, kind=EntryKind.PUBLICATION, status=Status.OVER))
    for known in ((), everything_until(stage, before)):
        got = decision(stage, known=known)
        for size in Size:
            made = assemble(source(stage, got), got.news, got.scope, size)
            labelled = [i.subject for section in made.sections for i in section.items if i.label is not None]
            asked = {a.subject for section in made.sections for i in section.items for a in i.asks}
            assert sorted(labelled) == sorted(n.subject for n in got.news if n.subject not in asked)


def test_questions_stand_under_their_entry_with_their_own_number(stage: Stage) -> None:
    made = issue(stage)
    (talks,) = [item for item in items(made, SectionKind.OPEN_NOW) if item.subject == TALKS]
    (ask,) = talks.asks
    assert (ask.subject, ask.code, ask.text.text) == (QUESTION, "RR-1", "What should change?")
    numbers = [i.number for s in made.sections for i in s.items] + [ask.number]
    assert None not in numbers


def test_after_the_last_phase_it_says_which_one_that_was(stage: Stage) -> None:
    over = replace(facts("Research", "2019-01-01", "2019-03-01", kind=EntryKind.PHASE), status=Status.OVER)
    stage.say(PHASE, over)
    stage.say(entry(7), replace(over, title="Before it", when=When("2018-01-01", "2018-12-31")))
    made = issue(stage)
    assert [item.subject for item in items(made, SectionKind.WHERE_WE_ARE)] == [PHASE]
    assert (made.phases_over, made.phases) == (2, 2)


def test_who_asks_waits_for_answers_before_an_approximate_date_is_surely_there(stage: Stage) -> None:
    planned = replace(facts(status=Status.PLANNED), when=When("2019-03-15", "2019-09-15", Precision.APPROX))
    stage.say(TALKS, planned)
    made = issue(stage)
    assert TALKS in [item.subject for item in items(made, SectionKind.OPEN_NOW)]
    assert TALKS not in [item.subject for item in items(made, SectionKind.COMING)]
    stage.say(QUESTION, OtherFacts("What should change?", tracks=("core",), ref="RR-1", entry=2, status=Status.OVER))
    made = issue(stage)
    assert TALKS in [item.subject for item in items(made, SectionKind.COMING)]


def test_what_asks_about_something_that_is_not_there_yet_is_coming(stage: Stage) -> None:
    """A consultation of next year and a draft that is due in autumn are nothing that one can do now."""
    for when in (
        When("2019-10-20", "2020-02-21"),
        When("2019-08-09", None, Precision.APPROX),
        When("2019-04", None, Precision.MONTH),
    ):
        stage.say(TALKS, replace(facts(status=Status.PLANNED), when=when))
        for size in Size:
            made = issue(stage, size)
            assert not {TALKS, QUESTION} & set(shown(made)[SectionKind.OPEN_NOW])
        assert TALKS in shown(issue(stage, Size.L))[SectionKind.COMING]
    stage.say(TALKS, replace(facts(status=Status.PLANNED), when=When("2019-03", None, Precision.MONTH)))
    assert TALKS in shown(issue(stage))[SectionKind.OPEN_NOW]


def test_a_registration_that_opens_later_is_coming(stage: Stage) -> None:
    for start, end, section in (
        ("2019-11-07", "2019-12-16", SectionKind.COMING),
        ("2019-12-16", None, SectionKind.OPEN_NOW),
        ("2019-03-18", "2019-12-16", SectionKind.OPEN_NOW),
    ):
        stage.say(DEADLINE, facts("Forms due", start, end, kind=EntryKind.DEADLINE, status=Status.PLANNED))
        assert DEADLINE in shown(issue(stage))[section]


def test_the_short_size_says_how_to_take_part_only_in_what_can_be_done_now(stage: Stage) -> None:
    coming = facts("Summit", "2019-05-02", None, kind=EntryKind.EVENT, status=Status.PLANNED, how="Register.")
    stage.say(MEETING, replace(coming, link="https://a.example", questions=("RR-1",)))
    stage.say(QUESTION, OtherFacts("What should change?", tracks=("core",), ref="RR-1", entry=MEETING.id))
    made = {size: issue(stage, size) for size in Size}
    for size in Size:
        (item,) = items(made[size], SectionKind.COMING)
        assert (bool(item.how), bool(item.link)) == (size is not Size.S, size is not Size.S)
        assert (item.label, [ask.code for ask in item.asks], item.when) == (Label.NEW, ["RR-1"], coming.when)
        (talks,) = [item for item in items(made[size], SectionKind.OPEN_NOW) if item.subject == TALKS]
        assert talks.how
        assert talks.link


def test_a_question_without_a_living_entry_stands_alone(stage: Stage) -> None:
    before = stage.seq
    stage.say(TALKS, facts(status=Status.OVER))
    stage.say(QUESTION, OtherFacts("What should change now?", tracks=("core",), ref="RR-1", entry=2, state="again"))
    made = issue(stage, known=everything_until(stage, before))
    assert [i.subject for i in items(made, SectionKind.CHANGED)] == [QUESTION, TALKS]
    assert items(made, SectionKind.OPEN_NOW)[-1].subject == QUESTION


def test_a_moved_entry_has_both_dates_and_the_reason(stage: Stage) -> None:
    before = stage.seq
    stage.say(TALKS, facts(end="2019-09-15", reason="more time was asked for"))
    made = issue(stage, known=everything_until(stage, before))
    (moved,) = items(made, SectionKind.CHANGED)
    assert moved.label is Label.MOVED
    assert moved.when == When("2019-03-15", "2019-09-15")
    assert moved.was is not None
    assert moved.was.when == When("2019-03-15", "2019-05-31")
    assert {c.field for c in moved.was.changes} >= {"end"}
    assert moved.reason == Block(TALKS, "reason", "more time was asked for")


def test_an_old_value_is_quoted_only_where_it_was_alive(stage: Stage) -> None:
    over = stage.say(TALKS, facts(status=Status.OVER))
    stage.say(TALKS, facts(end="2019-09-15"))
    made = issue(stage, known=everything_until(stage, over))
    (again,) = items(made, SectionKind.CHANGED)
    assert (again.label, again.was) == (Label.REOPENED, None)


def test_sizes_decide_length(stage: Stage) -> None:
    made = {size: issue(stage, size) for size in Size}
    assert shown(made[Size.S]) == shown(made[Size.M]) == shown(made[Size.L])
    bodies = {size: [i.body for i in items(one, SectionKind.OPEN_NOW) if i.body] for size, one in made.items()}
    assert bodies[Size.S] == []
    assert bodies[Size.M] == bodies[Size.L] == [Block(TALKS, "description", "Talk to us.")]
    assert all(item.how for one in made.values() for item in items(one, SectionKind.OPEN_NOW) if item.subject == TALKS)


def test_what_size_cuts_is_counted_and_never_news(stage: Stage) -> None:
    before = stage.seq
    for n in range(10, 30):
        stage.say(entry(n), facts(f"Meeting {n}", f"2019-05-{n:02}", None, kind=EntryKind.EVENT, status=Status.PLANNED))
    for size, more in ((Size.S, 0), (Size.M, 16), (Size.L, 9)):
        got = replace(decision(stage, known=everything_until(stage, before)), news=())
        section = assemble(source(stage, got), got.news, got.scope, size).section(SectionKind.COMING)
        assert (section.more if section else 0) == more
        fresh = issue(stage, size, known=everything_until(stage, before)).section(SectionKind.COMING)
        assert fresh is not None
        assert len([item for item in fresh.items if item.label]) == 20


def test_who_to_ask_is_who_speaks_the_readers_language(stage: Stage) -> None:
    section = issue(stage).section(SectionKind.WHO_TO_ASK)
    assert section is not None
    assert [contact.name for contact in section.contacts] == ["Manager", "Arabic writer"]
    small = issue(stage, Size.S).section(SectionKind.WHO_TO_ASK)
    assert small is not None
    assert [contact.name for contact in small.contacts] == ["Manager"]


def test_the_personal_section_says_what_became_of_statements(stage: Stage) -> None:
    got = decision(stage)
    section = outcome(source(stage, got), got.own)
    (item,) = section.items
    assert (item.ref, item.state, item.links, item.number) == ("S-9", "answered", ("response:1",), None)


def test_words_are_put_in_block_by_block(stage: Stage) -> None:
    section = issue(stage).section(SectionKind.OPEN_NOW)
    assert section is not None

    def arabic(block: Block) -> Block:
        return replace(block, text=f"{block.field} of {block.subject}", lang="ar")

    turned = with_words(section, arabic)
    (talks,) = [item for item in turned.items if item.subject == TALKS]
    assert talks.title == Block(TALKS, "title", "title of entry:2", "ar")
    assert talks.how is not None
    assert (talks.how.lang, talks.asks[0].text.lang, talks.place) == ("ar", "ar", None)


def test_the_same_gives_the_same(stage: Stage) -> None:
    assert issue(stage) == issue(stage)


def test_closings_are_moments(stage: Stage) -> None:
    (deadline, _) = items(issue(stage), SectionKind.OPEN_NOW)
    assert deadline.closes == datetime(2019, 3, 30, tzinfo=BERLIN)
    assert deadline.closes > MONDAY


def test_numbers_read_in_the_order_of_what_to_do(stage: Stage) -> None:
    got = decision(stage)
    numbers = source(stage, got).numbers
    assert sorted(numbers.values()) == list(range(1, len(numbers) + 1))
    assert (numbers[DEADLINE], numbers[TALKS]) == (1, 2)
    assert STATEMENT not in numbers
    assert QUESTION in numbers


@given(st.lists(st.lists(st.integers(1, 60), max_size=20), max_size=6))
def test_numbers_are_only_appended(rounds: list[list[int]]) -> None:
    numbers: dict[Subject, int] = {}
    for wanted in rounds:
        grown = number_items(numbers, [entry(n) for n in wanted])
        assert grown.items() >= numbers.items()
        assert len(set(grown.values())) == len(grown)
        assert {entry(n) for n in wanted} <= grown.keys()
        numbers = grown


def test_an_edition_has_at_most_1023_items() -> None:
    full = number_items({}, [entry(n) for n in range(1, LAST_NUMBER + 1)])
    assert max(full.values()) == LAST_NUMBER
    with pytest.raises(TooManyItems, match="1023"):
        number_items(full, [entry(LAST_NUMBER + 1)])


def test_nothing_to_say_makes_no_sections() -> None:
    made = assemble(Source(Stage().chronicle, 0, {}, BERLIN), (), Scope(), Size.M)
    assert made.sections == ()
