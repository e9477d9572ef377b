"""Programs that do TLS with pyOpenSSL are pinned by `livepin.setup`, however they move their bytes.

Each test of a refusal stands beside one without pins, or the same call against the genuine service.
"""

from __future__ import annotations

import pickle
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from OpenSSL import SSL

import livepin
from livepin.testing import Cast, ServerCertificate, TlsServer, conversations, policy
from tests.acme import Acme
from tests.client.adapters.pyopenssl.connections import SECRET, Way, close, go, sent_at_once, told, unshaken

# ---------------------------------------------------------------- every way in which bytes are moved


def shaken_then_sent(connection: SSL.Connection) -> None:
    connection.do_handshake()
    connection.send(SECRET)


def written_at_once(connection: SSL.Connection) -> None:
    connection.write(SECRET)


def all_sent_at_once(connection: SSL.Connection) -> None:
    connection.sendall(SECRET)


def _reading_first(read: Callable[[SSL.Connection], object], connection: SSL.Connection) -> None:
    """A read that finds nothing in time, then a send: the handshake happened inside the read."""
    plain: Any = connection._socket
    plain.settimeout(0.3)
    for _ in range(20):
        with suppress(SSL.WantReadError):
            read(connection)
        if connection.get_state_string().endswith(b"successfully"):
            break
        with suppress(OSError):
            plain.recv(1, socket.MSG_PEEK)
    plain.settimeout(None)
    connection.sendall(SECRET)


def received_then_sent(connection: SSL.Connection) -> None:
    _reading_first(lambda each: each.recv(1), connection)


def read_then_sent(connection: SSL.Connection) -> None:
    _reading_first(lambda each: each.read(1), connection)


def received_into_then_sent(connection: SSL.Connection) -> None:
    _reading_first(lambda each: each.recv_into(bytearray(1)), connection)


def caught_and_sent(connection: SSL.Connection) -> None:
    for _ in range(3):
        with suppress(SSL.Error, OSError):
            connection.do_handshake()
        with suppress(SSL.Error, OSError):
            connection.sendall(SECRET)


def caught_and_sent_in_the_clear(connection: SSL.Connection) -> None:
    """What pyOpenSSL does not know it asks the socket beneath."""
    try:
        connection.sendall(SECRET)
    except (SSL.Error, OSError):
        connection.sendmsg([SECRET])


def asked_by_the_base_class(connection: SSL.Connection) -> None:
    """As subclasses do that override a method."""
    SSL.Connection.send(connection, SECRET)


WAYS: list[Way] = [
    *(shaken_then_sent, sent_at_once, written_at_once, all_sent_at_once, received_then_sent, read_then_sent),
    *(received_into_then_sent, caught_and_sent, caught_and_sent_in_the_clear, asked_by_the_base_class),
]
ways = pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)


@ways
def test_every_way_leads_to_the_attacker_without_pins(way: Way, context: SSL.Context, evil: TlsServer) -> None:
    go(way, unshaken(context, evil.port))
    assert told(evil) >= len(SECRET)


@ways
def test_no_way_leads_to_the_attacker_with_pins(way: Way, context: SSL.Context, evil: TlsServer, pinned: Acme) -> None:
    go(way, unshaken(context, evil.port))
    assert told(evil) == 0
    assert evil.server_names == ("localhost",)
    assert pinned.told("verdict_blocked") != []


@ways
def test_no_way_leads_to_the_attacker_from_a_connection_made_before_set_up(
    way: Way, context: SSL.Context, evil: TlsServer, acme: Acme, installed: None
) -> None:
    connection = unshaken(context, evil.port)
    acme.publish(policy("localhost", acme.cast.genuine))
    livepin.setup(**acme.embedded())
    go(way, connection)
    assert told(evil) == 0


@ways
def test_every_way_leads_to_the_genuine_service(
    way: Way, context: SSL.Context, genuine: TlsServer, pinned: Acme
) -> None:
    go(way, unshaken(context, genuine.port))
    assert told(genuine) >= len(SECRET)
    assert pinned.told("verdict_blocked") == []


def test_over_memory_buffers_nothing_leaves_towards_the_attacker(
    context: SSL.Context, cast: Cast, pinned: Acme
) -> None:
    def talk(certificate: ServerCertificate) -> bytes:
        with TlsServer(certificate, conversation=conversations.echo) as server:
            connection = SSL.Connection(context, None)
            connection.set_tlsext_host_name(b"localhost")
            connection.set_connect_state()
            with socket.create_connection(("localhost", server.port), 10) as plain, suppress(SSL.Error):
                _drive(connection, plain, lambda: connection.send(SECRET))
            return b"" if told(server) == 0 else server.received

    assert talk(cast.genuine) == SECRET
    assert talk(cast.evil) == b""


def _drive(connection: SSL.Connection, plain: socket.socket, step: Callable[[], object]) -> None:
    """Move the bytes of a connection over memory buffers until `step` is done."""
    for _ in range(10):
        try:
            step()
            done = True
        except SSL.WantReadError:
            done = False
        finally:
            with suppress(SSL.WantReadError):
                plain.sendall(connection.bio_read(65536))
        if done:
            return
        connection.bio_write(plain.recv(65536))


def test_the_error_is_ours_and_pyopenssls_and_stays_the_answer(
    context: SSL.Context, evil: TlsServer, pinned: Acme
) -> None:
    connection = unshaken(context, evil.port)
    with pytest.raises(SSL.Error) as first:
        connection.do_handshake()
    with pytest.raises(livepin.PinError) as second:
        connection.send(SECRET)
    close(connection)
    assert isinstance(first.value, livepin.PinError)
    assert first.value.code == second.value.code == "pin_mismatch"
    assert first.value.args == ([("livepin", "", "pin_mismatch")],), "the shape of pyOpenSSL's own errors"
    assert first.value.verdict.host == "localhost"
    assert pickle.loads(pickle.dumps(first.value)).verdict == first.value.verdict
