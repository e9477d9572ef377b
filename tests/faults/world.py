"""The world of one row: a publisher, sources, the service, the attacker, and the application between them."""

from __future__ import annotations

import contextlib
import secrets
import shutil
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from livepin import Pinner
from livepin.client.directory import private_directory
from livepin.core import jws
from livepin.core.document import Document
from livepin.errors import StoreUnusable
from livepin.testing import Cast, HandTurnedClock, Origin, TlsServer, policy
from tests.faults import nginx
from tests.faults.gate import Gate
from tests.faults.running import ROOT, Running
from tests.faults.table import Row, Servers


class Region(Protocol):
    """Duties of what stands behind one configuration URL."""

    @property
    def url(self) -> str:
        """The configuration URL."""
        ...

    def put(self, path: str, content: str | bytes) -> None:
        """Serve `content` at `path` from now on."""
        ...


class FakeRegion:
    """An origin with failure switches, behind a gate that can be shut."""

    def __init__(self, origin: Origin, gate: Gate) -> None:
        self.origin = origin
        self.gate = gate
        self.put = origin.put

    @property
    def url(self) -> str:
        return f"https://localhost:{self.gate.port}/"


class World:
    """Everything that a row needs; a context manager that leaves nothing behind."""

    def __init__(self, row: Row, cast: Cast) -> None:
        self.row = row
        self.cast = cast
        self.authority = row.authority()
        self.secret = f"Bearer {secrets.token_hex(8)}"
        self.regions: list[Region] = []
        #: How the interpreter is run, and what faults remember.
        self.prefix: Sequence[str] = ()
        self.notes: dict[str, Any] = {}
        self.last: tuple[int, int] = (0, 0)
        self.last_text = ""
        #: How many events there were when the fault struck.
        self.told_before = 0
        self.running = False
        self.stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            self.stack = stack
            self.place = stack.enter_context(_place())
            self.store = self.place / "store"
            self.root_file = self.cast.authority.write(self.place)
            self.genuine = stack.enter_context(TlsServer(self.cast.genuine))
            self.evil = stack.enter_context(TlsServer(self.cast.evil))
            self.regions = [self._region(number) for number in range(self.row.urls)]
            self.orders = self._orders()
            self.stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stack.__exit__(kind, error, trace)

    def _region(self, number: int) -> Region:
        if self.row.servers is Servers.NGINX:
            return self.stack.enter_context(nginx.serving(self.place / f"region-{number}", self.cast.genuine))
        origin = self.stack.enter_context(Origin(certificate=self.cast.genuine))
        return FakeRegion(origin, self.stack.enter_context(Gate(origin.port)))

    def _orders(self) -> dict[str, Any]:
        setup = {
            "organization_id": self.authority.organization,
            "project_id": self.authority.project,
            "public_key": self.authority.public_keys,
            "configuration_url": [region.url for region in self.regions],
            "threshold": self.authority.threshold,
            "store": str(self.store),
            "wait": 10.0,  # a busy machine is not what a row is about
            **self.row.setup,
        }
        ports = {"genuine": self.genuine.port, "evil": self.evil.port}
        return {"setup": setup, "secret": self.secret, "inside_loop": self.row.inside_loop, **ports}

    # ------------------------------------------------------------------ publishing

    @property
    def newest(self) -> tuple[int, int]:
        """Number of the newest honest document."""
        return self.authority.epoch, self.authority.serial

    def hosts(self) -> list[dict[str, object]]:
        """What the project's documents say."""
        return [{**policy("localhost", self.cast.genuine, self.cast.backup), **self.row.policy}]

    def publish_last(self) -> None:
        """The last document before the fault. It is not the first one, so that there is something to roll back to."""
        issued = int(time.time()) - self.row.age
        self.authority.sign(self.hosts(), issued_at=issued, **self._life())
        self.last_text = self.authority.next(None, issued_at=issued, **self._life())
        self.last = self.newest
        self.serve(self.last_text)
        if self.row.seeded:
            self.orders["setup"]["seed"] = self.last_text

    def publish_newest(self, **members: int) -> None:
        """A newer document, everywhere."""
        self.serve(self.authority.next(None, **self._life(), **members))

    def _life(self) -> dict[str, int]:
        """Where statements keep a document in force, it has no life of its own left."""
        now = int(time.time())
        return {"expires_at": now - 1, "extendable_until": now + 10 * 86400} if self.row.stated else {}

    def serve(self, content: str | bytes) -> None:
        """Let every region serve this as the current document."""
        for region in self.regions:
            region.put(self.authority.pointer, content)
            if self.row.stated:
                region.put(self.authority.fresh, self.authority.statement())

    @property
    def first(self) -> FakeRegion:
        """The first region, which faults strike."""
        region = self.regions[0]
        assert isinstance(region, FakeRegion)
        return region

    # ------------------------------------------------------------------ the application

    def fill_store(self) -> None:
        """Let an earlier run of the application have stored what is served now."""
        setup = {**self.orders["setup"], "seed": None, "ca_file": str(self.root_file)}
        with Pinner(clock=HandTurnedClock(time.time() - self.row.age), **setup) as pinner:
            assert pinner.status().serial is not None, pinner.status()

    @property
    def stored(self) -> Path:
        """The file in which the document is kept. Raises `ValueError` unless there is exactly one."""
        (file,) = self.store.glob("*.jws")
        return file

    def stored_serial(self) -> int:
        """The serial of the document that is kept; 0 where there is none."""
        try:
            text = self.stored.read_text("ascii")
        except (OSError, ValueError):
            return 0
        return Document.parse(jws.split(text).payload).serial

    def start(self) -> None:
        """Start the application, and wait until it makes visits."""
        self.application = self.another()
        self.application.wait_until_ready()
        self.running = True

    def another(self, **orders: object) -> Running:
        """Start one more process of the application, and do not wait."""
        return self.stack.enter_context(Running({**self.orders, **orders}, self.root_file, self.prefix))


@contextlib.contextmanager
def _place() -> Iterator[Path]:
    """A folder where a store may be: a temporary directory is one of those that it refuses."""
    for parent in (ROOT / "build", Path.home()):
        try:
            parent.mkdir(exist_ok=True)
            place = private_directory(parent / f"faults-{secrets.token_hex(8)}")
        except (OSError, StoreUnusable):
            continue
        try:
            yield place
        finally:
            shutil.rmtree(place, ignore_errors=True)
        return
    raise RuntimeError("neither the repository nor the home directory is a place that only this user can write to")
