"""An origin around another one, whose calls fail when told to: before they happen, or after they happened."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import TypeVar

from livepin.errors import OriginFailed
from livepin.publish.origins.origin import Origin

T = TypeVar("T")


class Failure(Enum):
    """The two ways in which a call to a far-away store fails."""

    FAILED = "failed"
    FAILED_BUT_HAPPENED = "failed but happened"


class BrokenOrigin:
    """Fails the call number `at` (0 is the first) in the way of `failure`, and no other."""

    def __init__(self, origin: Origin, failure: Failure | None = None, at: int = -1) -> None:
        self._origin = origin
        self._failure = failure
        self._at = at
        self.calls: list[str] = []

    @property
    def name(self) -> str:
        return f"broken {self._origin.name}"

    def read(self, key: str) -> bytes | None:
        return self._do("read", lambda: self._origin.read(key))

    def create(self, key: str, data: bytes) -> bool:
        return self._do("create", lambda: self._origin.create(key, data))

    def replace(self, key: str, data: bytes, may_replace: Callable[[bytes | None], None]) -> None:
        return self._do("replace", lambda: self._origin.replace(key, data, may_replace))

    def remove(self, key: str) -> None:
        return self._do("remove", lambda: self._origin.remove(key))

    def _do(self, name: str, act: Callable[[], T]) -> T:
        number = len(self.calls)
        self.calls.append(name)
        if number != self._at:
            return act()
        if self._failure is Failure.FAILED_BUT_HAPPENED:
            act()
        raise OriginFailed("origin_failed", f"{name} broke", where=self.name)
