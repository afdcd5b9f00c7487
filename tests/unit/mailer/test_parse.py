"""Parsing: real-world repairs, limits, and no exception on any bytes."""

import base64
import io
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.parse import Limits, hops, parse


def text_mail(body=b"hello\r\n", extra=b"", charset=b"utf-8"):
    return (
        b"From: Ana <ana@a.example>\r\nSubject: s\r\nContent-Type: text/plain; charset="
        + charset
        + b"\r\n"
        + extra
        + b"\r\n"
        + body
    )


def multipart(*parts, kind=b"mixed"):
    body = b"".join(b"--b\r\n" + p + b"\r\n" for p in parts)
    return b"From: a@b.example\r\nContent-Type: multipart/" + kind + b"; boundary=b\r\n\r\n" + body + b"--b--\r\n"


PLAIN = b"Content-Type: text/plain\r\n\r\nplain words"
HTML = b"Content-Type: text/html\r\n\r\n<p>html words</p>"


def test_headers_are_decoded_and_clean():
    raw = (
        b'From: =?utf-8?q?Zo=C3=AB?= <zoe@a.example>\r\nTo: A <a@b.example>, "x, y" <c@d.example>\r\n'
        b"Cc: e@f.example\r\n"
        b"Subject: =?utf-8?b?w6k=?=\r\n =?utf-8?b?w6k=?= =?utf-8?q?a=0D=0ABcc:_evil@x.example?=\r\n"
        b"Message-ID: <1@a>\r\nReferences: <1@a> <2@b>\r\nIn-Reply-To: <2@b>\r\nX-H: a\x1cBcc: b\r\n\r\nx"
    )
    message = parse(raw)
    assert (message.from_name, message.from_addr) == ("Zoë", "zoe@a.example")
    assert message.to == ("a@b.example", "c@d.example")
    assert message.cc == ("e@f.example",)
    assert message.subject == "ééa Bcc: evil@x.example"
    assert message.references == ("<1@a>", "<2@b>")
    assert all("\n" not in v and "\r" not in v and "\x1c" not in v for _, v in message.headers)


@pytest.mark.parametrize(
    ("label", "data", "want"),
    [
        (b"big5", "小組需要時間".encode(), "小組需要時間"),
        (b"iso-8859-1", "naïve Ω".encode(), "naïve Ω"),
        (b"us-ascii", b"caf\xe9 cr\xe8me", "café crème"),
        (b"no-such-charset", "Grüße aus Köln".encode("cp1252"), "Grüße aus Köln"),
        (b"koi8-r", "Привет".encode("koi8-r"), "Привет"),
        (b"iso-2022-jp", "こんにちは".encode("iso-2022-jp"), "こんにちは"),
        (b"tis-620", "สวัสดี".encode("cp874"), "สวัสดี"),
        (b"gb2312", "镕基同意".encode("gb18030"), "镕基同意"),
        (b"utf-8", b"good \xd0\xbf\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82\xff", "good привет\ufffd"),
    ],
)
def test_charsets_lie(label, data, want):
    assert parse(text_mail(data, charset=label)).plain == want


def test_alternative_gives_both_bodies():
    message = parse(multipart(PLAIN, HTML, kind=b"alternative"))
    assert message.plain == "plain words"
    assert message.html == "<p>html words</p>"


def test_text_after_a_picture_goes_on_and_an_appended_part_is_listed():
    picture = b"Content-Type: image/png\r\nContent-Disposition: inline; filename=a.png\r\n\r\n\x89PNG\r\n\x1a\n"
    message = parse(multipart(PLAIN, picture, b"Content-Type: text/plain\r\n\r\nmore"))
    assert message.plain == "plain words\nmore"
    message = parse(multipart(PLAIN, b"Content-Type: text/plain\r\n\r\nlist footer"))
    assert message.plain == "plain words"
    assert [a.text for a in message.attachments] == ["list footer"]


def test_attachment_names():
    raw = multipart(
        PLAIN,
        b"Content-Type: application/pdf\r\nContent-Disposition: attachment;\r\n"
        b" filename*0*=utf-8''R%C3%A9;\r\n filename*1=\"s.pdf\"\r\n\r\n%PDF-",
        b'Content-Type: application/x; name="=?utf-8?q?=C3=A9.bin?="\r\nContent-Disposition: attachment\r\n\r\nx',
        b'Content-Disposition: attachment; filename="../../etc/passwd"\r\n\r\nx',
    )
    assert [a.name for a in parse(raw).attachments] == ["Rés.pdf", "é.bin", "passwd"]


def office(member, xml):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        if member == "content.xml":
            archive.writestr("mimetype", "application/vnd.oasis.opendocument.text")
        archive.writestr(member, xml)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.txt", b"our answer"),
        ("a.md", b"our answer"),
        ("a.odt", office("content.xml", "<x><text:p>our answer</text:p></x>")),
        ("a.docx", office("word/document.xml", "<w><w:p><w:t>our answer</w:t></w:p></w>")),
    ],
)
def test_text_of_attachments(name, data):
    part = (
        b"Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n"
        b"Content-Disposition: attachment; filename=" + name.encode() + b"\r\n\r\n" + base64.encodebytes(data)
    )
    (attachment,) = parse(multipart(PLAIN, part)).attachments
    assert attachment.text == "our answer"
    assert attachment.content == data


def test_zip_bomb_is_cut():
    bomb = office("content.xml", "<text:p>" + "a" * 5_000_000 + "</text:p>")
    part = b"Content-Type: application/vnd.oasis.opendocument.text\r\nContent-Transfer-Encoding: base64\r\n" + (
        b"Content-Disposition: attachment; filename=a.odt\r\n\r\n" + base64.encodebytes(bomb)
    )
    (attachment,) = parse(multipart(PLAIN, part), Limits(readable=100_000)).attachments
    assert attachment.text is not None
    assert len(attachment.text) <= 100_000


def test_winmail_is_unpacked():
    def attribute(level, name, data):
        return bytes([level]) + name.to_bytes(4, "little") + len(data).to_bytes(4, "little") + data + b"\0\0"

    tnef = b"\x78\x9f\x3e\x22\x01\x00" + attribute(2, 0x00069002, b"\0" * 14)
    tnef += attribute(2, 0x00018010, b"note.txt\0") + attribute(2, 0x0006800F, b"inside")
    part = (
        b"Content-Type: application/ms-tnef; name=winmail.dat\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + base64.encodebytes(tnef)
    )
    (attachment,) = parse(multipart(PLAIN, part)).attachments
    assert (attachment.name, attachment.content, attachment.text) == ("note.txt", b"inside", "inside")


def test_uuencoded_file_in_the_text():
    message = parse(text_mail(b"see this\r\nbegin 644 a.txt\r\n#0V%T\r\n`\r\nend\r\nthanks\r\n"))
    assert "begin" not in message.plain
    assert [(a.name, a.content) for a in message.attachments] == [("a.txt", b"Cat")]


def test_flowed():
    raw = text_mail(b"one \r\ntwo\r\n> q \r\n> r\r\n-- \r\nAna\r\n", charset=b"utf-8; format=flowed")
    assert parse(raw).plain == "one two\n> q r\n-- \nAna\n"


def test_report_parts_are_kept_for_the_rules():
    raw = multipart(
        PLAIN,
        b"Content-Type: message/delivery-status\r\n\r\nStatus: 5.1.1\r\n",
        kind=b"report; report-type=delivery-status",
    )
    assert [(p.type, p.text.strip()) for p in parse(raw).parts] == [("message/delivery-status", "Status: 5.1.1")]


def test_forwarded_message_inside():
    inner = b"From: bo@b.example\r\nSubject: ours\r\n\r\nour answer"
    message = parse(multipart(PLAIN, b"Content-Type: message/rfc822\r\n\r\n" + inner))
    assert message.plain == "plain words"
    assert message.parts[0].type == "message/rfc822"
    assert "our answer" in message.parts[0].text
    assert message.attachments[0].content == inner


@pytest.mark.parametrize(
    ("raw", "want"),
    [
        (b"", None),
        (b"\r\n\r\nbody", "body"),
        (b"From x Mon Jan 1\r\nSubject: s\r\n\r\nbody", "body"),
        (b"Subject: s\rX: y\r\rbody", "body"),
        (b"Subject: s\nno colon here\n\nbody", "no colon here\n\nbody"),
        (b"Content-Type: multipart/mixed\n\n--zz\nContent-Type: text/plain\n\nbody\n--zz--\n", "body"),
        (b"Content-Type: multipart/mixed; boundary=q\n\nno parts", "no parts"),
    ],
)
def test_broken_mail_is_read(raw, want):
    assert (parse(raw).plain or None) == want


def test_depth_and_parts_are_capped():
    deep = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (i, i) for i in range(900))
    assert "too-deep" in parse(deep + b"\r\nx").warnings
    many = parse(
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\nContent-Type: image/png\r\n\r\nx\r\n" * 10_000
    )
    assert "too-many-parts" in many.warnings
    assert len(many.attachments) <= 500


def test_headers_are_capped():
    message = parse(b"X: y\r\n" * 100_000 + b"\r\nbody")
    assert "headers-cut" in message.warnings
    assert len(message.headers) <= 1_000
    assert len(parse(b"Subject: " + b"a" * 1_000_000 + b"\r\n\r\nx").subject) <= 65_536


def test_large_attachment_is_listed_without_content():
    part = b"Content-Type: application/zip; name=a.zip\r\n\r\n" + b"x" * 3_000
    message = parse(multipart(PLAIN, part, part), Limits(attachments_total=3_000, attachment=3_000))
    assert [len(a.content) for a in message.attachments] == [3_000, 0]
    assert "attachment-too-large" in message.warnings


def test_hops():
    raw = b"Received: from a.example by b.example with ESMTP id 1; Mon, 6 Jan 2025 10:00:00 +0000\r\n"
    raw += b"Received: nonsense\r\n\r\nx"
    found = hops(parse(raw))
    assert len(found) == 2
    assert any(str(h.get("by", "")).startswith("b.example") for h in found)
    assert hops(parse(b"\r\nx")) == ()


BYTES = st.sampled_from(
    [
        b"Content-Type: multipart/mixed; boundary=b\r\n",
        b"Content-Type: text/html\r\n",
        b"--b\r\n",
        b"--b--\r\n",
        b"\r\n",
        b"\n",
        b"\r",
        b"Content-Transfer-Encoding: base64\r\n",
        b"Content-Transfer-Encoding: quoted-printable\r\n",
        b"=?utf-8?b?",
        b"?=",
        b"=ZZ",
        b"\x00",
        b"Content-Type: message/rfc822\r\n\r\n",
        b"begin 644 x\r\n",
        b"end\r\n",
        b"Subject: ",
        b"From: ",
        b'"',
        b"(",
        b"<",
        b";",
        b"\xff\xfe",
        b"Content-Disposition: attachment; filename*0*=x''%",
        b"charset=utf-7",
        b"\x1b$B",
        b"Content-Type: application/ms-tnef\r\n\r\n\x78\x9f\x3e\x22",
    ]
)


@settings(max_examples=400, deadline=None)
@given(st.lists(st.one_of(BYTES, st.binary(max_size=30)), max_size=30))
def test_never_raises_and_text_is_clean(pieces):
    message = parse(b"".join(pieces))
    for text in (message.plain, message.html, message.subject, message.from_addr, *(v for _, v in message.headers)):
        assert not set(text or "") & set("\x00\x0b\x1c\r\u2028\x85")
    assert all("\n" not in v for _, v in message.headers)
    (message.plain or "").encode()


@pytest.mark.parametrize("footer", [b"_______________________\nA list of ours", b"-- a list, with rules: none"])
def test_a_footer_glued_to_base64_stays_readable(footer):
    raw = b"Subject: x\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\nU8OtLCB1bm\n8u\n"
    assert parse(raw + footer + b"\n").plain.startswith("S\u00ed, uno.\n" + footer.decode()[:12])
