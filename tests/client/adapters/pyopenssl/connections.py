"""What the tests of pyOpenSSL share: connections, and what a server was told."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from OpenSSL import SSL

from livepin.testing import Cast, TlsServer

SECRET = b"bearer-token-of-the-application"

Way = Callable[[SSL.Connection], None]


def trusting(cast: Cast, folder: Path, callback: Callable[..., bool] | None = None) -> SSL.Context:
    """A context that trusts the cast's authority."""
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.load_verify_locations(str(cast.authority.write(folder)))
    context.set_verify(SSL.VERIFY_PEER, callback)
    return context


def unshaken(context: SSL.Context, port: int, host: str | None = "localhost") -> SSL.Connection:
    """A connected pyOpenSSL connection that has not shaken hands."""
    plain = socket.create_connection(("localhost", port), 10)
    plain.settimeout(None)
    connection = SSL.Connection(context, plain)
    if host is not None:
        connection.set_tlsext_host_name(host.encode())
    connection.set_connect_state()
    return connection


def close(connection: SSL.Connection) -> None:
    with suppress(SSL.Error, OSError):
        connection.shutdown()
    connection.close()


def told(server: TlsServer) -> int:
    server.wait_until_idle()
    return server.application_bytes + sum(len(connection.plaintext) for connection in server.connections)


def sent_at_once(connection: SSL.Connection) -> None:
    connection.send(SECRET)


def go(way: Way, connection: SSL.Connection) -> None:
    with suppress(SSL.Error, OSError):
        way(connection)
    close(connection)
