"""Measuring two things side by side."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

Work = Callable[[], object]


@dataclass(frozen=True)
class Row:
    """One line of the table. `ours` and `theirs` in microseconds; `target` is the ratio not to be exceeded."""

    what: str
    against: str
    ours: float
    theirs: float
    target: float | None = None

    @property
    def ratio(self) -> float:
        """How many times as long ours takes."""
        return self.ours / self.theirs

    @property
    def verdict(self) -> str:
        """Whether the target holds."""
        if self.target is None:
            return ""
        return "holds" if self.ratio <= self.target else "MISSED"


def side_by_side(ours: Work, theirs: Work, *, rounds: int = 15, seconds: float = 0.02) -> tuple[float, float]:
    """Microseconds per call of both, best of `rounds` turns of about `seconds` each: noise only ever adds."""
    counts = [_calls_in(work, seconds) for work in (ours, theirs)]
    best = [float("inf")] * 2
    for _ in range(rounds):
        for which, work in enumerate((ours, theirs)):
            best[which] = min(best[which], _per_call(work, counts[which]))
    return best[0] * 1e6, best[1] * 1e6


def _calls_in(work: Work, seconds: float) -> int:
    return max(1, int(seconds / max(1e-8, _per_call(work, 3))))


def _per_call(work: Work, count: int) -> float:
    gc.collect()
    started = time.perf_counter()
    for _ in range(count):
        work()
    return (time.perf_counter() - started) / count


def median(values: list[float]) -> float:
    """Of what cannot be repeated in a tight loop."""
    return statistics.median(values)
