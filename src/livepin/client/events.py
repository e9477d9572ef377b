"""What happened, told once: to the log, to the application, and as counters.

Events carry names of hosts and sources, numbers of revisions, digests and codes; never a secret, and never a byte of
what an application sends or receives.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from livepin.client.clock import Clock
from livepin.client.forks import fork_safe_lock

LOGGER = logging.getLogger("livepin")
#: The same event about the same thing is told once in this many seconds, unless it has changed.
REPEAT_AFTER = 60.0

#: How many things are remembered for that; what falls out may be told once more. Bounds memory, not truth.
_REMEMBERED = 1024
_MAX_TEXT = 1000


class EventName(StrEnum):
    """The names. They are part of the interface: applications compare them."""

    DOCUMENT_ACCEPTED = "document_accepted"
    DOCUMENT_REFUSED = "document_refused"
    DOCUMENT_EXPIRED = "document_expired"
    FRESHNESS_ACCEPTED = "freshness_accepted"
    FRESHNESS_IGNORED = "freshness_ignored"
    CLOCK_BEHIND = "clock_behind"
    SOURCE_DOWN = "source_down"
    SOURCE_UP = "source_up"
    WITHDRAWN = "withdrawn"
    REFRESH_FAILED = "refresh_failed"
    STORE_UNUSABLE = "store_unusable"
    VERDICT_REPORTED = "verdict_reported"
    VERDICT_BLOCKED = "verdict_blocked"
    VERDICT_RECOVERED = "verdict_recovered"
    CT_NOT_EVALUATED = "ct_not_evaluated"
    HOOK_INSTALLED = "hook_installed"
    HOOK_REMOVED = "hook_removed"
    NOTHING_JUDGED = "nothing_judged"
    NOT_REACHED = "not_reached"


#: Everything else is a warning: something is wrong, and the application goes on.
_LEVELS = {
    EventName.DOCUMENT_ACCEPTED: logging.INFO,
    EventName.FRESHNESS_ACCEPTED: logging.INFO,
    EventName.SOURCE_UP: logging.INFO,
    EventName.VERDICT_RECOVERED: logging.INFO,
    EventName.HOOK_INSTALLED: logging.INFO,
    EventName.HOOK_REMOVED: logging.INFO,
    EventName.REFRESH_FAILED: logging.ERROR,
    EventName.VERDICT_BLOCKED: logging.ERROR,
}


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened.

    `at` in Unix seconds. `detail` depends on the name; its values are texts, numbers, truth values and
    tuples of them. `repeated`: how
    many equal events before this one were counted but not told.
    """

    name: EventName
    at: float
    message: str
    detail: Mapping[str, object]
    repeated: int = 0

    @property
    def level(self) -> int:
        """The level it is logged at."""
        return _LEVELS.get(self.name, logging.WARNING)


@dataclass(slots=True)
class _Told:
    """The last time that an event was told about one thing."""

    at: float
    content: tuple[object, ...]
    repeated: int = 0


class Events:
    """Where everything of one pinner reports. May be used from several threads, and after a fork."""

    def __init__(self, clock: Clock, on_event: Callable[[Event], object] | None = None) -> None:
        """`on_event` is called in the thread where the event happens, perhaps inside a handshake: it must be quick
        and must not wait. What it raises is logged and goes no further."""
        self._clock = clock
        self._on_event = on_event
        self._lock = fork_safe_lock()
        self._counts: Counter[EventName] = Counter()
        self._told: OrderedDict[tuple[EventName, str], _Told] = OrderedDict()
        self._telling = threading.local()

    def counts(self) -> dict[str, int]:
        """How often each event happened, told or not."""
        with self._lock:
            return {name.value: count for name, count in self._counts.items()}

    def emit(self, name: EventName, message: str, *, key: str = "", **detail: object) -> bool:
        """Count an event and tell it, unless the same was told less than a minute ago; returns whether it was told.

        `key`: what the event is about (a URL, a host), where several of a name are to be told apart.
        """
        clean = {member: _plain(value) for member, value in detail.items()}
        text = str(_plain(message))
        repeated = self._repeated(name, key, (text, *sorted(clean.items(), key=lambda pair: pair[0])))
        if repeated is None:
            return False
        self._tell(Event(name, self._clock.now(), text, MappingProxyType(clean), repeated))
        return True

    def _repeated(self, name: EventName, key: str, content: tuple[object, ...]) -> int | None:
        """Count; None if it is not to be told, else how many were not told before it."""
        now = self._clock.monotonic()
        with self._lock:
            self._counts[name] += 1
            last = self._told.get((name, key))
            if last is not None and last.content == content and now - last.at < REPEAT_AFTER:
                last.repeated += 1
                return None
            self._told[name, key] = _Told(now, content)
            self._told.move_to_end((name, key))
            if len(self._told) > _REMEMBERED:
                self._told.popitem(last=False)
            return last.repeated if last is not None else 0

    def _tell(self, event: Event) -> None:
        again = f" ({event.repeated} more like the last one)" if event.repeated else ""
        _log(event.level, "%s: %s%s", event.name, event.message, again, extra={"livepin_event": event})
        # An `on_event` that itself opens a connection may cause events: they are logged, but not handed to it again.
        if self._on_event is None or getattr(self._telling, "now", False):
            return
        self._telling.now = True
        try:
            self._on_event(event)
        except (Exception, SystemExit):  # `sys.exit()` would end the refresher, which is a thread of ours
            _log(logging.ERROR, "on_event failed for %s", event.name, exc_info=True)
        finally:
            self._telling.now = False


def _log(level: int, text: str, *arguments: object, **more: Any) -> None:
    """A handler of the application's that raises must end neither a connection nor the refresher."""
    with contextlib.suppress(Exception):
        LOGGER.log(level, text, *arguments, **more)


def _plain(value: object) -> object:
    """A value as it may stand in a log: texts from the network must not forge lines of it."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, list | tuple):
        return tuple(_plain(item) for item in value)
    return "".join(character if character.isprintable() else "�" for character in str(value)[:_MAX_TEXT])
