"""The server: `livepin serve`, as three processes that can be killed one by one, on the origin that is there."""

from __future__ import annotations

import json
import secrets
import signal
import sys
import urllib.error
import urllib.request
from functools import partial
from pathlib import Path
from typing import Any

from demo.origin import POINTER, Origin
from demo.processes import Process, Processes
from demo.waiting import DemoFailed, wait_for
from livepin.testing.ports import free_port

EMAIL = "alice@example.com"
_SECONDS = 40
#: How each process is called, and which roles it plays.
_PARTS = {"origin": "origin", "api": "api,jobs", "web": "web"}


class Server:
    """Nothing of it runs before `start`. It publishes into the folder that the static server serves already."""

    def __init__(self, folder: Path, processes: Processes, origin: Origin) -> None:
        self.folder = folder
        self.password = secrets.token_urlsafe(12)
        self.token = ""
        self._processes = processes
        self._origin = origin
        self._ports = {part: free_port() for part in _PARTS}
        self._parts: dict[str, Process] = {}
        self._starts = 0

    @property
    def url(self) -> str:
        """Where the API is."""
        return f"http://127.0.0.1:{self._ports['api']}"

    @property
    def dashboard(self) -> str:
        """Where people go."""
        return f"http://localhost:{self._ports['web']}/"

    def start(self, *parts: str) -> None:
        """Start some of its processes, and wait until they say that they are ready."""
        self.begin(*parts)
        self.wait(*parts)

    def begin(self, *parts: str) -> None:
        """Start some of its processes."""
        for part in parts:
            listen = f"127.0.0.1:{self._ports[part]}"
            option = "--origin-listen" if part == "origin" else "--listen"
            command = [sys.executable, "-m", "livepin", "serve", "--roles", _PARTS[part], option, listen]
            self._starts += 1
            name = f"server-{part}-{self._starts}"
            self._parts[part] = self._processes.start(name, command, environment=self._settings())

    def wait(self, *parts: str) -> None:
        """Wait until some of its processes say that they are ready."""
        for part in parts:
            process = self._parts[part]
            process.wait_for(partial(_ready, process), _SECONDS, "to be ready")

    def _settings(self) -> dict[str, str]:
        settings = {
            "DATA": str(self.folder),
            "ORIGIN_FOLDER": str(self._origin.public),
            "PUBLIC_URL": self.dashboard.rstrip("/"),
            "LOOK_PRIVATE": "true",  # everything of the story is on loopback
        }
        return {f"LIVEPIN_SERVER_{name}": value for name, value in settings.items()}

    def kill(self, part: str) -> None:
        """Kill a process, as hard as it goes; nobody answers in its place."""
        self._parts[part].signal(signal.SIGKILL)
        wait_for(lambda: not self.answers(part), _SECONDS, f"{part} to be gone")

    def answers(self, part: str) -> bool:
        """Whether one of its processes answers."""
        path = POINTER if part == "origin" else Path("healthz")
        try:
            return bool(self._fetch(f"http://127.0.0.1:{self._ports[part]}/{path}"))
        except OSError:
            return False

    def document(self) -> bytes:
        """The document, as its own origin serves it."""
        return self._fetch(f"http://127.0.0.1:{self._ports['origin']}/{POINTER}")

    def claim(self) -> None:
        """Make the first account, by the one-time code that the server printed, and its organization."""
        code = next(line.split()[1] for line in self._parts["api"].lines() if line.startswith("  code "))
        made = self.ask("POST", "/accounts", {"secret": code, "email": EMAIL, "password": self.password})
        self.token = made["token"]["token"]
        self.ask("POST", "/organizations", {"organization": "acme"})

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """One call of the API, as the first account. Raises `DemoFailed`."""
        headers = {"Content-Type": "application/json"} if body is not None else {}
        headers |= {"Authorization": f"Bearer {self.token}"} if self.token else {}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/api/v1{path}", data, headers, method=method)
        try:
            answer: dict[str, Any] = json.loads(self._fetch(request))
        except urllib.error.HTTPError as error:
            with error:
                raise DemoFailed(f"{method} {path}: {error.read().decode()}") from None
        return answer

    @staticmethod
    def _fetch(request: str | urllib.request.Request) -> bytes:
        # Straight there, whatever proxy this machine's environment asks for.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=_SECONDS) as answer:
            data: bytes = answer.read()
            return data


def _ready(process: Process) -> bool:
    return any(line.startswith("Livepin is ready.") for line in process.lines())
