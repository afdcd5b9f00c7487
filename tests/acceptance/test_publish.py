"""From the timeline to the mailbox: slots, freezing, who gets what, and what the next edition says."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select

from db import tables
from flows import publish
from flows.engine import Refused
from tests.world import World

FIRST = datetime(2019, 3, 11, 23, 0, tzinfo=UTC)  # the slot of 11 March and all landings of that day


def count(world: World, table, *where) -> int:
    with world.engine.db.read() as tx:
        return int(tx.execute(select(func.count()).select_from(table.__table__).where(*where)).scalar_one())


def test_the_first_digest_shows_what_is_open_and_coming_in_ones_own_language(world: World) -> None:
    world.populate()
    world.until(FIRST)
    (ana,) = world.mailbox("ana")
    assert "This is your first digest" in ana.text
    assert "Talks about money" in ana.text
    assert "MON-1: Who should decide about grants?" in ana.text
    assert "Sunday 31 March 2019" in ana.text
    assert "Wednesday 10 April 2019, 19:00–21:00 (18:00–20:00 UTC)" in ana.text  # Lisbon is an hour ahead in April
    assert ana["Subject"].startswith("The reform digest, no. 1")
    (badr,) = world.mailbox("badr")
    assert badr["Content-Language"] == "ar"
    assert "نقاش حول المال" in badr.text
    assert 'dir="rtl"' in badr.html
    assert "Everybody is welcome." in badr.text  # not translated: told in English, and so marked
    assert 'lang="en"' in badr.html


def test_a_digest_is_no_answer_and_says_that_a_machine_sent_it(world: World) -> None:
    world.populate()
    world.until(FIRST)
    first = world.mailbox("ana")[0]
    assert (first["In-Reply-To"], first["References"]) == ("", "")
    assert first["Auto-Submitted"] == "auto-generated"


def test_everyone_has_a_delivery_or_a_reason(world: World) -> None:
    world.populate()
    world.until(FIRST)
    delivered = count(world, tables.Delivery, tables.Delivery.state == "sent")
    assert delivered + count(world, tables.LeftOut) == 4
    with world.engine.db.read() as tx:
        mailing = tx.execute(select(tables.Mailing).where(tables.Mailing.kind == "edition")).one()
    assert mailing.total == 4
    assert mailing.state == "mailed"
    assert [row.state for row in world.editions()] == ["mailed"]


def test_each_is_served_at_their_own_hour(world: World) -> None:
    world.populate()
    world.until(FIRST)
    hours = {mail["To"].split()[0]: mail["Date"] for mail in world.mails}
    assert hours["Chidi"].startswith("Mon, 11 Mar 2019 08:00")  # 9 in Lagos is 8 in UTC, the moment of the freeze
    assert hours["Ana"].startswith("Mon, 11 Mar 2019 09:00")


def test_nothing_new_is_a_recorded_reason_and_no_mail(world: World) -> None:
    world.populate()
    world.until(datetime(2019, 3, 18, 23, 0, tzinfo=UTC))
    assert len(world.mailbox("ana")) == 1
    # In the second week nothing was recorded and nothing closes before the next chance.
    assert [row.state for row in world.editions()] == ["skipped", "mailed"]
    assert world.editions()[0].reason == "nothing to say"


def test_a_moved_date_is_told_with_both_dates_once(world: World) -> None:
    world.populate()
    world.until(FIRST)
    world.import_timeline(talks_end="2019-05-15")
    world.until(datetime(2019, 3, 25, 23, 0, tzinfo=UTC))
    second = world.mailbox("ana")[1]
    assert "[New date]" in second.text
    assert "Last day: Wednesday 15 May 2019" in second.text
    assert "before: Sunday 31 March 2019" in second.text
    assert "Open meeting" not in second.text.split("What is coming")[0]
    assert len(world.mailbox("ana")) == 2


def test_interests_decide_what_is_news(world: World) -> None:
    world.populate()
    world.until(FIRST)
    world.import_timeline(
        more="""\
- id: songs
  kind: event
  track: voice
  start: "2019-06-01"
  precision: day
  announced: {"on": "2019-03-12", basis: invented}
  title: Evening of songs
  description: Sing along.
  participate: false
  confidence: high
"""
    )
    world.until(datetime(2019, 3, 18, 23, 0, tzinfo=UTC))
    assert "Evening of songs" in world.mailbox("ana")[-1].text
    assert len(world.mailbox("chidi")) == 1  # follows money alone


def test_item_numbers_are_the_same_for_everyone(world: World) -> None:
    world.populate()
    world.until(FIRST)
    assert world.mailbox("ana")[0].number_of("Talks about money") == world.mailbox("badr")[0].number_of(
        "نقاش حول المال"
    )


def test_a_bounced_edition_is_told_again(world: World) -> None:
    world.populate()
    world.until(FIRST)
    from db import outbox
    from db.states import DeliveryState

    with world.engine.db.write() as tx:
        delivery = tx.execute(
            select(tables.Delivery.id)
            .join(tables.Liaison, tables.Liaison.id == tables.Delivery.liaison_id)
            .where(tables.Liaison.name == "Ana Alves")
        ).scalar_one()
        from db import journal

        journal.move(tx, world.act(), "delivery", delivery, DeliveryState.BOUNCED, "550")
        outbox.void_cursors(tx, [delivery])
    world.until(datetime(2019, 3, 18, 23, 0, tzinfo=UTC))
    assert "Talks about money" in world.mailbox("ana")[1].text
    assert len(world.mailbox("badr")) == 1


def test_monthly_readers_get_one_a_month(world: World) -> None:
    world.populate()
    world.until(FIRST)
    world.import_timeline(talks_end="2019-05-15")
    world.until(datetime(2019, 4, 8, 23, 0, tzinfo=UTC))
    assert len(world.mailbox("ana")) >= 2
    dora = world.mailbox("dora")
    assert [mail["Date"][8:11] for mail in dora] == ["Mar", "Apr"]
    assert "before: Sunday 31 March 2019" in dora[1].text


def test_manual_approval_waits_for_a_person(world: World) -> None:
    world.populate(approval="manual")
    world.until(FIRST)
    assert world.mails == []
    (draft,) = world.editions()
    assert draft.state == "draft"
    done = publish.approve(world.engine, draft.id, act=world.act())
    assert (done.number, done.deliveries) == (1, 4)
    with pytest.raises(Refused, match="approved, not a draft"):
        publish.approve(world.engine, draft.id, act=world.act())
    with pytest.raises(Refused, match="no edition 99"):
        publish.approve(world.engine, 99, act=world.act())


def test_an_overtaken_draft_is_withdrawn(world: World) -> None:
    world.populate(approval="manual")
    world.until(datetime(2019, 3, 18, 12, 0, tzinfo=UTC))
    assert [(row.state, row.reason) for row in world.editions()] == [("draft", ""), ("withdrawn", "overtaken")]


def test_withdrawing_stops_what_has_not_left_and_gives_the_news_back(world: World) -> None:
    world.populate()
    world.until(datetime(2019, 3, 11, 8, 0, tzinfo=UTC))
    sent = len(world.mails)
    assert 0 < sent < 4
    stopped = publish.withdraw(world.engine, world.editions()[0].id, "a mistake", act=world.act())
    assert stopped == 4 - sent
    world.until(datetime(2019, 3, 18, 23, 0, tzinfo=UTC))
    assert "Talks about money" in world.mailbox("ana")[-1].text
    assert "This is your first digest" in world.mailbox("ana")[-1].text


def test_a_failing_template_leaves_a_draft_and_names_the_line(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from mailer.render import Renderer

    world.populate()
    broken = {"digest/subject.txt": "{{ mail.title|line }}\n{{ mail.nonsense }}"}
    renderer = Renderer(lambda name: broken.get(name, ""), {})
    good = world.engine
    object.__setattr__(good, "renderer", renderer)
    ticked = None
    world.at(datetime(2019, 3, 11, 9, 30, tzinfo=UTC))
    for _ in range(2):
        ticked = world.tick()
        world.later(hours=2)
    assert ticked is not None
    assert any("digest/subject.txt, line 2" in fault for fault in ticked.faults)
    assert [row.state for row in world.editions()] == ["draft"]


def test_outcomes_of_a_refusing_server(world: World) -> None:
    people = (
        "name,address,group,role_there,rank,agreed_on,languages,timezone,hour,cadence,size,interests,other_addresses\n"
    )
    people += "".join(f"{name},{name}@west.example,,member,first,2019-01-10,en,UTC,9,every,M,,\n" for name in ())
    rows = ["tempfail", "permfail", "ana"]
    groups = ["west", "south", "coast"]
    people += "".join(
        f"{n},{n}@x.example,{g},member,first,2019-01-10,en,UTC,8,every,M,,\n" for n, g in zip(rows, groups, strict=True)
    )
    world.populate(liaisons=people)
    world.until(datetime(2019, 3, 11, 8, 0, tzinfo=UTC))
    with world.engine.db.read() as tx:
        found = dict(
            tx.execute(
                select(tables.Liaison.name, tables.Delivery.state).join(
                    tables.Delivery, tables.Delivery.liaison_id == tables.Liaison.id
                )
            ).all()
        )
        attempts = tx.execute(select(tables.Attempt.outcome, tables.Attempt.code, tables.Attempt.enhanced)).all()
    assert found == {"tempfail": "deferred", "permfail": "failed", "ana": "sent"}
    assert ("temporary", 451, "4.7.1") in attempts
    assert ("permanent", 550, "5.1.1") in attempts
    assert ("accepted", 250, "2.0.0") in attempts or any(a[0] == "accepted" for a in attempts)
    world.later(hours=2)
    assert world.deliver().deferred == 1  # tried again, later and later
