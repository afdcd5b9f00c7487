"""What somebody would get, and what they got: previews by what is recorded and set now, and mails out of the archive.

A preview writes nothing. It is made by the same decision and the same wording as the real thing.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from db import addresses, announcements, counters, editions, lease, outbox, readers
from db.editions import DigestRow, EditionRow, MailingRow
from db.journal import Act
from db.lease import Claimed
from db.process import ProcessRow
from db.states import DeliveryState, EditionState
from digests import cadence, news
from digests.wall import zone
from flows import frozen, post
from flows.announce import need
from flows.deliver import sender
from flows.engine import Engine, Refused
from flows.fields import language_of
from flows.frozen import Frozen
from flows.letters import Sender, letter, person_of, stencil
from flows.press import EditionBase, gather, plan, set_up
from mailer import compose
from mailer.address import AddressError, key, parse
from mailer.compose import Fragment


@dataclass(frozen=True, slots=True)
class Preview:
    """One mail as its reader would see it, or the reason why there is none."""

    subject: str = ""
    text: str = ""
    html: str = ""
    eml: bytes = b""
    mail_from: str = ""
    rcpt_to: str = ""
    send_at: datetime | None = None
    reason: str = ""


def find_reader(engine: Engine, owner: ProcessRow, digest_id: int, address: str, now: datetime) -> readers.Reader:
    """The subscriber with this address. Raises `Refused`."""
    try:
        wanted = key(address)
    except AddressError as error:
        raise Refused(str(error)) from error
    with engine.db.read() as tx:
        standing = addresses.by_address_key(tx, owner.id, wanted, now)
        found = readers.subscribers_by_id(tx, digest_id, [standing.liaison.id]) if standing is not None else []
    if not found:
        raise Refused(f"no liaison of {owner.slug} reads at {address}; `tidings roster show` lists them")
    return found[0]


def preview(engine: Engine, owner: ProcessRow, series: DigestRow, address: str, *, at: datetime, act: Act) -> Preview:
    """What the liaison at `address` would get if an edition were frozen at `at`, by what is recorded and set now."""
    row = find_reader(engine, owner, series.id, address, act.now)
    return _previewed(engine, owner, series, row, None, at=at, act=act)


def trial(
    engine: Engine, owner: ProcessRow, series: DigestRow, lang: str, size: str, address: str, *, act: Act
) -> Preview:
    """The mail of the open draft, or of the next slot, as somebody new would get it in any language, for `address`.

    Its reply and leave addresses are nobody's: an answer to it is held, and leaving takes nobody off a list.
    """
    to, lang = parse(address).addr, language_of(lang)
    with engine.db.read() as tx:
        rows = readers.subscribers(tx, series.id, limit=1)
    if not rows:
        raise Refused(f"{series.slug} has no readers yet: import the roster first")
    row = replace(
        rows[0], languages=(lang,), size=size, state="active", subscription_state="active", name="",
        cadence="every", cursor=None, interests=((None, 0),), verified=True, address_id=rows[0].address_id or 1,
    )  # fmt: skip
    return _previewed(engine, owner, series, row, to, at=act.now, act=act)


def _previewed(
    engine: Engine, owner: ProcessRow, series: DigestRow, row: readers.Reader, to: str | None, *, at: datetime, act: Act
) -> Preview:
    """The mail for a reader; `to`: a trial for that address, as for somebody who was told nothing yet."""
    with engine.db.write() as tx:
        seq = counters.last_seq(tx, owner.id)
    with engine.db.read() as tx:
        drafts = editions.editions(tx, series.id, [EditionState.DRAFT])
        drafted = drafts[0] if drafts else _imagined(series, at)
        number = editions.next_number(tx, series.id)
        press = set_up(tx, engine, drafted, plan(series, drafted, seq, EditionBase(at, zone(owner.zone))), number)
        gathered = gather(tx, engine, owner.id, series.id, [row], exact=True)
    if to is not None:
        gathered = replace(
            gathered, waiting={}, regular={}, errata={}, known={row.liaison_id: ()}, suppressed=frozenset(),
            told_before=frozenset(), groups={},
        )  # fmt: skip
    decision = next(iter(news.decide(press.frozen, press.chronicle, [press.reader(row, gathered)])))
    if not isinstance(decision, news.Deliver):
        why = decision.reason.value if isinstance(decision, news.LeftOut) else "unknown"
        return Preview(reason=why)
    press.add_numbers([decision])
    wording = press.word(decision, row.liaison_id not in gathered.told_before)
    groups = ", ".join(name for _, _, name in gathered.groups.get(row.liaison_id, ()))
    made = _sender(engine, owner, series, drafted, seq, act)
    if to is not None:
        return _nobodys(made, wording, row, series.slug, to, act)
    return _composed(made, _claimed(row, made, wording, decision.send_at), wording, press.personal(decision), groups)


def trial_of(engine: Engine, owner: ProcessRow, slug: str, lang: str, address: str, *, act: Act) -> Preview:
    """The mail of an announcement as it stands, as readers of a language would get it, for `address`; a trial too."""
    to, lang = parse(address).addr, language_of(lang)
    with engine.db.read() as tx:
        row = need(announcements.by_slug(tx, owner.id, slug), slug)
    source = post.gather(engine, row)
    wording = post.word(engine, source, post.wording_key(engine, source, (lang,)))
    somebody = readers.Reader(
        liaison_id=0, liaison_tag=0, state="active", paused_until=None, name="", zone=owner.zone, hour=0,
        languages=(lang,), quiet=None, subscription_id=None, subscription_tag=0, subscription_state="active",
        cadence="", size="M", cursor=None, turn=0, address_id=None, addr=to, address_key="", verified=True,
        interests=(), joined_seq=0,
    )  # fmt: skip
    kind = "erratum" if row.corrects_id is not None else "announcement"
    made = _sender_of(engine, owner, None, kind, f"announcement:{row.slug}", None, owner.last_seq, act.now, act)
    return _nobodys(made, wording, somebody, row.slug, to, act)


def _nobodys(made: Sender, wording: Frozen, row: readers.Reader, slug: str, to: str, act: Act) -> Preview:
    """The mail as a trial for an address: its tokens name nobody."""
    marked = replace(wording, rendered=replace(wording.rendered, subject=f"[TEST] {wording.rendered.subject}"))
    tag = made.ring.mailing_tag(f"test:{slug}:{to}:{act.now.isoformat()}")
    made = replace(made, mailing=replace(made.mailing, tag=tag))
    nobody = replace(_claimed(row, made, marked, act.now), addr=to, liaison_tag=0, subscription_tag=0)
    return _composed(made, nobody, marked, {}, "")


def _imagined(series: DigestRow, at: datetime) -> EditionRow:
    """The draft that there would be: of the next slot, or of this moment where the rule has none."""
    slot = cadence.next_slot(cadence.parse(series.rule), zone(series.zone), series.anchor_on, at)
    wall = slot.wall if slot is not None else at.astimezone(zone(series.zone)).strftime("%Y-%m-%dT%H:%M")
    return EditionRow(
        0, series.id, wall, slot.instant if slot is not None else at, "regular", None, EditionState.DRAFT, "", None,
        at, None, {},
    )  # fmt: skip


def _sender(engine: Engine, owner: ProcessRow, series: DigestRow, row: EditionRow, seq: int, act: Act) -> Sender:
    natural_key = f"edition:{series.slug}:{row.slot_wall}"
    return _sender_of(engine, owner, series, "edition", natural_key, row.id, seq, row.slot_at, act)


def _sender_of(
    engine: Engine,
    owner: ProcessRow,
    series: DigestRow | None,
    kind: str,
    natural_key: str,
    edition_id: int | None,
    seq: int,
    due_at: datetime,
    act: Act,
) -> Sender:
    """Who would send a mailing that is nowhere written."""
    ring = engine.keys.ring(owner.slug, owner.address_base)
    digest_id = series.id if series is not None else None
    mailing = MailingRow(
        0, owner.id, natural_key, ring.mailing_tag(natural_key), kind, digest_id, edition_id, None, None, seq,
        "building", 0, 0, act.now, None, due_at, None, None, None,
    )  # fmt: skip
    return Sender(owner, series, mailing, ring, engine.renderer, engine.settings.base_url, engine.settings.signed)


def _claimed(row: readers.Reader, made: Sender, wording: Frozen, send_at: datetime) -> Claimed:
    return Claimed(
        id=0,
        n=1,
        was=DeliveryState.QUEUED,
        process_id=made.process.id,
        mailing_id=0,
        mailing_tag=made.mailing.tag,
        mailing_kind=made.mailing.kind,
        corrects_id=None,
        variant_id=None,
        liaison_id=row.liaison_id,
        liaison_tag=row.liaison_tag,
        liaison_state=row.state,
        paused_until=row.paused_until,
        name=row.name,
        zone=row.zone,
        subscription_id=row.subscription_id,
        subscription_tag=row.subscription_tag,
        subscription_state=row.subscription_state,
        address_id=row.address_id,
        addr=row.addr,
        address_key=row.address_key,
        address_retired=False,
        ascii_alt=None,
        lang=wording.rendered.lang,
        send_at=send_at,
        not_after=send_at,
        dated_at=send_at,
        created_at=send_at,
        domain="",
    )


def _composed(made: Sender, claimed: Claimed, wording: Frozen, blocks: dict[str, Fragment], group: str) -> Preview:
    ready = stencil(made, wording)
    mail = letter(made, claimed, ready, blocks, group)
    person = person_of(made, claimed, ready, blocks, group)
    return Preview(
        subject=wording.rendered.subject,
        text=compose.plain_part(wording.rendered, person),
        html=compose.html_part(wording.rendered, person),
        eml=mail.data,
        mail_from=mail.mail_from,
        rcpt_to=mail.rcpt_to,
        send_at=claimed.send_at,
    )


def archived(engine: Engine, owner: ProcessRow, series: DigestRow, number: int, address: str, *, act: Act) -> Preview:
    """What the liaison at `address` got of edition `number`, as sent: composed again from what was frozen."""
    row = find_reader(engine, owner, series.id, address, act.now)
    with engine.db.read() as tx:
        edition = next((e for e in editions.editions(tx, series.id) if e.number == number), None)
        mailing = next(iter(editions.mailings(tx, edition_id=edition.id)), None) if edition is not None else None
        if mailing is None:
            raise Refused(f"there is no edition {number} of {series.slug}")
        found = outbox.find_delivery(tx, mailing.tag, row.liaison_tag)
        if found is None:
            return Preview(reason=readers.left_out_reason(tx, mailing.id, row.liaison_id) or "not in this edition")
        claimed = lease.claimed(tx, [found[0]])[0]
        body = outbox.bodies(tx, [claimed.variant_id or 0]).get(claimed.variant_id or 0)
        blocks = frozen.load_blocks(outbox.personal(tx, [claimed.id]).get(claimed.id))
        groups = ", ".join(name for _, _, name in readers.groups_of(tx, [row.liaison_id]).get(row.liaison_id, ()))
        made = sender(engine, tx, mailing.id)
    if body is None:
        raise Refused(f"the wording of edition {number} is no longer kept")
    return _composed(made, claimed, frozen.load(body), blocks, groups)
