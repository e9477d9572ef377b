"""Bytes to and from a source: TCP, TLS over anything, and nothing that outlasts the bounds of its attempt.

TLS runs over memory buffers, through the method of the C class itself (`_ssl._SSLContext._wrap_bio`). Livepin's
process-wide hook sits on the Python class and is never met: Livepin's own fetches are not judged (J3). A fetch that
waited for a verdict that waits for a fetch would never end.
"""

from __future__ import annotations

import _ssl
import errno
import os
import selectors
import socket
import ssl
from collections import Counter
from contextlib import suppress
from typing import Any, Protocol

from livepin.client.address import is_loopback
from livepin.client.attempt import Bounds, Phase
from livepin.errors import FetchFailed

#: What `connect_ex` answers when it goes on in the background (the last is Windows' WSAEWOULDBLOCK).
_UNDER_WAY = {0, errno.EINPROGRESS, errno.EWOULDBLOCK, 10035}
_RECORD = 16 * 1024
#: An application may have SIGPIPE end the process (filters do), and did not ask for our connections.
_NO_SIGNAL = getattr(socket, "MSG_NOSIGNAL", 0)
#: How long one address may stay silent before the next is tried beside it (RFC 8305 section 5), in seconds.
STAGGER = 0.25


class Stream(Protocol):
    """A connection. Every call ends within the bounds of its attempt; errors are `OSError` or `FetchFailed`."""

    def send(self, data: bytes) -> None:
        """Send all of `data`."""
        ...

    def receive(self, limit: int) -> bytes:
        """At least one byte and at most `limit`; empty at the orderly end."""
        ...

    def close(self) -> None:
        """Give everything back. Never raises."""
        ...


class TcpStream:
    """A TCP connection."""

    def __init__(self, connection: socket.socket, bounds: Bounds) -> None:
        self._socket = connection
        self._bounds = bounds

    def send(self, data: bytes) -> None:
        self._socket.settimeout(self._bounds.remaining())
        self._socket.sendall(data, _NO_SIGNAL)

    def receive(self, limit: int) -> bytes:
        # Asked anew before each operation: a source that sends a byte a second must not buy time with it.
        self._socket.settimeout(self._bounds.remaining())
        data = self._socket.recv(limit)
        self._bounds.received(len(data))
        return data

    def close(self) -> None:
        self._bounds.release(self._socket)


class TlsStream:
    """TLS over another stream."""

    def __init__(self, below: Stream, context: ssl.SSLContext, host: str) -> None:
        """Shake hands; ordinary validation of chain and name. Raises `ssl.SSLError`."""
        self._below = below
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._ended = False
        wrap: Any = vars(_ssl._SSLContext)["_wrap_bio"]
        self._tls = wrap(context, self._incoming, self._outgoing, server_side=False, server_hostname=host)
        self._drive(self._tls.do_handshake)

    def send(self, data: bytes) -> None:
        self._drive(self._tls.write, data)

    def receive(self, limit: int) -> bytes:
        data: bytes = self._drive(self._tls.read, limit)
        if not data and self._ended:
            # Anybody on the way can cut TCP; only the peer can say goodbye (close_notify, RFC 8446 section 6.1).
            # Some builds of OpenSSL raise by themselves, others are told to take it for an orderly end.
            raise ConnectionError("the connection was cut")
        return data

    def close(self) -> None:
        self._below.close()

    def _drive(self, step: Any, *arguments: object) -> Any:
        while True:
            try:
                result = step(*arguments)
            except ssl.SSLWantReadError:
                self._flush()
                self._feed()
                continue
            except ssl.SSLError:
                with suppress(OSError, FetchFailed):
                    self._flush()  # the alert that tells the other side why
                raise
            self._flush()
            return result

    def _flush(self) -> None:
        while data := self._outgoing.read():
            self._below.send(data)

    def _feed(self) -> None:
        if data := self._below.receive(_RECORD):
            self._incoming.write(data)
        else:
            self._ended = True
            self._incoming.write_eof()


def connect(host: str, port: int, bounds: Bounds, *, loopback_only: bool = False) -> TcpStream:
    """A TCP connection to whichever address of `host` answers first. Raises `OSError`.

    Addresses are tried side by side, because one dead family (IPv6 that leads nowhere) must not eat all the time.
    """
    bounds.phase = Phase.RESOLVE
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    bounds.remaining()
    bounds.phase = Phase.CONNECT
    addresses = [entry for entry in found if not loopback_only or is_loopback(str(entry[4][0]))]
    if not addresses:
        raise OSError("the name does not stand for a loopback address")
    return TcpStream(_Race(bounds).run(_families_in_turn(addresses)), bounds)


def _families_in_turn(addresses: list[Any]) -> list[Any]:
    """The resolver's order of preference, but no family twice before the other was tried (RFC 8305 section 4)."""
    seen: Counter[int] = Counter()
    ranked = []
    for entry in addresses:
        ranked.append((seen[entry[0]], entry))
        seen[entry[0]] += 1
    return [entry for _, entry in sorted(ranked, key=lambda pair: pair[0])]


class _Race:
    """Connecting to several addresses; the first to answer wins, the others are closed."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._running: set[socket.socket] = set()
        self._selector = selectors.DefaultSelector()
        self._error: OSError = OSError("no address")

    def run(self, addresses: list[Any]) -> socket.socket:
        waiting = list(reversed(addresses))
        try:
            while waiting or self._running:
                if waiting:
                    self._start(waiting.pop())
                if winner := self._next(STAGGER if waiting else None):
                    return winner
            raise self._error
        finally:
            for loser in self._running:
                self._bounds.release(loser)
            self._selector.close()

    def _start(self, entry: Any) -> None:
        family, kind, protocol, _, address = entry
        try:
            connection = socket.socket(family, kind, protocol)
        except OSError as error:  # a family that this machine does not have
            self._error = error
            return
        self._running.add(connection)
        self._bounds.hold(connection)
        connection.setblocking(False)
        problem = connection.connect_ex(address)
        if problem in _UNDER_WAY:
            self._selector.register(connection, selectors.EVENT_WRITE)
        else:
            self._lose(connection, problem)

    def _lose(self, connection: socket.socket, problem: int) -> None:
        self._running.discard(connection)
        self._bounds.release(connection)
        self._error = OSError(problem, os.strerror(problem))

    def _next(self, patience: float | None) -> socket.socket | None:
        """The winner, or nothing after `patience` seconds or as soon as one address failed."""
        if not self._running:
            return None
        remaining = self._bounds.remaining()
        for key, _ in self._selector.select(remaining if patience is None else min(patience, remaining)):
            connection = key.fileobj
            assert isinstance(connection, socket.socket)
            self._selector.unregister(connection)
            if not (problem := connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)):
                self._running.discard(connection)
                return connection
            self._lose(connection, problem)
        return None
