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

import contextlib
import importlib
import os
import queue
import threading
import time
import weakref
from collections.abc import Callable

from livepin.client.attempt import Answer, Attempt, Fetched
from livepin.client.clock import Clock
from livepin.client.events import EventName, Events
from livepin.client.fetch import Fetcher
from livepin.client.forks import whole
from livepin.client.keeper import Keeper
from livepin.client.schedule import LONGEST_WITHOUT, Schedule, Source
from livepin.core.trust import Revision, effective_now
from livepin.errors import DocumentRefused, LivepinError

#: Seconds until the next source is asked beside a slow one; that the others have in doubt once one has answered; for
#: one attempt; and for a whole round.
HEDGE_AFTER = 1.0
GRACE = 2.0
ATTEMPT_SECONDS = 10.0
ROUND_SECONDS = 20.0


#: What fetching and verifying import when they first need it. Imported where no fork comes between.
_LAZY = (
    *("encodings.idna", "http.client", "urllib.request", "cryptography.exceptions"),
    *(f"cryptography.hazmat.primitives.{name}" for name in ("hashes", "serialization")),
    *(f"cryptography.hazmat.primitives.asymmetric.{name}" for name in ("ec", "ed25519", "padding", "rsa", "utils")),
)


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
        self._fetcher = fetcher
        self._clock = clock
        self._events = events
        self.schedule = Schedule(Source(url) for url in urls)
        self._closed = False
        self._begin()
        _refreshers.add(self)

    def _begin(self, rounds: int = 0) -> None:
        """Fresh locks and no thread: at the start, and again in a forked child, where the thread is gone."""
        self._wake = threading.Condition()
        # Rounds that have begun, those that have ended, and the last one that somebody asked for.
        self._begun = self._rounds = self._wanted = rounds
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
        self._begin(self._rounds)
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
        """Have a round begin as soon as it can, and wait up to `seconds` for its end."""
        self.start()
        with self._wake:
            seen = self._demand()
        return self.wait_for_round(seen, seconds)

    def mismatched(self) -> int | None:
        """A handshake mismatched: ask everybody now, if the last time is long enough ago.

        Returns how many rounds must have ended for an answer, less one, as `wait_for_news` wants it; None where
        nothing will be asked.
        """
        self.start()
        with self._wake:
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
        with whole:
            for name in _LAZY:
                importlib.import_module(name)
            self._keeper.rehearse()
        while True:
            with self._wake:
                while not self._closed and not self._asking:
                    self._wake.wait(min(1.0, max(0.0, self.schedule.due - self._clock.monotonic())))
                if self._closed:
                    return
                self._begun += 1
            self._round()

    def _round(self) -> None:
        """Ask until there is nothing more to be learnt, or nobody is left to ask."""
        usable = False
        with self._wake:
            urgent, self._mismatched = self._mismatched, False
        try:
            self._keeper.watch_clock()
            usable = _Round(self, urgent).run()
            self._on_round()
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
            self._rounds = self._begun
            self._wake.notify_all()

    def ask(self, source: Source, results: queue.SimpleQueue[Attempt], *, etag: bool) -> Attempt:
        """Start asking one source. An ETag goes along only while it names the document that is held."""
        known = etag and source.etag_for is not None and source.etag_for is self._keeper.held
        tag = source.etag if known else None
        return self._fetcher.start(source.url, etag=tag, deadline=ATTEMPT_SECONDS, on_done=results.put)

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
            self._complain(EventName.SOURCE_DOWN, source, error)
            return False
        if source.problem:
            self._events.emit(EventName.SOURCE_UP, f"{source.name} answers again", key=source.name, url=source.name)
        source.answered(self._clock.now())
        return True

    def _complain(self, name: EventName, source: Source, error: LivepinError) -> None:
        longest = LONGEST_WITHOUT if self._keeper.held is None else self.schedule.interval
        source.failed(self._clock.monotonic(), longest, error.code, self._clock.now())
        if all(each.problem == "withdrawn" for each in self.schedule.sources):
            name = EventName.WITHDRAWN  # one source alone may have lost it; all of them have not
        self._keeper.missed(source.name, error)
        detail = {"url": source.name, "code": error.code}
        if isinstance(error, DocumentRefused):
            detail["step"] = error.step
        self._events.emit(name, str(error), key=source.name, **detail)

    def _offer(self, source: Source, fetched: Fetched) -> None:
        """Have a document judged. Raises `DocumentRefused`."""
        before = self._keeper.held
        held = self._keeper.offer(fetched.body, source.name)
        source.etag, source.etag_for = fetched.etag, held
        if held is not before:
            with self._wake:
                self.schedule.learnt()
                self._wake.notify_all()

    @property
    def held(self) -> Revision | None:
        """The document in force."""
        return self._keeper.held

    @property
    def in_doubt(self) -> bool:
        """Whether one usable answer is not enough: nothing is held yet, or what is held is out of date."""
        held = self._keeper.held
        return held is None or effective_now(self._clock.now(), held) >= held.expires_at

    def whom_to_ask(self, urgent: bool) -> list[Source]:
        """A source that failed rests for a while, unless a handshake depends on what it knows."""
        return list(self.schedule.sources) if urgent else self.schedule.free_sources(self._clock.monotonic())


class _Round:
    """One round of asking. `urgent`: a handshake mismatched."""

    def __init__(self, refresher: Refresher, urgent: bool) -> None:
        self._refresher = refresher
        self._waiting = refresher.whom_to_ask(urgent)
        self._doubts = urgent or refresher.in_doubt
        self._before = refresher.held
        self._ends = time.monotonic() + ROUND_SECONDS
        self._asked: dict[Attempt, Source] = {}
        self._results: queue.SimpleQueue[Attempt] = queue.SimpleQueue()

    def run(self) -> bool:
        """Whether a usable answer came."""
        usable = False
        self._ask_next()
        while self._doubts and self._waiting:
            self._ask_next()
        while self._asked and not self._is_over(usable):
            attempt = self._next_result()
            if attempt is not None and self._refresher.arrived(self._asked.pop(attempt), attempt.outcome):
                usable = True
                self._ends = min(self._ends, time.monotonic() + GRACE)
            elif self._waiting:
                self._ask_next()
            elif attempt is None:
                break
        self._give_up()
        return usable

    def _is_over(self, usable: bool) -> bool:
        if not self._doubts:
            return usable
        # Who held nothing waits for the others, too: the highest valid answer wins (V8).
        return self._before is not None and self._refresher.held is not self._before

    def _give_up(self) -> None:
        """Leave those that have not answered. One that had its time and was overtaken counts as failed, and rests."""
        for attempt, source in self._asked.items():
            attempt.cut()
            if attempt.bounds.elapsed >= HEDGE_AFTER:
                self._refresher.arrived(source, attempt.outcome)

    def _ask_next(self) -> None:
        source = self._waiting.pop(0)
        self._asked[self._refresher.ask(source, self._results, etag=not self._doubts)] = source

    def _next_result(self) -> Attempt | None:
        """The next attempt that ended; None when it takes so long that the next source should be asked."""
        left = max(0.0, self._ends - time.monotonic())
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
