"""Ends in the dashboard: of documents, projects, organizations and accounts; and taking one's data along."""

from __future__ import annotations

import io
import json
import re
import zipfile

import pytest
from django.core import mail
from django.test import Client

from livepin.author.draft import HostEntry
from livepin.server.actions import hosts
from livepin.server.models import Account, Project
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


def test_a_project_is_deleted_and_kept_after_all(published: World) -> None:
    ada = proved(visit(published, "ada"))
    assert ada.post(END, {"delete": "1", "delete-confirmation": "other"}).status_code == 200
    assert ada.post(END, {"delete": "1", "delete-confirmation": "shop"}).headers["Location"] == "/o/acme/"
    assert ada.get("/o/acme/p/shop/").status_code == 404
    assert "will be deleted for good" in ada.get("/o/acme/").content.decode()
    assert "will be deleted for good" not in visit(published, "carol").get("/o/acme/").content.decode()
    assert visit(published, "carol").post("/o/acme/p/shop/keep/").status_code == 403
    assert ada.post("/o/acme/p/shop/keep/").headers["Location"] == "/o/acme/p/shop/"
    assert ada.get("/o/acme/p/shop/").status_code == 200


def test_an_organization_is_deleted_by_an_owner_alone_and_kept_after_all(world: World) -> None:
    form = {"delete-confirmation": "acme"}
    assert "right to own" in proved(visit(world, "ada")).post("/o/acme/end/", form).content.decode()
    alice = proved(visit(world, "alice"))
    assert "It is not acme." in alice.post("/o/acme/end/", {"delete-confirmation": "acmе"}).content.decode()
    assert alice.post("/o/acme/end/", form).headers["Location"] == "/"
    assert alice.get("/o/acme/").status_code == 404
    assert "Keep it" in alice.get("/").content.decode()
    assert visit(world, "mallory").post("/o/acme/keep/").status_code == 404
    assert alice.post("/o/acme/keep/").headers["Location"] == "/o/acme/"


def test_a_deletion_takes_a_fresh_proof(world: World) -> None:
    world.accounts["alice"].set_password(PASSWORD)
    world.accounts["alice"].save()
    alice = visit(world, "alice")
    for path in (END, "/o/acme/end/", "/account/close/"):
        assert "reauthenticate" in alice.post(path, {"delete-confirmation": "acme"}).headers["Location"]
    assert not Project.objects.exclude(deletion_requested_at=None).exists()


def test_an_account_is_closed_and_opened_again_with_the_mailed_code(world: World) -> None:
    bob = proved(visit(world, "bob"))
    assert "Your account is closed" in bob.post("/account/close/", {"confirmation": "bob@example.com"}).content.decode()
    assert bob.get("/").status_code == 302
    code = re.search(r"^([\w-]{43})$", str(mail.outbox[-1].body), re.MULTILINE)
    assert code is not None
    assert "unknown, used or out of date" in Client().post("/account/reopen/", {"code": "x"}).content.decode()
    assert Client().post("/account/reopen/", {"code": code[1]}).headers["Location"] == "/account/login/"
    assert Account.objects.get(email="bob@example.com").is_active


def test_the_last_owner_cannot_leave_an_organization_to_nobody(world: World) -> None:
    shown = proved(visit(world, "alice")).post("/account/close/", {"confirmation": "alice@example.com"})
    assert "Make somebody else an owner" in shown.content.decode()


def test_everybody_takes_their_own_data_along_and_an_admin_the_organizations(world: World) -> None:
    answer = visit(world, "bob").post("/account/export/")
    assert "attachment" in answer.headers["Content-Disposition"]
    assert json.loads(answer.content)["account"]["email"] == "bob@example.com"
    answer = visit(world, "ada").post("/o/acme/export/")
    content = b"".join(answer.streaming_content)  # type: ignore[attr-defined]
    assert "organization.json" in zipfile.ZipFile(io.BytesIO(content)).namelist()
