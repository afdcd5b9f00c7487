"""The listener over real sockets: dialogues as they look on the wire, what is stored, what survives."""

import logging
import re
import smtplib
import ssl
import subprocess
import sys
import threading
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from mailer.message import Envelope
from mailer.wire.listener import Listener, ListenerSettings, Rcpt
from tests.integration.wire.dialogue import (
    OK,
    PATIENCE,
    Client,
    Store,
    accept,
    blind_context,
    certificate,
    listening,
    until,
)

TRACE = b"Received: from client.example ([127.0.0.1])\r\n\tby mx.here.example with ESMTP id "


def test_a_whole_dialogue_as_on_the_wire() -> None:
    store = Store()
    with listening(store) as listener, Client(listener.port, greet=False) as client:
        client.play(
            """
            S: 220 mx.here.example ESMTP
            C: EHLO client.example
            S: 250-mx.here.example|250-PIPELINING|250-SIZE 26214400|250-ENHANCEDSTATUSCODES|250-8BITMIME|250 SMTPUTF8
            C: MAIL FROM:<june@there.example> SIZE=20 BODY=8BITMIME
            S: 250 2.1.0
            C: RCPT TO:<ana@here.example>
            S: 250 2.1.5
            C: RCPT TO:<stranger@here.invalid>
            S: 550 5.1.1
            C: DATA
            S: 354
            C: Subject: dots
            C:
            C: ..one
            C: ...two
            C: .
            S: 250 2.0.0
            C: NOOP
            S: 250 2.0.0
            C: RSET
            S: 250 2.0.0
            C: VRFY ana
            S: 252 2.5.0
            C: EXPN liaisons
            S: 502 5.5.1
            C: HELP
            S: 214 2.0.0
            C: QUIT
            S: 221 2.0.0
            S:
            """
        )
    (mail,) = store.mails
    assert mail.envelope == Envelope("june@there.example", ("ana@here.example",), "127.0.0.1", "client.example")
    assert mail.data.startswith(TRACE)
    assert b"\r\n\tfor <ana@here.example>; Mon, 18 Mar 2019 09:00:00 +0000\r\n" in mail.data
    assert mail.data.endswith(b"\r\nSubject: dots\r\n\r\n.one\r\n..two\r\n")


@pytest.mark.parametrize(
    ("commands", "reply"),
    [
        (["MAIL FROM:<a@b.example>"], "503 5.5.1"),
        (["EHLO"], "501 5.5.4"),
        (["LHLO x"], "500 5.5.1"),
        (["EHLO c", "RCPT TO:<ana@here.example>"], "503 5.5.1"),
        (["EHLO c", "DATA"], "503 5.5.1"),
        (["EHLO c", "MAIL FROM:<a@b.example>", "DATA"], "503 5.5.1"),
        (["EHLO c", "MAIL FROM:<a@b.example>", "MAIL FROM:<a@b.example>"], "503 5.5.1"),
        (["EHLO c", "MAIL FROM:<a@b.example>", "RCPT TO:<ana@here.example>", "DATA x"], "501 5.5.4"),
        (["EHLO c", "MAIL a@b.example"], "501 5.5.4"),
        (["EHLO c", "MAIL FROM:<a b@c>"], "501 5.5.4"),
        (["EHLO c", "MAIL FROM:<a@b.example> SIZE=x"], "501 5.5.4"),
        (["EHLO c", "MAIL FROM:<a@b.example> SIZE=-1"], "501 5.5.4"),
        (["EHLO c", "MAIL FROM:<a@b.example> SIZE=\u0661"], "501 5.5.4"),
        (["EHLO c", "MAIL FROM:<a@b.example> SIZE=26214401"], "552 5.3.4"),
        (["EHLO c", "MAIL FROM:<a@b.example> SIZE=1 SIZE=2"], "501 5.5.4"),
        (["EHLO c", "MAIL FROM:<a@b.example> BODY=BINARYMIME"], "501 5.5.4"),
        (["EHLO c", "MAIL FROM:<a@b.example> RET=FULL"], "555 5.5.4"),
        (["EHLO c", "MAIL FROM:<a@b.example> SMTPUTF8=1"], "501 5.5.4"),
        (["EHLO c", "MAIL FROM:<\u00fc@b.example>"], "553 5.6.7"),
        (["EHLO c", "MAIL FROM:<>", "RCPT TO:<>"], "501 5.1.3"),
        (["EHLO c", "MAIL FROM:<>", "RCPT TO:<ana@here.example> NOTIFY=NEVER"], "555 5.5.4"),
        (["EHLO c", "MAIL FROM:<>", "RCPT TO:<ana\u202e@here.example>"], "553 5.6.7"),
        (["BDAT 3 LAST"], "500 5.5.1"),
        (["AUTH PLAIN AGEAYg=="], "502 5.5.1"),
        (["STARTTLS"], "503 5.5.1"),
        ([""], "500 5.5.1"),
        (["GET / HTTP/1.1"], "421 4.7.0"),
    ],
)
def test_what_is_out_of_order_or_malformed(commands: list[str], reply: str) -> None:
    with listening(Store()) as listener, Client(listener.port) as client:
        replies = [client.ask(command) for command in commands]
        assert replies[-1].startswith(reply), replies


def test_every_refusal_has_an_enhanced_code_and_the_session_goes_on() -> None:
    store = Store()
    with listening(store) as listener, Client(listener.port) as client:
        for command in ("X", "MAIL", "RCPT TO:<a@b>", "DATA", "EXPN a", "MAIL FROM:<x@y> FOO=1", "LHLO a"):
            reply = client.ask(command)
            assert re.match(r"5\d\d 5\.\d\.\d ", reply), reply
        client.hello()
        assert client.send().startswith("250 2.0.0")
        assert listener.counters["refused_command"] == 3
    assert len(store.mails) == 1


@pytest.mark.parametrize("address", ["postmaster", "PoStMaStEr", "@one.example,@two.example:ana@here.example"])
def test_recipients_reach_the_port_as_written(address: str) -> None:
    seen: list[tuple[str, Envelope]] = []

    def judge(address: str, envelope: Envelope) -> Rcpt:
        seen.append((address, envelope))
        return OK

    with listening(Store(), judge) as listener, Client(listener.port) as client:
        client.hello()
        client.ask("MAIL FROM: june@there.example")
        assert client.ask(f"rcpt to: <{address}>").startswith("250")
        assert client.ask("RCPT TO:<second@here.example>").startswith("250")
    first = address.rpartition(":")[2]
    assert seen[0] == (first, Envelope("june@there.example", (), "127.0.0.1", "client.example"))
    assert seen[1][1].rcpt_to == (first,)


def test_the_null_sender_is_empty_and_utf8_is_kept() -> None:
    store = Store()
    with listening(store) as listener, Client(listener.port) as client:
        client.hello()
        client.begin(sender="")
        client.raw(b"x\r\n.\r\n")
        assert client.reply().startswith("250")
        assert client.ask("MAIL FROM:<j\u00fcne@b\u00fccher.example> SMTPUTF8 BODY=8BITMIME").startswith("250")
        assert client.ask("RCPT TO:<\u0430\u043d\u0430@here.example>").startswith("250")
        assert client.ask("DATA").startswith("354")
        client.raw("Subject: \u0434\u0430\r\n\r\n.\r\n".encode())
        assert client.reply().startswith("250")
    assert store.mails[0].envelope.mail_from == ""
    assert store.mails[1].envelope.mail_from == "j\u00fcne@b\u00fccher.example"
    assert store.mails[1].envelope.rcpt_to == ("\u0430\u043d\u0430@here.example",)
    assert b"with UTF8SMTP id" in store.mails[1].data


def test_what_the_client_calls_itself_cannot_become_a_header() -> None:
    store = Store()
    with listening(store) as listener, Client(listener.port) as client:
        client.ask("EHLO x) (y\tz; <b>")
        assert client.send().startswith("250")
        client.ask("HELO plain.example")
        assert client.send().startswith("250")
    assert store.mails[0].data.startswith(b"Received: from unknown ([127.0.0.1])")
    assert b"from plain.example ([127.0.0.1])\r\n\tby mx.here.example with SMTP id" in store.mails[1].data


def test_for_is_told_only_where_there_is_one_recipient() -> None:
    store = Store()
    with listening(store) as listener, Client(listener.port) as client:
        client.hello()
        client.ask("MAIL FROM:<>")
        client.ask("RCPT TO:<ana@here.example>")
        client.ask("RCPT TO:<ben@here.example>")
        client.ask("DATA")
        client.raw(b"x\r\n.\r\n")
        assert client.reply().startswith("250")
    assert b"for <" not in store.mails[0].data


def test_pipelined_mails_are_all_stored_and_answered_in_order() -> None:
    store = Store()
    mail = b"MAIL FROM:<a@b.example>\r\nRCPT TO:<ana@here.example>\r\nDATA\r\nx\r\n.\r\n"
    with listening(store) as listener, Client(listener.port) as client:
        client.raw(b"EHLO c\r\n" + mail * 5 + b"QUIT\r\n")
        codes = [client.reply()[:3] for _ in range(22)]
    assert codes == ["250"] + ["250", "250", "354", "250"] * 5 + ["221"]
    assert len(store.mails) == 5


def test_data_in_pieces_of_every_size() -> None:
    store = Store()
    data = b"Subject: pieces\r\n\r\n..\r\n.x\r\nend\r\n.\r\n"
    with listening(store) as listener, Client(listener.port) as client:
        client.hello()
        for size in range(1, 8):
            client.begin()
            for start in range(0, len(data), size):
                client.raw(data[start : start + size])
            assert client.reply().startswith("250")
    bodies = {mail.data.partition(b"\r\nSubject: ")[2] for mail in store.mails}
    assert bodies == {b"pieces\r\n\r\n.\r\nx\r\nend\r\n"}


def test_many_connections_share_a_commit() -> None:
    store = Store()
    with listening(store) as listener:
        clients = [Client(listener.port) for _ in range(20)]
        for client in clients:
            client.hello()
            client.begin()
        store.gate.clear()
        for client in clients:
            client.raw(b"x\r\n.\r\n")
        assert store.entered.wait(PATIENCE)
        until(lambda: listener._shared.held >= 20 * len(b"x\r\n"))
        store.gate.set()
        assert all(client.reply().startswith("250") for client in clients)
        for client in clients:
            client.close()
    assert sum(store.batches) == 20
    assert len(store.batches) < 20


def test_250_is_not_said_before_the_store_returned() -> None:
    store = Store()
    store.gate.clear()
    with listening(store) as listener, Client(listener.port) as client:
        client.hello()
        client.begin()
        client.raw(b"x\r\n.\r\n")
        assert store.entered.wait(PATIENCE)
        client.socket.settimeout(0.2)
        with pytest.raises(TimeoutError):
            client.socket.recv(1)
        client.socket.settimeout(PATIENCE)
        store.gate.set()
        assert client.socket.recv(100).startswith(b"250 2.0.0")


def test_a_store_that_raises_gives_451_to_the_whole_batch_and_leaks_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    store = Store()
    store.error = RuntimeError("disk full\nINSERT INTO raw VALUES ('secret mail')")
    with listening(store) as listener, Client(listener.port) as client, caplog.at_level(logging.ERROR):
        client.hello()
        reply = client.send()
        assert reply.startswith("451 4.3.0")
        assert not re.search("disk|RuntimeError", reply)
        store.error = None
        assert client.send().startswith("250")
        assert listener.counters["store_failed"] == 1
    assert "disk full" in caplog.text
    assert "secret" not in caplog.text


def test_an_accept_that_raises_gives_451() -> None:
    def judge(address: str, envelope: Envelope) -> Rcpt:
        raise RuntimeError("password hunter2")

    with listening(Store(), judge) as listener, Client(listener.port) as client:
        client.hello()
        client.ask("MAIL FROM:<>")
        assert client.ask("RCPT TO:<ana@here.example>") == "451 4.3.0 temporary failure, please try again"
        assert client.ask("NOOP").startswith("250")


@pytest.mark.parametrize("manner", ["close", "reset", "half-close"])
def test_a_client_that_hangs_up_during_the_commit_loses_nothing(manner: str) -> None:
    store = Store()
    store.gate.clear()
    with listening(store) as listener:
        client = Client(listener.port)
        client.hello()
        client.begin()
        client.raw(b"Subject: last words\r\n\r\n.\r\n")
        assert store.entered.wait(PATIENCE)
        if manner == "half-close":
            client.socket.shutdown(1)
        else:
            if manner == "reset":
                client.socket.setsockopt(1, 13, b"\1\0\0\0\0\0\0\0")
            client.close()
        threading.Timer(0.1, store.gate.set).start()
        until(lambda: store.mails)
        if manner == "half-close":
            assert client.reply().startswith("250 2.0.0")
            client.close()
        until(lambda: not listener._shared.open)
        assert listener._shared.held == 0
        with Client(listener.port) as other:
            other.hello()
            assert other.send().startswith("250")


def test_a_client_that_hangs_up_in_the_data_leaves_nothing_behind() -> None:
    store = Store()
    with listening(store) as listener:
        client = Client(listener.port)
        client.hello()
        client.begin()
        client.raw(b"half a mail\r\n")
        client.close()
        until(lambda: listener.counters["hangup_in_data"] == 1)
        until(lambda: listener._shared.held == 0)
    assert not store.mails


def test_lmtp_answers_for_each_recipient() -> None:
    store = Store()
    with listening(store, lmtp=True) as listener, Client(listener.port, greet=False) as client:
        client.play(
            """
            S: 220 mx.here.example LMTP
            C: EHLO c
            S: 500 5.5.1
            C: LHLO front.example
            S: 250-mx.here.example
            C: MAIL FROM:<june@there.example>
            S: 250
            C: RCPT TO:<ana@here.example>
            S: 250
            C: RCPT TO:<nobody@nowhere.example>
            S: 550 5.1.1
            C: RCPT TO:<ben@here.example>
            S: 250
            C: DATA
            S: 354
            C: x
            C: .
            S: 250 2.0.0
            S: 250 2.0.0
            C: NOOP
            S: 250 2.0.0 ok
            """
        )
        store.error = RuntimeError("no")
        client.play(
            """
            C: MAIL FROM:<june@there.example>
            S: 250
            C: RCPT TO:<ana@here.example>
            S: 250
            C: RCPT TO:<ben@here.example>
            S: 250
            C: DATA
            S: 354
            C: .
            S: 451 4.3.0
            S: 451 4.3.0
            C: QUIT
            S: 221
            """
        )
    assert [mail.envelope.rcpt_to for mail in store.mails] == [("ana@here.example", "ben@here.example")]
    assert b"with LMTP id" in store.mails[0].data


def test_starttls_forgets_what_was_said_in_clear(tmp_path: Path) -> None:
    store = Store()
    files = certificate(tmp_path)
    with listening(store, tls=files) as listener, Client(listener.port) as client:
        assert "250-STARTTLS" in client.hello()
        assert client.ask("STARTTLS x").startswith("501 5.5.4")
        assert client.ask("STARTTLS").startswith("220 2.0.0")
        client.start_tls()
        assert client.ask("MAIL FROM:<a@b.example>").startswith("503 5.5.1")
        assert "STARTTLS" not in client.hello()
        assert client.ask("STARTTLS").startswith("503 5.5.1")
        assert client.send().startswith("250 2.0.0")
    assert b"with ESMTPS id" in store.mails[0].data


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_only_tls_1_2_and_newer(tmp_path: Path) -> None:
    with listening(Store(), tls=certificate(tmp_path)) as listener, Client(listener.port) as client:
        client.hello()
        client.ask("STARTTLS")
        context = blind_context()
        context.minimum_version = ssl.TLSVersion.TLSv1_1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
        with pytest.raises((ssl.SSLError, ConnectionError)):
            client.start_tls(context)
        with Client(listener.port) as other:
            assert other.hello().startswith("250")


def test_the_certificate_is_reloaded_without_a_restart(tmp_path: Path) -> None:
    files = certificate(tmp_path, "old.example")

    def name(port: int) -> bytes:
        with Client(port) as client:
            client.hello()
            client.ask("STARTTLS")
            client.start_tls()
            assert isinstance(client.socket, ssl.SSLSocket)
            return client.socket.getpeercert(binary_form=True) or b""

    with listening(Store(), tls=files) as listener:
        assert b"old.example" in name(listener.port)
        certificate(tmp_path, "new.example")
        until(lambda: b"new.example" in name(listener.port))
        files.key.write_text("rubbish")
        with pytest.raises((OSError, ssl.SSLError)):
            listener.reload_tls()
        assert b"new.example" in name(listener.port)
        files.key.unlink()
        listener._watch_tls()
        assert b"new.example" in name(listener.port)
        certificate(tmp_path, "third.example")
        until(lambda: b"third.example" in name(listener.port))


def test_requiretls_is_offered_and_taken_under_tls_alone(tmp_path: Path) -> None:
    store = Store()
    with listening(store, tls=certificate(tmp_path)) as listener, Client(listener.port) as client:
        assert "REQUIRETLS" not in client.hello()
        assert client.ask("MAIL FROM:<a@b.example> REQUIRETLS").startswith("530 5.7.10")
        client.ask("STARTTLS")
        client.start_tls()
        assert "REQUIRETLS" in client.hello()
        assert client.ask("MAIL FROM:<a@b.example> REQUIRETLS=yes").startswith("530 5.7.10")
        assert client.ask("MAIL FROM:<a@b.example> REQUIRETLS").startswith("250 ")


def test_implicit_and_required_tls(tmp_path: Path) -> None:
    files = certificate(tmp_path)
    store = Store()
    with listening(store, tls=files, implicit_tls=True) as listener, Client(listener.port, greet=False) as client:
        client.start_tls()
        assert client.reply().startswith("220")
        assert "STARTTLS" not in client.hello()
        assert client.send().startswith("250")
    with listening(store, tls=files, require_tls=True) as listener, Client(listener.port) as client:
        client.hello()
        assert client.ask("MAIL FROM:<>").startswith("530 5.7.0")
        assert listener.counters["refused_tls_required"] == 1
    with pytest.raises(ValueError, match="certificate"):
        Listener(accept, store, ListenerSettings(require_tls=True)).start()


def test_a_client_of_the_standard_library_gets_through(tmp_path: Path) -> None:
    store = Store()
    everybody = ["ana@here.example", "x@nowhere.example"]
    with (
        listening(store, tls=certificate(tmp_path)) as listener,
        smtplib.SMTP("127.0.0.1", listener.port, timeout=PATIENCE) as client,
    ):
        client.starttls(context=blind_context())
        refused = client.sendmail("a@b.example", everybody, "Subject: s\n\n.\n")
    assert list(refused) == ["x@nowhere.example"]
    assert store.mails[0].data.endswith(b"Subject: s\r\n\r\n.\r\n")


def test_two_processes_share_a_port() -> None:
    store = Store()
    with listening(store, reuse_port=True) as first, listening(store, reuse_port=True, port=first.port) as second:
        assert first.port == second.port
        for _ in range(40):
            with Client(first.port) as client:
                client.hello()
        until(lambda: first.counters["connections"] + second.counters["connections"] == 40)
    with listening(store) as first, pytest.raises(OSError, match="in use"):
        Listener(accept, store, replace(ListenerSettings(), port=first.port)).start()


def test_stopping_lets_a_commit_finish_and_says_goodbye() -> None:
    store = Store()
    store.gate.clear()
    with listening(store) as listener:
        idle, busy = Client(listener.port), Client(listener.port)
        idle.hello()
        busy.hello()
        busy.begin()
        busy.raw(b"x\r\n.\r\n")
        assert store.entered.wait(PATIENCE)
        stopper = threading.Thread(target=listener.stop)
        stopper.start()
        assert idle.reply().startswith("421 4.3.2")
        store.gate.set()
        assert busy.reply().startswith("250 2.0.0")
        assert busy.reply().startswith("421 4.3.2")
        stopper.join(PATIENCE)
        assert not stopper.is_alive()
        idle.close()
        busy.close()
    assert len(store.mails) == 1


def test_kill_9_after_250_loses_nothing(tmp_path: Path) -> None:
    script = "import sys\nfrom tests.integration.wire.test_listener import keep_in_file\nkeep_in_file(sys.argv[1])\n"
    acknowledged: Counter[str] = Counter()
    path = tmp_path / "mails"
    with subprocess.Popen(
        [sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        with Client(port) as client:
            client.hello()
            for number in range(30):
                assert client.send(b"Subject: n%d.\r\n\r\n" % number).startswith("250")
                acknowledged[f"n{number}."] += 1
            client.begin()
            client.raw(b"Subject: unacknowledged\r\n\r\n")
            process.kill()
    stored = path.read_text()
    assert all(f"Subject: {name}" in stored for name in acknowledged)


def keep_in_file(path: str) -> None:
    """Run in a process of its own by the test above."""
    import os

    file = open(path, "ab", buffering=0)  # noqa: SIM115 - closed by the kill

    def store(batch: object) -> None:
        for mail in batch:  # type: ignore[attr-defined]
            file.write(mail.data)
        os.fsync(file.fileno())

    listener = Listener(accept, store, ListenerSettings())
    listener.start()
    print(listener.port, flush=True)
    sys.stdin.read()
