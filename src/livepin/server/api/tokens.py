"""API tokens of an organization or of one of its projects."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Router
from pydantic import Field

from livepin.server.actions import tokens
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

router = Router(tags=["Tokens"])


class Token(Answer):
    """A token, without what makes it one. `scope`: read, stage, publish, or account for a signed-in command line."""

    id: UUID
    name: str
    scope: str
    account: UUID
    organization: str = ABSENT
    project: str = ABSENT
    created_at: int
    expires_at: int
    last_used_at: int = ABSENT


class NewToken(Token):
    """A token that was just made: `token` is shown this once."""

    token: str


class Tokens(Listing):
    """A page of tokens."""

    items: list[Token]


class Wish(Body):
    """A token to make."""

    name: Annotated[str, Field(max_length=100)] = ""
    scope: Annotated[str, Field(description="read, stage or publish")]
    days: Annotated[int, Field(ge=1, le=tokens.MAX_DAYS)] = 90
    project: Annotated[str, Field(max_length=64, description="Empty for the whole organization.")] = ""


def shown_token(token: Any) -> dict[str, Any]:
    """A token as JSON."""
    members = {
        "id": str(token.id),
        "name": token.name,
        "scope": token.scope,
        "account": str(token.account_id),
        "organization": token.organization.identifier if token.organization_id else None,
        "project": token.project.identifier if token.project_id else None,
        "created_at": seconds(token.created_at),
        "expires_at": seconds(token.expires_at),
        "last_used_at": seconds(token.last_used_at),
    }
    return {name: value for name, value in members.items() if value is not None}


@router.get("/organizations/{organization}/tokens", response={200: Tokens})
def list_all(request: HttpRequest, organization: str, cursor: Cursor = "", limit: Limit = 100) -> HttpResponse:
    """The valid tokens that one may revoke: all for who manages the organization, else one's own."""
    rows = tokens.listed(actor(request), organization)
    return answer(paged(rows, newest, shown_token, cursor, limit, backwards=True))


@router.post("/organizations/{organization}/tokens", response={201: NewToken})
def create(request: HttpRequest, organization: str, body: Wish) -> HttpResponse:
    """Make a token for oneself. It never may do more than one's own account may at that moment."""
    made = tokens.create(actor(request), organization, body.name, body.scope, body.days, body.project)
    return answer({**shown_token(made.token), "token": made.text}, 201)


@router.delete("/organizations/{organization}/tokens/{token}", response={204: None})
def revoke(request: HttpRequest, organization: str, token: UUID) -> HttpResponse:
    """End a token at once."""
    tokens.revoke(actor(request), organization, str(token))
    return nothing()
