"""Jobs on real engines: three workers on one PostgreSQL, or one on SQLite, killed at random."""

from __future__ import annotations

import contextlib
import functools
import http.server
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest

from livepin.core.jws import PublicKey
from livepin.core.trust import Revision, Trust, verify
from livepin.errors import DocumentRefused
from livepin.publish.origins.folder import FolderOrigin
from tests.server import postgres
from tests.server.installation import Installation, roles_of, wait_until

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
PROJECTS = ("shop0", "shop1", "shop2")


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Nothing."""


@dataclass
class House:
    """One installation: a database, an origin with a public URL, and workers on both."""

    folder: Path
    database: str
    url: str
    workers: list[Installation] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.origin = FolderOrigin(self.folder / "origin")
        count = 3 if self.database else 1
        self.workers = [Installation(self.folder / f"worker{number}", self.settings) for number in range(count)]

    @property
    def settings(self) -> dict[str, str]:
        settings = {
            "SECRET_KEY": "a secret of the tests " * 3,
            "MASTER_KEYS": "07" * 32,
            "ORIGIN_FOLDER": str(self.folder / "origin"),
            "ORIGIN_URL": self.url,
            "LEASE_SECONDS": "2",
            "LOG_LEVEL": "debug",
        }
        if self.database:
            settings["DATABASE_URL"] = self.database
        return {f"LIVEPIN_SERVER_{name}": value for name, value in settings.items()}

    def start(self, *which: int) -> None:
        for number in which or range(len(self.workers)):
            self.workers[number].serve("--roles", "jobs")

    def close(self) -> None:
        for one in self.workers:
            one.close()

    def crowd(self, *arguments: str) -> subprocess.Popen[str]:
        """People, in a process of their own."""
        command = [sys.executable, "-m", "tests.server.crowd", *arguments]
        environment = self.workers[0].environment()
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        return subprocess.Popen(command, env=environment, cwd=ROOT, **pipes)  # type: ignore[call-overload, no-any-return]

    def do(self, *arguments: str) -> str:
        """The same, to their end; what they said."""
        process = self.crowd(*arguments)
        out, _ = process.communicate(timeout=120)
        assert process.returncode == 0, out
        return out

    def operator(self, *arguments: str, status: int = 0) -> dict[str, Any]:
        """What `livepin server jobs` answers on a machine of this installation."""
        answered = self.workers[0].livepin("server", "jobs", *arguments, "--json", status=status)
        found: dict[str, Any] = json.loads(answered.stdout)
        return found

    def dead(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.operator("list")["jobs"]
        return found

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        if self.database:
            with psycopg.connect(self.database, autocommit=True) as connection:
                cursor = connection.execute(query.encode())
                return cursor.fetchall() if cursor.description else []
        with contextlib.closing(sqlite3.connect(self.workers[0].data / "livepin.sqlite3", timeout=20)) as file, file:
            return file.execute(query).fetchall()

    def due(self, *tasks: str) -> None:
        """Let periodic tasks be due now."""
        names = ", ".join(f"'{one}'" for one in tasks)
        self.rows(f"UPDATE livepin_beat SET due_at = '2020-01-01 00:00:00+00:00' WHERE task IN ({names})")

    def trust(self, project: str) -> Trust:
        query = (
            "SELECT public_key FROM livepin_key k JOIN livepin_project p ON p.id = k.project_id WHERE p.identifier = "
        )
        [(key,)] = self.rows(f"{query}'{project}'")
        return Trust("acme", project, (PublicKey.from_text(key),))

    def seen(self, trust: Trust) -> Revision | None:
        """What an application that starts now gets."""
        data = self.origin.read(f"acme/{trust.project}/pins.jws")
        return None if data is None else verify(data, trust, time.time()).revision

    def all_at_rest(self) -> bool:
        busy = self.rows("SELECT count(*) FROM livepin_publish WHERE state IN ('checking', 'waiting', 'publishing')")
        return busy == [(0,)]

    def logged(self, event: str) -> list[dict[str, Any]]:
        """Lines of all workers' logs about an event."""
        lines = [line for one in self.workers if one.log.exists() for line in one.log.read_text().splitlines()]
        parsed = (json.loads(line) for line in lines if line.startswith("{"))
        return [line for line in parsed if line.get("event") == event]


@pytest.fixture(scope="module")
def cluster() -> str:
    """A PostgreSQL server, which ends with this process; the URL of a database in it."""
    # Not below pytest's folders: the server runs as another user, who may not walk through them.
    return postgres.start(Path(tempfile.mkdtemp(prefix="livepin-cluster-")))


def new_database(cluster: str, name: str) -> str:
    """The URL of an empty database."""
    with psycopg.connect(cluster, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    parts = urlsplit(cluster)
    return parts._replace(path=f"/{name}").geturl()


@pytest.fixture(params=["postgres", "sqlite"])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    """Workers that run, and three projects whose first documents are published."""
    (tmp_path / "origin").mkdir()
    handler = functools.partial(_Quiet, directory=str(tmp_path / "origin"))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    database = ""
    if request.param == "postgres":
        database = new_database(request.getfixturevalue("cluster"), f"livepin_{uuid4().hex}")
    house = House(tmp_path, database, f"http://127.0.0.1:{server.server_address[1]}/")
    try:
        house.start()
        house.do("make", str(len(PROJECTS)))
        wait_until(house.all_at_rest, 60)
        yield house
    finally:
        house.close()
        server.shutdown()
        server.server_close()


class Watcher(threading.Thread):
    """An application of each project that fetches all the time, and minds what it gets."""

    def __init__(self, house: House) -> None:
        super().__init__(daemon=True)
        self._house = house
        self._trusts = [house.trust(one) for one in PROJECTS]
        self._held: dict[str, Revision] = {}
        self.over = threading.Event()
        self.complaints: list[str] = []
        self.fetches = 0

    def run(self) -> None:
        while not self.over.wait(0.01):
            for trust in self._trusts:
                self._look(trust)

    def _look(self, trust: Trust) -> None:
        held = self._held.get(trust.project)
        data = self._house.origin.read(f"acme/{trust.project}/pins.jws") or b""
        try:
            self._held[trust.project] = verify(data, trust, time.time(), held).revision
            self.fetches += 1
        except DocumentRefused as error:
            self.complaints.append(f"{trust.project}: {error}")


@contextlib.contextmanager
def watched(house: House) -> Iterator[Watcher]:
    watcher = Watcher(house)
    watcher.start()
    yield watcher
    watcher.over.set()
    watcher.join()
    assert watcher.complaints == []
    assert watcher.fetches > 100


def kill(house: House, chance: random.Random) -> str:
    """Kill a worker's process, or the worker with its parent."""
    number = chance.randrange(len(house.workers))
    worker = house.workers[number]
    parent = worker.running[-1]
    roles = roles_of(parent.pid)
    whole = chance.random() < 0.3
    for pid in roles.values():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    if whole:
        parent.kill()
        parent.wait()
        house.start(number)
    return "worker" if whole else "process" if roles else "nobody"


def test_workers_that_are_killed_at_random_lose_nothing_and_double_nothing(house: House) -> None:
    chance, killed = random.Random(8), []
    with watched(house):
        people = house.crowd("ask", "30", "7")
        while people.poll() is None:
            time.sleep(chance.random() * 1.5)
            killed.append(kill(house, chance))
            house.due("resume", "renewals", "looks", "tidy", "warnings")
        out, _ = people.communicate()
        assert people.returncode == 0, out
        wait_until(house.all_at_rest, 120)
    assert killed.count("process") + killed.count("worker") >= 5
    _nothing_is_lost(house)
    _nothing_is_doubled(house)
    assert json.loads(house.do("jobs"))["dead"] == []


def _nothing_is_lost(house: House) -> None:
    """Everything that was asked for is published, unless something that was asked for later was faster."""
    states = house.rows("SELECT state, problem FROM livepin_publish")
    assert {state for state, _ in states} <= {"published", "failed"}
    problems = [one if isinstance(one, dict) else json.loads(one or "{}") for state, one in states if state == "failed"]
    assert {one["code"] for one in problems} <= {"superseded"}
    for project in PROJECTS:
        query = (
            "SELECT p.state, r.serial FROM livepin_publish p JOIN livepin_project o ON o.id = p.project_id "
            f"LEFT JOIN livepin_revision r ON r.id = p.revision_id WHERE o.identifier = '{project}' "
            "ORDER BY p.created_at DESC LIMIT 1"
        )
        [(state, serial)] = house.rows(query)
        assert state == "published", "the last wish of all is what applications get"
        seen = house.seen(house.trust(project))
        assert seen is not None
        assert seen.serial == serial
        hosts = (
            "SELECT h.pattern FROM livepin_host h JOIN livepin_project o ON o.id = h.project_id WHERE o.identifier = "
        )
        assert sorted(seen.document.hosts) == sorted(one for (one,) in house.rows(f"{hosts}'{project}'"))


def _nothing_is_doubled(house: House) -> None:
    published = house.rows("SELECT count(*) FROM livepin_publish WHERE state = 'published'")
    assert house.rows("SELECT count(DISTINCT revision_id) FROM livepin_publish WHERE state = 'published'") == published
    assert house.rows("SELECT count(*) FROM livepin_revision WHERE published_at IS NOT NULL") == published
    assert house.rows("SELECT count(*) FROM livepin_revision") == published
    assert house.rows("SELECT count(*) FROM livepin_auditentry WHERE what = 'published'") == published
    numbers = "SELECT o.identifier, r.epoch, r.serial, r.text FROM livepin_revision r JOIN livepin_project o "
    for project, epoch, serial, text in house.rows(f"{numbers} ON o.id = r.project_id"):
        assert house.origin.read(f"acme/{project}/{epoch}.{serial}.jws") == text.encode()


def test_a_periodic_task_runs_once_however_many_workers_there_are(house: House) -> None:
    before = len([one for one in house.logged("job done") if one["task"] == "tidy"])
    for number in range(1, 11):
        house.due("tidy")

        def ran(number: int = number) -> bool:
            return len([one for one in house.logged("job done") if one["task"] == "tidy"]) >= before + number

        wait_until(ran, 20)
    time.sleep(2)
    assert len([one for one in house.logged("job done") if one["task"] == "tidy"]) == before + 10


def test_each_mail_is_sent_once_however_many_workers_there_are(house: House) -> None:
    def mails() -> int:
        files = [file for one in house.workers for file in (one.data / "mail").glob("*")]
        return sum(file.read_text().count("Subject: [Livepin]") for file in files)

    house.do("warn")
    for _ in range(5):
        house.due("warnings")
        time.sleep(1.5)
    wait_until(lambda: mails() >= 1, 20)
    time.sleep(2)
    assert mails() == 1, "there is one member, who gets one mail"


def test_a_job_that_fails_for_the_last_time_is_kept_and_told_of(house: House) -> None:
    # The eighth try of a job whose arguments are no good.
    house.do("enqueue", "look", '{"attempt": 8}')
    wait_until(lambda: bool(house.logged("job is dead")), 30)
    found = json.loads(house.do("jobs"))
    assert found["dead"] == ["look"]
    assert found["counts"]["dead"] == 1
    # An operator sees what and why, and has it run again: it fails from its first try on, and waits for the second.
    [dead] = house.dead()
    assert (dead["task"], dead["project"], dead["arguments"]) == ("look", "", {})
    assert dead["problem"] == "TypeError"
    assert time.time() - 120 < dead["died_at"] <= time.time()
    assert house.operator("retry", str(dead["id"]))["done"] == [dead["id"]]
    assert house.dead() == []
    wait_until(lambda: any(one["attempt"] == 1 for one in house.logged("job failed")), 30)


def test_an_operator_drops_dead_jobs_and_is_told_whose_they_were(house: House) -> None:
    [(project,)] = house.rows("SELECT id FROM livepin_project WHERE identifier = 'shop0'")
    for task in ("look", "warn"):
        house.do("enqueue", task, json.dumps({"project_id": str(project), "attempt": 8, "nonsense": 1}))
    house.do("enqueue", "look", json.dumps({"project_id": "none", "attempt": 8}))
    wait_until(lambda: len(house.logged("job is dead")) == 3, 30)
    assert sorted((one["task"], one["project"]) for one in house.dead()) == [
        ("look", ""),
        ("look", "acme/shop0"),
        ("warn", "acme/shop0"),
    ]
    first, *others = [one["id"] for one in house.dead()]
    assert house.operator("drop", str(first))["done"] == [first]
    assert house.operator("drop", str(first), status=1)["missing"] == [first]
    assert house.operator("retry", str(first), status=1)["missing"] == [first]
    assert house.operator("drop", "--all")["done"] == others
    assert house.dead() == []
    assert house.operator("drop", status=3)["error"]["code"] == "usage"


def test_a_job_that_takes_every_process_with_it_is_given_up(house: House) -> None:
    house.do("enqueue", "look", '{"attempt": 8}')
    wait_until(lambda: bool(house.logged("job is dead")), 30)
    # As if its fifth process had just died of it.
    if house.database:
        state = "UPDATE procrastinate_jobs SET status = 'doing', attempts = 4, worker_id = NULL WHERE status = 'failed'"
    else:
        state = (
            "UPDATE livepin_job SET state = 'running', attempts = 5, leased_until = '2020-01-01' WHERE state = 'dead'"
        )
    house.rows(state)
    wait_until(lambda: any("died" in one["error"] for one in house.logged("job is dead")), 30)
    assert json.loads(house.do("jobs"))["dead"] == ["look"]
    assert [one["problem"] for one in house.dead()] == ["its process died each time"]


def test_workers_that_are_asked_to_end_leave_nothing_half_done(house: House) -> None:
    """A rolling restart in the middle of the work."""
    with watched(house):
        people = house.crowd("ask", "12", "3")
        while people.poll() is None:
            for number, worker in enumerate(house.workers):
                worker.running[-1].send_signal(signal.SIGTERM)
                assert worker.running[-1].wait(25) == 0
                house.start(number)
        people.communicate()
        wait_until(house.all_at_rest, 60)
    _nothing_is_lost(house)
    _nothing_is_doubled(house)
