"""mailer.render: splice points, escaping, languages, and failures that name their place."""

import io

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo

from mailer.compose import Field, Person, html_part, plain_part
from mailer.content import Block, Item, Precision, When
from mailer.render import Renderer, Sketcher, TemplateFailed, _source
from mailer.words import catalogue

BASE = {
    "note/subject.txt": "{{ _('News of %(title)s', title=title) }}",
    "note/body.txt": "{{ _('Hello') }} {{ splice('name') }}\n\n\n\n{{ title }}\n",
    "note/body.html": "<p>{{ _('Hello') }} {{ splice('name') }}</p>\n\n   <p>{{ title }}</p>",
}


def german():
    made, out = Catalog(locale="de"), io.BytesIO()
    made.add("News of %(title)s", "Neues von %(title)s")
    made.add("Hello", "Hallo")
    made.add("Hello %(name)s,", "Hallo %(name)s,")
    write_mo(out, made)
    return catalogue(out.getvalue())


def renderer(**changed):
    files = {**BASE, **{name.replace("__", "/").replace("_", "."): text for name, text in changed.items()}}
    return Renderer(files.get, {"de": german()})


def test_a_letter_in_each_language():
    made = renderer().render("note", "de-AT", {"title": "Tisch & <b>"})
    assert made.lang == "de"
    assert made.subject == "Neues von Tisch & <b>"
    assert made.text == ("Hallo ", Field("name"), "\n\nTisch & <b>\n")
    assert made.html == ("<p>Hallo ", Field("name", "", "html"), "</p>\n<p>Tisch &amp; &lt;b&gt;</p>\n")
    assert made.fields == {"name"}
    assert renderer().render("note", "qq", {"title": "x"}).lang == "en"
    assert renderer().languages == ("en", "de")


def test_values_are_spliced_in_both_editions():
    made = renderer().render("note", "en", {"title": "x"})
    person = Person({"name": "<Ana>"})
    assert plain_part(made, person) == "Hello <Ana>\n\nx\n"
    assert html_part(made, person).startswith("<p>Hello &lt;Ana&gt;</p>")


def test_same_input_same_letter():
    assert renderer().render("note", "en", {"title": "x"}) == renderer().render("note", "en", {"title": "x"})


@pytest.mark.parametrize(
    ("name", "text", "line", "reason"),
    [
        ("note__body_txt", "a\nb\n{{ missing }}", 3, "missing"),
        ("note__body_txt", "a\n{{ title.nothing }}", 2, "nothing"),
        ("note__body_html", "a\n\n\n{% if %}", 4, "Expected an expression"),
        ("note__body_html", "{{ 1 / 0 }}", 1, "division by zero"),
        ("note__body_html", "\n{{ _('%(nope)s') }}", 2, "nope"),
        ("note__body_html", "{% include 'other.html' %}", 0, "other.html"),
        ("note__subject_txt", "{{ splice('name') }}", 0, "personal"),
        ("note__body_html", "{{ title.__class__.__mro__ }}", 1, "unsafe"),
        ("note__body_html", "{{ splice.__globals__ }}", 1, "unsafe"),
    ],
)
def test_a_failure_names_template_and_line(name, text, line, reason):
    with pytest.raises(TemplateFailed) as caught:
        renderer(**{name: text}).render("note", "en", {"title": "x"})
    assert caught.value.template == name.replace("__", "/").replace("_", ".")
    assert caught.value.line == line
    assert reason in str(caught.value)


def test_a_failure_in_an_imported_file_names_that_file():
    made = renderer(
        parts_txt="\n\n{% macro m() %}{{ missing }}{% endmacro %}",
        note__body_txt="{% import 'parts.txt' as p with context %}{{ p.m() }}",
    )
    with pytest.raises(TemplateFailed) as caught:
        made.render("note", "en", {"title": "x"})
    assert (caught.value.template, caught.value.line) == ("parts.txt", 3)


def test_an_unknown_kind_fails():
    with pytest.raises(TemplateFailed, match=r"other/subject\.txt"):
        renderer().render("other", "en", {})


def test_moments_become_splices_and_dates_words():
    from datetime import UTC, date, datetime

    at = When(datetime(2020, 10, 23, 19, tzinfo=UTC), None, Precision.TIME)
    made = renderer(note__body_txt="{{ when(at) }}|{{ when(on) }}").render(
        "note", "de", {"title": "x", "at": at, "on": When(date(2020, 10, 23))}
    )
    assert made.text == ("", Field("local", "20201023T1900Z"), "|Freitag, 23. Oktober 2020\n")


def test_blocks_carry_their_language():
    made = renderer(note__body_html="<p{{ marks(b) }}>{{ b|line }}</p>{{ foreign(b, c)|length }}")
    arabic, english = Block("نص", "ar"), Block("words", "en")
    page = made.render("note", "en", {"title": "x", "b": arabic, "c": english}).html
    assert page == ('<p lang="ar" dir="rtl" align="right">نص</p>1\n',)
    evil = Block("x", 'x" onclick="y')
    assert 'onclick="y' not in "".join(map(str, made.render("note", "en", {"title": "x", "b": evil, "c": evil}).html))


def test_content_cannot_forge_a_splice():
    made = renderer(note__body_html="{{ b|html }}{{ splice('name') }}")
    page = made.render("note", "en", {"title": "x", "b": Block("\ufdd00\ufdd1\ufdd07\ufdd1", "en")}).html
    assert [piece for piece in page if isinstance(piece, Field)] == [Field("name", "", "html")]


def test_a_stretch_is_shared_and_its_places_are_not():
    made = renderer(
        item_html="<i>{{ i.number }} {{ splice('reply', i.number) }}</i>",
        note__body_html="{{ splice('name') }}{% for i in items %}{{ piece('item.html', i) }}{% endfor %}{{ splice('name') }}",
    )
    items = (Item(1, Block("a", "en")), Item(2, Block("b", "en")))
    wanted = ["name", "reply:1", "reply:2", "name"]
    for _ in range(2):
        page = made.render("note", "en", {"title": "x", "items": items}).html
        assert [piece.key for piece in page if isinstance(piece, Field)] == wanted
    other = made.render("note", "en", {"title": "x", "items": items[::-1]}).html
    assert [piece.key for piece in other if isinstance(piece, Field)] == ["name", "reply:2", "reply:1", "name"]


def test_fragments_hold_nothing_personal():
    made = renderer(own_txt="{{ what }}\n", own_html="<p>{{ what }}</p>")
    found = made.fragment("own", "en", {"what": "a & b"})
    assert (found.text, found.html) == ("a & b\n\n", "<p>a &amp; b</p>\n")
    with pytest.raises(TemplateFailed, match="personal"):
        renderer(own_txt="{{ splice('name') }}", own_html="").fragment("own", "en", {})


def test_personal_words():
    made = renderer()
    assert made.personal("de", "Ana", "", "P")["greeting"] == "Hallo Ana,"
    assert made.personal("en", "", "WMFR", "P") == {
        "greeting": "Hello,",
        "why": "You get this because you are a liaison of WMFR in P.",
    }


def test_a_sketch_is_whole_once_and_then_a_subject():
    sketcher = Sketcher(renderer())
    assert sketcher.render("note", "de-AT", {"title": "x"}) == renderer().render("note", "de", {"title": "x"})
    second = sketcher.render("note", "de", {"title": "y"})
    assert (second.lang, second.subject, second.fields) == ("de", "Neues von y", frozenset())
    assert plain_part(second, Person({})) == ""
    assert "Hello" in plain_part(sketcher.render("note", "en", {"title": "z"}), Person({"name": "Ana"}))


def test_a_sketch_shows_a_broken_template():
    with pytest.raises(TemplateFailed, match="missing"):
        Sketcher(renderer(note__body_txt="{{ missing }}")).render("note", "en", {"title": "x"})


def test_words_for_personal_data_are_in_the_letters_language() -> None:
    source = _source({"e-mail address": "E-Mail-Adresse", "token": "Code"}.get)
    assert (
        source(r"> ask \[e\-mail address\], [token] or [somebody]") == r"> ask \[E-Mail-Adresse\], [Code] or [somebody]"
    )
