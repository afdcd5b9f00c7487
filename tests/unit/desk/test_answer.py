"""Answers as a mail program writes them: where to, the quotation, the finished mail."""

from datetime import timedelta

import pytest

from desk.play import answer
from desk.play.answer import Draft
from mailer.address import AddressError
from mailer.message import Message
from mailer.parse import parse
from mailer.reading import SegmentKind
from mailer.segment import segment
from mailer.words import LANGUAGES
from tests.playground import NOW, golden

KEPT = (SegmentKind.REPLY, SegmentKind.CLOSING)


def digest(lang: str = "en") -> Message:
    return parse(golden("digest", lang))


def write(message: Message, text: str, sender: str = "Ana <ana@west.example>", to: str = "") -> bytes:
    draft = Draft(sender, to or answer.targets(message)[0].addr, answer.subject(message), text)
    return answer.write(message, draft, NOW).data


def test_the_whole_comes_first_and_every_answerable_item_has_its_address_and_title() -> None:
    found = answer.targets(digest())
    assert [one.key for one in found] == ["whole", "1", "3", "4", "5", "leave", "help"]
    assert found[0].addr == "reply+0eehbjp1t28t5cy4g00wechkcgpdp3yra60@tidings.example.org"
    assert (found[2].number, found[2].title) == (3, "Which roles should local groups take on?")
    assert found[2].addr.startswith("reply+")
    assert found[2].addr != found[0].addr
    assert found[5].addr.startswith("leave+")
    assert found[6].addr == "core-request@tidings.example.org"


def test_items_are_found_in_a_right_to_left_mail_too() -> None:
    english, arabic = answer.targets(digest()), answer.targets(digest("ar"))
    assert [one.key for one in arabic] == [one.key for one in english]
    assert [one.addr for one in arabic] == [one.addr for one in english]
    assert arabic[1].title == "حوارات حول الأولويات، الجولة الثانية"


def test_a_mail_without_reply_to_is_answered_to_its_sender() -> None:
    message = parse(b"From: Ana <ana@west.example>\r\nSubject: hello\r\n\r\nnothing here\r\n")
    assert [(one.key, one.addr) for one in answer.targets(message)] == [("whole", "ana@west.example")]
    assert answer.targets(parse(b"\r\n")) == ()


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_quotation_in_any_language_of_the_service_is_taken_for_one(lang: str) -> None:
    raw = golden("digest", "ar" if lang == "ar" else "en")
    message = parse(raw.replace(b"Content-Language: en", b"Content-Language: " + lang.encode(), 1))
    sent = parse(write(message, "My own words.\n\n" + answer.quotation(message)))
    kept = "".join(one.text for one in segment(sent) if one.kind in KEPT)
    assert kept.strip() == "My own words."


def test_the_quotation_names_moment_and_sender_and_quotes_every_line() -> None:
    lines = answer.quotation(digest()).split("\n")
    assert lines[0] == "On Mon, Oct 5, 2020 at 7:00 AM Strategy digest <core@tidings.example.org> wrote:"
    assert all(line.startswith("> ") for line in lines[2:])
    assert "> 3. Which roles should local groups take on?" in lines


def test_words_between_the_quoted_lines_stay_apart_from_them() -> None:
    message = digest()
    quoted = answer.quotation(message).split("\n")
    at = quoted.index("> 3. Which roles should local groups take on?")
    sent = parse(write(message, "\n".join([*quoted[: at + 1], "", "The small ones.", "", *quoted[at + 1 :]])))
    assert [one.text.strip() for one in segment(sent) if one.kind in KEPT and one.text.strip()] == ["The small ones."]


def test_the_mail_stands_in_its_thread() -> None:
    message = digest()
    sent = parse(write(message, "Yes."))
    assert sent.in_reply_to == (message.message_id,)
    assert sent.references == (message.message_id,)
    assert sent.subject == "Re: " + message.subject
    assert (sent.from_name, sent.from_addr) == ("Ana", "ana@west.example")
    assert sent.to == (answer.targets(message)[0].addr,)
    assert sent.date == "Wed, 20 Mar 2019 09:00:00 +0000"
    assert sent.warnings == ()


def test_one_re_is_enough() -> None:
    assert answer.subject(parse(b"Subject: RE: x\r\n\r\n")) == "RE: x"


def test_the_same_answer_at_the_same_moment_is_the_same_mail_and_a_later_one_is_not() -> None:
    message = digest()
    draft = Draft("ana@west.example", "core@tidings.example.org", "s", "text")
    first = answer.write(message, draft, NOW)
    assert answer.write(message, draft, NOW) == first
    assert answer.write(message, draft, NOW + timedelta(seconds=1)).message_id != first.message_id


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x" * 5_000,
        "ü" * 3_000,
        "From here\n.\n..\n",
        "one\r\ntwo\rthree",
        "> \n>\n>> deep\n>x",
        "ends in a blank \n",
    ],
)
def test_whatever_is_typed_goes_over_the_wire_whole(text: str) -> None:
    data = write(digest(), text)
    assert b"\n" not in data.replace(b"\r\n", b"")
    assert b"\r" not in data.replace(b"\r\n", b"")
    assert data.isascii()
    assert max(map(len, data.split(b"\r\n"))) <= 78
    read = (parse(data).plain or "").replace(" ", "")
    assert read.strip("\n") == text.replace("\r\n", "\n").replace("\r", "\n").replace(" ", "").strip("\n")


def test_nothing_typed_makes_a_header_line() -> None:
    message = digest()
    draft = Draft("Eve\r\nBcc: all@x.example <eve@x.example>", "core@tidings.example.org", "a\r\nBcc: b@x.example", "t")
    sent = parse(answer.write(message, draft, NOW).data)
    assert sent.all("bcc") == ()
    assert sent.subject == "a Bcc: b@x.example"


@pytest.mark.parametrize(
    ("sender", "to"), [("", "a@b.example"), ("nobody", "a@b.example"), ("a@b.example", "a@[1.2.3.4]")]
)
def test_an_address_that_is_none_is_refused_with_words(sender: str, to: str) -> None:
    with pytest.raises(AddressError):
        answer.write(digest(), Draft(sender, to, "s", "t"), NOW)


def test_a_mail_without_a_date_is_quoted_all_the_same() -> None:
    message = parse(b"From: a@b.example\r\nDate: soon\r\n\r\nhello\r\n")
    assert answer.quotation(message).endswith("> hello")
