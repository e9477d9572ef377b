"""A point in time until which something may take: one bound over many steps, each of which could hang."""

from __future__ import annotations

import time


class Deadline:
    """`seconds` from now on the monotonic clock."""

    def __init__(self, seconds: float) -> None:
        self._at = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds until then, for `socket.settimeout`. Raises `TimeoutError` when there are none."""
        left = self._at - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        return left

    def wait(self) -> float:
        """Seconds until then, 0 when it is past."""
        return max(0.0, self._at - time.monotonic())
