"""Organizations."""

from __future__ import annotations

from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from ninja import Router
from pydantic import Field

from livepin.server.actions import organizations
from livepin.server.api.answers import Answer, Body, Cursor, Limit, Listing, answer, paged, seconds
from livepin.server.api.bearer import actor

router = Router(tags=["Organizations"])

Name = Annotated[str, Field(max_length=100, description="For people; it can be changed.")]
Identifier = Annotated[str, Field(max_length=64, description="What applications embed; it never changes.")]


class Organization(Answer):
    """An organization. `organization` is the ID that applications embed."""

    organization: str
    name: str
    created_at: int
    second_factor_required: Annotated[bool, Field(description="Members without a second factor are let in nowhere.")]


class OneOrganization(Organization):
    """An organization, and the most that one may do there: read, stage, publish, manage or own."""

    may: str


class Organizations(Listing):
    """A page of organizations."""

    items: list[Organization]


class NewOrganization(Body):
    """An organization to found."""

    organization: Identifier
    name: Name = ""


class OrganizationName(Body):
    """A new name for people."""

    name: Name


class SecondFactor(Body):
    """Whether a second factor is demanded of every member."""

    required: bool


def shown(organization: Any) -> dict[str, Any]:
    """An organization as JSON."""
    return {
        "organization": organization.identifier,
        "name": organization.name,
        "created_at": seconds(organization.created_at),
        "second_factor_required": organization.second_factor_required,
    }


@router.get("/organizations", response={200: Organizations})
def list_all(request: HttpRequest, cursor: Cursor = "", limit: Limit = 100) -> HttpResponse:
    """The organizations that one belongs to."""
    rows = organizations.listed(actor(request))
    return answer(paged(rows, lambda one: one.identifier, shown, cursor, limit))


@router.post("/organizations", response={201: OneOrganization})
def create(request: HttpRequest, body: NewOrganization) -> HttpResponse:
    """Found an organization, and own it."""
    made = organizations.create(actor(request), body.organization, body.name)
    return answer({**shown(made), "may": "own"}, 201)


@router.get("/organizations/{organization}", response={200: OneOrganization})
def read(request: HttpRequest, organization: str) -> HttpResponse:
    """One organization."""
    reached = organizations.read(actor(request), organization)
    return answer({**shown(reached.organization), "may": reached.most.value})


@router.patch("/organizations/{organization}", response={200: Organization})
def rename(request: HttpRequest, organization: str, body: OrganizationName) -> HttpResponse:
    """Change its name for people."""
    return answer(shown(organizations.rename(actor(request), organization, body.name)))


@router.put("/organizations/{organization}/second-factor", response={200: Organization})
def demand_second_factor(request: HttpRequest, organization: str, body: SecondFactor) -> HttpResponse:
    """Demand a second factor of every member, or no longer. Owners only, who have one themselves."""
    return answer(shown(organizations.demand_second_factor(actor(request), organization, body.required)))
