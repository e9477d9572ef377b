"""The first account, accounts made by an operator, and signing a command line in."""

from __future__ import annotations

from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.core import mail
from django.utils import timezone

from livepin.errors import Conflict, Forbidden, NotFound, RateLimited, Unauthenticated, ValueInvalid
from livepin.server.actions import accounts, organizations, sign_ins, tokens
from livepin.server.actions.actor import Actor
from livepin.server.models import Account, Link, SignIn
from tests.server.web.test_hosts import visit
from tests.server.world import World

PASSWORD = "four random words here"


def first() -> accounts.OneTimeLink:
    link = accounts.first_owner_link()
    assert link is not None
    return link


@pytest.mark.django_db
def test_the_first_owner_claims_the_server_once() -> None:
    link = first()
    account = accounts.claim(link.secret, "Olga@Example.com", PASSWORD, "Olga")
    assert account.check_password(PASSWORD)
    assert EmailAddress.objects.get(user=account).verified
    organizations.create(Actor(account), "acme")
    assert accounts.first_owner_link() is None
    with pytest.raises(NotFound):
        accounts.claim(link.secret, "other@example.com", PASSWORD)


@pytest.mark.django_db
def test_a_second_start_replaces_the_first_link() -> None:
    old, new = first(), first()
    with pytest.raises(NotFound):
        accounts.claim(old.secret, "olga@example.com", PASSWORD)
    accounts.claim(new.secret, "olga@example.com", PASSWORD)


@pytest.mark.django_db
def test_a_first_link_is_worth_nothing_once_there_is_an_account() -> None:
    link = first()
    Account.objects.create_user("faster@example.com")
    with pytest.raises(NotFound):
        accounts.claim(link.secret, "olga@example.com", PASSWORD)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("email", "password", "where"),
    [
        ("olga", PASSWORD, "email"),
        ("olga@example.com", "password123", "password"),
        ("olga@example.com", "x", "password"),
    ],
)
def test_a_refused_claim_leaves_the_link_as_it_was(email: str, password: str, where: str) -> None:
    link = first()
    with pytest.raises(ValueInvalid) as caught:
        accounts.claim(link.secret, email, password)
    assert caught.value.where == where
    assert Account.objects.count() == 0
    accounts.claim(link.secret, "olga@example.com", PASSWORD)


def test_an_operator_makes_a_link_for_one_more_account(world: World) -> None:
    link = accounts.account_link()
    with pytest.raises(Conflict):
        accounts.claim(link.secret, "bob@example.com", PASSWORD)
    accounts.claim(link.secret, "nora@example.com", PASSWORD)


def test_links_are_kept_as_hashes_and_end_after_a_day(world: World) -> None:
    link = accounts.account_link()
    row = Link.objects.get()
    assert link.secret not in str(vars(row))
    row.expires_at = timezone.now() - timedelta(seconds=1)
    row.save()
    with pytest.raises(NotFound):
        accounts.claim(link.secret, "nora@example.com", PASSWORD)


def test_an_operators_link_signs_a_command_line_in_without_the_dashboard(world: World) -> None:
    link = accounts.sign_in_link("Bob@example.com")
    token = accounts.redeem(link.secret, "bob's laptop")
    assert tokens.actor_of(token.text).account == world.accounts["bob"]
    for use in (
        lambda: accounts.redeem(link.secret, ""),
        lambda: accounts.claim(link.secret, "m@example.com", PASSWORD),
    ):
        with pytest.raises(NotFound):
            use()


def test_a_link_for_an_account_does_not_sign_anybody_in(world: World) -> None:
    with pytest.raises(NotFound):
        accounts.redeem(accounts.account_link().secret, "")
    with pytest.raises(NotFound):
        accounts.sign_in_link("nobody@example.com")


def test_a_command_line_is_signed_in_when_a_person_approves_its_code(world: World) -> None:
    begun = sign_ins.start("livepin on bobs-laptop", "192.0.2.7")
    assert sign_ins.poll(begun.device_code) is None
    row = sign_ins.approve(world.actor("bob"), begun.user_code.lower().replace("-", " "))
    assert (row.client, row.address) == ("livepin on bobs-laptop", "192.0.2.7")
    token = sign_ins.poll(begun.device_code)
    assert token is not None
    actor = tokens.actor_of(token.text)
    assert actor.account == world.accounts["bob"]
    assert [one.name for one in tokens.sign_ins(actor)] == ["livepin on bobs-laptop"]
    with pytest.raises(NotFound):
        sign_ins.poll(begun.device_code)


def test_a_denied_sign_in_is_over(world: World) -> None:
    begun = sign_ins.start("", "")
    sign_ins.deny(world.actor("bob"), begun.user_code)
    with pytest.raises(NotFound):
        sign_ins.poll(begun.device_code)
    with pytest.raises(NotFound):
        sign_ins.approve(world.actor("bob"), begun.user_code)


def test_a_code_is_good_for_ten_minutes_and_only_the_device_code_gets_the_token(world: World) -> None:
    begun = sign_ins.start("", "")
    with pytest.raises(NotFound):
        sign_ins.poll(begun.user_code)
    assert begun.device_code not in str(vars(SignIn.objects.get()))
    SignIn.objects.update(expires_at=timezone.now())
    with pytest.raises(NotFound):
        sign_ins.approve(world.actor("bob"), begun.user_code)
    with pytest.raises(NotFound):
        sign_ins.poll(begun.device_code)


def test_who_asks_too_often_is_slowed_down_and_still_served(world: World) -> None:
    begun = sign_ins.start("", "")
    sign_ins.poll(begun.device_code)
    with pytest.raises(RateLimited) as caught:
        sign_ins.poll(begun.device_code)
    assert caught.value.seconds == sign_ins.INTERVAL
    sign_ins.approve(world.actor("bob"), begun.user_code)
    assert sign_ins.poll(begun.device_code) is not None


def test_codes_cannot_be_guessed(world: World) -> None:
    sign_ins.start("", "")
    for _ in range(10):
        with pytest.raises(NotFound):
            sign_ins.approve(world.actor("mallory"), "BBBB-BBBB")
    with pytest.raises(RateLimited):
        sign_ins.approve(world.actor("mallory"), "BBBB-BBBC")


def test_a_token_of_an_organization_approves_nobody(world: World) -> None:
    begun = sign_ins.start("", "")
    token = tokens.create(world.actor("bob"), "acme", "ci", "stage", 1)
    with pytest.raises(Forbidden):
        sign_ins.approve(tokens.actor_of(token.text), begun.user_code)


def test_signing_out_ends_a_token_and_a_closed_account_ends_all(world: World) -> None:
    one, other = (tokens.sign_in(world.accounts["bob"], name) for name in ("one", "other"))
    tokens.sign_out(tokens.actor_of(one.text), str(one.token.id))
    with pytest.raises(Unauthenticated):
        tokens.actor_of(one.text)
    with pytest.raises(NotFound):
        tokens.sign_out(world.actor("mallory"), str(other.token.id))
    tokens.end_sign_ins(world.accounts["bob"])
    with pytest.raises(Unauthenticated):
        tokens.actor_of(other.text)


def test_an_operator_signs_somebody_out_everywhere_and_forgets_lost_second_factors(world: World) -> None:
    bob = world.accounts["bob"]
    TOTP.activate(bob, generate_totp_secret())
    RecoveryCodes.activate(bob)
    browser, token = visit(world, "bob"), tokens.sign_in(bob, "laptop")
    assert browser.get("/o/acme/").status_code == 200
    accounts.sign_out_everywhere("Bob@example.com")
    assert browser.get("/o/acme/").status_code == 302
    with pytest.raises(Unauthenticated):
        tokens.actor_of(token.text)
    assert (Authenticator.objects.filter(user=bob).count(), mail.outbox) == (2, [])
    accounts.sign_out_everywhere("bob@example.com", forget_factors=True)
    assert not Authenticator.objects.filter(user=bob).exists()
    (told,) = mail.outbox
    assert (told.to, told.subject) == (["bob@example.com"], "[Livepin] Your second factors were removed")
    with pytest.raises(NotFound):
        accounts.sign_out_everywhere("nobody@example.com")
