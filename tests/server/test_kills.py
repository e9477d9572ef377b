"""Publishing is killed at every step, in a real process with a real data folder: nothing is lost, nothing is half."""

from __future__ import annotations

import functools
import http.server
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from livepin.core.jws import PublicKey
from livepin.core.trust import Revision, Trust, verify
from livepin.publish.origins.folder import FolderOrigin
from livepin.server.actions.delivery import Step

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Nothing."""


class House:
    """A data folder, an origin with a public URL, and processes on them."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.origin = FolderOrigin(data / "origin")
        self.url = ""

    def run(self, *arguments: str, killed: bool = False) -> None:
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("LIVEPIN_", "DJANGO_"))}
        settings = {"DATA": str(self.data), "MASTER_KEYS": "07" * 32, "LEASE_SECONDS": "1", "ORIGIN_URL": self.url}
        environment = {**clean, **{f"LIVEPIN_SERVER_{name}": value for name, value in settings.items()}}
        if not self.url:
            environment |= {"LIVEPIN_SERVER_ORIGIN_LISTEN": "0.0.0.0:1"}
        command = [sys.executable, "-m", "tests.server.killed", *arguments]
        done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=90)
        assert done.returncode == (-9 if killed else 0), done.stdout + done.stderr

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        connection = sqlite3.connect(self.data / "livepin.sqlite3")
        try:
            return connection.execute(query).fetchall()
        finally:
            connection.close()

    def seen(self) -> Revision:
        """What an application that starts now gets; it always gets something that it accepts."""
        [(key,)] = self.rows("SELECT public_key FROM livepin_key")
        trust = Trust("acme", "shop", (PublicKey.from_text(key),))
        for number in (1, 2):
            if (data := self.origin.read(f"acme/shop/0.{number}.jws")) is not None:
                assert verify(data, trust, time.time()).revision.serial == number
        arrival = verify(self.origin.read("acme/shop/pins.jws") or b"", trust, time.time())
        assert arrival.adopted
        return arrival.revision


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with one published revision."""
    data = tmp_path_factory.mktemp("template") / "data"
    data.mkdir()
    House(data).run("make")
    return data


@pytest.fixture
def house(template: Path, tmp_path: Path) -> Iterator[House]:
    """A copy of it, whose origin is served over HTTP."""
    house = House(Path(shutil.copytree(template, tmp_path / "data")))
    handler = functools.partial(_Quiet, directory=str(house.data / "origin"))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    house.url = f"http://127.0.0.1:{server.server_address[1]}/"
    yield house
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("step", list(Step))
def test_a_publish_that_was_killed_at_a_step_is_finished_by_the_next_process(house: House, step: Step) -> None:
    house.run("publish", step.value, killed=True)
    pointed = list(Step).index(step) > list(Step).index(Step.POINT)
    assert house.seen().serial == (2 if pointed else 1)
    house.run("work")
    revision = house.seen()
    assert (revision.serial, list(revision.document.hosts)) == (2, ["first.example.com", "second.example.com"])
    assert house.rows("SELECT state, count(*) FROM livepin_publish GROUP BY state") == [("published", 2)]
    assert house.rows("SELECT serial, published_at IS NULL FROM livepin_revision ORDER BY serial") == [(1, 0), (2, 0)]
    told = house.rows("SELECT what, count(*) FROM livepin_auditentry WHERE what = 'published' GROUP BY what")
    assert told == [("published", 2)]


def test_a_server_restored_from_an_old_backup_goes_on_after_what_the_origin_has(house: House, tmp_path: Path) -> None:
    shutil.copy(house.data / "livepin.sqlite3", tmp_path / "backup.sqlite3")
    house.run("ask", "second")
    house.run("work")
    assert house.seen().serial == 2
    for name in ("livepin.sqlite3-wal", "livepin.sqlite3-shm"):
        (house.data / name).unlink(missing_ok=True)
    shutil.copy(tmp_path / "backup.sqlite3", house.data / "livepin.sqlite3")
    assert house.rows("SELECT max(serial) FROM livepin_revision") == [(1,)]
    house.run("ask", "third")
    house.run("work")
    assert house.seen().serial == 2, "what nobody here knew is known now, and not undone by what was asked before"
    assert any("superseded" in (problem or "") for (problem,) in house.rows("SELECT problem FROM livepin_publish"))
    house.run("ask", "third")
    house.run("work")
    assert house.seen().serial == 3
    rows = house.rows("SELECT serial, source FROM livepin_revision ORDER BY serial")
    assert rows == [(1, "server"), (2, "adopted"), (3, "server")]


def test_two_servers_that_publish_at_once_never_give_one_number_to_two_documents(house: House, tmp_path: Path) -> None:
    """Two installations with databases of their own, as after a failover that was none, on one origin."""
    other = House(Path(shutil.copytree(house.data, tmp_path / "other")))
    shutil.rmtree(other.data / "origin")
    (other.data / "origin").symlink_to(house.data / "origin")
    other.url = house.url
    for one, name in ((house, "second"), (other, "another")):
        one.run("ask", name)
    threads = [threading.Thread(target=one.run, args=("work",)) for one in (house, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    last = house.seen()
    assert last.serial in (2, 3)
    digests: dict[int, set[str]] = {}
    for one in (house, other):
        for serial, digest in one.rows("SELECT serial, digest FROM livepin_revision WHERE published_at IS NOT NULL"):
            digests.setdefault(serial, set()).add(digest)
    assert all(len(found) == 1 for found in digests.values())
    states = [state for one in (house, other) for (state,) in one.rows("SELECT state FROM livepin_publish")]
    assert states.count("published") >= 3
    assert set(states) <= {"published", "failed"}


def test_a_job_whose_process_was_killed_again_and_again_is_dead_and_shown(house: House) -> None:
    house.run("ask", "second")
    connection = sqlite3.connect(house.data / "livepin.sqlite3")
    died = "UPDATE livepin_job SET state='running', attempts=5, leased_until='2020-01-01'"
    with connection:
        connection.execute(f"{died} WHERE id = (SELECT max(id) FROM livepin_job WHERE task = 'publish')")
    connection.close()
    house.run("work")
    dead = house.rows("SELECT task, problem FROM livepin_job WHERE state = 'dead'")
    assert dead == [("publish", "its process died each time")]
    # The publish itself is not lost with it: whoever looks for unfinished ones asks for a new job.
    assert house.seen().serial == 2
