"""What every journey of a back end needs: a service whose address an attacker can take over, pins, and processes."""

from __future__ import annotations

import contextlib
import json
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import livepin
from demo.processes import Process, Processes
from demo.waiting import wait_for
from livepin.testing import Cast, Origin, TlsServer
from tests.acme import Acme

HOST = "localhost"


class House:
    """A project, its service, and the folder and environment in which applications of it run."""

    def __init__(self, folder: Path, processes: Processes, cast: Cast, origin: Origin, service: TlsServer) -> None:
        self.folder = folder
        self.acme = Acme(cast, origin)
        self.cast = cast
        self.service = service
        self._processes = processes
        ca = str(cast.authority.write(folder))
        self.environment = {
            "LIVEPIN_ORGANIZATION_ID": "acme",
            "LIVEPIN_PROJECT_ID": "shop",
            "LIVEPIN_PUBLIC_KEY": self.acme.documents.public_key,
            "LIVEPIN_CONFIGURATION_URL": origin.base_url,
            "ORDERS_URL": service.url("/orders", HOST),
            "REQUESTS_CA_BUNDLE": ca,
            "SSL_CERT_FILE": ca,
            # The very code that is tested, wherever this checkout lies.
            "PYTHONPATH": str(Path(livepin.__file__).parents[1]),
        }

    def write(self, files: dict[str, str]) -> None:
        """Write the files of an application."""
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")

    def start(self, name: str, *command: str, **environment: str) -> Process:
        """Start ``python COMMAND`` in the folder."""
        python = [sys.executable, *command]
        variables = {**self.environment, **environment}
        return self._processes.start(name, python, folder=self.folder, environment=variables, listens=True)

    def run(self, name: str, *command: str, seconds: float = 30, **environment: str) -> str:
        """The same, to its end; what it printed."""
        process = self.start(name, *command, **environment)
        status = process.wait(seconds)
        assert status == 0, process.log.read_text("utf-8")
        return process.out.read_text("utf-8")

    def attacked(self) -> None:
        """From now on an attacker answers at the service's address. What he learns is counted from here."""
        self.service.use(self.cast.evil)
        self.service.wait_until_idle()
        self.service.forget()

    def learnt(self) -> int:
        """How many application bytes the attacker could read; he was talked to, or the question would be idle."""
        self.service.wait_until_idle()
        # Not `handshakes`: inside event loops the client's last flight is never sent.
        assert self.service.connections, "nobody came to the attacker"
        return self.service.application_bytes


class Answer:
    """What a back end answered."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status = status
        self.worker = headers.get("x-worker", "")
        self.body: dict[str, Any] = json.loads(body)


class BackEnd:
    """A web application in a process of its own, asked over plain HTTP as its load balancer does."""

    def __init__(self, process: Process, port: int) -> None:
        self.process = process
        self._url = f"http://127.0.0.1:{port}"
        # Straight there, whatever proxy this machine's environment asks for.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def wait(self) -> None:
        """Until it answers."""
        self.process.wait_for(self._answers, 30, "to answer")

    def _answers(self) -> bool:
        with contextlib.suppress(OSError):
            return self.get("/health").status == 200
        return False

    def get(self, path: str) -> Answer:
        try:
            with self._opener.open(f"{self._url}{path}", timeout=10) as answer:
                return Answer(answer.status, {k.lower(): v for k, v in answer.headers.items()}, answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, {k.lower(): v for k, v in error.headers.items()}, error.read())

    def orders(self) -> dict[str, Any]:
        return self.get("/orders").body

    def wait_for_orders(self, seconds: float = 10) -> None:
        """Until the service is reached through it."""
        wait_for(lambda: self.orders() == {"status": 200}, seconds, f"{self.process.name} to reach its service")
