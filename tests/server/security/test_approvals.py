"""An admin wants to publish alone where two have to agree."""

from __future__ import annotations

import pytest

from livepin.errors import Forbidden
from livepin.publish.origins.folder import FolderOrigin
from livepin.server.actions import hosts, projects, publishes
from livepin.server.models import AuditEntry, Project
from tests.server.api.caller import Caller
from tests.server.publishing import host
from tests.server.web.test_hosts import visit
from tests.server.web.test_members import proved
from tests.server.world import World

PROJECT = {"organization": "acme", "project": "shop"}


@pytest.fixture
def two(world: World) -> World:
    """Two have to agree; an admin said so."""
    projects.change(world.actor("ada"), "acme", "shop", projects.Settings(approvals_required=2))
    return world


def required(world: World) -> int:
    return Project.objects.get(id=world.project.id).approvals_required


def test_an_admin_alone_does_not_lower_how_many_must_agree(two: World, origin: FolderOrigin) -> None:
    hosts.put(two.actor("bob"), "acme", "shop", None, host())
    asked = publishes.start(two.actor("ada"), "acme", "shop")
    waiting = publishes.wait(two.actor("ada"), "acme", "shop", str(asked.id))
    assert waiting.state == "waiting"
    with pytest.raises(Forbidden):
        projects.change(two.actor("ada"), "acme", "shop", projects.Settings(approvals_required=1))
    assert Caller.of(two, "ada").call("projects_change", {"approvals_required": 1}, **PROJECT).status_code == 403
    page = proved(visit(two, "ada")).post("/o/acme/p/shop/settings/", {"name": "Shop", "approvals_required": "1"})
    assert "right to own" in page.content.decode()
    assert required(two) == 2
    assert publishes.wait(two.actor("ada"), "acme", "shop", str(asked.id)).state == "waiting"


def test_an_owner_does_and_the_trail_says_from_when(two: World) -> None:
    projects.change(two.actor("alice"), "acme", "shop", projects.Settings(approvals_required=1))
    assert required(two) == 1
    said = AuditEntry.objects.filter(what="project changed").order_by("number")
    assert [one.detail["approvals_required"] for one in said] == [2, 1]


def test_an_admin_raises_it_and_changes_the_rest(two: World) -> None:
    projects.change(two.actor("ada"), "acme", "shop", projects.Settings(name="Shop", approvals_required=3))
    projects.change(two.actor("ada"), "acme", "shop", projects.Settings(name="The shop", approvals_required=3))
    assert required(two) == 3
