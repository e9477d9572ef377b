"""An organization demands a second factor: who has none is let in nowhere, by no door, until one is set up."""

from __future__ import annotations

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.signals import authenticator_added
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.test import Client, RequestFactory

from livepin.author.draft import HostEntry, PinEntry
from livepin.errors import Forbidden, SecondFactorMissing
from livepin.publish.origins.folder import FolderOrigin
from livepin.server.actions import deletions, hosts, memberships, organizations, overview, publishes, tokens
from livepin.server.models import AuditEntry, Membership
from tests.server.api.caller import OPERATIONS, Caller
from tests.server.api.test_access import TABLE
from tests.server.test_drafts import host
from tests.server.web.test_hosts import visit
from tests.server.web.test_tenancy import LEAST, ask, end, path
from tests.server.world import World

PINS = tuple(PinEntry("spki_sha256", letter * 42 + "A=") for letter in "AB")


def factor(world: World, name: str) -> Authenticator:
    made: Authenticator = TOTP.activate(world.accounts[name], generate_totp_secret()).instance
    return made


@pytest.fixture
def strict(world: World) -> World:
    """Acme demands a second factor; Alice has one, and nobody else."""
    factor(world, "alice")
    organizations.demand_second_factor(world.actor("alice"), "acme", demanded=True)
    world.organization.refresh_from_db()
    return world


# ---------------------------------------------------------------- who demands it


def test_an_owner_who_has_one_demands_it_and_no_longer_and_the_trail_says_so(world: World) -> None:
    with pytest.raises(SecondFactorMissing):
        organizations.demand_second_factor(world.actor("alice"), "acme", demanded=True)
    factor(world, "alice")
    factor(world, "ada")
    with pytest.raises(Forbidden):
        organizations.demand_second_factor(world.actor("ada"), "acme", demanded=True)
    for demanded in (True, True, False, False):
        organizations.demand_second_factor(world.actor("alice"), "acme", demanded=demanded)
    said = AuditEntry.objects.filter(what__startswith="second factor").order_by("number")
    assert [one.what for one in said] == ["second factor demanded", "second factor demanded no longer"]


def test_the_page_says_how_many_are_shut_out_and_the_api_whether(strict: World) -> None:
    said = visit(strict, "alice").get("/o/acme/settings/").content.decode()
    assert "4 members at present" in said
    answer = Caller.of(strict, "alice").call("organizations_read", organization="acme")
    assert answer.json()["second_factor_required"] is True


# ---------------------------------------------------------------- who has none


@pytest.mark.parametrize("name", [name for name, least in LEAST.items() if least is not None])
def test_no_page_of_it_shows_or_changes_anything_for_who_has_none(strict: World, name: str) -> None:
    end(strict, name)
    before = AuditEntry.objects.count()
    Membership.objects.filter(account=strict.accounts["ada"]).update(role="owner")
    status, said = ask(visit(strict, "ada"), name, path(name))
    assert status == 403
    assert "second factor" in said
    assert "/account/2fa/totp/activate/" in said
    assert "shop" not in said
    assert AuditEntry.objects.count() == before


#: All but leaving, and taking back what nobody wished for (which pages above do).
THERE = [name for name, row in TABLE.items() if "organization" in row.given and row.answers[0] != "N"]
THERE.remove("members_remove")


@pytest.mark.parametrize("operation", THERE)
def test_no_token_of_theirs_is_worth_anything_there(strict: World, operation: str) -> None:
    paul = strict.accounts["paul"]
    Membership.objects.filter(account=paul).update(role="owner")
    given = {name: str(value).strip("{}") for name, value in TABLE[operation].given.items()}
    for member in OPERATIONS[operation][2].get("parameters", ()):
        if member["schema"].get("format") == "uuid":
            given[member["name"]] = str(paul.id)
    signed_in = Caller.of(strict, "paul")
    organizations.demand_second_factor(strict.actor("alice"), "acme", demanded=False)
    of_it = Caller(tokens.create(strict.actor("paul"), "acme", "ci", "publish", 30, "").text)
    organizations.demand_second_factor(strict.actor("alice"), "acme", demanded=True)
    for caller in (signed_in, of_it):
        answer = caller.call(operation, TABLE[operation].body, **given)
        # What takes a person is refused to a token of the organization before anything else.
        refused = ("second_factor_missing",) if caller is signed_in else ("second_factor_missing", "forbidden")
        assert answer.status_code == 403, answer.content
        assert answer.json()["code"] in refused, answer.content


def test_lists_tell_that_it_exists_and_no_more(strict: World) -> None:
    said = visit(strict, "bob").get("/").content.decode()
    assert "takes a second factor" in said
    (row,) = overview.belonging(strict.actor("bob"))
    assert (row.closed, row.projects, row.failed) == (True, 0, 0)
    deletions.delete_project(strict.actor("alice"), "acme", "shop")
    assert deletions.pending(strict.actor("ada")) == []
    assert len(deletions.pending(strict.actor("alice"))) == 1


def test_recovery_codes_alone_are_no_second_factor(strict: World) -> None:
    RecoveryCodes.activate(strict.accounts["bob"])
    with pytest.raises(SecondFactorMissing):
        hosts.put(strict.actor("bob"), "acme", "shop", None, host())


def test_a_stranger_learns_nothing_of_the_demand(strict: World) -> None:
    assert visit(strict, "mallory").get("/o/acme/").status_code == 404


# ---------------------------------------------------------------- the way back, and the way out


@pytest.mark.parametrize("kind", ["totp", "webauthn"])
def test_whoever_sets_one_up_goes_on_and_whoever_removes_it_does_not(strict: World, kind: str) -> None:
    bob = strict.accounts["bob"]
    made = Authenticator.objects.create(user=bob, type=kind, data={})
    hosts.put(strict.actor("bob"), "acme", "shop", None, host())
    assert visit(strict, "bob").get("/o/acme/p/shop/").status_code == 200
    made.delete()
    with pytest.raises(SecondFactorMissing):
        hosts.put(strict.actor("bob"), "acme", "shop", None, host("b.example.com"))


def test_whoever_is_shut_out_may_leave_and_end_their_tokens(strict: World) -> None:
    organizations.demand_second_factor(strict.actor("alice"), "acme", demanded=False)
    token = Caller(tokens.create(strict.actor("bob"), "acme", "ci", "read", 30).text)
    organizations.demand_second_factor(strict.actor("alice"), "acme", demanded=True)
    assert token.call("me_sign_out").status_code == 204
    assert token.call("me_read").status_code == 401
    memberships.remove(strict.actor("bob"), "acme", str(strict.accounts["bob"].id))
    assert not Membership.objects.filter(account=strict.accounts["bob"]).exists()


def test_a_publish_that_waits_does_not_go_on_for_who_has_none(world: World, origin: FolderOrigin) -> None:
    factor(world, "alice")
    hosts.put(world.actor("bob"), "acme", "shop", None, HostEntry("api.example.com", "off", PINS))
    asked = publishes.start(world.actor("paul"), "acme", "shop")
    organizations.demand_second_factor(world.actor("alice"), "acme", demanded=True)
    done = publishes.wait(world.actor("alice"), "acme", "shop", str(asked.id))
    assert (done.state, (done.problem or {}).get("code")) == ("failed", "forbidden")


def test_the_first_factor_ends_every_other_session(world: World) -> None:
    here, elsewhere = visit(world, "bob"), visit(world, "bob")
    for client in (here, elsewhere):
        assert client.get("/o/acme/").status_code == 200
    made = factor(world, "bob")
    request = RequestFactory().post("/account/2fa/totp/activate/")
    request.session = here.session
    authenticator_added.send(sender=Authenticator, request=request, user=world.accounts["bob"], authenticator=made)
    assert here.get("/o/acme/").status_code == 200
    assert elsewhere.get("/o/acme/").status_code == 302


def test_who_demands_it_in_the_browser_proves_who_they_are_first(strict: World) -> None:
    answer = visit(strict, "alice").post("/o/acme/second-factor/", {"required": "0"})
    assert answer.status_code == 302
    assert "reauthenticate" in answer.headers["Location"]
    strict.organization.refresh_from_db()
    assert strict.organization.second_factor_required
    assert Client().post("/o/acme/second-factor/", {"required": "0"}).status_code == 302
