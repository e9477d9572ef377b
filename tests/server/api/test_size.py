"""A project may be large: the number of queries does not depend on it, and pages, drafts and diffs stay quick."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from livepin.author.draft import HostEntry, PinEntry
from livepin.core.base64s import b64
from livepin.server.actions import drafts
from tests.server.api.caller import Caller
from tests.server.world import World

PROJECT = {"organization": "acme", "project": "shop"}


def fill(world: World, count: int, pins: int) -> None:
    entries = [
        HostEntry(
            f"h{number:05}.example.com",
            "report",
            tuple(PinEntry("spki_sha256", b64((number * 8 + one).to_bytes(32, "big"))) for one in range(pins)),
        )
        for number in range(count)
    ]
    drafts.write_hosts(world.project, entries)


def queries(caller: Caller, operation: str, **given: Any) -> int:
    with CaptureQueriesContext(connection) as caught:
        assert caller.call(operation, **given).status_code == 200
    return len(caught)


READS: dict[str, dict[str, Any]] = {
    "organizations_list_all": {},
    "members_list_all": {"organization": "acme"},
    "tokens_list_all": {"organization": "acme"},
    "projects_list_all": {"organization": "acme"},
    "drafts_read": PROJECT,
    "drafts_diff": PROJECT,
    "hosts_list_all": PROJECT | {"limit": 500},
    "publishes_list_all": PROJECT,
    "revisions_list_all": PROJECT,
    "keys_list_all": PROJECT,
}


@pytest.mark.parametrize("operation", READS)
def test_reading_takes_as_many_queries_for_one_host_as_for_many(world: World, operation: str) -> None:
    bob = Caller.of(world, "bob")
    fill(world, 1, 1)
    bob.call("me_read")
    few = queries(bob, operation, **READS[operation])
    world.project.hosts.all().delete()
    fill(world, 300, 4)
    assert queries(bob, operation, **READS[operation]) == few <= 10


@pytest.mark.slow
def test_a_project_of_ten_thousand_hosts_stays_usable(world: World) -> None:
    bob = Caller.of(world, "bob")
    fill(world, 10_000, 2)
    draft = bob.call("drafts_read", **PROJECT)
    body = draft.json()
    limits = {"hosts_list_all": 1.0, "drafts_read": 5.0, "drafts_diff": 10.0}
    spent = {}
    for operation in limits:
        started = time.perf_counter()
        assert bob.call(operation, **PROJECT).status_code == 200
        spent[operation] = time.perf_counter() - started
    assert len(body["hosts"]) == 10_000
    assert {name: seconds for name, seconds in spent.items() if seconds > limits[name]} == {}
    again = bob.call("drafts_replace", body, **PROJECT, if_match=draft["ETag"])
    assert again.status_code == 200
    assert bob.call("drafts_read", **PROJECT, if_none_match=again["ETag"]).status_code == 304
