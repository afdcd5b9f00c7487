"""Logs: one JSON object a line, from our code and from libraries, without addresses, tokens or subjects."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from app import logs

TOKEN = "0" * 15 + "zf00g0985gj4d9ss3e35"


@pytest.fixture
def out() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    yield io.StringIO()
    root.handlers[:], level = before
    root.setLevel(level)
    structlog.reset_defaults()


def lines(out: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_one_object_a_line_without_people(out: io.StringIO) -> None:
    logs.configure("json", "info", out)
    structlog.get_logger().warning("fault", what="mail of Ana <ana@west.example> failed", subject="Re: secret", n=3)
    logging.getLogger("somewhere").info("GET /me/%s by %s", TOKEN, "ana@west.example")
    logging.getLogger("somewhere").debug("not important")
    first, second = lines(out)
    assert (first["event"], first["n"], first["level"]) == ("fault", 3, "warning")
    assert second["event"] == "GET /me/[private] by [private]"
    assert "at" in first
    assert "ana" not in out.getvalue().lower().replace("mail of ana", "")
    assert "secret" not in out.getvalue()


def test_an_exception_is_told_without_people(out: io.StringIO) -> None:
    logs.configure("json", "info", out)
    words = " ".join(("no such", "mailbox:", "ana@west.example"))
    try:
        raise ValueError(words)
    except ValueError:
        logging.getLogger("somewhere").exception("it broke")
    (line,) = lines(out)
    assert "ValueError" in str(line["exception"])
    assert "test_logs.py" in str(line["exception"])
    assert "west.example" not in out.getvalue()
    assert "such mailbox:" not in out.getvalue()


@pytest.mark.parametrize("form", ["json", "text"])
def test_what_an_exception_quotes_is_left_out(out: io.StringIO, form: str) -> None:
    logs.configure(form, "debug", out)
    words = " ".join(("Ana", "Sol", "is", "ill"))
    try:
        try:
            {}[words]
        except KeyError as error:
            raise OSError(28, "No space left on device", "/var/lib/tidings") from error
    except OSError:
        logging.getLogger("somewhere").exception("it broke")
    assert words not in out.getvalue()
    assert "KeyError" in out.getvalue()
    assert "No space left on device" in out.getvalue()


def test_lines_for_people(out: io.StringIO) -> None:
    logs.configure("text", "warning", out)
    structlog.get_logger().info("quiet")
    structlog.get_logger().error("job failed", job="deliver")
    assert "quiet" not in out.getvalue()
    assert "job failed" in out.getvalue()
    assert "job=deliver" in out.getvalue()


@pytest.mark.parametrize("kept", ["2019-03-11T09:00:00Z", "a" * 34, "fd21b65694b1710360e4aa7f3db109c4bd9f8e3e4eeb1d0b"])
def test_what_is_nobodys_stays(out: io.StringIO, kept: str) -> None:
    logs.configure("json", "info", out)
    structlog.get_logger().info("sealed", hash=kept)
    assert kept in out.getvalue()


def test_libraries_do_not_tell_of_every_tick(out: io.StringIO) -> None:
    logs.configure("text", "info", out)
    logging.getLogger("apscheduler.executors.default").info("executed successfully")
    logging.getLogger("apscheduler.scheduler").warning("skipped: maximum number of running instances reached")
    logging.getLogger("apscheduler.executors.default").error("raised an exception")
    assert "executed" not in out.getvalue()
    assert "skipped" not in out.getvalue()
    assert "raised" in out.getvalue()
    logs.configure("text", "debug", out)
    logging.getLogger("apscheduler.scheduler").debug("next wakeup")
    assert "next wakeup" in out.getvalue()


def test_colours_of_a_terminal_are_not_written(out: io.StringIO) -> None:
    logs.configure("json", "info", out)
    logging.getLogger("uvicorn.error").info("Started %d", 7, extra={"color_message": "\x1b[36mStarted\x1b[0m %d"})
    (line,) = lines(out)
    assert line["event"] == "Started 7"
    assert "color_message" not in line
