"""Projects: what is no part of their draft."""

from __future__ import annotations

import re
from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from ninja import Router
from pydantic import Field

from livepin.server.actions import projects
from livepin.server.api.answers import ABSENT, Answer, Body, Cursor, Limit, Listing, answer, paged, seconds
from livepin.server.api.bearer import actor
from livepin.server.api.organizations import Identifier, Name

router = Router(tags=["Projects"])

_PASSWORD = re.compile(r"(?<=://)[^/@]*@")


class Project(Answer):
    """A project. `project` is the ID that applications embed, `anchors` the public keys.

    `url` is the project's own public URL, and `configuration_url` what applications embed: that one, else the
    operator's; both may be empty.
    `state`: active, decommissioned or withdrawn. `ca_pem` and `proxy` are for looks; a proxy's password is not shown.
    """

    organization: str
    project: str
    name: str
    state: str
    created_at: int
    draft_version: int
    anchors: list[str]
    threshold: int
    url: str
    configuration_url: str
    ca_pem: str
    proxy: str
    approvals_required: int


class Projects(Listing):
    """A page of projects."""

    items: list[Project]


class NewProject(Body):
    """A project to make."""

    project: Identifier
    name: Name = ""
    kind: Annotated[str, Field(description="p256 or ed25519: the signing key that the server makes for it.")] = "p256"
    public_key: Annotated[str, Field(max_length=4000, description="Or one's own key, by its public half.")] = ""


class ProjectChange(Body):
    """What to change; what is absent stays."""

    name: Name = ABSENT
    url: Annotated[str, Field(max_length=500)] = ABSENT
    ca_pem: Annotated[str, Field(max_length=200_000, description="The company's own authorities, for looks.")] = ABSENT
    proxy: Annotated[str, Field(max_length=300, description="An HTTP CONNECT proxy, for looks.")] = ABSENT
    approvals_required: Annotated[int, Field(ge=1, le=10)] = ABSENT


def shown(project: Any) -> dict[str, Any]:
    """A project as JSON."""
    return {
        "organization": project.organization.identifier,
        "project": project.identifier,
        "name": project.name,
        "state": project.state,
        "created_at": seconds(project.created_at),
        "draft_version": project.draft_version,
        "anchors": project.anchors,
        "threshold": project.threshold,
        "url": project.url,
        "configuration_url": projects.configuration_url(project),
        "ca_pem": project.ca_pem,
        "proxy": _PASSWORD.sub("", project.proxy),
        "approvals_required": project.approvals_required,
    }


@router.get("/organizations/{organization}/projects", response={200: Projects})
def list_all(request: HttpRequest, organization: str, cursor: Cursor = "", limit: Limit = 100) -> HttpResponse:
    """The projects of an organization."""
    rows = projects.listed(actor(request), organization)
    return answer(paged(rows, lambda one: one.identifier, shown, cursor, limit))


@router.post("/organizations/{organization}/projects", response={201: Project})
def create(request: HttpRequest, organization: str, body: NewProject) -> HttpResponse:
    """Make a project, with a signing key of its own."""
    who, key = actor(request), {"kind": body.kind, "public_key": body.public_key}
    return answer(shown(projects.create(who, organization, body.project, body.name, **key)), 201)


@router.get("/organizations/{organization}/projects/{project}", response={200: Project})
def read(request: HttpRequest, organization: str, project: str) -> HttpResponse:
    """One project."""
    return answer(shown(projects.read(actor(request), organization, project)))


@router.patch("/organizations/{organization}/projects/{project}", response={200: Project})
def change(request: HttpRequest, organization: str, project: str, body: ProjectChange) -> HttpResponse:
    """Change what is no part of the draft."""
    given = projects.Settings(**body.dict(exclude_unset=True))
    return answer(shown(projects.change(actor(request), organization, project, given)))
