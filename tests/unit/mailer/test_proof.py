"""What a careful colleague sees in a text before it is mailed."""

import pytest

from mailer.markdown import links
from mailer.proof import doubts


@pytest.mark.parametrize(
    ("body", "what"),
    [
        ("We meet on [date].", "placeholder"),
        ("We meet on {{ date }}.", "placeholder"),
        ("Wir treffen uns am [Datum].", "placeholder"),
        ("نلتقي يوم [التاريخ].", "placeholder"),
        ("[日付]に集まります。", "placeholder"),
        ("Nos vemos el [FECHA].", "placeholder"),
        ("From XX:XX UTC.", "placeholder"),
        ("See [the page]().", "link-to-nowhere"),
        ("See [the page](wiki/Strategy).", "link-to-nowhere"),
        ("See [the page](#notes).", "link-to-nowhere"),
        ("See https://example.com/page", "placeholder"),
        ("Room: TBD", "placeholder"),
        ("Dear %NAME%,", "placeholder"),
        ("![](https://a.example/b.png)", "image-without-words"),
        ("We meet at 18:00.", "hour-without-zone"),
        ("We meet at 6 pm on Monday.", "hour-without-zone"),
        ("We meet on 28 March 2019 at 18:00.", "hour-without-zone"),
        ("We meet on 2019-03-28 at 6 pm.", "hour-without-zone"),
        ("Wir treffen uns um 18.30 Uhr.", "hour-without-zone"),
        ("Wir treffen uns um 18 Uhr.", "hour-without-zone"),
        ("木曜日の18時に集まります。", "hour-without-zone"),
        ("نلتقي الساعة 18:00.", "hour-without-zone"),
        ("UTC is named far away.\n\nWe meet at 18:00.", "hour-without-zone"),
    ],
)
def test_a_doubt(body: str, what: str) -> None:
    assert [one.what for one in doubts("Title", body)] == [what]


@pytest.mark.parametrize(
    "body",
    [
        "We meet at 18:00 UTC.",
        "We meet at 18:00 (Europe/Berlin).",
        "We meet at 20:00 CEST.",
        "We meet at 18:00 Berlin time.",
        "We meet on 28 March at 6 p.m. New York time.",
        "2019-03-28T18:00+01:00",
        "2019-03-28T18:00-05:00",
        "We meet at 6 pm EST.",
        "نلتقي الساعة 18:00 بالتوقيت العالمي.",
        "ניפגש ב-18:00 שעון ירושלים.",
        "Мы встречаемся в 18:00 по московскому времени.",
        "日本時間の18時に集まります。",
        "会议于北京时间18:00开始。",
        "Nos vemos a las 18:00 (hora de Bogotá).",
        "Wir treffen uns um 18 Uhr Berliner Zeit.",
        "18時間かかります。",
        "We meet at 18:00 UTC+2 or 20:00.",
        "The vote was 12:3, in section 4:5.",
        "[The date](https://a.example) is known.",
        "![A map of the region](https://a.example/b.png)",
        "On 12 March.",
        "Write to [us](mailto:core@a.example), see <https://a.example>.",
        "In the XX. century [1] they said [sic] so.",
    ],
)
def test_no_doubt(body: str) -> None:
    assert doubts("Title", body) == []


def test_a_long_subject_counts_columns() -> None:
    assert not doubts("x" * 60, "y")
    assert [one.what for one in doubts("x" * 61, "y")] == ["subject-too-long"]
    assert [one.what for one in doubts("字" * 31, "y")] == ["subject-too-long"]


def test_links_of_a_text() -> None:
    body = "[a](https://a.example) https://b.example/x. [mail](mailto:x@y.example) ![p](https://c.example/p.png) https://b.example/x"
    assert links(body) == ("https://a.example", "https://b.example/x", "https://c.example/p.png")
