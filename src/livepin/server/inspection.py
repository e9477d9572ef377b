"""`livepin server check`: whether what is stored is whole, proves itself, and is what applications get."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.db import connection

from livepin.author.signers import managed
from livepin.core.trust import Trust, verify_held
from livepin.errors import DocumentRefused, LivepinError
from livepin.publish.deliver import published
from livepin.publish.origins.origin import Origin
from livepin.server import checks, keyring
from livepin.server.actions import audit, keys, second_factors
from livepin.server.actions.origins import origins
from livepin.server.config import Config
from livepin.server.models import Key, Organization, Project, Revision


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it should be. `part`: database, migrations, audit, revision, origin or key."""

    part: str
    where: str
    what: str


def inspect(config: Config) -> Iterator[Finding]:
    """Everything that is wrong. Reads a lot; changes nothing."""
    yield from _database()
    for check in checks.all_checks():
        if not check.ok and check.name in ("database", "migrations"):
            yield Finding(check.name, "", check.problem)
            return
    for organization in Organization.objects.order_by("identifier"):
        yield from _audit(organization)
    for project in Project.objects.select_related("organization").order_by("organization__identifier", "identifier"):
        yield from _project(project)
    yield from _keys(config)


def _database() -> Iterator[Finding]:
    if connection.vendor != "sqlite":
        return  # PostgreSQL watches over its own pages and references
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA integrity_check")
        yield from (Finding("database", "", line) for (line,) in cursor.fetchall() if line != "ok")
        cursor.execute("PRAGMA foreign_key_check")
        yield from (Finding("database", row[0], "a row refers to another that is gone") for row in cursor.fetchall())


def _audit(organization: Organization) -> Iterator[Finding]:
    entries = [{**audit.exported(one), "hash": one.hash} for one in organization.audit_entries.order_by("number")]
    broken = audit.first_broken(entries)
    if broken is not None:
        yield Finding("audit", organization.identifier, f"entry {broken} does not follow from those before it")
    end = (entries[-1]["number"], entries[-1]["hash"]) if entries else (0, "")
    if end != (organization.audit_count, organization.audit_hash):
        yield Finding(
            "audit", organization.identifier, f"it ends at {end[0]}, and should at {organization.audit_count}"
        )


def _project(project: Project) -> Iterator[Finding]:
    where = f"{project.organization.identifier}/{project.identifier}"
    if not project.anchors:
        return
    trust = keys.trust_of(project)
    for row in project.revisions.order_by("epoch", "serial"):
        yield from _revision(row, trust, where)
    for origin in origins():
        yield from _origin(origin, project, trust, where)


def _revision(row: Revision, trust: Trust, where: str) -> Iterator[Finding]:
    name = f"{where} {row.epoch}.{row.serial}"
    try:
        found = verify_held(row.text, trust)
    except DocumentRefused as error:
        yield Finding("revision", name, f"it does not verify ({error.step}): {error.message}")
        return
    if (found.number, found.digest) != ((row.epoch, row.serial), row.digest):
        yield Finding("revision", name, "it is stored under a number or digest that is not its own")


def _origin(origin: Origin, project: Project, trust: Trust, where: str) -> Iterator[Finding]:
    newest = project.revisions.order_by("-epoch", "-serial").first()
    try:
        held = published(origin, trust)
    except LivepinError as error:
        yield Finding("origin", where, error.message)
        return
    if newest is None or project.state != "active":
        return
    number = (newest.epoch, newest.serial)
    if held is None:
        yield Finding("origin", where, f"it serves no document of this project; the newest is {newest}")
    elif held.number < number:
        yield Finding("origin", where, f"it serves {held.epoch}.{held.serial}; the newest is {newest}")
    elif held.number > number:
        message = f"it serves {held.epoch}.{held.serial}, which is newer than {newest}: the next publish adopts it"
        yield Finding("origin", where, message)
    elif held.digest != newest.digest:
        yield Finding("origin", where, f"it serves another document than ours under {newest}")


def _keys(config: Config) -> Iterator[Finding]:
    for key in Key.objects.exclude(sealed="").select_related("project__organization"):
        owner = keys.owner_of(key.project)
        try:
            managed.check(key.sealed, owner, keyring.masters(config))
        except LivepinError as error:
            yield Finding("key", f"{owner.organization}/{owner.project}", error.message)
    yield from (Finding("key", whose, why) for whose, why in second_factors.unusable())
