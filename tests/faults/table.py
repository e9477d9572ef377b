"""The words of the fault table. A row is data: what goes wrong, and everything that is expected then.

Rows are the tests' input (`test_rows.py`) and the table of `docs/faults.md` (`tools/fault_table.py`). Nothing stands in
a row that is not checked, except the sentence that names the fault.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

from demo.origin import find_nginx
from livepin.client.events import EventName
from livepin.testing import DocumentAuthority

if TYPE_CHECKING:
    from tests.faults.world import World

MINUTE, DAY = 60, 86400


class Start(Enum):
    """When the fault strikes."""

    RUNNING = "while it runs"
    FIRST = "first start"
    RESTART = "restart"


class Held(Enum):
    """Which document is in force."""

    NONE = "none"
    LAST = "the last stays"
    NEW = "the newest"
    SERVED = "what is served"  # no reader can know better


class Traffic(Enum):
    """What pinned traffic does. Visits are made in threads and inside an event loop, to the service and to an
    attacker who has a certificate that ordinary validation accepts."""

    PINNED = "goes on"
    CLOSED = "stands still: `no_document`"
    OPEN = "goes on **unpinned**: the attacker is answered, too"


class Servers(Enum):
    """What serves the documents."""

    FAKE = "livepin.testing.Origin behind a gate"
    NGINX = "nginx"


class Fault:
    """Something that goes wrong. Has no state of its own: what it remembers, it remembers in the world."""

    def prepare(self, world: World) -> None:
        """Before the newest document is published. Done in any case: it must not have an effect by itself."""

    def throw(self, world: World) -> None:
        """Let it happen: in the world, or in `world.orders` where the application has not been started yet."""

    def heal(self, world: World) -> None:
        """Let it be over."""

    def problems(self, world: World) -> list[str]:
        """What is not as it should be, beyond what the row says. A fault that is tolerated says whether it was met."""
        return []

    @property
    def missing(self) -> str:
        """Why it cannot be done on this machine; empty if it can."""
        return ""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One fault, and what is expected of an application that meets it.

    - `event`, `code`: the alarm that is told, and no other but those in `also`; None: no alarm at all
    - `after`: what is held once the fault is over and a refresh was made; None: it cannot be undone in a process
    - `tolerated`: it changes nothing that a row says; then the fault itself tells whether it was met
    - `seeded`, `age`, `policy`: the last document is bundled; was signed so many seconds ago; has such a policy
    - `setup`: further arguments of `livepin.setup`; `inside_loop`: which is called inside the event loop
    - `stated`: documents are over by themselves, and freshness statements beside them keep them in force
    - `urls`: how many there are; the fault strikes the first. `second`: the problem of the second, where it has one too
    - `within`: the longest time that a refresh may take
    """

    key: str
    fault: str
    does: Fault
    start: Start = Start.RUNNING
    held: Held = Held.LAST
    expired: bool = False
    traffic: Traffic = Traffic.PINNED
    event: EventName | None = EventName.SOURCE_DOWN
    code: str = ""
    also: tuple[EventName, ...] = ()
    after: Held | None = Held.NEW
    tolerated: bool = False
    seeded: bool = False
    stated: bool = False
    age: int = 0
    policy: dict[str, object] = field(default_factory=dict)
    setup: dict[str, Any] = field(default_factory=dict)
    inside_loop: bool = False
    urls: int = 1
    second: str = ""
    within: float | None = None
    authority: Callable[[], DocumentAuthority] = DocumentAuthority
    servers: Servers = Servers.FAKE
    quick: bool = False

    @property
    def missing(self) -> str:
        """What this machine lacks for this row; empty if nothing."""
        if self.servers is Servers.NGINX and find_nginx() is None:
            return "nginx is not installed: `make nginx`"
        return self.does.missing

    @property
    def alarms(self) -> dict[EventName, str]:
        """Every alarm that is expected, and the code of those that the row gives one."""
        found = dict.fromkeys(self.also, "")
        if self.traffic is Traffic.CLOSED:
            found[EventName.VERDICT_BLOCKED] = "no_document"
        if self.expired and self.traffic is not Traffic.CLOSED:
            found[EventName.DOCUMENT_EXPIRED] = ""
        if self.event is not None:
            found[self.event] = self.code
        return found
