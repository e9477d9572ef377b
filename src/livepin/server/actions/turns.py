"""Turns: how many requests of one process may wait for the network or for a publish, at a time.

The threat: threads are few, and whoever may look at a host that never answers, or may wait for a publish, holds one
for as long as that takes. A member of one organization who asks for it a dozen times at once must not keep all others
from the server. So at most half of the threads wait like this, and for one organization at most a quarter.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from livepin.errors import RateLimited
from livepin.server.settings import CONFIG

_lock = Lock()
_waiting: Counter[str] = Counter()


@contextmanager
def turn(subject: object) -> Iterator[bool]:
    """A turn while the block runs; False where there is none now. `subject`: for whom."""
    name, most = str(subject), max(1, CONFIG.threads // 2)
    with _lock:
        found = _waiting.total() < most and _waiting[name] < max(1, most // 2)
        _waiting[name] += found
    try:
        yield found
    finally:
        with _lock:
            _waiting[name] -= found
            if not _waiting[name]:
                del _waiting[name]


@contextmanager
def looking(subject: object) -> Iterator[None]:
    """A turn for looks. Raises `RateLimited` where there is none now."""
    with turn(subject) as found:
        if not found:
            raise RateLimited("as many hosts are being looked at already as may be at a time", 5)
        yield
