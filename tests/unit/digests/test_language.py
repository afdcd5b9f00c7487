"""Canonical tags, parents, and the choice of wording (model L3)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digests.language import Version, Wording, WrongTag, canonical, choose, direction, parents, wanted


@pytest.mark.parametrize(
    ("given_tag", "tag"),
    [
        ("PT_br", "pt-BR"),
        ("zh", "zh-Hans"),
        ("zh-TW", "zh-Hant-TW"),
        ("zh-hant", "zh-Hant"),
        ("sr", "sr-Cyrl"),
        ("sh", "sr-Latn"),
        ("iw", "he"),
        ("no", "nb"),
        ("en-Latn-US", "en-US"),
        ("ar-Arab", "ar"),
        ("es-419", "es-419"),
        (" de ", "de"),
    ],
)
def test_canonical(given_tag: str, tag: str) -> None:
    assert canonical(given_tag) == tag
    assert canonical(tag) == tag


@pytest.mark.parametrize("text", ["", "e", "english", "en-", "de_", "x" * 40, "e\nn", "日本語", "١٢"])
def test_not_a_tag(text: str) -> None:
    with pytest.raises(WrongTag):
        canonical(text)


@pytest.mark.parametrize(
    ("tag", "chain"),
    [
        ("pt-BR", ("pt",)),
        ("pt-AO", ("pt-PT", "pt")),
        ("es-MX", ("es-419", "es")),
        ("en-GB", ("en-001", "en")),
        ("en-DE", ("en-150", "en-001", "en")),
        ("zh-Hant-MO", ("zh-Hant-HK", "zh-Hant")),
        ("zh-Hant", ()),
        ("sr-Latn", ()),
        ("fr", ()),
    ],
)
def test_parents(tag: str, chain: tuple[str, ...]) -> None:
    assert parents(tag) == chain


def test_direction() -> None:
    assert [direction(tag) for tag in ("ar", "he", "fa-AF", "en", "az-Arab", "ur-Latn")] == [
        *("rtl", "rtl", "rtl", "ltr", "rtl", "ltr")
    ]


def wording(fresh_from: int = 1, **versions: tuple[str, int]) -> Wording:
    return Wording(
        "en",
        fresh_from,
        {lang.replace("_", "-"): Version(body, of, of) for lang, (body, of) in versions.items()},
    )


FRESH = wording(2, en=("Hello", 2), fr=("Bonjour", 1), pt=("Olá", 2), zh_Hans=("你好", 2))


@pytest.mark.parametrize(
    ("languages", "strict", "lang", "outdated", "own"),
    [
        (["pt-BR", "en"], False, "pt", False, True),
        (["fr"], False, "fr", True, True),
        (["fr"], True, "es-419-fallback", False, False),
        (["fr", "pt"], False, "pt", False, True),  # a fresh second language comes before an outdated first one
        (["zh-Hant"], False, "en", False, False),  # another script is another reader
        (["de"], False, "en", False, False),
        ([], False, "en", False, False),
        (["fr", "en"], True, "en", False, True),
    ],
)
def test_choice(languages: list[str], strict: bool, lang: str, outdated: bool, own: bool) -> None:
    found = choose(FRESH, languages, {"fr": ["pt"]}, strict=strict)
    assert found is not None
    expected = "pt" if lang == "es-419-fallback" else lang
    assert (found.lang, found.outdated, found.own) == (expected, outdated, own)


def test_nothing_to_choose_from() -> None:
    assert choose(wording(), ["en"]) is None
    assert choose(wording(en=("", 2), fr=("Bonjour", 1)), ["fr"]) is None


def test_a_fallback_for_everybody() -> None:
    found = choose(FRESH, ["sw"], {"": ["pt-BR"]})
    assert found is not None
    assert (found.lang, found.own) == ("pt", False)


TAGS = st.sampled_from(["en", "fr", "pt", "pt-BR", "zh-Hans", "zh-Hant", "es-419", "ar"])


@given(
    st.dictionaries(TAGS, st.tuples(st.text(min_size=1, max_size=3), st.integers(0, 3)), max_size=6),
    st.lists(TAGS, max_size=4),
    st.booleans(),
    st.dictionaries(TAGS, st.lists(TAGS, max_size=2), max_size=3),
)
def test_always_something_and_strict_fields_never_outdated(
    versions: dict[str, tuple[str, int]], languages: list[str], strict: bool, chains: dict[str, list[str]]
) -> None:
    known = {lang: Version(body, of, of) for lang, (body, of) in versions.items()} | {"en": Version("Source", 3, 3)}
    text = Wording("en", 3, known)
    found = choose(text, languages, chains, strict=strict)
    assert found is not None
    assert found.body == known[found.lang].body
    assert found.outdated == text.outdated(found.lang)
    assert not (strict and found.outdated)
    fresh = [tag for tag in wanted(languages) if tag in known and not text.outdated(tag)]
    if fresh:
        assert found.lang == fresh[0]
