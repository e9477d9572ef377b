"""The refresher: one daemon thread per pinner that keeps its snapshot up to date.

    idle ── due, or a mismatch asks ──> round: ask one source; the next when it fails or is slow;
      ^                                        all of them after a mismatch, or while no document is held
      └──── schedule the next ────────── an answer that verifies (V1-V8) and is adopted ends the round

Whatever a source does, the held document stays until a better one has been verified. A thread rather than a task: it
serves code with and without an event loop, and outlives loops that come and go.
"""

from __future__ import annotations

import contextlib
import os
import queue
import threading
import time
import weakref

from livepin.client.attempt import Answer, Attempt, Fetched
from livepin.client.clock import Clock
from livepin.client.events import EventName, Events
from livepin.client.fetch import Fetcher
from livepin.client.keeper import Keeper
from livepin.client.schedule import Schedule, Source
from livepin.errors import DocumentRefused, LivepinError

#: Seconds until the next source is asked beside a slow one; for one attempt; and for a whole round.
HEDGE_AFTER = 1.0
ATTEMPT_SECONDS = 10.0
ROUND_SECONDS = 20.0


class Refresher:
    """Asks the sources of one project and hands what it accepts to the keeper."""

    def __init__(self, urls: tuple[str, ...], keeper: Keeper, fetcher: Fetcher, clock: Clock, events: Events) -> None:
        self._keeper = keeper
        self._fetcher = fetcher
        self._clock = clock
        self._events = events
        self.schedule = Schedule(Source(url) for url in urls)
        self._closed = False
        self._begin()
        _refreshers.add(self)

    def _begin(self) -> None:
        """Fresh locks and no thread: at the start, and again in a forked child, where the thread is gone."""
        self._wake = threading.Condition()
        self._rounds = 0
        self._mismatched = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread, unless it runs."""
        with self._wake:
            if self._closed or (self._thread is not None and self._thread.is_alive()):
                return
            self._thread = threading.Thread(target=self._run, name="livepin-refresh", daemon=True)
            # At interpreter exit no thread can be started any more; what is held stays good.
            with contextlib.suppress(RuntimeError):
                self._thread.start()

    def revive(self) -> None:
        """In a forked child: the thread is gone, and a lock may be held for ever by nobody."""
        self._begin()
        self.start()

    def close(self) -> None:
        """Stop asking. A round under way ends by itself."""
        with self._wake:
            self._closed = True
            self._wake.notify_all()

    @property
    def rounds(self) -> int:
        """How many rounds have ended."""
        return self._rounds

    def wait_for_round(self, seen: int, seconds: float) -> bool:
        """Wait until more rounds than `seen` have ended; False when `seconds` were not enough."""
        with self._wake:
            return self._wake.wait_for(lambda: self._rounds > seen or self._closed, seconds)

    def wait_for_news(self, seen: int, digest: str, seconds: float) -> None:
        """Wait until another document than `digest` is held, or more rounds than `seen` have ended."""
        with self._wake:
            self._wake.wait_for(lambda: self._rounds > seen or self._closed or self._digest() != digest, seconds)

    def _digest(self) -> str:
        held = self._keeper.held
        return held.digest if held is not None else ""

    def now(self, seconds: float) -> bool:
        """Ask at once and wait up to `seconds` for the round to end."""
        self.start()
        with self._wake:
            seen = self._rounds
            self.schedule.due = self._clock.monotonic()
            self._wake.notify_all()
        return self.wait_for_round(seen, seconds)

    def mismatched(self) -> int | None:
        """A handshake mismatched: ask now, if the last time is long enough ago or a round is under way.

        Returns the number of rounds ended so far, for `wait_for_news`; None where nothing will be asked.
        """
        self.start()
        with self._wake:
            if self._closed:
                return None
            if not self._asking:
                if not self.schedule.mismatched(self._clock.monotonic()):
                    return None
                self._mismatched = True
            self._wake.notify_all()
            return self._rounds

    @property
    def _asking(self) -> bool:
        return self.schedule.due <= self._clock.monotonic()

    def _run(self) -> None:
        while True:
            with self._wake:
                while not self._closed and not self._asking:
                    self._wake.wait(min(1.0, max(0.0, self.schedule.due - self._clock.monotonic())))
                if self._closed:
                    return
            self._round()

    def _round(self) -> None:
        """Ask until one usable answer came, or nobody is left to ask."""
        usable = False
        try:
            usable = _Round(self).run()
        except Exception as error:  # a fault of ours must not end the only thread that could mend it
            self._events.emit(EventName.REFRESH_FAILED, f"a refresh failed: {error!r}")
        now = self._clock.monotonic()
        with self._wake:
            if self._keeper.held is not None:
                self.schedule.follow(self._keeper.held.document.refresh_after)
            if usable:
                self.schedule.succeeded(now)
            else:
                self.schedule.failed(now)
            # In one step with the schedule: whoever finds nothing due must not be woken by a round that is over.
            self._rounds += 1
            self._wake.notify_all()

    def ask(self, source: Source, results: queue.SimpleQueue[Attempt]) -> Attempt:
        """Start asking one source. The ETag goes along only while it names the document that is held."""
        held = self._keeper.held
        etag = source.etag if held is not None and source.etag_for == held.digest else None
        return self._fetcher.start(source.url, etag=etag, deadline=ATTEMPT_SECONDS, on_done=results.put)

    def arrived(self, source: Source, outcome: Fetched | LivepinError | None) -> bool:
        """Take one answer. True when the source is honest and up to date as far as can be told."""
        try:
            if not isinstance(outcome, Fetched):
                raise outcome or LivepinError("source_unreachable", "no outcome")
            if outcome.answer is Answer.DOCUMENT:
                self._offer(source, outcome)
        except DocumentRefused as error:
            self._complain(EventName.DOCUMENT_REFUSED, source, error)
            return False
        except LivepinError as error:
            name = EventName.WITHDRAWN if error.code == "withdrawn" else EventName.SOURCE_DOWN
            self._complain(name, source, error)
            return False
        if source.problem:
            self._events.emit(EventName.SOURCE_UP, f"{source.name} answers again", key=source.name)
        source.answered()
        return True

    def _complain(self, name: EventName, source: Source, error: LivepinError) -> None:
        source.failed(self._clock.monotonic(), self.schedule.interval, error.code)
        self._keeper.missed(source.name, error)
        detail = {"url": source.name, "code": error.code}
        if isinstance(error, DocumentRefused):
            detail["step"] = error.step
        self._events.emit(name, str(error), key=source.name, **detail)

    def _offer(self, source: Source, fetched: Fetched) -> None:
        """Have a document judged. Raises `DocumentRefused`."""
        before = self._keeper.held
        held = self._keeper.offer(fetched.body, source.name)
        source.etag, source.etag_for = fetched.etag, held.digest
        if held is not before:
            with self._wake:
                self.schedule.learnt()
                self._wake.notify_all()

    def asks_everybody(self) -> bool:
        """Whether the round that begins now asks every source, and does not end with the first usable answer.

        So it does while nothing is held, and the highest valid answer wins (V8); and after a mismatch, because a
        source that stayed behind answers honestly, with what is held already.
        """
        with self._wake:
            mismatched, self._mismatched = self._mismatched, False
        return mismatched or self._keeper.held is None

    def free_sources(self) -> list[Source]:
        """Whom to ask now."""
        return self.schedule.free_sources(self._clock.monotonic())


class _Round:
    """One round of asking."""

    def __init__(self, refresher: Refresher) -> None:
        self._refresher = refresher
        self._everybody = refresher.asks_everybody()
        self._waiting = refresher.free_sources()
        self._asked: dict[Attempt, Source] = {}
        self._results: queue.SimpleQueue[Attempt] = queue.SimpleQueue()

    def run(self) -> bool:
        """Whether a usable answer came."""
        usable = False
        ends = time.monotonic() + ROUND_SECONDS
        self._ask_next()
        while self._everybody and self._waiting:
            self._ask_next()
        while self._asked and not (usable and not self._everybody):
            attempt = self._next_result(ends)
            if attempt is None:
                if not self._waiting:
                    break
                self._ask_next()
                continue
            source = self._asked.pop(attempt)
            usable = self._refresher.arrived(source, attempt.outcome) or usable
            if not usable and self._waiting:
                self._ask_next()
        for attempt, source in self._asked.items():
            attempt.cut()
            if not usable:  # else it may only have been slow
                self._refresher.arrived(source, attempt.outcome)
        return usable

    def _ask_next(self) -> None:
        source = self._waiting.pop(0)
        self._asked[self._refresher.ask(source, self._results)] = source

    def _next_result(self, ends: float) -> Attempt | None:
        """The next attempt that ended; None when it takes so long that the next source should be asked."""
        left = max(0.0, ends - time.monotonic())
        try:
            return self._results.get(timeout=min(HEDGE_AFTER, left) if self._waiting else left)
        except queue.Empty:
            return None


_refreshers: weakref.WeakSet[Refresher] = weakref.WeakSet()


def _after_fork() -> None:
    for refresher in list(_refreshers):
        refresher.revive()


if hasattr(os, "register_at_fork"):  # there is no fork on Windows
    os.register_at_fork(after_in_child=_after_fork)
