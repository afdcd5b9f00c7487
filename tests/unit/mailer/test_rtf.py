"""Compressed RTF of Outlook: the compression undone, the text found, and whatever comes in ends."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer import tnef
from mailer.rtf import _BEGIN, MAX_RTF, expand, text_of

# The first example of [MS-OXRTFCP] section 3.1, and the second, which refers to what it is just writing.
HELLO = bytes.fromhex(
    "2d0000002b0000004c5a4675f1c5c7a703000a00726370673132354232 0af32068656c090020627705b06c647d0a800fa0".replace(
        " ", ""
    )
)
CROSSING = bytes.fromhex("1a0000001c0000004c5a4675e2d44b51410004205758595a0d6e7d010eb0")


def packed(rtf: bytes) -> bytes:
    """The same without compression."""
    return struct.pack("<II4sI", len(rtf) + 12, len(rtf), b"MELA", 0) + rtf


def test_what_the_window_begins_with():
    assert len(_BEGIN) == 207


def test_examples_of_the_specification():
    assert expand(HELLO) == b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"
    assert text_of(expand(HELLO)) == "hello world"
    assert expand(CROSSING) == b"{\\rtf1 WXYZWXYZWXYZWXYZWXYZ}"
    assert expand(packed(b"{\\rtf1 a}")) == b"{\\rtf1 a}"


@pytest.mark.parametrize(
    ("rtf", "text"),
    [
        (rb"{\rtf1\ansi\ansicpg1252 We agree.\par The rest is fine.}", "We agree.\nThe rest is fine."),
        (rb"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Arial;}}{\*\generator X;}F\'fcr uns\line gut}", "Für uns\ngut"),
        (rb"{\rtf1\ansi\ansicpg1251 \'cc\'fb \'f1\'ee\'e3\'eb\'e0\'f1\'ed\'fb}", "Мы согласны"),
        (rb"{\rtf1\ansi\ansicpg932 \'8e\'5e\'90\'ac}", "賛成"),
        (rb"{\rtf1\ansi\uc1 \u1085?\u1072?\u1084? {\uc0\u8364} \u-10179?\u-8704?}", "нам € \U0001f600"),
        (rb"{\rtf1\ansi\fromhtml1{\*\htmltag64 <p>}\htmlrtf {\htmlrtf0 We agree\htmlrtf\par}\htmlrtf0}", "We agree"),
        (rb"{\rtf1 a\{b\}\\c\~d\_e}", "a{b}\\c d-e"),
        (b"no rtf at all", ""),
    ],
)
def test_text(rtf, text):
    assert text_of(rtf) == text


def test_a_winmail_file_whose_only_body_is_rtf():
    value = HELLO
    props = struct.pack("<IHHII", 1, 258, 0x1009, 1, len(value)) + value + bytes(-len(value) % 4)
    inside = tnef.unpack(struct.pack("<IHBIII", 0x223E9F78, 1, 1, 0x00069003, len(props), 0)[:15] + props + b"\0\0")
    assert inside.text == "hello world"


def test_a_small_file_stays_small():
    bomb = (
        struct.pack("<II4sI", 10_000, 0xFFFFFFFF, b"LZFu", 0) + b"\xff" + bytes([0, 0x0F]) * 8 + b"\xff\x00\x0f" * 4_000
    )
    assert len(expand(bomb)) <= MAX_RTF


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400))
def test_anything_ends(data):
    text_of(expand(struct.pack("<II4sI", len(data), len(data) * 9, b"LZFu", 0) + data))
    text_of(b"{\\rtf1" + data).encode("utf-8")
