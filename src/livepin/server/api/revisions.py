"""Revisions: the documents that were published."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from ninja import Path, Query, Router
from pydantic import Field

from livepin.errors import ValueInvalid
from livepin.server.actions import adoptions, publishes, revisions
from livepin.server.api.answers import (
    Answer,
    Body,
    Cursor,
    IfMatch,
    Limit,
    Listing,
    answer,
    page,
    place,
    seconds,
    version_of,
)
from livepin.server.api.bearer import actor
from livepin.server.api.drafts import Changes, Version, shown_changes
from livepin.server.api.publishes import Key, Publish, PublishWish, shown

router = Router(tags=["Revisions"])

_PATH = "/organizations/{organization}/projects/{project}/revisions"
_ONE = _PATH + "/{epoch}/{serial}"
Number = Annotated[int, Path(ge=0, le=2**53 - 1)]
_NUMBER = re.compile(r"([0-9]{1,15})\.([0-9]{1,15})", re.ASCII)


class Revision(Answer):
    """A published document, without its text. `source`: server, or adopted (it was found on an origin)."""

    epoch: int
    serial: int
    digest: str
    issued_at: int
    expires_at: int
    source: str
    published_at: int


class Revisions(Listing):
    """A page of revisions, the highest number first."""

    items: list[Revision]


class Document(Revision):
    """A published document: `text` is the JWS that applications fetch."""

    text: str


class Adoption(Body):
    """How to adopt."""

    dry_run: Annotated[bool, Field(description="Only say what would be adopted.")] = False


class Unanswered(Answer):
    """What could not be asked: an origin, or a URL."""

    where: str
    code: str
    message: str


class Adopted(Answer):
    """What was published elsewhere, the lowest number first."""

    items: list[Revision]
    unanswered: list[Unanswered]


def _shown(revision: Any) -> dict[str, Any]:
    return {
        "epoch": revision.epoch,
        "serial": revision.serial,
        "digest": revision.digest,
        "issued_at": revision.issued_at,
        "expires_at": revision.expires_at,
        "source": revision.source,
        "published_at": seconds(revision.published_at),
    }


def _number(text: str, where: str) -> tuple[int, int]:
    found = _NUMBER.fullmatch(text)
    if found is None:
        raise ValueInvalid("value_invalid", "it is no number of a revision, such as 0.7", where=where)
    return int(found[1]), int(found[2])


@router.get(_PATH, response={200: Revisions})
def list_all(
    request: HttpRequest, organization: str, project: str, cursor: Cursor = "", limit: Limit = 50
) -> HttpResponse:
    """What was published."""
    before = place(cursor)
    number = _number(before, "cursor") if before else None
    rows = revisions.listed(actor(request), organization, project, number, limit + 1)
    return answer(page(list(map(_shown, rows[:limit])), str(rows[limit - 1]) if len(rows) > limit else ""))


@router.get(_ONE, response={200: Document})
def read(request: HttpRequest, organization: str, project: str, epoch: Number, serial: Number) -> HttpResponse:
    """One revision with its text."""
    found = revisions.read(actor(request), organization, project, epoch, serial)
    return answer({**_shown(found), "text": found.text})


@router.get(_ONE + "/diff", response={200: Changes})
def diff(
    request: HttpRequest,
    organization: str,
    project: str,
    epoch: Number,
    serial: Number,
    since: Annotated[str, Query(max_length=40, description="An older revision, as EPOCH.SERIAL.")],
) -> HttpResponse:
    """What a revision changed since an older one."""
    before = _number(since, "since")
    changes = revisions.compare(actor(request), organization, project, before, (epoch, serial))
    return answer({"changes": shown_changes(changes)})


@router.post(_ONE + "/rollback", response={202: Publish})
def rollback(
    request: HttpRequest,
    organization: str,
    project: str,
    epoch: Number,
    serial: Number,
    body: PublishWish,
    idempotency_key: Key = "",
) -> HttpResponse:
    """Publish what an older revision said, under a new number. The draft stays as it is."""
    who, wish = actor(request), body.wish(idempotency_key)
    made = publishes.rollback(who, organization, project, epoch, serial, wish)
    return answer(shown(publishes.read(who, organization, project, str(made.id))), 202)


@router.post(_PATH + "/adopt", response={200: Adopted})
def adopt(request: HttpRequest, organization: str, project: str, body: Adoption) -> HttpResponse:
    """Make known what origins and the public URL have, and this server has not; publishes do it by themselves."""
    found = adoptions.adopt(actor(request), organization, project, dry_run=body.dry_run)
    return answer(
        {"items": list(map(_shown, found.revisions)), "unanswered": [asdict(one) for one in found.unanswered]}
    )


@router.post(_ONE + "/draft", response={200: Version})
def take(
    request: HttpRequest, organization: str, project: str, epoch: Number, serial: Number, if_match: IfMatch = ""
) -> HttpResponse:
    """Have the draft say what a revision said. What documents do not say, as notes and where to look, stays."""
    version = version_of(if_match)
    found = adoptions.take(actor(request), organization, project, version, epoch, serial)
    return answer({"version": found.draft_version}, version=found.draft_version)
