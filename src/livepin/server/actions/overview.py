"""A project at a glance: what is live, what is staged, what ends when, and how its origins are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from livepin.core import trust as core
from livepin.errors import LivepinError
from livepin.publish.deliver import published as pointed_to
from livepin.server.actions import keys, revisions
from livepin.server.actions.actor import Actor, May, Reach, reach_project
from livepin.server.actions.origins import origins
from livepin.server.models import Look, Project, Publish, Revision
from livepin.server.settings import CONFIG
from livepin.watch.timeline import SeenCertificate, Timeline, timeline

#: How many hosts a picture shows: those whose certificates end first.
_LANES = 12


@dataclass(frozen=True, slots=True)
class OriginHealth:
    """One origin: the number that it has, and what is wrong with it, if anything is."""

    name: str
    number: str
    problem: str


@dataclass(frozen=True, slots=True)
class Overview:
    """`staged`: whether the draft was changed since it was published. `waiting`: publishes that wait for somebody."""

    reached: Reach
    project: Project
    published: Revision | None
    sign_again_at: datetime | None
    staged: bool
    waiting: tuple[Publish, ...]
    hosts: int
    origins: tuple[OriginHealth, ...]
    picture: Timeline | None


def read(actor: Actor, organization: str, project: str) -> Overview:
    """Everything that the first page of a project shows, in few queries whatever its size. Raises `NotFound`."""
    reached, found = reach_project(actor, organization, project, May.READ)
    row = revisions.current(found)
    opened = revisions.opened(found, row)
    return Overview(
        reached=reached,
        project=found,
        published=row,
        sign_again_at=None if row is None else revisions.sign_again_at(row),
        staged=_staged(found),
        waiting=tuple(found.publishes.filter(state__in=("waiting", "unsigned", "failed")).defer("payload")[:5]),
        hosts=found.hosts.count(),
        origins=() if row is None else tuple(_healths(found, row)),
        picture=None if opened is None else _picture(found, opened),
    )


def _staged(project: Project) -> bool:
    last = (
        project.publishes.filter(what="draft", state="published").order_by("-created_at").only("draft_version").first()
    )
    return project.draft_version > (1 if last is None else last.draft_version)


def _healths(project: Project, row: Revision) -> list[OriginHealth]:
    trust, wanted = keys.trust_of(project), (row.epoch, row.serial)
    found = []
    for origin in origins():
        try:
            held = pointed_to(origin, trust)
        except LivepinError as error:
            found.append(OriginHealth(origin.name, "", error.message))
            continue
        number = "" if held is None else f"{held.epoch}.{held.serial}"
        behind = "there is no document" if held is None else "it is behind" if held.number < wanted else ""
        found.append(OriginHealth(origin.name, number, behind))
    return found


def _picture(project: Project, published: core.Revision) -> Timeline:
    rows = Look.objects.filter(host__project=project).exclude(not_after=None).select_related("host")
    looks = [row for row in rows.order_by("not_after")[: 4 * _LANES] if row.chain]
    seen = [_seen(row) for row in looks]
    soonest = list(dict.fromkeys(row.host.pattern for row in looks))
    patterns = [*soonest, *(one for one in published.document.hosts if one not in soonest)][:_LANES]
    return timeline(int(timezone.now().timestamp()), published, seen, patterns)


def _seen(row: Look) -> SeenCertificate:
    leaf = row.chain[0]
    name = leaf["subject"] or ", ".join(leaf["names"][:1])
    return SeenCertificate(
        row.host.pattern, leaf["digests"]["spki_sha256"], name, leaf["not_before"], leaf["not_after"]
    )


def embedded(actor: Actor, organization: str, project: str) -> dict[str, str | list[str] | int]:
    """What an application embeds, by the names that set-up has for it. Raises `NotFound`."""
    _, found = reach_project(actor, organization, project, May.READ)
    anchors = list(found.anchors)
    given: dict[str, str | list[str] | int] = {
        "organization_id": organization,
        "project_id": project,
        "public_key": anchors[0] if len(anchors) == 1 else anchors,
        "configuration_url": found.url or CONFIG.origin_url,
    }
    return given if found.threshold == 1 else {**given, "threshold": found.threshold}
