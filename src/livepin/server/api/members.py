"""Members of an organization and their roles."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Router
from pydantic import Field

from livepin.server.actions import memberships
from livepin.server.api.answers import Answer, Body, Cursor, Limit, Listing, answer, nothing, page, place, seconds
from livepin.server.api.bearer import actor

router = Router(tags=["Members"])

Role = Annotated[str, Field(description="owner, admin, publisher, editor or viewer")]


class Member(Answer):
    """A member. `account` is the ID that the audit trail names."""

    account: UUID
    email: str
    name: str
    role: Role
    created_at: int


class Members(Listing):
    """A page of members."""

    items: list[Member]


class NewRole(Body):
    """Another role."""

    role: Role


class Mail(Answer):
    """Which warnings come to oneself by mail: all, pressing (what is wrong now, or ends very soon) or none."""

    mail: str


class NewMail(Body):
    """Another choice. `knowingly` is asked of an owner who wants none."""

    mail: Annotated[str, Field(description="all, pressing or none")]
    knowingly: bool = False


def shown(membership: Any) -> dict[str, Any]:
    """A member as JSON."""
    return {
        "account": str(membership.account_id),
        "email": membership.account.email,
        "name": membership.account.name,
        "role": membership.role,
        "created_at": seconds(membership.created_at),
    }


@router.get("/organizations/{organization}/members", response={200: Members})
def list_all(request: HttpRequest, organization: str, cursor: Cursor = "", limit: Limit = 100) -> HttpResponse:
    """Who belongs to it."""
    rows = memberships.listed(actor(request), organization, place(cursor), limit + 1)
    following = rows[limit - 1].account.email if len(rows) > limit else ""
    return answer(page([shown(one) for one in rows[:limit]], following))


@router.patch("/organizations/{organization}/members/{account}", response={200: Member})
def change_role(request: HttpRequest, organization: str, account: UUID, body: NewRole) -> HttpResponse:
    """Give a member another role. Only an owner makes owners, or makes them something else."""
    return answer(shown(memberships.change_role(actor(request), organization, str(account), body.role)))


@router.delete("/organizations/{organization}/members/{account}", response={204: None})
def remove(request: HttpRequest, organization: str, account: UUID) -> HttpResponse:
    """Remove a member, or leave, if it is oneself. Their tokens of this organization end at once."""
    memberships.remove(actor(request), organization, str(account))
    return nothing()


@router.get("/organizations/{organization}/mail", response={200: Mail})
def read_mail(request: HttpRequest, organization: str) -> HttpResponse:
    """Which warnings of the organization come to oneself by mail."""
    return answer({"mail": memberships.mine(actor(request), organization).mail})


@router.put("/organizations/{organization}/mail", response={200: Mail})
def choose_mail(request: HttpRequest, organization: str, body: NewMail) -> HttpResponse:
    """Choose which warnings of the organization come to oneself by mail; other members choose for themselves."""
    chosen = memberships.choose_mail(actor(request), organization, body.mail, knowingly=body.knowingly)
    return answer({"mail": chosen.mail})
