"""Arguments of SMTP commands: what is understood, what is refused, and that nothing takes long."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.wire.path import helo_name, parameters, path


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("<a@b.example>", ("a@b.example", "")),
        (" <a@b.example>", ("a@b.example", "")),
        ("a@b.example", ("a@b.example", "")),
        ("<>", ("", "")),
        ("<a@b.example> SIZE=1 BODY=7BIT", ("a@b.example", "SIZE=1 BODY=7BIT")),
        ("<postmaster>", ("postmaster", "")),
        ("<@x.example,@y.example:a@b.example>", ("a@b.example", "")),
        ('<"a b"@c.example>', ('"a b"@c.example', "")),
        ('<"a\\"b"@c.example>', ('"a\\"b"@c.example', "")),
        ("<a@[192.0.2.1]>", ("a@[192.0.2.1]", "")),
        ("<a@[IPv6:2001:db8::1]>", ("a@[IPv6:2001:db8::1]", "")),
        ("<bounce+tok.en=x@b.example>", ("bounce+tok.en=x@b.example", "")),
        ("<..a..@b.example>", ("..a..@b.example", "")),
        ("<\u0430\u043d\u0430@\u0440\u0443.example>", ("\u0430\u043d\u0430@\u0440\u0443.example", "")),
        ("<" + "l" * 120 + "@b.example>", ("l" * 120 + "@b.example", "")),
    ],
)
def test_paths(text: str, wanted: tuple[str, str]) -> None:
    assert path(text) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<a b@c>",
        "<a@b",
        "a@b>",
        "<<a@b>>",
        "<a@b@c>",
        "<a@>",
        "<@b>",
        "<.@b.example>",
        "<a@b..example>",
        "<a@.example>",
        "<a@" + "d" * 64 + ".example>",
        "<" + "l" * 250 + "@b.example>",
        "<a\x00@b>",
        "<a\x0b@b>",
        "<a@b\u2028>",
        "<a,b@c>",
        '<"a@b>',
        "<a@[192.0.2.1>",
        "<a@b>SIZE=1",
        "Ana <a@b.example>",
    ],
)
def test_what_is_no_path(text: str) -> None:
    assert path(text) is None


@given(st.text(alphabet='<>@".\\:, a1[]\x00\u00e9\u2028', max_size=60))
def test_no_text_makes_a_path_that_could_break_a_line(text: str) -> None:
    found = path(text)
    if found is not None:
        assert not any(ord(char) < 32 or char in "<>\u2028" for char in found[0] if not found[0].startswith('"'))
        assert not any(ord(char) < 32 for char in found[0])


@pytest.mark.parametrize(
    "text", ["<" + '"' * 1000, "<" + "@a," * 300, '<"' + "\\\\" * 500, "<" + "a." * 500, " " * 1000]
)
def test_odd_paths_take_no_time(text: str) -> None:
    begin = time.perf_counter()
    for _ in range(100):
        assert path(text) is None
    assert time.perf_counter() - begin < 5


def test_parameters() -> None:
    assert parameters("") == {}
    assert parameters("size=10 SMTPUTF8 body=8BITMIME") == {"SIZE": "10", "SMTPUTF8": None, "BODY": "8BITMIME"}
    for bad in ("SIZE=1 size=2", "=1", "A==", "SIZE=\u0661", "-A", "A=\x01", "\u00e9"):
        assert parameters(bad) is None


def test_the_name_a_client_gives_itself() -> None:
    assert helo_name(" mail.example ") == "mail.example"
    assert helo_name("[192.0.2.1]") == "[192.0.2.1]"
    for bad in ("", "a b", "a\r\nX: y", "(x)", "\u00e9.example", "x" * 256, "a;b", "a\n"):
        assert helo_name(bad) == "unknown" or helo_name(bad) == bad.strip() == "a"
