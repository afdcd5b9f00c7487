"""mailer.token: property 9 of the data model, K1 to K4."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.token import MAX_ITEM, MAX_TAG, Keyring, Purpose, Token

TAGS = st.integers(0, MAX_TAG)
ITEMS = st.integers(0, MAX_ITEM)
RING = Keyring({0: b"a" * 32, 3: b"b" * 32}, "core", "tidings.example.org")
MINTED = (Purpose.REPLY, Purpose.BOUNCE, Purpose.LEAVE, Purpose.RELAY)


@given(st.sampled_from(MINTED), TAGS, TAGS, ITEMS, st.randoms(use_true_random=False))
def test_any_case_reads_back(purpose, mailing, person, item, random):
    local = f"{purpose}+{RING.token(purpose, mailing, person, item)}"
    assert len(local) <= 42
    mixed = "".join(random.choice((c.lower(), c.upper())) for c in local)
    assert RING.read(mixed) == Token(purpose, mailing, person, item, 3)


@given(TAGS, TAGS, ITEMS, st.integers(0, 34), st.sampled_from("0123456789abcdefghjkmnpqrstvwxyzilouéß+ "))
def test_one_changed_character_is_refused(mailing, person, item, at, char):
    token = RING.token(Purpose.REPLY, mailing, person, item)
    if token[at] == char:
        return
    assert RING.read(f"reply+{token[:at]}{char}{token[at + 1 :]}") is None


def test_other_purpose_other_process_other_secret_are_refused():
    token = RING.token(Purpose.REPLY, 1, 2, 3)
    for purpose in Purpose:
        if purpose is not Purpose.REPLY:
            assert RING.read_token(purpose, token) is None
    assert Keyring({0: b"a" * 32, 3: b"b" * 32}, "other", "x.example").read(f"reply+{token}") is None
    assert Keyring({3: b"c" * 32}, "core", "x.example").read(f"reply+{token}") is None


@pytest.mark.parametrize(
    "local", ["", "reply", "reply+", "reply+" + "0" * 35, "id+" + "0" * 35, "ana+reply", "reply+" + "ſ" * 35]
)
def test_what_is_no_token_reads_as_none(local):
    assert RING.read(local) is None


def test_rotation_and_retirement():
    old = Keyring({0: b"a" * 32}, "core", "tidings.example.org")
    address = old.reply_address(9, 8, 7)
    local = address.partition("@")[0]
    assert RING.read(local) == Token(Purpose.REPLY, 9, 8, 7, 0)
    assert RING.reply_address(9, 8, 7, key=0) == address
    retired = Keyring(
        {0: b"a" * 32, 1: b"b" * 32}, "core", "tidings.example.org", {Purpose.BOUNCE: [0], Purpose.REPLY: [0]}
    )
    assert retired.read(local) is None
    assert retired.read(f"leave+{old.leave_token(9, 8)}") is not None
    with pytest.raises(ValueError, match="retired"):
        retired.bounce_address(9, 8, key=0)


def test_names_survive_a_rotation():
    old = Keyring({0: b"a" * 32}, "core", "tidings.example.org")
    assert old.message_id(5, 6) == RING.message_id(5, 6)
    assert old.mailing_tag("edition:core:2019-03-18T09:00") == RING.mailing_tag("edition:core:2019-03-18T09:00")
    assert RING.mailing_tag("x") != RING.mailing_tag("x", 1)
    assert 0 <= RING.mailing_tag("x") <= MAX_TAG


def test_message_id_reads_back_only_on_our_domain():
    found = RING.read_message_id(f" {RING.message_id(5, 6, 7).upper()} ")
    assert found == Token(Purpose.ID, 5, 6, 7, 0)
    assert RING.read_message_id(RING.message_id(5, 6).replace("tidings.", "evil.")) is None
    assert RING.read_message_id("<nothing@example.org>") is None


def test_batch_equals_one_by_one():
    items = [0, 5, 1023]
    assert RING.reply_addresses(1, 2, items) == [RING.reply_address(1, 2, item) for item in items]


@pytest.mark.parametrize(
    ("mailing", "person", "item"), [(-1, 0, 0), (MAX_TAG + 1, 0, 0), (0, MAX_TAG + 1, 0), (0, 0, 1024), (0, 0, -1)]
)
def test_numbers_that_do_not_fit_are_refused(mailing, person, item):
    with pytest.raises(ValueError, match=r"40 bits|not between"):
        RING.token(Purpose.REPLY, mailing, person, item)


@pytest.mark.parametrize("secrets", [{}, {0: b"short"}, {32: b"a" * 32}])
def test_bad_secrets_are_refused(secrets):
    with pytest.raises(ValueError, match=r"secret|key number"):
        Keyring(secrets, "core", "example.org")
