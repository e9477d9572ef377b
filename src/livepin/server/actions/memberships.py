"""Memberships: who belongs to an organization, in which role; roles changed, members removed, leaving.

Threats: an admin who makes themselves owner or removes the owners; an organization that nobody owns any more;
somebody who was removed and comes back by a token or an invitation that they kept.
"""

from __future__ import annotations

from django.db import transaction

from livepin.errors import Conflict, NotFound, ValueInvalid
from livepin.server.actions import accounts, audit, tokens
from livepin.server.actions.actor import ORDER, ROLES, Actor, May, Reach, reach_to_leave, reach_whole
from livepin.server.models import Membership, Organization

#: Which warnings come to a member by mail: all, what is wrong now or ends very soon, or none.
MAIL = ("all", "pressing", "none")


def listed(actor: Actor, organization: str, after: str = "", most: int = 100) -> list[Membership]:
    """At most `most` members after the e-mail address `after`, in that order. Raises `NotFound`, `Forbidden`."""
    reached = reach_whole(actor, organization, May.READ)
    rows = reached.organization.memberships.select_related("account").filter(account__email__gt=after)
    return list(rows.order_by("account__email")[:most])


def check_role(role: str) -> None:
    """Raise `ValueInvalid` for what is no role."""
    if role not in ROLES:
        raise ValueInvalid("value_invalid", f"it is none of {', '.join(ROLES)}", where="role")


def mine(actor: Actor, organization: str) -> Membership:
    """One's own membership. Takes no right, but a person. Raises `NotFound`, `Forbidden`."""
    reached = reach_whole(actor, organization, May.READ)
    return reached.organization.memberships.get(account=accounts.person(actor))


def choose_mail(actor: Actor, organization: str, mail: str, *, knowingly: bool = False) -> Membership:
    """Choose which warnings come to oneself by mail, one of `MAIL`; `knowingly`: asked of an owner who wants none.

    Raises `NotFound`, `Forbidden`, `ValueInvalid`.
    """
    if mail not in MAIL:
        raise ValueInvalid("value_invalid", f"it is none of {', '.join(MAIL)}", where="mail")
    reached = reach_whole(actor, organization, May.READ)
    account = accounts.person(actor)
    with transaction.atomic():
        found = _locked(reached, str(account.id))
        if mail == "none" and found.role == "owner" and found.mail != "none" and not knowingly:
            message = "an owner who gets no mail may hear of an outage from customers: say that it is meant"
            raise ValueInvalid("value_invalid", message, where="knowingly")
        if mail != found.mail:
            found.mail = mail
            found.save(update_fields=["mail"])
            audit.append(reached.organization, actor, "warning mail chosen", str(account.id), mail=mail)
    return found


def change_role(actor: Actor, organization: str, account_id: str, role: str) -> Membership:
    """Give a member another role. Takes the right to manage, and where an owner is made or unmade, to own.

    Raises `NotFound`, `Forbidden`, `ValueInvalid`, `Conflict` (`last_owner`).
    """
    check_role(role)
    reached = reach_whole(actor, organization, May.MANAGE)
    with transaction.atomic():
        found = _locked(reached, account_id)
        if "owner" in (role, found.role):
            reached.need(May.OWN)
        if role == found.role:
            return found
        _keep_an_owner(found)
        before, found.role = found.role, role
        if role == "owner" and found.mail == "none":
            # They chose it as somebody else; an owner goes without only knowingly.
            found.mail = "pressing"
        found.save(update_fields=["role", "mail"])
        if ORDER.index(ROLES[role]) < ORDER.index(ROLES[before]):
            _forget_invitations(found)
        audit.append(reached.organization, actor, "role changed", account_id, role=role)
    return found


def remove(actor: Actor, organization: str, account_id: str) -> None:
    """Remove a member, or leave: then it takes no right, but a person. Their tokens end with the membership.

    Raises `NotFound`, `Forbidden`, `Conflict` (`last_owner`).
    """
    leaving = actor.account is not None and str(actor.account.id) == account_id
    if leaving:
        accounts.person(actor)
    reached = reach_to_leave(actor, organization) if leaving else reach_whole(actor, organization, May.MANAGE)
    with transaction.atomic():
        found = _locked(reached, account_id)
        if found.role == "owner" and not leaving:
            reached.need(May.OWN)
        _keep_an_owner(found)
        _forget_invitations(found)
        tokens.end_all(reached.organization, found.account)
        found.delete()
        audit.append(reached.organization, actor, "member left" if leaving else "member removed", account_id)


def _locked(reached: Reach, account_id: str) -> Membership:
    """A membership, under the organization's lock: owners are counted one change at a time."""
    Organization.objects.select_for_update(no_key=True).get(id=reached.organization.id)
    found = reached.organization.memberships.select_related("account").filter(account_id=account_id).first()
    if found is None:
        raise NotFound("not_found", "there is no such member", where=account_id)
    # Asked again under the lock: whoever acts may have been removed or demoted meanwhile.
    actor = reached.actor
    again = reach_to_leave(actor, reached.organization.identifier)
    if again.most != reached.most:
        raise Conflict("state_wrong", "your own role changed meanwhile", where=reached.organization.identifier)
    return found


def _keep_an_owner(found: Membership) -> None:
    """Raise `Conflict` for the only owner."""
    owners = found.organization.memberships.filter(role="owner", account__is_active=True)
    if found.role == "owner" and not owners.exclude(account=found.account_id).exists():
        raise Conflict("last_owner", "this is the only owner", where=found.organization.identifier)


def _forget_invitations(found: Membership) -> None:
    """Whoever goes, or may less than before, must not come back by an invitation whose secret they know.

    All of theirs, also those to a role that they could offer still: an owner made an admin keeps nothing.
    """
    found.organization.invitations.filter(invited_by=found.account).delete()
