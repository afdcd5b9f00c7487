"""Reading YAML and CSV from outside into text that knows its lines.

Every scalar stays the text that was written, so `on`, `no`, `2019-03` and `007` mean what they look like; whoever
reads a field decides its type. Anchors and aliases are refused (they can make a small file enormous). What is
wrong with the file is raised as `Unreadable`, with its line.
"""

import csv
import io
from dataclasses import dataclass
from typing import Any

import yaml

LARGEST = 8 * 1024 * 1024  # characters
DEEPEST = 30


@dataclass(frozen=True, slots=True)
class Scalar:
    """A text and its line."""

    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list and the line where it begins."""

    items: tuple["Node", ...]
    line: int


@dataclass(frozen=True, slots=True)
class Mapping:
    """Named values in the order of the file; the lines are those of the keys."""

    items: dict[str, "Node"]
    line: int
    lines: dict[str, int]

    def get(self, name: str) -> "Node | None":
        """The value of that name, or None."""
        return self.items.get(name)

    def line_of(self, name: str) -> int:
        """The line of a key, or of the whole where there is none."""
        return self.lines.get(name, self.line)


Node = Scalar | Sequence | Mapping


class Unreadable(ValueError):
    """The file cannot be read at all: the line, and why."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"line {line}: {reason}")
        self.line = line
        self.reason = reason


def read_yaml(text: str) -> Mapping:
    """The one mapping that the file is."""
    _check_text(text)
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    builder = _Builder()
    try:
        for event in yaml.parse(text.removeprefix("\ufeff"), Loader=loader):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise Unreadable(mark.line + 1 if mark else 1, f"not YAML: {error.problem or error}") from error
    except yaml.YAMLError as error:
        line = text.count("\n", 0, getattr(error, "position", 0) or 0) + 1
        raise Unreadable(line, f"not YAML: {' '.join(str(error).split())[:200]}") from error
    if not isinstance(builder.root, Mapping):
        raise Unreadable(1, "the file is not a mapping of names to values")
    return builder.root


def _check_text(text: str) -> None:
    if len(text) > LARGEST:
        raise Unreadable(1, f"the file is larger than {LARGEST // 1024 // 1024} MiB")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise Unreadable(text.count("\n", 0, error.start) + 1, "holds half a character: it is not UTF-8") from error


class _Open:
    """A list or mapping that is not closed yet."""

    def __init__(self, line: int, is_mapping: bool) -> None:
        self.line = line
        self.is_mapping = is_mapping
        self.items: list[Node] = []
        self.named: dict[str, Node] = {}
        self.lines: dict[str, int] = {}
        self.key: Scalar | None = None

    def add(self, node: Node) -> None:
        if not self.is_mapping:
            self.items.append(node)
        elif self.key is None:
            if not isinstance(node, Scalar):
                raise Unreadable(node.line, "a name must be text")
            if node.text in self.named:
                raise Unreadable(node.line, f"{node.text} is given twice (before in line {self.lines[node.text]})")
            self.key = node
        else:
            self.named[self.key.text] = node
            self.lines[self.key.text] = self.key.line
            self.key = None

    def close(self) -> Node:
        if self.is_mapping:
            return Mapping(self.named, self.line, self.lines)
        return Sequence(tuple(self.items), self.line)


class _Builder:
    """Makes nodes of YAML events, without recursion."""

    def __init__(self) -> None:
        self.root: Node | None = None
        self._open: list[_Open] = []
        self._documents = 0

    def take(self, event: Any) -> None:
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise Unreadable(line, "anchors and aliases (& and *) are not accepted")
        if isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                raise Unreadable(line, "a second document begins; the file must be one")
        elif isinstance(event, yaml.ScalarEvent):
            self._put(Scalar(event.value, line))
        elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            if len(self._open) >= DEEPEST:
                raise Unreadable(line, f"nested deeper than {DEEPEST} levels")
            self._open.append(_Open(line, isinstance(event, yaml.MappingStartEvent)))
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            self._put(self._open.pop().close())

    def _put(self, node: Node) -> None:
        if self._open:
            self._open[-1].add(node)
        else:
            self.root = node


def read_csv(text: str, required: tuple[str, ...], optional: tuple[str, ...] = ()) -> list[Mapping]:
    """The lines of a CSV file with a header as mappings; empty cells are left out. Columns may come in any order."""
    _check_text(text)
    rows = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    found: list[Mapping] = []
    try:
        header = [cell.strip() for cell in next(rows, [])]
        _check_header(header, required, optional)
        line = rows.line_num + 1
        for row in rows:
            if any(cell.strip() for cell in row):
                if len(row) != len(header):
                    raise Unreadable(line, f"{len(row)} cells where the header has {len(header)}")
                cells = {name: cell.strip() for name, cell in zip(header, row, strict=True) if cell.strip()}
                found.append(Mapping({n: Scalar(c, line) for n, c in cells.items()}, line, dict.fromkeys(cells, line)))
            line = rows.line_num + 1
    except csv.Error as error:
        raise Unreadable(rows.line_num, f"not CSV: {error}") from error
    return found


def _check_header(header: list[str], required: tuple[str, ...], optional: tuple[str, ...]) -> None:
    missing = [name for name in required if name not in header]
    if missing:
        raise Unreadable(1, f"the header lacks {', '.join(missing)}")
    strange = [name for name in header if name not in (*required, *optional)]
    if strange:
        raise Unreadable(1, f"the header has {', '.join(strange)}, which nothing reads")
    if len(set(header)) != len(header):
        raise Unreadable(1, "a column stands twice in the header")
