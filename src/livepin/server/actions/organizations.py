"""Organizations: found, renamed. Their end is in deletions.py."""

from __future__ import annotations

from django.db import IntegrityError, transaction

from livepin.errors import Conflict, Forbidden, SecondFactorMissing, ValueInvalid
from livepin.server.actions import audit, identifiers, limits, second_factors
from livepin.server.actions.actor import Actor, May, Reach, organizations, reach
from livepin.server.models import Account, Membership, Organization


def create(actor: Actor, identifier: str, name: str = "") -> Organization:
    """A new organization, owned by whoever makes it. Raises `Conflict`, `LimitReached`, `ValueInvalid`, `Forbidden`."""
    account = _person(actor)
    identifiers.check(identifier, "identifier")
    with transaction.atomic():
        # Two at once must not both be the last one that the limit allows.
        Account.objects.select_for_update(no_key=True).get(id=account.id)
        limits.check_organizations(account)
        identifiers.check_unused(identifier)
        try:
            with transaction.atomic():
                organization = Organization.objects.create(identifier=identifier, name=named(name) or identifier)
        except IntegrityError:
            raise Conflict("identifier_taken", "there is such an organization already", where=identifier) from None
        Membership.objects.create(organization=organization, account=account, role="owner")
        audit.append(organization, actor, "organization created", identifier)
    return organization


def _person(actor: Actor) -> Account:
    if actor.account is None or actor.is_machine:
        raise Forbidden("forbidden", "a token of one organization cannot found another")
    return actor.account


def named(text: str) -> str:
    """A name for people: one line. Raises `ValueInvalid`."""
    if len(text) > 100 or any(ord(one) < 32 for one in text):
        raise ValueInvalid("value_invalid", "a name is one line of at most 100 characters", where="name")
    return text.strip()


def listed(actor: Actor) -> list[Organization]:
    """The organizations that the actor can see, by identifier."""
    return list(organizations(actor).order_by("identifier"))


def read(actor: Actor, organization: str) -> Reach:
    """One organization, and what the actor may do there. Raises `NotFound`."""
    return reach(actor, organization, May.READ)


def rename(actor: Actor, organization: str, name: str) -> Organization:
    """Give it another name for people; the identifier stays. Takes the right to manage."""
    reached = reach(actor, organization, May.MANAGE)
    with transaction.atomic():
        reached.organization.name = named(name) or organization
        reached.organization.save(update_fields=["name"])
        audit.append(reached.organization, actor, "organization renamed", organization)
    return reached.organization


def demand_second_factor(actor: Actor, organization: str, demanded: bool) -> Organization:
    """Let nobody in who has no second factor, or everybody again. Takes the right to own.

    Raises `SecondFactorMissing` where who demands it has none: they would be the first to be shut out.
    """
    reached = reach(actor, organization, May.OWN)
    with transaction.atomic():
        found = Organization.objects.select_for_update(no_key=True).get(id=reached.organization.id)
        if demanded and actor.account is not None and not second_factors.has(actor.account):
            hint = "Set up a passkey or one-time passwords yourself first."
            message = "you have no second factor yourself, and would be shut out"
            raise SecondFactorMissing("second_factor_missing", message, where=organization, hint=hint)
        if found.second_factor_required != demanded:
            found.second_factor_required = demanded
            found.save(update_fields=["second_factor_required"])
            what = "second factor demanded" if demanded else "second factor demanded no longer"
            audit.append(found, actor, what, organization)
    return found


def without_second_factor(reached: Reach) -> int:
    """How many members would be shut out, or are."""
    members = reached.organization.memberships.filter(account__is_active=True)
    return members.exclude(account__in=second_factors.holders()).count()
