from __future__ import annotations

import http.client
import json
import smtplib
import ssl

import pytest
from websockets.server import ServerProtocol
from websockets.sync.client import connect as websocket

from livepin.testing import Cast, Channel, TlsServer, conversations
from tests.testing.plain_clients import connect, tcp


def https(server: TlsServer, cast: Cast) -> http.client.HTTPSConnection:
    return http.client.HTTPSConnection("localhost", server.port, timeout=5, context=cast.authority.client_context())


def test_http_keeps_the_connection_and_echoes_what_was_asked(cast: Cast) -> None:
    with TlsServer(cast.genuine) as server:
        client = https(server, cast)
        for number in range(3):
            client.request("PUT", f"/item?n={number}", body=b"b\xe9%d" % number, headers={"X-Number": str(number)})
            response = client.getresponse()
            reply = json.loads(response.read())
            assert response.getheader("Content-Type") == "application/json"
            assert (reply["method"], reply["target"], reply["body"]) == ("PUT", f"/item?n={number}", f"bé{number}")
            assert reply["headers"]["X-Number"] == str(number)
        client.close()
        assert len(server.connections) == 1


def test_http_takes_chunked_bodies_and_waits_with_100_continue(cast: Cast) -> None:
    with TlsServer(cast.genuine) as server:
        client = https(server, cast)
        client.request("POST", "/", body=iter([b"one ", b"two"]), encode_chunked=True)
        assert json.loads(client.getresponse().read())["body"] == "one two"
        client.close()
        with connect(server, cast.authority.client_context()) as raw:
            raw.sendall(b"POST / HTTP/1.1\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
            assert raw.recv(64).startswith(b"HTTP/1.1 100 ")
            raw.sendall(b"ok")
            assert raw.recv(64).startswith(b"HTTP/1.1 200 ")


def test_http_answers_head_without_a_body_and_closes_when_asked(cast: Cast) -> None:
    with TlsServer(cast.genuine) as server:
        client = https(server, cast)
        client.request("GET", "/", headers={"Connection": "close"})
        response = client.getresponse()
        assert response.getheader("Connection") == "close"
        response.read()
        client.close()
        with connect(server, cast.authority.client_context()) as raw:
            raw.sendall(b"HEAD / HTTP/1.1\r\nConnection: close\r\n\r\n")
            received = b"".join(iter(lambda: raw.recv(1024), b""))
        assert received.startswith(b"HTTP/1.1 200 ")
        assert received.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    "request_", [b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n", b"GET / HTTP/1.1\r\n"]
)
def test_http_hangs_up_on_what_is_no_request(cast: Cast, request_: bytes) -> None:
    with TlsServer(cast.genuine) as server, connect(server, cast.authority.client_context()) as client:
        client.sendall(request_)
        if not request_.endswith(b"\r\n\r\n"):
            client = client.unwrap()  # type: ignore[assignment]
        assert client.recv(1) == b""


def test_echo_sends_every_byte_back(cast: Cast) -> None:
    with TlsServer(cast.genuine, conversation=conversations.echo) as server:
        with connect(server, cast.authority.client_context()) as client:
            client.sendall(b"\x00\xffping")
            assert client.recv(64) == b"\x00\xffping"
        server.wait_until_idle()
        assert server.received == b"\x00\xffping"


def test_a_silent_server_takes_everything_and_answers_nothing(cast: Cast) -> None:
    with TlsServer(cast.genuine, conversation=conversations.silent) as server:
        with connect(server, cast.authority.client_context()) as client:
            client.sendall(b"hello?")
            client.settimeout(0.1)
            with pytest.raises(TimeoutError):
                client.recv(1)
        server.wait_until_idle()
        assert server.received == b"hello?"


def test_a_server_hangs_up_in_good_order_or_resets(cast: Cast) -> None:
    with TlsServer(cast.genuine, conversation=conversations.hang_up) as server:
        with connect(server, cast.authority.client_context()) as client:
            assert client.recv(1) == b""  # close_notify: without it this is an ssl.SSLEOFError
        server.conversation = conversations.reset
        # Seen below TLS: after a reset, the ssl module of Python 3.11 reports an end of file.
        with tcp(server) as plain:
            cast.authority.client_context().wrap_socket(plain.dup(), server_hostname="localhost").close()
            with pytest.raises(ConnectionResetError):
                while plain.recv(1024):
                    pass


def test_smtp_goes_from_clear_text_to_tls(cast: Cast) -> None:
    with TlsServer(cast.genuine, preamble=conversations.starttls, conversation=conversations.silent) as server:
        with smtplib.SMTP("localhost", server.port, timeout=5) as client:
            client.ehlo("me")
            assert client.noop()[0] == 250
            client.starttls(context=cast.authority.client_context())
            assert isinstance(client.sock, ssl.SSLSocket)
            client.sock.sendall(b"AUTH PLAIN secret")
            client.sock.close()
            client.sock = None
        server.wait_until_idle()
        (connection,) = server.connections
        assert connection.plaintext == b"ehlo me\r\nnoop\r\nSTARTTLS\r\n"
        assert connection.received == b"AUTH PLAIN secret"


def test_smtp_without_tls_ends_in_the_clear(cast: Cast) -> None:
    with TlsServer(cast.genuine, preamble=conversations.starttls) as server:
        with smtplib.SMTP("localhost", server.port, timeout=5):
            pass
        tcp(server).close()
        server.wait_until_idle()
        assert [found.plaintext for found in server.connections] == [b"QUIT\r\n", b""]
        assert server.handshakes == 0


def test_an_intercepting_proxy_takes_connect_and_is_the_target_itself(cast: Cast) -> None:
    with TlsServer(cast.evil, preamble=conversations.intercepted_connect) as proxy:
        client = http.client.HTTPSConnection(
            "127.0.0.1", proxy.port, timeout=5, context=cast.authority.client_context()
        )
        client.set_tunnel("localhost", 443)
        client.request("GET", "/", headers={"Authorization": "Bearer token"})
        assert client.getresponse().status == 200
        client.close()
        proxy.wait_until_idle()
        assert proxy.connections[0].plaintext.startswith(b"CONNECT localhost:443 ")
        assert b"Bearer token" in proxy.received


def test_an_intercepting_proxy_takes_nothing_but_connect(cast: Cast) -> None:
    with TlsServer(cast.evil, preamble=conversations.intercepted_connect) as proxy:
        client = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=5)
        client.request("GET", "http://localhost/")
        assert client.getresponse().status == 405
        client.close()


def test_your_own_preamble_can_end_the_matter(cast: Cast) -> None:
    def refuse(channel: Channel) -> bool:
        channel.write(b"no TLS today\n")
        channel.drain()
        return False

    with TlsServer(cast.genuine, preamble=refuse) as server:
        with tcp(server) as client:
            assert client.recv(64) == b"no TLS today\n"
            client.sendall(b"pity")
        server.wait_until_idle()
        assert (server.connections[0].plaintext, server.handshakes) == (b"pity", 0)


def test_a_conversation_learns_that_its_client_is_gone_and_what_it_sent_is_counted(cast: Cast) -> None:
    def talk_on(channel: Channel) -> None:
        while True:
            channel.write(b"x" * 65536)

    with TlsServer(cast.evil, conversation=talk_on) as server:
        with connect(server, cast.authority.client_context()) as client:
            client.sendall(b"bearer token")
            client.recv(1)
        server.wait_until_idle()
        assert server.received == b"bearer token"


def test_your_own_conversation_can_be_a_websocket(cast: Cast) -> None:
    def echo_messages(channel: Channel) -> None:
        protocol = ServerProtocol()
        while data := channel.read():
            protocol.receive_data(data)
            for event in protocol.events_received():
                if hasattr(event, "headers"):
                    protocol.send_response(protocol.accept(event))  # type: ignore[arg-type]
                elif event.opcode.name == "TEXT":
                    protocol.send_text(event.data)
            for answer in protocol.data_to_send():
                channel.write(answer)
            if protocol.close_expected():
                return

    with TlsServer(cast.genuine, conversation=echo_messages) as server:
        url = server.url().replace("https", "wss")
        with websocket(url, ssl=cast.authority.client_context(), proxy=None) as client:
            client.send("hello")
            assert client.recv(timeout=5) == "hello"
