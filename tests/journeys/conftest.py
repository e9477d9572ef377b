"""What the journeys share."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.processes import Processes
from livepin.testing import Cast, Origin, TlsServer, policy
from tests.journeys.house import HOST, House


@pytest.fixture
def folder() -> Iterator[Path]:
    """In `build/`: a store in the shared temporary directory would rightly be refused."""
    build = Path(__file__).parents[2] / "build"
    build.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="journey-", dir=build))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def house(folder: Path, cast: Cast) -> Iterator[House]:
    """A project that pins the service's key, and no other."""
    with Origin() as origin, TlsServer(cast.genuine) as service, Processes(folder) as processes:
        house = House(folder, processes, cast, origin, service)
        house.acme.publish(policy(HOST, cast.genuine))
        yield house
