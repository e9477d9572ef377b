"""Signing a command line in, and links that an operator hands out. No token is needed here: these give one.

There is no signing in with a password: it would go around second factors. Everything here is limited by address.
"""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Router
from pydantic import Field

from livepin.server.actions import accounts, sign_ins, tokens
from livepin.server.api.answers import ABSENT, Answer, Body, answer
from livepin.server.api.bearer import anonymous
from livepin.server.api.me import Account, shown_account
from livepin.server.api.tokens import NewToken, shown_token

router = Router(tags=["Signing in"], auth=None)

Secret = Annotated[str, Field(max_length=100)]


class Start(Body):
    """What begins to wait."""

    client: Annotated[str, Field(max_length=100, description="What the person who approves is shown.")] = ""


class Begun(Answer):
    """`user_code` is compared at `page` by a person who signed in; `device_code` is the command line's secret."""

    device_code: str
    user_code: str
    page: str
    expires_in: int
    interval: int


class Poll(Body):
    """Whether somebody has answered."""

    device_code: Secret


class Polled(Answer):
    """`state`: pending, or approved; then, and this once, there is a token."""

    state: str
    token: str = ABSENT
    id: UUID = ABSENT
    expires_at: int = ABSENT


class Redeem(Body):
    """A link of an operator that signs in."""

    secret: Secret
    client: Annotated[str, Field(max_length=100)] = ""


class Claim(Body):
    """A link of an operator that makes an account."""

    secret: Secret
    email: Annotated[str, Field(max_length=254)]
    password: Annotated[str, Field(max_length=1000)]
    name: Annotated[str, Field(max_length=100)] = ""
    client: Annotated[str, Field(max_length=100)] = ""


class Claimed(Answer):
    """A new account, and a token to act as it."""

    account: Account
    token: NewToken


def _new_token(made: tokens.NewToken) -> dict[str, Any]:
    return {**shown_token(made.token), "token": made.text}


@router.post("/sign-ins", response={201: Begun})
def start(request: HttpRequest, body: Start) -> HttpResponse:
    """Begin to sign a command line in."""
    anonymous(request)
    begun = sign_ins.start(body.client, request.META.get("REMOTE_ADDR", ""))
    members = {
        "device_code": begun.device_code,
        "user_code": begun.user_code,
        "page": sign_ins.page(),
        "expires_in": begun.expires_in,
        "interval": begun.interval,
    }
    return answer(members, 201)


@router.post("/sign-ins/poll", response={200: Polled})
def poll(request: HttpRequest, body: Poll) -> HttpResponse:
    """Ask whether somebody has approved it, every `interval` seconds. The token is given out once."""
    anonymous(request)
    made = sign_ins.poll(body.device_code)
    if made is None:
        return answer({"state": "pending"})
    return answer({"state": "approved", "token": made.text, **_about(made)})


def _about(made: tokens.NewToken) -> dict[str, Any]:
    shown = shown_token(made.token)
    return {"id": shown["id"], "expires_at": shown["expires_at"]}


@router.post("/sign-ins/redeem", response={201: NewToken})
def redeem(request: HttpRequest, body: Redeem) -> HttpResponse:
    """Sign in by the link that an operator made, without the dashboard. It works once."""
    anonymous(request)
    return answer(_new_token(accounts.redeem(body.secret, body.client)), 201)


@router.post("/accounts", response={201: Claimed})
def claim(request: HttpRequest, body: Claim) -> HttpResponse:
    """Make the account that an operator's link allows: the first one of a server, or one more. It works once."""
    anonymous(request)
    account = accounts.claim(body.secret, body.email, body.password, body.name)
    made = tokens.sign_in(account, body.client)
    return answer({"account": shown_account(account), "token": _new_token(made)}, 201)
