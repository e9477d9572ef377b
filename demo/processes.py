"""The processes of the story: each in a process group of its own, all of them ended when the story ends.

What they say goes into files, `NAME.out` and `NAME.log`, which KEEP=1 leaves to be read.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from demo.waiting import DemoFailed, uninterrupted, wait_for

T = TypeVar("T")

#: How long a process may take to end when it is asked to, in seconds; then it is killed.
_PATIENCE = 3.0
#: What children inherit. Everything else (proxies, CA bundles, LIVEPIN_*) belongs to this machine, not to the story.
_INHERITED = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "PYTHONDONTWRITEBYTECODE")


class Process:
    """A running process. `out` and `log` are its standard output and standard error."""

    def __init__(self, name: str, popen: subprocess.Popen[bytes], out: Path, log: Path) -> None:
        self.name = name
        self.out = out
        self.log = log
        self._popen = popen

    @property
    def pid(self) -> int:
        """Its number, which is that of its process group, too."""
        return self._popen.pid

    @property
    def running(self) -> bool:
        """Whether it runs. Does not reap it: as long as nobody does, its number belongs to nobody else."""
        if self._popen.returncode is not None:
            return False
        return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None

    def lines(self) -> list[str]:
        """Complete lines of its standard output so far."""
        return complete_lines(self.out)

    def say(self, line: str) -> None:
        """Write a line to its standard input. Raises `DemoFailed` when it is gone."""
        assert self._popen.stdin is not None
        try:
            self._popen.stdin.write(f"{line}\n".encode())
            self._popen.stdin.flush()
        except OSError:
            raise self._ended() from None

    def wait_for(self, found: Callable[[], T | None], seconds: float, what: str) -> T:
        """As `waiting.wait_for`, but gives up at once when the process has ended."""

        def looked() -> T | None:
            running = self.running  # asked first: what it wrote before it ended counts
            result = found()
            if not running and not result:
                raise self._ended()
            return result

        return wait_for(looked, seconds, f"{self.name}: {what}")

    def wait(self, seconds: float) -> int:
        """Its exit status. Raises `DemoFailed` when it does not end in time."""
        if self._popen.stdin is not None:
            with contextlib.suppress(OSError):
                self._popen.stdin.close()
        wait_for(lambda: not self.running, seconds, f"{self.name} to end")
        return self._popen.wait()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the whole group, unless it was reaped already."""
        if self._popen.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, number)

    def end(self, deadline: float) -> None:
        """Wait until `deadline` (monotonic seconds), then kill what is left of the group, and reap."""
        while self.running and time.monotonic() < deadline:
            time.sleep(0.01)
        # Not reaped yet, so the group cannot be anybody else's.
        self.signal(signal.SIGKILL)
        self._popen.wait()
        if self._popen.stdin is not None:
            with contextlib.suppress(OSError):
                self._popen.stdin.close()

    def _ended(self) -> DemoFailed:
        said = "\n    ".join(self.log.read_text("utf-8", "replace").splitlines()[-8:])
        return DemoFailed(f"{self.name} has ended; its last words:\n    {said}")


def complete_lines(path: Path) -> list[str]:
    """Lines of a file that somebody is writing; a last one without its end is left out, a missing file is empty."""
    try:
        text = path.read_text("utf-8", "replace")
    except FileNotFoundError:
        return []
    return text[: text.rfind("\n") + 1].splitlines()


class Processes:
    """All processes that the story started. A context manager: at its end none of them is left."""

    def __init__(self, folder: Path) -> None:
        """`folder`: everybody's home, and where their output goes."""
        self._home = folder
        self._logs = folder / "logs"
        self._logs.mkdir()
        self._started: list[Process] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with uninterrupted():
            for process in self._started:
                process.signal(signal.SIGTERM)
            deadline = time.monotonic() + _PATIENCE
            for process in self._started:
                process.end(deadline)

    def start(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        folder: Path | None = None,
        environment: Mapping[str, str] | None = None,
        listens: bool = False,
    ) -> Process:
        """Start a process in `folder`. `listens`: it is talked to through its standard input.

        Raises `DemoFailed` where the program cannot be started.
        """
        out, log = self._logs / f"{name}.out", self._logs / f"{name}.log"
        with uninterrupted(), out.open("wb") as to_out, log.open("wb") as to_log:
            try:
                popen = subprocess.Popen(
                    [os.fspath(word) for word in command],
                    stdin=subprocess.PIPE if listens else subprocess.DEVNULL,
                    stdout=to_out,
                    stderr=to_log,
                    cwd=folder or self._home,
                    env=self._environment(environment or {}),
                    start_new_session=True,
                )
            except OSError as error:
                raise DemoFailed(f"{name} cannot be started: {error}") from None
            process = Process(name, popen, out, log)
            self._started.append(process)
        return process

    def _environment(self, more: Mapping[str, str]) -> dict[str, str]:
        inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        # A home of their own: nothing of the story is written into the reader's.
        return {**inherited, "HOME": str(self._home), "PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1", **more}
