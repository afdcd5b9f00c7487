"""The courier against a sink that remembers and misbehaves: outcomes, order of record and final dot, faults, TLS."""

import os
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mailer.message import Envelope
from mailer.wire.courier import CarryReport, Courier, CourierSettings, Letter, Outcome, Relay
from mailer.wire.letters import TlsMode
from mailer.wire.sink import DROP, LOSE, STALL, Fault, Sink, SinkSettings
from mailer.wire.smtpd import Conversation
from tests.integration.wire.dialogue import PATIENCE, Store, certificate, listening, server_tls, until

QUICK = CourierSettings(
    helo="out.example",
    connections=3,
    connect_timeout=5,
    greeting_timeout=PATIENCE,
    command_timeout=PATIENCE,
    dot_timeout=PATIENCE,
)


@contextmanager
def sinking(fault: Fault | None = None, on_mail: Any = None, **settings: Any) -> Iterator[Sink]:
    sink = Sink(on_mail, replace(SinkSettings(slow=0.2), **settings), fault)
    sink.start()
    try:
        yield sink
    finally:
        sink.stop()


@contextmanager
def courier(*relays: Relay | int, **settings: Any) -> Iterator[Courier]:
    known = [relay if isinstance(relay, Relay) else Relay("127.0.0.1", relay) for relay in relays]
    made = Courier(known, replace(QUICK, **settings))
    try:
        yield made
    finally:
        made.close()


class Book:
    """A record that remembers."""

    def __init__(self) -> None:
        self.outcomes: dict[int, Outcome] = {}
        self.batches: list[int] = []

    def __call__(self, outcomes: Sequence[Outcome]) -> None:
        self.batches.append(len(outcomes))
        for outcome in outcomes:
            assert outcome.id not in self.outcomes, "an outcome was recorded twice"
            self.outcomes[outcome.id] = outcome


def letter(number: int, rcpt: str = "ana@there.example", data: bytes = b"hello\r\n", **more: Any) -> Letter:
    head = b"Message-ID: <%d@here.example>\r\nSubject: x\r\n\r\n" % number
    return Letter(number, "bounce+t@here.example", rcpt, head + data, **more)


def letters(count: int) -> Iterator[Letter]:
    return (letter(number) for number in range(count))


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_all_arrive_as_written_over_kept_connections() -> None:
    seen: dict[str, bytes] = {}

    def on_mail(envelope: Envelope, data: bytes) -> None:
        seen[envelope.rcpt_to[0]] = data

    book = Book()
    with sinking(on_mail=on_mail) as sink, courier(sink.port) as made:
        dots = b".\r\n..\r\n.x\r\nend\r\n.\r\n\r\n."
        report = made.carry((letter(n, f"u{n}@there.example", dots) for n in range(200)), book)
        again = made.carry((letter(n) for n in range(200, 260)), book)
        assert sink.counts["connections"] <= 3
    assert (report.accepted, report.temporary, report.permanent, report.unknown) == (200, 0, 0, 0)
    assert again.accepted == 60
    assert len(book.outcomes) == 260
    assert book.outcomes[7].code == 250
    assert book.outcomes[7].enhanced == "2.0.0"
    assert book.outcomes[7].relay == f"127.0.0.1:{sink.port}"
    assert 0 < book.outcomes[7].seconds < PATIENCE
    assert seen["u7@there.example"] == letter(7).data.replace(b"hello\r\n", dots) + b"\r\n"
    assert sorted(sink.message_ids) == sorted(f"<{n}@here.example>" for n in range(260))


def test_no_mail_is_sent_twice_and_outcomes_share_batches() -> None:
    def record(outcomes: Sequence[Outcome]) -> None:
        time.sleep(0.005)
        book(outcomes)

    book = Book()
    with sinking() as sink, courier(sink.port, connections=10) as made:
        made.carry(letters(300), record)
    assert Counter(sink.message_ids).most_common(1)[0][1] == 1
    assert len(book.batches) < 300


def test_the_playgrounds_recipients() -> None:
    book = Book()
    rcpts = ["tempfail@x.example", "permfail@x.example", "slow@x.example", "tempfail-once@x.example", "a@x.example"]
    with sinking() as sink, courier(sink.port, connections=1) as made:
        made.carry((letter(n, rcpt) for n, rcpt in enumerate(rcpts)), book)
        made.carry(iter([letter(9, "tempfail-once@x.example")]), book)
    codes = {n: (o.accepted, o.permanent, o.code, o.enhanced) for n, o in book.outcomes.items()}
    assert codes == {
        0: (False, False, 451, "4.7.1"),
        1: (False, True, 550, "5.1.1"),
        2: (True, False, 250, "2.0.0"),
        3: (False, False, 451, "4.7.1"),
        4: (True, False, 250, "2.0.0"),
        9: (True, False, 250, "2.0.0"),
    }
    assert book.outcomes[1].text == "nobody has this address"


def fault_at(moment: str, act: str, after: int = 0, times: int = 10**9) -> Fault:
    """Misbehave at a moment once `after` mails are caught, so many times."""
    left = [times]

    def fault(now: str, caught: int) -> str | None:
        if now != moment or caught < after or left[0] <= 0:
            return None
        left[0] -= 1
        return act

    return fault


FAULTS = [
    # moment, act, (accepted, permanent, code, unknown)
    ("connect", "554 5.3.2 not today", (False, False, 554, False)),
    ("connect", "421 4.3.2 busy", (False, False, 421, False)),
    ("connect", DROP, (False, False, 0, False)),
    ("connect", STALL, (False, False, 0, False)),
    ("connect", "what is this", (False, False, 0, False)),
    ("EHLO", DROP, (False, False, 0, False)),
    ("EHLO", STALL, (False, False, 0, False)),
    ("EHLO", "421 4.3.2 busy", (False, False, 421, False)),
    ("MAIL", "451 4.3.0 later", (False, False, 451, False)),
    ("MAIL", "550 5.7.1 no", (False, False, 550, False)),
    ("MAIL", "421 4.3.2 closing", (False, False, 421, False)),
    ("MAIL", DROP, (False, False, 0, False)),
    ("MAIL", STALL, (False, False, 0, False)),
    ("RCPT", "450 4.2.0 mailbox busy", (False, False, 450, False)),
    ("RCPT", "553 odd address", (False, True, 553, False)),
    ("RCPT", "554 5.7.1 client host rejected", (False, False, 554, False)),
    ("RCPT", "421 4.7.0 closing", (False, False, 421, False)),
    ("RCPT", DROP, (False, False, 0, False)),
    ("DATA", "451 4.3.1 no room", (False, False, 451, False)),
    ("DATA", "554 5.0.0 no", (False, True, 554, False)),
    ("DATA", "250 what", (False, False, 250, False)),
    ("DATA", DROP, (False, False, 0, False)),
    ("dot", "452 4.3.1 disk full", (False, False, 452, False)),
    ("dot", "554 5.7.1 spam", (False, True, 554, False)),
    ("dot", "421 4.3.2 closing", (False, False, 421, False)),
    ("dot", DROP, (False, False, 0, True)),
    ("dot", LOSE, (False, False, 0, True)),
    ("dot", STALL, (False, False, 0, True)),
    ("dot", "nonsense", (False, False, 0, True)),
]


@pytest.mark.parametrize("pipelining", [True, False])
@pytest.mark.parametrize(("moment", "act", "wanted"), FAULTS)
def test_faults(moment: str, act: str, wanted: tuple[bool, bool, int, bool], pipelining: bool) -> None:
    book = Book()
    times = {"command_timeout": 0.6, "greeting_timeout": 0.6, "dot_timeout": 0.6} if act == STALL else {}
    with (
        sinking(fault_at(moment, act), pipelining=pipelining) as sink,
        courier(sink.port, connections=1, **times) as made,
    ):
        report = made.carry(letters(2), book)
    for number in range(2):
        found = book.outcomes[number]
        assert (found.accepted, found.permanent, found.code, found.unknown) == wanted, found
    assert report.accepted == 0
    assert not any(outcome.permanent and not 500 <= outcome.code < 600 for outcome in book.outcomes.values())


@pytest.mark.parametrize("pipelining", [True, False])
@pytest.mark.parametrize(
    ("moment", "act"),
    [
        ("MAIL", "421 4.3.2 that was enough"),
        ("MAIL", DROP),
        ("RCPT", "421 4.3.2 that was enough"),
        ("DATA", DROP),
        ("MAIL", "451 4.3.0 later"),
        ("RCPT", "550 5.1.1 no"),
        ("RCPT", "554 5.7.1 not to her"),
        ("DATA", "451 4.3.0 later"),
        ("dot", "451 4.3.0 later"),
        ("dot", DROP),
        ("dot", "421 4.3.2 closing"),
    ],
)
def test_one_fault_in_the_middle_does_not_stop_the_others(moment: str, act: str, pipelining: bool) -> None:
    book = Book()
    with (
        sinking(fault_at(moment, act, after=5, times=1), pipelining=pipelining) as sink,
        courier(sink.port, connections=2) as made,
    ):
        made.carry(letters(40), book)
    failed = [outcome for outcome in book.outcomes.values() if not outcome.accepted]
    assert len(book.outcomes) == 40
    ended = act == DROP or act.startswith("421")
    if ended and moment != "dot":
        # Only the connection was at fault, and no final dot had been sent: the letter goes again.
        assert failed == []
        assert len(sink.mails) == 40
    else:
        assert len(failed) == 1
    assert Counter(sink.message_ids).most_common(1)[0][1] == 1


def test_a_server_that_says_354_for_nobody() -> None:
    """RFC 2920 section 3.1: a pipelining client has to end the data that nobody gets."""
    book = Book()
    with (
        FakeServer({b"RCPT TO:<bad@x.example>": b"550 5.1.1 no"}) as server,
        courier(server.port, connections=1) as made,
    ):
        made.carry(iter([letter(1, "bad@x.example"), letter(2, "good@x.example"), letter(3, "bad@x.example")]), book)
    assert [book.outcomes[n].code for n in (1, 2, 3)] == [550, 250, 550]
    assert server.bodies[0] == b""
    assert server.bodies[2] == b""


class FakeServer:
    """A server that says 354 to every DATA and replies in several lines without enhanced codes."""

    def __init__(self, answers: dict[bytes, bytes] | None = None) -> None:
        self.answers = answers or {}
        self.bodies: list[bytes] = []
        self.heard: list[bytes] = []
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self.serve, daemon=True)

    def __enter__(self) -> "FakeServer":
        self.thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.socket.close()

    def serve(self) -> None:
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            with suppress(ConnectionError), client, client.makefile("rb") as file:
                client.sendall(b"220-hello\r\n220 world\r\n")
                for line in file:
                    self.heard.append(line.rstrip())
                    verb = line[:4].upper()
                    answer = self.answers.get(line.rstrip())
                    if verb == b"EHLO":
                        client.sendall(b"250-fake\r\n250-8bitmime\r\n250 PIPELINING\r\n")
                    elif answer is not None:
                        client.sendall(answer + b"\r\n")
                    elif verb == b"DATA":
                        client.sendall(b"354 go\r\n")
                        self.bodies.append(b"".join(iter(file.readline, b".\r\n")))
                        client.sendall(b"250-taken\r\n250 really\r\n")
                    else:
                        client.sendall(b"250 ok\r\n")


def test_replies_of_several_lines_without_enhanced_codes() -> None:
    book = Book()
    with FakeServer() as server, courier(server.port, connections=1) as made:
        made.carry(letters(3), book)
    assert [(o.accepted, o.code, o.enhanced, o.text) for o in book.outcomes.values()] == [
        (True, 250, "", "taken really")
    ] * 3


def test_control_characters_of_a_server_do_not_reach_the_outcome() -> None:
    book = Book()
    with (
        FakeServer({b"RCPT TO:<ana@there.example>": b"550 5.1.1 no\x1b[2J\x00 \xff"}) as server,
        courier(server.port, connections=1) as made,
    ):
        made.carry(letters(1), book)
    assert book.outcomes[0].text == "no [2J \ufffd"


def test_a_flood_of_replies_is_cut_off() -> None:
    book = Book()
    with (
        FakeServer({b"RCPT TO:<ana@there.example>": b"250-x\r\n" * 5000 + b"250 x"}) as server,
        courier(server.port, connections=1) as made,
    ):
        made.carry(letters(1), book)
    assert not book.outcomes[0].accepted
    assert "too long" in book.outcomes[0].text


# -- record before the next dot ----------------------------------------------------------------------------


def test_no_second_dot_while_the_record_blocks() -> None:
    """The promise: at most one unrecorded mail per open connection."""
    gate = threading.Event()
    book = Book()

    def record(outcomes: Sequence[Outcome]) -> None:
        assert gate.wait(PATIENCE)
        book(outcomes)

    with sinking() as sink, courier(sink.port, connections=4) as made:
        thread = threading.Thread(target=lambda: made.carry(letters(40), record))
        thread.start()
        until(lambda: sink.counts["mails"] == 4)
        time.sleep(0.3)
        assert sink.counts["mails"] == 4
        assert sink.counts["DATA"] == 8, "the next envelopes were sent ahead"
        gate.set()
        thread.join(PATIENCE)
        assert sink.counts["mails"] == 40
    assert len(book.outcomes) == 40


def test_unrecorded_mails_never_exceed_the_connections() -> None:
    recorded: set[int] = set()
    caught: set[int] = set()
    worst = [0]

    def on_mail(envelope: Envelope, data: bytes) -> None:
        caught.add(int(envelope.rcpt_to[0].partition("@")[0]))
        worst[0] = max(worst[0], len(caught - recorded))

    def record(outcomes: Sequence[Outcome]) -> None:
        time.sleep(0.002)
        recorded.update(outcome.id for outcome in outcomes)

    with sinking(on_mail=on_mail) as sink, courier(sink.port, connections=5) as made:
        made.carry((letter(n, f"{n}@x.example") for n in range(300)), record)
    assert 1 <= worst[0] <= 5


def test_a_record_that_raises_stops_everything_at_once() -> None:
    book = Book()

    def record(outcomes: Sequence[Outcome]) -> None:
        if len(book.outcomes) >= 20:
            raise OSError("disk full")
        book(outcomes)

    with sinking() as sink, courier(sink.port, connections=4) as made:
        with pytest.raises(OSError, match="disk full"):
            made.carry(letters(1000), record)
        unrecorded = {int(name[1:].partition("@")[0]) for name in sink.message_ids} - book.outcomes.keys()
        assert len(unrecorded) <= 4
        rest = (letter(n) for n in range(1000) if n not in book.outcomes)
        made.carry(rest, Book())
    assert len(set(sink.message_ids)) == 1000
    assert len(sink.message_ids) <= 1004


def test_letters_that_raise_end_the_carry_after_what_was_drawn() -> None:
    def broken() -> Iterator[Letter]:
        yield from letters(5)
        raise LookupError("the database is gone")

    book = Book()
    with sinking() as sink, courier(sink.port) as made:
        with pytest.raises(LookupError, match="gone"):
            made.carry(broken(), book)
        assert made.carry(letters(0), Book()).accepted == 0
    assert len(book.outcomes) == 5


def test_letters_are_drawn_lazily() -> None:
    drawn = [0]
    gate = threading.Event()

    def many() -> Iterator[Letter]:
        for one in letters(500):
            drawn[0] += 1
            yield one

    def record(outcomes: Sequence[Outcome]) -> None:
        gate.wait(PATIENCE)

    with sinking() as sink, courier(sink.port, connections=2, ahead=10) as made:
        thread = threading.Thread(target=lambda: made.carry(many(), record))
        thread.start()
        until(lambda: sink.counts["mails"] == 2)
        time.sleep(0.2)
        assert drawn[0] <= 10 + 2 * 2 + 2
        gate.set()
        thread.join(PATIENCE)
    assert drawn[0] == 500


def test_the_first_mail_leaves_while_the_rest_is_still_being_claimed() -> None:
    with sinking() as sink, courier(sink.port) as made:

        def waiting() -> Iterator[Letter]:
            yield letter(0)
            until(lambda: sink.counts["mails"] == 1)
            yield letter(1)

        assert made.carry(waiting(), Book()).accepted == 2


def test_halt_finishes_what_was_drawn() -> None:
    book = Book()
    closed_in: list[str] = []
    with sinking() as sink, courier(sink.port, connections=2, ahead=5) as made:

        def endless() -> Iterator[Letter]:
            number = 0
            try:
                while True:
                    if number == 30:
                        made.halt()
                    yield letter(number)
                    number += 1
            finally:
                closed_in.append(threading.current_thread().name)

        report = made.carry(endless(), book)
    assert 30 <= report.accepted < 60
    assert closed_in == ["tidings-letters"]
    assert len(sink.mails) == len(book.outcomes) == report.accepted


@pytest.mark.parametrize("moment", [0.02, 0.05, 0.1, 0.15, 0.25])
def test_kill_9_loses_nothing_and_repeats_at_most_one_per_connection(tmp_path: Path, moment: float) -> None:
    book = tmp_path / "book"
    count, connections = 600, 5
    with sinking() as sink:
        command = [sys.executable, "-c", CHILD, str(sink.port), str(book), str(count), str(connections)]
        with subprocess.Popen(command) as first:
            until(lambda: sink.counts["mails"] > 0)
            time.sleep(moment)
            first.kill()
        before = len(sink.mails)
        recorded = len(book.read_text().split())
        assert 0 <= before - recorded <= connections
        subprocess.run(command, check=True, timeout=60)
    names = Counter(sink.message_ids)
    assert len(names) == count, "nothing is lost"
    assert sum(names.values()) - count <= connections
    assert max(names.values()) <= 2


CHILD = """
import os, sys
from mailer.wire.courier import Courier, CourierSettings, Relay
from tests.integration.wire.test_courier import letter
port, path, count, connections = int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
done = set(map(int, open(path).read().split())) if os.path.exists(path) else set()
file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
def record(outcomes):
    os.write(file, b"".join(b"%d\\n" % outcome.id for outcome in outcomes if outcome.accepted))
    os.fsync(file)
courier = Courier([Relay("127.0.0.1", port)], CourierSettings(connections=connections))
courier.carry((letter(n) for n in range(count) if n not in done), record)
"""


# -- what is never sent ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bad", "enhanced"),
    [
        (Letter(1, "a@x.example", "b@x.example", b"bare\nline\r\n"), "5.6.0"),
        (Letter(1, "a@x.example", "b@x.example", b"bare\rline\r\n"), "5.6.0"),
        (Letter(1, "a@x.example", "b@x.example", b"x" * 999 + b"\r\n"), "5.6.0"),
        (Letter(1, "a@x.example", "b@x.example>\r\nRSET", b"x\r\n"), "5.6.0"),
        (Letter(1, "a@x.example> BODY=8BITMIME", "b@x.example", b"x\r\n"), "5.6.0"),
        (Letter(1, "a@x.example", "", b"x\r\n"), "5.6.0"),
        (Letter(1, "a@x.example", "\u0430\u043d\u0430@x.example", b"x\r\n"), "5.6.7"),
        (Letter(1, "a@x.example", "b@x.example", b"x\r\n", needs_utf8=True), "5.6.7"),
        (Letter(1, "a@x.example", "b@x.example", "\u0430\r\n".encode()), "5.6.3"),
        (Letter(1, "a@x.example", "b@x.example", b"big\r\n" * 1000), "5.3.4"),
    ],
)
def test_what_may_not_be_sent_is_permanent_and_stops_nobody(bad: Letter, enhanced: str) -> None:
    book = Book()
    with (
        sinking(smtputf8=False, eight_bit=False, size_limit=4000) as sink,
        courier(sink.port, connections=1) as made,
    ):
        made.carry(iter([letter(0), bad, letter(2)]), book)
        assert sink.counts["mails"] == 2
        assert sink.counts["MAIL"] == 2
    outcome = book.outcomes[1]
    assert (outcome.accepted, outcome.permanent, outcome.code, outcome.enhanced) == (False, True, 0, enhanced)


def test_extensions_are_used_only_when_needed_and_offered() -> None:
    with FakeServer() as server, courier(server.port, connections=1, dsn_notify="FAILURE") as made:
        made.carry(iter([letter(1), letter(2, data="\u0430\r\n".encode())]), Book())
    mails = [line for line in server.heard if line.startswith(b"MAIL")]
    assert mails == [b"MAIL FROM:<bounce+t@here.example>", b"MAIL FROM:<bounce+t@here.example> BODY=8BITMIME"]
    with sinking(dsn=True, size_limit=10**6) as sink, courier(sink.port, connections=1, dsn_notify="FAILURE") as made:
        report = made.carry(iter([letter(1, "\u0430\u043d\u0430@x.example")]), Book())
        assert report.accepted == 1
        assert sink.mails[0].envelope.rcpt_to == ("\u0430\u043d\u0430@x.example",)


# -- relays ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("weight", [1, 9])
def test_a_relay_that_does_not_relay_for_us_costs_no_mail_where_another_does(weight: int) -> None:
    def deny(moment: str, caught: int) -> str | None:
        return "550 5.7.1 relay access denied" if moment == "RCPT" else None

    book = Book()
    with sinking(fault=deny) as closed, sinking() as able:
        relays = [Relay("127.0.0.1", closed.port, weight=weight), Relay("127.0.0.1", able.port)]
        with courier(*relays, connections=3, relay_rest=600.0) as made:
            report = made.carry(letters(60), book)
            asked = closed.counts["MAIL"]
            again = made.carry((letter(n) for n in range(60, 120)), book)
    assert (report.accepted, again.accepted) == (60, 60)
    assert {one.relay for one in book.outcomes.values()} == {f"127.0.0.1:{able.port}"}
    assert sorted(able.message_ids) == sorted(f"<{n}@here.example>" for n in range(120))
    assert asked <= 3 * 3  # it is left alone after three refusals over one connection
    assert closed.counts["MAIL"] == asked


def test_where_no_relay_takes_mail_from_us_all_of_it_waits() -> None:
    def deny(moment: str, caught: int) -> str | None:
        return "550 5.7.1 relay access denied" if moment == "RCPT" else None

    book = Book()
    with sinking(fault=deny) as one, sinking(fault=deny) as other, courier(one.port, other.port) as made:
        report = made.carry(letters(20), book)
    assert (report.accepted, report.temporary, report.permanent) == (0, 20, 0)


def test_a_relay_that_is_down_answers_for_every_letter_quickly() -> None:
    book = Book()
    begin = time.monotonic()
    with courier(closed_port(), connections=10) as made:
        report = made.carry(letters(2000), book)
    assert report.temporary == len(book.outcomes) == 2000
    assert all(outcome.enhanced == "4.4.1" and not outcome.permanent for outcome in book.outcomes.values())
    assert time.monotonic() - begin < PATIENCE


def test_failover_and_weights() -> None:
    with sinking() as heavy, sinking() as light, sinking() as spare:
        relays = [
            Relay("127.0.0.1", closed_port(), weight=5),
            Relay("127.0.0.1", heavy.port, weight=3),
            Relay("127.0.0.1", light.port, weight=1),
            Relay("127.0.0.1", spare.port, weight=0),
        ]
        with courier(*relays, connections=4, per_connection=1) as made:
            assert made.carry(letters(80), Book()).accepted == 80
        assert heavy.counts["mails"] + light.counts["mails"] == 80
        assert heavy.counts["mails"] > light.counts["mails"] > 0
        assert spare.counts["mails"] == 0
        with courier(relays[0], relays[3]) as made:
            assert made.carry(letters(10), Book()).accepted == 10
        assert spare.counts["mails"] == 10


def test_what_one_relay_cannot_take_goes_over_another() -> None:
    """The heavy one takes neither such addresses nor big mails: those go over the other, nobody's else."""
    with sinking(smtputf8=False, size_limit=4000) as plain, sinking(size_limit=10**6) as able:
        relays = [Relay("127.0.0.1", plain.port, weight=9), Relay("127.0.0.1", able.port, weight=0)]
        given = [letter(n, "пётр@there.example" if n % 5 == 0 else "ana@there.example") for n in range(60)]
        given.append(letter(60, data=b"x" * 70 + b"\r\n" + b"y\r\n" * 2000))
        book = Book()
        with courier(*relays, connections=3) as made:
            assert made.carry(iter(given), book).accepted == 61
            assert made.carry(iter([letter(61, "пётр@there.example")]), book).accepted == 1
        assert (plain.counts["mails"], able.counts["mails"]) == (48, 14)
        with courier(relays[0], Relay("127.0.0.1", closed_port(), weight=0), connections=1) as made:
            made.carry(iter([letter(62, "пётр@there.example")]), book)
        with courier(relays[0], Relay("127.0.0.1", plain.port, weight=0, tls="none"), connections=1) as made:
            made.carry(iter([letter(63, "пётр@there.example")]), book)
    waits, ends = book.outcomes[62], book.outcomes[63]
    assert (waits.accepted, waits.permanent) == (False, False)  # the other one is down: it perhaps could
    assert (ends.permanent, ends.enhanced) == (True, "5.6.7")


def test_a_relay_that_wants_fewer_connections_gets_fewer() -> None:
    def fault(moment: str, caught: int) -> str | None:
        return "421 4.7.0 too many connections" if moment == "connect" and len(sink.visits) > 2 else None

    with sinking(fault) as sink, courier(sink.port, connections=8, per_connection=20) as made:
        report = made.carry(letters(200), Book())
    assert report.accepted == 200


def test_connections_are_replaced_after_so_many_mails() -> None:
    with sinking() as sink, courier(sink.port, connections=1, per_connection=10) as made:
        assert made.carry(letters(35), Book()).accepted == 35
    assert Counter(mail.connection for mail in sink.mails).most_common() == [(1, 10), (2, 10), (3, 10), (4, 5)]


def test_a_kept_connection_that_died_meanwhile_is_no_fault_of_a_letter() -> None:
    with sinking() as sink, courier(sink.port, connections=2) as made:
        made.carry(letters(10), Book())
        for visit in list(sink.visits):
            sink.loop.call_soon_threadsafe(visit.hang_up)
        assert made.carry(letters(10), Book()).accepted == 10


# -- TLS and authentication --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "trusted", "offered", "works"),
    [
        ("none", False, True, True),
        ("opportunistic", False, True, True),
        ("opportunistic", False, False, True),
        ("required", True, True, True),
        ("required", False, True, False),
        ("required", True, False, False),
        ("implicit", True, True, True),
        ("implicit", False, True, False),
    ],
)
def test_tls(tmp_path: Path, mode: TlsMode, trusted: bool, offered: bool, works: bool) -> None:
    files = certificate(tmp_path)
    book = Book()
    with sinking(tls=server_tls(files) if offered else None, implicit_tls=mode == "implicit") as sink:
        relay = Relay("localhost", sink.port, mode, ca_file=str(files.certificate) if trusted else "")
        with courier(relay, connections=1) as made:
            report = made.carry(letters(5), book)
            assert ("TLSv1" in made.probe()) == (works and mode != "none" and offered)
        secured = sink.counts["tls"]
    assert report.accepted == (5 if works else 0)
    assert bool(secured) == (works and mode != "none" and offered)
    assert all(not outcome.permanent for outcome in book.outcomes.values())


def test_an_unchecked_relay_and_one_whose_files_are_renewed(tmp_path: Path) -> None:
    files = certificate(tmp_path)
    with sinking(tls=server_tls(files)) as sink:
        blind = Relay("localhost", sink.port, "required", verify=False)
        with courier(blind, connections=1) as made:
            assert made.carry(letters(1), Book()).accepted == 1
            (found,) = made.examine()
            assert (found.secure[:4], found.fault) == ("TLSv", None)
        assert sink.counts["tls"] > 0
        other = certificate(tmp_path / "other")
        wrong = Relay("localhost", sink.port, "required", ca_file=str(other.certificate))
        with courier(wrong, connections=1) as made:
            assert made.carry(letters(1), Book()).accepted == 0
        other.certificate.write_bytes(files.certificate.read_bytes())
        os.utime(other.certificate, ns=(1, 1))
        with courier(wrong, connections=1) as made:
            assert made.carry(letters(1), Book()).accepted == 1


def test_tls_all_the_way_is_asked_for_where_it_is_offered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files, store, asked = certificate(tmp_path), Store(), []
    judge = Conversation._judge_options
    monkeypatch.setattr(Conversation, "_judge_options", lambda self, text: asked.append(text) or judge(self, text))
    with listening(store, tls=files) as listener:
        wanting = Relay("localhost", listener.port, "required", requiretls=True, ca_file=str(files.certificate))
        for relay in (wanting, replace(wanting, tls="opportunistic"), replace(wanting, requiretls=False)):
            with courier(relay, connections=1) as made:
                assert made.carry(iter([letter(1, "ana@here.example")]), Book()).accepted == 1
    assert ["REQUIRETLS" in one for one in asked] == [True, False, False]


def test_opportunistic_tls_falls_back_where_the_handshake_fails(tmp_path: Path) -> None:
    context = server_tls(certificate(tmp_path))
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_mode = ssl.CERT_REQUIRED
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("PSK")
    with sinking(tls=context) as sink, courier(sink.port, connections=1) as made:
        assert made.carry(letters(3), Book()).accepted == 3
        assert sink.counts["tls_failed"] == 1


def test_replies_injected_before_tls_are_not_believed(tmp_path: Path) -> None:
    book = Book()
    files = certificate(tmp_path)
    injected = b"250-evil.example\r\n250-SIZE 10\r\n250 AUTH PLAIN\r\n"
    with sinking(tls=server_tls(files), clear_behind_starttls=injected) as sink:
        relay = Relay("localhost", sink.port, "required", ca_file=str(files.certificate))
        with courier(relay, connections=1) as made:
            made.carry(letters(1), book)
        assert sink.counts["mails"] == 0
    assert (book.outcomes[0].accepted, book.outcomes[0].permanent) == (False, False)


def test_client_certificates(tmp_path: Path) -> None:
    server, client = certificate(tmp_path / "server"), certificate(tmp_path / "client", "out.example")
    context = server_tls(server)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(client.certificate)
    with sinking(tls=context) as sink:
        anonymous = Relay("localhost", sink.port, "required", ca_file=str(server.certificate))
        known = replace(anonymous, certificate=str(client.certificate), key=str(client.key))
        for relay, accepted in ((anonymous, 0), (known, 2)):
            with courier(relay, connections=1) as made:
                assert made.carry(letters(2), Book()).accepted == accepted


def test_authentication(tmp_path: Path) -> None:
    files = certificate(tmp_path)
    users = {"tidings": "s\u00e9cret"}
    with sinking(tls=server_tls(files), users=users) as sink:
        right = Relay(
            "localhost", sink.port, "required", user="tidings", password="s\u00e9cret", ca_file=str(files.certificate)
        )
        cases = [
            (right, 2, 0),
            (replace(right, password="wrong"), 0, 535),
            (replace(right, tls="none"), 0, 0),
            (replace(right, tls="none", plain_auth=True), 2, 0),
        ]
        for relay, accepted, code in cases:
            book = Book()
            with courier(relay, connections=1) as made:
                assert made.carry(letters(2), book).accepted == accepted
            if not accepted:
                assert (book.outcomes[0].code, book.outcomes[0].permanent) == (code, False)


def test_probe_tells_what_is_there_and_what_is_wrong() -> None:
    with sinking() as sink, courier(sink.port, closed_port()) as made:
        told = made.probe()
    assert "greets: sink.invalid ESMTP" in told
    assert "PIPELINING" in told
    assert "cannot be used: 4.4.1 no connection" in told


@pytest.mark.parametrize(
    ("says", "usable"),
    [
        ("554 5.7.1 <client>: Client host rejected", False),
        ("550 relay not permitted", False),
        ("530 5.7.0 authentication required", False),
        ("550 5.1.2 no such domain", True),
        ("450 4.2.0 greylisted", True),
    ],
)
def test_who_may_not_send_is_told_at_rcpt(says: str, usable: bool) -> None:
    with sinking(fault_at("RCPT", says)) as sink, courier(sink.port) as made:
        (found,) = made.examine()
    assert (found.fault is None) == usable
    assert sink.mails == []


def test_nothing_to_carry_and_closing_twice() -> None:
    made = Courier([Relay("127.0.0.1", closed_port())])
    report = made.carry(iter(()), Book())
    assert (report.accepted, report.connections) == (0, 0)
    assert isinstance(report, CarryReport)
    made.close()
    made.close()
    with pytest.raises(ValueError, match="relay"):
        Courier([])


def test_a_big_mail_goes_in_blocks() -> None:
    sizes: list[int] = []
    data = (b"x" * 76 + b"\r\n") * 120_000
    with sinking(on_mail=lambda _, data: sizes.append(len(data))) as sink, courier(sink.port) as made:
        assert made.carry(iter([letter(n, data=data) for n in range(3)]), Book()).accepted == 3
    assert sizes == [len(letter(1, data=data).data)] * 3


def test_a_server_that_stops_reading_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            client, _ = server.accept()
            client.sendall(b"220 x\r\n")
            client.recv(1000)
            client.sendall(b"250 x\r\n")
            for reply in (b"250 x\r\n", b"250 x\r\n", b"354 x\r\n"):
                client.recv(1000)
                client.sendall(reply)
            over.wait(PATIENCE)
            client.close()

        over = threading.Event()
        threading.Thread(target=serve, daemon=True).start()
        book = Book()
        data = (b"x" * 76 + b"\r\n") * 200_000
        with courier(server.getsockname()[1], connections=1, block_timeout=0.6) as made:
            made.carry(iter([letter(1, data=data)]), book)
        over.set()
    assert not book.outcomes[1].accepted
