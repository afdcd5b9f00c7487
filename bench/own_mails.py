"""Our own mails, as measurements want them: those of tests/mail as they are, and those that its tables describe."""

import tomllib
from collections.abc import Iterator
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "tests" / "mail"
SAID = "We discussed the draft with our members and agree with most of it, but the travel fund is too small for us."
QUOTED = ("2. The list of pilots is open until 31 January.", "   Question RR-2: should small groups get a seat?")
BLOCK = ("Tidings Digest <reply+k3@tidings.example>", "6. 1. 2025 10:00", "Ana <ana@community.example>", "Digest 12")
_HEAD = "From: {sender}\nTo: reply+k3@tidings.example\nSubject: {subject}\nDate: Mon, 6 Jan 2025 10:00:00 +0000\n"


def own_mails() -> Iterator[tuple[str, bytes]]:
    """Names and mails."""
    for path in sorted(FOLDER.glob("*.eml")):
        yield f"own/{path.name}", path.read_bytes()
    for make in (_tails, _attributions, _headers, _html, _absences, _reports, _spoken):
        yield from make()


def _mail(text: str, subject: str = "Re: Digest 12", sender: str = "Ana Ruiz <ana.ruiz@community.example>",
          kind: str = "plain", more: str = "") -> bytes:  # fmt: skip
    head = _HEAD.format(sender=sender, subject=subject) + more
    return f"{head}Content-Type: text/{kind}; charset=utf-8\n\n{text}\n".encode()


def _table(name: str) -> dict[str, object]:
    return tomllib.loads((FOLDER / f"{name}.toml").read_text("utf-8"))


def _tails() -> Iterator[tuple[str, bytes]]:
    for section, tails in _table("tails").items():
        for number, tail in enumerate(tails):
            shapes = [f"{SAID}\n\n{tail}"]
            shapes += [f"{SAID}\n\nRegards,\nAna\n\n{tail}"] if section in ("disclaimers", "footers") else []
            shapes += [f"Hello,\n\n{tail}", tail] if section == "answers" else []
            for place, text in enumerate(shapes):
                yield f"own/tails {section} {number}.{place}", _mail(text)


def _attributions() -> Iterator[tuple[str, bytes]]:
    marked, bare = "\n".join(f"> {line}" for line in QUOTED), "\n".join(QUOTED)
    for client, languages in _table("attributions").items():
        for language, lines in languages.items():
            for number, line in enumerate(lines):
                said = line.format(n="Tidings Digest", a="reply+k3@tidings.example")
                for shape, text in (
                    ("above", f"{SAID}\n\n{said}\n\n{marked}"), ("below", f"{said}\n{marked}\n\n{SAID}"),
                    ("bare", f"{SAID}\n\n{said}\n\n{bare}"),
                ):  # fmt: skip
                    yield f"own/attributions {client} {language} {number} {shape}", _mail(text)


def _headers() -> Iterator[tuple[str, bytes]]:
    table = _table("headers")
    english = "\n".join(f"{a}: {b}" for a, b in zip(("From", "Sent", "To", "Subject"), BLOCK, strict=True))
    bare = "\n".join(QUOTED)
    for language, rows in table["labels"].items():
        for number, labels in enumerate(rows):
            block = "\n".join(f"{a}: {b}" for a, b in zip(labels, BLOCK, strict=True))
            yield f"own/headers {language} {number}", _mail(f"{SAID}\n\n{block}\n\n{bare}")
    for kind in ("original", "forward"):
        for language, rows in table[kind].items():
            for number, mark in enumerate(rows):
                yield (
                    f"own/headers {kind} {language} {number}",
                    _mail(f"{SAID}\n\n-----{mark}-----\n{english}\n\n{bare}"),
                )


def _html() -> Iterator[tuple[str, bytes]]:
    for client, template in _table("html").items():
        body = template
        for name, text in (("one", SAID), ("two", "The rest is fine."), ("quote", QUOTED[0]), ("more", QUOTED[1])):
            body = body.replace("{" + name + "}", text)
        yield f"own/html {client}", _mail(body, kind="html")


def _absences() -> Iterator[tuple[str, bytes]]:
    for number, (language, subject, text, _) in enumerate(_table("absences")["notices"]):
        for more in ("", "Auto-Submitted: auto-replied\n"):
            yield f"own/absences {language} {number} {bool(more)}", _mail(text, subject=subject, more=more)


def _reports() -> Iterator[tuple[str, bytes]]:
    for server, report in _table("reports").items():
        yield (
            f"own/reports {server}",
            _mail(report["text"], report["subject"], report["sender"], more="Return-Path: <>\n"),
        )


def _spoken() -> Iterator[tuple[str, bytes]]:
    for name in ("commands", "routes", "personal"):
        for section, rows in _table(name).items():
            for number, row in enumerate(rows if isinstance(rows, list) else ()):
                text = row if isinstance(row, str) else row[-1]
                yield f"own/{name} {section} {number}", _mail(str(text))
