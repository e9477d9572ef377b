"""Lists in pages: every entry once, in order, whatever the size of a page."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from livepin.server.models import Publish, Revision
from tests.server.api.caller import Caller
from tests.server.world import World

PROJECT = {"organization": "acme", "project": "shop"}
COUNT = 520


@pytest.fixture
def many(world: World) -> World:
    """As many publishes and revisions as two and a half pages hold."""
    now = timezone.now()
    Publish.objects.bulk_create(
        Publish(project=world.project, state="failed", payload={}, created_at=now - timedelta(seconds=number))
        for number in range(COUNT)
    )
    times = {"issued_at": 1, "expires_at": 2, "published_at": now}
    Revision.objects.bulk_create(
        Revision(project=world.project, epoch=0, serial=number, digest="A" * 43 + "=", text="text", **times)
        for number in range(1, COUNT + 1)
    )
    return world


def pages(world: World, operation: str, limit: int) -> list[list[dict[str, Any]]]:
    caller, found, cursor = Caller.of(world, "carol"), [], ""
    while True:
        answer = caller.call(operation, limit=limit, **PROJECT, **({"cursor": cursor} if cursor else {})).json()
        assert "items" in answer, answer
        found.append(answer["items"])
        cursor = answer.get("next", "")
        if not cursor:
            return found


@pytest.mark.parametrize("limit", [200, 500])
def test_a_page_has_as_many_entries_as_it_was_asked_for(many: World, limit: int) -> None:
    for operation in ("publishes_list_all", "revisions_list_all"):
        assert len(pages(many, operation, limit)[0]) == limit
    revisions = [one["serial"] for page in pages(many, "revisions_list_all", limit) for one in page]
    assert revisions == list(range(COUNT, 0, -1))
    ids = [one["id"] for page in pages(many, "publishes_list_all", limit) for one in page]
    assert len(ids) == len(set(ids)) == COUNT
