"""Plan limits: on organizations an account, projects and hosts an organization. Pins and certificates have none."""

from __future__ import annotations

from livepin.errors import LimitReached
from livepin.server.models import Account, Host, Organization, Project
from livepin.server.settings import CONFIG


def check_organizations(account: Account) -> None:
    """Raise `LimitReached` unless an account may own another organization."""
    owned = account.memberships.filter(role="owner").count()
    _check(owned + 1, CONFIG.organizations_per_account, "organizations for one account")


def check_projects(organization: Organization) -> None:
    """Raise `LimitReached` unless an organization may have another project."""
    limit = organization.projects_limit
    most = CONFIG.projects_per_organization if limit is None else limit
    _check(Project.objects.filter(organization=organization).count() + 1, most, "projects in this organization")


def check_hosts(organization: Organization, more: int = 1) -> None:
    """Raise `LimitReached` unless an organization may have that many hosts more; hosts of all projects count."""
    limit = organization.hosts_limit
    most = CONFIG.hosts_per_organization if limit is None else limit
    _check(Host.objects.filter(project__organization=organization).count() + more, most, "hosts in this organization")


def _check(wanted: int, most: int, what: str) -> None:
    if most and wanted > most:
        raise LimitReached("limit_reached", f"the plan allows {most} {what}; this would make {wanted}")
