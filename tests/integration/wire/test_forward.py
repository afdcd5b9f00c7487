"""XFORWARD on the wire: offered to front servers alone, of one mail only, and never what our own line says."""

from tests.integration.wire.dialogue import Client, Store, listening


def test_a_front_server_tells_of_its_client_and_each_mail_has_its_own() -> None:
    store = Store()
    with listening(store, xforward=True, trusted=("127.0.0.0/8",)) as listener:
        client = Client(listener.port)
        assert "|250-XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE|" in client.hello()
        client.play("""
            C: XFORWARD ADDR=192.0.2.7 NAME=mx.there.example
            S: 250
            C: XFORWARD HELO=mx.there.example
            S: 250
            C: XFORWARD ADDR
            S: 501
        """)
        assert client.send().startswith("250 ")
        assert client.send().startswith("250 ")
        client.play("""
            C: XFORWARD ADDR=192.0.2.9
            S: 250
            C: RSET
            S: 250
            C: MAIL FROM:<a@b.example>
            S: 250
            C: XFORWARD ADDR=192.0.2.7
            S: 503
        """)
    first, second = (one.envelope for one in store.mails)
    assert (first.peer, first.helo, first.front) == ("192.0.2.7", "mx.there.example", "127.0.0.1")
    assert (second.peer, second.helo, second.front) == ("127.0.0.1", "client.example", "")
    assert store.mails[0].data.startswith(b"Received: from client.example ([127.0.0.1])")


def test_others_are_not_believed() -> None:
    for settings in (
        {"xforward": True},
        {"trusted": ("127.0.0.0/8",)},
        {"xforward": True, "trusted": ("192.0.2.0/24",)},
    ):
        store = Store()
        with listening(store, **settings) as listener:
            client = Client(listener.port)
            assert "XFORWARD" not in client.hello()
            assert client.ask("XFORWARD ADDR=192.0.2.7").startswith("550 5.7.0 ")
            assert client.send().startswith("250 ")
        assert store.mails[0].envelope.peer == "127.0.0.1"
