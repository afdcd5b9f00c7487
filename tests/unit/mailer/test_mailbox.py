"""Address lists as real headers have them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.mailbox import addresses


@pytest.mark.parametrize(
    ("value", "want"),
    [
        ("a@b.example", [("", "a@b.example")]),
        ("Ana <a@b.example>, c@d.example", [("Ana", "a@b.example"), ("", "c@d.example")]),
        ('"Example, Ana" <a@b.example>', [("Example, Ana", "a@b.example")]),
        ("a@b.example (Ana (chair))", [("Ana (chair)", "a@b.example")]),
        ("=?utf-8?q?Zo=C3=AB?= <z@b.example>", [("Zoë", "z@b.example")]),
        ("group: a@b.example, c@d.example;", [("", "a@b.example"), ("", "c@d.example")]),
        ("undisclosed-recipients:;", []),
        ("<@relay.example:a@b.example>", [("", "a@b.example")]),
        ('"odd local"@b.example', [("", '"odd local"@b.example')]),
        ("Ana <a@b.example", [("Ana", "a@b.example")]),
        ("", []),
        ("<>", [("", "")]),
        ("Ana\u2028Bcc x <a@b.example>", [("Ana Bcc x", "a@b.example")]),
    ],
)
def test_addresses(value, want):
    assert addresses(value) == want


def test_many_are_cut():
    assert len(addresses("a@b.example," * 20_000)) == 2_000


@given(st.text(alphabet='ab@<>(),;:"\\ .=?\u00e9', max_size=60))
def test_never_raises(value):
    assert all("\n" not in name and "\r" not in address for name, address in addresses(value))
