"""What is made unreadable, and what must stay readable."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.mask import EMAIL, LINK, PHONE, PLACE, SECRET, mask


@pytest.mark.parametrize(
    ("text", "mark", "secret"),
    [
        ("write to ana.reyes@west.example please", EMAIL, "ana.reyes"),
        ("mailto:ana@west.example", EMAIL, "ana@"),
        ("ana (at) west (dot) example", EMAIL, "west"),
        ("пишите: пётр@почта.example", EMAIL, "почта"),
        ("call +44 20 7946 0958", PHONE, "7946"),
        ("Tel.: 030 1234567", PHONE, "1234567"),
        ("mobile 07700 900123", PHONE, "900123"),
        ("هاتف: 0020 100 123 4567", PHONE, "4567"),
        ("電話：03-1234-5678", PHONE, "5678"),
        ("I live at 12 Garden Street, Leeds", PLACE, "Garden"),
        ("Hauptstraße 5, 10115 Berlin", PLACE, "Hauptstraße"),
        ("12 rue des Lilas, 75011 Paris", PLACE, "Lilas"),
        ("Calle Mayor 14, Madrid", PLACE, "Mayor"),
        ("P.O. Box 4411, Accra", PLACE, "4411"),
        ("〒100-0001 東京都千代田区千代田1-1", PLACE, "千代田"),
        ("reply+k3m9x2q7wdab@digest.example", SECRET, "k3m9"),
        ("https://digest.example/unsubscribe/9fK2mQ8sLwPz", LINK, "9fK2"),
        ("see https://x.example/a?token=abcdef123456", LINK, "abcdef"),
        ("https://docs.google.com/document/d/1AbCdEf", LINK, "1AbC"),
    ],
)
def test_masked(text: str, mark: str, secret: str) -> None:
    found = mask(text)
    assert mark in found
    assert secret not in found


@pytest.mark.parametrize(
    "text",
    [
        "grant decisions under £5,000 should be local",
        "from 2018-2020 and again in 2026-11-03",
        "RR-2 and S-1042 and recommendation 5",
        "see https://meta.wikimedia.example/wiki/Strategy/2030",
        "1,234,567 edits by 12 000 people, 45 %",
        "at 10:30 on 12.11.2026",
        "version 3.11.7 of the draft",
        "we met at the library, 14 people came",
        "rue the day",
    ],
)
def test_kept(text: str) -> None:
    assert mask(text) == text


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("電話は090-1234-5678です。", f"電話は{PHONE}です。"),
        ("TEL 03-1234-5678まで", f"TEL {PHONE}まで"),
        ("我的手机13812345678，谢谢", f"我的手机{PHONE}，谢谢"),
        ("전화는 010-1234-5678입니다", f"전화는 {PHONE}입니다"),
        ("โทร 081-234-5678ครับ", f"โทร {PHONE}ครับ"),
        ("2019年3月27日に12345人が参加、予算は1,250,000円", "2019年3月27日に12345人が参加、予算は1,250,000円"),
        ("2019-2020年度の第3項", "2019-2020年度の第3項"),
    ],
)
def test_numbers_beside_letters_of_unspaced_scripts(text: str, masked: str) -> None:
    assert mask(text) == masked


def test_own_addresses_may_stay() -> None:
    text = "write to input@digest.example or ana@west.example"
    assert mask(text, ["input@digest.example"]) == f"write to input@digest.example or {EMAIL}"


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=600))
def test_anything_can_be_masked_twice(text: str) -> None:
    assert mask(mask(text)) == mask(text)


def test_long_lines_are_masked_as_short_ones() -> None:
    text = "words " * 500 + "Rua das Flores 12, Lisboa"
    assert "Flores" not in mask(text)


TABLE = tomllib.loads((Path(__file__).parents[2] / "mail" / "personal.toml").read_text("utf-8"))
SECRETS = [
    (text, marks)
    for name, marks in (("phones", (PHONE,)), ("addresses", (EMAIL,)), ("places", (PLACE,)), ("links", (LINK, SECRET)))
    for text in TABLE[name]
]


@pytest.mark.parametrize(("text", "marks"), SECRETS)
def test_personal_data_of_many_countries(text: str, marks: tuple[str, ...]) -> None:
    found = mask(f"You can reach us: {text} any time")
    assert any(mark in found for mark in marks)


@pytest.mark.parametrize("text", TABLE["public"])
def test_public_numbers_and_links_stay(text: str) -> None:
    assert mask(text) == text


def test_a_postal_address_ends_with_its_sentence_and_a_whole_word() -> None:
    text = "We meet at 12 Station Street, Melbourne VIC 3000. My page is about everything else that we do."
    assert mask(text) == "We meet at [postal address]. My page is about everything else that we do."
    assert mask("12 Station Street " + "x" * 30 + " " + "y" * 40).endswith("y" * 40)
