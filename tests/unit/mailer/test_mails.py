"""The mails of tests/mail: what each client really writes, and what the person said in it."""

import json
import tomllib
from pathlib import Path

import pytest

from mailer.parse import parse
from mailer.segment import body_text, segment

FOLDER = Path(__file__).parents[2] / "mail"
MAILS = [
    (path.stem, path.read_bytes(), json.loads(path.with_suffix(".want.json").read_text("utf-8")))
    for path in sorted(FOLDER.glob("reply_*.eml"))
]


def test_there_are_mails_of_many_languages():
    assert len({stem.split("_")[2] for stem, _, _ in MAILS}) >= 35


@pytest.mark.parametrize(("stem", "raw", "want"), MAILS, ids=[m[0] for m in MAILS])
def test_reply_is_found(stem, raw, want):
    message = parse(raw)
    segments = segment(message)
    replies = [s.text.strip() for s in segments if s.kind == "reply" and s.text.strip()]
    assert replies == want["reply"]
    if want.get("kinds"):
        assert [s.kind for s in segments] == want["kinds"]
    assert "\n".join(s.text for s in segments) == body_text(message)


THREADS = tomllib.loads((FOLDER / "threads.toml").read_text("utf-8"))


@pytest.mark.parametrize("name", THREADS)
def test_what_was_said_in_a_thread(name):
    head = "From: Ana Ruiz <ana@community.example>\nSubject: Re: Digest 12\nIn-Reply-To: <e12@tidings.example>\n"
    message = parse(f"{head}Content-Type: text/plain; charset=utf-8\n\n{THREADS[name]['text']}".encode())
    segments = segment(message)
    assert [s.text.strip() for s in segments if s.kind == "reply" and s.text.strip()] == THREADS[name]["want"]
    assert "\n".join(s.text for s in segments) == body_text(message)
