"""A clock that stands still until a test turns it."""

from __future__ import annotations

import threading
from typing import Protocol

#: Where a new clock stands: 2026-09-21T12:53:20Z. A round number, so that a time in a failing test can be read.
DEFAULT_NOW = 1_790_000_000.0


class Clock(Protocol):
    """The two questions about time that Livepin asks. The real clock of the client answers the same two."""

    def now(self) -> float:
        """Wall clock in Unix seconds. It may jump in either direction, as a computer's does."""
        ...

    def monotonic(self) -> float:
        """Seconds since some moment. It never runs backwards and does not notice when the wall clock is set."""
        ...


class HandTurnedClock:
    """A `Clock` that moves only when told to. Safe to read and turn from several threads.

    `advance` is time passing: both readings move. `set` is somebody setting the wall clock: `monotonic` stays.
    """

    def __init__(self, now: float = DEFAULT_NOW) -> None:
        """Stand at `now` (Unix seconds)."""
        self._lock = threading.Lock()
        self._now = float(now)
        self._monotonic = 0.0

    def __repr__(self) -> str:
        return f"HandTurnedClock(now={self.now()!r})"

    def now(self) -> float:
        """Wall clock in Unix seconds."""
        with self._lock:
            return self._now

    def monotonic(self) -> float:
        """Seconds that have passed since the clock was made, whatever the wall clock was set to."""
        with self._lock:
            return self._monotonic

    def advance(self, seconds: float) -> float:
        """Let `seconds` pass and return the new `now`. Raises `ValueError` when negative: time does not run
        backwards, but `set` winds the wall clock back."""
        if seconds < 0:
            raise ValueError("time does not run backwards; use set() to wind the wall clock back")
        with self._lock:
            self._now += seconds
            self._monotonic += seconds
            return self._now

    def set(self, now: float) -> None:
        """Set the wall clock to `now` (Unix seconds), forwards or back; `monotonic` does not move."""
        with self._lock:
            self._now = float(now)
