"""The source serves the document, and not the freshness statement that keeps it in force."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from livepin.client.events import EventName
from livepin.testing import DocumentAuthority, SigningKey
from tests.faults.table import DAY, Fault, Held, Row, Start, Traffic
from tests.faults.world import World

TITLE = "The source serves a wrong freshness statement"


def with_refresh_key() -> DocumentAuthority:
    """A project whose key set names a refresh key."""
    authority = DocumentAuthority()
    authority.new_epoch(refresh_keys=[SigningKey.generate()])
    return authority


@dataclass(frozen=True)
class States(Fault):
    """Beside the newest document lies this, instead of a statement about it. None: nothing."""

    text: Callable[[World], str | None]

    def throw(self, world: World) -> None:
        text, path = self.text(world), world.authority.fresh
        if text is None:
            world.first.origin.remove(path)
        else:
            world.first.put(path, text)

    def heal(self, world: World) -> None:
        world.first.put(world.authority.fresh, world.authority.statement())


def _row(key: str, fault: str, code: str, text: Callable[[World], str | None], start: Start = Start.RUNNING) -> Row:
    first = start is Start.FIRST
    return Row(
        key=f"statement-{key}",
        fault=fault,
        does=States(text),
        start=start,
        held=Held.NONE if first else Held.LAST,
        traffic=Traffic.CLOSED if first else Traffic.PINNED,
        event=EventName.FRESHNESS_IGNORED,
        code=code,
        stated=True,
        authority=with_refresh_key,
    )


def _over(world: World) -> str:
    return world.authority.statement(issued_at=int(time.time()) - DAY, expires_at=int(time.time()) - 60)


ROWS = (
    _row("missing", "No statement beside a document that needs one", "freshness_missing", lambda world: None),
    _row(
        "missing-first",
        "The same, where no document is held yet",
        "freshness_missing",
        lambda world: None,
        Start.FIRST,
    ),
    _row("garbage", "Something that is no statement", "malformed", lambda world: "still the newest, trust me"),
    _row(
        "forged",
        "One by a key of the attacker",
        "unknown_key",
        lambda w: w.authority.statement(key=SigningKey.generate()),
    ),
    _row("stale", "The one about the document before", "other_revision", lambda w: w.authority.statement(w.last_text)),
    _row("over", "One that is over", "expired", _over),
)
