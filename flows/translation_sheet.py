"""What a file for translators says, whatever its format: the texts of one process in one language pair."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Unit:
    """One text for a translator. `words` is empty where there is no translation yet."""

    name: str  # such as entry/talks/title
    source: str
    words: str
    outdated: bool = False
    line: int = 0


@dataclass(frozen=True, slots=True)
class Sheet:
    """All texts of a process in one language pair. What a file does not say is empty."""

    process: str
    source_lang: str
    lang: str
    units: tuple[Unit, ...]
