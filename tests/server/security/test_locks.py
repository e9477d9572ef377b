"""What many do at once: rows are locked in one order, and so that rows which refer to them can be written.

On PostgreSQL whoever locks rows the other way around, or writes a row that refers to one which is locked as if it were
to be deleted, is ended with an error, and so is what they asked for. On SQLite one transaction begins at a time.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Barrier

import pytest
from django.db import connection
from django.utils import timezone

from livepin import server
from livepin.errors import Conflict, NotFound
from livepin.server.actions import deletions, exports, hosts, projects, publishes, tokens
from livepin.server.actions.projects import Settings
from livepin.server.actions.publishes import Wish
from livepin.server.models import Organization
from livepin.server.settings import CONFIG
from tests.server.publishing import host
from tests.server.world import World

on_postgres = pytest.mark.skipif(not CONFIG.on_postgres, reason="SQLite lets one transaction begin at a time")
#: What rows of other tables refer to.
_REFERRED = re.compile(r"(?:Account|Organization|Project|Publish)\.objects\.select_for_update\(([^\n]*)")


def test_what_others_refer_to_is_locked_so_that_they_can() -> None:
    sources = list((Path(server.__path__[0]) / "actions").glob("*.py"))
    locks = [(one.name, found[1]) for one in sources for found in _REFERRED.finditer(one.read_text("utf-8"))]
    assert len(locks) > 20
    assert [one for one in locks if "no_key=True" not in one[1]] == []


@pytest.fixture
def shared(transactional_db: None, tmp_path: Path) -> Iterator[World]:
    """A world that several connections see, and an origin of this test's own."""
    before = CONFIG.origin_folder
    object.__setattr__(CONFIG, "origin_folder", tmp_path / "origin")
    yield World.make()
    object.__setattr__(CONFIG, "origin_folder", before)


def at_once(*acts: Callable[[], object]) -> list[str]:
    """What becomes of acts that begin at one moment, each on a connection of its own."""
    start = Barrier(len(acts), timeout=30)

    def go(act: Callable[[], object]) -> str:
        start.wait()
        try:
            act()
        except (Conflict, NotFound) as error:
            return error.code
        finally:
            connection.close()
        return "done"

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(go, acts))


@on_postgres
def test_tokens_are_made_while_their_project_changes(shared: World) -> None:
    alice = shared.actor("alice")
    for number in range(5):
        outcomes = at_once(
            *[lambda: tokens.create(alice, "acme", "ci", "read", 1, "shop") for _ in range(3)],
            *[lambda at=at: projects.change(alice, "acme", "shop", Settings(name=at)) for at in (f"a{number}", "b")],
        )
        assert set(outcomes) == {"done"}


@on_postgres
def test_an_organization_ends_while_others_approve(shared: World) -> None:
    alice, bob, paul = (shared.actor(name) for name in ("alice", "bob", "paul"))
    projects.change(alice, "acme", "shop", Settings(approvals_required=2))
    hosts.put(bob, "acme", "shop", None, host())
    for number in range(4):
        wish = Wish(scheduled_for=timezone.now() + timedelta(days=1), note=str(number))
        asked = [str(publishes.start(paul, "acme", "shop", wish).id) for _ in range(3)]
        for one in asked:
            publishes.wait(paul, "acme", "shop", one)
        approved = [lambda one=one: publishes.approve(alice, "acme", "shop", one) for one in asked]
        outcomes = at_once(*approved, lambda: deletions.delete_organization(alice, "acme"))
        assert outcomes[-1] == "done"
        assert set(outcomes) <= {"done", "not_found", "state_wrong"}
        assert Organization.objects.get(identifier="acme").deletion_requested_at is not None
        deletions.keep_organization(alice, "acme")


@on_postgres
def test_an_organization_is_exported_outside_of_any_transaction(shared: World) -> None:
    with exports.organization(shared.actor("alice"), "acme") as made:
        assert made.read(2) == b"PK"
