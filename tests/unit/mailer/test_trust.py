"""Results of trusted servers (RFC 8601) and the DMARC decision (RFC 9989)."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.message import Message
from mailer.trust import authentication_results, claims_failure, dmarc, domain_of, front_says, parse_results, published
from tests.letters import letter

ZONE: Mapping[str, tuple[str, ...]] = {
    "_dmarc.north.example": ("v=DMARC1; p=reject; sp=quarantine",),
    "_dmarc.strict.example": ("v=DMARC1; p=reject; aspf=s; adkim=s",),
    "_dmarc.two.example": ("v=DMARC1; p=none", "v=DMARC1; p=reject"),
    "_dmarc.test.example": ("v=DMARC1; p=reject; t=y",),
}


def lookup(name: str) -> tuple[str, ...]:
    if "broken" in name:
        raise OSError("no answer")
    return ZONE.get(name, ())


def with_results(values: tuple[str, ...]) -> Message:
    return replace(letter(), headers=tuple(("authentication-results", value) for value in values))


def test_results_are_read() -> None:
    server, results = parse_results(
        "mx.digest.example 1; spf=pass (ok (really)) smtp.mailfrom=kim@north.example; "
        "dkim=pass header.d=north.example; "
        'dmarc=fail (p=reject) header.from="north.example"'
    )
    assert server == "mx.digest.example"
    assert [(r.method, r.result) for r in results] == [("spf", "pass"), ("dkim", "pass"), ("dmarc", "fail")]
    assert results[0].property("smtp.mailfrom") == "kim@north.example"
    assert results[2].property("header.from") == "north.example"


def test_only_trusted_servers_and_only_their_topmost_header_count() -> None:
    message = with_results(
        ("mx.evil.example; dmarc=pass", "MX.digest.example; dmarc=fail", "mx.digest.example; dmarc=pass")
    )
    found = authentication_results(message, ["mx.digest.example"])
    assert [(r.server, r.result) for r in found] == [("mx.digest.example", "fail")]
    assert authentication_results(message, []) == ()


def test_a_claim_of_failure_is_believed_from_anybody() -> None:
    assert claims_failure(with_results(("anybody.example; dmarc=fail",)))
    assert not claims_failure(with_results(("anybody.example; dmarc=pass",)))
    assert claims_failure(with_results(("anybody.example; spf=fail; dkim=none",)))
    assert claims_failure(letter(headers={"Received-SPF": "Fail (not allowed)"}))
    assert not claims_failure(with_results(("anybody.example; spf=fail; dkim=pass",)))
    assert not claims_failure(with_results(("anybody.example; spf=fail; dkim=none; dmarc=pass",)))
    assert not claims_failure(letter())


@pytest.mark.parametrize("value", ["", ";", "none", "a b c d; spf=pass", "x; ====", "(" * 500])
def test_unreadable_results(value: str) -> None:
    assert parse_results(value)[1] == ()


@pytest.mark.parametrize(
    ("address", "spf", "dkim", "result", "policy"),
    [
        ("kim@north.example", ("pass", "north.example"), [], "pass", "reject"),
        ("kim@north.example", ("pass", "mail.north.example"), [], "pass", "reject"),
        ("kim@north.example", ("pass", "evil.example"), [], "fail", "reject"),
        ("kim@north.example", ("fail", "north.example"), [("pass", "north.example")], "pass", "reject"),
        ("kim@sub.north.example", ("none", ""), [], "fail", "quarantine"),
        ("kim@strict.example", ("pass", "mail.strict.example"), [], "fail", "reject"),
        ("kim@strict.example", ("pass", "strict.example"), [], "pass", "reject"),
        ("kim@test.example", ("none", ""), [], "fail", "quarantine"),
        ("kim@nothing.example", ("pass", "nothing.example"), [], "none", "none"),
        ("kim@two.example", ("none", ""), [], "none", "none"),
        ("kim@broken.example", ("pass", "broken.example"), [], "temperror", "none"),
        ("no address", ("pass", "x.example"), [], "permerror", "none"),
    ],
)
def test_dmarc(address: str, spf: tuple[str, str], dkim: list[tuple[str, str]], result: str, policy: str) -> None:
    found = dmarc(address, spf, dkim, lookup)
    assert (found.result, found.policy) == (result, policy)


def test_the_walk_asks_at_most_eight_times() -> None:
    asked: list[str] = []

    def counting(name: str) -> tuple[str, ...]:
        asked.append(name)
        return ()

    domain = ".".join("abcdefghijklmnop") + ".example"
    assert published(domain, counting).place == ""
    assert len(asked) == 8
    assert asked[0] == f"_dmarc.{domain}"
    assert asked[1] == "_dmarc.k.l.m.n.o.p.example"


@pytest.mark.parametrize(
    ("domain", "organisation", "place"),
    [
        ("a.b.north.example", "north.example", "north.example"),
        ("two.north.example", "north.example", "north.example"),
        ("deep.own.north.example", "north.example", "north.example"),
        ("own.north.example", "north.example", "own.north.example"),
        ("x.alone.north.example", "alone.north.example", "alone.north.example"),
        ("shop.suffix.example", "shop.suffix.example", "suffix.example"),
        ("mail.shop.suffix.example", "shop.suffix.example", "suffix.example"),
        ("suffix.example", "suffix.example", "suffix.example"),
        ("nonsense.example", "nonsense.example", ""),
        ("reports.example", "reports.example", "reports.example"),
        ("older.example", "older.example", ""),
    ],
)
def test_whose_record_applies(domain: str, organisation: str, place: str) -> None:
    zone = {
        **ZONE,
        "_dmarc.own.north.example": ("v=DMARC1; p=none",),
        "_dmarc.alone.north.example": (" v = DMARC1 ; psd=n; p=none",),
        "_dmarc.suffix.example": ("v=DMARC1; psd=y; p=reject",),
        "_dmarc.nonsense.example": ("v=DMARC1; p=perhaps",),
        "_dmarc.reports.example": ("v=DMARC1; p=perhaps; rua=mailto:a@reports.example",),
        "_dmarc.older.example": ("v=DMARC10; p=reject", "something else"),
    }
    found = published(domain, lambda name: zone.get(name, ()))
    assert (found.organisation, found.place) == (organisation, place)


def test_nothing_is_asked_about_a_domain_that_cannot_be_aligned() -> None:
    asked: list[str] = []

    def counting(name: str) -> tuple[str, ...]:
        asked.append(name)
        return ZONE.get(name, ())

    assert (
        dmarc("kim@north.example", ("pass", "slow.evil.example"), [("pass", "evil.example")], counting).result == "fail"
    )
    assert not [name for name in asked if "evil" in name]


def test_domains() -> None:
    assert domain_of("Kim@North.Example") == "north.example"
    assert domain_of("пётр@почта.example") == "xn--80a1acny.example"
    assert domain_of("kim@straße.example") == "xn--strae-oqa.example"
    assert domain_of("kim") == ""
    assert domain_of("kim@a b") == ""


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=500))
def test_anything_can_be_parsed(value: str) -> None:
    parse_results(value)
    assert dmarc(value, ("pass", value), [("pass", value)], lookup).result in {
        "none",
        "pass",
        "fail",
        "permerror",
        "temperror",
    }


@pytest.mark.parametrize(
    ("written", "policy"),
    [
        ("dmarc=fail (p=none dis=none) header.from=north.example", "none"),
        ("dmarc=fail (p=NONE sp=QUARANTINE dis=NONE) header.from=north.example", "none"),
        ("dmarc=fail reason=x header.from=north.example (policy=reject)", "reject"),
        ("dmarc=fail policy.dmarc=quarantine header.from=north.example", "quarantine"),
        ("dmarc=fail (perhaps p=none) header.from=north.example", ""),
    ],
)
def test_what_the_domain_asks_for_is_read_from_a_comment_too(written, policy):
    message = letter(headers={"Authentication-Results": f"mx.here.example; {written}"})
    said = front_says(message, ("mx.here.example",))
    assert (said.result, said.policy) == ("fail", policy)
