"""Who acts, and what they may: the one place in which access is decided.

    role        read  stage  publish  manage  own
    viewer       x
    editor       x     x
    publisher    x     x      x
    admin        x     x      x        x
    owner        x     x      x        x       x

A token of scope `read`, `stage` or `publish` may that at most, in its organization or project, and never more than
its account may at that moment. What an actor may not see is answered like what does not exist.

An organization may demand a second factor of its members: one whose account has none sees that it exists, and may
nothing there but leave; nor may their tokens. An account that has one has proved it in each of its sessions, since
the first one that it gets ends all others (web/adapter.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from django.db import models

from livepin.errors import Forbidden, NotFound, SecondFactorMissing
from livepin.server.actions import second_factors
from livepin.server.models import Account, ApiToken, Membership, Organization, Project


class May(StrEnum):
    """What can be done, from the least to the most."""

    READ = "read"
    STAGE = "stage"
    PUBLISH = "publish"
    MANAGE = "manage"
    OWN = "own"


ROLES: dict[str, May] = {
    "viewer": May.READ,
    "editor": May.STAGE,
    "publisher": May.PUBLISH,
    "admin": May.MANAGE,
    "owner": May.OWN,
}
SCOPES = (May.READ, May.STAGE, May.PUBLISH)
#: The scope of a token that comes from signing in.
ACCOUNT_SCOPE = "account"

#: What to do where no token of an organization may ever do it.
AS_ONESELF = "Do it as yourself: sign in with `livepin login`, or in the dashboard."

#: Rights, from the least to the most.
ORDER = tuple(May)


@dataclass(frozen=True, slots=True)
class Actor:
    """A person, perhaps by means of a token; or the server itself, which has no account and may everything.

    `seen`: for one request that only reads, what was reached in it already. Whoever changes something is asked each
    time, also under the lock, and has none.
    """

    account: Account | None
    token: ApiToken | None = None
    seen: dict[tuple[str, str, bool], Reach] | None = field(default=None, compare=False, repr=False)

    @property
    def name(self) -> str:
        """What the audit trail calls this actor: an ID, which means nothing once the account is gone."""
        if self.account is None:
            return "server"
        return f"token {self.token.id}" if self.token is not None else f"account {self.account.id}"

    @property
    def is_machine(self) -> bool:
        """Whether it is a token of an organization that acts, and not a person."""
        return self.token is not None and self.token.scope != ACCOUNT_SCOPE


#: The server's own jobs: renewals, schedules, purges.
SERVER = Actor(None)


@dataclass(frozen=True, slots=True)
class Reach:
    """An organization as one actor reaches it, and perhaps one of its projects.

    `proved`: false where the organization demands a second factor that the actor's account has not.
    """

    actor: Actor
    organization: Organization
    most: May
    project: Project | None = None
    proved: bool = True

    def need(self, may: May) -> None:
        """Raise `Forbidden` unless the actor may do this here."""
        if not self.may(may):
            message = f"this takes the right to {may.value}; there is only the right to {self.most.value}"
            hint = AS_ONESELF if self.actor.is_machine and may not in SCOPES else ""
            raise Forbidden("forbidden", message, where=str(self.project or self.organization), hint=hint)

    def need_factor(self) -> None:
        """Raise `SecondFactorMissing` where one is demanded that the account has not."""
        if not self.proved:
            message = "this organization demands a second factor of its members, and your account has none"
            hint = "Set one up in the dashboard: your account, *Passkeys, one-time passwords*. Tokens work again then."
            raise SecondFactorMissing("second_factor_missing", message, where=self.organization.identifier, hint=hint)

    def may(self, may: May) -> bool:
        """Whether the actor may do this here."""
        return ORDER.index(may) <= ORDER.index(self.most)


def reach(actor: Actor, organization: str, may: May, *, ending: bool = False) -> Reach:
    """An organization by its identifier, for an actor who may do `may` there. Raises `NotFound`, `Forbidden`.

    `ending`: one whose deletion was asked for, which nobody finds otherwise.
    """
    reached = _found(actor, organization, ending=ending)
    reached.need_factor()
    reached.need(may)
    return reached


def reach_to_leave(actor: Actor, organization: str) -> Reach:
    """An organization for a member who gives something up there: takes no second factor. Raises `NotFound`."""
    return _found(actor, organization)


def _found(actor: Actor, organization: str, *, ending: bool = False) -> Reach:
    reached = _seen(actor, (organization, "", ending), _reached)
    if reached is None:
        raise NotFound("not_found", "there is no such organization", where=organization)
    return reached


def _seen(
    actor: Actor, what: tuple[str, str, bool], look: Callable[[Actor, tuple[str, str, bool]], Reach | None]
) -> Reach | None:
    if actor.seen is not None and what in actor.seen:
        return actor.seen[what]
    reached = look(actor, what)
    if actor.seen is not None and reached is not None:
        actor.seen[what] = reached
    return reached


def _reached(actor: Actor, what: tuple[str, str, bool]) -> Reach | None:
    """An organization, for whoever sees it."""
    identifier, _, ending = what
    found = Organization.objects.filter(identifier=identifier, deletion_requested_at__isnull=not ending).first()
    most = None if found is None else _most(actor, found, None)
    return None if found is None or most is None else Reach(actor, found, most, proved=_proved(actor, found))


def reach_whole(actor: Actor, organization: str, may: May) -> Reach:
    """Like `reach`, for what belongs to no project: a token of one project has no business there."""
    reached = reach(actor, organization, May.READ)
    if actor.token is not None and actor.token.project_id is not None:
        message = "a token of one project sees only that"
        raise Forbidden("forbidden", message, where=organization, hint=AS_ONESELF)
    reached.need(may)
    return reached


def reach_project(
    actor: Actor, organization: str, project: str, may: May, *, ending: bool = False
) -> tuple[Reach, Project]:
    """A project by its identifiers, for an actor who may do `may` there. Raises `NotFound`, `Forbidden`.

    `ending`: one whose deletion was asked for, which nobody finds otherwise.
    """
    reached = _seen(actor, (organization, project, ending), _reached_project)
    if reached is None or reached.project is None:
        raise NotFound("not_found", "there is no such project", where=f"{organization}/{project}")
    reached.need_factor()
    reached.need(may)
    return reached, reached.project


def reach_locked(actor: Actor, organization: str, project: str, may: May) -> Project:
    """Like `reach_project`, in a transaction: the project's row is locked to its end.

    Whoever asked before is asked again under the lock: meanwhile the role may be gone, the project, or its version.
    """
    Project.objects.select_for_update(no_key=True).filter(
        organization__identifier=organization, identifier=project
    ).first()
    return reach_project(actor, organization, project, may)[1]


def _reached_project(actor: Actor, what: tuple[str, str, bool]) -> Reach | None:
    """A project, for whoever sees it."""
    organization, project, ending = what
    found = (
        Project.objects.select_related("organization")
        .filter(
            organization__identifier=organization,
            organization__deletion_requested_at=None,
            identifier=project,
            deletion_requested_at__isnull=not ending,
        )
        .first()
    )
    most = None if found is None else _most(actor, found.organization, found)
    if found is None or most is None:
        return None
    return Reach(actor, found.organization, most, found, _proved(actor, found.organization))


def _proved(actor: Actor, organization: Organization) -> bool:
    return not organization.second_factor_required or actor.account is None or second_factors.has(actor.account)


def organizations(actor: Actor) -> models.QuerySet[Organization]:
    """The organizations that an actor can see."""
    alive = Organization.objects.filter(deletion_requested_at=None)
    if actor.account is None:
        return alive
    seen = alive.filter(memberships__account=actor.account)
    if not actor.is_machine:
        return seen
    return seen.filter(tokens=actor.token)


def closed_to(account: Account) -> models.QuerySet[Organization]:
    """The organizations that show an account nothing, because it has no second factor."""
    demanding = Organization.objects.filter(second_factor_required=True)
    return demanding.none() if second_factors.has(account) else demanding


def projects(reached: Reach) -> models.QuerySet[Project]:
    """The projects of an organization that an actor can see."""
    seen = reached.organization.projects.filter(deletion_requested_at=None)
    token = reached.actor.token
    return seen if token is None or token.project_id is None else seen.filter(id=token.project_id)


def living_projects() -> models.QuerySet[Project]:
    """Every project of the server whose deletion nobody asked for: for what the server does by itself."""
    return Project.objects.filter(deletion_requested_at=None, organization__deletion_requested_at=None)


def _most(actor: Actor, organization: Organization, project: Project | None) -> May | None:
    """The most that an actor may do there; None for a stranger."""
    if actor.account is None:
        return May.OWN
    membership = Membership.objects.filter(organization=organization, account=actor.account).first()
    if membership is None or not actor.account.is_active:
        return None
    by_role, token = ROLES[membership.role], actor.token
    if token is None or token.scope == ACCOUNT_SCOPE:
        return by_role
    if token.organization_id != organization.id:
        return None
    if token.project_id is not None:
        if project is None:
            # It sees that its organization exists, and nothing of it that is not its project's.
            return May.READ
        if project.id != token.project_id:
            return None
    return min(by_role, May(token.scope), key=ORDER.index)
