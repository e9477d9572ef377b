"""A real installation of the server, in processes of its own."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from livepin.testing.ports import free_port


@dataclass
class Answer:
    """What came back over HTTP; header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def ask(port: int, path: str, method: str = "GET", body: bytes = b"", **headers: str) -> Answer:
    """One request to this machine."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body or None, named)
        answer = connection.getresponse()
        return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
    finally:
        connection.close()


def wait_until(true: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


@dataclass
class Installation:
    """`livepin serve` on one data folder, and the commands about it."""

    data: Path
    settings: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    origin_port: int = field(default_factory=free_port)
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def out(self) -> Path:
        return self.data.with_name(f"{self.data.name}.out")

    @property
    def log(self) -> Path:
        return self.data.with_name(f"{self.data.name}.log")

    def environment(self) -> dict[str, str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("LIVEPIN_", "DJANGO_"))}
        return {**clean, "LIVEPIN_SERVER_DATA": str(self.data), **self.settings}

    def livepin(self, *arguments: str, status: int = 0) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        done = subprocess.run(
            [sys.executable, "-m", "livepin", *arguments],
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=200,
        )
        assert done.returncode == status, done.stdout + done.stderr
        return done

    def make(self) -> None:
        """What a first start makes, without serving."""
        self.run("pass", make=True)

    def run(self, code: str, *, make: bool = False) -> str:
        """Run Python on the installation, with Django set up; what it printed."""
        before = (
            "from pathlib import Path\nfrom livepin.cli.installation import enter\n"
            f"config = enter(None, make={make})\n"
            "from livepin.server import first_start\nfirst_start.migrate(config)\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", before + code], env=self.environment(), capture_output=True, text=True, timeout=200
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def serve(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start `livepin serve` and wait until it says that it is ready."""
        before = self.greetings()
        listen = ["--listen", f"127.0.0.1:{self.port}", "--origin-listen", f"127.0.0.1:{self.origin_port}"]
        with self.out.open("ab") as out, self.log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "livepin", "serve", *listen, *arguments],
                env=self.environment(),
                stdout=out,
                stderr=log,
                start_new_session=True,
            )
        self.running.append(process)
        wait_until(lambda: process.poll() is not None or self.greetings() > before, 120)
        assert process.poll() is None, self.log.read_text()
        return process

    def greetings(self) -> int:
        return self.out.read_text().count("Livepin is ready.") if self.out.exists() else 0

    def ask(self, path: str, method: str = "GET", body: bytes = b"", **headers: str) -> Answer:
        return ask(self.port, path, method, body, **headers)

    def answers(self, path: str = "/healthz") -> bool:
        try:
            return self.ask(path).status == 200
        except OSError:
            return False

    def close(self) -> None:
        """End everything."""
        for process in self.running:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self.running:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(25)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@contextlib.contextmanager
def installed(data: Path, settings: Mapping[str, str] | None = None) -> Iterator[Installation]:
    """An installation whose processes are gone at the end."""
    installation = Installation(data, dict(settings or {}))
    try:
        yield installation
    finally:
        installation.close()


def roles_of(parent: int) -> dict[str, int]:
    """The processes that run the roles of one `livepin serve`, by role (granian's workers left out)."""
    found = {}
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            words = (folder / "cmdline").read_bytes().decode().split("\0")
            if "livepin.server.roles" in words and words[-2] == str(parent):
                status = (folder / "status").read_text()
                if f"PPid:\t{parent}\n" in status:
                    found[words[-3]] = int(folder.name)
    return found


def left_over(parent: int) -> list[int]:
    """Every process of any generation that was started for one `livepin serve`."""
    found = []
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            words = (folder / "cmdline").read_bytes().decode().split("\0")
            if "livepin.server.roles" in words and words[-2] == str(parent):
                found.append(int(folder.name))
    return found
