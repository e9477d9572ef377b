"""Plan limits: on organizations an account, projects and hosts an organization. Pins and certificates have none."""

from __future__ import annotations

from dataclasses import dataclass

from livepin.errors import LimitReached
from livepin.server.models import Account, Host, Organization, Project
from livepin.server.settings import CONFIG


@dataclass(frozen=True, slots=True)
class Use:
    """How much of a plan is used. `most` 0: there is no limit."""

    what: str
    used: int
    most: int


def check_organizations(account: Account) -> None:
    """Raise `LimitReached` unless an account may own another organization."""
    owned = account.memberships.filter(role="owner").count()
    _check(owned + 1, CONFIG.organizations_per_account, "organizations for one account")


def check_projects(organization: Organization) -> None:
    """Raise `LimitReached` unless an organization may have another project."""
    projects = _projects(organization)
    _check(projects.used + 1, projects.most, "projects in this organization")


def check_hosts(organization: Organization, more: int = 1) -> None:
    """Raise `LimitReached` unless an organization may have that many hosts more; hosts of all projects count."""
    hosts = _hosts(organization)
    _check(hosts.used + more, hosts.most, "hosts in this organization")


def uses(organization: Organization) -> tuple[Use, ...]:
    """How much of its plan an organization uses, for who can see it."""
    return _projects(organization), _hosts(organization)


def _projects(organization: Organization) -> Use:
    limit = organization.projects_limit
    most = CONFIG.projects_per_organization if limit is None else limit
    return Use("projects", Project.objects.filter(organization=organization).count(), most)


def _hosts(organization: Organization) -> Use:
    limit = organization.hosts_limit
    most = CONFIG.hosts_per_organization if limit is None else limit
    return Use("hosts", Host.objects.filter(project__organization=organization).count(), most)


def _check(wanted: int, most: int, what: str) -> None:
    if most and wanted > most:
        raise LimitReached("limit_reached", f"the plan allows {most} {what}; this would make {wanted}")
