"""The press: everything that stays the same while one edition is enqueued, and the making of its variants.

Gathered once; decisions and wordings are then worked out for any batch of readers without a transaction.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from db import announcements, editions, events, heard, outbox, process, readers, texts
from db import timeline as entries
from db.editions import DigestRow, EditionRow
from db.engine import Tx
from db.gates import Needs
from db.texts import Field as TextField
from digests import audience, cadence, news
from digests import edition as content
from digests.chronicle import Chronicle
from digests.facts import Facts
from digests.gate import pin
from digests.issue import Issue, Size
from digests.landing import Hours
from digests.subject import Subject, SubjectKind
from digests.wall import read_wall, zone
from flows import calendar, choices, naming
from flows.engine import Engine
from flows.frozen import Frozen
from flows.issue import Material, asked, contacts, digest_mail, own_items, owners
from mailer import words
from mailer.compose import Fragment


@dataclass(frozen=True, slots=True)
class Gathered:
    """What is known of a batch of readers, by liaison."""

    waiting: Mapping[int, Sequence[int]]
    regular: Mapping[int, str]
    errata: Mapping[int, Sequence[tuple[int, frozenset[readers.SubjectKey]]]]
    groups: Mapping[int, Sequence[tuple[str, str, str]]]
    known: Mapping[int, tuple[tuple[Subject, int], ...]]
    suppressed: frozenset[int]
    told_before: frozenset[int]


@dataclass(frozen=True, slots=True)
class EditionBase:
    """When an edition was frozen, and the zone in which its process counts days."""

    frozen_at: datetime
    zone: ZoneInfo


@dataclass(slots=True)
class Press:
    """One edition at one seq, ready to be decided and worded."""

    engine: Engine
    material: Material
    edition: EditionRow
    chronicle: Chronicle
    frozen: news.Edition
    source: content.Source
    audiences: Mapping[Subject, audience.Audience]  # of folded announcements
    whole: audience.Audience  # of the digest
    slugs: Mapping[int, str]  # track id -> slug
    for_all: frozenset[str]
    number: int
    entries: Mapping[int, str]  # entry id -> slug
    numbers: dict[Subject, int] = field(default_factory=dict)
    stored: dict[str, int] = field(default_factory=dict)  # variant key -> id, of what the mailing has already
    calendars: dict[tuple[tuple[int, ...], tuple[str, ...]], str] = field(default_factory=dict)  # by entries, languages
    asked: dict[str, set[TextField]] = field(default_factory=dict)  # by language that is waited for

    def reader(self, row: readers.Reader, gathered: Gathered) -> news.Reader:
        """A stored reader as the digest room sees them."""
        who = profile(row, gathered.groups.get(row.liaison_id, ()), self.slugs)
        return news.Reader(
            liaison=row.liaison_id,
            interests=self._interests(row),
            hours=hours(row),
            cadence=cadence.cadence(row.cadence),
            size=row.size,
            languages=row.languages,
            active=row.state in ("active", "paused") and row.subscription_state == "active" and self.whole.admits(who),
            paused=_paused(row, self.frozen),
            reachable=row.address_id is not None and row.verified and row.liaison_id not in gathered.suppressed,
            cursor=row.cursor,
            turn=row.turn,
            errata=_errata(gathered.errata.get(row.liaison_id, ())),
            known=gathered.known.get(row.liaison_id),
            waiting=tuple(gathered.waiting.get(row.liaison_id, ())),
            regular=gathered.regular.get(row.liaison_id),
            excluded=frozenset(s for s, rule in self.audiences.items() if not rule.admits(who)),
        )

    def _interests(self, row: readers.Reader) -> news.Interests:
        """Their own interests, and the tracks that concern everybody since they joined (N12)."""
        since = [
            (self.slugs.get(track, "") if track is not None else news.ALL_TRACKS, seq) for track, seq in row.interests
        ]
        chosen = {track for track, _ in since}
        everybody = [(slug, row.joined_seq) for slug in self.for_all if slug not in chosen]
        return news.Interests(tuple(sorted([*since, *everybody])))

    def variant_key(self, deliver: news.Deliver, first: bool) -> str:
        """The key of the wording: what decides it, and whether it introduces itself."""
        return deliver.variant_key + ("-first" if first else "")

    def add_numbers(self, delivers: Sequence[news.Deliver]) -> dict[Subject, int]:
        """Number what these readers are shown; gives the new numbers (N15)."""
        parts = [(deliver.news, deliver.scope) for deliver in delivers]
        wanted = content.edition_subjects(self.chronicle, self.frozen.seq, parts, self.source.zone, self.source.pinned)
        before = dict(self.numbers)
        self.numbers.update(content.number_items(self.numbers, wanted))
        return {subject: number for subject, number in self.numbers.items() if subject not in before}

    def said(self, deliver: news.Deliver) -> Issue:
        """What a variant says; if it waits for a language, its texts are noted in `asked`."""
        said = content.assemble(self.source, deliver.news, deliver.scope, Size(deliver.size), list(deliver.languages))
        if deliver.held:
            self.asked.setdefault(deliver.held, set()).update(asked(said))
        return said

    def needs(self) -> dict[str, Needs]:
        """The texts that are waited for, by language, as they are now."""
        texts = self.material.texts
        return {
            lang: {key: pin(texts[key]) for key in sorted(keys) if key in texts and texts[key].source}
            for lang, keys in self.asked.items()
        }

    def word(self, deliver: news.Deliver, first: bool) -> Frozen:
        """The wording of a variant. Raises `TemplateFailed`."""
        said = self.said(deliver)
        mail = digest_mail(
            self.material,
            said,
            deliver.languages,
            number=self.number,
            dated=self.dated,
            first=first,
            special=self.edition.kind != "regular",
        )
        rendered = self.engine.renderer.render("digest", self.spoken(deliver.languages), {"mail": mail})
        due = self._calendar(deliver) if self.material.digest.calendar else ""
        return Frozen(rendered, self.variant_key(deliver, first)[:24], calendar=due)

    def _calendar(self, deliver: news.Deliver) -> str:
        """What is due of what this mail shows, as an iCalendar text; '' where nothing is."""
        seq = self.frozen.seq
        shown = [
            calendar.entry_of(subject.id, self.entries[subject.id], facts, self.chronicle.version(subject, seq) or 0)
            for subject in (*deliver.scope.open, *deliver.scope.coming)
            if subject.kind is SubjectKind.ENTRY
            and isinstance(facts := self.chronicle.facts(subject, seq), Facts)
            and calendar.is_due(facts)
        ]
        key = (tuple(one.id for one in shown), deliver.languages)
        if key not in self.calendars:
            made = calendar.beside_mail(self.material, shown, deliver.languages, now=self.frozen.frozen_at)
            self.calendars[key] = made
        return self.calendars[key]

    def personal(self, deliver: news.Deliver) -> dict[str, Fragment]:
        """What only this reader's mail says: what became of what they sent."""
        items = own_items(self.material, content.outcome(self.source, deliver.own)) if deliver.own else []
        if not items:
            return {}
        lang = self.spoken(deliver.languages)
        return {"own": self.engine.renderer.fragment("own", lang, {"items": items})}

    @property
    def dated(self) -> date:
        """The day that the edition is of."""
        return read_wall(self.edition.slot_wall).date()

    def spoken(self, languages: Sequence[str]) -> str:
        """The language of the service's own words for a reader of these."""
        return words.pick(languages, self.engine.renderer.languages)


def gather(
    tx: Tx, engine: Engine, process_id: int, digest_id: int, rows: Sequence[readers.Reader], exact: bool
) -> Gathered:
    """Look up what deciding needs of these readers; `exact` also works out what each of them knows."""
    ids = [row.liaison_id for row in rows]
    subscriptions = [row.subscription_id for row in rows if row.subscription_id is not None]
    hashes = {row.liaison_id: engine.keys.address_hash(row.address_key) for row in rows if row.address_key}
    barred = outbox.suppressed(tx, process_id, list(hashes.values()))
    known: dict[int, tuple[tuple[Subject, int], ...]] = {}
    if exact:
        told = readers.told(tx, subscriptions, ids)
        known = {
            liaison: tuple(sorted((Subject(SubjectKind(k), i), seq) for (k, i), seq in told.get(liaison, {}).items()))
            for liaison in ids
        }
    return Gathered(
        waiting=readers.waiting(tx, digest_id, subscriptions),
        regular=readers.last_regular(tx, digest_id, ids),
        errata=readers.errata_since(tx, subscriptions),
        groups=readers.groups_of(tx, ids),
        known=known,
        suppressed=frozenset(liaison for liaison, value in hashes.items() if value in barred),
        told_before=frozenset(readers.ever_told(tx, digest_id, subscriptions)),
    )


def set_up(tx: Tx, engine: Engine, row: EditionRow, frozen: news.Edition, number: int) -> Press:
    """Gather what an edition draws from, as recorded up to its seq."""
    series = editions.digest(tx, row.digest_id)
    owner = process.by_id(tx, series.process_id)
    if owner is None:
        raise LookupError(f"digest {series.slug} has no process")
    tracks = process.tracks(tx, owner.id)
    chronicle = Chronicle(events.events_between(tx, owner.id, 0, frozen.seq), entries.hopped(tx, owner.id))
    frozen = choices.applied(tx, row, frozen, chronicle)
    subjects = chronicle.subjects(frozen.seq)
    spoken = [s.id for s in subjects if s.kind in (SubjectKind.HEARD, SubjectKind.STATEMENT)]
    slugs = {track.id: track.slug for track in tracks}
    material = Material(
        process=owner,
        digest=series,
        tracks={track.slug: track for track in tracks},
        texts=texts.load_texts(tx, owner.id, [*owners(subjects), *((k, i) for k, i, _ in naming.owned(tx, owner))]),
        quotes=heard.quotes(tx, spoken),
        fallbacks=process.fallbacks(tx, owner.id),
        web=engine.settings.base_url.startswith("http"),
        foreword=choices.foreword(row),
    )
    numbers: dict[Subject, int] = {}  # grow while batches are decided; the source sees them
    return Press(
        engine=engine,
        material=material,
        edition=row,
        chronicle=chronicle,
        frozen=frozen,
        source=content.Source(
            chronicle,
            frozen.seq,
            numbers,
            zone(owner.zone),
            contacts(process.contacts(tx, owner.id), slugs),
            choices.load(row).pinned,
        ),
        audiences=_audiences(tx, owner.id, subjects),
        whole=audience.parse(series.audience or {}),
        slugs=slugs,
        for_all=frozenset(track.slug for track in tracks if track.for_all),
        number=number,
        entries={one.id: one.slug for one in entries.entries(tx, owner.id)} if series.calendar else {},
        numbers=numbers,
    )


def _audiences(tx: Tx, process_id: int, subjects: Iterable[Subject]) -> dict[Subject, audience.Audience]:
    wanted = [s.id for s in subjects if s.kind is SubjectKind.ANNOUNCEMENT]
    rules = announcements.audiences(tx, process_id, wanted)
    return {Subject(SubjectKind.ANNOUNCEMENT, i): audience.parse(rule) for i, rule in rules.items()}


def plan(series: DigestRow, row: EditionRow, seq: int, base: EditionBase) -> news.Edition:
    """What is frozen of an edition, as the digest room sees it."""
    where = zone(series.zone)
    following = cadence.next_slot(cadence.parse(series.rule), where, series.anchor_on, max(row.slot_at, base.frozen_at))
    return news.Edition(
        seq=seq,
        frozen_at=base.frozen_at + timedelta(minutes=series.undo_minutes),
        slot_wall=row.slot_wall,
        anchor=series.anchor_on,
        zone=base.zone,
        regular=row.kind == "regular",
        next_freeze=following.instant if following is not None else None,
    )


def profile(row: readers.Reader, groups: Iterable[tuple[str, str, str]], slugs: Mapping[int, str]) -> audience.Profile:
    """What audiences may ask of a reader; `groups` are (region, slug, name), `slugs` those of tracks by id."""
    groups = list(groups)
    ids = {track for track, _ in row.interests}
    return audience.Profile(
        tracks=None if None in ids else frozenset(slug for track, slug in slugs.items() if track in ids),
        groups=frozenset(slug for _, slug, _ in groups),
        regions=frozenset(region for region, _, _ in groups),
        languages=frozenset(row.languages),
        cadences=frozenset({row.cadence}),
        names=frozenset({row.address_key}),
    )


def hours(row: readers.Reader) -> Hours:
    """When a reader wants mail."""
    quiet = row.quiet or {}
    return Hours(
        zone(row.zone),
        row.hour,
        quiet=tuple(quiet["hours"]) if quiet.get("hours") else None,
        days=frozenset(quiet.get("days", range(7))),
    )


def _paused(row: readers.Reader, frozen: news.Edition) -> bool:
    if row.state != "paused":
        return False
    return row.paused_until is None or row.paused_until > frozen.frozen_at.date()


def _errata(
    rows: Sequence[tuple[int, frozenset[readers.SubjectKey]]],
) -> tuple[tuple[Subject, int], ...]:
    newest: dict[Subject, int] = {}
    for seq, keys in rows:
        for kind, subject_id in keys:
            subject = Subject(SubjectKind(kind), subject_id)
            newest[subject] = max(seq, newest.get(subject, 0))
    return tuple(sorted(newest.items()))
