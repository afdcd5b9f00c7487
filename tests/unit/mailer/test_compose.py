"""mailer.compose: what is spliced reads back, whatever stands around it, and nothing makes a line."""

import email
import email.policy
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.compose import (
    Attachment,
    Field,
    Fragment,
    MissingField,
    Person,
    Rendered,
    cast,
    compose,
    cut,
    frame,
    html_part,
    mark,
    plain_part,
)
from mailer.flowed import unflow

HEAD = b"From: a@example.org\r\nSubject: x\r\n"
PROSE = st.text(st.characters(exclude_categories=("Cs", "Cc", "Cn", "Co", "Cf", "Zl", "Zp")), max_size=120)
PIECES = st.lists(st.one_of(PROSE, st.just("\n"), st.sampled_from([Field("name"), Field("reply", "5")])), max_size=25)


def body_of(data: bytes, kind: str) -> str:
    message = email.message_from_bytes(data, policy=email.policy.default)
    part = message.get_body((kind,))
    assert part is not None
    assert not message.defects
    return part.get_content().replace("\r\n", "\n")


NAME = Field("name")


def letter(text=("Hello ", NAME, ".\n"), html=("<p>", NAME, "</p>\n"), lang="en") -> Rendered:
    return Rendered(lang, "x", tuple(text), tuple(html))


@settings(max_examples=150)
@given(PIECES, PROSE, st.sampled_from(["en", "ar", "ja", "th"]))
def test_html_reads_back_and_lines_are_short(pieces, name, lang):
    person = Person({"name": name, "reply:5": "reply+abc@example.org"})
    rendered = letter(html=pieces, lang=lang)
    data = compose(frame(rendered, "tag"), person, HEAD)
    assert all(len(line) <= 76 for line in data.split(b"\r\n"))
    assert b"\n" not in data.replace(b"\r\n", b"")
    assert data.isascii()
    assert body_of(data, "html") == html_part(rendered, person)


@settings(max_examples=150)
@given(
    st.lists(st.sampled_from(["word", "a", "From", ">", "x" * 90, "  ", "ü", "戦略"]), max_size=60),
    st.text("abc ", max_size=90),
)
def test_flowed_text_reads_back(words, name):
    text = " ".join(" ".join(words).split())
    person = Person({"name": name.strip()})
    rendered = letter(text=(text + " ", Field("name"), "\n"))
    data = compose(frame(rendered, "tag"), person, HEAD)
    again = " ".join(unflow(body_of(data, "plain"), False).replace("\n", " ").split())
    assert again == " ".join(plain_part(rendered, person).split())


def test_the_shape_of_a_mail():
    data = compose(frame(letter(), "0abc"), Person({"name": "Ana"}), HEAD)
    message = email.message_from_bytes(data, policy=email.policy.default)
    assert message.get_content_type() == "multipart/alternative"
    assert message["Content-Language"] == "en"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    plain = next(message.iter_parts())
    assert plain["Content-Type"].params["format"] == "flowed"
    assert plain["Content-Transfer-Encoding"] == "quoted-printable"
    assert data.startswith(HEAD + b"MIME-Version: 1.0\r\n")


def test_other_scripts_travel_as_base64_and_unspaced_ones_with_delsp():
    arabic = frame(letter(("مرحبا " * 50,), ("<p>" + "مرحبا " * 50 + "</p>",), "ar"), "t")
    assert compose(arabic, Person({}), HEAD).count(b"Content-Transfer-Encoding: base64") == 2
    japanese = compose(frame(letter(("戦略" * 90,), ("<p>x</p>",), "ja"), "t"), Person({}), HEAD)
    assert b"delsp=yes" in japanese
    assert unflow(body_of(japanese, "plain"), True).strip() == "戦略" * 90


@given(st.sampled_from(["0abc", "t" * 35]), st.sampled_from(["en", "ar"]), st.lists(PROSE, max_size=5))
def test_no_content_can_hold_a_boundary(tag, lang, lines):
    calendar = Attachment("d.ics", "BEGIN:VCALENDAR\nEND:VCALENDAR\n")
    head = compose(frame(letter(("x",), ("x",), lang), tag, calendar), Person({}), HEAD)
    boundaries = re.findall(rb'boundary="([^"]+)"', head)
    assert len(boundaries) == 2
    assert all(len(one) <= 70 for one in boundaries)
    evil = "\n".join(
        [*lines, *(f"--{one.decode()}" for one in boundaries), *(f"--{one.decode()}--" for one in boundaries)]
    )
    data = compose(frame(letter((evil,), (evil,), lang), tag, calendar), Person({}), HEAD)
    message = email.message_from_bytes(data, policy=email.policy.default)
    assert [part.get_content_type() for part in message.walk()] == [
        "multipart/mixed", "multipart/alternative", "text/plain", "text/html", "text/calendar",
    ]  # fmt: skip
    for part in message.walk():  # a multipart is never encoded itself
        assert part.get_content_maintype() != "multipart" or part["Content-Transfer-Encoding"] is None
    assert body_of(data, "html").rstrip("\n") == evil.rstrip("\n")


def test_same_input_same_bytes():
    person = Person({"name": "Ana"})
    assert compose(frame(letter(), "t"), person, HEAD) == compose(frame(letter(), "t"), person, HEAD)
    assert compose(frame(letter(), "t"), person, HEAD) != compose(frame(letter(), "u"), person, HEAD)


def test_values_cannot_make_lines_or_markup():
    evil = "Ana\r\n--=_at--\r\nBcc: x <script>&\x1c\u2028"
    person = Person({"name": evil})
    data = compose(frame(letter(), "t"), person, HEAD)
    assert "<script>" not in body_of(data, "html")
    assert body_of(data, "plain") == "Hello Ana --=_at-- Bcc: x <script>&.\n"


def test_a_value_in_a_link_is_encoded():
    rendered = letter(html=('<a href="mailto:', Field("reply", "5", "url"), '">', Field("reply", "5", "html"), "</a>"))
    person = Person({"reply:5": 'reply+a"b@example.org', "name": ""})
    assert html_part(rendered, person) == '<a href="mailto:reply%2Ba%22b@example.org">reply+a&quot;b@example.org</a>'
    leave = letter(html=(Field("leave", "", "url"),))
    assert html_part(leave, Person({"leave": "https://x.example/l/a?b=1&c=2"})) == "https://x.example/l/a?b=1&amp;c=2"


def test_blocks_are_spliced_whole_or_not_at_all():
    rendered = letter(("a\n", Field("own", "", "block"), "b\n"), ("<p>a</p>", Field("own", "", "block")))
    framed = frame(rendered, "t")
    block = Fragment("own words\nof one reader\n", "<p>own words</p>\n")
    with_block = compose(framed, Person({}, {"own": block}), HEAD)
    assert body_of(with_block, "plain") == "a\nown words\nof one reader\nb\n"
    assert body_of(with_block, "html").rstrip() == "<p>a</p><p>own words</p>"
    assert body_of(compose(framed, Person({}), HEAD), "plain") == "a\nb\n"


def test_a_missing_value_is_named():
    with pytest.raises(MissingField, match="name"):
        compose(frame(letter(), "t"), Person({}), HEAD)


def test_shared_values_serve_where_a_person_has_none():
    data = compose(frame(letter(), "t"), Person({}, shared={"name": "all of you"}), HEAD)
    assert body_of(data, "plain") == "Hello all of you.\n"


def test_a_calendar_is_attached():
    data = compose(
        frame(letter(), "t", Attachment("dates.ics", "BEGIN:VCALENDAR\nEND:VCALENDAR\n")), Person({"name": "A"}), HEAD
    )
    message = email.message_from_bytes(data, policy=email.policy.default)
    assert message.get_content_type() == "multipart/mixed"
    (attached,) = message.iter_attachments()
    assert attached.get_content_type() == "text/calendar"
    assert attached.get_filename() == "dates.ics"
    assert attached.get_content().replace("\r\n", "\n") == "BEGIN:VCALENDAR\nEND:VCALENDAR\n"
    assert body_of(data, "plain") == "Hello A.\n"


def test_lines_that_mail_servers_change_are_protected():
    data = compose(frame(letter(html=("<p>\nFrom here\n.\n..x\n</p> \n",)), "t"), Person({"name": "x"}), HEAD)
    assert b"\r\nFrom " not in data
    assert b"\r\n." not in data
    assert body_of(data, "html") == "<p>\nFrom here\n.\n..x\n</p> \n"


@settings(max_examples=150)
@given(PIECES, st.sampled_from(["en", "ar", "ja"]), st.sampled_from(["", "a-host-with-a-long-name-" * 2]))
def test_a_cast_frame_gives_the_same_mail(pieces, lang, lead):
    """Also where a long link is broken in its middle: then the whole value is joined as before."""
    links = [Field("reply", "5", "url"), Field("leave"), Field("own", "", "block")]
    rendered = letter(text=[*pieces, *links], html=[*links, *pieces, *links], lang=lang)

    def values(reply: str, leave: str) -> dict[str, str]:
        return {"reply:5": f"reply+{reply}@example.org", "leave": f"https://{lead}x.example/leave/{leave}"}

    tokens = ["0447rz2wv0000ypjp00vkec32xnw33j1fmm", "0447rz2wv001fp24q0058ajjvq10279zc30"]
    people = values(*tokens) | {"name": "Ana"}
    framed = frame(rendered, "tag")
    made = cast(framed, values(mark(0), mark(1)))
    assert "reply:5" not in made.fields
    person = Person(people if "leave" in made.fields else {"name": "Ana"}, tokens=[token.encode() for token in tokens])
    assert compose(made, person, HEAD) == compose(framed, Person(people), HEAD)


def test_marks_are_found_again():
    assert cut(f"a{mark(7)}b".encode()) == (b"a", 7, b"b")
    assert len(mark(0)) == 35
