"""Invitations: a role offered to an e-mail address, by a secret that works once, for a week.

The secret is proof that somebody reads the invited mail, or was given it by who invites. So it gives a role to an
account that has proved its own address; it does not prove an address to make an account with.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils import timezone

from livepin.errors import Conflict, LimitReached, NotFound, ValueInvalid
from livepin.server.actions import accounts, audit, mail, memberships, rates, secrets
from livepin.server.actions.actor import Actor, May, reach_whole
from livepin.server.models import Invitation, Membership, Organization
from livepin.server.settings import CONFIG

DAYS = 7
#: Invitations of one organization that wait: whoever invites sends mail to people who did not ask for it.
MOST = 200
#: Invitations of one address, by whomever: nobody who did not ask for mail is buried in it.
PER_MINUTE = 10
_MAIL = """You are invited to {organization} on Livepin, as {role}.

Open {address} and enter this code within {days} days:

{secret}

If you know nothing of this, do nothing.
"""


@dataclass(frozen=True, slots=True)
class NewInvitation:
    """An invitation that was just made: the only moment at which `secret` exists.

    `mailed`: whether the mail server took it; else who invites has to hand the secret over.
    """

    invitation: Invitation
    secret: str
    mailed: bool


def create(actor: Actor, organization: str, email: str, role: str) -> NewInvitation:
    """Invite an address by mail; an earlier invitation of it ends. Takes the right to manage; for an owner, to own.

    Raises `NotFound`, `Forbidden`, `ValueInvalid`, `Conflict` for a member, `LimitReached`, `RateLimited`.
    """
    memberships.check_role(role)
    email = _address(email)
    least = May.OWN if role == "owner" else May.MANAGE
    reached = reach_whole(actor, organization, least)
    # Of one address an earlier invitation ends: nothing else would bound how often mail goes there.
    rates.spend(f"invitations to {email}", PER_MINUTE)
    rates.spend(f"invitations of {reached.organization.id}", MOST)
    secret = secrets.new_secret()
    with transaction.atomic():
        Organization.objects.select_for_update(no_key=True).get(id=reached.organization.id)
        # Asked again under the lock: who was removed or demoted a moment ago must not leave an invitation behind.
        reach_whole(actor, organization, least)
        if reached.organization.memberships.filter(account__email=email).exists():
            raise Conflict("state_wrong", "this address belongs to a member", where="email")
        waiting = reached.organization.invitations.all()
        waiting.filter(email=email).delete()
        waiting.filter(expires_at__lte=timezone.now()).delete()
        if waiting.count() >= MOST:
            raise LimitReached("limit_reached", f"{MOST} invitations wait already", where=organization)
        invitation = Invitation.objects.create(
            organization=reached.organization,
            email=email,
            role=role,
            secret_hash=secrets.kept(secret),
            invited_by=actor.account,
            expires_at=timezone.now() + timedelta(days=DAYS),
        )
        audit.append(reached.organization, actor, "member invited", str(invitation.id), role=role)
    address = f"{CONFIG.public_url}/invitation/"
    text = _MAIL.format(organization=organization, role=role, address=address, days=DAYS, secret=secret)
    return NewInvitation(invitation, secret, mail.send(email, "An invitation", text))


def _address(email: str) -> str:
    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError:
        raise ValueInvalid("value_invalid", "it is not an e-mail address", where="email") from None
    if len(email) > 254:
        raise ValueInvalid("value_invalid", "it is longer than 254 characters", where="email")
    return email


def listed(actor: Actor, organization: str) -> list[Invitation]:
    """The invitations that wait, newest first. Takes the right to manage. Raises `NotFound`, `Forbidden`."""
    reached = reach_whole(actor, organization, May.MANAGE)
    waiting = reached.organization.invitations.filter(expires_at__gt=timezone.now())
    return list(waiting.select_related("invited_by").order_by("-created_at", "id"))


def revoke(actor: Actor, organization: str, invitation_id: str) -> None:
    """End an invitation. Takes the right to manage. Raises `NotFound`, `Forbidden`."""
    reached = reach_whole(actor, organization, May.MANAGE)
    with transaction.atomic():
        found = reached.organization.invitations.filter(id=invitation_id)
        if not found.delete()[0]:
            raise NotFound("not_found", "there is no such invitation", where=invitation_id)
        audit.append(reached.organization, actor, "invitation revoked", invitation_id)


def find(secret: str) -> Invitation:
    """The invitation of a secret, with its organization. Raises `NotFound` (`link_invalid`)."""
    found = (
        Invitation.objects.select_related("organization")
        .filter(
            secret_hash=secrets.kept(secret),
            expires_at__gt=timezone.now(),
            organization__deletion_requested_at=None,
        )
        .first()
    )
    if found is None:
        raise NotFound("link_invalid", "the invitation is unknown, used or out of date")
    return found


def accept(actor: Actor, secret: str) -> Membership:
    """Become a member. Takes a person. Raises `NotFound` (`link_invalid`), `Forbidden`, `Conflict` for a member."""
    account = accounts.person(actor)
    with transaction.atomic():
        found = find(secret)
        organization = Organization.objects.select_for_update(no_key=True).get(id=found.organization_id)
        if organization.memberships.filter(account=account).exists():
            raise Conflict("state_wrong", "you are a member already", where=organization.identifier)
        # Of two at once, one deletes the row.
        if not Invitation.objects.filter(id=found.id).delete()[0]:
            raise NotFound("link_invalid", "the invitation is unknown, used or out of date")
        membership = Membership.objects.create(organization=organization, account=account, role=found.role)
        audit.append(organization, actor, "invitation accepted", str(account.id), role=found.role)
    return membership
