"""Control: domains, samples, the overdue guard, bounces while we talk, probes, lifting; and the state of the whole."""

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from db import addresses, deployment, editions, holding, ledger, readers, samples, sent, tables, tasks
from db.engine import Database
from flows import bounces, control, deliver, failpoint, preview, publish, roster, sampling, schedule, suppression
from flows.engine import Refused
from flows.health import health
from flows.status import FORGOTTEN, forget_silent, status
from flows.verify import Verification
from mailer.address import AddressError
from mailer.letter import Outcome
from mailer.message import Envelope
from tests.world import LIAISONS, Mail, World

FIRST = datetime(2019, 3, 11, 23, 0, tzinfo=UTC)
SLOT = datetime(2019, 3, 11, 8, 0, tzinfo=UTC)
MORE = LIAISONS + "".join(
    f"Reader {n},r{n}@{'north' if n % 2 else 'east'}.example,west,member,deputy,2019-01-10,en,UTC,9,every,M,,\n"
    for n in range(40)
)


@pytest.fixture
def world(database: Database) -> Iterator[World]:
    made = World(database)
    yield made
    made.close()


def states(world: World) -> dict[str, int]:
    table = tables.Delivery.__table__
    with world.engine.db.read() as tx:
        return dict(tx.execute(select(table.c.state, func.count()).group_by(table.c.state)).all())


def held(world: World) -> list[tuple[bool, str, int]]:
    with world.engine.db.read() as tx:
        return [(row.whole, row.why, row.mails) for row in holding.held(tx, world.process().id)]


def freeze(world: World, **options) -> publish.Published:
    world.at(SLOT - timedelta(hours=1))
    world.tick()
    (draft,) = world.editions()
    world.at(SLOT)
    return publish.approve(world.engine, draft.id, act=world.act(), **options)


def test_a_paused_domain_waits_and_others_do_not(world: World) -> None:
    world.populate(liaisons=MORE)
    with pytest.raises(AddressError):
        control.pause_domain(world.engine, "no domain", "why", act=world.act())
    with pytest.raises(Refused, match="is not paused"):
        control.resume_domain(world.engine, "north.example", act=world.act())
    assert control.pause_domain(world.engine, "North.Example", "it asks us to wait", act=world.act()) == "north.example"
    freeze(world)
    world.later(hours=6)
    world.deliver()
    assert world.mailbox("r2@")
    assert not world.mailbox("r1@")
    assert states(world)["queued"] == 20
    control.resume_domain(world.engine, "north.example", act=world.act())
    world.deliver()
    assert len(world.mailbox("r1@")) == 1


def test_a_mailing_later_than_its_limit_waits_for_a_person(world: World) -> None:
    world.populate()
    freeze(world)
    world.later(hours=26)  # the service stood still; the limit is 12 hours
    assert world.deliver().held == 1
    world.later(minutes=5)
    assert world.deliver().total == 0
    assert held(world) == [(True, control.OVERDUE, 4)]
    with world.engine.db.read() as tx:
        (row,) = holding.held(tx, world.process().id)
    assert control.release(world.engine, row.mailing_id, act=world.act()) == 4
    assert world.deliver().sent == 4


def test_whoever_resumes_one_mailing_knows_how_late_it_is(world: World) -> None:
    world.populate()
    done = freeze(world)
    assert done.mailing_id is not None
    control.pause(world.engine, done.mailing_id, "a doubt", act=world.act())
    world.later(hours=30)
    assert world.deliver().total == 0
    with pytest.raises(Refused, match=f"as a whole is not paused; say `outbox resume {done.mailing_id}`"):
        control.resume(world.engine, None, act=world.act())
    for decide in (control.release, control.drop, control.presume):
        with pytest.raises(Refused, match="is held for 'unprovd'"):
            decide(world.engine, done.mailing_id, act=world.act(), only="unprovd")
    control.resume(world.engine, done.mailing_id, act=world.act())
    assert world.deliver().sent == 4


def test_a_sample_first_and_the_rest_by_itself(world: World) -> None:
    world.populate(liaisons=MORE)
    done = freeze(world, sample=sampling.Plan(percent=10, wait_minutes=60))
    assert held(world) == [(False, "sample", 39)]
    with pytest.raises(Refused, match="went to a sample already"):
        sampling.begin(world.engine, done.mailing_id or 0, sampling.Plan(), act=world.act())
    world.later(hours=3)
    world.turn()
    world.later(hours=2)
    assert world.deliver().total == 0
    assert len(world.mails) == 5
    world.tick()  # the hour is over, and nothing came back
    world.deliver()
    world.later(hours=6)
    world.turn()
    assert len(world.mails) == 44
    assert len({mail["To"] for mail in world.mails}) == 44
    world.later(hours=12)
    world.turn()
    assert [finding.what for finding in Verification(world.engine.db, world.now).findings()] == []


def test_a_sample_that_bounces_keeps_the_rest_back(world: World) -> None:
    world.populate(liaisons=MORE)
    done = freeze(world)
    assert done.mailing_id is not None
    first, rest = sampling.begin(world.engine, done.mailing_id, sampling.Plan(percent=10), act=world.act())
    assert (first, rest) == (5, 39)
    world.later(hours=3)
    refuse(world, "550", "5.2.2")
    world.later(hours=2)
    world.tick()
    with world.engine.db.read() as tx:
        row = samples.of(tx, done.mailing_id)
        (task,) = [one for one in tasks.tasks(tx, world.process().id) if one.kind == "sample"]
    assert row is not None
    assert (row.state, task.note) == ("stopped", "5/5")
    assert held(world) == [(False, "sample", 39)]
    assert control.drop(world.engine, done.mailing_id, act=world.act(), only="sample") == 39
    world.turn()
    assert states(world) == {"cancelled": 39, "failed": 5}


def refuse(world: World, code: str, enhanced: str) -> None:
    """A smart host that says no to everything."""

    def carry(letters, record) -> None:
        record([Outcome(one.id, False, code.startswith("5"), int(code), enhanced, "no") for one in letters])

    deliver.deliver(world.engine, carry, "w9", clock=lambda: world.now)


def test_a_smart_host_that_refuses_us_is_told_and_tried_again_on_demand(world: World) -> None:
    world.populate()
    freeze(world)
    world.later(hours=6)

    def carry(letters, record) -> None:
        record([Outcome(one.id, False, False, 535, "5.7.8", "who are you?", relay="mx:587") for one in letters])

    done = deliver.deliver(world.engine, carry, "w9", clock=lambda: world.now)
    assert done.deferred == sum(states(world).values())
    assert done.refused == "mx:587: 535 5.7.8 who are you?"

    def faults() -> dict[str, str]:
        return {one.name: one.reason for one in health(world.engine, now=world.now)}

    assert faults()["relay"] == ""
    world.later(minutes=40)
    deliver.deliver(world.engine, carry, "w9", clock=lambda: world.now)
    assert faults()["outbox"] == ""  # each was just tried
    assert "535 5.7.8" in faults()["relay"]
    ((why, mails, _),) = status(world.engine, timedelta(minutes=1), now=world.now).stuck
    assert (why, mails) == ("535 5.7.8", done.deferred)
    assert control.retry(world.engine, world.process().id, act=world.act()) == mails
    assert control.retry(world.engine, world.process().id, act=world.act()) == 0
    world.deliver()
    assert states(world) == {"sent": mails}
    assert faults()["relay"] == ""


def test_no_such_mailbox_is_suppressed_at_once_and_a_person_is_asked(world: World) -> None:
    world.populate()
    freeze(world)
    world.later(hours=6)
    refuse(world, "550", "5.1.1")
    listed = suppression.listed(world.engine, world.process().id)
    assert {one.addr for one in listed} == {
        "ana@west.example", "badr@south.example", "chidi@coast.example", "dora@west.example",
    }  # fmt: skip
    with world.engine.db.read() as tx:
        notes = {one.note for one in tasks.tasks(tx, world.process().id) if one.kind == "unreachable"}
    assert "bounces; no deputy" in notes
    assert any(note.startswith("bounces; deputy: liaison") for note in notes)  # Dora stands in for Ana
    with pytest.raises(Refused, match="say why"):
        suppression.lift(world.engine, world.process().id, "ana@west.example", " ", act=world.act())
    suppression.lift(world.engine, world.process().id, "Ana@west.example", "a new mailbox", act=world.act())
    with pytest.raises(Refused, match="is not suppressed"):
        suppression.lift(world.engine, world.process().id, "ana@west.example", "again", act=world.act())
    assert len(suppression.listed(world.engine, world.process().id)) == 3


@pytest.mark.parametrize("status", ["5.7.1", "5.7.515", "5.6.7", "5.3.4"])
def test_our_own_fault_counts_against_nobody(world: World, status: str) -> None:
    world.populate()
    freeze(world)
    world.later(hours=6)
    refuse(world, "550", status)
    with world.engine.db.read() as tx:
        assert tx.execute(select(tables.BounceScore.address_id)).all() == []
    assert suppression.listed(world.engine, world.process().id) == []
    with world.engine.db.read() as tx:
        assert [one.kind for one in tasks.tasks(tx, world.process().id)] == ["refused"]


def bounce(world: World, status: str, *, probe: bool = False) -> None:
    """The digest to Ana comes back, or the newest mail, which is the probe."""
    with world.engine.db.write() as tx:
        standing = addresses.by_address_key(tx, world.process().id, "ana@west.example", world.now)
        assert standing is not None
        query = select(tables.Delivery.id, tables.Delivery.mailing_id).where(
            tables.Delivery.liaison_id == standing.liaison.id
        )
        row = tx.execute(query.order_by(tables.Delivery.id * (-1 if probe else 1)).limit(1)).one()
        found = sent.SentRow(
            row.id, row.mailing_id, world.process().id, "sent", None, standing.liaison.id, None, standing.address.id,
            "ana@west.example", "",
        )  # fmt: skip
        bounces.weigh(tx, world.engine, world.process(), found, status, False, act=world.act())


def test_light_bounces_fade_and_a_probe_comes_before_suppression(world: World) -> None:
    world.populate()
    world.until(FIRST)
    for _ in range(8):  # one a month never adds up to anything
        bounce(world, "4.2.2")
        world.later(days=30)
    world.deliver()
    assert len(world.mailbox("ana")) == 1
    for _ in range(5):
        bounce(world, "4.2.2")
    world.deliver()
    (probe,) = [mail for mail in world.mailbox("ana") if mail["Subject"] == "Does our mail reach you?"]
    assert "ask your group for another one" in probe.text
    assert suppression.listed(world.engine, world.process().id) == []
    world.later(days=8)
    bounce(world, "4.2.2")  # of something else, long after: the probe had arrived
    assert suppression.listed(world.engine, world.process().id) == []
    for _ in range(4):
        world.later(minutes=1)
        bounce(world, "4.2.2")
    world.deliver()
    world.later(hours=1)
    bounce(world, "4.2.2", probe=True)
    assert [one.reason for one in suppression.listed(world.engine, world.process().id)] == ["bounces"]


def test_one_reader_whose_server_does_not_want_us_is_no_fault_of_ours(world: World) -> None:
    world.populate(liaisons=MORE)
    world.until(FIRST)
    for _ in range(2):
        bounce(world, "5.7.1")
    world.deliver()
    assert not [mail for mail in world.mailbox("ana") if mail["Subject"] == "Does our mail reach you?"]
    bounce(world, "5.7.1")
    world.deliver()
    assert [mail for mail in world.mailbox("ana") if mail["Subject"] == "Does our mail reach you?"]
    bounce(world, "5.7.1", probe=True)
    assert [one.reason for one in suppression.listed(world.engine, world.process().id)] == ["bounces"]
    with world.engine.db.read() as tx:
        assert "refused" not in {one.kind for one in tasks.tasks(tx, world.process().id)}


@pytest.mark.parametrize(("code", "enhanced", "scores"), [("451", "4.2.2", {1.0}), ("0", "4.4.1", set())])
def test_put_off_until_given_up_counts_lightly_and_an_absent_smart_host_not(
    world: World, code: str, enhanced: str, scores: set[float]
) -> None:
    world.populate()
    freeze(world)
    for _ in range(13):
        world.later(hours=4)
        refuse(world, code, enhanced)
    assert set(states(world)) == {"failed"}
    with world.engine.db.read() as tx:
        assert set(tx.execute(select(tables.BounceScore.score)).scalars()) == scores


def test_status_names_every_worker(world: World) -> None:
    world.populate()
    freeze(world)
    world.later(hours=6)
    deliver.deliver(world.engine, lambda letters, record: next(letters) and None, "a:1", clock=lambda: world.now)
    with world.engine.db.write() as tx:
        deployment.sign_of_life(tx, "a:1", "deliver", world.now - timedelta(minutes=9))
        deployment.sign_of_life(tx, "b:2", "listen+web", world.now)
    found = status(world.engine, timedelta(minutes=1), now=world.now)
    assert [(one.name, one.role, one.alive, one.holds) for one in found.workers] == [
        ("a:1", "deliver", False, 4),
        ("b:2", "listen+web", True, 0),
    ]
    assert (found.queued, found.due, found.held) == (0, 0, 0)
    world.later(minutes=31)  # the lease is over: another worker takes what the dead one held
    assert world.deliver("c:3").sent == 4
    assert forget_silent(world.engine, act=world.act()) == []
    world.at(world.now + FORGOTTEN)
    assert forget_silent(world.engine, act=world.act()) == ["a:1", "b:2"]


@pytest.mark.parametrize(
    ("act_on", "reason"),
    [
        (lambda world, who: roster.leave(world.engine.db, who, act=world.act()), "left"),
        (lambda world, who: roster.pause(world.engine.db, who, None, act=world.act()), "paused"),
        (lambda world, who: roster.use_address(world.engine.db, who, "new@west.example", act=world.act(),
                                               retire_others=True), "address retired"),
        (lambda world, who: suppress(world, "ana@west.example"), "suppressed: complaint"),
    ],
    ids=["left", "paused", "moved", "suppressed"],
)  # fmt: skip
def test_what_happens_between_freeze_and_claim_counts(
    world: World, act_on: Callable[[World, int], object], reason: str
) -> None:
    """Nobody is mailed who may not be mailed when the mail is about to leave, and the ledger says why (promise 5)."""
    world.populate()
    freeze(world)
    with world.engine.db.read() as tx:
        ana = addresses.by_address_key(tx, world.process().id, "ana@west.example", world.now)
    assert ana is not None
    act_on(world, ana.liaison.id)
    world.until(FIRST)
    assert world.mailbox("ana") == []
    with world.engine.db.read() as tx:
        assert {(row.state, row.reason) for row in ledger.rows(tx, 1) if row.name == "Ana Alves"} == {
            ("cancelled", reason)
        }


def suppress(world: World, address: str) -> None:
    with world.engine.db.write() as tx:
        hashed = world.engine.keys.address_hash(address)
        addresses.suppress(tx, world.process().id, hashed, "complaint", world.now)


def test_two_schedulers_do_no_harm(world: World) -> None:
    world.populate(liaisons=MORE)
    faults: list[BaseException] = []

    def ticking() -> None:
        try:
            schedule.tick(world.engine, act=world.act("clock"))
        except Exception as error:
            faults.append(error)

    for moment in (SLOT - timedelta(hours=1), SLOT, SLOT + timedelta(minutes=1)):
        world.at(moment)
        threads = [threading.Thread(target=ticking) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert faults == []
    world.later(hours=6)
    world.deliver()
    world.tick()
    assert len(world.editions()) == 1
    assert len(world.mails) == len({mail["To"] for mail in world.mails}) == 44
    assert [finding.what for finding in Verification(world.engine.db, world.now).findings()] == []


@pytest.mark.parametrize("moment", ["publish.frozen", "publish.worded", "publish.written"])
def test_a_scheduler_that_is_overtaken_leaves_it_to_the_other(world: World, moment: str) -> None:
    world.populate(liaisons=MORE)
    ticked: list[schedule.Ticked] = []

    def overtake() -> None:
        failpoint.disarm()
        ticked.append(schedule.tick(world.engine, act=world.act("clock")))

    world.at(SLOT - timedelta(hours=1))
    world.tick()
    world.at(SLOT + timedelta(minutes=1))
    failpoint.arm(moment, overtake)
    try:
        slow = world.tick()
    finally:
        failpoint.disarm()
    (quick,) = ticked
    assert [(one.deliveries, one.left_out) for one in quick.published] == [(44, 0)]
    assert slow.published == quick.published
    world.later(hours=6)
    world.deliver()
    assert len(world.mails) == len({mail["To"] for mail in world.mails}) == 44
    assert [finding.what for finding in Verification(world.engine.db, world.now).findings()] == []


def test_a_build_that_stopped_in_the_middle_of_a_batch_leaves_nobody_out(world: World) -> None:
    """Some readers of a batch must be decided again, because their turn moved; the program ends before it does that."""
    world.populate(liaisons=MORE)
    world.at(SLOT - timedelta(hours=1))
    world.tick()
    world.at(SLOT + timedelta(minutes=1))
    worded = 0

    def disturb() -> None:
        nonlocal worded
        worded += 1
        if worded > 1:
            raise KeyboardInterrupt
        with world.engine.db.write() as tx:
            first = (
                tx.execute(select(tables.Subscription.id).order_by(tables.Subscription.liaison_id)).scalars().first()
            )
            readers.void(tx, [first or 0])

    failpoint.arm("publish.worded", disturb)
    try:
        with pytest.raises(KeyboardInterrupt):
            world.tick()
    finally:
        failpoint.disarm()
    assert [(one.deliveries, one.left_out) for one in world.tick().published] == [(44, 0)]


def test_a_trial_in_any_language_is_nobodys_mail(world: World) -> None:
    world.populate()
    (series,) = _digests(world)
    made = {
        lang: preview.trial(world.engine, world.process(), series, lang, "M", "Me@team.example", act=world.act())
        for lang in ("ar", "en", "de")
    }
    assert all(one.reason == "" and one.subject.startswith("[TEST] ") for one in made.values())
    assert "نقاش حول المال" in made["ar"].text
    assert "Talks about money" in made["de"].text  # not translated: the source, in a letter that speaks German
    assert made["de"].text != made["en"].text
    mail = Mail(Envelope(made["en"].mail_from, (made["en"].rcpt_to,), "", ""), made["en"].eml)
    assert mail["To"] == "Me@team.example"
    assert mail["List-Unsubscribe"] == ""
    world.reply(mail, "MON-1: This is only a test of mine.", sender="me@team.example")
    world.tick()
    with world.engine.db.read() as tx:
        (raw,) = tx.execute(select(tables.RawMessage.state, tables.RawMessage.reason)).all()
        assert tx.execute(select(func.count()).select_from(tables.Delivery.__table__)).scalar_one() == 0
    assert tuple(raw) == ("held", "it answers a mail that we no longer have")
    with pytest.raises(AddressError):
        preview.trial(world.engine, world.process(), series, "en", "M", "me", act=world.act())


def _digests(world: World) -> list[editions.DigestRow]:
    with world.engine.db.read() as tx:
        return editions.digests(tx)
