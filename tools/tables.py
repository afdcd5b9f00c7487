"""Tables in the documents that follow from the code: states in docs/vocabulary.md, RFC sections in docs/standards.md.

    python tools/tables.py            write them
    python tools/tables.py --check    change nothing; exit 1 if one is stale

A table stands between two comments, `<!-- name -->` and `<!-- /name -->`. In the table of standards the words in the
middle column are a person's and are kept; a section that has none yet is named by its RFC.
"""

import inspect
import re
import sys
from collections import defaultdict
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path

from db import states

ROOT = Path(__file__).resolve().parent.parent
VOCABULARY = ROOT / "docs" / "vocabulary.md"
STANDARDS = ROOT / "docs" / "standards.md"
ROOMS = ("app", "db", "desk", "digests", "flows", "mailer")

RFC = re.compile(
    r"RFCs?\s+(\d{3,5}(?:(?:,\s*|\s+and\s+)\d{3,5}(?!\d))*)(?:\s+sections?\s+([\d.]+(?:(?:,\s*|\s+and\s+)[\d.]+)*))?"
)
ROW = re.compile(r"^\| (?P<name>[^|]+) \| (?P<words>[^|]*) \| (?P<where>[^|]*) \|$", re.MULTILINE)

TITLES = {
    "1896": "text/enriched",
    "1912": "common faults in the DNS",
    "2033": "LMTP",
    "2034": "enhanced codes in SMTP replies",
    "2045": "MIME: bodies",
    "2046": "MIME: types",
    "2047": "encoded words in headers",
    "2142": "names of role mailboxes",
    "2183": "Content-Disposition",
    "2231": "parameter values of MIME headers",
    "2369": "List-* headers",
    "2919": "List-Id",
    "2920": "PIPELINING",
    "3207": "STARTTLS",
    "3461": "delivery status notifications, xtext",
    "3463": "enhanced status codes",
    "3464": "delivery status notifications",
    "3676": "format=flowed",
    "3834": "automatic responses",
    "4954": "SMTP AUTH",
    "5321": "SMTP",
    "5322": "the format of mail",
    "5545": "iCalendar",
    "5546": "iTIP",
    "5965": "feedback reports (ARF)",
    "6047": "iMIP",
    "6068": "mailto links",
    "6376": "DKIM",
    "6531": "SMTPUTF8",
    "6532": "UTF-8 in headers",
    "6533": "delivery reports with UTF-8 addresses",
    "7103": "malformed mail",
    "7208": "SPF",
    "7435": "opportunistic security",
    "7504": "521 and 556",
    "7505": "null MX",
    "8058": "one-click unsubscribe",
    "8098": "read receipts (MDN)",
    "8301": "key sizes of DKIM",
    "8314": "implicit TLS",
    "9110": "HTTP: what a browser asks for, what has not changed",
    "8463": "Ed25519 for DKIM",
    "8601": "Authentication-Results",
    "8689": "REQUIRETLS",
    "8996": "TLS 1.0 and 1.1 are over",
    "9078": "reactions",
    "9228": "marks against loops",
    "9989": "DMARC",
    "9990": "aggregate reports of DMARC",
}


def machines() -> dict[str, type[StrEnum]]:
    """Each state machine by the name of its table of moves."""
    return {name: type(next(iter(moves))) for name, moves in states.MOVES.items()}  # type: ignore[misc]


def meanings(machine: type[StrEnum]) -> dict[str, str]:
    """The comment beside each state."""
    found = re.findall(r'^\s+\w+ = "([^"]+)"\s+# (.+)$', inspect.getsource(machine), re.MULTILINE)
    return dict(found)


def state_tables() -> str:
    """All machines, a table each."""
    parts = []
    for name, machine in machines().items():
        said = meanings(machine)
        lines = [f"### {name}", "", (machine.__doc__ or "").strip(), "", "| state | meaning | may become |"]
        lines.append("| --- | --- | --- |")
        for state in machine:
            after = ", ".join(str(one) for one in machine if one in states.MOVES[name].get(state, ()))
            lines.append(f"| {state.value} | {said[state.value]} | {after or 'final'} |")
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def references(files: Iterable[Path] | None = None) -> dict[str, set[str]]:
    """RFC sections that the code names (`RFC 5321 section 4.1.2`), each with the modules that name it."""
    found: dict[str, set[str]] = defaultdict(set)
    for file in files or sorted(file for room in ROOMS for file in (ROOT / room).rglob("*.py")):
        text = re.sub(r"\s*\n\s*(?:#\s*)?", " ", file.read_text("utf-8"))
        for numbers, sections in RFC.findall(text):
            rfcs = re.findall(r"\d+", numbers)
            for rfc in rfcs[:-1]:
                found[f"RFC {rfc}"].add(_named(file))
            cut = [section.strip(".") for section in re.findall(r"[\d.]+", sections)]
            for name in [f"RFC {rfcs[-1]} section {section}" for section in cut if section] or [f"RFC {rfcs[-1]}"]:
                found[name].add(_named(file))
    return dict(found)


def _named(file: Path) -> str:
    return file.relative_to(ROOT).as_posix() if file.is_relative_to(ROOT) else file.name


def standards_table(page: str) -> str:
    """The table of RFC sections; the words of `page` are kept."""
    kept = {match["name"]: match["words"] for match in ROW.finditer(page)}
    lines = ["| section | what is done about it | where |", "| --- | --- | --- |"]
    for name, where in sorted(references().items(), key=lambda pair: [int(n) for n in re.findall(r"\d+", pair[0])]):
        number = name.split()[1]
        words = kept.get(name) or TITLES[number]
        lines.append(f"| {name} | {words} | {', '.join(f'`{one}`' for one in sorted(where))} |")
    return "\n".join(lines)


def filled(page: str, name: str, table: str) -> str:
    """The page with the table of that name put in."""
    start, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    before, opened, rest = page.partition(start)
    _, closed, after = rest.partition(end)
    if not (opened and closed):
        raise ValueError(f"the page has no place for {name}")
    return f"{before}{start}\n{table}\n{end}{after}"


def pages() -> dict[Path, str]:
    """Each page as it should be."""
    vocabulary, standards = VOCABULARY.read_text("utf-8"), STANDARDS.read_text("utf-8")
    return {
        VOCABULARY: filled(vocabulary, "states", state_tables()),
        STANDARDS: filled(standards, "sections", standards_table(standards)),
    }


def main() -> int:
    stale = [path for path, text in pages().items() if path.read_text("utf-8") != text]
    for path in stale:
        if "--check" in sys.argv[1:]:
            print(f"stale: {path.relative_to(ROOT)} (run make docs)")
        else:
            path.write_text(pages()[path], "utf-8")
    return int(bool(stale) and "--check" in sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
