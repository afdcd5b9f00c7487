"""mailer.zone: what the DNS says of our domains, in words, against a DNS of the test's own."""

from collections.abc import Callable

import pytest

from mailer import zone
from mailer.zone import Finding

HERE = "here.example"


def dns(**records: object) -> Callable[[str, str], tuple[str, ...]]:
    """A DNS from `TYPE__name`-less pairs: a mapping of (name, type) to values; OSError as a value is raised."""
    known = records["of"]
    assert isinstance(known, dict)

    def ask(name: str, kind: str) -> tuple[str, ...]:
        found = known.get((name, kind), ())
        if isinstance(found, OSError):
            raise found
        return tuple(found)

    return ask


def levels(found: list[Finding]) -> list[str]:
    return [one.level for one in found]


SILENT = OSError("timed out")


def test_a_key_record() -> None:
    name = ("s._domainkey.here.example", "TXT")
    ours = "v=DKIM1; k=rsa; p=AAAA"
    assert zone.key_record(HERE, "s", ours, dns(of={name: ["v=DKIM1;k=rsa; p=AA AA"]})).level == "ok"
    for there in ([], ["v=DKIM1; p=BBBB"], [ours, ours], SILENT):
        found = zone.key_record(HERE, "s", ours, dns(of={name: there}))
        assert found.level == "fault"
        assert found.do
    assert ours in zone.key_record(HERE, "s", ours, dns(of={})).do


@pytest.mark.parametrize(
    ("record", "wanted"),
    [
        ("v=spf1 ip4:192.0.2.7 -all", ["ok"]),
        ("v=spf1 include:other.example ~all", ["ok"]),
        ("v=spf1 redirect=other.example", ["ok"]),
        ("v=spf1 ip4:192.0.2.7", ["note"]),
        ("v=spf1 ?all", ["note"]),
        ("v=spf1 +all", ["fault"]),
        ("v=spf1 ptr -all", ["ok", "note"]),
        ("v=spf1 " + " ".join(f"include:i{n}.example" for n in range(11)) + " -all", ["ok", "fault"]),
        ("v=spf1 " + " ".join(f"a:i{n}.example" for n in range(10)) + " -all", ["ok"]),
    ],
)
def test_spf_records(record: str, wanted: list[str]) -> None:
    ask = dns(of={(HERE, "TXT"): ["other text", record], ("other.example", "TXT"): ["v=spf1 -all"]})
    assert levels(zone.spf(HERE, [], lambda _: "pass", ask)) == wanted


def test_spf_of_those_who_send() -> None:
    ask = dns(of={(HERE, "TXT"): ["v=spf1 ip4:192.0.2.7 -all"]})
    found = zone.spf(HERE, ["192.0.2.7", "2001:db8::1"], lambda one: "pass" if "." in one else "fail", ask)
    assert levels(found) == ["ok", "ok", "fault"]
    assert "ip6:2001:db8::1" in found[-1].do


def test_spf_missing_doubled_or_unanswered() -> None:
    (none,) = zone.spf(HERE, ["192.0.2.7"], lambda _: "none", dns(of={}))
    assert (none.level, 'v=spf1 ip4:192.0.2.7 -all"' in none.do) == ("fault", True)
    twice = dns(of={(HERE, "TXT"): ["v=spf1 -all", "v=spf1 ~all"]})
    assert levels(zone.spf(HERE, [], lambda _: "none", twice)) == ["fault"]
    (silent,) = zone.spf(HERE, [], lambda _: "none", dns(of={(HERE, "TXT"): SILENT}))
    assert "does not answer" in silent.says


def test_an_spf_record_that_includes_itself_ends() -> None:
    ask = dns(of={(HERE, "TXT"): [f"v=spf1 include:{HERE} -all"]})
    assert levels(zone.spf(HERE, [], lambda _: "none", ask)) == ["ok"]


@pytest.mark.parametrize(
    ("there", "says"),
    [
        ("v=DKIM1; k=rsa; p=", "taken back"),
        ("k=rsa; v=DKIM1; p=AAAA", "begins with v=DKIM1"),
        ("v=DKIM1; k=ed25519; p=AAAA", "says k=ed25519, our key is rsa"),
        ("v=DKIM1; h=sha1; p=AAAA", "allows h=sha1 alone"),
        ("v=DKIM1; s=tlsrpt; p=AAAA", "not for email"),
        ("v=DKIM1; h=sha1:sha256; s=email:x; p=AAAA", "has our key"),
        ("v=DKIM1; t=y:s; p=AAAA", "only a trial"),
    ],
)
def test_a_key_record_that_no_receiver_can_use(there: str, says: str) -> None:
    name = f"s._domainkey.{HERE}"
    found = zone.key_record(HERE, "s", "v=DKIM1; k=rsa; p=AAAA", dns(of={(name, "TXT"): [there]}))
    assert says in found.says
    assert found.ok is (says in ("has our key", "only a trial"))


@pytest.mark.parametrize("record", ["v=DMARC1; p=rejct", "p=reject; v=DMARC1", "v=DMARC1; rua=mailto:a@here.example"])
def test_a_policy_that_no_receiver_can_read(record: str) -> None:
    (found,) = zone.dmarc(HERE, dns(of={(f"_dmarc.{HERE}", "TXT"): [record]}))
    assert found.level == "fault"
    assert "publishes no policy" not in found.says


def test_an_spf_record_with_a_fault_is_not_mended_by_an_address_more() -> None:
    found = zone.spf(
        HERE, ["192.0.2.1"], lambda _: "permerror", dns(of={(HERE, "TXT"): ["v=spf1 ipv4:192.0.2.1 -all"]})
    )[-1]
    assert (found.level, "mend what is misspelt" in found.do) == ("fault", True)


def test_dmarc() -> None:
    place = (f"_dmarc.{HERE}", "TXT")
    (none,) = zone.dmarc(HERE, dns(of={}))
    assert (none.level, "v=DMARC1; p=none" in none.do) == ("fault", True)
    assert levels(zone.dmarc(HERE, dns(of={place: ["v=DMARC1; p=reject; rua=mailto:a@here.example"]}))) == ["ok"]
    assert levels(zone.dmarc(HERE, dns(of={place: ["v=DMARC1; p=none; rua=mailto:a@here.example"]}))) == ["note"]
    assert levels(zone.dmarc(HERE, dns(of={place: ["v=DMARC1; p=reject"]}))) == ["ok", "note"]
    assert levels(zone.dmarc(HERE, dns(of={place: ["v=DMARC1; p=reject", "v=DMARC1; p=none"]}))) == ["fault"]
    old = zone.dmarc(HERE, dns(of={place: ["v=DMARC1; p=reject; pct=50; rua=mailto:a@here.example"]}))
    assert "remove pct" in old[1].do
    assert levels(zone.dmarc(HERE, dns(of={place: SILENT}))) == ["fault"]


def test_dmarc_of_the_organisation_counts() -> None:
    record = "v=DMARC1; p=none; sp=reject; rua=mailto:a@here.example"
    (found,) = zone.dmarc("en.here.example", dns(of={(f"_dmarc.{HERE}", "TXT"): [record]}))
    assert (found.level, found.says) == ("ok", "_dmarc.here.example asks for reject")


def test_reports_to_others_need_their_word() -> None:
    record = {(f"_dmarc.{HERE}", "TXT"): ["v=DMARC1; p=reject; rua=mailto:a@other.example!10m"]}
    found = zone.dmarc(HERE, dns(of=record))
    assert "here.example._report._dmarc.other.example" in found[1].do
    agreed = {(f"{HERE}._report._dmarc.other.example", "TXT"): ["v=DMARC1"]}
    assert levels(zone.dmarc(HERE, dns(of=record | agreed))) == ["ok"]


def test_mx() -> None:
    good = {(HERE, "MX"): ["mx.here.example"], ("mx.here.example", "AAAA"): ["2001:db8::1"]}
    assert levels(zone.mx(HERE, "mx.here.example", dns(of=good))) == ["ok"]
    for bad in ({}, {(HERE, "MX"): ["."]}, {(HERE, "MX"): ["gone.example"]}, {(HERE, "MX"): SILENT}):
        (found,) = zone.mx(HERE, "mx.here.example", dns(of=bad))
        assert found.level == "fault"
        assert found.do


def test_names_lead_back() -> None:
    pointer = ("7.2.0.192.in-addr.arpa", "PTR")
    both = {pointer: ["mx.here.example"], ("mx.here.example", "A"): ["192.0.2.7"]}
    assert zone.reverse("192.0.2.7", "mx.here.example", dns(of=both)).level == "ok"
    assert zone.reverse("192.0.2.7", "other.example", dns(of=both)).level == "note"
    assert zone.reverse("192.0.2.7", "mx.here.example", dns(of={pointer: ["mx.here.example"]})).level == "fault"
    assert pointer[0] in zone.reverse("192.0.2.7", "mx.here.example", dns(of={})).do
    six = {(("0." * 30)[:0] + "1." + "0." * 23 + "8.b.d.0.1.0.0.2.ip6.arpa", "PTR"): ["x"]}
    assert zone.reverse("2001:db8::1", "x", dns(of=six | {("x", "AAAA"): ["2001:0db8:0::1"]})).level == "ok"


def test_the_name_we_greet_with() -> None:
    assert zone.hello("mx.here.example", dns(of={("mx.here.example", "A"): ["192.0.2.7"]})).level == "ok"
    for name in ("localhost", "host.local", "gone.example", ""):
        assert zone.hello(name, dns(of={})).level == "fault"
