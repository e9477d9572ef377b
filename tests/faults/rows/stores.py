"""The directory in which the last document is kept is not what it should be."""

from __future__ import annotations

from collections.abc import Callable

from livepin.client.events import EventName
from tests.faults import store_faults
from tests.faults.store_faults import Crowd, FillsUp, LeftOver, Locked, Lost, StoreIs
from tests.faults.table import Held, Row, Start
from tests.faults.world import World

TITLE = "The store"


def _row(
    key: str,
    fault: str,
    make: Callable[[World], object],
    code: str = "store_unusable",
    *,
    start: Start = Start.RESTART,
    needs_root: bool = False,
    quick: bool = False,
) -> Row:
    return Row(
        key=key,
        fault=fault,
        does=StoreIs(make, needs_root),
        start=start,
        held=Held.NEW,
        event=EventName.STORE_UNUSABLE,
        code=code,
        after=None,
        quick=quick,
    )


ROWS = (
    _row("store-read-only", "It cannot be written to", store_faults.read_only, start=Start.FIRST),
    _row("store-full", "The disk is full", store_faults.full, start=Start.FIRST, quick=True),
    _row("store-corrupt", "The file in it is garbage", store_faults.corrupt, "malformed", quick=True),
    _row("store-half", "Half of the file in it is missing", store_faults.half_written, "malformed"),
    _row("store-stranger", "The file in it was signed by a stranger", store_faults.of_a_stranger, "unknown_key"),
    _row("store-pipe", "The file in it is a pipe that nobody writes to", store_faults.pipe),
    _row("store-foreign", "It belongs to another user", store_faults.foreign, needs_root=True),
    _row("store-foreign-file", "The file in it belongs to another user", store_faults.foreign_file, needs_root=True),
    _row("store-group", "A group can write to it", store_faults.writable_by_group),
    _row("store-link", "It is a symbolic link", store_faults.link),
    _row("store-tmp", "It lies in `/tmp`", store_faults.shared_temporary, start=Start.FIRST),
    Row(
        key="store-locked",
        fault="Another process holds its lock, and is stopped",
        does=Locked(),
        start=Start.RESTART,
        held=Held.NEW,
        event=EventName.STORE_UNUSABLE,
        after=None,
    ),
    Row(
        key="store-locked-first",
        fault="The same at a first start; set-up is called inside an event loop",
        does=Locked(),
        start=Start.FIRST,
        inside_loop=True,
        held=Held.NEW,
        event=EventName.STORE_UNUSABLE,
        after=None,
    ),
    Row(
        key="store-left-over",
        fault="A process was killed while it wrote",
        does=LeftOver(),
        start=Start.RESTART,
        held=Held.NEW,
        event=None,
        tolerated=True,
        after=None,
    ),
    Row(
        key="store-lost",
        fault="Somebody removes it while the application runs",
        does=Lost(),
        held=Held.NEW,
        event=None,
        tolerated=True,
    ),
    _row(
        "store-becomes-link",
        "Somebody puts a symbolic link in its place while the application runs",
        store_faults.link,
        start=Start.RUNNING,
    ),
    _row(
        "store-becomes-pipe",
        "Somebody puts a pipe in its place while the application runs",
        store_faults.becomes_pipe,
        start=Start.RUNNING,
    ),
    Row(
        key="store-fills-up",
        fault="The disk fills up while the application runs",
        does=FillsUp(),
        held=Held.NEW,
        event=EventName.STORE_UNUSABLE,
        code="store_unusable",
    ),
    Row(
        key="store-shared",
        fault="Twenty processes share it, learn of three documents at the same time, and five of them are killed",
        does=Crowd(),
        start=Start.RESTART,
        held=Held.NEW,
        event=None,
        tolerated=True,
    ),
)
