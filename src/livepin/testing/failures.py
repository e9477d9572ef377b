"""The failure switches of an origin: what a CDN, a proxy on the way or a café's network does to an honest answer.

Each switch changes an `Answer` into another one, so they can be combined: ``origin.fail(Delay(0.2), Status(503))``.
"""

from __future__ import annotations

import gzip
from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from enum import Enum


class Ending(Enum):
    """What becomes of the connection after an answer."""

    KEEP = "keep"
    CLOSE = "close"
    RESET = "reset"
    HANG = "hang"  # stays open, says nothing more


@dataclass(frozen=True, slots=True)
class Answer:
    """A response and how it is to be sent.

    After `delay` seconds: `raw` if that is not None, else the head with `headers`; then the body in pieces of
    `piece` bytes every `interval` seconds (0: at once), `endless` times over, cut off after `cut` bytes of it;
    then `ending`. Without `announced` there is no Content-Length.
    """

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    delay: float = 0.0
    piece: int = 0
    interval: float = 0.0
    cut: int | None = None
    endless: bool = False
    announced: bool = True
    raw: bytes | None = None
    ending: Ending = Ending.KEEP


class Failure(ABC):
    """One failure switch."""

    @abstractmethod
    def spoil(self, honest: Answer) -> Answer:
        """The answer that is sent instead of `honest`."""


@dataclass(frozen=True, slots=True)
class Status(Failure):
    """Another status with a short text body. `headers` are added: ``{"Retry-After": "60"}``."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)

    def spoil(self, honest: Answer) -> Answer:
        headers = {"Content-Type": "text/plain", **self.headers}
        return replace(honest, status=self.status, headers=headers, body=f"status {self.status}\n".encode())


@dataclass(frozen=True, slots=True)
class Headers(Failure):
    """The same answer with headers replaced: a wrong content type, a cache header that lies."""

    headers: dict[str, str]

    def spoil(self, honest: Answer) -> Answer:
        return replace(honest, headers={**honest.headers, **self.headers})


@dataclass(frozen=True, slots=True)
class Delay(Failure):
    """The same answer, but nothing at all for `seconds`."""

    seconds: float

    def spoil(self, honest: Answer) -> Answer:
        return replace(honest, delay=honest.delay + self.seconds)


@dataclass(frozen=True, slots=True)
class Drip(Failure):
    """The same answer, its body in pieces of `piece` bytes, `interval` seconds apart."""

    piece: int = 1
    interval: float = 0.05

    def spoil(self, honest: Answer) -> Answer:
        return replace(honest, piece=self.piece, interval=self.interval)


@dataclass(frozen=True, slots=True)
class Truncated(Failure):
    """The right Content-Length, but the connection ends in good order `short` bytes before it is reached."""

    short: int = 1

    def spoil(self, honest: Answer) -> Answer:
        return replace(honest, cut=max(0, len(honest.body) - self.short), ending=Ending.CLOSE)


@dataclass(frozen=True, slots=True)
class GzipBomb(Failure):
    """A small gzip body that unpacks to `size` bytes of zeros."""

    size: int = 64 * 1024 * 1024

    def spoil(self, honest: Answer) -> Answer:
        body = gzip.compress(bytes(self.size), 1, mtime=0)
        return replace(honest, status=200, headers={**honest.headers, "Content-Encoding": "gzip"}, body=body)


@dataclass(frozen=True, slots=True)
class Endless(Failure):
    """A body without a length and without an end."""

    def spoil(self, honest: Answer) -> Answer:
        return replace(honest, status=200, body=b"A" * 65536, endless=True, announced=False, ending=Ending.CLOSE)


@dataclass(frozen=True, slots=True)
class Redirect(Failure):
    """A redirect to `url`, of any scheme."""

    url: str
    status: int = 302

    def spoil(self, honest: Answer) -> Answer:
        return replace(honest, status=self.status, headers={"Location": self.url}, body=b"")


@dataclass(frozen=True, slots=True)
class CaptivePortal(Failure):
    """What a café's network answers to everything: status 200 and a page to log in."""

    def spoil(self, honest: Answer) -> Answer:
        page = b"<!doctype html><title>Welcome</title><form action=/login><input name=room><button>Go</button></form>"
        return replace(honest, status=200, headers={"Content-Type": "text/html"}, body=page)


@dataclass(frozen=True, slots=True)
class Garbage(Failure):
    """Bytes that are no HTTP, and the end of the connection."""

    data: bytes = b"\x00\xff\x13\x37 this is no HTTP\r\n\r\n"

    def spoil(self, honest: Answer) -> Answer:
        return replace(honest, raw=self.data, ending=Ending.CLOSE)


@dataclass(frozen=True, slots=True)
class Reset(Failure):
    """A TCP reset instead of an answer, or after `after` bytes of the body."""

    after: int | None = None

    def spoil(self, honest: Answer) -> Answer:
        if self.after is None:
            return replace(honest, raw=b"", ending=Ending.RESET)
        return replace(honest, cut=self.after, ending=Ending.RESET)


@dataclass(frozen=True, slots=True)
class Hang(Failure):
    """No answer at all, and no end."""

    def spoil(self, honest: Answer) -> Answer:
        return replace(honest, raw=b"", ending=Ending.HANG)


@dataclass(frozen=True, slots=True)
class Stale(Failure):
    """A cache that is stuck: each path answers what it answered last before the switch was thrown."""

    def spoil(self, honest: Answer) -> Answer:
        return honest  # the origin looks the content up before it answers: see Origin.fail
