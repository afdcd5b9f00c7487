"""The biggest mail that the listener takes, in every shape, is understood within 64 MiB beyond its own bytes."""

import base64
import tracemalloc
from random import Random

import pytest

from mailer.explain import explain

MEGABYTE = 1024 * 1024
SIZE = 25 * MEGABYTE
HEAD = b"From: ana@west.example\nTo: core@process.example\nSubject: big\nMIME-Version: 1.0\n"
MIXED = b'Content-Type: multipart/mixed; boundary="b"\n\n--b\nContent-Type: text/plain\n\nRR-1: yes\n--b\n'
TEXT = b"\n"
HTML = b"Content-Type: text/html; charset=utf-8\n\n"
QP = b"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n"
INSIDE = b"Content-Type: message/rfc822\n\nFrom: x@y.example\nSubject: y\n\n"
SHAPES: dict[str, tuple[bytes, bytes, bytes]] = {
    "text": (TEXT, b"RR-1: a line that a person wrote\n", b""),
    "letters beyond ASCII": (b"Content-Type: text/plain; charset=utf-8\n\n", "строка от человека 😀\n".encode(), b""),
    "quotes": (TEXT, b"> why\nbecause\n", b""),
    "html": (HTML, b"<p>a <b>line</b> of it</p>\n", b""),
    "one tag": (HTML, b"<a b='c", b""),
    "quoted-printable": (QP, b"=D0=B0=D0=B0 yes=\n", b""),
    "a forwarded mail": (MIXED + INSIDE, b"a line of somebody else\n", b"\n--b--\n"),
    "parts": (b'Content-Type: multipart/mixed; boundary="b"\n\n', b"--b\nContent-Type: text/plain\n\nx\n", b"--b--\n"),
    "headers": (b"", b"X-A: bbbbbbbbbbbbbbbbbbbbbbbbbbb\n", b"\nhello\n"),
    "one header": (b"X-B: ", b"bbb ", b"\n\nhello\n"),
}
OFTEN = ("text", "quoted-printable", "a file", "a forwarded mail", "headers")


def mail(shape: str) -> bytes:
    if shape == "a file":
        block = base64.encodebytes(b"%PDF-1.4\n" + Random(1).randbytes(57 * 1000 - 9))
        start, piece, end = (
            MIXED + b"Content-Type: application/pdf; name=x.pdf\nContent-Transfer-Encoding: base64\n\n",
            block,
            b"\n--b--\n",
        )
    else:
        start, piece, end = SHAPES[shape]
    return HEAD + start + piece * ((SIZE - 1000) // len(piece)) + end


def peak(raw: bytes) -> float:
    """How many MiB reading a mail takes at the most, beside the mail itself."""
    explain(b"Subject: x\n\nhello\n")
    tracemalloc.start()
    try:
        explain(raw)
        return tracemalloc.get_traced_memory()[1] / MEGABYTE
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "shape", [*OFTEN, *(pytest.param(shape, marks=pytest.mark.soak) for shape in SHAPES if shape not in OFTEN)]
)
def test_a_mail_of_25_mb_takes_at_most_64_mib(shape: str) -> None:
    raw = mail(shape)
    assert 24 * MEGABYTE < len(raw) <= SIZE + MEGABYTE
    assert peak(raw) < 64
