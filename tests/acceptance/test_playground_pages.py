"""The playground as a newcomer meets it: started, looked at, answered, jumped, stopped, continued."""

import html
import json
import mailbox
import re
import signal
import smtplib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import httpx2
import pytest

from app import history
from app.playground import MARKER, Playground, Wanted
from flows.engine import Refused
from mailer.parse import parse

BRONWEN = "bronwen.tully@wmuk.example"


class Browser:
    """Reads pages and fills in their forms."""

    def __init__(self, url: str) -> None:
        self.http = httpx2.Client(base_url=url, follow_redirects=True, timeout=120)

    def get(self, path: str) -> str:
        page = self.http.get(path)
        assert page.status_code == 200, page.text
        return page.text

    def post(self, path: str, **fields: str) -> str:
        token = re.search(r'name="token" value="([0-9a-f]+)"', self.get("/"))
        assert token
        page = self.http.post(path, data={"token": token[1], **fields})
        assert page.status_code == 200, page.text
        return page.text

    def mails(self, to: str, kind: str = "edition") -> list[int]:
        page = self.http.get("/", params={"to": to, "kind": kind}).text
        return [int(n) for n in re.findall(r'class="subject" href="/mail/(\d+)"', page)]


@pytest.fixture(scope="module")
def playground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Playground]:
    made = Playground(Wanted(tmp_path_factory.mktemp("play") / "here", date(2019, 3, 20)))
    try:
        made.start()
        yield made
    finally:
        made.stop()


@pytest.fixture
def web(playground: Playground) -> Browser:
    return Browser(playground.url)


def until(seen: Callable[[], object]) -> None:
    """Wait for something that happens by itself within seconds."""
    deadline = time.monotonic() + 120
    while not seen():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.1)


def test_the_links_of_a_caught_mail_open_its_readers_pages(web: Browser, playground: Playground) -> None:
    number = web.mails(BRONWEN)[0]
    shown = html.unescape(web.get(f"/mail/{number}?view=text"))
    for path in ("me", "leave"):
        found = re.search(rf"{playground.url}({path}/[0-9a-z]+)", shown)
        assert found, shown
        assert "Wikimedia" in web.get(f"/{found[1]}")


def test_only_what_was_announced_by_the_day_is_known(web: Browser) -> None:
    page = web.get("/timeline")
    assert "Wikimedia Summit 2019" in page
    # What lies in 2020 had not been announced; days of 2018 and 2019 stand there.
    assert not re.search(r'class="dates">[^<]*2020', page)
    assert re.search(r'class="dates">[^<]*2018', page)


def test_everybody_got_their_digests_at_their_own_hour_and_the_troublemakers_made_trouble(
    playground: Playground,
) -> None:
    status = playground.status()
    sums = dict(status.deliveries)
    assert (status.groups, status.liaisons) == (83, 48)
    assert status.entries > 20
    edition = playground.doors.newest_edition()
    assert edition is not None
    assert edition.number == 2
    assert sums["sent"] == len(playground.mailbox.find()) > 50
    assert sums["failed"] >= 1  # permfail@
    hours = {parse(playground.mailbox.raw(one.n)).date[:22] for one in playground.mailbox.find()}
    assert len(hours) > 10
    assert any(one.to == "slow@play.example" for one in playground.mailbox.find())
    assert not any(one.to.startswith(("tempfail", "permfail")) for one in playground.mailbox.find())


def test_arabic_readers_read_from_right_to_left(web: Browser, playground: Playground) -> None:
    arabic = next(one for one in playground.mailbox.find() if one.lang == "ar" and one.kind == "edition")
    body = web.get(f"/mail/{arabic.n}/body")
    assert re.search(r'<html[^>]*dir="rtl"', body)
    assert "أجب عن البند" in body


def test_every_mail_says_that_people_are_invented(playground: Playground) -> None:
    for one in playground.mailbox.find():
        if one.lang == "en":
            assert "people and statements in it are invented" in (playground.mailbox.message(one.n).plain or "")


def test_no_mail_is_cut_by_gmail_or_asks_for_anything_from_afar(playground: Playground) -> None:
    """Below 102 kB of HTML and 200 kB in all, also for somebody new, to whom all that stands is told at length."""
    for one in playground.mailbox.find():
        message = playground.mailbox.message(one.n)
        assert len((message.html or "").encode()) < 102_000
        assert len(playground.mailbox.raw(one.n)) < 200_000
        assert not re.search(r"<img|<script|src=|url\(|@import", message.html or "")


def test_the_circle_from_digest_to_answer_to_the_next_digest(web: Browser, playground: Playground) -> None:
    newest = web.mails(BRONWEN)[0]
    page = web.get(f"/mail/{newest}")
    items = re.findall(r'<option value="(\d+)"[^>]*>item \d+: ([^<]+)<', page)
    number, title = items[0]
    sender = html.unescape(re.search(r'name="sender"[^>]*value="([^"]+)"', page)[1])  # type: ignore[index]
    told = web.post(
        f"/mail/{newest}/answer", sender=sender, to=number, subject="Re: digest", text="Shorter reports, please."
    )
    assert "The server took your answer" in told
    until(lambda: "Shorter reports, please." in web.get("/inputs"))
    filed = web.get("/inputs")
    assert f"item {number}: {title}" in filed
    ref = re.search(r"<strong>(S-\d+)</strong> on <bdi>item", filed)
    assert ref
    until(lambda: web.mails(BRONWEN, "receipt"))
    receipt = playground.mailbox.message(web.mails(BRONWEN, "receipt")[0])
    assert ref[1] in (receipt.plain or "")
    act = re.search(r'action="(/inputs/\d+/accept)"', filed)
    assert act
    assert "Accepted" in web.post(act[1])
    jumped = web.post("/clock/to", day="2019-03-26")
    assert "The clock moved from" in jumped
    assert "of the digest was approved" in jumped
    later = playground.mailbox.message(web.mails(BRONWEN)[0])
    assert later.subject != playground.mailbox.message(newest).subject
    own = (later.plain or "").partition("What became of what you sent")[2]
    assert ref[1] in own
    assert "Shorter reports, please." in own


def test_words_between_the_quoted_lines_are_filed_where_they_stand(web: Browser, playground: Playground) -> None:
    newest = web.mails(BRONWEN)[0]
    page = web.get(f"/mail/{newest}")
    text = html.unescape(re.search(r"<textarea[^>]*>\n(.*?)</textarea>", page, re.DOTALL)[1])  # type: ignore[index]
    lines = text.split("\n")
    number, title = re.findall(r'<option value="(\d+)"[^>]*>item \d+: ([^<]+)<', page)[1]
    at = lines.index(f"> {number}. {html.unescape(title)}")
    sender = html.unescape(re.search(r'name="sender"[^>]*value="([^"]+)"', page)[1])  # type: ignore[index]
    typed = "\n".join([*lines[: at + 1], "", "We can host that one.", "", *lines[at + 1 :]])
    web.post(f"/mail/{newest}/answer", sender=sender, to="whole", subject="Re: digest", text=typed)
    until(lambda: "We can host that one." in web.get("/inputs"))
    card = next(card for card in web.get("/inputs").split("<article") if "We can host that one." in card)
    assert f"item {number}: {title}" in card
    assert "quote, cut" in card


def test_strangers_are_held_and_unknown_addresses_refused(web: Browser) -> None:
    newest = web.mails(BRONWEN)[0]
    fields = {"sender": "Eve <eve@elsewhere.example>", "to": "whole", "subject": "hello", "text": "A view of mine."}
    assert "The server took your answer" in web.post(f"/mail/{newest}/answer", **fields)
    until(lambda: "eve@elsewhere.example" in web.get("/held"))
    page = web.get("/held")
    assert "A view of mine." in page
    refused = web.post(f"/mail/{newest}/answer", **fields, other="nobody@tidings.example")
    assert "The server refused your answer" in refused
    assert "550" in refused
    act = re.search(r'action="(/held/\d+/file)"', page)
    assert act
    assert "Filed" in web.post(act[1])
    assert "A view of mine." in web.get("/inputs")


def test_any_mail_program_can_write_to_it(web: Browser, playground: Playground) -> None:
    with smtplib.SMTP("127.0.0.1", playground.smtp_port, local_hostname="laptop.example") as client:
        client.sendmail(BRONWEN, ["core@tidings.example"], f"From: {BRONWEN}\r\nSubject: an idea\r\n\r\nBy swaks.\r\n")
    until(lambda: "By swaks." in web.get("/inputs"))


def test_a_jump_goes_to_the_next_due_moment_and_says_which(web: Browser, playground: Playground) -> None:
    due = playground.service.next_due()
    assert due is not None
    assert html.escape(due.what) in html.escape(html.unescape(web.get("/")))
    assert "The clock moved from" in web.post("/clock/next", back="/timeline")
    assert playground.clock() >= due.at


def test_what_is_announced_becomes_known_in_the_morning_of_its_day() -> None:
    assert history.days()[0] == date(2018, 3, 26)
    assert history.following(datetime(2019, 3, 16, tzinfo=UTC)) == datetime(2019, 3, 29, 5, tzinfo=UTC)
    assert history.following(datetime(2021, 1, 1, tzinfo=UTC)) is None


def test_a_folder_that_is_no_playground_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("mine")
    with pytest.raises(Refused, match="is no playground"):
        Playground(Wanted(tmp_path, date(2019, 3, 20)))
    assert (tmp_path / "letter.txt").read_text() == "mine"


def test_two_at_once_in_one_folder_are_refused(playground: Playground) -> None:
    with pytest.raises(Refused, match="is running"):
        Playground(Wanted(playground.place.folder, date(2019, 3, 20)))
    assert (playground.place.folder / MARKER).is_file()


def test_mutt_reads_the_folder(playground: Playground) -> None:
    box = mailbox.Maildir(playground.place.folder / "Maildir", create=False)
    assert len(box) == len(playground.mailbox)


def command(folder: Path, *more: str) -> "subprocess.Popen[str]":
    program = Path(sys.executable).parent / "tidings"
    return subprocess.Popen(
        [program, "--json", "play", "--folder", folder, "--at", "2018-04-10", *more],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_the_command_starts_stops_and_starts_again(tmp_path: Path) -> None:
    folder = tmp_path / "play"
    seen: list[dict[str, object]] = []
    for more, sign in (((), signal.SIGINT), (("--keep",), signal.SIGTERM), ((), signal.SIGTERM)):
        running = command(folder, *more)
        try:
            assert running.stdout
            line = running.stdout.readline()
            assert line, running.stderr.read() if running.stderr else ""
            seen.append(json.loads(line))
            assert "are invented" in httpx2.get(str(seen[-1]["viewer"])).text
            running.send_signal(sign)
            out, err = running.communicate(timeout=120)
        finally:
            running.kill()
        assert running.returncode == 0, err
        assert "Traceback" not in out + err
    first, kept, fresh = seen
    assert first["groups"] == 83
    assert int(str(first["delivered"])) > 0
    assert kept["delivered"] == first["delivered"]
    assert str(kept["now"])[:13] == str(first["now"])[:13]
    assert fresh["delivered"] == first["delivered"]
    assert (folder / "tidings.toml").stat().st_mode & 0o077 == 0


def test_a_day_before_everything_is_refused_in_one_line(tmp_path: Path) -> None:
    program = Path(sys.executable).parent / "tidings"
    done = subprocess.run(
        [program, "play", "--folder", tmp_path / "play", "--at", "2001-01-01"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "nothing was known on 2001-01-01" in done.stderr
    assert "Traceback" not in done.stderr
