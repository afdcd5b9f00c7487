"""Files that come with an answer: listed, read where they hold text, and found by their words."""

from email.message import EmailMessage
from pathlib import Path

import pytest

from flows import triage
from flows.views_input import input_list, input_show
from tests.integration.flows.mailroom import box, mail, take
from tests.world import World

FILES = Path(__file__).parents[2] / "files"
ANSWER = "MON-1: see the file."


def found(world: World, words: str) -> list[str]:
    rows = input_list(world.engine, world.process().id, text=words)
    return [statement.ref for row in rows for statement in row.statements]


def answer(world: World, text: str = ANSWER) -> EmailMessage:
    return mail(world, "ana@west.example", "answers", text)


@pytest.mark.parametrize(
    ("name", "word"), [("answers.docx", "heronry"), ("answers.odt", "kingfisher"), ("answers.pdf", "bittern")]
)
def test_what_office_files_say_is_found(world: World, name: str, word: str) -> None:
    made = answer(world)
    made.add_attachment((FILES / name).read_bytes(), maintype="application", subtype="octet-stream", filename=name)
    take(world, made, box("input"))
    assert found(world, word) == ["S-1"]
    card = input_show(world.engine, world.process().id, "S-1")
    ((file,), (statement,)) = card.attachments, card.line.statements
    assert (file.name, file.size) == (name, (FILES / name).stat().st_size)
    assert "Our answers" in (file.text or "")
    assert statement.text == ANSWER


@pytest.mark.parametrize("name", ["a.txt", "a.md"])
def test_what_plain_files_say_is_found_and_phone_numbers_are_not(world: World, name: str) -> None:
    made = answer(world)
    made.add_attachment(
        b"an avocet, call +351 21 234 5678", maintype="application", subtype="octet-stream", filename=name
    )
    take(world, made, box("input"))
    assert found(world, "avocet") == ["S-1"]
    assert found(world, "5678") == []


def test_a_mail_that_is_only_a_file_says_what_the_file_says(world: World) -> None:
    made = answer(world, "")
    made.add_attachment("MON-2: two thirds, says the avocet", filename="a.txt")
    take(world, made, box("input"))
    (row,) = input_list(world.engine, world.process().id)
    assert "avocet" in row.statements[0].text


def test_a_message_inside_is_read(world: World) -> None:
    inner = mail(world, "kim@coast.example", "our view", "The dotterel should decide, says our community.\n")
    made = answer(world)
    made.add_attachment(inner)
    take(world, made, box("input"))
    assert found(world, "dotterel") == ["S-1"]


def test_a_winmail_is_unpacked_and_read(world: World) -> None:
    def attribute(level: int, name: int, data: bytes) -> bytes:
        return bytes([level]) + name.to_bytes(4, "little") + len(data).to_bytes(4, "little") + data + b"\0\0"

    tnef = b"\x78\x9f\x3e\x22\x01\x00" + attribute(2, 0x00069002, b"\0" * 14) + attribute(2, 0x00018010, b"note.docx\0")
    tnef += attribute(2, 0x0006800F, (FILES / "answers.docx").read_bytes())
    made = answer(world)
    made.add_attachment(tnef, maintype="application", subtype="ms-tnef", filename="winmail.dat")
    take(world, made, box("input"))
    assert found(world, "heronry") == ["S-1"]
    assert [file.name for file in input_show(world.engine, world.process().id, "S-1").attachments] == ["note.docx"]


def test_the_words_of_a_file_stay_found_when_the_text_is_changed(world: World) -> None:
    made = answer(world)
    made.add_attachment("says the avocet", filename="a.txt")
    take(world, made, box("input"))
    triage.fix(world.engine, world.process().id, "S-1", "MON-1: the curlew decides.", act=world.act())
    assert found(world, "avocet") == found(world, "curlew") == ["S-1"]


def test_a_file_of_a_private_mail_is_not_found(world: World) -> None:
    made = answer(world)
    made.add_attachment("says the avocet", filename="a.txt")
    take(world, made, box("input"))
    triage.set_private(world.engine, 1, act=world.act())
    assert found(world, "avocet") == []


def test_what_is_no_text_is_listed_only(world: World) -> None:
    made = answer(world)
    made.add_attachment(b"\x89PNG\r\n\x1a\n" + bytes(100), maintype="image", subtype="png", filename="../../map.png")
    take(world, made, box("input"))
    (file,) = input_show(world.engine, world.process().id, "S-1").attachments
    assert (file.name, file.type, file.text) == ("map.png", "image/png", None)
