"""Invitations to an organization."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Router
from pydantic import Field

from livepin.server.actions import invitations
from livepin.server.api.answers import (
    ABSENT,
    Answer,
    Body,
    Cursor,
    Limit,
    Listing,
    answer,
    newest,
    nothing,
    paged,
    seconds,
)
from livepin.server.api.bearer import actor
from livepin.server.api.members import Role

router = Router(tags=["Invitations"])


class Invitation(Answer):
    """An offer of a role that waits."""

    id: UUID
    email: str
    role: Role
    invited_by: UUID = ABSENT
    created_at: int
    expires_at: int


class NewInvitation(Invitation):
    """An invitation that was just made. `secret` is shown this once, and works once.

    It was mailed to who is invited, if `mailed`; else hand it over.
    """

    secret: str
    mailed: bool


class Invitations(Listing):
    """A page of invitations."""

    items: list[Invitation]


class Invite(Body):
    """Whom to invite, as what."""

    email: Annotated[str, Field(max_length=254)]
    role: Role


class Accept(Body):
    """The secret of an invitation."""

    secret: Annotated[str, Field(max_length=100)]


class Joined(Answer):
    """What one is now, and where."""

    organization: str
    role: Role


def shown(invitation: Any) -> dict[str, Any]:
    """An invitation as JSON."""
    members = {
        "id": str(invitation.id),
        "email": invitation.email,
        "role": invitation.role,
        "created_at": seconds(invitation.created_at),
        "expires_at": seconds(invitation.expires_at),
    }
    return members if invitation.invited_by_id is None else {**members, "invited_by": str(invitation.invited_by_id)}


@router.get("/organizations/{organization}/invitations", response={200: Invitations})
def list_all(request: HttpRequest, organization: str, cursor: Cursor = "", limit: Limit = 100) -> HttpResponse:
    """The invitations that wait."""
    rows = invitations.listed(actor(request), organization)
    return answer(paged(rows, newest, shown, cursor, limit, backwards=True))


@router.post("/organizations/{organization}/invitations", response={201: NewInvitation})
def create(request: HttpRequest, organization: str, body: Invite) -> HttpResponse:
    """Invite an address by mail, for a week. An earlier invitation of it ends."""
    made = invitations.create(actor(request), organization, body.email, body.role)
    return answer({**shown(made.invitation), "secret": made.secret, "mailed": made.mailed}, 201)


@router.delete("/organizations/{organization}/invitations/{invitation}", response={204: None})
def revoke(request: HttpRequest, organization: str, invitation: UUID) -> HttpResponse:
    """End an invitation."""
    invitations.revoke(actor(request), organization, str(invitation))
    return nothing()


@router.post("/invitations/accept", response={200: Joined})
def accept(request: HttpRequest, body: Accept) -> HttpResponse:
    """Become a member by the secret of an invitation."""
    made = invitations.accept(actor(request), body.secret)
    return answer({"organization": made.organization.identifier, "role": made.role})
