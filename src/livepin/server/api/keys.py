"""Signing keys of a project, and the key set that anchors signed."""

from __future__ import annotations

from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from ninja import Router
from pydantic import Field

from livepin.core.base64s import b64
from livepin.server.actions import keys, renewals
from livepin.server.api.answers import ABSENT, Answer, Body, Cursor, Limit, Listing, answer, newest, paged, seconds
from livepin.server.api.bearer import actor

router = Router(tags=["Keys"])

_PATH = "/organizations/{organization}/projects/{project}"


class SigningKey(Answer):
    """A key. `use`: sign (documents) or refresh (freshness statements).

    `kind`: managed (the server signs with it) or own (the server knows the public half alone).
    """

    thumbprint: str
    public_key: str
    use: str
    kind: str
    created_at: int
    retired_at: int = ABSENT


class SigningKeys(Listing):
    """A page of keys, the newest first, retired ones included."""

    items: list[SigningKey]


class NewKey(Body):
    """A key to add: a managed one of a kind, or one's own by its public half."""

    kind: Annotated[str, Field(description="p256 or ed25519, for a managed key")] = "p256"
    public_key: Annotated[str, Field(max_length=4000, description="PEM, or Base64 of the SPKI; for an own key.")] = ""
    use: Annotated[str, Field(description="sign (documents) or refresh (freshness statements)")] = "sign"


class Trusted(Answer):
    """What applications embed, and the key set in force; without one (`epoch` 0) an anchor signs documents itself.

    `keys`: its copies, one JWS for each anchor that signed it.
    """

    anchors: list[str]
    threshold: int
    epoch: int
    keys: list[str] = ABSENT
    expires_at: int = ABSENT
    signing_keys: list[str] = ABSENT
    refresh_keys: list[str] = ABSENT
    revoked: list[str] = ABSENT


class NewKeySet(Body):
    """A key set as its anchors signed it, one copy for each; `anchors` and `threshold` where they change with it."""

    keys: Annotated[list[str], Field(max_length=8)]
    anchors: Annotated[list[str], Field(max_length=8)] = ABSENT
    threshold: Annotated[int, Field(ge=1, le=8)] = ABSENT


def _shown(key: Any) -> dict[str, Any]:
    members = {
        "thumbprint": key.thumbprint,
        "public_key": key.public_key,
        "use": key.use,
        "kind": key.kind,
        "created_at": seconds(key.created_at),
        "retired_at": seconds(key.retired_at),
    }
    return {name: value for name, value in members.items() if value is not None}


def _trusted(found: keys.Trusted) -> dict[str, Any]:
    members: dict[str, Any] = {"anchors": [b64(one.spki) for one in found.anchors], "threshold": found.threshold}
    if found.keyset is None:
        return {**members, "epoch": 0}
    return {
        **members,
        "epoch": found.keyset.epoch,
        "keys": list(found.texts),
        "expires_at": found.keyset.expires_at,
        "signing_keys": sorted(found.keyset.signing_keys),
        "refresh_keys": sorted(found.keyset.refresh_keys),
        "revoked": sorted(found.keyset.revoked),
    }


@router.get(_PATH + "/keys", response={200: SigningKeys})
def list_all(
    request: HttpRequest, organization: str, project: str, cursor: Cursor = "", limit: Limit = 100
) -> HttpResponse:
    """The signing keys of a project."""
    rows = keys.listed(actor(request), organization, project)
    return answer(paged(rows, newest, _shown, cursor, limit, backwards=True))


@router.post(_PATH + "/keys", response={201: SigningKey})
def add(request: HttpRequest, organization: str, project: str, body: NewKey) -> HttpResponse:
    """Add a signing key; a key set has to name it before it signs."""
    return answer(_shown(keys.add(actor(request), organization, project, body.kind, body.public_key, body.use)), 201)


@router.delete(_PATH + "/keys/{thumbprint}", response={200: SigningKey})
def retire(request: HttpRequest, organization: str, project: str, thumbprint: str) -> HttpResponse:
    """Never sign with a key again. The private half of a managed one is destroyed."""
    return answer(_shown(keys.retire(actor(request), organization, project, thumbprint)))


@router.get(_PATH + "/keyset", response={200: Trusted})
def read_keyset(request: HttpRequest, organization: str, project: str) -> HttpResponse:
    """What applications embed, and which keys may sign."""
    return answer(_trusted(keys.read(actor(request), organization, project)))


@router.put(_PATH + "/keyset", response={200: Trusted})
def put_keyset(request: HttpRequest, organization: str, project: str, body: NewKeySet) -> HttpResponse:
    """Take a key set that the anchors signed into force. What is published is signed under it at once (a renewal)."""
    who = actor(request)
    renewals.take_keyset(who, organization, project, body.keys, body.anchors, body.threshold)
    return answer(_trusted(keys.read(who, organization, project)))
