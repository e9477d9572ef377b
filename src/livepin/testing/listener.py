"""A loopback listener with a thread for each connection, that starts and stops without a trace.

Nothing here sleeps: who waits is waiting for a byte, for a condition, or for the stop.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Protocol, Self

#: How long `stop` waits for a conversation that was cut off, and `wait_until_idle` for one that goes on (seconds).
PATIENCE = 10.0


class Stopped(ConnectionError):
    """The fake was stopped while a conversation was waiting. Conversations let it pass."""


class Channel(Protocol):
    """What a conversation talks through: plain TCP or TLS."""

    def read(self, limit: int = 65536) -> bytes:
        """Up to `limit` bytes as soon as there are any; empty when the peer is gone, however it went."""
        ...

    def write(self, data: bytes) -> None:
        """Send all of `data`. Raises `OSError` when the peer is gone."""
        ...

    def wait(self, seconds: float) -> None:
        """Let time pass, unless the fake is stopped meanwhile. Raises `Stopped`."""
        ...

    def drain(self) -> None:
        """Read and record until the peer is gone, and answer nothing."""
        ...

    def reset(self) -> None:
        """End the connection with a TCP reset: unlike an orderly end, the peer sees an error."""
        ...


class TcpChannel:
    """A `Channel` over a TCP socket. `reset` and `abort` may be called from another thread."""

    def __init__(self, connection: socket.socket, stopping: threading.Event) -> None:
        self._socket = connection
        self._stopping = stopping

    def read(self, limit: int = 65536) -> bytes:
        try:
            return self._socket.recv(limit)
        except OSError:
            return b""

    def write(self, data: bytes) -> None:
        self._socket.sendall(data)

    def wait(self, seconds: float) -> None:
        if self._stopping.wait(seconds):
            raise Stopped("the fake was stopped")

    def drain(self) -> None:
        while self.read():
            pass

    def reset(self) -> None:
        with contextlib.suppress(OSError):
            # Linger of zero seconds: close() throws away what is unsent and sends RST (RFC 9293 section 3.6.1).
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()

    def half_close(self) -> None:
        """Say that nothing more will be written. Read on after it: closing with unread bytes would reset the
        connection and could destroy the answer on its way."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)

    def abort(self) -> None:
        """Wake whoever reads or writes: both directions end now."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Give the file descriptor back."""
        self._socket.close()


class Listener:
    """Accepts on a loopback address, on a port that the kernel chooses, and runs `converse` for each connection.

    A context manager; `start` and `stop` are the same by hand. An exception in a conversation that is not an
    `OSError` (peers vanish; that is no news) is kept and raised by `stop`: a fake that breaks must not look like
    a quiet one.
    """

    def __init__(self, converse: Callable[[TcpChannel], None], address: str = "127.0.0.1") -> None:
        self._converse = converse
        self._address = address
        self._stopping = threading.Event()
        self._changed = threading.Condition()
        self._socket: socket.socket | None = None
        self._port = 0
        self._acceptor: threading.Thread | None = None
        self._open: dict[threading.Thread, TcpChannel] = {}
        self._faults: list[Exception] = []
        self._knocks: set[tuple[str, int]] = set()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.stop()
        except Exception:
            if error is None:  # else the error that ended the block is the better one to show
                raise

    @property
    def address(self) -> str:
        """The IP address that is listened on."""
        return self._address

    @property
    def port(self) -> int:
        """The port. Raises `RuntimeError` before `start`."""
        if not self._port:
            raise RuntimeError("not started: use it as a context manager, or call start()")
        return self._port

    def start(self) -> None:
        """Begin to listen. Connections are accepted from the moment this returns."""
        if self._socket is not None:
            raise RuntimeError("already started")
        family = socket.AF_INET6 if ":" in self._address else socket.AF_INET
        self._socket = socket.create_server((self._address, 0), family=family, backlog=128)
        self._port = self._socket.getsockname()[1]
        self._stopping.clear()
        self._faults.clear()
        self._acceptor = threading.Thread(target=self._accept, args=(self._socket,), daemon=True)
        self._acceptor.start()

    def stop(self) -> None:
        """End every conversation and join every thread. Raises the first fault of a conversation, if any, and
        `RuntimeError` for a thread that does not end."""
        listening, acceptor = self._socket, self._acceptor
        if listening is None or acceptor is None:
            return
        self._stopping.set()
        with contextlib.suppress(OSError):
            self._knock(PATIENCE)
        acceptor.join(PATIENCE)
        listening.close()
        self._socket = None
        with self._changed:
            conversations = dict(self._open)
        for channel in conversations.values():
            channel.abort()
        for thread in conversations:
            thread.join(PATIENCE)
        if acceptor.is_alive() or any(thread.is_alive() for thread in conversations):
            raise RuntimeError("a conversation did not end when its connection was closed")
        if self._faults:
            raise self._faults[0]

    def wait_until_idle(self, timeout: float = PATIENCE) -> None:
        """Return when every connection that was made before this call has ended. Raises `TimeoutError`.

        The kernel hands connections over in the order in which they were made: when our own knock has been
        accepted, all earlier ones have been, too. A test that then reads zero bytes has not merely looked too early.
        """
        knock = self._knock(timeout)
        deadline = time.monotonic() + timeout
        with self._changed:
            if not self._changed.wait_for(lambda: knock not in self._knocks, timeout):
                raise TimeoutError("the listener does not accept")
            before = set(self._open)
            left = max(0.0, deadline - time.monotonic())
            if not self._changed.wait_for(lambda: not before & self._open.keys(), left):
                count = len(before & self._open.keys())
                raise TimeoutError(f"{count} connections still open after {timeout} s; close the client first")

    def wait_until(self, condition: Callable[[], bool], timeout: float = PATIENCE) -> None:
        """Return when `condition`, a question about what was recorded, is true. Raises `TimeoutError`.

        It is asked again whenever something was recorded, and runs under the lock: it must not wait itself.
        """
        with self._changed:
            if not self._changed.wait_for(condition, timeout):
                raise TimeoutError(f"did not happen within {timeout} s")

    def _knock(self, timeout: float) -> tuple[str, int]:
        """Connect to ourselves and hang up. The port is noted before, for the acceptor to know whom it sees."""
        with socket.socket(socket.AF_INET6 if ":" in self._address else socket.AF_INET) as probe:
            probe.settimeout(timeout)
            probe.bind((self._address, 0))
            mine: tuple[str, int] = probe.getsockname()[:2]
            with self._changed:
                self._knocks.add(mine)
            probe.connect((self._address, self.port))
        return mine

    def _accept(self, listening: socket.socket) -> None:
        while not self._stopping.is_set():
            try:
                connection, peer = listening.accept()
            except ConnectionAbortedError:  # the peer was gone before it was accepted
                continue
            if not self._is_knock(peer[:2]):
                self._take(connection)
                continue
            connection.close()

    def _is_knock(self, peer: tuple[str, int]) -> bool:
        with self._changed:
            if peer not in self._knocks:
                return False
            self._knocks.remove(peer)
            self._changed.notify_all()
            return True

    def _take(self, connection: socket.socket) -> None:
        channel = TcpChannel(connection, self._stopping)
        thread = threading.Thread(target=self._run, args=(channel,), daemon=True)
        with self._changed:
            self._open[thread] = channel
        thread.start()

    def _run(self, channel: TcpChannel) -> None:
        try:
            self._converse(channel)
        except OSError:
            pass
        except Exception as fault:
            self._faults.append(fault)
        finally:
            channel.close()
            with self._changed:
                del self._open[threading.current_thread()]
                self._changed.notify_all()
