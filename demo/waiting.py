"""Waiting for conditions, never for time to pass; and not being interrupted where that would leave something behind."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TypeVar

T = TypeVar("T")

_PAUSE = 0.01
_INTERRUPTIONS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class DemoFailed(Exception):
    """The story cannot go on: a process did not do its part. The text is for people."""


def wait_for(found: Callable[[], T | None], seconds: float, what: str) -> T:
    """The first thing that `found` returns and that is true. Raises `DemoFailed` when `seconds` were not enough."""
    end = time.monotonic() + seconds
    while True:
        if result := found():
            return result
        if time.monotonic() >= end:
            raise DemoFailed(f"waited {seconds:g} s in vain: {what}")
        time.sleep(_PAUSE)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Put off Ctrl-C and the like: half a start would leave a process that nobody knows of."""
    missed: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        missed.append(number)

    before = {number: signal.signal(number, note) for number in _INTERRUPTIONS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if missed:
        signal.raise_signal(missed[0])
