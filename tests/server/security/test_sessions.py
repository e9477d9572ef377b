"""Mallory knows a password, or holds somebody's browser for a minute: what that is worth, and when it ends."""

from __future__ import annotations

import re
import time

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.core import mail
from django.test import Client

from livepin.errors import NotFound, Unauthenticated
from livepin.server.actions import accounts, invitations, memberships, sign_ins, tokens
from livepin.server.models import Account, ApiToken, Invitation
from tests.server.world import World

PASSWORD, NEW = "something to prove it with", "something else to prove it with"


def person(world: World, name: str) -> Account:
    """One of the cast with a password and a proved address."""
    return world.with_password(name, PASSWORD)


def signed_in(account: Account, password: str = PASSWORD) -> Client:
    client = Client()
    client.post("/account/login/", {"login": account.email, "password": password})
    assert client.get("/account/").status_code == 200
    return client


def ends(text: str) -> bool:
    """Whether a token is worth nothing any more."""
    try:
        tokens.actor_of(text)
    except Unauthenticated:
        return True
    return False


def test_a_changed_password_ends_command_lines_and_other_browsers(world: World) -> None:
    alice = person(world, "alice")
    stolen = tokens.sign_in(alice, "a thief's").text
    robot = tokens.create(world.actor("alice"), "acme", "ci", "read", 30)
    thief, client = signed_in(alice), signed_in(alice)
    answer = client.post("/account/password/change/", {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW})
    assert answer.status_code == 302
    assert ends(stolen)
    assert thief.get("/account/").status_code == 302
    # Machines have tokens of their own, which are listed and revoked.
    assert not ends(robot.text)


def test_a_command_line_that_was_let_in_and_waits_gets_nothing_after_a_new_password(world: World) -> None:
    alice, mine = person(world, "alice"), sign_ins.start("a thief's", "203.0.113.9")
    sign_ins.approve(world.actor("alice"), mine.user_code)
    link, bobs = accounts.sign_in_link(alice.email), sign_ins.start("bob's", "203.0.113.9")
    sign_ins.approve(world.actor("bob"), bobs.user_code)
    signed_in(alice).post("/account/password/change/", {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW})
    with pytest.raises(NotFound, match="denied"):
        sign_ins.poll(mine.device_code)
    with pytest.raises(NotFound):
        accounts.redeem(link.secret, "a thief's")
    assert sign_ins.poll(bobs.device_code) is not None


def test_a_password_that_was_reset_by_mail_ends_command_lines(world: World) -> None:
    alice = person(world, "alice")
    stolen = tokens.sign_in(alice, "a thief's").text
    client = Client()
    client.post("/account/password/reset/", {"email": alice.email})
    found = re.search(r"http://\S+(/account/password/reset/key/\S+)", str(mail.outbox[-1].body))
    assert found is not None
    page = client.get(found[1], follow=True)
    where = page.redirect_chain[-1][0]
    assert client.post(where, {"password1": NEW, "password2": NEW}).status_code == 302
    assert ends(stolen)
    signed_in(alice, NEW)


def test_a_first_second_factor_ends_the_command_lines_that_the_password_let_in(
    transactional_db: None,
) -> None:
    world = World.make()
    alice = person(world, "alice")
    stolen = tokens.sign_in(alice, "a thief's").text
    client = signed_in(alice)
    client.post("/account/reauthenticate/", {"password": PASSWORD})
    client.get("/account/2fa/totp/activate/")
    secret = client.session["mfa.totp.secret"]
    code = format_hotp_value(hotp_value(secret, int(time.time()) // 30))
    assert client.post("/account/2fa/totp/activate/", {"code": code}).status_code == 302
    assert ends(stolen)
    kept = tokens.sign_in(alice, "my own").text
    client.post("/account/2fa/recovery-codes/generate/")
    assert not ends(kept)


@pytest.mark.parametrize("how", ["taken back", "answered", "of somebody who is gone"])
def test_an_invitation_that_stands_no_longer_lets_nobody_sign_up(world: World, how: str) -> None:
    made = invitations.create(world.actor("ada"), "acme", "m@example.com", "viewer")
    client = Client()
    client.post("/invitation/", {"code": made.secret})
    assert 'name="password1"' in client.get("/account/signup/").content.decode()
    if how == "taken back":
        invitations.revoke(world.actor("ada"), "acme", str(made.invitation.id))
    elif how == "answered":
        invitations.accept(world.actor("mallory"), made.secret)
    else:
        memberships.remove(world.actor("alice"), "acme", str(world.accounts["ada"].id))
    assert 'name="password1"' not in client.get("/account/signup/").content.decode()
    client.post("/account/signup/", {"email": "m@example.com", "password1": PASSWORD})
    assert not Account.objects.filter(email="m@example.com").exists()


STEPS = {
    "/o/acme/members/": {"email": "m@example.com", "role": "owner"},
    "/o/acme/p/shop/settings/": {"name": "x", "approvals_required": "1"},
    "/o/acme/p/shop/draft/publish/": {"version": "1", "key": "k"},
    "/o/acme/p/shop/keys/new/": {"kind": "p256"},
    "/o/acme/tokens/new/": {"name": "x", "scope": "publish", "days": "366"},
    "/account/command-line/": {"code": "BCDF-GHJK", "approve": "1"},
    "/account/email/": {"action_add": "1", "email": "m@example.com"},
    "/account/2fa/totp/activate/": {"code": "000000"},
    "/account/2fa/webauthn/add/": {"name": "mine"},
}


def test_who_holds_a_browser_for_a_minute_is_asked_who_they_are_before_anything_that_lasts(world: World) -> None:
    client = signed_in(person(world, "alice"))
    session = client.session
    for record in session["account_authentication_methods"]:
        record["at"] -= 3600  # she signed in an hour ago, and went for a coffee
    session.save()
    for address, form in STEPS.items():
        answer = client.post(address, form)
        assert answer.status_code == 302, address
        assert answer.headers["Location"].startswith("/account/reauthenticate/"), address
    assert not Invitation.objects.exists()
    assert not EmailAddress.objects.filter(email="m@example.com").exists()
    assert not ApiToken.objects.exists()


ELSEWHERE = ("//evil.example", "https://evil.example", "/\\evil.example", "https:evil.example", "javascript:alert(1)")


def test_nobody_is_led_elsewhere_after_signing_in_or_out(world: World) -> None:
    alice = person(world, "alice")
    for after in ELSEWHERE:
        client = Client()
        answer = client.post("/account/login/", {"login": alice.email, "password": PASSWORD, "next": after})
        assert answer.headers["Location"] == "/", after
        client.post("/account/reauthenticate/", {"password": PASSWORD, "next": after})
        assert "evil" not in client.post("/account/logout/", {"next": after}).headers["Location"]
