"""Members, invitations and tokens in the dashboard, without a script."""

from __future__ import annotations

import re

import pytest
from django.core import mail
from django.test import Client

from livepin.errors import Unauthenticated
from livepin.server.actions import accounts, hosts, invitations, memberships, sign_ins, tokens
from livepin.server.models import Account, Membership, SignIn
from tests.server.test_drafts import host
from tests.server.web.test_hosts import visit
from tests.server.world import World

MEMBERS = "/o/acme/members/"
PASSWORD = "something to prove it with"


def proved(client: Client) -> Client:
    """A visitor who proved a moment ago who they are; whose account has no password need not."""
    client.post("/account/reauthenticate/", {"password": PASSWORD})
    return client


def role(world: World, name: str) -> str | None:
    found = Membership.objects.filter(organization=world.organization, account=world.accounts[name]).first()
    return found.role if found else None


def test_somebody_invited_by_mail_joins(world: World) -> None:
    page = visit(world, "ada").post(MEMBERS, {"email": "mallory@example.com", "role": "viewer"}).content.decode()
    (letter,) = mail.outbox
    secret = re.search(r"^([\w-]{43})$", str(letter.body), re.MULTILINE)
    assert secret is not None
    assert letter.to == ["mallory@example.com"]
    assert secret[1] in page
    assert secret[1] not in letter.subject
    answer = visit(world, "mallory").post("/invitation/", {"code": secret[1]})
    assert answer.headers["Location"] == "/o/acme/"
    assert role(world, "mallory") == "viewer"


def test_a_visitor_with_an_invitation_may_sign_up_and_others_may_not(world: World) -> None:
    secret = invitations.create(world.actor("alice"), "acme", "new@example.com", "editor").secret
    client = Client()
    assert "closed" in client.get("/account/signup/").content.decode().lower()
    assert client.post("/invitation/", {"code": secret}).headers["Location"] == "/account/signup/"
    assert 'name="password1"' in client.get("/account/signup/").content.decode()
    assert "unknown" in Client().post("/invitation/", {"code": "x" * 43}).content.decode()


def test_an_admin_changes_roles_after_proving_who_they_are(world: World) -> None:
    change = f"{MEMBERS}{world.accounts['carol'].id}/"
    world.accounts["ada"].set_password(PASSWORD)
    world.accounts["ada"].save()
    assert "reauthenticate" in visit(world, "ada").post(change, {"role": "editor"}).headers["Location"]
    assert role(world, "carol") == "viewer"
    assert proved(visit(world, "ada")).post(change, {"role": "editor"}).status_code == 302
    assert role(world, "carol") == "editor"
    assert proved(visit(world, "ada")).post(change, {"role": "owner"}).status_code == 403
    assert proved(visit(world, "bob")).post(change, {"role": "viewer"}).status_code == 403


def test_a_member_leaves_and_the_last_owner_cannot(world: World) -> None:
    remove = f"{MEMBERS}{world.accounts['bob'].id}/remove/"
    assert proved(visit(world, "bob")).post(remove).headers["Location"] == "/"
    assert role(world, "bob") is None
    page = proved(visit(world, "alice")).post(f"{MEMBERS}{world.accounts['alice'].id}/remove/")
    assert page.status_code == 409
    assert "owner" in page.content.decode()


def test_a_token_is_shown_once_and_revoked(world: World) -> None:
    paul = proved(visit(world, "paul"))
    form = {"name": "pipeline", "scope": "publish", "project": "shop", "days": "30"}
    page = paul.post("/o/acme/tokens/new/", form).content.decode()
    text = re.search(r"lvp_[\w-]{49}", page)
    assert text is not None
    assert tokens.actor_of(text[0]).account == world.accounts["paul"]
    listed = paul.get("/o/acme/tokens/").content.decode()
    assert text[0] not in listed
    revoke = re.search(r"/o/acme/tokens/[0-9a-f-]{36}/revoke/", listed)
    assert revoke is not None
    assert proved(visit(world, "bob")).post(revoke[0]).status_code == 404
    assert paul.post(revoke[0]).status_code == 302
    assert "revoked" in paul.get("/o/acme/tokens/").content.decode()


def test_an_editor_cannot_make_a_token_that_publishes(world: World) -> None:
    page = proved(visit(world, "bob")).post(
        "/o/acme/tokens/new/", {"name": "n", "scope": "publish", "project": "", "days": "1"}
    )
    assert "right to publish" in page.content.decode()


def test_a_command_line_is_let_in_after_a_second_look(world: World) -> None:
    begun = sign_ins.start("livepin on a laptop", "192.0.2.7")
    bob = proved(visit(world, "bob"))
    page = bob.post("/account/command-line/", {"code": begun.user_code}).content.decode()
    assert "livepin on a laptop" in page
    assert "192.0.2.7" in page
    assert SignIn.objects.get().state == "pending"
    assert "It is in" in bob.post("/account/command-line/", {"code": begun.user_code, "approve": "1"}).content.decode()
    made = sign_ins.poll(begun.device_code)
    assert made is not None
    assert tokens.actor_of(made.text).account == world.accounts["bob"]


@pytest.mark.django_db
def test_the_first_owner_makes_an_account_with_the_code_of_the_first_start() -> None:
    link = accounts.first_owner_link()
    assert link is not None
    form = {"code": link.secret, "email": "first@example.com", "password": "correct horse battery"}
    assert "too common" in Client().post("/welcome/", form | {"password": "password12"}).content.decode()
    assert Client().post("/welcome/", form).headers["Location"] == "/account/login/"
    assert Account.objects.get().email == "first@example.com"
    assert "unknown, used or out of date" in Client().post("/welcome/", form).content.decode()


def test_the_audit_trail_is_read_filtered_and_exported(world: World) -> None:
    ada = visit(world, "ada")
    assert "organization created" in ada.get("/o/acme/audit/").content.decode()
    assert "organization created" not in ada.get("/o/acme/audit/?like=project").content.decode()
    lines = b"".join(ada.get("/o/acme/audit/export/").streaming_content).splitlines()  # type: ignore[attr-defined]
    assert len(lines) == world.organization.audit_entries.count() > 2
    assert visit(world, "carol").get("/o/acme/audit/").status_code == 403


def test_the_audit_trail_names_members_and_nobody_who_left(world: World) -> None:
    hosts.put(world.actor("bob"), "acme", "shop", None, host())
    assert "bob@example.com" in visit(world, "ada").get("/o/acme/audit/").content.decode()
    memberships.remove(world.actor("bob"), "acme", str(world.accounts["bob"].id))
    shown = visit(world, "ada").get("/o/acme/audit/").content.decode()
    assert "bob@example.com" not in shown
    assert f"account {world.accounts['bob'].id}" in shown


def test_somebody_changes_their_name_and_signs_a_command_line_out(world: World) -> None:
    bob = visit(world, "bob")
    made = tokens.sign_in(world.accounts["bob"], "livepin on a laptop")
    assert "livepin on a laptop" in bob.get("/account/").content.decode()
    assert bob.post("/account/", {"name": "Robert"}).status_code == 302
    assert Account.objects.get(email="bob@example.com").name == "Robert"
    end = f"/account/command-lines/{made.token.id}/end/"
    assert visit(world, "ada").post(end).status_code == 404
    assert bob.post(end).status_code == 302
    with pytest.raises(Unauthenticated):
        tokens.actor_of(made.text)


def test_what_was_sent_after_the_proof_ran_out_is_done_after_the_next_one(world: World) -> None:
    world.accounts["bob"].set_password(PASSWORD)
    world.accounts["bob"].save()
    bob, begun = visit(world, "bob"), sign_ins.start("livepin on a laptop", "192.0.2.7")
    page = "/account/command-line/"
    asked = bob.post(page, {"code": begun.user_code})
    assert "reauthenticate" in asked.headers["Location"]
    shown = bob.post(asked.headers["Location"], {"password": PASSWORD}).content.decode()
    assert "livepin on a laptop" in shown
    assert f'<form method="post" action="{page}">' in shown


def test_a_member_chooses_on_a_page_which_warnings_come_by_mail(world: World) -> None:
    bob = visit(world, "bob")
    assert "I am an owner" not in bob.get("/o/acme/mail/").content.decode()
    assert bob.post("/o/acme/mail/", {"mail": "none"}).headers["Location"] == "/o/acme/mail/"
    assert 'value="none" id="id_mail_2" required checked' in bob.get("/o/acme/mail/").content.decode()
    assert "As a viewer you get none" in visit(world, "carol").get("/o/acme/mail/").content.decode()
    alice = visit(world, "alice")
    refused = alice.post("/o/acme/mail/", {"mail": "none"}).content.decode()
    assert "say that it is meant" in refused
    assert alice.post("/o/acme/mail/", {"mail": "none", "knowingly": "on"}).status_code == 302
    chosen = dict(Membership.objects.filter(organization=world.organization).values_list("account__email", "mail"))
    assert (chosen["alice@example.com"], chosen["bob@example.com"], chosen["ada@example.com"]) == (
        "none",
        "none",
        "all",
    )
