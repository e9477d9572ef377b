"""Looks at live hosts, and certificates that are handed in: where pins come from."""

from __future__ import annotations

from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from ninja import Router
from pydantic import Field

from livepin.author import draft_json
from livepin.server.actions import looks
from livepin.server.api.answers import ABSENT, Answer, Body, answer, seconds
from livepin.server.api.bearer import actor
from livepin.server.api.hosts import Pin

router = Router(tags=["Looks"])

_PATH = "/organizations/{organization}/projects/{project}"


class Look(Answer):
    """The last look at one address. `chain`: its certificates, the leaf first; `problem`: why it is not valid."""

    name: str
    address: str
    at: int
    validated: bool
    not_after: int = ABSENT
    problem: str
    chain: list[dict[str, Any]]


class Looks(Answer):
    """One look at each address."""

    items: list[Look]


class Proposed(Answer):
    """A certificate, and the pin that is made of it."""

    certificate: dict[str, Any]
    pin: Pin


class Seen(Answer):
    """What one address served."""

    address: str
    validated: bool
    problem: str
    chain: list[Proposed]


class Discovered(Answer):
    """What every address served."""

    items: list[Seen]


class Proposals(Answer):
    """Certificates, the leaf first, with pins."""

    items: list[Proposed]


class Where(Body):
    """Where to look."""

    place: Annotated[str, Field(max_length=260, description="HOST or HOST:PORT")]


class Certificates(Body):
    """A certificate, or a chain with the leaf first."""

    pem: Annotated[str, Field(max_length=looks.MAX_BYTES)]


def _shown(look: Any) -> dict[str, Any]:
    members = {
        "name": look.name,
        "address": look.address,
        "at": seconds(look.at),
        "validated": look.validated,
        "not_after": look.not_after,
        "problem": look.problem,
        "chain": look.chain,
    }
    return {name: value for name, value in members.items() if value is not None}


def _proposed(one: looks.Proposed) -> dict[str, Any]:
    return {"certificate": one.certificate, "pin": draft_json.pin_members(one.pin)}


@router.get(_PATH + "/draft/hosts/{host}/looks", response={200: Looks})
def list_all(request: HttpRequest, organization: str, project: str, host: str) -> HttpResponse:
    """What was seen last at every address of a host."""
    return answer({"items": list(map(_shown, looks.listed(actor(request), organization, project, host)))})


@router.post(_PATH + "/draft/hosts/{host}/looks", response={200: Looks})
def refresh(request: HttpRequest, organization: str, project: str, host: str) -> HttpResponse:
    """Look at a host now, at every address."""
    return answer({"items": list(map(_shown, looks.refresh(actor(request), organization, project, host)))})


@router.post(_PATH + "/looks", response={200: Discovered})
def discover(request: HttpRequest, organization: str, project: str, body: Where) -> HttpResponse:
    """Look at any public place, and propose pins. Nothing is stored."""
    seen = looks.discover(actor(request), organization, project, body.place)
    items = [
        {"address": one.address, "validated": one.validated, "problem": one.problem}
        | {"chain": list(map(_proposed, one.chain))}
        for one in seen
    ]
    return answer({"items": items})


@router.post(_PATH + "/certificates", response={200: Proposals})
def certificates(request: HttpRequest, organization: str, project: str, body: Certificates) -> HttpResponse:
    """Pins for certificates. Nothing is stored."""
    found = looks.certificates(actor(request), organization, project, body.pem.encode())
    return answer({"items": list(map(_proposed, found))})
