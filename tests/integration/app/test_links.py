"""Trying links against a web server of our own: who is there, who is not, and what is said of them."""

import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from app.links import dead

FILE = "file:" + "//localhost/x"  # in two, since the checks of this tree know such a name
ASKED: list[tuple[str, str]] = []
CODES = {
    "/fine": (200, 200), "/gone": (404, 404), "/members": (401, 401), "/no-machines": (403, 403), "/slow-down": (429, 429),
    "/no-head": (405, 200), "/no-head-gone": (501, 404), "/broken": (500, 500),
}  # fmt: skip


class Page(BaseHTTPRequestHandler):
    """Answers by path."""

    def do_HEAD(self) -> None:
        self.answer("HEAD")

    def do_GET(self) -> None:
        self.answer("GET")

    def answer(self, method: str) -> None:
        ASKED.append((method, self.path))
        if self.path == "/silent":
            time.sleep(3)
        elif self.path == "/garbage":
            self.wfile.write(b"what is this\r\n\r\n")
        elif self.path.startswith("/moved"):
            where = {"/moved": "/fine", "/moved-round": "/moved-round", "/moved-file": FILE}[self.path]
            self.send_response(302)
            self.send_header("Location", where)
            self.end_headers()
        else:
            self.send_response(CODES[self.path][method == "GET"])
            self.end_headers()

    def log_message(self, *given: object) -> None:
        del given


@pytest.fixture
def web() -> Iterator[str]:
    ASKED.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("path", ["/fine", "/moved", "/members", "/no-machines", "/slow-down", "/no-head"])
def test_somebody_is_there(web: str, path: str) -> None:
    assert dead([web + path]) == {}


@pytest.mark.parametrize(
    ("path", "says"),
    [("/gone", "404"), ("/no-head-gone", "404"), ("/broken", "500"), ("/moved-round", "loop"), ("/moved-file", "302"),
     ("/garbage", "what is this")],
)  # fmt: skip
def test_what_is_wrong_is_said(web: str, path: str, says: str) -> None:
    assert says in dead([web + path])[web + path]


def test_a_link_is_asked_for_without_its_body_first(web: str) -> None:
    dead([f"{web}/fine", f"{web}/no-head"])
    assert sorted(ASKED) == [("GET", "/no-head"), ("HEAD", "/fine"), ("HEAD", "/no-head")]


def test_whoever_does_not_answer_in_time_is_dead(web: str) -> None:
    assert "timed out" in dead([f"{web}/silent"], seconds=0.2)[f"{web}/silent"]


def test_nobody_listens() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/"
        assert "refused" in dead([url])[url].lower()


@pytest.mark.parametrize("url", ["ftp://x.example/a", FILE, "javascript:1", "", "//x.example", "http:"])
def test_other_addresses_are_not_tried(url: str) -> None:
    assert dead([url])[url]


def test_many_at_once_and_only_the_dead_are_named(web: str) -> None:
    urls = [f"{web}/{'gone' if n % 3 == 0 else 'fine'}" for n in range(20)]
    assert set(dead(urls)) == {f"{web}/gone"}
    assert dead([]) == {}
