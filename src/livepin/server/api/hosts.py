"""Hosts of a draft with their policies, and their pins one by one."""

from __future__ import annotations

from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import Field

from livepin.author import draft_json
from livepin.server.actions import hosts
from livepin.server.api.answers import (
    ABSENT,
    Answer,
    Body,
    Cursor,
    IfMatch,
    Limit,
    Listing,
    answer,
    nothing,
    page,
    place,
    version_of,
)
from livepin.server.api.bearer import actor

router = Router(tags=["Hosts and pins"])

_Digest = Annotated[str, Field(max_length=90, description="Base64. A pin has one digest.")]
_PINS = Field(max_length=1000)
_Seconds = Annotated[int, Field(ge=0, le=2**53 - 1, description="Unix seconds.")]


class PinBody(Body):
    """A pin: one digest, of a public key (`spki_…`) or of a whole certificate (`cert_…`)."""

    spki_sha256: _Digest = ABSENT
    spki_sha512: _Digest = ABSENT
    cert_sha256: _Digest = ABSENT
    cert_sha512: _Digest = ABSENT
    position: Annotated[str, Field(description="leaf, ca or any")] = "leaf"
    start: Annotated[_Seconds, Field(alias="from")] = ABSENT
    until: _Seconds = ABSENT
    note: Annotated[str, Field(max_length=200)] = ""
    source: Annotated[str, Field(max_length=16)] = ""


class CtBody(Body):
    """What is asked of Certificate Transparency."""

    action: Annotated[str, Field(description="off, report or enforce")] = "off"
    policy: Annotated[str, Field(description="chrome, apple or any")] = "any"
    operators: list[str] = ABSENT
    logs: list[str] = ABSENT


class PolicyBody(Body):
    """The whole policy of a host. Without `pins` it has no pins at all, which is not the same as an empty list."""

    action: Annotated[str, Field(description="enforce, report or off")]
    pins: Annotated[list[PinBody], _PINS] = ABSENT
    deny: Annotated[list[str], Field(max_length=1000)] = ABSENT
    rollout: Annotated[int, Field(ge=0, le=100)] = 100
    when_expired: Annotated[str, Field(description="enforce or allow")] = "enforce"
    reason: Annotated[str, Field(max_length=500)] = ""
    ct: CtBody = ABSENT
    look_at: Annotated[list[str], Field(max_length=32)] = ABSENT
    address: Annotated[str, Field(max_length=260)] = ""


class HostBody(PolicyBody):
    """A host pattern with its policy."""

    host: Annotated[str, Field(max_length=260)]


class Pin(Answer):
    """A pin: one digest."""

    spki_sha256: str = ABSENT
    spki_sha512: str = ABSENT
    cert_sha256: str = ABSENT
    cert_sha512: str = ABSENT
    position: str
    start: Annotated[int, Field(alias="from")] = ABSENT
    until: int = ABSENT
    note: str
    source: str


class Ct(Answer):
    """What is asked of Certificate Transparency."""

    action: str
    policy: str = ABSENT
    operators: list[str] = ABSENT
    logs: list[str] = ABSENT


class Host(Answer):
    """A host pattern with its policy. `pins` and `ct` are absent where it has none at all."""

    host: str
    action: str
    pins: list[Pin] = ABSENT
    ct: Ct = ABSENT
    deny: list[str]
    rollout: int
    when_expired: str
    reason: str
    look_at: list[str]
    address: str


class Hosts(Listing):
    """A page of hosts, in the order of their patterns."""

    items: list[Host]


class Added(Body):
    """Pins to add."""

    pins: Annotated[list[PinBody], _PINS]


_PATH = "/organizations/{organization}/projects/{project}/draft/hosts"


@router.get(_PATH, response={200: Hosts})
def list_all(
    request: HttpRequest,
    organization: str,
    project: str,
    cursor: Cursor = "",
    limit: Limit = 100,
    like: Annotated[str, Query(max_length=260, description="Part of the pattern.")] = "",
) -> HttpResponse:
    """The hosts of the draft. The ETag is the draft's version."""
    found = hosts.listed(actor(request), organization, project, place(cursor), limit, like)
    return answer(page(list(map(draft_json.host_members, found.hosts)), found.next), version=found.version)


@router.get(_PATH + "/{host}", response={200: Host})
def read(request: HttpRequest, organization: str, project: str, host: str) -> HttpResponse:
    """One host. The ETag is the draft's version."""
    entry, version = hosts.read(actor(request), organization, project, host)
    return answer(draft_json.host_members(entry), version=version)


@router.put(_PATH + "/{host}", response={204: None})
def put(
    request: HttpRequest, organization: str, project: str, host: str, body: PolicyBody, if_match: IfMatch = ""
) -> HttpResponse:
    """Add a host, or put a whole policy in place of the one that it has. The ETag is the draft's new version."""
    version = version_of(if_match)
    members = {**_sent(body), "host": hosts.normal_pattern(host)}
    entry = draft_json.host_entry(members)
    found = hosts.put(actor(request), organization, project, version, entry)
    return nothing(version=found.draft_version)


@router.delete(_PATH + "/{host}", response={204: None})
def remove(request: HttpRequest, organization: str, project: str, host: str, if_match: IfMatch = "") -> HttpResponse:
    """Remove a host with its pins."""
    found = hosts.remove(actor(request), organization, project, version_of(if_match), host)
    return nothing(version=found.draft_version)


@router.post(_PATH + "/{host}/pins", response={204: None})
def add_pins(
    request: HttpRequest, organization: str, project: str, host: str, body: Added, if_match: IfMatch = ""
) -> HttpResponse:
    """Add pins; those that the host has already stay as they are."""
    version = version_of(if_match)
    pins = tuple(draft_json.pin_entry(one, f"pins[{number}]") for number, one in enumerate(_sent(body)["pins"]))
    found = hosts.add_pins(actor(request), organization, project, version, host, pins)
    return nothing(version=found.draft_version)


@router.delete(_PATH + "/{host}/pins", response={204: None})
def remove_pin(
    request: HttpRequest,
    organization: str,
    project: str,
    host: str,
    digest: Annotated[str, Query(min_length=4, max_length=90, description="The beginning of its digest.")],
    if_match: IfMatch = "",
) -> HttpResponse:
    """Remove the one pin whose digest begins like this."""
    version = version_of(if_match)
    found = hosts.remove_pin(actor(request), organization, project, version, host, digest)
    return nothing(version=found.draft_version)


def _sent(body: Body) -> dict[str, Any]:
    sent: dict[str, Any] = body.model_dump(by_alias=True, exclude_unset=True)
    return sent
