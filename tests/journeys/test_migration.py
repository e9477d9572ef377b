"""An application moves to another project through its own remote configuration, while its requests flow.

It is a process of its own that polls a file over HTTP, as such configurations are. In every moment it talks to its
service and, as if it had been led astray, to an attacker, from threads and from an event loop, each with a secret.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from demo.processes import Process, Processes
from livepin.testing import Cast, Origin, TlsServer, policy
from tests.acme import Acme
from tests.journeys.house import HOST, House
from tests.journeys.page import files

pytestmark = pytest.mark.slow

APPLICATION = """
import asyncio, collections, json, os, socket, ssl, sys, threading, time, urllib.request
import livepin, remote

HOST, PORTS = "localhost", {"genuine": int(os.environ["GENUINE"]), "evil": int(os.environ["EVIL"])}
REQUEST = b"GET /orders HTTP/1.1\\r\\nHost: localhost\\r\\nAuthorization: secret\\r\\nConnection: close\\r\\n\\r\\n"
context = ssl.create_default_context()  # made before anything is set up, and used to the end
ended = collections.Counter()
configured, closing = [], threading.Event()

def note(server, how):
    ended[f"{server} {how}"] += 1

def ended_by(error):
    refused = livepin.find_pin_error(error)
    return refused.code if refused else repr(error)

def visit_in_thread(server):
    while not closing.is_set():
        try:
            with socket.create_connection((HOST, PORTS[server]), 10) as plain:
                with context.wrap_socket(plain, server_hostname=HOST) as tls:
                    tls.sendall(REQUEST)
                    note(server, "answered" if tls.recv(4096).startswith(b"HTTP/1.1 200") else "nothing")
        except Exception as error:
            note(server, ended_by(error))
        time.sleep(0.005)

async def visit_in_loop(server):
    while not closing.is_set():
        try:
            reader, writer = await asyncio.open_connection(HOST, PORTS[server], ssl=context)
            writer.write(REQUEST)
            note(server, "answered" if (await reader.read(4096)).startswith(b"HTTP/1.1 200") else "nothing")
            writer.close()
        except Exception as error:
            note(server, ended_by(error))
        await asyncio.sleep(0.005)

def fetch():
    with urllib.request.urlopen(os.environ["REMOTE"], timeout=5) as answer:
        return json.load(answer)

async def follow_remote_configuration():
    values = {}
    while not closing.is_set():
        found = await asyncio.to_thread(fetch)
        if found != values:
            values = found
            await remote.configured_in_a_loop(values)
            configured.append(livepin.status().project)
        await asyncio.sleep(0.05)

async def main():
    await remote.configured_in_a_loop(await asyncio.to_thread(fetch))
    for server in PORTS:
        threading.Thread(target=visit_in_thread, args=(server,), daemon=True).start()
    tasks = [asyncio.create_task(visit_in_loop(server)) for server in PORTS]
    tasks.append(asyncio.create_task(follow_remote_configuration()))
    while await asyncio.to_thread(sys.stdin.readline):
        print(json.dumps({"ended": ended, "configured": configured}), flush=True)
    closing.set()
    await asyncio.gather(*tasks)

asyncio.run(main())
"""


class Moving:
    """The running application, two projects, and the remote configuration that names one of them."""

    def __init__(self, house: House, evil: TlsServer, remote: Origin, projects: dict[str, Acme]) -> None:
        self.house, self.evil, self.projects = house, evil, projects
        self._remote = remote
        self._process: Process | None = None

    def start(self) -> None:
        self.house.write({"application.py": APPLICATION, **files("Moving to another project")})
        ports = {"GENUINE": str(self.house.service.port), "EVIL": str(self.evil.port)}
        self._process = self.house.start("application", "application.py", REMOTE=self._remote.url("app.json"), **ports)

    def configure(self, name: str) -> None:
        """Change the remote configuration, as an operator does."""
        documents = self.projects[name].documents
        values = {
            "organization_id": documents.organization,
            "project_id": documents.project,
            "public_key": documents.public_key,
            "configuration_url": self.projects[name].origin.base_url,
        }
        self._remote.put("app.json", json.dumps(values))

    def ask(self) -> dict[str, Any]:
        """What has happened so far: how visits ended, and which projects were configured."""
        assert self._process is not None
        process, said = self._process, len(self._process.lines())
        process.say("tell")
        process.wait_for(lambda: len(process.lines()) > said, 20, "to tell")
        found: dict[str, Any] = json.loads(process.lines()[said])
        return found

    def more_visits(self, number: int) -> dict[str, int]:
        """Wait until each server was visited so many times more; how all visits ended so far."""
        before = _per_server(self.ask()["ended"])
        deadline = time.monotonic() + 30
        while True:
            ended: dict[str, int] = self.ask()["ended"]
            now = _per_server(ended)
            if all(now.get(server, 0) >= before.get(server, 0) + number for server in ("genuine", "evil")):
                return ended
            assert time.monotonic() < deadline, ended
            time.sleep(0.05)

    def wait_for_configured(self, count: int) -> list[str]:
        deadline = time.monotonic() + 30
        while len(configured := self.ask()["configured"]) < count:
            assert time.monotonic() < deadline, configured
            time.sleep(0.05)
        found: list[str] = configured
        return found


def _per_server(ended: dict[str, int]) -> dict[str, int]:
    return {
        server: sum(count for how, count in ended.items() if how.startswith(server)) for server in ("genuine", "evil")
    }


@pytest.fixture
def moving(folder: Path, cast: Cast) -> Iterator[Moving]:
    with (
        Processes(folder) as processes,
        Origin() as old_origin,
        Origin() as new_origin,
        Origin() as remote,
        TlsServer(cast.genuine) as service,
        TlsServer(cast.evil) as evil,
    ):
        house = House(folder, processes, cast, old_origin, service)
        new = Acme(cast, new_origin)
        new.documents.organization, new.documents.project = "acme-group", "storefront"
        projects = {"old": house.acme, "new": new}
        house.acme.publish(policy(HOST, cast.genuine))
        new.publish(policy(HOST, cast.genuine, cast.backup))
        moving = Moving(house, evil, remote, projects)
        moving.configure("old")
        moving.start()
        yield moving


def test_no_request_is_unpinned_and_none_fails_while_the_application_moves(moving: Moving) -> None:
    moving.more_visits(20)
    assert moving.wait_for_configured(1) == ["shop"]
    moving.configure("new")
    assert moving.wait_for_configured(2) == ["shop", "storefront"]
    moving.more_visits(20)

    # The old project has no say any more: the service changes to a key that only the new one pins.
    moving.projects["old"].publish(policy(HOST, moving.house.cast.evil))
    moving.house.service.use(moving.house.cast.backup)
    ended = moving.more_visits(50)
    assert set(ended) == {"genuine answered", "evil pin_mismatch"}
    assert moving.evil.application_bytes == 0


def test_moving_to_and_fro_under_load_leaves_no_gap(moving: Moving) -> None:
    moving.wait_for_configured(1)
    for number in range(2, 14):
        moving.configure("new" if number % 2 == 0 else "old")
        moving.wait_for_configured(number)
    ended = moving.more_visits(20)
    assert set(ended) == {"genuine answered", "evil pin_mismatch"}
    assert min(ended.values()) > 100
    assert moving.evil.application_bytes == 0


def test_a_project_without_a_document_does_not_take_over_quietly(moving: Moving) -> None:
    """The other project is not published yet: its hosts stand still, closed, and the move can be taken back."""
    moving.wait_for_configured(1)
    moving.more_visits(5)
    moving.projects["new"].origin.remove(moving.projects["new"].documents.pointer)
    moving.configure("new")
    moving.wait_for_configured(2)
    moving.more_visits(10)
    moving.configure("old")
    moving.wait_for_configured(3)
    before = moving.more_visits(5)
    after = moving.more_visits(20)
    assert after["genuine answered"] >= before["genuine answered"] + 20
    assert {how for how in after if not re.fullmatch("genuine answered|genuine no_document", how)} == {
        "evil pin_mismatch",
        "evil no_document",
    }
    assert moving.evil.application_bytes == 0
