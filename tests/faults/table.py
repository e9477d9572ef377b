"""The words of the fault table. A row is data: what goes wrong, and everything that is expected then.

Rows are the tests' input (`test_rows.py`) and the table of `docs/faults.md` (`tools/fault_table.py`). Nothing stands in
a row that is not checked, except the sentence that names the fault.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Protocol

from livepin.client.events import EventName

if TYPE_CHECKING:
    from tests.faults.world import World


class Start(Enum):
    """When the fault strikes."""

    RUNNING = "in a running application that holds a document, as a newer one is published"
    FIRST = "before a first start"
    RESTART = "before a restart: the store holds a document, a newer one was published meanwhile"


class Held(Enum):
    """Which document is in force."""

    NONE = "no document"
    LAST = "last document"
    NEW = "newest document"
    BAD = "document of the thief"  # for what no reader can tell from an honest one


class Traffic(Enum):
    """What pinned traffic does. In each case visits are made in threads and inside an event loop."""

    PINNED = "goes on; the attacker gets nothing"
    CLOSED = "stands still (`no_document`); the attacker gets nothing"
    REPORTED = "goes on, unpinned: the attacker gets the secret"


class Fault(Protocol):
    """Duties of a fault."""

    def throw(self, world: World) -> None:
        """Let it happen: in `world` as it is, or to `world.orders` before the application starts."""

    def heal(self, world: World) -> None:
        """Undo it."""

    def served(self, world: World) -> bool:
        """Whether the application has met it. Only asked where a row expects that nothing else shows it."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One fault and what is expected of an application that meets it.

    `event` is the one alarm that is told, `code` its code; None: no alarm at all. `held_after`: what is held once
    the fault is over and a refresh was made, None where it cannot be undone in a running process. `tolerated`: it
    changes nothing, and the row proves that it was met. `project` are arguments of the project's
    `DocumentAuthority`, `setup` further arguments of `livepin.setup`, `document` further members of documents.
    """

    key: str
    group: str
    fault: str
    throw: Fault
    start: Start = Start.RUNNING
    held: Held = Held.LAST
    expired: bool = False
    seeded: bool = False
    traffic: Traffic = Traffic.PINNED
    event: EventName | None = EventName.SOURCE_DOWN
    code: str = ""
    also: tuple[EventName, ...] = ()
    held_after: Held | None = Held.NEW
    tolerated: bool = False
    inside_loop: bool = False
    urls: int = 1
    within: float | None = None
    project: Callable[[], dict[str, Any]] | None = None
    quick: bool = False
