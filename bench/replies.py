"""Mails built from a YAML of liaison replies, and whether the reader files them as a good filer would.

Used by `bench/accuracy.py`. The YAML gives per reply: sender, subject, body, headers, charset, attachments,
shape (a sentence), the digest it answers, and what is expected (disposition, questions, language, keep, strip).
"""

import json
from collections.abc import Mapping
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Any

import yaml

from mailer.explain import explain

OURS = {
    "file": {"file"},
    "hold": {"hold"},
    "ack": {"ignore"},
    "bounce": {"bounce"},
    "complaint": {"complaint"},
    "auto-drop": {"ignore"},
    "unsubscribe": {"command"},
    "preference": {"command"},
    "signup": {"command"},
    "handover": {"route"},
    "route": {"route"},
    "calendar": {"ignore"},
    "reaction": {"ignore"},
    "duplicate": {"ignore"},
    "empty": {"hold"},
}
KIND = {"auto-drop": "autoreply", "calendar": "calendar", "reaction": "reaction", "bounce": "bounce"}
HTML_TAIL = "</div></body></html>"


def mail_of(row: Mapping[str, Any], digests: Mapping[str, Any]) -> bytes:
    """One mail as its row describes it."""
    digest = row.get("in_reply_to")
    mail = EmailMessage(policy=SMTP)
    name, address = row["sender"].get("name", ""), row["sender"]["address"]
    mail["From"] = f'"{name}" <{address}>' if name else address
    mail["To"] = row.get("to", "reply+k7f3a9c2m4@strategy.example")
    mail["Subject"] = row.get("subject", "")
    mail["Date"] = f"{_date(digests.get(digest, {}).get('date', '2019-04-05'))}"
    mail["Message-ID"] = f"<{row['id']}@{address.rpartition('@')[2]}>"
    if digest:
        mail["In-Reply-To"] = f"<{digest}@strategy.example>"
        mail["References"] = f"<{digest}@strategy.example>"
    if "envelope_from" in row:
        mail["Return-Path"] = row["envelope_from"]
    for header, value in (row.get("headers") or {}).items():
        del mail[header]
        mail[header] = str(value)
    _body(mail, row)
    return mail.as_bytes()


def _date(day: object) -> str:
    from datetime import datetime

    return datetime.fromisoformat(f"{day}T12:00:00+00:00").strftime("%a, %d %b %Y %H:%M:%S +0000")


def _body(mail: EmailMessage, row: Mapping[str, Any]) -> None:
    body, shape, kind = row.get("body") or "", row.get("shape", "").lower(), row.get("content_type", "")
    charset = row.get("charset", "utf-8")
    if "report-type=delivery-status" in kind:
        human, _, fields = body.partition("\n\n")
        raw = (
            f"--b\nContent-Type: text/plain\n\n{human}\n--b\nContent-Type: message/delivery-status\n\n{fields}\n--b--\n"
        )
        mail["Content-Type"] = f'{kind}; boundary="b"'
        mail.set_payload(raw)
        return
    if "emoji reaction" in shape:
        mail.set_content(body)
        mail.add_alternative(
            json.dumps({"emoji": body.split()[0], "version": 1}), subtype="vnd.google.email-reaction+json"
        )
        mail.add_alternative(f"<p>{body}</p>", subtype="html")
        return
    if "html-only" in shape:
        mail.set_content("<html><body><div>" + body.replace("\n", "<br>") + HTML_TAIL, subtype="html")
    elif charset != "utf-8":
        mail.set_content("x")
        mail.replace_header("Content-Type", f'text/plain; charset="{charset}"')
        mail.replace_header("Content-Transfer-Encoding", "8bit")
        mail.set_payload(body.encode(charset).decode("ascii", "surrogateescape"))
    else:
        mail.set_content(body, cte="8bit")
        if "format=flowed" in kind:
            mail.replace_header("Content-Type", kind)
    for attachment in row.get("attachments") or []:
        main, _, sub = attachment["type"].partition("/")
        mail.add_attachment(b"PK\x03\x04 answers", maintype=main, subtype=sub, filename=attachment["name"])


def measure(path: Path, verbose: bool = False) -> dict[str, tuple[int, int]]:
    """(right, of) for disposition, questions, language, text kept, text stripped."""
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    context = {"questions": document["questions"], "digests": document["digests"]}
    right = dict.fromkeys(("disposition", "questions", "language", "keep", "strip", "kind"), 0)
    total = dict.fromkeys(right, 0)
    for row in document["replies"]:
        want = row["expect"]
        got = explain(mail_of(row, document["digests"]), row["id"], context)
        asked = {a["ref"] for s in got["statements"] for a in s["anchors"] if a["kind"] == "question"}
        checks = {
            "disposition": got["disposition"] in OURS[want["disposition"]],
            "language": got["language"] == want["language"],
        }
        if want.get("questions"):
            checks["questions"] = asked == set(want["questions"])
        if want["disposition"] in KIND:
            checks["kind"] = got["kind"] == KIND[want["disposition"]]
        if want.get("keep"):
            checks["keep"] = " ".join(want["keep"].split()) in " ".join(got["text"].split())
        if want.get("strip"):
            checks["strip"] = want["strip"] not in got["text"]
        for name, good in checks.items():
            total[name] += 1
            right[name] += good
            if verbose and not good:
                seen = {
                    "disposition": (got["disposition"], got["rule"]),
                    "questions": sorted(asked),
                    "kind": got["kind"],
                }
                print(f"  {row['id']}: {name} want {want.get(name)} got {seen.get(name, got.get(name, ''))}")
    return {name: (right[name], total[name]) for name in right}
