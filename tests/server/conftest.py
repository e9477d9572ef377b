"""The server in this process, on a database of its own: SQLite, or PostgreSQL with LIVEPIN_TEST_ENGINE=postgres.

The cast: Alice owns acme, Ada administers it, Paul publishes, Bob edits, Carol reads; Mallory owns an organization
of her own and is a stranger here.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server import postgres

_DATA = Path(tempfile.mkdtemp(prefix="livepin-server-test-"))
os.environ["LIVEPIN_SERVER_DATA"] = str(_DATA)
os.environ["LIVEPIN_SERVER_SECRET_KEY"] = "a secret of the tests " * 3
os.environ["LIVEPIN_SERVER_MASTER_KEYS"] = "07" * 32
os.environ["LIVEPIN_SERVER_LOOK_PRIVATE"] = "true"
# No origin listens in these tests, unless one of them starts it: nothing is confirmed through a public URL.
os.environ["LIVEPIN_SERVER_ORIGIN_LISTEN"] = "0.0.0.0:8471"
if os.environ.get("LIVEPIN_TEST_ENGINE") == "postgres":
    os.environ["LIVEPIN_SERVER_DATABASE_URL"] = postgres.start(_DATA)
os.environ["DJANGO_SETTINGS_MODULE"] = "livepin.server.settings"

import django  # noqa: E402  # after its settings are known

django.setup()
from django.db import connection  # noqa: E402

from livepin.server.settings import CONFIG  # noqa: E402

if not CONFIG.on_postgres:
    # A file, as servers have it: in memory, all threads of a live server would share one connection, and transactions.
    connection.settings_dict["TEST"]["NAME"] = str(_DATA / "test.sqlite3")
# What this process is set up with is no business of the processes that other tests start.
del os.environ["DJANGO_SETTINGS_MODULE"]

from livepin.publish.origins.folder import FolderOrigin  # noqa: E402
from livepin.server.actions import rates  # noqa: E402
from tests.server.world import World  # noqa: E402


@pytest.fixture(autouse=True)
def _nobody_was_counted() -> None:
    """Every test begins a minute of its own."""
    rates.forget()


@pytest.fixture
def world(db: None) -> World:
    """An organization with members of every role, one project, and a stranger."""
    return World.make()


@pytest.fixture
def origin(tmp_path: Path) -> Iterator[FolderOrigin]:
    """An origin of this test's own."""
    before = CONFIG.origin_folder
    object.__setattr__(CONFIG, "origin_folder", tmp_path / "origin")
    yield FolderOrigin(tmp_path / "origin")
    object.__setattr__(CONFIG, "origin_folder", before)
