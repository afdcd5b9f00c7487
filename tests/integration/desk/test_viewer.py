"""The viewer's pages over invented ports: what they show, what they do, and what they refuse."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from desk.play.guard import form_token
from desk.play.ports import Said
from desk.play.viewer import viewer
from mailer.message import Envelope
from mailer.parse import parse
from tests.playground import SECRET, Stage, stage

TOKEN = {"token": form_token(SECRET)}
PAGES = (
    "/", "/?page=2", "/?find=zzz", "/mail/1", "/mail/5", "/mail/5?view=text", "/mail/6?view=headers",
    "/mail/6?view=source", "/mail/5?to=3", "/mail/5?to=nonsense&view=nonsense", "/inputs", "/held", "/timeline",
)  # fmt: skip


@pytest.fixture
def world(tmp_path: Path) -> Stage:
    return stage(tmp_path / "Maildir")


@pytest.fixture
def web(world: Stage) -> Iterator[TestClient]:
    with TestClient(viewer(world.ports(), SECRET), base_url="http://127.0.0.1:8025", follow_redirects=False) as client:
        yield client


class Outline(HTMLParser):
    """Whether elements are closed in order, fields have labels, and headings begin with one h1."""

    VOID = {"meta", "link", "input", "br", "base", "img", "hr"}

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.headings: list[str] = []
        self.ids: list[str] = []
        self.labels: set[str] = set()
        self.fields: list[str] = []
        self.scripts = 0
        self.remote: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag not in self.VOID:
            self.open.append(tag)
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(tag)
        if given.get("id"):
            self.ids.append(given["id"] or "")
        if tag == "label":
            self.labels.add(given.get("for") or "")
        if tag in ("select", "textarea") or (tag == "input" and given.get("type") != "hidden"):
            self.fields.append(given.get("id") or "")
        self.scripts += tag == "script" or any(name.startswith("on") for name in given)
        if tag in ("img", "link", "iframe", "script") and (given.get("src") or given.get("href") or "").startswith(
            "http"
        ):
            self.remote.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("path", PAGES)
def test_every_page_is_whole_labelled_and_says_that_people_are_invented(web: TestClient, path: str) -> None:
    page = web.get(path)
    assert page.status_code == 200
    outline = Outline(page.text)
    assert outline.open == []
    assert outline.headings.count("h1") == 1
    assert outline.headings[0] == "h1"
    assert len(outline.ids) == len(set(outline.ids))
    assert set(outline.fields) <= outline.labels
    assert outline.scripts == 0
    assert outline.remote == []
    assert "are invented" in page.text
    assert "Jump to the next due moment" in page.text
    assert "the next mail leaves" in page.text
    assert '<html lang="en" dir="ltr">' in page.text


@pytest.mark.parametrize("path", ["/inputs", "/held", "/timeline", "/"])
def test_an_empty_playground_says_what_to_do(tmp_path: Path, path: str) -> None:
    empty = stage(tmp_path / "none", kinds=())
    empty.empty = True
    with TestClient(viewer(empty.ports(), SECRET), base_url="http://localhost") as client:
        page = client.get(path)
    assert page.status_code == 200
    assert 'class="empty"' in page.text


def test_the_list_is_newest_first_filtered_and_paged(web: TestClient, world: Stage) -> None:
    for n in range(30):
        world.mailbox.add(
            Envelope("x@y.example", (f"{n}@z.example",)), f"To: {n}@z.example\r\nSubject: m{n}\r\n\r\n".encode()
        )
    first, second = web.get("/").text, web.get("/?page=2").text
    assert "36 mails" in first
    assert "Page 1 of 2" in first
    assert first.index("m29") < first.index("m28")
    assert 'href="/?page=2"' in first
    assert "m29" not in second
    only = web.get("/", params={"to": "7@z.example"}).text
    assert "1 mail, filtered" in only
    assert "m7" in only
    assert "m8<" not in only
    assert "Receipt" in web.get("/?kind=receipt").text
    assert "Page 2 of 2" in web.get("/?page=99").text


def test_a_mail_has_four_views(web: TestClient) -> None:
    assert '<iframe src="/mail/6/body"' in web.get("/mail/6").text
    text = web.get("/mail/6?view=text").text
    assert 'class="text" lang="ar" dir="rtl"' in text
    assert "أجب عن البند 3:" in text
    heads = web.get("/mail/6?view=headers").text
    assert '<th scope="row">List-Unsubscribe</th>' in heads
    assert "bounce+x@tidings.example.org" in heads
    assert "Content-Transfer-Encoding: base64" in web.get("/mail/6?view=source").text


def test_the_download_is_the_mail_as_sent(web: TestClient, world: Stage) -> None:
    eml = web.get("/mail/5/mail.eml")
    assert eml.content == world.mailbox.raw(5)
    assert eml.headers["content-type"] == "message/rfc822"
    assert eml.headers["content-disposition"] == 'attachment; filename="mail-5.eml"'


def test_what_a_mail_brings_is_listed_and_can_be_taken(web: TestClient) -> None:
    page = web.get("/mail/3").text
    (link,) = re.findall(r'href="(/mail/3/file/[0-9]+)" download', page)
    file = web.get(link)
    assert file.content.startswith(b"BEGIN:VCALENDAR")
    assert file.headers["content-type"].startswith("text/calendar")
    assert file.headers["content-disposition"].startswith("attachment; filename=")
    assert "/file/" not in web.get("/mail/1").text
    for path in ("/mail/3/file/0", "/mail/3/file/2", "/mail/1/file/1", "/mail/99/file/1"):
        assert web.get(path).status_code == 404


def test_a_rendered_mail_can_do_nothing_but_be_read(web: TestClient) -> None:
    body = web.get("/mail/5/body")
    policy = body.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "allow-scripts" not in policy
    assert "form-action 'none'" in policy
    assert "sandbox" in policy
    assert "frame-ancestors 'self'" in policy
    assert "allow-same-origin" not in policy
    frame = re.search(r"<iframe[^>]*>", web.get("/mail/5").text)
    assert frame
    assert 'sandbox="' in frame[0]
    assert "allow-scripts" not in frame[0]
    assert "allow-same-origin" not in frame[0]


def test_the_button_under_an_item_leads_to_the_answer_box(web: TestClient, world: Stage) -> None:
    body = web.get("/mail/5/body").text
    assert 'href="/mail/5?to=3#answer" target="_top"' in body
    assert '<base target="_blank">' in body
    page = web.get("/mail/5?to=3").text
    assert '<option value="3" selected>item 3: Which roles' in page


def test_an_answer_goes_out_as_a_proper_reply_and_its_fate_is_shown(web: TestClient, world: Stage) -> None:
    form = {
        **TOKEN,
        "sender": "Ana <ana@west.example>",
        "to": "3",
        "subject": "Re: digest",
        "text": "The small ones.\r\n",
    }
    went = web.post("/mail/5/answer", data=form)
    assert went.status_code == 303
    page = web.get(went.headers["location"])
    assert "The server took your answer" in page.text
    assert "250 2.0.0 kept" in page.text
    ((mail_from, rcpt_to, data),) = world.sent
    assert mail_from == "ana@west.example"
    assert rcpt_to == ["reply+0eehbjp1t28t5cy4g03cwzmex1yj7049n36@tidings.example.org"]
    sent = parse(data)
    assert (sent.plain or "").strip() == "The small ones."
    assert sent.in_reply_to == (world.mailbox.message(5).message_id,)
    assert went.headers["location"] in web.get("/mail/5").text


def test_a_refusal_is_shown_and_what_was_typed_is_not_lost(web: TestClient, world: Stage) -> None:
    world.said = Said(550, "5.1.1 no such address here")
    form = {**TOKEN, "sender": "eve@x.example", "to": "whole", "other": "nobody@tidings.example.org", "subject": "s"}
    went = web.post("/mail/5/answer", data={**form, "text": "unique words"})
    page = web.get(went.headers["location"]).text
    assert "The server refused your answer" in page
    assert "550 5.1.1 no such address here" in page
    assert world.sent[0][1] == ["nobody@tidings.example.org"]
    again = re.search(r'href="(/mail/5\?again=\d+)#answer"', page)
    assert again
    assert "unique words" in web.get(again[1]).text


def test_a_wrong_sender_is_told_beside_the_form_and_nothing_is_sent(web: TestClient, world: Stage) -> None:
    form = {**TOKEN, "sender": "not an address", "to": "whole", "subject": "s", "text": "kept words"}
    page = web.post("/mail/5/answer", data=form)
    assert page.status_code == 422
    assert "Nothing was sent" in page.text
    assert "kept words" in page.text
    assert world.sent == []


def test_inputs_show_what_was_cut_and_can_be_accepted_and_declined(web: TestClient, world: Stage) -> None:
    page = web.get("/inputs").text
    assert "S-1003" in page
    assert "on <bdi>item 3: Which roles" in page
    assert "quote, cut" in page
    assert "The whole mail, with what was cut" in page
    assert 'action="/inputs/2/accept"' in page
    assert 'action="/inputs/1/accept"' not in page
    went = web.post("/inputs/2/accept", data=TOKEN)
    assert went.status_code == 303
    assert went.headers["location"].endswith("#input-2")
    assert "Accepted" in web.get(went.headers["location"]).text
    web.post("/inputs/2/decline", data={**TOKEN, "reason": "  not now "})
    assert world.done == [("accept", 2), ("decline", 2, "not now")]


def test_held_mail_can_be_filed_or_ignored(web: TestClient, world: Stage) -> None:
    page = web.get("/held").text
    assert "awaits the writer" in page
    assert 'action="/held/7/file"' in page
    assert 'action="/held/6/file"' not in page
    web.post("/held/7/file", data=TOKEN)
    web.post("/held/7/ignore", data=TOKEN)
    assert world.done == [("file", 7), ("ignore", 7)]


def test_what_cannot_be_done_is_said(web: TestClient) -> None:
    went = web.post("/inputs/404/accept", data=TOKEN)
    assert "there is no input 404" in web.get(went.headers["location"]).text


def test_the_clock_jumps_and_the_page_tells_what_happened(web: TestClient, world: Stage) -> None:
    went = web.post("/clock/next", data={**TOKEN, "back": "/inputs?x=1"})
    assert went.headers["location"].startswith("/inputs?x=1&note=")
    page = web.get(went.headers["location"]).text
    assert "The clock moved from Wed 20 Mar 2019, 09:00 UTC to Wed 20 Mar 2019, 12:00 UTC" in page
    assert "edition 2 of core was drafted" in page
    web.post("/clock/to", data={**TOKEN, "day": "2019-04-01"})
    assert world.now.isoformat() == "2019-04-01T12:00:00+00:00"
    back = web.post("/clock/to", data={**TOKEN, "day": "2019-01-01"})
    assert "only moves forward" in web.get(back.headers["location"]).text
    wrong = web.post("/clock/to", data={**TOKEN, "day": "tomorrow"})
    assert "is not a day" in web.get(wrong.headers["location"]).text


@pytest.mark.parametrize(
    "back", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:x", "/a\nb"]
)
def test_no_form_leads_away(web: TestClient, back: str) -> None:
    went = web.post("/clock/next", data={**TOKEN, "back": back})
    assert went.headers["location"].startswith("/?note=")


ACTS = ("/inputs/2/accept", "/inputs/2/decline", "/held/7/file", "/held/7/ignore", "/clock/next")


@pytest.mark.parametrize("act", ACTS)
def test_forms_from_elsewhere_do_nothing(web: TestClient, world: Stage, act: str) -> None:
    was = world.now
    assert web.post(act, data={"token": "guessed"}).status_code == 403
    assert web.post(act, data={"token": "käse"}).status_code == 403
    assert web.post(act).status_code in (411, 422)
    assert web.post(act, data=TOKEN, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert web.post(act, data=TOKEN, headers={"Origin": "https://evil.example"}).status_code == 403
    assert web.post(act, data=TOKEN, headers={"Origin": "null"}).status_code == 403
    assert web.get(act).status_code in (404, 405)
    assert world.done == []
    assert world.now == was


def test_own_forms_pass_as_browsers_send_them(web: TestClient, world: Stage) -> None:
    headers = {"Origin": "http://127.0.0.1:8025", "Sec-Fetch-Site": "same-origin"}
    assert web.post("/inputs/2/accept", data=TOKEN, headers=headers).status_code == 303
    assert world.done == [("accept", 2)]


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8025", "127.0.0.1.evil.example", "[", "", "localhost@evil"]
)
def test_foreign_names_are_refused(web: TestClient, host: str) -> None:
    assert web.get("/", headers={"Host": host}).status_code == 421


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:8025", "LOCALHOST", "[::1]:8025"])
def test_own_names_are_served(web: TestClient, host: str) -> None:
    assert web.get("/", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("path", ["/", "/mail/5/body", "/style.css", "/nothing", "/mail/5/mail.eml"])
def test_every_answer_keeps_to_itself(web: TestClient, path: str) -> None:
    headers = web.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cache-control"] == "no-store"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "unsafe-inline" not in headers["content-security-policy"] or path == "/mail/5/body"


def test_what_is_not_there_is_said_on_a_page(web: TestClient) -> None:
    for path in ("/mail/99", "/mail/zero", "/nowhere", "/sent/1", "/mail/99/body", "/mail/99/mail.eml"):
        page = web.get(path)
        assert page.status_code in (404, 422)
        assert "That did not work" in page.text
        assert "are invented" in page.text


def test_a_long_form_is_refused_before_it_is_read(web: TestClient) -> None:
    assert web.post("/clock/next", content=b"x" * 2_000_001).status_code == 413


def test_markup_from_outside_stays_text(web: TestClient, world: Stage) -> None:
    evil = "<script>alert(1)</script>"
    world.mailbox.add(
        Envelope("x@y.example", ("a@b.example",)), f"To: a@b.example\r\nSubject: {evil}\r\n\r\n{evil}\r\n".encode()
    )
    for path in ("/", "/mail/7", "/mail/7?view=text", "/mail/7?view=headers", "/mail/7?view=source"):
        page = web.get(path).text
        assert evil not in page
        assert "&lt;script&gt;" in page
