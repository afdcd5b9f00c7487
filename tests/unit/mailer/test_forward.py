"""XFORWARD: what a front server says of its client, and what is malformed."""

import pytest

from mailer.wire.forward import NOBODY, Forwarded, merge


@pytest.mark.parametrize(
    ("said", "peer", "helo"),
    [
        ("ADDR=192.0.2.7 HELO=mx.west.example NAME=mx PROTO=ESMTP SOURCE=REMOTE PORT=25 IDENT=4Fq", "192.0.2.7", "mx.west.example"),
        ("addr=IPV6:2001:DB8:0::9 helo=[IPv6:2001:db8::9]", "2001:db8::9", "[IPv6:2001:db8::9]"),
        ("ADDR=[UNAVAILABLE] HELO=[TEMPUNAVAIL]", "", ""),
        ("ADDR=192+2E0.2.7 HELO=a+2Eb", "192.0.2.7", "a.b"),
        ("ADDR=localhost HELO=x", "", "x"),
        ("ADDR=192.0.2.7 HELO=evil+0D+0ASubject:", "192.0.2.7", "unknown"),
        ("NAME=ma+F1ana SOURCE=LOCAL", "", ""),
    ],
)  # fmt: skip
def test_the_client_of_a_front_server(said: str, peer: str, helo: str) -> None:
    assert merge(NOBODY, said) == Forwarded(peer, helo)


def test_several_commands_add_up_and_later_words_count() -> None:
    first = merge(NOBODY, "ADDR=192.0.2.7 HELO=one.example")
    assert first is not None
    assert merge(first, "NAME=x HELO=two.example") == Forwarded("192.0.2.7", "two.example")
    assert merge(first, "ADDR=[UNAVAILABLE]") == Forwarded("", "one.example")


@pytest.mark.parametrize(
    "said",
    ["", "ADDR", "ADDR=", "=192.0.2.7", "ADDR=192.0.2.7 LOGIN=me", "ADDR=a+0", "ADDR=a+zz", "ADDR=ü", f"ADDR={'1' * 300}"],
)  # fmt: skip
def test_what_is_malformed(said: str) -> None:
    assert merge(NOBODY, said) is None
