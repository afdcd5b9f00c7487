"""SPF, DKIM and DMARC against a name server on loopback: who is vouched for, and that nobody can make it slow."""

from collections.abc import Iterator

import pytest

from mailer.message import Envelope
from mailer.wire import dkim
from mailer.wire.dns import Resolver, Unanswered
from mailer.wire.vouch import Voucher
from tests.nameserver import ED, RSA, Nameserver, nameserver, signed

MAIL = b"From: Ana <ana@west.example>\r\nTo: core@here.example\r\nSubject: Money\r\n\r\nRR-2: we agree.\r\n"
PEER, OTHER = "192.0.2.7", "198.51.100.9"


@pytest.fixture
def dns() -> Iterator[Nameserver]:
    with nameserver() as made:
        made.txt("west.example", "v=spf1 ip4:192.0.2.0/24 -all")
        made.txt("_dmarc.west.example", "v=DMARC1; p=reject; rua=mailto:d@west.example")
        made.key(RSA, "west.example")
        made.key(ED, "west.example")
        made.txt("plain.example", "v=spf1 ip4:192.0.2.0/24 -all")
        made.key(RSA, "plain.example")
        yield made


def voucher(dns: Nameserver, **settings: object) -> Voucher:
    return Voucher(Resolver([dns.place]), **settings)  # type: ignore[arg-type]


def sent(peer: str = OTHER, mail_from: str = "ana@west.example", helo: str = "mx.west.example") -> Envelope:
    return Envelope(mail_from, ("core@here.example",), peer, helo)


def test_dkim_vouches_wherever_it_comes_from(dns: Nameserver) -> None:
    for keys in ((RSA,), (ED,), (RSA, ED)):
        found = voucher(dns)(signed(MAIL, "west.example", *keys), sent(), "ana@west.example")
        assert (found.result, found.aligned, found.by, found.policy, found.spf) == (
            "pass",
            True,
            "dkim",
            "reject",
            "fail",
        )
        assert found.dkim == ("pass",) * len(keys)
        assert str(found) == f"DMARC pass by dkim (SPF fail; DKIM {', '.join(found.dkim)}; the domain asks for: reject)"


def test_spf_vouches_for_an_aligned_envelope(dns: Nameserver) -> None:
    found = voucher(dns)(MAIL, sent(PEER), "ana@west.example")
    assert (found.result, found.by) == ("pass", "spf")
    other = voucher(dns)(MAIL, sent(PEER, "x@plain.example"), "ana@west.example")
    assert (other.result, other.spf, other.aligned) == ("fail", "pass", False)


def test_a_forged_sender_fails(dns: Nameserver) -> None:
    found = voucher(dns)(MAIL, sent(), "ana@west.example")
    assert (found.result, found.policy, found.aligned) == ("fail", "reject", False)
    by_another = voucher(dns)(signed(MAIL, "plain.example"), sent(mail_from=""), "ana@west.example")
    assert (by_another.result, by_another.dkim) == ("fail", ("pass",))


@pytest.mark.parametrize(
    "change",
    [
        (b"we agree", b"we do not"),
        (b"Subject: Money", b"Subject: Power"),
        (b"To: core", b"From: eve@evil.example\r\nTo: core"),
        (b"To: core", b"Subject: Other\r\nTo: core"),
    ],
)
def test_a_changed_mail_fails(dns: Nameserver, change: tuple[bytes, bytes]) -> None:
    for key in (RSA, ED):
        found = voucher(dns)(signed(MAIL, "west.example", key).replace(*change), sent(), "ana@west.example")
        assert (found.result, found.dkim) == ("fail", ("fail",))


def test_without_a_policy_the_own_domain_still_counts(dns: Nameserver) -> None:
    mail = MAIL.replace(b"west", b"plain")
    found = voucher(dns)(signed(mail, "plain.example"), sent(), "ana@plain.example")
    assert (found.result, found.aligned, found.by) == ("none", True, "dkim")
    assert voucher(dns)(mail, sent(PEER, "ana@plain.example"), "ana@plain.example").by == "spf"
    nobody = voucher(dns)(mail, sent(OTHER, "ana@plain.example"), "ana@plain.example")
    assert (nobody.result, nobody.aligned) == ("none", False)


def test_mail_through_our_own_front_is_judged_by_signatures_alone(dns: Nameserver) -> None:
    behind = voucher(dns, fronts=("198.51.100.0/24",))
    assert behind(MAIL, sent(), "ana@west.example").result == "none"
    assert behind(MAIL, sent(), "ana@west.example").spf == ""
    assert behind(signed(MAIL, "west.example"), sent(), "ana@west.example").result == "pass"


def test_a_dns_that_is_silent_is_an_error_for_now(dns: Nameserver) -> None:
    quick = voucher(dns, seconds=0.4)
    dns.silent = {"_dmarc.west.example"}
    assert quick(signed(MAIL, "west.example"), sent(), "ana@west.example").result == "temperror"
    dns.silent = {"r1._domainkey.west.example"}
    found = voucher(dns, seconds=0.4)(signed(MAIL, "west.example"), sent(), "ana@west.example")
    assert (found.result, found.dkim) == ("temperror", ("temperror",))
    dns.silent = {"west.example"}
    assert voucher(dns, seconds=0.4)(MAIL, sent(PEER), "ana@west.example").spf == "temperror"


def test_no_server_at_all_is_an_error_for_now() -> None:
    away = Voucher(Resolver(["127.0.0.1:9"]), seconds=0.4)
    assert away(signed(MAIL, "west.example"), sent(), "ana@west.example").result == "temperror"
    with pytest.raises(Unanswered):
        Resolver(["127.0.0.1:9"]).ask("west.example", "TXT", 0.2)


def test_what_a_signature_may_not_do(dns: Nameserver) -> None:
    good = signed(MAIL, "west.example")
    for name, bad in (
        ("length", good.replace(b" t=", b" l=3; t=", 1)),
        ("sha1", good.replace(b"rsa-sha256", b"rsa-sha1", 1)),
        ("twice", good.replace(b"v=1;", b"v=1; v=1;", 1)),
        ("no from", good.replace(b"h=from:from:", b"h=", 1)),
        ("no domain", good.replace(b"d=west.example", b"d=(x)", 1)),
        ("too long", good.replace(b"v=1;", b"v=1; z=" + b"x" * 9000 + b";", 1)),
        ("not tags", b"DKIM-Signature: nonsense\r\n" + MAIL),
    ):
        (found,) = dkim.check(bad, Resolver([dns.place]).ask)
        assert found.result in ("permerror", "fail"), name


def test_keys_that_are_none(dns: Nameserver) -> None:
    for n, record in enumerate(("v=DKIM1; p=", "v=DKIM1; p=AAAA", "p=" + "A" * 4000, "v=DKIM1; k=ed25519; p=AAAA", "x", "v=DKIM2; p=AA")):  # fmt: skip
        dns.txt(f"r1._domainkey.bad{n}.example", record)
        (found,) = dkim.check(signed(MAIL, f"bad{n}.example"), Resolver([dns.place]).ask)
        assert found.result in ("permerror", "fail"), record


def test_heads_that_are_none(dns: Nameserver) -> None:
    ask = Resolver([dns.place]).ask
    assert dkim.check(b"", ask) == ()
    assert dkim.check(b" continued\r\n\r\nx", ask) == ()
    assert dkim.check(MAIL, ask) == ()
    assert dkim.check(b"X: " + b"y" * 200_000 + b"\r\n\r\nx", ask)[0].result == "permerror"
    assert dkim.check(b"X: y\r\n" * 3_000 + b"\r\nx", ask)[0].result == "permerror"
    many = b"".join(b"DKIM-Signature: v=1\r\n" for _ in range(100)) + MAIL
    assert len(dkim.check(many, ask)) == dkim.MAX_SIGNATURES


def test_a_body_cannot_make_it_slow(dns: Nameserver) -> None:
    """Each of these takes dkimpy by itself minutes or hundreds of megabytes; here they go with the file's time limit."""
    ask = Resolver([dns.place]).ask
    head = MAIL.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
    for body in ((b" " * 60_000 + b"x\r\n") * 40, b"\r\n" * 1_000_000 + b"x\r\n", b"\t x \r\n" * 200_000):
        mail = signed(head + body, "west.example")
        assert [one.result for one in dkim.check(mail, ask)] == ["pass"]
        simple = mail.replace(b"c=relaxed/relaxed", b"c=relaxed/simple", 1)
        assert [one.result for one in dkim.check(simple, ask)] == ["fail"]


def test_texts_of_the_dns_are_taken_as_they_are(dns: Nameserver) -> None:
    dns.zone[("odd.example", "TXT")] = ['"v=spf1 " "ip4:192.0.2.7" " -all"']
    assert Resolver([dns.place]).ask("odd.example", "TXT") == ("v=spf1 ip4:192.0.2.7 -all",)
    dns.zone[("m.example", "MX")] = ["20 b.example.", "10 a.example."]
    assert Resolver([dns.place]).ask("m.example", "MX") == ("a.example", "b.example")
    assert Resolver([dns.place]).ask("nothing.example", "TXT") == ()
    assert Resolver([dns.place]).ask("a..b", "TXT") == ()
    assert Resolver([dns.place]).ask("bücher.example", "TXT") == ()
    assert ("xn--bcher-kva.example", "TXT") in dns.asked


def test_spf_records_that_lead_nowhere_end(dns: Nameserver) -> None:
    dns.txt("loop.example", "v=spf1 include:loop.example -all")
    dns.txt("void.example", "v=spf1 a:n1.example a:n2.example a:n3.example a:n4.example -all")
    dns.txt("two.example", "v=spf1 -all")
    dns.txt("two.example", "v=spf1 +all")
    for domain in ("loop.example", "void.example", "two.example"):
        found = voucher(dns)(MAIL, sent(PEER, f"x@{domain}"), "ana@west.example")
        assert found.spf == "permerror", domain
    assert len(dns.asked) < 40


@pytest.mark.parametrize("server", ["127.0.0.1:x", "127.0.0.1:99999", "not an address"])
def test_a_wrong_server_is_refused(server: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Resolver([server])
