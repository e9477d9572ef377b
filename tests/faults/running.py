"""A running application, as the driver of a row sees it: a process that is asked one thing at a time."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).resolve().parents[2]
#: Seconds for an answer that needs no fetch, on a machine that has other things to do.
PATIENCE = 30.0


class Gone(AssertionError):
    """The application ended, or does not answer."""


class Running:
    """`python -m tests.faults.application`, until the end of a `with` block."""

    def __init__(self, orders: dict[str, Any], root_file: Path, prefix: Sequence[str] = ()) -> None:
        """`prefix`: a command that the interpreter is run by, such as `setpriv` with its options."""
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed when the process is
        self._process = subprocess.Popen(
            [*prefix, sys.executable, "-m", "tests.faults.application"],
            cwd=ROOT,
            env=_environment(root_file),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
        )
        self._answers: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._write(orders)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join()
        for stream in (self._process.stdin, self._process.stdout, self._errors):
            if stream is not None:
                try:
                    stream.close()
                except BrokenPipeError:  # what was still to be said to it
                    continue

    def kill(self) -> None:
        """End it as the kernel does, without a word."""
        self._process.kill()

    def wait_until_ready(self) -> None:
        """Return when it was set up and makes visits. Raises `Gone`."""
        self._answer("start", PATIENCE)

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    def ask(self, what: str, timeout: float = PATIENCE, **arguments: object) -> Any:
        """One order and its answer. Raises `Gone`."""
        self._write({"do": what, **arguments})
        return self._answer(what, timeout)

    def end(self) -> tuple[int, str]:
        """Let it end by itself; exit status, and what it said on standard error."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            status = self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise Gone(f"the application does not end; it said:\n{self.said()}") from None
        return status, self.said()

    def said(self) -> str:
        """Its standard error so far."""
        return os.pread(self._errors.fileno(), 1 << 20, 0).decode(errors="replace")

    def _write(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(message).encode() + b"\n")
            self._process.stdin.flush()
        except OSError:
            raise Gone(f"the application is gone; it said:\n{self.said()}") from None

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._answers.put(line)
        self._answers.put(b"")

    def _answer(self, what: str, timeout: float) -> Any:
        try:
            line = self._answers.get(timeout=timeout)
        except queue.Empty:
            raise Gone(f"no answer to {what!r} within {timeout} s; it said:\n{self.said()}") from None
        if not line:
            raise Gone(f"the application ended instead of answering {what!r}; it said:\n{self.said()}")
        return json.loads(line)


def _environment(root_file: Path) -> dict[str, str]:
    """Trust for our authority, and nothing of this machine that Livepin or `ssl` would read."""
    kept = {name: value for name, value in os.environ.items() if not name.upper().startswith(("LIVEPIN_", "SSL_"))}
    clean = {name: value for name, value in kept.items() if not name.lower().endswith("_proxy")}
    return {**clean, "SSL_CERT_FILE": str(root_file), "PYTHONUNBUFFERED": "1"}
