"""Raw bytes as a `Message`: headers decoded, bodies chosen, attachments listed. Never raises.

The MIME tree is our own bounded walk; mail-parser reads the Received hops (`hops`), behind our limits and
with a fallback. Every repair or limit is named in `Message.warnings` (MF16, MF17, EA07).
"""

import html as html_module
import re
from collections.abc import Mapping
from dataclasses import replace

from mailer import attachment, charset, tnef
from mailer.decoding import content, uudecode
from mailer.flowed import unflow
from mailer.html import to_text
from mailer.mailbox import addresses
from mailer.message import Attachment, Message, Part
from mailer.mime import Limits, Node, Walk, header_text, walk
from mailer.param import parameters

__all__ = ["Limits", "hops", "parse"]

_MACHINE = {
    "message/delivery-status",
    "message/global-delivery-status",
    "message/feedback-report",
    "message/disposition-notification",
    "message/global-disposition-notification",
    "message/rfc822",
    "message/global",
    "message/global-headers",
    "message/partial",
    "text/calendar",
    "text/rfc822-headers",
    "text/rfc822-header",
    "text/vnd.google.email-reaction+json",
    "application/ics",
}
_EMBEDDED = {"message/rfc822", "message/global", "message/news"}
_IDS = re.compile(r"<[^<>\s]{1,500}>")
_MAX_IDS = 200
_PART_TEXT = 131_072
_MAX_INSIDE = 20  # messages within a mail whose text is read


class _Collected:
    """Bodies and other leaves as the walk finds them."""

    def __init__(self, state: Walk, limits: Limits, inside: bool = False) -> None:
        self.state = state
        self.limits = limits
        self.inside = inside  # a message within the mail: only its text is wanted
        self.bodies: list[tuple[str | None, str | None]] = []
        self.attachments: list[Attachment] = []
        self.parts: list[Part] = []
        self.kept = 0
        self.first = 0  # where the bodies of the multipart being read begin
        self.gap = False  # a picture or file stood between the last text and here

    def has_body(self) -> bool:
        """Whether the multipart being read has a text that is not blank."""
        return any((p or h or "").strip() for p, h in self.bodies[self.first :])


def parse(raw: bytes, limits: Limits | None = None) -> Message:
    """The mail in `raw` as values, read within `limits`."""
    limits = limits or Limits()
    root, state = walk(raw, limits)
    found = _Collected(state, limits)
    _collect(found, root, top=True)
    plain, html = _bodies(found)
    headers = tuple((name, _header(value)) for name, value in root.headers)
    first = _first(root.headers)
    senders = addresses(first.get("from", ""))
    sender = next((s for s in senders if s[1]), senders[0] if senders else ("", ""))
    return Message(
        headers=headers,
        subject=header_text(first.get("subject", "")),
        from_name=sender[0],
        from_addr=sender[1],
        to=_everyone(root.headers, "to"),
        cc=_everyone(root.headers, "cc"),
        message_id=next(iter(_ids(first.get("message-id", ""))), ""),
        in_reply_to=_ids(first.get("in-reply-to", "")),
        references=_ids(first.get("references", "")),
        date=header_text(first.get("date", "")),
        content_type=root.type,
        plain=plain,
        html=html,
        attachments=tuple(found.attachments),
        parts=tuple(found.parts),
        warnings=tuple(state.warnings),
    )


def hops(message: Message) -> tuple[Mapping[str, object], ...]:
    """The Received hops, first one first, as mail-parser reads them; what it cannot read is {'raw': ...}.

    At most 50 headers of 2,000 characters are looked at.
    """
    received = [value[:2_000] for value in message.all("received")[:50]]
    if not received:
        return ()
    try:
        from mailparser.utils import receiveds_parsing

        return tuple(dict(hop) for hop in receiveds_parsing(received))
    except Exception:
        return tuple({"raw": value} for value in reversed(received))


def _header(value: str) -> str:
    return charset.clean_header(value) if value.isascii() and "=?" not in value else header_text(value)


def _first(headers: list[tuple[str, str]]) -> dict[str, str]:
    """First occurrence of each header that is not empty; repeated fields are not joined."""
    found: dict[str, str] = {}
    for name, value in headers:
        if not found.get(name):
            found[name] = value
    return found


def _everyone(headers: list[tuple[str, str]], name: str) -> tuple[str, ...]:
    return tuple(a for key, value in headers if key == name for _, a in addresses(value) if a)


def _ids(value: str) -> tuple[str, ...]:
    """Message-IDs of a header, with their angle brackets (RFC 5322 section 3.6.4)."""
    found = tuple(_IDS.findall(value)[:_MAX_IDS])
    if found:
        return found
    bare = charset.clean_header(value).split()
    return tuple(f"<{word}>" for word in bare[:_MAX_IDS] if "@" in word and len(word) < 500)


def _collect(found: _Collected, node: Node, top: bool = False) -> None:
    """Put one entity where it belongs: a body, an attachment, or a part that a rule reads."""
    main, _, sub = node.type.partition("/")
    if main == "multipart" and node.children:
        _collect_multipart(found, node, sub)
        return
    disposition, name = _disposition(node)
    if node.type in _MACHINE or disposition == "reaction":
        _keep_part(found, node, disposition)
    if node.type in _EMBEDDED:
        _collect_embedded(found, node, name, top)
        return
    is_text = main == "text" and sub not in ("calendar", "x-vcard", "vcard", "directory", "csv", "rtf", "x-patch")
    if node.type in _MACHINE and not (main == "text" and top):
        if disposition == "attachment" or name:
            _attach(found, node, name)
        return
    if main == "multipart" or (is_text and disposition != "attachment" and (not name or top)):
        # Text after a picture goes on; a text right after a text was appended by a list or a gateway.
        if found.has_body() and not found.gap:
            _attach(found, node, name)
        else:
            _collect_body(found, node, sub, name)
            found.gap = False
        return
    _attach(found, node, name)
    found.gap = found.gap or bool(disposition)  # every program that puts files between texts says how to show them


def _collect_multipart(found: _Collected, node: Node, sub: str) -> None:
    if sub == "alternative":
        _alternative(found, node)
        return
    for child in node.children:
        _collect(found, child)


def _alternative(found: _Collected, node: Node) -> None:
    """The best plain and the best HTML of the alternatives are one body (RFC 2046 section 5.1.4)."""
    outside = (found.first, found.gap)
    before = len(found.bodies)
    plain: list[str] = []
    html: list[str] = []
    for child in node.children:
        found.first, found.gap = len(found.bodies), False
        _collect(found, child)
        text, markup = _joined(found.bodies[found.first :])
        if text is not None and (child.type != "text/enriched" or not plain):
            plain.append(text)
        if markup is not None:
            html.append(markup)
    found.first, found.gap = outside
    best_plain = next((p for p in plain if p.strip()), plain[0] if plain else None)
    best_html = next((h for h in reversed(html) if h.strip()), html[0] if html else None)
    if best_plain is not None or best_html is not None:
        found.bodies[before:] = [(best_plain, best_html)]


def _collect_embedded(found: _Collected, node: Node, name: str, top: bool) -> None:
    """A message inside: listed as an attachment, its text found through `parts`."""
    if top and node.children:
        _collect(found, node.children[0])
        return
    _attach(found, node, name)
    if node.children and not found.inside and len(found.attachments) <= _MAX_INSIDE:
        found.attachments[-1] = replace(found.attachments[-1], text=_text_inside(found, node.children[0]))


def _text_inside(found: _Collected, node: Node) -> str | None:
    """What a message within the mail says; the files of its own are not looked into."""
    inner = _Collected(found.state, found.limits, inside=True)
    _collect(inner, node)
    plain, html = _bodies(inner)
    text = plain if plain and plain.strip() else to_text(html or "")
    return text[: found.limits.extracted].strip() or None


def _disposition(node: Node) -> tuple[str, str]:
    """Disposition and file name of an entity, wherever the name was put (RFC 2183, 2231)."""
    value = node.get("content-disposition")
    kind, _, rest = value.partition(";")
    params = parameters(rest)
    name = params.get("filename") or node.params.get("name") or params.get("name") or ""
    if not name and node.type.partition("/")[0] not in ("text", "multipart", "message"):
        location = node.get("content-location")
        name = location.rpartition("/")[2] if location and len(location) < 200 else ""
    return kind.strip().lower(), header_text(name)


def _keep_part(found: _Collected, node: Node, disposition: str) -> None:
    if found.inside:
        return
    if node.type in _EMBEDDED and not node.get("content-transfer-encoding").lower().startswith(("b", "q")):
        data = found.state.raw[node.start : min(node.end, node.start + _PART_TEXT)]
    else:
        data = content(found.state, node, _PART_TEXT)
    text, _ = charset.decode(data, node.params.get("charset", ""))
    extra = (("content-disposition", disposition),) if disposition else ()
    params = tuple((k, charset.clean_header(v)) for k, v in node.params.items())
    found.parts.append(Part(node.type, charset.clean_text(text), params + extra))


def _collect_body(found: _Collected, node: Node, sub: str, name: str) -> None:
    """A text leaf that is shown as part of the body."""
    data = content(found.state, node, found.limits.text)
    if (
        name
        and data
        and attachment.sniff(data, "", name) not in ("application/octet-stream", "text/html", "text/plain")
    ):
        _attach(found, node, name)
        return
    label = node.params.get("charset", "")
    if sub == "html" and not label:
        label = _html_charset(data)
    text, warning = charset.decode(data, label)
    if warning:
        found.state.warn(warning)
    text = charset.clean_text(text)
    if sub == "html" or (sub not in ("plain",) and text[:200].lstrip().lower().startswith(("<html", "<!doctype html"))):
        found.bodies.append((None, text))
        return
    if sub in ("enriched", "richtext"):
        text = _enriched(text)
    if node.params.get("format", "").lower() == "flowed":
        text = unflow(text, node.params.get("delsp", "").lower() == "yes")
    found.bodies.append((_without_uuencoded(found, text), None))


def _html_charset(data: bytes) -> str:
    match = re.search(rb"""charset\s{0,5}=\s{0,5}["']?([A-Za-z0-9_:-]{2,40})""", data[:4_096])
    return match.group(1).decode("ascii") if match else ""


def _enriched(text: str) -> str:
    """text/enriched without its commands (RFC 1896)."""
    text = re.sub(r"<param>[^<]{0,2000}</param>", "", text, flags=re.IGNORECASE)
    text = re.sub(r"\n(\n*)", lambda m: m.group(1) or " ", text).replace("<<", "\x00")
    return re.sub(r"</?[A-Za-z][^<>]{0,80}>", "", text).replace("\x00", "<")


def _without_uuencoded(found: _Collected, text: str) -> str:
    """Files that stand uuencoded in the text become attachments."""
    if "begin " not in text or "\nend" not in text:
        return text
    pattern = re.compile(r"(?m)^begin [0-7]{3,4} [^\n]{1,200}\n")
    out: list[str] = []
    at = 0
    for match in pattern.finditer(text):
        stop = text.find("\nend", match.end() - 1)
        if match.start() < at or stop < 0:
            continue
        name, data = uudecode(text[match.start() : stop + 4].encode("utf-8", "replace"))
        if data and len(found.attachments) < found.limits.parts:
            found.attachments.append(attachment.make(name, "", data, len(data), found.limits))
            out.append(text[at : match.start()])
            at = stop + 4
    out.append(text[at:])
    return "".join(out)


def _attach(found: _Collected, node: Node, name: str) -> None:
    """List a leaf as an attachment; its content is kept while the budget lasts."""
    if found.inside:
        return
    limits = found.limits
    room = min(limits.attachment, limits.attachments_total - found.kept)
    estimate = node.end - node.start
    if room <= 0 or estimate > limits.attachment * 2:
        found.state.warn("attachment-too-large")
        found.attachments.append(Attachment(attachment.safe_name(name), node.type, node.type, estimate))
        return
    if node.type in _EMBEDDED and node.children:
        data = found.state.raw[node.start : node.end]
        data = data if len(data) <= room else b""
    else:
        data = content(found.state, node, room)
    found.kept += len(data)
    winmail = node.type in ("application/ms-tnef", "application/vnd.ms-tnef") or name.lower() == "winmail.dat"
    if winmail and _unpack(found, data):
        return
    found.attachments.append(attachment.make(name, node.type, data, len(data), limits))


def _unpack(found: _Collected, data: bytes) -> bool:
    """The files of a winmail.dat instead of itself; its text where the mail has no other."""
    inside = tnef.unpack(data)
    for name, body in inside.files:
        found.attachments.append(attachment.make(name, "application/octet-stream", body, len(body), found.limits))
    if not any((p or h or "").strip() for p, h in found.bodies):
        if inside.text.strip():
            found.bodies.append((charset.clean_text(inside.text), None))
        elif inside.html.strip():
            found.bodies.append((None, charset.clean_text(inside.html)))
    return bool(inside.files or inside.text or inside.html)


def _bodies(found: _Collected) -> tuple[str | None, str | None]:
    """All text leaves as one plain and one HTML body, in their order."""
    return _joined([b for b in found.bodies if (b[0] or b[1] or "").strip()] or found.bodies[:1])


def _joined(bodies: list[tuple[str | None, str | None]]) -> tuple[str | None, str | None]:
    if not bodies:
        return None, None
    if len(bodies) == 1:
        return bodies[0]
    plain = html = None
    if any(p is not None for p, _ in bodies):
        plain = "\n".join(p if p is not None else to_text(h or "") for p, h in bodies)
    if any(h is not None for _, h in bodies):
        html = "\n".join(h if h is not None else _as_html(p or "") for p, h in bodies)
    return plain, html


def _as_html(text: str) -> str:
    return "<div>" + html_module.escape(text).replace("\n", "<br>\n") + "</div>"
