"""A running application of a drill, as the drill sees it."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from livepin.cli.drills.report import DrillFailed

ANSWERED = "answered"
_ENDS = 10.0


class Running:
    """The process, and everything that it has said."""

    def __init__(self, told: Mapping[str, Any]) -> None:
        """`told`: what `livepin.cli.drills.application` is to be."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "livepin.cli.drills.application"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._changed = threading.Condition()
        self._seen: dict[str, Any] = {"visits": {}, "project": "", "held": [None, None]}
        self._ends: list[Mapping[str, str]] = []
        self._events: list[dict[str, Any]] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._order(json.dumps(told))

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            said = json.loads(line)
            with self._changed:
                if "event" in said:
                    self._events.append(said)
                else:
                    self._seen = said
                    self._ends.append(said["visits"])
                self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()

    def _order(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def refresh(self) -> None:
        """Have it ask now, where nothing is measured."""
        self._order("refresh")

    def end(self) -> None:
        """Take its standard input away, and wait for its end."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(_ENDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()
        if self._process.stdout is not None:
            self._process.stdout.close()

    # ------------------------------------------------------------------ what it says

    @property
    def held(self) -> tuple[int | None, int | None]:
        """The number of the revision that it judges by."""
        epoch, serial = self._seen["held"]
        return epoch, serial

    @property
    def project(self) -> str:
        """The project that it is set up for."""
        return str(self._seen["project"])

    def visit(self, server: str) -> str:
        """How its last visit of a server ended."""
        return str(self._seen["visits"].get(server, ""))

    def ever(self, server: str, since: int = 0) -> set[str]:
        """All the ways in which visits of a server ended. `since`: how many of `rounds` do not count."""
        return {str(ends[server]) for ends in self._ends[since:] if server in ends}

    @property
    def rounds(self) -> int:
        """How often something has changed."""
        return len(self._ends)

    def lets_in(self, server: str) -> bool:
        """Whether its last visit of a server was answered."""
        return self.visit(server) == ANSWERED

    def wait(self, wanted: Callable[[], bool], seconds: float, what: str) -> float:
        """Wait until something is so; how long it took. Raises `DrillFailed`."""
        began = time.monotonic()
        with self._changed:
            if not self._changed.wait_for(lambda: wanted() or not self._reader.is_alive(), seconds) or not wanted():
                raise DrillFailed(f"not seen within {seconds:.0f} s: {what}; {self._seen}")
        return time.monotonic() - began

    def wait_event(self, code: str, seconds: float, *, since: int = 0) -> None:
        """Wait for an event of this name or code. `since`: how many events do not count. Raises `DrillFailed`."""

        def told() -> bool:
            return any(code in (one["event"], one["code"]) for one in self._events[since:])

        try:
            self.wait(told, seconds, f"event {code}")
        except DrillFailed as error:
            events = [(one["event"], one["code"]) for one in self._events[since:]]
            raise DrillFailed(f"{error}; events {events}") from None

    @property
    def told(self) -> int:
        """How many events it has told."""
        return len(self._events)
