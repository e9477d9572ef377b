"""The refresher: one daemon thread per pinner that keeps its snapshot up to date.

    idle ── due, or a mismatch asks ──> round: ask one source; the next when it fails or is slow
      ^                                        in doubt: all of them at once, and without ETag
      └──── schedule the next ────────── a usable answer ends the round; in doubt, one that brings something new

In doubt is who holds nothing, holds what is out of date, or met a mismatch. Then a copy of what is held, or a 304
(which proves nothing), may come from a cache that is stuck, and another source may know better.

Whatever a source does, the held document stays until a better one has been verified. A thread rather than a task: it
serves code with and without an event loop, and outlives loops that come and go.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib
import threading
import time
import weakref
from collections.abc import Callable

from livepin.client.answers import Answers
from livepin.client.attempt import living
from livepin.client.clock import Clock
from livepin.client.events import EventName, Events
from livepin.client.fetch import Fetcher
from livepin.client.forks import in_children, whole
from livepin.client.keeper import Keeper
from livepin.client.round import Round
from livepin.client.schedule import Schedule, Source

#: What fetching and verifying import when they first need it. Imported where no fork comes between.
_LAZY = (
    *("encodings.idna", "http.client", "urllib.request", "cryptography.exceptions"),
    *(f"cryptography.hazmat.primitives.{name}" for name in ("hashes", "serialization")),
    *(f"cryptography.hazmat.primitives.asymmetric.{name}" for name in ("ec", "ed25519", "padding", "rsa", "utils")),
)

#: Seconds that the end of the process waits at most for our threads. Only one that hangs in the resolver needs them.
_LEAVE_WITHIN = 1.0


class Refresher:
    """Asks the sources of one project and hands what it accepts to the keeper."""

    def __init__(
        self,
        urls: tuple[str, ...],
        keeper: Keeper,
        fetcher: Fetcher,
        clock: Clock,
        events: Events,
        on_round: Callable[[], None] = lambda: None,
    ) -> None:
        """`on_round` is called in the refresher's thread at the end of each round."""
        self._keeper = keeper
        self._on_round = on_round
        self._clock = clock
        self._events = events
        self.schedule = Schedule(Source(url) for url in urls)
        self._answers = Answers(keeper, fetcher, clock, events, self.schedule, self._news)
        self._closed = False
        self._begin()
        _refreshers.add(self)

    def _begin(self, rounds: int = 0) -> None:
        """Fresh locks and no thread: at the start, and again in a forked child, where the thread is gone."""
        # Taken as it is: `with self._wake` runs Python code, where a signal handler that raises would leave it taken.
        self._lock = threading.RLock()
        self._wake = threading.Condition(self._lock)
        # Rounds that have begun, those that have ended, and the last one that somebody asked for.
        self._begun = self._rounds = self._wanted = rounds
        self._mismatched = False
        self._thread: threading.Thread | None = None
        self._round_now: Round | None = None

    def start(self) -> None:
        """Start the thread, unless it runs."""
        with self._lock:
            if self._closed or (self._thread is not None and self._thread.is_alive()):
                return
            thread = threading.Thread(target=self._run, name="livepin-refresh", daemon=True)
            try:
                thread.start()
                self._thread = thread
                return
            except RuntimeError as error:  # the system gives no more threads, or the interpreter is exiting
                why = str(error)
        self._events.emit(EventName.REFRESH_FAILED, f"refreshing cannot begin, and is tried again: {why}", key="start")

    def ensure(self) -> None:
        """Start the thread if there is none, because that failed or it died. Called in the handshake: a comparison."""
        if self._thread is None:
            self.start()

    def revive(self) -> None:
        """In a forked child: the thread is gone, and a lock may be held for ever by nobody."""
        self._begin(self._rounds)
        self.start()

    def close(self) -> None:
        """Stop asking, also in the middle of a round."""
        with self._lock:
            self._closed = True
            self._wake.notify_all()
            if self._round_now is not None:
                self._round_now.end()

    @property
    def threads(self) -> list[threading.Thread]:
        """The thread, if there is one."""
        return [] if self._thread is None else [self._thread]

    @property
    def rounds(self) -> int:
        """How many rounds have ended."""
        return self._rounds

    def wait_for_round(self, seen: int, seconds: float) -> bool:
        """Wait until more rounds than `seen` have ended; False when `seconds` were not enough."""
        with self._lock:
            return self._wake.wait_for(lambda: self._rounds > seen or self._closed, seconds)

    def wait_for_news(self, seen: int, digest: str, seconds: float) -> None:
        """Wait until another document than `digest` is held, or more rounds than `seen` have ended."""
        with self._lock:
            self._wake.wait_for(lambda: self._rounds > seen or self._closed or self._digest() != digest, seconds)

    def _digest(self) -> str:
        held = self._keeper.held
        return held.digest if held is not None else ""

    def now(self, seconds: float) -> bool:
        """Have a round begin as soon as it can, and wait up to `seconds` for its end."""
        self.start()
        with self._lock:
            seen = self._demand()
        return self.wait_for_round(seen, seconds)

    def mismatched(self) -> int | None:
        """A handshake mismatched: ask everybody now, if the last time is long enough ago.

        Returns how many rounds must have ended for an answer, less one, as `wait_for_news` wants it; None where
        nothing will be asked.
        """
        self.start()
        with self._lock:
            under_way = self._begun > self._rounds
            if self._closed:
                return None
            if self._keeper.held is None and (under_way or self._asking):
                return self._rounds  # it asks everybody already, and whatever it brings is news
            if self.schedule.mismatched(self._clock.monotonic()):
                self._mismatched = True
                return self._demand()
            if self._wanted > self._begun:
                return self._begun
            return self._rounds if under_way else None

    def _demand(self) -> int:
        """Have one more round begin, and return how many have begun before it.

        One that is under way does not count: it may have asked before that was published which is looked for.
        """
        self._wanted = self._begun + 1
        self._wake.notify_all()
        return self._begun

    @property
    def _asking(self) -> bool:
        return self._wanted > self._begun or self.schedule.due <= self._clock.monotonic()

    def _run(self) -> None:
        try:
            self._go_on()
        finally:  # whatever ended it, a lack of memory say: the next connection starts another, unless this is closed
            if self._thread is threading.current_thread():
                self._thread = None

    def _go_on(self) -> None:
        # What cannot be imported now, for want of descriptors say, is imported when it is needed, and told of then.
        with whole, contextlib.suppress(Exception):
            for name in _LAZY:
                importlib.import_module(name)
            self._keeper.rehearse()
        while True:
            with self._lock:
                while not self._closed and not self._asking:
                    self._wake.wait(min(1.0, max(0.0, self.schedule.due - self._clock.monotonic())))
                if self._closed:
                    return
                self._begun += 1
            self._round()

    def _round(self) -> None:
        """Ask until there is nothing more to be learnt, or nobody is left to ask."""
        usable = False
        with self._lock:
            urgent, self._mismatched = self._mismatched, False
        try:
            self._keeper.watch_clock()
            self._keeper.save_again()
            usable = self._ask(urgent)
            self._on_round()
        except Exception as error:  # a fault of ours must not end the only thread that could mend it
            self._events.emit(EventName.REFRESH_FAILED, f"a refresh failed: {error!r}")
        now = self._clock.monotonic()
        with self._lock:
            if self._keeper.held is not None:
                self.schedule.follow(self._keeper.held.document.refresh_after, now)
            if usable:
                self.schedule.succeeded(now)
            else:
                self.schedule.failed(now)
            # In one step with the schedule: whoever finds nothing due must not be woken by a round that is over.
            self._rounds = self._begun
            self._wake.notify_all()

    def _ask(self, urgent: bool) -> bool:
        """A source that failed rests for a while, unless a handshake depends on what it knows."""
        sources = list(self.schedule.sources) if urgent else self.schedule.free_sources(self._clock.monotonic())
        asking = Round(self._answers, self._keeper, sources, urgent=urgent)
        with self._lock:
            if self._closed:
                return False
            self._round_now = asking
        try:
            return asking.run()
        finally:
            self._round_now = None

    def _news(self) -> None:
        with self._lock:
            self.schedule.learnt()
            self._wake.notify_all()


_refreshers: weakref.WeakSet[Refresher] = weakref.WeakSet()
in_children(_refreshers, Refresher.revive)


@atexit.register
def _leave() -> None:
    """End the threads before the interpreter does.

    It stops them wherever they are. Inside an extension module, gevent's for one when it came after set-up, that takes
    the whole process down.
    """
    until = time.monotonic() + _LEAVE_WITHIN
    leaving = list(_refreshers)
    for refresher in leaving:
        refresher.close()
    for thread in [thread for refresher in leaving for thread in refresher.threads] + living():
        with contextlib.suppress(RuntimeError):  # not started; or this one, if it is the one that ends the process
            thread.join(max(0.0, until - time.monotonic()))
