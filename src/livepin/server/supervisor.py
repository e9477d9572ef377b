"""The parent of the roles: starts each in a process of its own, starts again what dies, and leaves nobody behind.

Each child leads a process group. When a child has ended, what is left of its group is killed: its workers must not
keep its port. SIGTERM and SIGINT are passed on once; who is not done in time is killed.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import FrameType

import structlog

from livepin.server.config import PREFIX, SECRETS, Config
from livepin.server.roles import PATIENCE

_log = structlog.get_logger("livepin.supervisor")
_TICK = 0.1
#: Seconds before a role that died is started again: doubled with every death, forgotten after it ran for a while.
_FIRST_PAUSE, _LONGEST_PAUSE, _STEADY = 0.5, 30.0, 60.0


@dataclass(slots=True)
class _Child:
    role: str
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    pause: float = _FIRST_PAUSE
    due: float = field(default=0.0)


class Supervisor:
    """Runs the roles of one `livepin serve`. `environment`: what its children are given."""

    def __init__(self, config: Config, environment: Mapping[str, str]) -> None:
        self._environment = dict(environment)
        self._children = [_Child(role) for role in processes(config)]
        self._scratch = tempfile.TemporaryDirectory(prefix="livepin-metrics-") if config.workers > 1 else None
        if self._scratch is not None:
            self._environment["PROMETHEUS_MULTIPROC_DIR"] = self._scratch.name
        self._stopping = False

    def run(self, greet: Callable[[], bool]) -> None:
        """Until a signal says to end. All children have ended when this returns or raises.

        `greet` is called again and again until it says that it has greeted.
        """
        greeted = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        try:
            while not self._stopping:
                for child in self._children:
                    self._look_after(child)
                greeted = greeted or greet()
                time.sleep(_TICK)
        finally:
            self._end_all()
            if self._scratch is not None:
                self._scratch.cleanup()

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self._stopping = True

    def _look_after(self, child: _Child) -> None:
        now = time.monotonic()
        if child.process is None:
            if now >= child.due:
                self._start(child)
            return
        status = child.process.poll()
        if status is None:
            return
        _end_group(child.process.pid)
        child.pause = _FIRST_PAUSE if now - child.started > _STEADY else child.pause
        _log.error("role ended", ended=child.role, status=status, again_in=child.pause)
        child.process, child.due = None, now + child.pause
        child.pause = min(child.pause * 2, _LONGEST_PAUSE)

    def _start(self, child: _Child) -> None:
        command = [sys.executable, "-m", "livepin.server.roles", child.role, str(os.getpid())]
        environment = _without_secrets(self._environment) if child.role == "origin" else self._environment
        child.process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, start_new_session=True)
        child.started = time.monotonic()
        _log.info("role started", started=child.role, pid=child.process.pid)

    def _end_all(self) -> None:
        running = [child.process for child in self._children if child.process is not None]
        for process in running:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + PATIENCE
        for process in running:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, deadline - time.monotonic()))
            _end_group(process.pid)
            process.wait()


def processes(config: Config) -> list[str]:
    """Which processes a configuration's roles need: web and api share one, and its address."""
    needed = {"http" if role in ("web", "api") else role for role in config.roles}
    return [role for role in ("origin", "http", "jobs") if role in needed]


def _without_secrets(environment: Mapping[str, str]) -> dict[str, str]:
    """Who serves public files needs none."""
    secret = {f"{PREFIX}{name.upper()}{end}" for name in SECRETS for end in ("", "_FILE")}
    return {name: value for name, value in environment.items() if name not in secret}


def _end_group(group: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)
