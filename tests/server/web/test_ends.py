"""The end of a project's documents, in the dashboard."""

from __future__ import annotations

import pytest

from livepin.author.draft import HostEntry
from livepin.server.actions import hosts
from livepin.server.models import Project
from tests.server.test_drafts import DIGESTS
from tests.server.web.test_glance import publish
from tests.server.web.test_hosts import visit
from tests.server.web.test_members import PASSWORD, proved
from tests.server.world import World

END = "/o/acme/p/shop/end/"
WITHDRAW = {"withdraw": "1", "withdraw-confirmation": "shop", "withdraw-reason": "a key was stolen"}
DECOMMISSION = {
    "decommission": "1",
    "decommission-confirmation": "shop",
    "decommission-keep_hours": "24",
    "decommission-reason": "the application is retired",
}


@pytest.fixture
def published(world: World) -> World:
    hosts.put(world.actor("bob"), "acme", "shop", None, HostEntry("a.example.com", "report", None, deny=(DIGESTS[0],)))
    publish(world)
    return world


def state(world: World) -> str:
    return Project.objects.get(id=world.project.id).state


def test_a_project_is_withdrawn_after_its_name_was_typed(published: World) -> None:
    ada = proved(visit(published, "ada"))
    shown = ada.post(END, WITHDRAW | {"withdraw-confirmation": "shpo"}).content.decode()
    assert "It is not shop." in shown
    assert "a key was stolen" in shown
    assert state(published) == "active"
    assert ada.post(END, WITHDRAW).headers["Location"] == "/o/acme/p/shop/"
    assert state(published) == "withdrawn"
    assert "withdrawn" in ada.get("/o/acme/p/shop/").content.decode()


def test_a_project_is_decommissioned_by_a_last_revision(published: World) -> None:
    answer = proved(visit(published, "ada")).post(END, DECOMMISSION)
    assert "/publishes/" in answer.headers["Location"]
    assert state(published) == "decommissioned"
    shown = visit(published, "carol").get("/o/acme/p/shop/history/0.2/").content.decode()
    assert "off" in shown


def test_what_was_never_published_cannot_be_decommissioned_and_says_what_to_do(world: World) -> None:
    shown = proved(visit(world, "ada")).post(END, DECOMMISSION).content.decode()
    assert "nothing is published that could end" in shown
    assert "Withdraw it, or delete it." in shown


def test_an_end_takes_the_right_to_manage_and_a_fresh_proof(published: World) -> None:
    assert "right to manage" in proved(visit(published, "paul")).post(END, WITHDRAW).content.decode()
    published.accounts["ada"].set_password(PASSWORD)
    published.accounts["ada"].save()
    assert "reauthenticate" in visit(published, "ada").post(END, WITHDRAW).headers["Location"]
    assert state(published) == "active"
