"""Driving one row: the world is set up, the fault strikes, and what follows is compared with the row."""

from __future__ import annotations

import time
from typing import Any

from livepin.client.events import EventName
from livepin.testing import Cast
from tests.faults.nginx import NginxRegion
from tests.faults.running import Gone
from tests.faults.table import Held, Row, Start, Traffic
from tests.faults.world import World

#: Seconds that an event loop may stand still. A fetch inside one would cost at least two.
LAG = 0.5
#: Longer than any round of refreshing that was under way, and one more.
ROUND = 45.0

#: Events that say that something is wrong. (Refusing the attacker is what is to be expected.)
_ALARMS = frozenset(
    {
        *(EventName.SOURCE_DOWN, EventName.WITHDRAWN, EventName.DOCUMENT_REFUSED, EventName.REFRESH_FAILED),
        *(EventName.DOCUMENT_EXPIRED, EventName.CLOCK_BEHIND, EventName.STORE_UNUSABLE, EventName.VERDICT_REPORTED),
        EventName.CT_NOT_EVALUATED,
    }
)
_SOURCES = frozenset({EventName.SOURCE_DOWN, EventName.WITHDRAWN, EventName.DOCUMENT_REFUSED})
_EXPECTED = {
    Traffic.PINNED: {"genuine": "answered", "evil": "pin_mismatch"},
    Traffic.CLOSED: {"genuine": "no_document", "evil": "no_document"},
    Traffic.OPEN: {"genuine": "answered", "evil": "answered"},
}


class Failed(AssertionError):
    """An application did not do what its row says. `problems`: what is checked, and what was found."""

    def __init__(self, row: Row, problems: list[tuple[str, str]]) -> None:
        super().__init__(f"{row.key}:\n" + "\n".join(f"  {what}: {found}" for what, found in problems))
        self.what = {what for what, _ in problems}


def run(row: Row, cast: Cast, *, with_fault: bool = True) -> list[str]:
    """Drive one row, or for proof the same without its fault; what was observed. Raises `Failed`."""
    with World(row, cast) as world:
        drive = _Drive(world, with_fault)
        try:
            drive.run()
        except Gone as gone:
            drive.found("process", str(gone))
        if drive.problems:
            raise Failed(row, drive.problems)
        return drive.observed


class _Drive:
    def __init__(self, world: World, with_fault: bool) -> None:
        self.world = world
        self.row = world.row
        self.problems: list[tuple[str, str]] = []
        self.observed: list[str] = []
        self._with_fault = with_fault

    def found(self, what: str, problem: str) -> None:
        """Note a difference between the row and what happened."""
        self.problems.append((what, problem))

    def run(self) -> None:
        self._begin()
        elapsed = self._refresh()
        if self.row.within is not None and elapsed > self.row.within:
            self.found("time", f"the refresh took {elapsed:.1f} s")
        self._check_traffic(self.row.traffic)
        status = self._check_state(self.row.held)
        self._check_alarms(status)
        for problem in self.row.does.problems(self.world):
            self.found("fault", problem)
        if self.row.after is not None:
            self._recover(self.row.after)
        self._check_end()

    # ------------------------------------------------------------------ what is done

    def _begin(self) -> None:
        """Up to the moment when the fault has struck and the application runs."""
        world, row = self.world, self.row
        world.publish_last()
        if row.start is Start.RUNNING:
            world.start()
            self._check_traffic(Traffic.PINNED)
            # The attacker was met, so somebody may still be asking, and would be told what is published next.
            self._refresh()
            world.told_before = len(world.application.ask("status")["events"])
        elif row.start is Start.RESTART:
            world.fill_store()
        row.does.prepare(world)
        world.publish_newest()
        if self._with_fault:
            row.does.throw(world)
        if row.start is not Start.RUNNING:
            world.start()

    def _refresh(self) -> float:
        began = time.monotonic()
        if not self.world.application.ask("refresh", ROUND + 10, wait=ROUND):
            self.found("process", "a refresh does not end")
        return time.monotonic() - began

    def _recover(self, held: Held) -> None:
        if self._with_fault:
            self.row.does.heal(self.world)
        self._refresh()
        self._check_traffic(Traffic.PINNED)
        status = self._check_state(held)
        told = {event["name"] for event in status["events"][self.world.told_before :]}
        if self.row.event in _SOURCES and self.row.urls == 1:
            if status["problems"] != ["ok"]:
                self.found("recovery", f"the source is said to be {status['problems']}")
            if EventName.SOURCE_UP not in told:
                self.found("recovery", "nothing was told of the source that is up again")

    # ------------------------------------------------------------------ what is expected

    def _check_traffic(self, traffic: Traffic) -> None:
        seen = self.world.application.ask("observe", wait=20.0)
        self.observed.append(f"visits: {seen}")
        for lane, ended in seen.items():
            expected = [_EXPECTED[traffic][lane.partition("/")[0]]]
            if ended != expected:
                self.found("traffic", f"{lane} is {ended}, not {expected}")

    def _check_state(self, held: Held) -> dict[str, Any]:
        world = self.world
        status: dict[str, Any] = world.application.ask("status")
        self.observed.append(f"status: { {name: status[name] for name in ('held', 'expired', 'seeded', 'problems')} }")
        numbers = {Held.NONE: None, Held.LAST: list(world.last), Held.NEW: list(world.newest)}
        expected = numbers.get(held, world.notes.get("taken"))
        if status["held"] != expected:
            self.found("state", f"{status['held']} is held, not {expected}")
        return status

    def _check_alarms(self, status: dict[str, Any]) -> None:
        row, told = self.row, status["events"][self.world.told_before :]
        self.observed += [f"event: {event}" for event in told]
        for name, expected in (("expired", row.expired), ("seeded", row.seeded and row.held is Held.LAST)):
            if status[name] is not expected:
                self.found("state", f"{name} is {status[name]}")
        for name, code in row.alarms.items():
            codes = {event.get("code", "") for event in told if event["name"] == name}
            if not codes or (code and code not in codes):
                self.found("event", f"{name} {code} was not told; {codes or 'no such event'}")
        surprising = {event["name"] for event in told} & _ALARMS - row.alarms.keys()
        if surprising:
            self.found("alarm", f"{sorted(surprising)} told, which the row does not expect")
        if row.event in _SOURCES and row.held is not Held.NEW and status["problems"][0] != row.code:
            self.found("state", f"the first source is said to be {status['problems'][0]}")
        if row.second and status["problems"][1] != row.second:
            self.found("state", f"the second source is said to be {status['problems'][1]}")

    def _check_end(self) -> None:
        """Nothing of it may have been seen by the attacker at any time; nothing crashed or stood still."""
        world, application = self.world, self.world.application
        for number, region in enumerate(world.regions, start=1):
            if isinstance(region, NginxRegion):
                self.observed += [f"nginx {number} answered: {line}" for line in region.log()]
        visits, lag = application.ask("visits"), application.ask("status")["lag"]
        self.observed.append(f"event loop: {lag * 1000:.0f} ms late at worst; all visits: {visits}")
        if self.row.traffic is Traffic.PINNED:
            for lane, ended in visits.items():
                if lane.startswith("genuine") and ended.keys() != {"answered"}:
                    self.found("traffic", f"not all visits of {lane} were answered: {ended}")
        if lag > LAG:
            self.found("loop", f"the event loop stood still for {lag:.2f} s")
        status, said = application.end()
        if status or any(words in said for words in ("Exception in thread", "never retrieved", "Fatal Python")):
            self.found("process", f"exit status {status}; it said:\n{said}")
        world.evil.wait_until_idle()
        leaked = world.evil.application_bytes + sum(len(each.plaintext) for each in world.evil.connections)
        if self.row.traffic is Traffic.OPEN:
            if world.secret.encode() not in world.evil.received:
                self.found("bytes", "the attacker's server counts nothing: then its zeros mean nothing")
        elif leaked:
            self.found("bytes", f"the attacker got {leaked} bytes")
