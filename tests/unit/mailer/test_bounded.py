"""Texts on which a careless pattern would never come back. There is no clock in here: a fault shows by not ending."""

from datetime import date

import pytest

from mailer.when import dates_in
from mailer.wish import read_wish, wants_to_join

TODAY = date(2019, 3, 20)


@pytest.mark.parametrize("letter", ["ก", "क", "का", "กำ", "é", "e\u0301", "а", "א", "日"])
@pytest.mark.parametrize("before", ["", "12 ", "12 de "])
def test_a_run_of_letters_is_no_riddle(letter: str, before: str) -> None:
    assert dates_in(before + letter * 2_000, ("th", "hi"), TODAY) == []
    assert read_wish(before + letter * 200, TODAY) is None
    assert not wants_to_join(before + letter * 200)


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("Could I get the digest once a month instead of every week, please?", "monthly"),
        ("5月15日まで停止してください", "pause"),
        ("Please send me the digest in French", "language"),
        ("Please send me the digest at 9h", "hour"),
        ("We discussed whether the digest should be monthly in our general assembly", ""),
        ("ชุมชนของเราเห็นด้วยกับข้อเสนอนี้", ""),
    ],
)
def test_the_cheap_look_lets_wishes_through(text: str, command: str) -> None:
    read = read_wish(text, TODAY)
    assert (read.name if read else "") == command
