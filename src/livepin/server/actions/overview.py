"""Projects at a glance: what is live, what is staged, what ends when, what the guard says, and how origins are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from django.db.models import Count, Min, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from livepin.core import trust as core
from livepin.errors import LivepinError
from livepin.publish.deliver import published as pointed_to
from livepin.server.actions import freshness, keys, revisions, warnings
from livepin.server.actions.actor import Actor, May, Reach, closed_to, organizations, projects, reach, reach_project
from livepin.server.actions.origins import origins, shown_name
from livepin.server.actions.warnings import Shown
from livepin.server.models import Host, Look, Membership, Organization, Project, Publish, Revision
from livepin.server.settings import CONFIG
from livepin.watch.timeline import SeenCertificate, Timeline, timeline

#: How many hosts a picture shows: those whose certificates end first.
_LANES = 12
#: Publishes in these states go on when somebody does something.
_WAITING = ("waiting", "unsigned", "failed")
#: Something newer is published instead: nothing is left to be done about it, and nobody is called for it.
_MOOT = Q(problem__code="superseded")


@dataclass(frozen=True, slots=True)
class OriginHealth:
    """One origin: the number that it has, and what is wrong with it, if anything is."""

    name: str
    number: str
    problem: str


@dataclass(frozen=True, slots=True)
class Checked:
    """What the guard said to the draft as it is now: when, and its findings as `checks.as_json` has them."""

    at: datetime
    findings: tuple[dict[str, Any], ...]

    @property
    def open(self) -> int:
        """How many findings refuse the publish."""
        return sum(one["state"] == "open" for one in self.findings)


@dataclass(frozen=True, slots=True)
class Overview:
    """`staged`: whether the draft was changed since it was published. `waiting`: publishes that wait for somebody.

    `checked` is None where nobody asked the guard since the draft was changed.
    """

    reached: Reach
    project: Project
    published: Revision | None
    sign_again_at: datetime | None
    staged: bool
    waiting: tuple[Publish, ...]
    hosts: int
    checked: Checked | None
    origins: tuple[OriginHealth, ...]
    picture: Timeline | None
    warnings: tuple[Shown, ...]


@dataclass(frozen=True, slots=True)
class Belonging:
    """An organization that somebody belongs to, and as what. `failed`: publishes of it that failed and still wait."""

    organization: Organization
    role: str
    projects: int
    failed: int
    closed: bool


def belonging(actor: Actor) -> list[Belonging]:
    """The organizations that the actor can see, by identifier, in one query."""
    alive = Project.objects.filter(organization=OuterRef("pk"), deletion_requested_at=None).order_by()
    failed = Publish.objects.filter(project__organization=OuterRef("pk"), project__deletion_requested_at=None)
    rows: QuerySet[Any] = organizations(actor).annotate(
        role=Subquery(Membership.objects.filter(organization=OuterRef("pk"), account=actor.account).values("role")[:1]),
        project_count=_many(alive, "organization"),
        failed_count=_many(failed.filter(state="failed").exclude(_MOOT), "project__organization"),
    )
    closed = set() if actor.account is None else set(closed_to(actor.account).values_list("id", flat=True))
    return [
        Belonging(one, one.role, 0, 0, closed=True)
        if one.id in closed
        else Belonging(one, one.role, one.project_count, one.failed_count, closed=False)
        for one in rows.order_by("identifier")
    ]


@dataclass(frozen=True, slots=True)
class Row:
    """A project in the list of its organization. Times in Unix seconds, None for nothing live or nothing seen.

    `waiting`: publishes that wait for somebody, `failed` ones left out. `unwell`: hosts of which an address was not
    reached or not trusted at the last look.
    """

    project: Project
    number: str
    issued_at: int | None
    expires_at: int | None
    staged: bool
    waiting: int
    failed: int
    hosts: int
    unwell: int
    certificate_ends_at: int | None


def listed(actor: Actor, organization: str, after: str = "", most: int = 100) -> tuple[Reach, list[Row]]:
    """At most `most` projects after the identifier `after`, in one query. Raises `NotFound`."""
    reached = reach(actor, organization, May.READ)
    newest = Revision.objects.filter(project=OuterRef("pk")).exclude(published_at=None).order_by("-epoch", "-serial")
    last = Publish.objects.filter(project=OuterRef("pk"), what="draft", state="published").order_by("-created_at")
    rows = projects(reached).filter(identifier__gt=after).order_by("identifier")
    rows = rows.annotate(
        live_epoch=Subquery(newest.values("epoch")[:1]),
        live_serial=Subquery(newest.values("serial")[:1]),
        live_since=Subquery(newest.values("issued_at")[:1]),
        live_until=Subquery(newest.values("expires_at")[:1]),
        live_draft=Coalesce(Subquery(last.values("draft_version")[:1]), 1),
        host_count=_counted(Host.objects.filter(project=OuterRef("pk"))),
        waiting_count=_counted(Publish.objects.filter(project=OuterRef("pk"), state__in=("waiting", "unsigned"))),
        failed_count=_counted(Publish.objects.filter(project=OuterRef("pk"), state="failed").exclude(_MOOT)),
        unwell_count=_many(
            Look.objects.filter(host__project=OuterRef("pk")).exclude(problem=""), "host__project", "host"
        ),
        leaf_until=Subquery(
            Look.objects.filter(host__project=OuterRef("pk"))
            .order_by()
            .values("host__project")
            .annotate(soonest=Min("not_after"))
            .values("soonest")
        ),
    )
    return reached, [_row(one) for one in rows[:most]]


def _counted(rows: QuerySet[Any]) -> Coalesce:
    return _many(rows, "project")


def _many(rows: QuerySet[Any], of: str, what: str = "pk") -> Coalesce:
    """How many different `what` there are of one `of`."""
    counted = rows.order_by().values(of).annotate(many=Count(what, distinct=True)).values("many")
    return Coalesce(Subquery(counted), 0)


def _row(project: Any) -> Row:
    return Row(
        project=project,
        number="" if project.live_serial is None else f"{project.live_epoch}.{project.live_serial}",
        issued_at=project.live_since,
        expires_at=project.live_until,
        staged=project.draft_version > project.live_draft,
        waiting=project.waiting_count,
        failed=project.failed_count,
        hosts=project.host_count,
        unwell=project.unwell_count,
        certificate_ends_at=project.leaf_until,
    )


def read(actor: Actor, organization: str, project: str) -> Overview:
    """Everything that the first page of a project shows, in few queries whatever its size. Raises `NotFound`."""
    reached, found = reach_project(actor, organization, project, May.READ)
    row = revisions.current(found)
    opened = revisions.opened(found, row)
    drafts = _drafts(found)
    return Overview(
        reached=reached,
        project=found,
        published=row,
        sign_again_at=None if row is None else freshness.sign_again_at(found, row),
        staged=_staged(found, drafts),
        waiting=tuple(found.publishes.filter(state__in=_WAITING).exclude(_MOOT).defer("payload")[:5]),
        hosts=found.hosts.count(),
        checked=_checked(found, drafts),
        origins=() if row is None else tuple(_healths(found, row, opened)),
        warnings=tuple(warnings.of(found, opened)),
        picture=None if opened is None else _picture(found, opened),
    )


def staged(actor: Actor, organization: str, project: str) -> bool:
    """Whether the draft was changed since it was published. Raises `NotFound`."""
    _, found = reach_project(actor, organization, project, May.READ)
    last = found.publishes.filter(what="draft", state="published").order_by("-created_at")
    return found.draft_version > (last.values_list("draft_version", flat=True).first() or 1)


def health(actor: Actor, organization: str, project: str) -> tuple[OriginHealth, ...]:
    """What every origin has, and whether it is what was published; empty before anything was. Raises `NotFound`."""
    _, found = reach_project(actor, organization, project, May.READ)
    row = revisions.current(found)
    return () if row is None else tuple(_healths(found, row, revisions.opened(found, row)))


def _drafts(project: Project) -> list[Publish]:
    """The publishes of drafts that were published, or say what the draft says now; the newest first."""
    rows = project.publishes.filter(what="draft").filter(Q(state="published") | Q(draft_version=project.draft_version))
    return list(rows.order_by("-created_at").only("project", "state", "draft_version", "checked_at", "findings")[:20])


def _staged(project: Project, drafts: list[Publish]) -> bool:
    last = next((one.draft_version for one in drafts if one.state == "published"), 1)
    return project.draft_version > last


def _checked(project: Project, drafts: list[Publish]) -> Checked | None:
    """The later one of the last preview and the last publish of this version of the draft."""
    said, found = project.checked or {}, []
    if said.get("version") == project.draft_version:
        found.append(Checked(datetime.fromtimestamp(said["at"], UTC), tuple(said["findings"])))
    same = [one for one in drafts if one.draft_version == project.draft_version]
    found += [Checked(one.checked_at, tuple(one.findings)) for one in same if one.checked_at is not None]
    return max(found, key=lambda one: one.at, default=None)


def _healths(project: Project, row: Revision, known: core.Revision | None) -> list[OriginHealth]:
    trust, wanted = keys.trust_of(project), (row.epoch, row.serial)
    found = []
    for origin in origins():
        name = shown_name(origin)
        try:
            held = pointed_to(origin, trust, known=known)
        except LivepinError as error:
            found.append(OriginHealth(name, "", error.message))
            continue
        number = "" if held is None else f"{held.epoch}.{held.serial}"
        missing = "there is no document" if project.state == "active" else ""
        behind = missing if held is None else "it is behind" if held.number < wanted else ""
        found.append(OriginHealth(name, number, behind))
    return found


def _picture(project: Project, published: core.Revision) -> Timeline:
    rows = Look.objects.filter(host__project=project).exclude(not_after=None).select_related("host")
    looks = [row for row in rows.order_by("not_after")[: 4 * _LANES] if row.chain]
    seen = [_seen(row) for row in looks]
    soonest = list(dict.fromkeys(row.host.pattern for row in looks))
    others = (one for one in published.document.hosts if one not in soonest)
    patterns = [*soonest, *islice(others, _LANES)][:_LANES]
    return timeline(int(timezone.now().timestamp()), published, seen, patterns)


def _seen(row: Look) -> SeenCertificate:
    leaf = row.chain[0]
    name = leaf["subject"] or ", ".join(leaf["names"][:1])
    return SeenCertificate(
        row.host.pattern, leaf["digests"]["spki_sha256"], name, leaf["not_before"], leaf["not_after"]
    )


def embedded(project: Project) -> dict[str, str | list[str] | int]:
    """What an application embeds of a project, by the names that set-up has for it."""
    anchors = list(project.anchors)
    given: dict[str, str | list[str] | int] = {
        "organization_id": project.organization.identifier,
        "project_id": project.identifier,
        "public_key": anchors[0] if len(anchors) == 1 else anchors,
        "configuration_url": project.url or CONFIG.origin_url,
    }
    return given if project.threshold == 1 else {**given, "threshold": project.threshold}
