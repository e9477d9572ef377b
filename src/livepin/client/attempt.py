"""One bounded attempt at one source: a thread of its own, a total time, and a way to end it from outside.

The resolver of the C library knows no time limit. So whoever waits must be able to walk away: the outcome of an
attempt is settled once, by its thread or by whoever cuts it, and what comes later is thrown away.
"""

from __future__ import annotations

import socket
import threading
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum

from livepin.client.address import shown
from livepin.client.forks import in_children
from livepin.errors import FetchFailed, LivepinError

#: Bytes that one attempt may receive in all, twice the largest document: heads, framing, redirects and TLS included. A
#: source must not keep an application busy with what is no document, however it is wrapped.
MAX_RECEIVED = 16 * 1024 * 1024
#: Threads that a hanging resolver holds on to end with it. If it never comes back they must not pile up for days.
MAX_LIVING = 64


class Answer(StrEnum):
    """What a source can answer when nothing is wrong."""

    DOCUMENT = "document"
    NOT_MODIFIED = "not_modified"


@dataclass(frozen=True, slots=True)
class Fetched:
    """A complete answer. Nothing in it is trusted before V1 to V8.

    `url`: as it was asked for. `body`: the text of a document, each byte one character (V1 refuses what is not ASCII).
    `etag`: for the next `If-None-Match` at this URL. `elapsed`: seconds.
    """

    answer: Answer
    url: str
    body: str = field(default="", repr=False)
    etag: str | None = None
    elapsed: float = 0.0


class Phase(StrEnum):
    """What an attempt is doing; errors name it."""

    START = "starting"
    RESOLVE = "resolving the name"
    CONNECT = "connecting"
    PROXY = "asking the proxy"
    TLS = "in the TLS handshake"
    HEAD = "waiting for the answer"
    BODY = "reading the answer"


class Bounds:
    """The total time and the total bytes of one attempt, and the sockets that die with it."""

    def __init__(self, url: str, seconds: float) -> None:
        self.url = url
        self.phase = Phase.START
        self.started = time.monotonic()
        self._seconds = seconds
        # Reentrant: what is collected meanwhile may be a pinner, and closing that cuts its attempts.
        self._lock = threading.RLock()
        self._sockets: set[socket.socket] = set()
        self._cut = False
        self._received = 0
        _under_way.add(self)

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.started

    def left(self) -> float:
        """Seconds that are left; 0 when the time is up."""
        return max(0.0, self._seconds - self.elapsed)

    def remaining(self) -> float:
        """Seconds for the next operation, more than 0. Raises `FetchFailed` when time is up or the attempt was cut."""
        left = self.left()
        if left <= 0 or self._cut:
            raise self.timed_out()
        return left

    def received(self, count: int) -> None:
        """So many bytes more came. Raises `FetchFailed` (`source_too_large`)."""
        self._received += count
        if self._received > MAX_RECEIVED:
            what = f"more than {MAX_RECEIVED} bytes, heads and framing included, and still {self.phase}"
            raise FetchFailed("source_too_large", what, where=shown(self.url))

    def timed_out(self) -> FetchFailed:
        """The error of an attempt that took too long."""
        if self.left() > 0:
            return FetchFailed("source_timeout", f"given up while {self.phase}", where=shown(self.url))
        what = f"no complete answer within {self._seconds:g} s, still {self.phase}"
        return FetchFailed("source_timeout", what, where=shown(self.url))

    def hold(self, connection: socket.socket) -> None:
        """From now on this socket dies when the attempt is cut."""
        with self._lock:
            self._sockets.add(connection)
        self.remaining()

    def release(self, connection: socket.socket) -> None:
        """Close a socket. Only the attempt's thread does: a closed descriptor's number is given to others."""
        with self._lock:
            self._sockets.discard(connection)
            connection.close()

    def cut(self) -> None:
        """End what is going on, from any thread: whoever reads or writes wakes up with an error."""
        with self._lock:
            self._cut = True
            for connection in self._sockets:
                with suppress(OSError):  # not connected yet, or not any more
                    connection.shutdown(socket.SHUT_RDWR)

    def abandon(self) -> None:
        """In a forked child: give back our copies of connections that are the parent's, and leave them as they are.

        A connection ends when its last copy is closed, and a worker lives for a long time. No lock: its holder was
        not forked along, and there is no other thread yet.
        """
        while self._sockets:
            self._sockets.pop().close()


class Attempt:
    """One attempt, going on in a daemon thread. Does not survive a fork: a child starts its own.

    `on_done` is called exactly once, when the outcome is settled, in whichever thread settles it (`queue.put` is the
    use it is meant for). A thread that hangs in the resolver cannot report; `wait` and `cut` settle in its place.
    """

    def __init__(
        self,
        url: str,
        work: Callable[[Bounds], Fetched],
        *,
        deadline: float,
        on_done: Callable[[Attempt], object] | None = None,
    ) -> None:
        """Start `work` at once. `deadline`: seconds from now for everything together."""
        self.url = url
        self.bounds = Bounds(url, deadline)
        self.outcome: Fetched | LivepinError | None = None
        self._work = work
        self._on_done = on_done
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._start()

    def __repr__(self) -> str:
        return f"<Attempt {shown(self.url)} {self.outcome or self.bounds.phase}>"

    def wait(self) -> Fetched:
        """The answer; returns or raises `FetchFailed` when the deadline is there, at the latest."""
        if not self._ended.wait(self.bounds.left()):
            self.cut()
        if isinstance(self.outcome, Fetched):
            return self.outcome
        assert self.outcome is not None  # it is set before the event
        raise self.outcome

    def cut(self) -> None:
        """End this attempt now (`source_timeout`), unless it has ended. Safe from any thread, and more than once."""
        # In this order: a connection that is cut can look like one that ended, and half an answer like a whole one.
        self._settle(self.bounds.timed_out())
        self.bounds.cut()

    def _start(self) -> None:
        for thread in list(_living):
            if not thread.is_alive():
                _living.discard(thread)
        if len(_living) >= MAX_LIVING:
            self._settle(self._unstarted(f"{len(_living)} earlier attempts still hang in the resolver"))
            return
        thread = threading.Thread(target=self._run, name="livepin-fetch", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:  # no more threads, or the interpreter is exiting
            self._settle(self._unstarted(str(error)))
            return
        _living.add(thread)

    def _unstarted(self, why: str) -> FetchFailed:
        return FetchFailed("source_unreachable", f"the attempt could not be started: {why}", where=shown(self.url))

    def _run(self) -> None:
        outcome: Fetched | LivepinError
        try:
            outcome = self._work(self.bounds)
        except LivepinError as error:
            outcome = error
        except Exception as error:  # whatever it is, somebody waits for an outcome
            what = f"unexpected error while {self.bounds.phase}: {type(error).__name__}"
            outcome = FetchFailed("source_unreachable", what, where=shown(self.url))
            outcome.__cause__ = error
        self._settle(outcome)

    def _settle(self, outcome: Fetched | LivepinError) -> None:
        with self._lock:
            if self.outcome is not None:
                return
            self.outcome = outcome
        self._ended.set()
        if self._on_done is not None:
            self._on_done(self)


#: Threads of this process. A fork leaves none of them alive in the child, and `is_alive` knows.
_living: set[threading.Thread] = set()
_under_way: weakref.WeakSet[Bounds] = weakref.WeakSet()
in_children(_under_way, Bounds.abandon)


def living() -> list[threading.Thread]:
    """The threads of attempts that have not ended."""
    return [thread for thread in list(_living) if thread.is_alive()]
