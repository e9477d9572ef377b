"""The application: a script of a few lines, which calls the shop through `requests` and `httpx`."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from demo.processes import Process, Processes, complete_lines
from demo.waiting import DemoFailed

CLIENTS = ("requests", "httpx")

_SECONDS = 15

_SCRIPT = """\
import logging, os, sys
import httpx, requests
{setup}
URL, TOKEN = "{url}", os.environ["SHOP_TOKEN"]
for line in sys.stdin:  # each line names the client of one order
    try:{refresh}
        get = requests.get if "requests" in line else httpx.get
        print("answered", get(URL, headers={{"Authorization": f"Bearer {{TOKEN}}"}}).text)
    except Exception as error:
        print("failed", {why})
"""
_REFRESH = """
        if line.startswith("refresh"):  # not in ten minutes: now
            pinner.refresh()"""


def script(url: str, snippet: str | None) -> str:
    """The application for `url`, pinned by what `livepin embed` printed, or the same without pins."""
    if snippet is None:
        return _SCRIPT.format(setup="", url=url, refresh="", why="error")
    first, rest = snippet.split("\n\n", 1)
    log = 'logging.basicConfig(level="INFO", format="%(name)s: %(message)s")'
    setup = f"{first}\n\n{log}\npinner = {rest}"
    return _SCRIPT.format(setup=setup, url=url, refresh=_REFRESH, why="livepin.find_pin_error(error) or error")


@dataclass(frozen=True, slots=True)
class Answer:
    """What the application said about one order."""

    text: str

    @property
    def ok(self) -> bool:
        """Whether the shop's list came back."""
        return self.text == 'answered {"orders": 3}'


@dataclass(frozen=True, slots=True)
class Counters:
    """Requests that succeeded, and that failed."""

    answered: int
    failed: int


class Application:
    """A running application."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.started = time.monotonic()

    @property
    def age(self) -> float:
        """Seconds since it was started."""
        return time.monotonic() - self.started

    def _tell(self, line: str) -> Answer:
        """Give it one line and wait for the line that it answers."""
        said = len(self.process.lines())
        self.process.say(line)
        self.process.wait_for(lambda: len(self.process.lines()) > said, _SECONDS, f"to answer {line!r}")
        return Answer(self.process.lines()[said])

    def order(self, times: int = 1) -> list[Answer]:
        """One order through each client, `times` times over."""
        return [self._tell(client) for _ in range(times) for client in CLIENTS]

    def refresh_and_order(self) -> list[Answer]:
        """The same, once, after it has asked for the document at once instead of in up to ten minutes."""
        return [self._tell(f"refresh {CLIENTS[0]}"), *map(self._tell, CLIENTS[1:])]

    def events(self) -> list[str]:
        """What Livepin's logger said in it so far."""
        prefix = "livepin: "
        return [line.removeprefix(prefix) for line in complete_lines(self.process.log) if line.startswith(prefix)]

    def accepted(self, serial: int) -> bool:
        """Whether it took up this revision of epoch 0."""
        return any(event.startswith(f"document_accepted: document 0.{serial} ") for event in self.events())

    def counters(self) -> Counters:
        """Its requests since it was started."""
        lines = self.process.lines()
        return Counters(*(sum(line.startswith(word) for line in lines) for word in ("answered", "failed")))

    def finish(self) -> None:
        """Let it end by itself. Raises `DemoFailed` when it ends badly."""
        if status := self.process.wait(_SECONDS):
            raise DemoFailed(f"{self.process.name} ended with exit status {status}")


class Applications:
    """Starts applications: always the same environment, which holds the token and the CAs that this machine trusts."""

    def __init__(self, folder: Path, processes: Processes, token: str, trusted: Path) -> None:
        self.folder = folder
        self._processes = processes
        self._environment = {
            "SHOP_TOKEN": token,
            "REQUESTS_CA_BUNDLE": str(trusted),  # for requests
            "SSL_CERT_FILE": str(trusted),  # for httpx, and for ssl itself
        }
        folder.mkdir()

    def write(self, name: str, text: str) -> Path:
        """Write a script."""
        path = self.folder / name
        path.write_text(text, "utf-8")
        return path

    def start(self, name: str, script: Path, environment: Mapping[str, str] | None = None) -> Application:
        """Start a script in a process of its own. `environment`: on top, such as a proxy."""
        command = [sys.executable, str(script)]
        everything = {**self._environment, **(environment or {})}
        return Application(
            self._processes.start(name, command, folder=self.folder, environment=everything, listens=True)
        )
