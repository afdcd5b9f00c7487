"""Files for translators as XLIFF 1.2 (OASIS), which every translator's program reads.

A document type declaration is refused before anything in it is looked at, so no entity is ever expanded; the parser
knows no addresses. A translation in a state that begins with `needs-` counts as outdated, as `fuzzy` does in a PO file.
"""

import re
from dataclasses import dataclass, field
from xml.etree import ElementTree as Tree
from xml.parsers import expat

from flows.fields import Fields
from flows.source import LARGEST, Unreadable
from flows.translation_sheet import Sheet, Unit

_NAMESPACE = "urn:oasis:names:tc:xliff:document:1.2"
_DEEPEST = 50
_PATH = ["xliff", "file", "body", "trans-unit"]
_INSIDE = ("g", "mrk")  # elements around words, which stay; all others stand for something that our texts have not
_ILLEGAL = re.compile(r"[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0 section 2.2


def write(sheet: Sheet) -> str:
    """The file. Characters that XML cannot hold become U+FFFD."""
    root = Tree.Element("xliff", {"version": "1.2", "xmlns": _NAMESPACE})
    languages = {"source-language": sheet.source_lang, "target-language": sheet.lang}
    file = Tree.SubElement(
        root, "file", {"original": sheet.process, "datatype": "plaintext", "xml:space": "preserve", **languages}
    )
    body = Tree.SubElement(file, "body")
    for unit in sheet.units:
        done = "yes" if unit.words and not unit.outdated else "no"
        made = Tree.SubElement(body, "trans-unit", {"id": unit.name, "resname": unit.name, "approved": done})
        Tree.SubElement(made, "source").text = _ILLEGAL.sub("\ufffd", unit.source)
        if unit.words or unit.outdated:
            state = "needs-review-translation" if unit.outdated else "translated"
            Tree.SubElement(made, "target", {"state": state}).text = _ILLEGAL.sub("\ufffd", unit.words)
    Tree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + Tree.tostring(root, encoding="unicode") + "\n"


def read(content: str, fields: Fields) -> Sheet:
    """What a file says; faults of single texts go to `fields`. Raises `Unreadable`."""
    if len(content) > LARGEST:
        raise Unreadable(1, f"the file is larger than {LARGEST // 1024 // 1024} MiB")
    reader = _Reader(fields)
    try:
        reader.parser.Parse(content.removeprefix("\ufeff"), True)
    except expat.ExpatError as error:
        raise Unreadable(error.lineno, f"not an XLIFF file: {expat.ErrorString(error.code)}") from error
    except UnicodeEncodeError as error:  # half a character
        raise Unreadable(1, f"not an XLIFF file: {error}") from error
    return reader.sheet()


@dataclass(slots=True)
class _Open:
    """A trans-unit that is being read."""

    line: int
    name: str
    source: str = ""
    words: str = ""
    state: str = ""


@dataclass(slots=True)
class _Reader:
    """Walks the elements; knows where it is by the names of those that are open."""

    fields: Fields
    path: list[str] = field(default_factory=list)
    head: dict[str, str] | None = None
    unit: _Open | None = None
    units: list[Unit] = field(default_factory=list)
    parser: expat.XMLParserType = field(init=False)

    def __post_init__(self) -> None:
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text

    def sheet(self) -> Sheet:
        """What was read."""
        head = self.head or {}
        languages = (head.get("source-language", ""), head.get("target-language", ""))
        return Sheet(head.get("original", ""), *languages, tuple(self.units))

    @property
    def _line(self) -> int:
        return self.parser.CurrentLineNumber

    def _doctype(self, *given: object) -> None:
        del given
        raise Unreadable(self._line, "a document type declaration (<!DOCTYPE>) is not taken: remove it")

    def _start(self, full: str, attributes: dict[str, str]) -> None:
        name = full.rpartition(" ")[2]
        if not self.path:
            self._root(full, attributes)
        if len(self.path) >= _DEEPEST:
            raise Unreadable(self._line, "not an XLIFF file: elements stand too deep in one another")
        if [*self.path, name] == _PATH[:2]:
            self._file(attributes)
        elif name == "trans-unit":
            self.unit = _Open(self._line, attributes.get("resname") or attributes.get("id", ""))
        elif self.unit is not None and self._in_words and name not in _INSIDE:
            self.fields.reject(self._line, self.unit.name, f"<{name}>", "stands for something that our texts have not")
        elif self.unit is not None and name == "target" and self.path[-1] == "trans-unit":
            self.unit.state = attributes.get("state", "")
        self.path.append(name)

    def _root(self, full: str, attributes: dict[str, str]) -> None:
        version = attributes.get("version", "")
        if full.rpartition(" ")[2] != "xliff":
            raise Unreadable(self._line, "not an XLIFF file: it does not begin with <xliff>")
        if version not in ("1.0", "1.1", "1.2"):
            raise Unreadable(self._line, f"XLIFF {version or 'without a version'} is not taken: save it as XLIFF 1.2")

    def _file(self, attributes: dict[str, str]) -> None:
        if self.head is None:
            self.head = dict(attributes)
        elif self.head.get("target-language") != attributes.get("target-language"):
            value = attributes.get("target-language", "")
            self.fields.reject(self._line, "target-language", value, "each language needs a file of its own")

    @property
    def _in_words(self) -> bool:
        """Whether this is inside the source or target of a unit, not in an alternative or a note."""
        at = len(self.path) - 1 - self.path[::-1].index("trans-unit") if "trans-unit" in self.path else -1
        return at >= 0 and self.path[at + 1 : at + 2] in (["source"], ["target"])

    def _text(self, text: str) -> None:
        if self.unit is None or not self._in_words:
            return
        if "source" in self.path:
            self.unit.source += text
        else:
            self.unit.words += text

    def _end(self, full: str) -> None:
        name = self.path.pop()
        del full
        if name != "trans-unit" or self.unit is None:
            return
        done, self.unit = self.unit, None
        if not done.name:
            self.fields.reject(done.line, "id", "", "is missing")
            return
        outdated = done.state.startswith("needs-")
        self.units.append(Unit(done.name, done.source.strip(), done.words.strip(), outdated, done.line))
