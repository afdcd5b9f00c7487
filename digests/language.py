"""Languages of content: canonical tags, their parents, and which wording a reader gets (model L3).

Pure. A tag is BCP 47 in its canonical form, such as `pt-BR` or `zh-Hant`; a script never falls to the bare language,
for another script is another reader.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

_TAG = re.compile(
    r"(?P<lang>[a-z]{2,3})(?:-(?P<script>[a-z]{4}))?(?:-(?P<region>[a-z]{2}|[0-9]{3}))?(?:-(?P<rest>[a-z0-9-]{4,}))?",
    re.ASCII,
)


def _codes(text: str) -> frozenset[str]:
    return frozenset(text.split())


_OLD = {"iw": "he", "in": "id", "ji": "yi", "no": "nb", "tl": "fil", "mo": "ro"}
# Languages written in several scripts: the one that the bare tag, or a region, means.
_SCRIPT = {"zh": "Hans", "sr": "Cyrl"}
_REGION_SCRIPT = {("zh", "TW"): "Hant", ("zh", "HK"): "Hant", ("zh", "MO"): "Hant", ("sr", "ME"): "Latn"}
# Scripts that go without saying.
_PLAIN = {
    "Latn": _codes("de en es fr id it nl pl pt sv sw ca eu fi da nb nn cs hu ro tr vi ig zu cy gd tw"),
    "Arab": _codes("ar fa ur"),
    "Cyrl": _codes("ru uk bg be mk"),
    "Hebr": frozenset({"he", "yi"}),
    "Jpan": frozenset({"ja"}),
    "Kore": frozenset({"ko"}),
    "Deva": frozenset({"hi", "ne", "mr"}),
    "Beng": frozenset({"bn"}),
}
# Parents that are not made by cutting the last part off (CLDR, parentLocales).
_SPANISH = _codes("AR BO BR BZ CL CO CR CU DO EC GT HN MX NI PA PE PR PY SV US UY VE")
_PORTUGUESE = _codes("AO CH CV FR GQ GW LU MO MZ ST TL")
_ENGLISH = _codes(
    "AG AI AU BB BM BS BW BZ CA CC CK CM CX CY DG DM ER FJ FK FM GB GD GG GH GI GM GY HK IE IL IM IN IO JE JM KE KI "
    "KN KY LC LR LS MG MO MS MT MU MV MW MY NA NF NG NR NU NZ PG PK PN PW RW SB SC SD SG SH SL SS SX SZ TC TK TO TT "
    "TV TZ UG VC VG VU WS ZA ZM ZW"
)
_EUROPEAN_ENGLISH = _codes("AT BE CH DE DK FI NL SE SI")
_PARENT = {
    **{f"es-{region}": "es-419" for region in _SPANISH},
    **{f"pt-{region}": "pt-PT" for region in _PORTUGUESE},
    **{f"en-{region}": "en-001" for region in _ENGLISH},
    **{f"en-{region}": "en-150" for region in _EUROPEAN_ENGLISH},
    "en-150": "en-001",
    "zh-Hant-MO": "zh-Hant-HK",
}
_RIGHT_TO_LEFT = _codes("ar arc arz ckb dv fa he ks ku-Arab mzn pnb ps sd syr ug ur yi")
_RTL_SCRIPTS = frozenset({"Arab", "Hebr", "Thaa", "Syrc", "Nkoo", "Adlm"})


class WrongTag(ValueError):
    """A text that is not a language tag."""


def canonical(tag: str) -> str:
    """The one spelling of a language tag: `PT_br` is `pt-BR`, `zh` is `zh-Hans`. Raises `WrongTag`."""
    found = _TAG.fullmatch(tag.strip().replace("_", "-").lower())
    if found is None:
        raise WrongTag(f"{tag!r} is not a language tag")
    if found["lang"] == "sh":
        return "sr-Latn"
    lang = _OLD.get(found["lang"], found["lang"])
    region = (found["region"] or "").upper()
    script = (found["script"] or "").title() or _REGION_SCRIPT.get((lang, region)) or _SCRIPT.get(lang, "")
    if lang in _PLAIN.get(script, ()):
        script = ""
    return "-".join(part for part in (lang, script, region, found["rest"] or "") if part)


def parents(tag: str) -> tuple[str, ...]:
    """What a canonical tag falls back to by CLDR, nearest first: `es-MX` to `es-419`, `es`; `zh-Hant` to nothing."""
    found: list[str] = []
    while (parent := _parent(tag)) is not None:
        found.append(parent)
        tag = parent
    return tuple(found)


def _parent(tag: str) -> str | None:
    if tag in _PARENT:
        return _PARENT[tag]
    head, _, last = tag.rpartition("-")
    return head if head and not (len(last) == 4 and last.isalpha() and last.istitle()) else None


def direction(tag: str) -> str:
    """`rtl` or `ltr`, for the `dir` of a block."""
    parts = tag.split("-")
    scripts = {part for part in parts[1:] if len(part) == 4 and part.istitle()}
    if scripts:
        return "rtl" if scripts & _RTL_SCRIPTS else "ltr"
    return "rtl" if parts[0] in _RIGHT_TO_LEFT else "ltr"


@dataclass(frozen=True, slots=True)
class Version:
    """A text in one language: the body, its own revision, and the revision of the source that it is of."""

    body: str
    revision: int
    of_revision: int


@dataclass(frozen=True, slots=True)
class Wording:
    """A text in all its languages. Translations of source revisions before `fresh_from` are outdated (L2)."""

    source_lang: str
    fresh_from: int
    versions: Mapping[str, Version] = field(default_factory=dict)

    def outdated(self, lang: str) -> bool:
        """Whether the version in `lang` is of a source that has changed since."""
        return lang != self.source_lang and self.versions[lang].of_revision < self.fresh_from

    @property
    def source(self) -> str:
        """The text in its own language; empty when it was taken away."""
        found = self.versions.get(self.source_lang)
        return found.body if found else ""


@dataclass(frozen=True, slots=True)
class Chosen:
    """The wording that a reader gets, whether it is outdated, and whether it is in a language of theirs."""

    lang: str
    body: str
    outdated: bool
    own: bool


def wanted(languages: Sequence[str]) -> Iterator[str]:
    """A reader's languages in order, each followed by its parents, each once."""
    seen: set[str] = set()
    for language in languages:
        for tag in (language, *parents(language)):
            if tag not in seen:
                seen.add(tag)
                yield tag


def choose(
    wording: Wording,
    languages: Sequence[str],
    fallbacks: Mapping[str, Sequence[str]] | None = None,
    *,
    strict: bool = False,
) -> Chosen | None:
    """The wording for a reader of `languages` (canonical, in order), or None where the text is empty (L3).

    First own and fresh; then, unless `strict`, own though outdated; then the fallbacks of each own language (and
    those of '' for everybody), fresh; then the source. Strict are how to take part, question, announcement, summary.
    """
    if not wording.source:
        return None
    own = list(wanted(languages))
    for tag in own:
        if _has(wording, tag) and not wording.outdated(tag):
            return Chosen(tag, wording.versions[tag].body, outdated=False, own=True)
    if not strict:
        for tag in own:
            if _has(wording, tag):
                return Chosen(tag, wording.versions[tag].body, outdated=True, own=True)
    chains = fallbacks or {}
    for tag in wanted([to for language in (*own, "") for to in chains.get(language, ())]):
        if _has(wording, tag) and not wording.outdated(tag):
            return Chosen(tag, wording.versions[tag].body, outdated=False, own=False)
    return Chosen(wording.source_lang, wording.source, outdated=False, own=wording.source_lang in own)


def _has(wording: Wording, tag: str) -> bool:
    return tag in wording.versions and bool(wording.versions[tag].body)
