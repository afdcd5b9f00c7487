"""One letter of each kind, with everything in it that a template knows, and one reader for it."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path

from mailer import header, words
from mailer.address import parse
from mailer.compose import Attachment, Person, Rendered, compose, frame
from mailer.content import (
    AnnouncementMail,
    Block,
    Contact,
    DateLine,
    DateRole,
    DigestMail,
    Fate,
    Filed,
    Footer,
    Item,
    Label,
    NoticeMail,
    Own,
    Precision,
    ReceiptMail,
    Section,
    SectionKind,
    When,
)
from mailer.render import Renderer
from mailer.token import Keyring

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"
RING = Keyring({0: b"golden mails are signed with this"}, "strategy", "tidings.example.org")
MAILING = RING.mailing_tag("edition:core:2020-10-05T09:00")
PERSON, SUBSCRIPTION = 0x1234567890, 0x0987654321
PROCESS = "Movement Strategy"
SENT = datetime(2020, 10, 5, 7, 0, tzinfo=UTC)


@cache
def renderer() -> Renderer:
    """The product's own templates and catalogues."""

    def load(name: str) -> str | None:
        path = TEMPLATES / "mail" / name
        return path.read_text(encoding="utf-8") if path.is_file() else None

    files = {lang: TEMPLATES / "locale" / lang / "LC_MESSAGES" / "tidings.mo" for lang in words.LANGUAGES}
    return Renderer(load, {lang: words.catalogue(path.read_bytes()) for lang, path in files.items() if path.exists()})


def _block(lang: str, english: str, arabic: str = "") -> Block:
    return Block(arabic, "ar") if lang == "ar" and arabic else Block(english, "en")


def footer(invented: bool = True) -> Footer:
    return Footer(
        operator="the core team",
        owner="core-owner@tidings.example.org",
        postal=("Example Foundation", "1 Sample Street, 10115 Berlin, Germany"),
        home="https://tidings.example.org/",
        invented=invented,
    )


def digest(lang: str) -> DigestMail:
    twice = When(datetime(2020, 12, 5, 13, tzinfo=UTC), datetime(2020, 12, 5, 17, tzinfo=UTC), Precision.TIME)
    late = When(datetime(2020, 12, 5, 23, 30, tzinfo=UTC), None, Precision.TIME)
    changed = (
        Item(
            1,
            _block(lang, "Talks about priorities, second round", "حوارات حول الأولويات، الجولة الثانية"),
            label=Label.MOVED,
            track=_block(lang, "Core team", "الفريق الأساسي"),
            dates=(DateLine(DateRole.WHEN, twice, When(date(2020, 11, 28))), DateLine(DateRole.CLOSES, late)),
            body=(
                _block(
                    lang,
                    "The same programme runs **twice**, so that one of them suits every zone. "
                    "See [the agenda](https://meta.example.org/wiki/Agenda_(second_round)).",
                    "يُعقد البرنامج نفسه **مرتين**، بحيث تناسب إحداهما توقيت كل منطقة.",
                ),
            ),
        ),
        Item(
            2,
            _block(lang, "Final recommendations"),
            label=Label.CANCELLED,
            dates=(
                DateLine(
                    DateRole.PUBLISHED,
                    When(date(2020, 4, 1), None, Precision.MONTH),
                    When(date(2019, 11, 15), None, Precision.APPROX),
                ),
            ),
            answerable=False,
        ),
    )
    open_now = (
        Item(
            3,
            _block(
                lang, "Which roles should local groups take on?", "ما الأدوار التي ينبغي أن تتولاها المجموعات المحلية؟"
            ),
            code="RR-2",
            label=Label.NEW,
            track=_block(lang, "Roles & Responsibilities", "الأدوار والمسؤوليات"),
            dates=(
                DateLine(DateRole.OPENS, When(date(2020, 10, 1))),
                DateLine(DateRole.CLOSES, When(date(2020, 10, 23))),
            ),
            body=(
                _block(
                    lang,
                    "Three things help most:\n\n- what works today\n- what is missing\n- who should decide\n\n"
                    "> Nothing is decided yet.\n\n<b>not bold</b> & safe",
                ),
            ),
            questions=(("RR-2", _block(lang, "Which structures would help your community?")),),
            place=_block(lang, "Tunis, Tunisia", "تونس العاصمة، تونس"),
            how=_block(lang, "Write on the page, or answer this item.", "اكتب في الصفحة أو أجب عن هذا البند."),
            link="https://meta.example.org/wiki/Roles?a=1&b=2",
        ),
    )
    coming = (
        Item(
            4,
            _block(lang, "Writers meet"),
            dates=(DateLine(DateRole.WHEN, When(date(2020, 11, 20), date(2020, 11, 22))),),
        ),
    )
    heard = (
        Item(
            5,
            _block(lang, "Decisions without English"),
            code="ADV-1",
            credit="Wikimedia Côte d’Ivoire, S-1031",
            body=(Block("Les décisions doivent pouvoir se prendre sans l’anglais.", "fr", outdated=True),),
        ),
    )
    return DigestMail(
        process=PROCESS,
        title=_block(lang, "Strategy digest", "نشرة الاستراتيجية"),
        number=12,
        dated=date(2020, 10, 5),
        footer=footer(),
        sections=(
            Section(
                SectionKind.HERE, (), _block(lang, "The groups **revise** their drafts.", "تراجع المجموعات مسوداتها.")
            ),
            Section(SectionKind.CHANGED, changed),
            Section(SectionKind.DO, open_now),
            Section(SectionKind.COMING, coming),
            Section(SectionKind.NEWS, ()),
            Section(SectionKind.HEARD, heard),
        ),
        contacts=(Contact("Ana Ruiz", "ana@tidings.example.org", _block(lang, "Roles & Responsibilities")),),
        first=True,
        archive="https://tidings.example.org/d/12",
        phases_over=2,
        phases=5,
    )


def announcement(lang: str, corrects: str = "") -> AnnouncementMail:
    return AnnouncementMail(
        process=PROCESS,
        heading=_block(lang, "Office hours moved to Thursday", "نُقلت ساعات المكتب إلى يوم الخميس"),
        footer=footer(),
        body=(
            _block(
                lang,
                "Dear all,\n\nthe office hours of this week are **on Thursday**.\n\n## Two ways in\n\n"
                "1. by phone\n2. on the web: https://meet.example.org/room",
                "تُعقد ساعات المكتب هذا الأسبوع **يوم الخميس**.",
            ),
        ),
        dates=(DateLine(DateRole.WHEN, When(datetime(2020, 10, 8, 16, tzinfo=UTC), None, Precision.TIME), None),),
        questions=(("RR-1", _block(lang, "Shall we record them?", "هل نسجّلها؟")),),
        link="https://meta.example.org/wiki/Office_hours",
        corrects=corrects,
        signed="Ana Ruiz",
    )


def receipt(lang: str) -> ReceiptMail:
    return ReceiptMail(
        process=PROCESS,
        footer=footer(),
        filed=(
            Filed(
                "S-1042",
                Block("We would rather decide this together with the hubs.", "en"),
                3,
                _block(lang, "Which roles should local groups take on?"),
                "RR-2",
            ),
            Filed("S-1043", Block("نفضّل موعدًا لاحقًا.", "ar")),
        ),
        received=date(2020, 10, 6),
        to="Strategy digest, no. 12",
        private=True,
        groups=("Wikimedia Algeria", "WikiFranca"),
        unread=("plan.odt",),
    )


def notice(lang: str, **more: object) -> NoticeMail:
    return NoticeMail(
        process=PROCESS, footer=footer(), title=_block(lang, "Strategy digest", "نشرة الاستراتيجية"), **more
    )  # type: ignore[arg-type]


_FACTS = (("group", "Wikimedia Algeria"), ("zone", "Africa/Algiers"), ("hour", "09:00"), ("cadence", "weekly"))
KINDS: dict[str, Callable[[str], object]] = {
    "digest": digest,
    "announcement": announcement,
    "erratum": lambda lang: announcement(lang, "Office hours moved to Friday"),
    "receipt": receipt,
    "welcome": lambda lang: notice(lang, facts=_FACTS),
    "held": lambda lang: notice(lang, about="Question about hubs", number=14),
    "unproved": lambda lang: notice(lang, about="2019-03-20", number=30),
    "left": lambda lang: notice(lang, number=30),
    "paused": lambda lang: notice(lang, until=date(2020, 12, 1)),
    "away": lambda lang: notice(lang, about="Ana Ruiz", until=date(2020, 12, 1)),
    "probe": notice,
    "resumed": notice,
    "help": notice,
    "status": lambda lang: notice(lang, facts=_FACTS, details=(_block(lang, "S-1042: answered"),)),
    "alert": lambda lang: notice(
        lang,
        facts=(("address", "ana@example.org"),),
        details=(_block(lang, "A mail cannot be read."),),
        url="https://tidings.example.org/desk/inbox/7",
    ),
    "noted": notice,
    "answer": lambda lang: notice(
        lang, until=date(2020, 12, 1), details=(_block(lang, "Thank you: we will ask them."),)
    ),
    "withdrawn": lambda lang: notice(lang, about="S-1042"),
    "task": lambda lang: notice(
        lang,
        about="translation",
        number=7,
        facts=(("group", "Wikimedia Algeria"),),
        details=(_block(lang, "The translation of item 3 says 'must' where it should say 'may'."),),
    ),
    "draft": lambda lang: notice(
        lang,
        number=13,
        automatic=True,
        due=When(datetime(2020, 10, 12, 9, tzinfo=UTC), None, Precision.TIME),
        facts=(("recipients", "83"), ("items", "9")),
        url="https://tidings.example.org/desk/editions/13",
    ),
    "call": lambda lang: notice(
        lang,
        about="ar",
        number=2,
        due=When(datetime(2020, 10, 12, 9, tzinfo=UTC), None, Precision.TIME),
        details=(_block(lang, "Talks about money"), _block(lang, "Reply to this mail.")),
    ),
    "optin": notice,
}


def rendered(kind: str, lang: str) -> Rendered:
    return renderer().render(kind, lang, {"mail": KINDS[kind](lang)})


def reader(letter: Rendered, zone: str = "Africa/Algiers", name: str = "Amina") -> Person:
    """Everything any letter may ask for, for one invented liaison."""
    fields = renderer().personal(letter.lang, name, "Wikimedia Algeria", PROCESS)
    for key in letter.fields:
        if key.startswith("reply:"):
            fields[key] = RING.reply_address(MAILING, PERSON, int(key[6:]))
    fields["reply"] = RING.reply_address(MAILING, PERSON)
    fields["leave"] = f"https://tidings.example.org/leave/{RING.leave_token(MAILING, SUBSCRIPTION)}"
    fields["prefs"] = f"https://tidings.example.org/me/{RING.leave_token(MAILING, SUBSCRIPTION)}"
    fields["leave_mail"] = RING.leave_address(MAILING, SUBSCRIPTION)
    said = Block("We would rather decide this together with the hubs.", "en")
    answer = _block(
        letter.lang, "Thank you; the second draft says so in *section 3*.", "شكرًا؛ تقول المسودة الثانية ذلك في القسم 3."
    )
    own = Own("S-1042", said, Fate.ANSWERED, answer, "", "https://meta.example.org/wiki/Draft_2")
    block = renderer().fragment("own", letter.lang, {"items": (own,)})
    return Person(fields, {"own": block}, words.zone_table(letter.fields, zone, letter.lang))


def head(letter: Rendered, kind: str) -> bytes:
    """Header lines like those of a delivery."""
    leave = f"https://tidings.example.org/leave/{RING.leave_token(MAILING, SUBSCRIPTION)}"
    core = parse("core@tidings.example.org")
    names = header.ListNames(
        "core.tidings.example.org", "Strategy digest", "mailto:core-request@tidings.example.org?subject=help"
    )
    return b"".join(
        [
            header.addresses("From", [("Strategy digest", core)]),
            header.addresses("To", [("أمينة بن علي", parse("amina@example.net"))]),
            header.addresses("Reply-To", [("Strategy digest", parse(RING.reply_address(MAILING, PERSON)))]),
            header.line("Subject", letter.subject),
            header.date("Date", SENT),
            header.message_ids("Message-ID", [RING.message_id(MAILING, PERSON)]),
            header.tokens("Auto-Submitted", "auto-replied" if kind == "receipt" else "auto-generated"),
            header.list_lines(names),
            header.leave_lines(leave, RING.leave_address(MAILING, SUBSCRIPTION), one_click=True),
        ]
    )


def mail(kind: str, lang: str) -> bytes:
    """The whole mail, unsigned."""
    letter = rendered(kind, lang)
    calendar = (
        Attachment("dates.ics", "BEGIN:VCALENDAR\nVERSION:2.0\nEND:VCALENDAR\n") if kind == "announcement" else None
    )
    return compose(frame(letter, RING.message_id(MAILING, PERSON)[1:36], calendar), reader(letter), head(letter, kind))
