"""A project may be large: the number of queries does not depend on it, and pages, drafts and diffs stay quick."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from livepin.author.draft import HostEntry, PinEntry
from livepin.core.base64s import b64
from livepin.server.actions import delivery, drafts, publishes
from livepin.server.settings import CONFIG
from tests.server.api.caller import Caller
from tests.server.world import World

PROJECT = {"organization": "acme", "project": "shop"}


def fill(world: World, count: int, pins: int, action: str = "report") -> None:
    entries = [
        HostEntry(
            f"h{number:05}.example.com",
            action,
            tuple(PinEntry("spki_sha256", b64((number * 8 + one).to_bytes(32, "big"))) for one in range(pins)),
        )
        for number in range(count)
    ]
    drafts.write_hosts(world.project, entries)


def queries(caller: Caller, operation: str, body: Any = None, **given: Any) -> int:
    with CaptureQueriesContext(connection) as caught:
        answer = caller.call(operation, body, **given)
    assert answer.status_code in (200, 202, 204), answer.content
    return len(caught)


READS: dict[str, dict[str, Any]] = {
    "organizations_list_all": {},
    "members_list_all": {"organization": "acme"},
    "tokens_list_all": {"organization": "acme"},
    "projects_list_all": {"organization": "acme"},
    "drafts_read": PROJECT,
    "drafts_diff": PROJECT,
    "hosts_list_all": PROJECT | {"limit": 500},
    "hosts_read": PROJECT | {"host": "h00000.example.com"},
    "looks_list_all": PROJECT | {"host": "h00000.example.com"},
    "warnings_list_all": PROJECT,
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


POLICY = {"action": "report", "pins": [{"spki_sha256": b64(b"another key of thirty-two bytes!")}]}
WRITES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "hosts_put": (POLICY, PROJECT | {"host": "h00000.example.com", "if_match": "*"}),
    "hosts_add_pins": ({"pins": POLICY["pins"]}, PROJECT | {"host": "h00000.example.com", "if_match": "*"}),
    "hosts_remove": ({}, PROJECT | {"host": "h00000.example.com", "if_match": "*"}),
    "drafts_change": ({"life_days": 20}, PROJECT | {"if_match": "*"}),
    "publishes_start": ({}, PROJECT),
}


@pytest.mark.parametrize("operation", WRITES)
def test_changing_takes_as_many_queries_in_a_project_of_one_host_as_of_many(world: World, operation: str) -> None:
    paul, (body, given) = Caller.of(world, "paul"), WRITES[operation]
    fill(world, 1, 1)
    paul.call("me_read")
    few = queries(paul, operation, body, **given)
    world.project.hosts.all().delete()
    fill(world, 300, 4)
    # One more savepoint or name that is taken does not matter; one more query a host would be 300.
    assert abs(queries(paul, operation, body, **given) - few) <= 2
    assert few <= 25


def test_a_publish_takes_as_many_queries_whatever_its_size(world: World, tmp_path: Path) -> None:
    before = CONFIG.origin_folder
    object.__setattr__(CONFIG, "origin_folder", tmp_path / "origin")
    try:
        spent = []
        for count in (1, 300):
            world.project.hosts.all().delete()
            fill(world, count, 4, action="off")
            asked = publishes.start(world.actor("paul"), "acme", "shop")
            with CaptureQueriesContext(connection) as caught:
                delivery.run(str(asked.id))
            assert publishes.read(world.actor("paul"), "acme", "shop", str(asked.id)).state == "published"
            spent.append(len(caught))
    finally:
        object.__setattr__(CONFIG, "origin_folder", before)
    # The second publish has a predecessor, which is looked up.
    assert spent[1] - spent[0] <= 6


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
