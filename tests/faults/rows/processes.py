"""What the application does to itself."""

from __future__ import annotations

from livepin.client.events import EventName
from tests.faults.store_faults import Careless, Forks, ForksAmidFetch, LogsCarelessly, ThreadsUsedUp
from tests.faults.table import Held, Row, Start

TITLE = "Processes"

ROWS = (
    Row(
        key="fork",
        fault="A worker is forked after set-up: it judges, and refreshes by itself",
        does=Forks(),
        held=Held.NEW,
        event=None,
        tolerated=True,
        quick=True,
    ),
    Row(
        key="fork-amid-fetch",
        fault="A worker is forked while a fetch of its parent hangs: it has none of its parent's connections",
        does=ForksAmidFetch(),
        held=Held.NEW,
        code="source_timeout",
    ),
    Row(
        key="threads-used-up",
        fault="No thread can be started while it is set up: the next connection tries again",
        does=ThreadsUsedUp(),
        start=Start.RESTART,
        held=Held.NEW,
        event=EventName.REFRESH_FAILED,
        after=None,
    ),
    Row(
        key="careless",
        fault="The application's own `on_event` raises, each time",
        does=Careless(),
        start=Start.FIRST,
        held=Held.NEW,
        event=None,
        tolerated=True,
        after=None,
    ),
    Row(
        key="careless-log",
        fault="A handler of the application's own log raises, each time",
        does=LogsCarelessly(),
        start=Start.FIRST,
        held=Held.NEW,
        event=None,
        tolerated=True,
        after=None,
    ),
)
