"""The listener under attack: every limit with its code and its counter, bounded memory, honest clients still served."""

import socket
import time
from pathlib import Path

import pytest

from mailer.message import Envelope
from mailer.wire.listener import Rcpt
from mailer.wire.ports import COUNTERS
from tests.integration.wire.dialogue import OK, PATIENCE, Client, Store, certificate, listening, until

BARE = [
    b"a\nb\r\n",
    b"a\rb\r\n",
    b"a\n.\nb\r\n",
    b"a\n.\r\nb\r\n",
    b"a\r\n.\nb\r\n",
    b"a\r.\rb\r\n",
    b"a\r\n.\rb\r\n",
    b"a\r.\r\nb\r\n",
    b"a\n\n.\r\n\r\n",
    b"a\r\r\nb\r\n",
    b"a\n\rb\r\n",
    b"\n.\nMAIL FROM:<x@y>\r\nRCPT TO:<ana@here.example>\r\nDATA\r\nsmuggled\r\n",
    b"a\r\n\x00\n.\r\n",
]


@pytest.mark.parametrize("data", BARE)
def test_bare_cr_and_lf_are_refused_and_smuggle_nothing(data: bytes) -> None:
    store = Store()
    with listening(store) as listener, Client(listener.port) as client:
        client.hello()
        client.begin()
        client.raw(data + b"\r\n.\r\nNOOP\r\n")
        assert client.reply().startswith("554 5.5.2")
        assert client.reply().startswith("250 2.0.0")
        assert listener.counters["refused_bare_line_end"] == 1
        assert client.send().startswith("250")
    assert len(store.mails) == 1


@pytest.mark.parametrize("line", [b"NOOP\n", b"NOOP\r\r\n", b"NO\rOP\r\n", b"\n"])
def test_a_command_ends_in_cr_lf(line: bytes) -> None:
    with listening(Store()) as listener, Client(listener.port) as client:
        client.raw(line)
        assert client.reply().startswith("500 5.5.2")
        assert client.ask("NOOP").startswith("250")


def test_starttls_injection_is_noticed(tmp_path: Path) -> None:
    store = Store()
    with listening(store, tls=certificate(tmp_path)) as listener, Client(listener.port) as client:
        client.hello()
        client.raw(b"STARTTLS\r\nMAIL FROM:<x@y>\r\nRCPT TO:<ana@here.example>\r\n")
        assert client.reply().startswith("554 5.5.1")
        assert client.reply() == ""
        assert listener.counters["refused_tls_injection"] == 1


def test_clear_text_instead_of_a_handshake_ends_the_connection(tmp_path: Path) -> None:
    with listening(Store(), tls=certificate(tmp_path)) as listener:
        with Client(listener.port) as client:
            client.hello()
            assert client.ask("STARTTLS").startswith("220")
            client.raw(b"MAIL FROM:<x@y>\r\n")
            until(lambda: listener.counters["tls_failed"] == 1)
        until(lambda: not listener._shared.open)
        with Client(listener.port) as client:
            assert client.hello().startswith("250")


def test_ten_thousand_recipients() -> None:
    asked: list[int] = []

    def judge(address: str, envelope: Envelope) -> Rcpt:
        asked.append(len(envelope.rcpt_to))
        return OK

    store = Store()
    with listening(store, judge, idle_commands_limit=100_000) as listener, Client(listener.port) as client:
        client.hello()
        client.ask("MAIL FROM:<>")
        client.raw(b"".join(b"RCPT TO:<u%d@here.example>\r\n" % n for n in range(10_000)))
        replies = [client.reply() for _ in range(10_000)]
        assert [reply[:9] for reply in replies[:100]] == ["250 2.1.5"] * 100
        assert {reply[:9] for reply in replies[100:]} == {"452 4.5.3"}
        assert client.ask("DATA").startswith("354")
        client.raw(b"x\r\n.\r\n")
        assert client.reply().startswith("250")
        assert listener.counters["refused_recipients_limit"] == 9_900
    assert len(asked) == 100
    assert len(store.mails[0].envelope.rcpt_to) == 100


def test_guessing_addresses_ends_soon() -> None:
    with listening(Store(), errors_limit=10) as listener, Client(listener.port) as client:
        client.hello()
        client.ask("MAIL FROM:<>")
        replies = [client.ask(f"RCPT TO:<guess{n}@nowhere.example>") for n in range(10)]
        assert all(reply.startswith("550 5.1.1") for reply in replies)
        assert client.reply().startswith("421 4.7.0")
        assert client.reply() == ""
        assert listener.counters["refused_errors"] == 1


def test_pipelined_garbage_ends_soon() -> None:
    with listening(Store(), errors_limit=10) as listener, Client(listener.port) as client:
        try:
            for _ in range(200):
                client.raw(b"\x00\xff\xfe garbage \x80\r\n" * 500)
        except ConnectionError:
            pass
        until(lambda: listener.counters["refused_errors"] == 1)
        until(lambda: not listener._shared.open)


def test_idle_chatter_ends() -> None:
    with listening(Store(), idle_commands_limit=5) as listener, Client(listener.port) as client:
        replies = [client.ask("NOOP") for _ in range(5)]
        assert replies[-1].startswith("250")
        assert client.reply().startswith("421 4.7.0")
        assert listener.counters["refused_idle_commands"] == 1


def test_huge_command_lines_cost_nothing() -> None:
    with listening(Store()) as listener, Client(listener.port) as client:
        client.raw(b"NOOP " + b"x" * 1020 + b"\r\n")
        assert client.reply().startswith("500 5.5.2")
        for _ in range(64):
            client.raw(b"y" * 65_536)
            (conversation,) = listener._shared.open
            assert len(conversation._buffer) <= 262_144 + 1024
        client.raw(b"\r\n")
        assert client.reply().startswith("500 5.5.2")
        assert client.ask("NOOP").startswith("250")
        assert listener.counters["refused_line_length"] == 2


def test_long_lines_in_data() -> None:
    store = Store()
    with listening(store, line_limit=998) as listener, Client(listener.port) as client:
        client.hello()
        assert client.send(b"x" * 998 + b"\r\n").startswith("250")
        assert client.send(b"x" * 999 + b"\r\n").startswith("554 5.6.0")
        assert client.send(b"ok\r\n" * 300 + b"x" * 999 + b"\r\nok\r\n").startswith("554 5.6.0")
        assert listener.counters["refused_line_length"] == 2
    assert len(store.mails) == 1


def test_size_is_enforced_while_reading_and_memory_stays_flat() -> None:
    store = Store()
    with listening(store, size_limit=100_000) as listener, Client(listener.port) as client:
        assert "SIZE 100000" in client.hello()
        assert client.send((b"y" * 98 + b"\r\n") * 1000).startswith("250")
        assert client.send((b"y" * 98 + b"\r\n") * 1000 + b"\r\n").startswith("552 5.3.4")
        client.begin()
        for _ in range(30):
            client.raw((b"z" * 98 + b"\r\n") * 100)
            assert listener._shared.held < 500_000
        client.raw(b".\r\n")
        assert client.reply().startswith("552 5.3.4")
        assert client.ask("NOOP").startswith("250")
        assert listener.counters["refused_size"] == 2
        assert listener._shared.held == 0
    assert len(store.mails) == 1


def test_somebody_who_never_stops_sending_is_cut_off() -> None:
    with listening(Store(), size_limit=50_000) as listener, Client(listener.port) as client:
        client.hello()
        client.begin()
        with pytest.raises(ConnectionError):
            for _ in range(10_000):
                client.raw((b"z" * 98 + b"\r\n") * 100)
        assert listener.counters["refused_size"] == 1
        until(lambda: not listener._shared.open)


def test_the_memory_of_all_mails_together_is_bounded() -> None:
    store = Store()
    with listening(store, memory_limit=200_000) as listener:
        first, second = Client(listener.port), Client(listener.port)
        for client in (first, second):
            client.hello()
            client.begin()
        first.raw((b"z" * 98 + b"\r\n") * 2100)
        until(lambda: listener._shared.held > 200_000)
        second.raw((b"z" * 98 + b"\r\n") * 10 + b".\r\n")
        assert second.reply()[:9] in {"452 4.3.1", "250 2.0.0"}
        second.ask("MAIL FROM:<>")
        second.ask("RCPT TO:<ana@here.example>")
        refused = second.ask("DATA")
        first.raw(b".\r\n")
        assert refused.startswith("452 4.3.1") or first.reply().startswith("452 4.3.1")
        assert listener.counters["refused_memory"] >= 1
        first.close()
        second.close()
        until(lambda: listener._shared.held == 0)


def test_loops_are_cut() -> None:
    store = Store()
    with listening(store, loop_marks=("X-Loop: tidings",)) as listener, Client(listener.port) as client:
        client.hello()
        hop = b"Received: from a\r\n\tby b; Mon\r\n"
        assert client.send(hop * 100 + b"\r\nReceived: in the body\r\n").startswith("250")
        assert client.send(hop * 101 + b"\r\n").startswith("554 5.4.6")
        assert client.send(b"Subject: x\r\nx-loop: TIDINGS\r\n\r\n").startswith("554 5.4.6")
        assert client.send(b"Subject: x\r\n\r\nX-Loop: tidings\r\n").startswith("250")
        assert listener.counters["refused_loop"] == 2


def test_connections_per_address_and_in_total() -> None:
    with listening(Store(), connections_per_address=3) as listener:
        clients = [Client(listener.port) for _ in range(3)]
        with Client(listener.port, greet=False) as fourth:
            assert fourth.reply().startswith("421 4.7.0")
            assert fourth.reply() == ""
        assert listener.counters["refused_connections_address"] == 1
        clients.pop().close()
        until(lambda: len(listener._shared.open) == 2)
        with Client(listener.port) as again:
            assert again.hello().startswith("250")
        for client in clients:
            client.close()
    with listening(Store(), connections_limit=1) as listener, Client(listener.port):
        with Client(listener.port, greet=False) as second:
            assert second.reply().startswith("421 4.3.2")
        assert listener.counters["refused_connections_total"] == 1


def test_rates_per_address_and_the_exemption_of_trusted_fronts() -> None:
    limits = {"connections_per_minute": 3, "mails_per_minute": 2, "errors_limit": 2, "idle_commands_limit": 2}
    with listening(Store(), **limits) as listener:
        for _ in range(3):
            Client(listener.port).close()
        with Client(listener.port, greet=False) as client:
            assert client.reply().startswith("421 4.7.0")
        assert listener.counters["refused_connections_rate"] == 1
    with listening(Store(), **limits) as listener, Client(listener.port) as client:
        client.hello()
        for _ in range(2):
            assert client.send().startswith("250")
        assert client.ask("MAIL FROM:<>").startswith("450 4.7.1")
        assert listener.counters["refused_mails_rate"] == 1
    with listening(Store(), trusted=("127.0.0.0/8",), **limits) as listener:
        for _ in range(5):
            with Client(listener.port) as client:
                client.hello()
                for _ in range(5):
                    assert client.send().startswith("250")
                    assert client.ask("FOO").startswith("500")


def test_slow_clients_are_sent_away() -> None:
    with listening(Store(), command_timeout=1.0, data_timeout=1.5) as listener:
        silent, dripping = Client(listener.port), Client(listener.port)
        dripping.hello()
        dripping.begin()
        end = time.monotonic() + PATIENCE
        dripping.socket.settimeout(0.3)
        answer = b""
        while not answer and time.monotonic() < end:
            try:
                dripping.raw(b"x")
                answer = dripping.socket.recv(100)
            except TimeoutError:
                continue
        assert answer.startswith(b"421 4.4.2")
        assert silent.reply().startswith("421 4.4.2")
        assert listener.counters["timeout_command"] == 1
        assert listener.counters["timeout_data"] == 1
        until(lambda: not listener._shared.open)


def test_somebody_who_never_reads_is_sent_away_and_costs_little() -> None:
    with listening(Store(), command_timeout=1.0, idle_commands_limit=10**9) as listener:
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", listener.port))
        client.settimeout(0.5)
        try:
            for _ in range(1000):
                client.sendall(b"NOOP\r\n" * 5000)
        except (TimeoutError, ConnectionError):
            pass
        for conversation in list(listener._shared.open):
            assert len(conversation._buffer) < 1_000_000
        until(lambda: listener.counters["timeout_command"] == 1)
        until(lambda: not listener._shared.open)
        client.close()


def test_under_stress_the_idle_get_less_time_and_the_honest_are_served() -> None:
    store = Store()
    limits = {"connections_limit": 8, "connections_per_address": 0, "stress_timeout": 0.5}
    with listening(store, **limits) as listener:
        idlers = [Client(listener.port) for _ in range(7)]
        with Client(listener.port) as honest:
            honest.hello()
            assert honest.send().startswith("250")
            for idler in idlers:
                assert idler.reply().startswith("421 4.4.2")
                idler.close()
        assert listener.counters["timeout_command"] >= 7
    assert len(store.mails) == 1


def test_dripping_a_command_gains_no_time() -> None:
    with listening(Store(), command_timeout=1.0) as listener, Client(listener.port) as client:
        client.socket.settimeout(0.2)
        end, answer = time.monotonic() + PATIENCE, b""
        while not answer and time.monotonic() < end:
            try:
                client.raw(b"x")
                answer = client.socket.recv(100)
            except TimeoutError:
                continue
        assert answer.startswith(b"421 4.4.2")
        assert listener.counters["timeout_command"] == 1


def test_recipients_without_end_do_end() -> None:
    with listening(Store(), data_timeout=1.0) as listener, Client(listener.port) as client:
        client.hello()
        assert client.ask("MAIL FROM:<>").startswith("250")
        end = time.monotonic() + PATIENCE
        replies = [""]
        while not replies[-1].startswith("421") and time.monotonic() < end:
            replies.append(client.ask("RCPT TO:<ana@here.example>"))
            time.sleep(0.05)
        assert replies[-1].startswith("421 4.4.2")
        assert listener.counters["timeout_session"] == 1


def test_a_session_that_only_chats_ends() -> None:
    with (
        listening(Store(), session_timeout=1.0, idle_commands_limit=10**6) as listener,
        Client(listener.port) as client,
    ):
        end = time.monotonic() + PATIENCE
        replies = [""]
        while not replies[-1].startswith("421") and time.monotonic() < end:
            replies.append(client.ask("NOOP"))
            time.sleep(0.05)
        assert replies[-1].startswith("421 4.4.2")
        assert listener.counters["timeout_session"] == 1


def test_under_stress_dripped_data_is_cut_off_and_a_steady_stream_is_not() -> None:
    store = Store()
    limits = {"connections_limit": 2, "stress_timeout": 1.0, "stress_rate": 200.0}
    with listening(store, **limits) as listener, Client(listener.port) as dripping, Client(listener.port) as steady:
        for client in (dripping, steady):
            client.hello()
            client.begin()
        dripping.socket.settimeout(0.1)
        end, answer = time.monotonic() + PATIENCE, b""
        while not answer and time.monotonic() < end:
            steady.raw(b"z" * 998 + b"\r\n")
            try:
                dripping.raw(b"x")
                answer = dripping.socket.recv(100)
            except TimeoutError:
                continue
        assert answer.startswith(b"421 4.4.2")
        steady.raw(b".\r\n")
        assert steady.reply().startswith("250 2.0.0")
        assert listener.counters["timeout_data"] == 1
    assert len(store.mails) == 1


TRICKS = [
    '<"ana\r\nX: y"@here.example>', "<ana@here.example\x0bBcc: x@y.example>", "<ana@here.example\x1c>", "<ana@here.example\x00>",
    "<ana@here.example>>", "<<ana@here.example>>", "<ana@here.example> <b@here.example>", "<ana@here.example,b@here.example>",
    "<ana@here.example;b@here.example>", "<ana@evil.example)ana@here.example>", "<ana@evil.example(ana@here.example)>",
    "<ana%elsewhere.example@here.example", '<"ana@here.example>', "<ana\\@here.example>", "<ana@[127.0.0.1]@here.example>",
    "<@here.example>", "<@a,@b:@c>", "<ana@here.example\u2028x@y.example>", "<ana@here.example\x85x>", "<ana @here.example>",
    "<" + "a" * 300 + "@here.example>", "<ana@" + "a" * 64 + ".here.example>", "<ana@here..here.example>", "<.@here.example>", "<...@here.example>",
    "<ana@here.example> ORCPT=rfc822;x", "<ana@here.example\t>", "ana@here.example b@here.example", "",
]  # fmt: skip


@pytest.mark.parametrize("trick", TRICKS)
def test_address_tricks_reach_nobody(trick: str) -> None:
    asked: list[str] = []

    def judge(address: str, envelope: Envelope) -> Rcpt:
        asked.append(address)
        return OK

    with listening(Store(), judge) as listener, Client(listener.port) as client:
        client.hello()
        assert client.ask("MAIL FROM:<> SMTPUTF8").startswith("250")
        client.raw(f"RCPT TO:{trick}\r\n".encode())
        assert client.reply()[:2] == "50" if "\r" in trick else client.reply()[:1] == "5"
    assert asked == []


def test_addresses_that_look_like_tricks_and_are_not() -> None:
    """What is odd and allowed comes through as one address; who is known is for the accept port to say."""
    store = Store()
    odd = ["ana%elsewhere.example@here.example", "elsewhere.example!ana@here.example", "'--drop@here.example", "ana@[127.0.0.1]",
           '"ana b"@here.example', '"a\\"b"@here.example', "a..b@here.example", "ана@here.example"]  # fmt: skip
    with listening(store, lambda address, envelope: OK) as listener, Client(listener.port) as client:
        client.hello()
        client.ask("MAIL FROM:<> SMTPUTF8")
        for address in odd:
            client.raw(f"RCPT TO:<{address}>\r\n".encode())
            assert client.reply().startswith("250"), address
        assert client.ask("DATA").startswith("354")
        client.raw(b"x\r\n.\r\n")
        assert client.reply().startswith("250")
    assert list(store.mails[0].envelope.rcpt_to) == odd


def test_faults_of_the_client_and_of_ours_are_counted_apart() -> None:
    def judge(address: str, envelope: Envelope) -> Rcpt | None:
        if address.startswith("bad"):
            raise RuntimeError("a fault of ours")
        return None

    with listening(Store(), judge) as listener, Client(listener.port) as client:
        client.ask("DATA")
        client.hello()
        client.ask("MAIL FROM:nobody here")
        client.ask("MAIL FROM:<>")
        assert client.ask("RCPT TO:<who@here.example>").startswith("550 5.1.1")
        assert client.ask("RCPT TO:<bad@here.example>").startswith("451 4.3.0")
        counted = listener.counters
        assert (counted["refused_sequence"], counted["refused_syntax"]) == (1, 1)
        assert (counted["refused_recipient"], counted["failed"]) == (2, 1)


def test_each_limit_has_its_counter() -> None:
    """A counter that no test here or beside it looks at is one that nobody would miss."""
    tests = "".join(file.read_text("utf-8") for file in Path(__file__).parent.glob("test_*.py"))
    limits = [
        name for name in COUNTERS if name.startswith(("refused_", "timeout_", "tls_", "hangup_", "store_", "failed"))
    ]
    assert [name for name in limits if f'["{name}"]' not in tests] == []


def test_a_thousand_connections_and_one_honest_client() -> None:
    store = Store()
    with listening(store, connections_per_address=50) as listener:
        crowd = []
        for _ in range(50):
            crowd.append(Client(listener.port))
        for _ in range(950):
            client = socket.create_connection(("127.0.0.1", listener.port), PATIENCE)
            crowd.append(client)  # type: ignore[arg-type]
        until(lambda: listener.counters["refused_connections_address"] == 950)
        crowd[0].hello()
        assert crowd[0].send().startswith("250")
        for member in crowd:
            member.close()
        until(lambda: not listener._shared.open)
        with Client(listener.port) as client:
            client.hello()
            assert client.send().startswith("250")
    assert len(store.mails) == 2
