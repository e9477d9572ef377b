"""Bringing a freshness statement to its readers: beside the pointer, and only about what the pointer holds.

There is one object, which is replaced: no history, no immutable copies. A statement never takes the place of one that
prolongs the same document further, and readers would not mind if it did.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from livepin.core import freshness
from livepin.core.freshness import Statement
from livepin.core.trust import Revision, Trust
from livepin.errors import FetchFailed, OriginFailed, PublishRefused, StatementIgnored
from livepin.publish import public
from livepin.publish.deliver import published
from livepin.publish.origins.origin import Origin
from livepin.publish.places import statement_key

_PAUSE = 0.5


@dataclass(frozen=True, slots=True)
class Prolongation:
    """A statement, the revision that it is about, and where it goes. `now` in Unix seconds."""

    statement: Statement
    revision: Revision
    trust: Trust
    origins: Sequence[Origin]
    now: float


def deliver(given: Prolongation) -> None:
    """Put the statement on every origin, and read it back. Raises `PublishRefused`, `OriginFailed`."""
    key = statement_key(given.trust.organization, given.trust.project)
    for origin in given.origins:
        origin.replace(key, given.statement.text.encode("ascii"), _may_replace(given, origin))
        found = on(origin, given.revision, given.now)
        if found is None or found.until < given.statement.until:
            message = "the statement that was written came back wrong"
            raise OriginFailed("read_back_failed", message, where=origin.name)


def on(origin: Origin, revision: Revision, now: float) -> Statement | None:
    """The statement about `revision` that lies on an origin, if one does that fits. Raises `OriginFailed`."""
    data = origin.read(statement_key(revision.document.organization, revision.document.project))
    return None if data is None else _fitting(data, revision, now)


def _may_replace(given: Prolongation, origin: Origin) -> Callable[[bytes | None], None]:
    """Looks at what is there, while others wait."""
    trust, revision = given.trust, given.revision

    def check(data: bytes | None) -> None:
        pointer = published(origin, trust)
        if pointer is None or not pointer.is_copy_of(revision):
            there = "nothing" if pointer is None else f"{pointer.epoch}.{pointer.serial}"
            message = f"the origin holds {there}, the statement is about {revision.epoch}.{revision.serial}"
            raise PublishRefused("other_revision", message, where=origin.name)
        present = None if data is None else _fitting(data, revision, given.now)
        if present is not None and present.until > given.statement.until:
            message = "a statement that reaches further is there already"
            raise PublishRefused("freshness_ahead", message, where=origin.name)

    return check


def _fitting(data: bytes | str, revision: Revision, now: float) -> Statement | None:
    try:
        return freshness.verify(data, revision, now)
    except StatementIgnored:
        return None


def confirm(url: str, given: Prolongation, *, ca_file: str | None = None, patience: float = 5.0) -> None:
    """Wait until readers of `url` get this statement, or one that reaches further. `patience` in seconds.

    Raises `OriginFailed` (`not_confirmed`).
    """
    end = time.monotonic() + patience
    while why := _not_yet(url, given, ca_file, max(_PAUSE, end - time.monotonic())):
        if time.monotonic() + _PAUSE > end:
            raise OriginFailed("not_confirmed", f"not seen through the public URL: {why}", where=url)
        time.sleep(_PAUSE)


def _not_yet(url: str, given: Prolongation, ca_file: str | None, timeout: float) -> str:
    try:
        seen = freshness.verify(public.read(url, ca_file=ca_file, timeout=timeout), given.revision, given.now)
    except (FetchFailed, StatementIgnored) as error:
        return error.message
    return "" if seen.until >= given.statement.until else "it still serves an earlier one"
