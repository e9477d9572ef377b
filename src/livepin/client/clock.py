"""The time, as the client asks for it. One seam, so that a test can turn the clock by hand."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Duties of a clock."""

    def now(self) -> float:
        """Unix seconds. May jump either way, as computers' clocks do: decisions about documents ask `trust` (V7)."""
        ...

    def monotonic(self) -> float:
        """Seconds since some moment. Never runs backwards; says when to refresh, and nothing about documents."""
        ...


class SystemClock:
    """The clock of this machine."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()
