"""A source on loopback that says exactly what a test tells it to, byte by byte: faults that no real server has."""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Talk:
    """One connection, after the head of its request was read into `head`."""

    connection: socket.socket
    head: bytes
    stopping: threading.Event

    def send(self, *parts: bytes | str) -> None:
        for part in parts:
            self.connection.sendall(part if isinstance(part, bytes) else part.encode())

    def answer(self, body: bytes | str = b"", status: str = "200 OK", *headers: str, length: bool = True) -> None:
        """A complete answer; `length`: with a Content-Length."""
        data = body if isinstance(body, bytes) else body.encode()
        lines = [f"HTTP/1.1 {status}", *headers, *([f"Content-Length: {len(data)}"] if length else []), "", ""]
        self.send("\r\n".join(lines), data)

    def drip(self, data: bytes, every: float = 0.05) -> None:
        """One byte at a time, until the other side or the test has had enough."""
        for byte in data:
            if self.stopping.wait(every):
                return
            self.send(bytes([byte]))

    def hang(self) -> None:
        """Say nothing more until the test ends."""
        self.stopping.wait(30)


Conversation = Callable[[Talk], None]


@dataclass
class Faulty:
    """What a test sees of the source: its address, and the requests that came."""

    port: int
    scheme: str
    heads: list[bytes] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"{self.scheme}://localhost:{self.port}/acme/shop/pins.jws"


@contextmanager
def faulty(*conversations: Conversation, tls: ssl.SSLContext | None = None, greet: bool = True) -> Iterator[Faulty]:
    """The n-th connection gets the n-th conversation, later ones the last. `greet`: read a request (and do the TLS
    handshake) before the conversation starts."""
    listener = socket.create_server(("127.0.0.1", 0))
    source = Faulty(listener.getsockname()[1], "https" if tls else "http")
    stopping = threading.Event()
    threads: list[threading.Thread] = []
    waiting = list(conversations)

    def serve(connection: socket.socket, conversation: Conversation) -> None:
        connection.settimeout(10)
        with contextlib.suppress(OSError), connection:
            talk = Talk(connection, b"", stopping)
            if greet:
                if tls:
                    talk.connection = tls.wrap_socket(connection, server_side=True)
                talk.head = read_head(talk.connection)
                source.heads.append(talk.head)
            with talk.connection:
                conversation(talk)

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            conversation = waiting.pop(0) if len(waiting) > 1 else waiting[0]
            thread = threading.Thread(target=serve, args=(connection, conversation), daemon=True)
            threads.append(thread)
            thread.start()

    acceptor = threading.Thread(target=accept, daemon=True)
    acceptor.start()
    try:
        yield source
    finally:
        stopping.set()
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        acceptor.join(10)
        for thread in threads:
            thread.join(10)


def read_head(connection: socket.socket) -> bytes:
    """A request up to its empty line."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = connection.recv(1)
        if not byte:
            break
        head += byte
    return head


def relay(talk: Talk, port: int) -> None:
    """Be a CONNECT proxy: let everything pass to a port of this machine, both ways."""
    talk.send("HTTP/1.1 200 Connection established\r\n\r\n")
    with socket.create_connection(("127.0.0.1", port), 10) as beyond, contextlib.suppress(OSError):
        _pass_on(talk.connection, beyond)


def _pass_on(near: socket.socket, beyond: socket.socket) -> None:
    """One thread for both ways: a TLS connection of Python must not be read and written at the same time."""
    others = {near: beyond, beyond: near}
    while others:
        # What TLS has decrypted already no descriptor tells of.
        waiting = [one for one in others if isinstance(one, ssl.SSLSocket) and one.pending()]
        ready = waiting or select.select(list(others), [], [], 10)[0]
        if not ready:
            return
        for source in ready:
            if data := source.recv(65536):
                others[source].sendall(data)
                continue
            target = others.pop(source)
            with contextlib.suppress(OSError):
                target.shutdown(socket.SHUT_WR)
