"""The end of accounts, organizations and projects: asked for, taken back, done.

    asked for    it is closed at once: nobody finds it, nothing is signed or renewed, nobody signs in. What applications
                 have stays where it is, so that nothing breaks by a slip of the hand
    taken back   within `grace_days`, and all is as it was (but for publishes that were under way: they are cancelled)
    purged       by an hourly job, or `livepin server purge`: the objects on the origins first, then every row. What
                 remains of an identifier is a hash, so that it is never used again (design section 2)

Backups forget by themselves: the key of each is thrown away in time (backup.py), so that 30 days after the wish
nothing can be read anywhere. Applications that are still in use should be told before: `withdrawals.decommission`.

For pages: ask for another proof of who one is before `delete_organization`, `delete_project` and `close_account`, and
for the identifier, typed; show `pending` where organizations are listed, with `keep_organization` and `keep_project`
to take it back; `reopen_account` takes the code that was mailed, from somebody who is not signed in, at
`/account/reopen/`. After `close_account`, the visitor is signed out: answer with a page that needs nobody.

The audit trail of an organization names accounts by ID alone: it holds when a person is gone, and says nothing of
them. It keeps the identifiers of purged projects, and ends with its organization.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from livepin.errors import Conflict, NotFound, OriginFailed
from livepin.server.actions import accounts, audit, identifiers, mail, secrets, tokens, withdrawals
from livepin.server.actions.actor import ROLES, SERVER, Actor, May, closed_to, reach, reach_project
from livepin.server.models import (
    Account,
    ApiToken,
    Invitation,
    Link,
    Organization,
    Project,
    Publish,
    SignIn,
)
from livepin.server.settings import CONFIG

#: How long a token that is revoked or out of date is still listed in exports.
_KEEP_TOKENS = timedelta(days=30)
_UNFINISHED = ("checking", "waiting", "unsigned", "publishing", "failed")
_CLOSED = """Your account on Livepin is closed, as you asked. On {day} it will be deleted for good.

Until then you can take that back with this code:

{secret}

{address}

If it was not you who asked: take it back, then change your password.
"""


@dataclass(frozen=True, slots=True)
class Pending:
    """What will be purged at `purge_after`. `project` is empty where it is the whole organization."""

    organization: str
    project: str
    asked_at: datetime
    purge_after: datetime


@dataclass(frozen=True, slots=True)
class Closing:
    """An account that was just closed: the only moment at which `secret`, which reopens it, exists."""

    account: Account
    secret: str
    mailed: bool


@dataclass(slots=True)
class Purged:
    """How many of each are gone."""

    organizations: int = 0
    projects: int = 0
    accounts: int = 0


# ---------------------------------------------------------------- organizations and projects


def delete_organization(actor: Actor, organization: str) -> Pending:
    """Close an organization, to be purged after the days of grace. Takes the right to own.

    Raises `NotFound`, `Forbidden`.
    """
    reached = reach(actor, organization, May.OWN)
    with transaction.atomic():
        # Projects, publishes, the organization: as whoever publishes locks them, or two would wait for each other.
        list(reached.organization.projects.select_for_update(no_key=True).order_by("id").values_list("id"))
        _cancel(Publish.objects.filter(project__organization=reached.organization))
        found = Organization.objects.select_for_update(no_key=True).get(id=reached.organization.id)
        found.deletion_requested_at, found.purge_after = _term()
        found.save(update_fields=["deletion_requested_at", "purge_after"])
        audit.append(found, actor, "organization deletion asked for", organization, purge_after=_seconds(found))
    return _pending(found)


def delete_project(actor: Actor, organization: str, project: str) -> Pending:
    """Close a project, to be purged after the days of grace. Takes the right to manage.

    Raises `NotFound`, `Forbidden`.
    """
    _, found = reach_project(actor, organization, project, May.MANAGE)
    with transaction.atomic():
        found = (
            Project.objects.select_for_update(of=("self",), no_key=True).select_related("organization").get(id=found.id)
        )
        found.deletion_requested_at, found.purge_after = _term()
        found.save(update_fields=["deletion_requested_at", "purge_after"])
        _cancel(found.publishes.all())
        audit.append(found.organization, actor, "project deletion asked for", project, purge_after=_seconds(found))
    return _pending(found)


def keep_organization(actor: Actor, organization: str) -> Organization:
    """Take back the wish to delete an organization. Takes the right to own.

    Raises `NotFound` where nobody wished for it, `Forbidden`, and `Conflict` when it is too late.
    """
    reached = reach(actor, organization, May.OWN, ending=True)
    with transaction.atomic():
        found = Organization.objects.select_for_update(no_key=True).get(id=reached.organization.id)
        _keep(found)
        audit.append(found, actor, "organization deletion taken back", organization)
    return found


def keep_project(actor: Actor, organization: str, project: str) -> Project:
    """Take back the wish to delete a project. Takes the right to manage. Raises as `keep_organization`."""
    _, found = reach_project(actor, organization, project, May.MANAGE, ending=True)
    with transaction.atomic():
        found = (
            Project.objects.select_for_update(of=("self",), no_key=True).select_related("organization").get(id=found.id)
        )
        _keep(found)
        audit.append(found.organization, actor, "project deletion taken back", project)
    return found


def pending(actor: Actor) -> list[Pending]:
    """What the actor could still take back, what ends first foremost. Takes a person. Raises `Forbidden`."""
    account = accounts.person(actor)
    closed = closed_to(account)
    ending = Organization.objects.exclude(deletion_requested_at=None).exclude(id__in=closed)
    owned = ending.filter(memberships__account=account, memberships__role="owner")
    managing = [role for role, may in ROLES.items() if may in (May.MANAGE, May.OWN)]
    managed = (
        Project.objects.exclude(deletion_requested_at=None)
        .filter(
            organization__deletion_requested_at=None,
            organization__memberships__account=account,
            organization__memberships__role__in=managing,
        )
        .exclude(organization__in=closed)
    )
    ends = [_pending(one) for one in owned] + [_pending(one) for one in managed.select_related("organization")]
    return sorted(ends, key=lambda one: (one.purge_after, one.organization, one.project))


def _pending(found: Organization | Project) -> Pending:
    assert found.deletion_requested_at is not None
    assert found.purge_after is not None
    names = (
        (found.identifier, "") if isinstance(found, Organization) else (found.organization.identifier, found.identifier)
    )
    return Pending(*names, found.deletion_requested_at, found.purge_after)


def _term() -> tuple[datetime, datetime]:
    now = timezone.now()
    return now, now + timedelta(days=CONFIG.grace_days)


def _seconds(found: Organization | Project) -> int:
    return int(found.purge_after.timestamp()) if found.purge_after else 0


def _keep(found: Organization | Project) -> None:
    if found.purge_after is not None and found.purge_after <= timezone.now():
        # Objects may be gone from origins already.
        raise Conflict("state_wrong", "it is too late: it is being purged", where=found.identifier)
    found.deletion_requested_at = found.purge_after = None
    found.save(update_fields=["deletion_requested_at", "purge_after"])


def _cancel(publishes: QuerySet[Publish]) -> None:
    publishes.filter(state__in=_UNFINISHED).update(state="cancelled", finished_at=timezone.now())


# ---------------------------------------------------------------- accounts


def close_account(actor: Actor) -> Closing:
    """Close one's own account, to be purged after the days of grace. Takes a person.

    It is signed out everywhere, and its tokens stop working. The code that takes it back is mailed, and answered
    once. Raises `Forbidden`, and `Conflict` (`last_owner`) where an organization would be left to nobody.
    """
    account = accounts.person(actor)
    secret = secrets.new_secret()
    with transaction.atomic():
        found = Account.objects.select_for_update(no_key=True).get(id=account.id)
        _check_not_last_owner(found)
        found.is_active = False
        found.deletion_requested_at, found.purge_after = _term()
        found.save(update_fields=["is_active", "deletion_requested_at", "purge_after"])
        Link.objects.create(secret_hash=secrets.kept(secret), use="reopen", account=found, expires_at=found.purge_after)
        tokens.end_sign_ins(found)
        accounts.end_sessions(found)
    text = _CLOSED.format(
        day=f"{found.purge_after:%-d %B %Y}", secret=secret, address=f"{CONFIG.public_url}/account/reopen/"
    )
    return Closing(found, secret, mail.send(found.email, "Your account is closed", text))


def _check_not_last_owner(account: Account) -> None:
    """Raise `Conflict` where somebody else has to be made an owner, or the organization be deleted, first."""
    owned = Organization.objects.filter(
        deletion_requested_at=None, memberships__account=account, memberships__role="owner"
    ).order_by("identifier")
    for organization in owned:
        Organization.objects.select_for_update(no_key=True).get(id=organization.id)
        others = organization.memberships.filter(role="owner", account__is_active=True).exclude(account=account)
        if not others.exists():
            hint = "Make somebody else an owner, or delete the organization first."
            raise Conflict("last_owner", "you are its only owner", where=organization.identifier, hint=hint)


def reopen_account(secret: str) -> Account:
    """Take back the closing of an account by the code that was mailed. Raises `NotFound` (`link_invalid`)."""
    with transaction.atomic():
        link = Link.objects.filter(
            secret_hash=secrets.kept(secret), use="reopen", expires_at__gt=timezone.now()
        ).first()
        if link is None or link.account_id is None or not Link.objects.filter(secret_hash=link.secret_hash).delete()[0]:
            raise NotFound("link_invalid", "the code is unknown, used or out of date")
        return _reopened(Account.objects.select_for_update(no_key=True).get(id=link.account_id))


def reopen_account_of(email: str) -> Account:
    """The same for an operator, who knows the address. Raises `NotFound`, `Conflict` when it is too late."""
    with transaction.atomic():
        found = Account.objects.select_for_update(no_key=True).filter(email=email.strip().lower()).first()
        if found is None or found.deletion_requested_at is None:
            raise NotFound("not_found", "no account of this address is closed", where=email[:254])
        if found.purge_after is not None and found.purge_after <= timezone.now():
            raise Conflict("state_wrong", "it is too late: it is being purged", where=email[:254])
        return _reopened(found)


def _reopened(account: Account) -> Account:
    account.is_active = True
    account.deletion_requested_at = account.purge_after = None
    account.save(update_fields=["is_active", "deletion_requested_at", "purge_after"])
    Link.objects.filter(account=account, use="reopen").delete()
    return account


# ---------------------------------------------------------------- purging


def purge_due(now: datetime | None = None) -> Purged:
    """Purge what is due, and what nobody can use any more. Safe to repeat, and to be interrupted anywhere.

    Raises the last `OriginFailed` when all the rest is done: what it concerns stays, and is tried again.
    """
    moment, gone = now or timezone.now(), Purged()
    failed: OriginFailed | None = None
    for organization in Organization.objects.filter(purge_after__lte=moment):
        try:
            gone.organizations += _purge_organization(organization, moment)
        except OriginFailed as error:
            failed = error
    for project in Project.objects.filter(purge_after__lte=moment).select_related("organization"):
        try:
            gone.projects += _purge_project(project, moment)
        except OriginFailed as error:
            failed = error
    for account in Account.objects.filter(purge_after__lte=moment):
        gone.accounts += _purge_account(account)
    _forget_useless(moment)
    if gone != Purged():
        wipe()
    if failed is not None:
        raise failed
    return gone


def _purge_organization(organization: Organization, moment: datetime) -> bool:
    projects = list(organization.projects.select_related("organization"))
    if _busy(Publish.objects.filter(project__organization=organization), moment):
        return False
    for project in projects:
        withdrawals.remove_all(project)
    with transaction.atomic():
        for project in projects:
            identifiers.retire(organization.identifier, project.identifier)
        identifiers.retire(organization.identifier)
        organization.delete()
    return True


def _purge_project(project: Project, moment: datetime) -> bool:
    if _busy(project.publishes.all(), moment):
        return False
    withdrawals.remove_all(project)
    with transaction.atomic():
        identifiers.retire(project.organization.identifier, project.identifier)
        audit.append(project.organization, SERVER, "project purged", project.identifier)
        project.delete()
    return True


def _busy(publishes: QuerySet[Publish], moment: datetime) -> bool:
    """Whether a worker may still put an object somewhere: then the next hour is early enough."""
    return publishes.filter(leased_until__gt=moment).exists()


def _purge_account(account: Account) -> bool:
    with transaction.atomic():
        accounts.end_sessions(account)
        Invitation.objects.filter(email=account.email).delete()
        account.delete()
    return True


def _forget_useless(moment: datetime) -> None:
    """Forget what is out of date and holds an address, a name, or whom somebody was."""
    for model in (Invitation, Link, SignIn):
        model.objects.filter(expires_at__lte=moment).delete()
    Session.objects.filter(expire_date__lte=moment).delete()
    UserSession.objects.exclude(session_key__in=Session.objects.values("session_key")).delete()
    ApiToken.objects.filter(expires_at__lte=moment - _KEEP_TOKENS).delete()
    ApiToken.objects.filter(revoked_at__lte=moment - _KEEP_TOKENS).delete()


def wipe() -> None:
    """Have the database give up the bytes of deleted rows, as far as it does so on request.

    SQLite overwrites them (`secure_delete`) and empties its log of changes. PostgreSQL makes their space free for
    others; its own log and archives are the operator's to let expire (docs/data.md).
    """
    if connection.in_atomic_block:
        return  # a caller's transaction is still open: nothing is deleted yet
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)" if connection.vendor == "sqlite" else "VACUUM")
