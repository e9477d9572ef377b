"""Connections that may resume a session: over a socket, over one that never shakes hands by itself, in memory."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass

from livepin.testing import Resumption, Versions
from tests.clients.client import SECRET, TIMEOUT
from tests.clients.memory import MemoryTls


@dataclass(frozen=True)
class Dialogue:
    """What one connection brought back."""

    reply: bytes
    resumed: bool
    session: ssl.SSLSession | None


Talk = Callable[[ssl.SSLContext, int, str, "ssl.SSLSession | None"], Dialogue]


def by_socket(context: ssl.SSLContext, port: int, host: str, session: ssl.SSLSession | None) -> Dialogue:
    with (
        socket.create_connection(("localhost", port), TIMEOUT) as plain,
        context.wrap_socket(plain, server_hostname=host, session=session) as connection,
    ):
        connection.sendall(SECRET)
        reply = connection.recv(len(SECRET))  # in TLS 1.3 the session ticket comes along
        return Dialogue(reply, bool(connection.session_reused), connection.session)


def by_socket_unshaken(context: ssl.SSLContext, port: int, host: str, session: ssl.SSLSession | None) -> Dialogue:
    with (
        socket.create_connection(("localhost", port), TIMEOUT) as plain,
        context.wrap_socket(plain, server_hostname=host, session=session, do_handshake_on_connect=False) as connection,
    ):
        connection.sendall(SECRET)
        reply = connection.recv(len(SECRET))
        return Dialogue(reply, bool(connection.session_reused), connection.session)


def by_memory(context: ssl.SSLContext, port: int, host: str, session: ssl.SSLSession | None) -> Dialogue:
    with socket.create_connection(("localhost", port), TIMEOUT) as plain:
        tls = MemoryTls(plain, context, host, session)
        tls.drive(tls.object.write, SECRET)
        reply = tls.drive(tls.object.read, len(SECRET))
        return Dialogue(reply, bool(tls.object.session_reused), tls.object.session)


TALKS: list[Talk] = [by_socket, by_socket_unshaken, by_memory]
KINDS = {
    "TLS12-tickets": (Versions.TLS12, Resumption.TICKETS),
    "TLS12-stateful": (Versions.TLS12, Resumption.STATEFUL),
    "TLS13-tickets": (Versions.TLS13, Resumption.TICKETS),
}
