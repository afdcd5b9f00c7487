"""mailer.words: dates by CLDR, honest zones, languages and gaps."""

import io
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import write_po
from hypothesis import given
from hypothesis import strategies as st

from mailer import words
from mailer.content import Precision, When

EVENING = datetime(2020, 10, 23, 19, 0, tzinfo=UTC)
MOMENTS = st.integers(1514764800, 1893456000).map(lambda s: datetime.fromtimestamp(s, UTC))


def test_moment_in_two_zones():
    assert words.moment(EVENING, "Europe/Berlin", "en") == "Friday 23 October 2020, 21:00 (19:00 UTC)"
    assert words.moment(EVENING, "UTC", "en") == "Friday 23 October 2020, 19:00 UTC"


def test_another_day_in_utc_is_said():
    late = datetime(2020, 10, 23, 22, 30, tzinfo=UTC)
    assert words.moment(late, "Asia/Kolkata", "en") == "Saturday 24 October 2020, 04:00 (23 October, 22:30 UTC)"


def test_stretches():
    end = datetime(2020, 10, 23, 20, 30, tzinfo=UTC)
    assert words.stretch(EVENING, end, "Europe/Berlin", "en") == "Friday 23 October 2020, 21:00–22:30 (19:00–20:30 UTC)"
    assert words.stretch(EVENING, end, "Asia/Tokyo", "en").endswith("04:00–05:30 (23 October, 19:00–20:30 UTC)")
    two_days = words.stretch(EVENING, datetime(2020, 10, 24, 20, 30, tzinfo=UTC), "UTC", "en")
    assert two_days == "Friday 23 October 2020, 19:00 UTC – Saturday 24 October 2020, 20:30 UTC"


@pytest.mark.parametrize("lang", words.LANGUAGES)
def test_every_language_words_every_kind_of_date(lang):
    text = words.moment(EVENING, "Africa/Nairobi", lang)
    assert "2020" in text
    assert "22:00" in text
    assert "19:00 UTC" in text
    assert "{" not in text
    assert "2020" in words.month(date(2020, 3, 1), lang)
    assert "Africa/Nairobi" in words.zone_name("Africa/Nairobi", lang)


@given(
    MOMENTS,
    st.sampled_from(["Asia/Kathmandu", "America/Sao_Paulo", "Pacific/Apia", "Europe/Paris"]),
    st.sampled_from(words.LANGUAGES),
)
def test_the_local_time_is_the_zones(at, zone, lang):
    local = at.astimezone(ZoneInfo(zone))
    text = words.moment(at, zone, lang)
    assert f"{local:%H:%M}" in text
    assert f"{at:%H:%M} UTC" in text


def test_days_are_as_exact_as_known():
    assert words.days(When(date(2020, 3, 1), None, Precision.MONTH), "en") == "March 2020"
    assert words.days(When(date(2020, 3, 1), date(2020, 4, 1), Precision.MONTH), "en") == "March 2020 – April 2020"
    assert words.days(When(date(2019, 9, 20), date(2019, 9, 20)), "en") == "Friday 20 September 2019"
    assert words.days(When(date(2019, 9, 20), date(2019, 9, 22)), "fr") == (
        "vendredi 20 septembre 2019 – dimanche 22 septembre 2019"
    )


def test_zone_table_fills_what_a_letter_asks_for():
    key = words.local_key(When(EVENING, None, Precision.TIME))
    table = words.zone_table(["reply:1", "zone", f"local:{key}"], "Europe/Berlin", "en")
    assert table == {
        "zone": "Central European Time, Europe/Berlin",
        "local:20201023T1900Z": "Friday 23 October 2020, 21:00 (19:00 UTC)",
    }


def test_a_moment_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="zone"):
        words.local_key(When(datetime(2020, 1, 1), None, Precision.TIME))  # noqa: DTZ001  # the point of the test


@pytest.mark.parametrize(
    ("wishes", "wanted"),
    [(["pt-BR"], "pt"), (["xx", "fr-CA"], "fr"), (["zh-Hant-TW"], "zh"), (["iw"], "en"), ([], "en"), (["tlh"], "en")],
)
def test_pick(wishes, wanted):
    assert words.pick(wishes) == wanted


@pytest.mark.parametrize(
    ("lang", "wanted"),
    [
        ("ar", "rtl"),
        ("he-IL", "rtl"),
        ("pa-Arab", "rtl"),
        ("ur", "rtl"),
        ("az_Arab", "rtl"),
        ("ar-Latn", "ltr"),
        ("zgh", "ltr"),
        ("en", "ltr"),
        ("", "ltr"),
    ],
)
def test_direction(lang, wanted):
    assert words.direction(lang) == wanted


def test_unknown_language_names_near_ones():
    with pytest.raises(words.UnknownLanguage, match=r"near: .*es"):
        words.locale_of("esp4")
    assert words.language_name("qq-xx-yy", "en") == "qq-xx-yy"
    assert words.language_name("fr", "de") == "Französisch"


def catalog(pairs, lang="de"):
    made = Catalog(locale=lang)
    for msgid, string in pairs:
        made.add(msgid, string)
    return made


def po(made):
    out = io.BytesIO()
    write_po(out, made)
    return out.getvalue()


def test_gaps_are_counted():
    template = po(catalog([("Yes", ""), ("No", ""), (("%(n)d day", "%(n)d days"), ("", ""))]))
    fuzzy = catalog([("Yes", "Ja"), (("%(n)d day", "%(n)d days"), ("%(n)d Tag", ""))])
    fuzzy["Yes"].flags.add("fuzzy")
    found = words.gaps(template, po(fuzzy), "de")
    assert set(found.missing) == {"No", "%(n)d day"}
    assert found.fuzzy == ("Yes",)
    assert found.total == 3


def test_a_compiled_catalogue_speaks():
    out = io.BytesIO()
    write_mo(out, catalog([("Yes", "Ja")]))
    assert words.catalogue(out.getvalue()).gettext("Yes") == "Ja"
    with pytest.raises(OSError, match="magic"):
        words.catalogue(b"nonsense bytes")


def test_weekends_by_country() -> None:
    assert words.weekend("DE") == {5, 6}
    assert words.weekend("IL") == {4, 5}
    assert words.weekend("IR") == {4}
    assert words.weekend("") == words.weekend("ZZ") == {5, 6}


def test_a_zone_that_is_no_place_is_told_by_its_id():
    assert words.zone_name("UTC", "pt") == words.zone_name("Etc/UTC", "en") == "UTC"
