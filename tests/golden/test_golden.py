"""Golden mails: byte-equal, one per kind and language; and what holds for every mail in every language."""

import email
import email.policy
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from mailer import words
from mailer.compose import html_part, plain_part
from mailer.content import Block
from mailer.flow import columns
from tests.golden.letters import KINDS, RING, TEMPLATES, digest, mail, reader, rendered, renderer

HERE = Path(__file__).parent
EVERY = [(kind, lang) for kind in KINDS for lang in words.LANGUAGES]
VOID = {"meta", "br", "hr"}
SINGLE = {
    "from", "to", "subject", "date", "message-id", "reply-to", "mime-version", "content-type",
    "list-id", "list-help", "list-post", "list-unsubscribe", "list-unsubscribe-post",
}  # fmt: skip


@pytest.mark.parametrize("lang", ["en", "ar"])
@pytest.mark.parametrize("kind", KINDS)
def test_golden(kind: str, lang: str, rewrite: bool) -> None:
    path = HERE / f"{kind}.{lang}.eml"
    made = mail(kind, lang)
    if rewrite:
        path.write_bytes(made)
    assert path.read_bytes() == made, f"the words of {path.name} changed: `make golden` rewrites them"


def test_each_kind_is_a_folder_of_three_files() -> None:
    folders = {path.name for path in (TEMPLATES / "mail").iterdir() if path.is_dir()}
    assert folders == set(KINDS)
    for kind in KINDS:
        assert {"subject.txt", "body.txt", "body.html"} <= {path.name for path in (TEMPLATES / "mail" / kind).iterdir()}


class Page(HTMLParser):
    """Reads a page strictly: every element is closed in order, and what matters is noted."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.levels: list[int] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs), f"an attribute twice in <{tag}>"
        if tag in ("p", "h1", "h2", "h3", "h4"):
            assert "p" not in self.open, f"<{tag}> inside a paragraph"
        self.tags.append((tag, dict(attrs)))
        if re.fullmatch("h[1-6]", tag):
            self.levels.append(int(tag[1]))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open and "title" not in self.open:
            self.words += data + " "


@pytest.mark.parametrize(("kind", "lang"), EVERY)
def test_html_is_accessible(kind: str, lang: str) -> None:
    letter = rendered(kind, lang)
    text = html_part(letter, reader(letter))
    page = Page(text)
    tags = page.tags
    assert len(text.encode()) < 60_000
    root = next(attrs for tag, attrs in tags if tag == "html")
    wrapper = next(attrs for tag, attrs in tags if attrs.get("role") == "article")
    assert root["lang"] == wrapper["lang"] == lang
    assert root["dir"] == wrapper["dir"] == ("rtl" if lang in ("ar", "he") else "ltr")
    assert page.levels[0] == 1
    assert page.levels.count(1) == 1
    assert all(after - before <= 1 for before, after in zip(page.levels, page.levels[1:], strict=False))
    assert not {tag for tag, _ in tags} & {"img", "script", "form", "iframe", "link", "object", "svg"}
    for tag, attrs in tags:
        if tag == "table":
            assert attrs.get("role") == "presentation" or "<th scope" in text
    sizes = [int(size) for size in re.findall(r"font-size:(\d+)px", text)]
    assert min(sizes) >= 16
    assert "\ufdd0" not in text
    for address in re.findall(r'href="([^"]+)"', text):
        assert address.startswith(("https://", "mailto:"))
    assert not re.findall(r"src=|url\(|@import", text)


@pytest.mark.parametrize(("kind", "lang"), EVERY)
def test_text_says_the_same_in_72_columns(kind: str, lang: str) -> None:
    letter = rendered(kind, lang)
    person = reader(letter)
    text = plain_part(letter, person)
    page = Page(html_part(letter, person)).words
    assert "\n\n\n" not in text
    assert set(re.findall(r"S-\d+|RR-\d", page)) == set(re.findall(r"S-\d+|RR-\d", text))
    # Each date and year said in one edition is said in the other.
    assert set(re.findall(r"\d{4}", page)) == set(re.findall(r"\d{4}", re.sub(r"\S+[@/]\S+", "", text)))
    raw = email.message_from_bytes(mail(kind, lang), policy=email.policy.default)
    body = raw.get_body(("plain",))
    assert body is not None
    for line in body.get_content().splitlines():
        assert columns(line.rstrip()) <= 78 or "://" in line or "@" in line, line


@pytest.mark.parametrize(("kind", "lang"), EVERY)
def test_mails_are_well_formed(kind: str, lang: str) -> None:
    data = mail(kind, lang)
    assert data.isascii()
    assert b"\n" not in data.replace(b"\r\n", b"")
    head = data.partition(b"\r\n\r\n")[0]
    assert all(len(line) <= 76 for line in data[len(head) :].split(b"\r\n"))
    assert all(len(line) <= 998 for line in head.split(b"\r\n"))
    assert len(data) < 60_000
    message = email.message_from_bytes(data, policy=email.policy.default)
    assert not message.defects
    names = [name.lower() for name in message]
    assert len(names) == len(set(names))  # nothing twice
    assert set(names) >= SINGLE
    assert message["Content-Language"] == lang
    assert message["Auto-Submitted"] == ("auto-replied" if kind == "receipt" else "auto-generated")
    assert message["Message-ID"].endswith(f"@{RING.domain}>")
    assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} [\d:]{8} \+\d{4}", message["Date"])
    assert all(line.strip() for line in head.split(b"\r\n"))  # no line that folding left blank


def test_no_word_of_the_service_is_missing_in_any_language() -> None:
    template = (TEMPLATES / "locale" / "tidings.pot").read_bytes()
    for lang in words.LANGUAGES:
        gap = words.gaps(template, (TEMPLATES / "locale" / lang / "LC_MESSAGES" / "tidings.po").read_bytes(), lang)
        assert (gap.missing, gap.fuzzy) == ((), ()), lang
        assert gap.total > 100


def luminance(colour: str) -> float:
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def inverted(colour: str) -> str:
    return "#" + "".join(f"{255 - int(colour[n : n + 2], 16):02x}" for n in (1, 3, 5))


LIGHT = [
    ("#1a2430", "#ffffff"),
    ("#4a5563", "#ffffff"),
    ("#0b4f8a", "#ffffff"),
    ("#ffffff", "#0b4a66"),
    ("#e3eef5", "#0b4a66"),
    ("#1a2430", "#e3eaf1"),
    ("#1a2430", "#fdf6dc"),
]
DARK = [
    ("#e9edf2", "#1a212b"),
    ("#b9c4d0", "#1a212b"),
    ("#8fcbf2", "#1a212b"),
    ("#0b1a26", "#8fcbf2"),
    ("#ffffff", "#0d3b52"),
    ("#e9edf2", "#2b3746"),
    ("#e9edf2", "#262b1d"),
]


@pytest.mark.parametrize("pair", LIGHT + DARK)
def test_colours_are_readable_in_light_in_dark_and_inverted(pair: tuple[str, str]) -> None:
    source = "".join((TEMPLATES / "mail" / name).read_text() for name in ("base.html", "parts.html"))
    assert pair[0] in source
    assert pair[1] in source
    assert contrast(*pair) >= 7
    assert contrast(inverted(pair[0]), inverted(pair[1])) >= 4.5


@pytest.mark.parametrize("lang", words.LANGUAGES)
def test_plural_forms_are_those_of_cldr(lang: str) -> None:
    said = words.catalogue((TEMPLATES / "locale" / lang / "LC_MESSAGES" / "tidings.mo").read_bytes())
    rule = words.locale_of(lang).plural_form
    forms: dict[str, set[str]] = {}
    for number in range(201):
        text = said.ngettext("%(num)d change", "%(num)d changes", number)
        forms.setdefault(rule(number), set()).add(text)
    assert all(len(found) == 1 for found in forms.values())


def test_a_place_is_a_name_and_asks_for_no_note() -> None:
    """All that a reader reads in an item is in their language, but for `Tunis, TN`: nothing wants translating."""
    made = digest("ar")

    def notes(place: Block) -> tuple[int, int]:
        items = [tuple(replace(item, place=place) for item in one.items) for one in made.sections]
        sections = tuple(replace(one, items=held) for one, held in zip(made.sections, items, strict=True))
        named = renderer().render("digest", "ar", {"mail": replace(made, sections=sections)})
        assert place.text in str(named.text)
        return str(named.text).count("لم يُترجم بعد"), str(named.html).count("لم يُترجم بعد")

    assert notes(Block("Tunis, TN", "en")) == notes(Block("تونس", "ar"))
