"""A TLS server's side of one connection, with every step in our own hands.

The TLS engine works on two memory buffers and this module moves the bytes. That is what allows a handshake to stop
half-way, the ClientHello to be read, and decrypted bytes to be counted even from a client that is already gone.
"""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from livepin.testing import wire
from livepin.testing.listener import TcpChannel
from livepin.testing.wire import ClientHello, Records

#: A client whose first message is longer than this (bytes) is not talking TLS.
MAX_HELLO = 65536

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Connection:
    """What one connection has been so far.

    `server_name` and `alpn_offered` are what the ClientHello said ("" and empty without one). `established` tells
    whether the handshake was completed, as the server sees it; then `version` (``TLSv1.3``), `alpn` and `resumed`
    mean something, else `failure` says why not. `received` are the application bytes that could be decrypted: what
    an attacker with this certificate would have read. `plaintext` came outside TLS: before it (STARTTLS), or from a
    client that went on without it, so that everybody on the way could read along.
    """

    server_name: str = ""
    alpn_offered: tuple[str, ...] = ()
    established: bool = False
    version: str = ""
    alpn: str = ""
    resumed: bool = False
    failure: str = ""
    received: bytes = b""
    plaintext: bytes = b""


@dataclass(slots=True)
class Recording:
    """A `Connection` in the making. Its one writer is the thread of that connection."""

    notify: Callable[[], None]
    hello: ClientHello | None = None
    established: bool = False
    version: str = ""
    alpn: str = ""
    resumed: bool = False
    failure: str = ""
    received: bytearray = field(default_factory=bytearray)
    plaintext: bytearray = field(default_factory=bytearray)

    def snapshot(self) -> Connection:
        """What is known now."""
        hello = self.hello or ClientHello("", ())
        return Connection(
            hello.server_name,
            hello.alpn,
            self.established,
            self.version,
            self.alpn,
            self.resumed,
            self.failure,
            bytes(self.received),
            bytes(self.plaintext),
        )


class PlainChannel:
    """The clear-text channel of a preamble, which records what it reads."""

    def __init__(self, tcp: TcpChannel, recording: Recording) -> None:
        self._tcp = tcp
        self._recording = recording
        self.write = tcp.write
        self.wait = tcp.wait
        self.reset = tcp.reset

    def read(self, limit: int = 65536) -> bytes:
        data = self._tcp.read(limit)
        self._recording.plaintext += data
        self._recording.notify()
        return data

    def drain(self) -> None:
        while self.read():
            pass


class TlsChannel:
    """A `Channel` over TLS, server side, that records what it decrypts."""

    def __init__(self, tcp: TcpChannel, context: ssl.SSLContext, recording: Recording) -> None:
        self._tcp = tcp
        self._recording = recording
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._records = Records()
        self._first_bytes = b""
        self._broken = False

    # ------------------------------------------------------------------ the handshake

    def handshake(self) -> None:
        """Complete the handshake. Raises `ssl.SSLError` when the client does not."""
        try:
            self._drive(self._tls.do_handshake)
        except ssl.SSLError as error:
            self._recording.failure = error.reason or type(error).__name__
            self._recording.notify()
            raise
        self._recording.version = self._tls.version() or ""
        self._recording.alpn = self._tls.selected_alpn_protocol() or ""
        self._recording.resumed = bool(self._tls.session_reused)
        self._recording.established = True
        self._recording.notify()

    def stall(self) -> None:
        """Take in what the client says, note its ClientHello and what is no TLS, and never answer."""
        while data := self._tcp.read():
            self._note(data)

    def stall_halfway(self) -> None:
        """Answer the ClientHello with the first half of what belongs there, and then no more."""
        while not self._outgoing.pending:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                if not self._outgoing.pending and not self._fill():
                    return
        flight = self._outgoing.read()
        self._tcp.write(flight[: len(flight) // 2])
        self.stall()

    def refuse(self) -> None:
        """Answer the ClientHello with a TCP reset."""
        self._fill()
        self.reset()

    # ------------------------------------------------------------------ a channel

    def read(self, limit: int = 65536) -> bytes:
        try:
            data = self._drive(lambda: self._tls.read(limit))
        except ssl.SSLError:
            return b""
        self._recording.received += data
        self._recording.notify()
        return data

    def write(self, data: bytes) -> None:
        self._drive(lambda: self._tls.write(data))
        if self._broken:
            raise BrokenPipeError("the client is gone")

    def wait(self, seconds: float) -> None:
        self._tcp.wait(seconds)

    def drain(self) -> None:
        while self.read():
            pass

    def reset(self) -> None:
        self._tcp.reset()

    def finish(self) -> None:
        """End in good order, and go on decrypting until the client has ended, too: no byte may be missed."""
        while (self._incoming.pending or self._tls.pending()) and self.read():
            pass
        with contextlib.suppress(ssl.SSLError):
            # Sends close_notify. It also looks for the client's, and would throw away application data: hence
            # the loop above, and no more than one call.
            self._tls.unwrap()
        self._flush()
        self._tcp.half_close()
        self.drain()
        self.stall()

    # ------------------------------------------------------------------ bytes between the engine and the socket

    def _drive(self, step: Callable[[], T]) -> T:
        while True:
            try:
                return step()
            except ssl.SSLWantReadError:
                self._flush()
                self._fill()
            finally:
                self._flush()  # also when the step failed: the alert belongs to the client

    def _flush(self) -> None:
        if not self._outgoing.pending:
            return
        try:
            self._tcp.write(self._outgoing.read())
        except OSError:
            # Not an end: what a client sent before it left can still be read, and has to be counted.
            self._broken = True

    def _fill(self) -> bool:
        data = self._tcp.read()
        if data:
            self._note(data)
            self._incoming.write(data)
        else:
            self._incoming.write_eof()
        return bool(data)

    def _note(self, data: bytes) -> None:
        self._recording.plaintext += self._records.outside(data)
        if self._recording.hello is None and len(self._first_bytes) < MAX_HELLO:
            self._first_bytes += data
            self._recording.hello = wire.parse(self._first_bytes)
        self._recording.notify()
