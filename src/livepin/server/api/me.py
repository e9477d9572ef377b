"""One's own account, the command lines that are signed in to it, and the token that is being used."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Router
from pydantic import Field

from livepin.server.actions import accounts, tokens
from livepin.server.api.answers import Answer, Body, Cursor, Limit, Listing, answer, newest, nothing, paged, seconds
from livepin.server.api.bearer import actor
from livepin.server.api.tokens import Token, shown_token

router = Router(tags=["Me"])


class Account(Answer):
    """An account."""

    id: UUID
    email: str
    name: str
    created_at: int


class Me(Answer):
    """Who one is, and by which token."""

    account: Account
    token: Token


class SignIns(Listing):
    """A page of signed-in command lines."""

    items: list[Token]


class Rename(Body):
    """A new name."""

    name: Annotated[str, Field(max_length=100)]


def shown_account(account: Any) -> dict[str, Any]:
    """An account as JSON."""
    return {
        "id": str(account.id),
        "email": account.email,
        "name": account.name,
        "created_at": seconds(account.created_at),
    }


@router.get("/me", response={200: Me})
def read(request: HttpRequest) -> HttpResponse:
    """Who the token belongs to."""
    me = actor(request)
    return answer({"account": shown_account(accounts.read(me)), "token": shown_token(me.token)})


@router.patch("/me", response={200: Account})
def rename(request: HttpRequest, body: Rename) -> HttpResponse:
    """Change one's name."""
    return answer(shown_account(accounts.rename(actor(request), body.name)))


@router.delete("/me/token", response={204: None})
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the token that this request carries."""
    tokens.end(actor(request))
    return nothing()


@router.get("/me/sign-ins", response={200: SignIns})
def list_sign_ins(request: HttpRequest, cursor: Cursor = "", limit: Limit = 100) -> HttpResponse:
    """The command lines that are signed in."""
    rows = tokens.sign_ins(actor(request))
    return answer(paged(rows, newest, shown_token, cursor, limit, backwards=True))


@router.delete("/me/sign-ins/{sign_in}", response={204: None})
def end_sign_in(request: HttpRequest, sign_in: UUID) -> HttpResponse:
    """Sign a command line out."""
    tokens.sign_out(actor(request), str(sign_in))
    return nothing()
