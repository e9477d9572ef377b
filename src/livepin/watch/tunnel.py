"""A tunnel through an HTTP proxy: CONNECT (RFC 9110 section 9.3.6), and nothing else of HTTP."""

from __future__ import annotations

import socket

from livepin.watch.address import Address, Proxy
from livepin.watch.deadline import Deadline

_HEAD = 16 * 1024


class TunnelRefused(OSError):
    """The proxy answered something other than a success."""


def open_tunnel(proxy: Proxy, to: Address, deadline: Deadline) -> socket.socket:
    """A connection through `proxy` to `to`, before `deadline`. Raises `OSError`."""
    connection = socket.create_connection((proxy.address.host, proxy.address.port), deadline.left())
    try:
        connection.settimeout(deadline.left())
        connection.sendall(f"CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n\r\n".encode("ascii"))
        _check(_read_head(connection, deadline), proxy)
    except BaseException:
        connection.close()
        raise
    return connection


def _read_head(connection: socket.socket, deadline: Deadline) -> bytes:
    """The proxy's head, byte by byte: what follows it belongs to TLS."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        connection.settimeout(deadline.left())
        byte = connection.recv(1)
        if not byte or len(head) >= _HEAD:
            raise TunnelRefused("the proxy closed the connection, or does not speak HTTP")
        head += byte
    return head


def _check(head: bytes, proxy: Proxy) -> None:
    status_line = head.partition(b"\r\n")[0].decode("latin-1")
    parts = status_line.split(" ", 2)
    if not parts[0].startswith("HTTP/1.") or len(parts) < 2 or not parts[1].isdigit():
        raise TunnelRefused(f"{proxy} does not speak HTTP")
    if not parts[1].startswith("2"):
        raise TunnelRefused(f"{proxy} answered CONNECT with {' '.join(parts[1:])[:80]}")
