"""A way to a server that can be blocked: what networks do below TLS, between an application and its source."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from enum import Enum
from types import TracebackType
from typing import Self

from livepin.testing.ports import free_port


class Way(Enum):
    """What becomes of connections that are made from now on."""

    OPEN = "open"
    REFUSED = "refused"  # nobody listens
    RESET = "reset"  # accepted, and reset at once
    SILENT = "silent"  # accepted, and nothing ever comes
    DRIP = "drip"  # the answer comes byte by byte


class Gate:
    """Listens on a loopback port and passes on to another one. The port stays ours while nobody listens on it."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.connections = 0
        self._way = Way.OPEN
        self._stopping = threading.Event()
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self.port = free_port()
        self._listen()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._shut()
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)
        self._listener.close()

    def lead(self, way: Way) -> None:
        """Treat new connections so from now on."""
        before, self._way = self._way, way
        if way is Way.REFUSED:
            self._shut()
            # Bound but not listening: connections are refused, and nobody else can take the port meanwhile.
            self._listener = self._bound()
        elif before is Way.REFUSED:
            self._listener.close()
            self._listen()

    def _bound(self) -> socket.socket:
        bound = socket.socket()
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(("127.0.0.1", self.port))
        return bound

    def _listen(self) -> None:
        self._listener = self._bound()
        self._listener.listen(64)
        self._start(self._accept, self._listener)

    def _shut(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes the acceptor
        self._listener.close()

    def _start(self, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                self.connections += 1
                self._start(self._serve, connection, self._way)

    def _serve(self, connection: socket.socket, way: Way) -> None:
        with contextlib.suppress(OSError), self._held(connection):
            if way is Way.RESET:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                connection.close()
            elif way is Way.SILENT:
                while connection.recv(65536):
                    pass
            else:
                self._pass_on(connection, way)

    def _pass_on(self, connection: socket.socket, way: Way) -> None:
        with socket.create_connection(("127.0.0.1", self.target), 10) as beyond, self._held(beyond):
            beyond.settimeout(None)
            self._start(self._pump, connection, beyond, Way.OPEN)
            self._pump(beyond, connection, way)

    def _pump(self, source: socket.socket, sink: socket.socket, way: Way) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if way is Way.DRIP:
                    for byte in data:
                        sink.sendall(bytes([byte]))
                        self._stopping.wait(0.05)
                else:
                    sink.sendall(data)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)

    @contextlib.contextmanager
    def _held(self, connection: socket.socket) -> Iterator[None]:
        with self._lock:
            self._open.add(connection)
        try:
            with connection:
                yield
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)  # wakes whoever still reads from it
        finally:
            with self._lock:
                self._open.discard(connection)
