from __future__ import annotations

import contextlib
import http.client
import json
import socket
import ssl
import struct
import threading

import pytest

from livepin.testing import Cast, Channel, Connection, Handshake, Resumption, TlsServer, Versions, conversations
from tests.testing.plain_clients import connect, post, tcp


def shown(server: TlsServer, cast: Cast) -> bytes:
    """The certificate that a server shows to a new client."""
    with connect(server, cast.authority.client_context()) as client:
        return client.getpeercert(True) or b""


# ---------------------------------------------------------------- what is recorded


def test_the_decrypted_bytes_are_those_that_the_client_sent(cast: Cast) -> None:
    with TlsServer(cast.genuine) as server:
        reply = json.loads(post(server, cast, b"bearer token"))
        assert reply["body"] == "bearer token"
        server.wait_until_idle()
        assert server.received.endswith(b"\r\n\r\nbearer token")
        assert server.application_bytes == len(server.received)
        assert (server.handshakes, server.server_names) == (1, ("localhost",))


def test_a_client_that_leaves_after_the_handshake_has_sent_nothing(cast: Cast) -> None:
    with TlsServer(cast.evil) as server:
        connect(server, cast.authority.client_context()).close()
        server.wait_until_idle()
        assert (server.handshakes, server.application_bytes) == (1, 0)


@pytest.mark.parametrize("versions", Versions)
def test_bytes_of_a_client_that_is_already_gone_are_counted(cast: Cast, versions: Versions) -> None:
    with TlsServer(cast.evil, versions=versions, conversation=conversations.hang_up) as server:
        with connect(server, cast.authority.client_context()) as client:
            client.sendall(b"bearer token")
        server.wait_until_idle()
        assert server.received == b"bearer token"


def test_bytes_of_a_client_that_reset_the_connection_are_counted(cast: Cast) -> None:
    gone = threading.Event()

    def talk_to_nobody(channel: Channel) -> None:
        gone.wait(5)
        while True:
            channel.write(b"x")

    with TlsServer(cast.evil, conversation=talk_to_nobody) as server:
        client = connect(server, cast.authority.client_context())
        server.wait_until(lambda: server.handshakes == 1)
        client.sendall(b"bearer token")
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
        gone.set()
        server.wait_until_idle()
        assert server.received == b"bearer token"


def test_bytes_after_the_last_answer_are_counted(cast: Cast) -> None:
    with TlsServer(cast.genuine) as server, connect(server, cast.authority.client_context()) as client:
        client.sendall(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")
        while client.recv(65536):
            pass
        client.sendall(b"one more")
        client.close()
        server.wait_until_idle()
        assert server.received.endswith(b"one more")


def test_a_large_body_arrives_whole(cast: Cast) -> None:
    body = bytes(range(256)) * 8192
    with TlsServer(cast.genuine) as server:
        post(server, cast, body)
        assert server.received.endswith(body)


def test_plaintext_after_a_failed_handshake_is_noticed(cast: Cast) -> None:
    """The hazard of the standard library: a socket whose verification failed goes on in the clear."""
    with TlsServer(cast.untrusted) as server:
        with pytest.raises(ssl.SSLCertVerificationError):
            connect(server, cast.authority.client_context())
        with tcp(server) as plain:
            tls = cast.authority.client_context().wrap_socket(
                plain.dup(), server_hostname="localhost", do_handshake_on_connect=False
            )
            with tls, pytest.raises(ssl.SSLCertVerificationError):
                tls.do_handshake()
            plain.sendall(b"bearer token")
        server.wait_until_idle()
        assert [connection.plaintext for connection in server.connections] == [b"", b"bearer token"]
        assert server.application_bytes == 0


def test_plaintext_after_a_completed_handshake_is_noticed(cast: Cast) -> None:
    with TlsServer(cast.genuine) as server:
        with tcp(server) as plain:
            context = cast.authority.client_context()
            with contextlib.suppress(OSError), context.wrap_socket(plain.dup(), server_hostname="localhost") as tls:
                tls.sendall(b"GET ")
            plain.sendall(b"bearer ")
            server.wait_until(lambda: b"bearer" in server.connections[0].plaintext)
            plain.sendall(b"token")
        server.wait_until_idle()
        (connection,) = server.connections
        assert (connection.received, connection.plaintext) == (b"GET ", b"bearer token")


def test_a_failed_handshake_says_why(cast: Cast) -> None:
    with TlsServer(cast.untrusted) as server:
        with pytest.raises(ssl.SSLCertVerificationError):
            connect(server, cast.authority.client_context())
        server.wait_until_idle()
        (connection,) = server.connections
        assert (connection.established, connection.failure) == (False, "TLSV1_ALERT_UNKNOWN_CA")


def test_names_are_recorded_also_when_there_is_none(cast: Cast) -> None:
    with TlsServer(cast.genuine) as server:
        context = cast.authority.client_context()
        connect(server, context, server_hostname="localhost").close()
        connect(server, context, server_hostname="127.0.0.1").close()
        server.wait_until_idle()
        assert server.server_names == ("localhost", "")


def test_application_protocols_are_negotiated(cast: Cast) -> None:
    with TlsServer(cast.genuine, alpn=["h2", "http/1.1"]) as server:
        for offered in (["http/1.1", "h2"], ["http/1.1"], ["other"]):
            context = cast.authority.client_context()
            context.set_alpn_protocols(offered)
            connect(server, context).close()
            server.wait_until_idle()
        assert [(found.alpn_offered, found.alpn) for found in server.connections] == [
            (("http/1.1", "h2"), "h2"),
            (("http/1.1",), "http/1.1"),
            (("other",), ""),
        ]


def test_a_record_is_a_picture_that_does_not_change(cast: Cast) -> None:
    with TlsServer(cast.genuine, conversation=conversations.echo) as server:
        with connect(server, cast.authority.client_context()) as client:
            client.sendall(b"one")
            assert client.recv(3) == b"one"
            (early,) = server.connections
            client.sendall(b"two")
            assert client.recv(3) == b"two"
        assert early.received == b"one"
        assert isinstance(early, Connection)
        server.forget()
        assert (server.connections, server.application_bytes, server.handshakes) == ((), 0, 0)


def test_many_clients_at_once_are_kept_apart(cast: Cast) -> None:
    with TlsServer(cast.genuine) as server:
        threads = [threading.Thread(target=post, args=(server, cast, b"client %d" % number)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        server.wait_until_idle()
        bodies = {found.received.rpartition(b"\r\n\r\n")[2] for found in server.connections}
        assert bodies == {b"client %d" % number for number in range(8)}


# ---------------------------------------------------------------- certificates


def test_the_certificate_is_rotated_under_a_running_client(cast: Cast) -> None:
    with TlsServer(cast.genuine) as server:
        with connect(server, cast.authority.client_context()) as old:
            server.use(cast.backup)
            assert shown(server, cast) == cast.backup.der
            old.sendall(b"GET / HTTP/1.1\r\n\r\n")  # who is connected stays connected
            assert old.recv(12) == b"HTTP/1.1 200"
        assert server.certificate is cast.backup


def test_a_url_leads_to_the_server(cast: Cast) -> None:
    with TlsServer(cast.genuine) as server:
        assert server.url("/x?y=1") == f"https://localhost:{server.port}/x?y=1"
        assert server.url(host="127.0.0.1") == f"https://127.0.0.1:{server.port}/"


# ---------------------------------------------------------------- versions and sessions


@pytest.mark.parametrize(
    ("versions", "client_highest", "result"),
    [
        (Versions.BOTH, ssl.TLSVersion.TLSv1_3, "TLSv1.3"),
        (Versions.BOTH, ssl.TLSVersion.TLSv1_2, "TLSv1.2"),
        (Versions.TLS12, ssl.TLSVersion.TLSv1_3, "TLSv1.2"),
        (Versions.TLS13, ssl.TLSVersion.TLSv1_3, "TLSv1.3"),
        (Versions.TLS13, ssl.TLSVersion.TLSv1_2, None),
    ],
)
def test_only_the_chosen_versions_are_spoken(
    cast: Cast, versions: Versions, client_highest: ssl.TLSVersion, result: str | None
) -> None:
    context = cast.authority.client_context()
    context.maximum_version = client_highest
    with TlsServer(cast.genuine, versions=versions) as server:
        if result is None:
            with pytest.raises(ssl.SSLError, match="PROTOCOL_VERSION"):
                connect(server, context)
        else:
            with connect(server, context) as client:
                assert client.version() == result
            server.wait_until_idle()
            assert server.connections[0].version == result


@pytest.mark.parametrize("versions", [Versions.TLS12, Versions.TLS13])
@pytest.mark.parametrize("resumption", Resumption)
def test_sessions_are_resumed_as_the_server_allows(cast: Cast, versions: Versions, resumption: Resumption) -> None:
    context = cast.authority.client_context()
    with TlsServer(cast.genuine, conversation=conversations.echo, versions=versions, resumption=resumption) as server:
        sessions: list[ssl.SSLSession | None] = [None]
        for _ in range(2):
            with connect(server, context, session=sessions[-1]) as client:
                client.sendall(b"x")
                client.recv(1)  # TLS 1.3: tickets come with the first application data
                sessions.append(client.session)
            session = sessions[-1]
            assert session is not None
            if versions is Versions.TLS12 or resumption is Resumption.OFF:
                assert session.has_ticket is (resumption is Resumption.TICKETS)
        server.wait_until_idle()
        resumed = resumption is not Resumption.OFF
        assert [found.resumed for found in server.connections] == [False, resumed]
        assert server.received == b"xx"


def test_sessions_end_with_the_certificate(cast: Cast) -> None:
    context = cast.authority.client_context()
    with TlsServer(cast.genuine, conversation=conversations.echo) as server:
        with connect(server, context) as client:
            client.sendall(b"x")
            client.recv(1)
            session = client.session
        server.use(cast.backup)
        with connect(server, context, session=session) as client:
            assert not client.session_reused
            assert client.getpeercert(True) == cast.backup.der


# ---------------------------------------------------------------- misbehaving


@pytest.mark.parametrize("handshake", [Handshake.SILENT, Handshake.HALFWAY])
def test_a_handshake_that_never_ends_runs_into_the_clients_own_timeout(cast: Cast, handshake: Handshake) -> None:
    with TlsServer(cast.genuine, handshake=handshake) as server:
        with pytest.raises(TimeoutError):
            connect(server, cast.authority.client_context(), timeout=0.1)
        server.wait_until_idle()
        (connection,) = server.connections
        assert (connection.server_name, connection.established) == ("localhost", False)


def test_a_halfway_handshake_does_send_something(cast: Cast) -> None:
    with TlsServer(cast.genuine) as server:
        for handshake, expected in ((Handshake.SILENT, False), (Handshake.HALFWAY, True)):
            server.handshake = handshake
            incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            engine = cast.authority.client_context().wrap_bio(incoming, outgoing, server_hostname="localhost")
            with pytest.raises(ssl.SSLWantReadError):
                engine.do_handshake()
            with tcp(server, timeout=5 if expected else 0.1) as client:
                client.sendall(outgoing.read())
                answered = True
                try:
                    assert client.recv(1) == b"\x16"
                except TimeoutError:
                    answered = False
            assert answered is expected


def test_a_handshake_is_reset(cast: Cast) -> None:
    with TlsServer(cast.genuine, handshake=Handshake.RESET) as server:
        with pytest.raises(ConnectionResetError):
            connect(server, cast.authority.client_context())
        server.wait_until_idle()
        assert server.server_names == ("localhost",)


def test_behaviour_changes_at_run_time(cast: Cast) -> None:
    with TlsServer(cast.genuine) as server:
        post(server, cast)
        server.handshake = Handshake.RESET
        with pytest.raises(ConnectionResetError):
            post(server, cast)
        server.handshake = Handshake.COMPLETE
        server.conversation = conversations.hang_up
        with pytest.raises(http.client.RemoteDisconnected):
            post(server, cast)


def test_a_client_that_talks_no_tls_is_no_fault_and_is_recorded(cast: Cast) -> None:
    with TlsServer(cast.genuine) as server:
        with tcp(server) as client:
            client.sendall(b"GET / HTTP/1.1\r\n\r\n")
            client.recv(1024)
        server.wait_until_idle()
        (connection,) = server.connections
        assert (connection.plaintext, connection.failure) == (b"GET / HTTP/1.1\r\n\r\n", "HTTP_REQUEST")


def test_stopping_frees_clients_that_hang(cast: Cast) -> None:
    before = threading.active_count()
    outcomes: list[str] = []

    def hang() -> None:
        try:
            connect(server, cast.authority.client_context(), timeout=30)
        except OSError as error:
            outcomes.append(type(error).__name__)

    server = TlsServer(cast.genuine, handshake=Handshake.SILENT)
    with server:
        client = threading.Thread(target=hang)
        client.start()
        server.wait_until(lambda: server.server_names == ("localhost",))
    client.join(30)
    assert outcomes
    assert threading.active_count() == before
