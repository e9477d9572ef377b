"""Unpinned clients of the standard library, as far apart from the fakes as can be: plain `ssl` and `http.client`."""

from __future__ import annotations

import http.client
import socket
import ssl

from livepin.testing import Cast, Origin, TlsServer

TIMEOUT = 5.0


def post(server: TlsServer, cast: Cast, body: bytes = b"secret", host: str = "localhost") -> bytes:
    """POST to a server over TLS that trusts the cast's authority; the response's body."""
    connection = http.client.HTTPSConnection(
        host, server.port, timeout=TIMEOUT, context=cast.authority.client_context()
    )
    try:
        connection.request("POST", "/", body=body)
        return connection.getresponse().read()
    finally:
        connection.close()


def tcp(server: TlsServer, timeout: float = TIMEOUT) -> socket.socket:
    """A TCP socket to a server, without Nagle's algorithm.

    A client that closes while there is something unread resets the connection, and what the algorithm held back is
    never sent. A test about bytes that were sent has to send them.
    """
    plain = socket.create_connection((server.address, server.port), timeout=timeout)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return plain


def connect(
    server: TlsServer,
    context: ssl.SSLContext,
    *,
    session: ssl.SSLSession | None = None,
    server_hostname: str = "localhost",
    timeout: float = TIMEOUT,
) -> ssl.SSLSocket:
    """A TLS socket to a server."""
    plain = tcp(server, timeout)
    try:
        return context.wrap_socket(plain, server_hostname=server_hostname, session=session)
    except BaseException:
        plain.close()
        raise


def get(
    origin: Origin, path: str, headers: dict[str, str] | None = None, method: str = "GET", timeout: float = TIMEOUT
) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of one request to a plain-text origin, on a connection of its own."""
    connection = http.client.HTTPConnection(origin.address, origin.port, timeout=timeout)
    try:
        connection.request(method, "/" + path, headers=headers or {})
        response = connection.getresponse()
        return response.status, dict(response.getheaders()), response.read()
    finally:
        connection.close()
