"""The playground's mailbox on a real folder."""

import mailbox
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from desk.play.mailbox import Mailbox, Wanted
from mailer.message import Envelope
from tests.playground import NOW, golden, stage

ENVELOPE = Envelope("bounce+x@tidings.example.org", ("ana@west.example", "b@west.example"))


def test_a_mail_is_kept_byte_for_byte_and_listed_by_what_its_head_says(tmp_path: Path) -> None:
    box = Mailbox(tmp_path / "box", lambda: NOW)
    data = golden("digest", "ar")
    box.add(ENVELOPE, data)
    (caught,) = box.find()
    assert box.raw(caught.n) == data
    assert (caught.n, caught.caught_at, caught.mail_from) == (1, NOW, ENVELOPE.mail_from)
    assert (caught.to_name, caught.to) == ("أمينة بن علي", "amina@example.net")
    assert caught.rcpt_to == ENVELOPE.rcpt_to
    assert (caught.kind, caught.lang) == ("edition", "ar")
    assert caught.subject.startswith("نشرة الاستراتيجية")
    assert box.message(1).subject == caught.subject


def test_it_is_the_same_after_opening_the_folder_again(tmp_path: Path) -> None:
    first = stage(tmp_path / "box").mailbox
    again = Mailbox(tmp_path / "box", lambda: datetime(2020, 1, 1, tzinfo=UTC))
    assert again.find() == first.find()
    assert [again.raw(n) for n in range(1, 7)] == [first.raw(n) for n in range(1, 7)]
    again.add(ENVELOPE, golden("receipt", "en"))
    assert again.find()[0].n == 7


def test_other_programs_read_the_same_folder(tmp_path: Path) -> None:
    stage(tmp_path / "box")
    box = mailbox.Maildir(tmp_path / "box")
    assert len(box) == 6
    assert {mail["Return-Path"] for mail in box} == {"<bounce+x@tidings.example.org>"}
    assert not any(b"\r" in box.get_bytes(key) for key in box.iterkeys())
    box.add(b"Subject: put here by hand\n\nhello\n")
    assert len(Mailbox(tmp_path / "box", lambda: NOW)) == 6


def test_mails_are_found_by_recipient_words_kind_and_language(tmp_path: Path) -> None:
    box = stage(tmp_path / "box").mailbox
    assert len(box.find(Wanted(to="EN@readers.example"))) == 3
    assert len(box.find(Wanted(to="amina@example.net"))) == 6
    assert box.find(Wanted(to="amina@example.ne")) == []
    assert {one.kind for one in box.find(Wanted(kind="receipt"))} == {"receipt"}
    assert {one.lang for one in box.find(Wanted(lang="ar"))} == {"ar"}
    assert [one.n for one in box.find(Wanted(words="FILED statements"))] == [1]
    assert box.recipients() == [("amina@example.net", "أمينة بن علي", 6)]


def test_there_is_nothing_under_a_number_that_was_never_given(tmp_path: Path) -> None:
    box = stage(tmp_path / "box").mailbox
    assert box.get(99) is None
    with pytest.raises(KeyError):
        box.raw(99)


def test_a_mail_that_nobody_can_read_is_listed_all_the_same(tmp_path: Path) -> None:
    box = Mailbox(tmp_path / "box", lambda: NOW)
    box.add(Envelope("", ("a@b.example",)), b"\xff\xfe no header at all\r\n")
    box.add(Envelope("", ("a@b.example",)), b"")
    assert [(one.n, one.to, one.subject) for one in box.find()] == [(2, "a@b.example", ""), (1, "a@b.example", "")]
    assert box.raw(1) == b"\xff\xfe no header at all\r\n"


def test_several_threads_never_share_a_number(tmp_path: Path) -> None:
    box = Mailbox(tmp_path / "box", lambda: NOW)
    data = golden("receipt", "en")
    threads = [threading.Thread(target=lambda: [box.add(ENVELOPE, data) for _ in range(5)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [one.n for one in box.find()] == list(range(20, 0, -1))
