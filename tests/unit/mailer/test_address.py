"""mailer.address: strict parsing (HI02), keys (A1, A2), display (HI03)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.address import AddressError, display_name, hint_key, key, parse, parse_mailbox


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Ana.Ruiz@Example.ORG", "ana.ruiz@example.org"),
        ("  ana@example.org. ", "ana@example.org"),
        ('"ana"@example.org', "ana@example.org"),
        ('"ana ruiz"@example.org', '"ana ruiz"@example.org'),
        ('"a\\"b"@example.org', '"a\\"b"@example.org'),
        ("ana+news@gmail.com", "ana+news@gmail.com"),
        ("a.n.a@gmail.com", "a.n.a@gmail.com"),
        ("ana@BÜCHER.example", "ana@xn--bcher-kva.example"),
        ("ana@faß.example", "ana@xn--fa-hia.example"),
        ("Ästhetik@example.org", "Ästhetik@example.org"),
        ("A\u0308sthetik@example.org", "Ästhetik@example.org"),
        ("用户@例え.jp", "用户@xn--r8jz45g.jp"),
        ("root@localhost", "root@localhost"),
    ],
)
def test_key(text, wanted):
    assert key(text) == wanted
    assert key(wanted) == wanted


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("ana", "syntax"),
        ("@example.org", "syntax"),
        ("a@x.org)b@y.org", "syntax"),
        ("a@b@example.org", "syntax"),
        ("ana(comment)@example.org", "syntax"),
        ("ana@example.org, bob@example.org", "syntax"),
        ("friends: ana@example.org;", "syntax"),
        ("<ana@example.org>", "syntax"),
        ("@relay.example:ana@example.org", "syntax"),
        ("ana%example.org@relay.example", "route"),
        ("host!ana@relay.example", "route"),
        ("ana..ruiz@example.org", "syntax"),
        (".ana@example.org", "syntax"),
        ("ana ruiz@example.org", "syntax"),
        ("ana\r\nBcc: x@example.org", "syntax"),
        ("ana\x1c@example.org", "syntax"),
        ("ana\u2028@example.org", "syntax"),
        ("ana\u202e@example.org", "syntax"),
        ("ana@[192.0.2.1]", "domain"),
        ("ana@example", "domain"),
        ("ana@exa mple.org", "domain"),
        ("ana@-example.org", "domain"),
        ("ana@example..org", "domain"),
        ("ana@", "domain"),
        (f"{'a' * 65}@example.org", "too-long"),
        (f"ana@{'a' * 64}.org", "domain"),
        (f"ana@{'.'.join(['a' * 62] * 4)}.org", "domain"),
    ],
)
def test_refused_with_a_code_and_words(text, code):
    with pytest.raises(AddressError) as caught:
        parse(text)
    assert caught.value.code == code
    assert len(str(caught.value)) > 10
    assert str(caught.value).isprintable()


def test_hint_key():
    assert hint_key("A.N.A+wiki@GoogleMail.com") == "ana@gmail.com"
    assert hint_key("ana.ruiz+wiki@example.org") == "ana.ruiz@example.org"
    assert hint_key("+x@example.org") == "+x@example.org"


def test_what_goes_on_the_wire():
    found = parse("Ana.Ruiz@BÜCHER.example")
    assert found.addr == "Ana.Ruiz@xn--bcher-kva.example"
    assert not found.needs_smtputf8
    assert parse("señora@example.org").needs_smtputf8


def test_shown_names_mixed_scripts():
    assert parse("ana@bücher.example").shown == "ana@bücher.example"
    assert "xn--" in parse("ana@аpple.example").shown  # the first letter is Cyrillic


def test_mailbox():
    assert parse_mailbox('"Ruiz, Ana" <ana@example.org>')[0] == "Ruiz, Ana"
    assert parse_mailbox("ana@example.org")[0] == ""
    with pytest.raises(AddressError):
        parse_mailbox("Ana <ana@example.org> <bob@example.org>")


def test_display_name_is_one_safe_line():
    assert display_name(" Ana\r\nBcc: evil@example.org\x1c \u202eRuiz ") == "Ana Bcc: evil@example.org Ruiz"
    assert len(display_name("x" * 500)) == 80


@given(st.text())
def test_any_text_is_an_address_or_an_address_error(text):
    try:
        found = parse(text)
    except AddressError:
        return
    assert parse(found.key).key == found.key
    assert found.addr.count("\n") == 0
