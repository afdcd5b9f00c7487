"""Attachments typed by content, and the text that can be read out of them. Bounded; never raises.

Text comes from .txt, .md, .odt, .docx and .pdf. Names are made safe for a listing: no path, no controls.
"""

import html
import io
import logging
import re
import zipfile

from mailer.charset import clean_header, clean_text, decode
from mailer.message import Attachment
from mailer.mime import Limits

_MAGIC = (
    (b"%PDF-", "application/pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"\x1f\x8b", "application/gzip"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
    (b"MZ", "application/x-msdownload"),
    (b"\x7fELF", "application/x-executable"),
    (b"Rar!\x1a\x07", "application/vnd.rar"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (b"{\\rtf", "application/rtf"),
    (b"\x78\x9f\x3e\x22", "application/ms-tnef"),
    (b"BEGIN:VCALENDAR", "text/calendar"),
    (b"BEGIN:VCARD", "text/vcard"),
    (b"-----BEGIN PGP", "application/pgp-encrypted"),
)
_DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_ODT = "application/vnd.oasis.opendocument.text"
_TAG = re.compile(r"<[^<>]{0,5000}>")
_BREAK_TAG = re.compile(r"</(?:text:p|text:h|w:p)>|<(?:w:br|w:cr|text:line-break)[ /][^<>]{0,200}>")
_PDF_PAGES = 40


def make(name: str, declared: str, data: bytes, size: int, limits: Limits) -> Attachment:
    """One attachment as a value. `data` may be empty where the content was too large to keep."""
    kind = sniff(data, declared, name)
    text = read_text(kind, data, limits) if 0 < len(data) <= limits.readable else None
    return Attachment(safe_name(name), kind, declared, size, data, text)


def safe_name(name: str) -> str:
    """A file name without path and control characters, at most 200 characters."""
    name = clean_header(name).replace("\x00", "")
    name = re.sub(r"[\u202a-\u202e\u2066-\u2069]", "", name)
    name = name.rpartition("/")[2] if "/" in name else name
    if re.match(r"(?:[A-Za-z]:)?\\|\.\.\\|[^\\]+\\[^\\]+\.\w", name):
        name = name.rpartition("\\")[2]
    name = name.strip().lstrip(".") if set(name.strip()) <= {"."} else name.strip()
    return name[:200]


def sniff(data: bytes, declared: str, name: str = "") -> str:
    """The media type judged by the first bytes, else what was declared."""
    for magic, kind in _MAGIC:
        if data.startswith(magic):
            return kind
    if data.startswith(b"PK\x03\x04"):
        head = data[:4_000]
        if _ODT.encode() in head or declared == _ODT or name.lower().endswith(".odt"):
            return _ODT
        if b"word/" in head or (b"[Content_Types].xml" in head and name.lower().endswith(".docx")):
            return _DOCX
        return "application/zip"
    head = data[:512].lstrip().lower()
    if head.startswith((b"<!doctype html", b"<html")):
        return "text/html"
    if declared in ("application/octet-stream", "") and data and b"\x00" not in data[:2_000]:
        suffix = name.lower().rpartition(".")[2]
        if suffix in ("txt", "md", "csv", "log", "text"):
            return "text/markdown" if suffix == "md" else "text/plain"
    return declared or "application/octet-stream"


def read_text(kind: str, data: bytes, limits: Limits) -> str | None:
    """Clean text of a readable attachment, cut at `limits.extracted` characters, or None."""
    try:
        if kind == "application/pdf":
            text = _pdf(data, limits)
        elif kind in (_DOCX, _ODT):
            text = _office(data, "content.xml" if kind == _ODT else "word/document.xml", limits)
        elif kind in ("text/plain", "text/markdown", "text/x-markdown") and b"\x00" not in data[:2_000]:
            text = decode(data[: limits.extracted * 4])[0]
        else:
            return None
    except Exception:
        return None
    text = clean_text(text)[: limits.extracted].strip()
    return text or None


def _office(data: bytes, member: str, limits: Limits) -> str:
    """The words of an ODT or DOCX: one XML member, tags dropped; no XML parser, so no entity bombs."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive, archive.open(member) as stream:
        xml = stream.read(limits.readable).decode("utf-8", "replace")
    xml = _BREAK_TAG.sub("\n", xml)
    return html.unescape(_TAG.sub("", xml))


def _pdf(data: bytes, limits: Limits) -> str:
    from pypdf import PdfReader

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    out: list[str] = []
    size = 0
    reader = PdfReader(io.BytesIO(data), strict=False)
    for number in range(min(len(reader.pages), _PDF_PAGES)):
        page = reader.pages[number]
        contents = page.get_contents()
        if contents is None or len(contents.get_data()) > 500_000:
            continue
        out.append(page.extract_text())
        size += len(out[-1])
        if size > limits.extracted:
            break
    return "\n".join(out)
