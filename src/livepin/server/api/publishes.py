"""Publishes: asked for, looked at, approved, called off, and signed elsewhere where an own key has to."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Header, Query, Router
from pydantic import Field

from livepin.errors import ValueInvalid
from livepin.server.actions import publishes, renewals
from livepin.server.actions.publishes import Wish
from livepin.server.api.answers import (
    ABSENT,
    Answer,
    Body,
    Cursor,
    IfVersion,
    Limit,
    Listing,
    answer,
    number,
    page,
    seconds,
    version_of,
)
from livepin.server.api.bearer import actor
from livepin.server.api.drafts import Changes, shown_changes

router = Router(tags=["Publishes"])

_PATH = "/organizations/{organization}/projects/{project}/publishes"
_ONE = _PATH + "/{publish}"
#: Repeating a request with the same key is safe: it is done once.
Key = Annotated[str, Header(alias="Idempotency-Key", max_length=100, description="Asking again with it does nothing.")]
_LAST = int(datetime(9999, 1, 1, tzinfo=UTC).timestamp())


class Step(Answer):
    """A step that is done. `where`: the origin or the public URL."""

    step: str
    where: str
    at: int


class Finding(Answer):
    """What a rule of the guard says. `state`: open, overridden (with its `reason`) or warning."""

    rule: str
    host: str
    message: str
    hint: str
    state: str
    reason: str = ABSENT


class Publish(Answer):
    """A publish. `what`: draft, rollback, renewal or withdrawal.

    `state`: checking, refused, waiting (for approvals or its hour), unsigned (an own key must sign), publishing,
    published, failed or cancelled.
    """

    id: UUID
    what: str
    state: str
    asked_by: UUID = ABSENT
    draft_version: int
    note: str
    rollback_of: str
    overrides: dict[str, str]
    findings: list[Finding]
    approvals: list[UUID]
    approvals_required: int
    steps: list[Step]
    epoch: int = ABSENT
    serial: int = ABSENT
    digest: str = ABSENT
    problem: dict[str, Any] = ABSENT
    created_at: int
    scheduled_for: int = ABSENT
    finished_at: int = ABSENT


class Publishes(Listing):
    """A page of publishes, the newest first."""

    items: list[Publish]


Overrides = Annotated[dict[str, str], Field(max_length=20, description="A reason for each rule that does not apply.")]
Note = Annotated[str, Field(max_length=500)]
ScheduledFor = Annotated[int, Field(ge=0, le=_LAST, description="Not before, in Unix seconds.")]


class PublishWish(Body):
    """How to publish."""

    overrides: Overrides = ABSENT
    note: Note = ""
    scheduled_for: ScheduledFor = ABSENT

    def wish(self, key: str, version: int | None = None) -> Wish:
        """As the action takes it."""
        moment = None if self.scheduled_for is None else datetime.fromtimestamp(self.scheduled_for, UTC)
        return Wish(self.overrides or {}, self.note, moment, version, key)


class SigningInput(Answer):
    """What has to be signed, as it stands (RFC 7515, section 5.1)."""

    signing_input: str


class Signature(Body):
    """The JWS, or its signature alone in base64url."""

    signature: Annotated[str, Field(max_length=16 * 1024 * 1024)]


def shown(publish: Any) -> dict[str, Any]:
    """A publish as JSON."""
    revision = publish.revision
    number = {} if revision is None else {name: getattr(revision, name) for name in ("epoch", "serial", "digest")}
    members = {
        "id": str(publish.id),
        "what": publish.what,
        "state": publish.state,
        "asked_by": None if publish.asked_by_id is None else str(publish.asked_by_id),
        "draft_version": publish.draft_version,
        "note": publish.note,
        "rollback_of": publish.rollback_of,
        "overrides": publish.overrides,
        "findings": publish.findings,
        "approvals": [str(one.account_id) for one in publish.approvals.all() if one.account_id],
        "approvals_required": publish.project.approvals_required,
        "steps": [{"step": one.step, "where": one.where, "at": seconds(one.at)} for one in publish.steps.all()],
        **number,
        "problem": publish.problem,
        "created_at": seconds(publish.created_at),
        "scheduled_for": seconds(publish.scheduled_for),
        "finished_at": seconds(publish.finished_at),
    }
    return {name: value for name, value in members.items() if value is not None}


@router.get(_PATH, response={200: Publishes})
def list_all(
    request: HttpRequest, organization: str, project: str, cursor: Cursor = "", limit: Limit = 50
) -> HttpResponse:
    """The publishes of a project."""
    micros = number(cursor)
    if micros > _LAST * 1_000_000:
        raise ValueInvalid("value_invalid", "it is no cursor of this listing", where="cursor")
    before = datetime.fromtimestamp(micros // 1_000_000, UTC).replace(microsecond=micros % 1_000_000)
    rows = publishes.listed(actor(request), organization, project, before if micros else None, limit + 1)
    following = ""
    if len(rows) > limit:
        last = rows[limit - 1].created_at
        following = str(int(last.timestamp()) * 1_000_000 + last.microsecond)
    return answer(page([shown(one) for one in rows[:limit]], following))


@router.post(_PATH, response={202: Publish})
def start(
    request: HttpRequest,
    organization: str,
    project: str,
    body: PublishWish,
    idempotency_key: Key = "",
    if_match: IfVersion = "",
) -> HttpResponse:
    """Publish the draft: it is checked, signed and delivered after this answer. Read the publish to follow it."""
    version = version_of(if_match) if if_match else None
    made = publishes.start(actor(request), organization, project, body.wish(idempotency_key, version))
    return _accepted(request, organization, project, made)


@router.post(_PATH + "/renewal", response={202: Publish})
def renew(request: HttpRequest, organization: str, project: str, idempotency_key: Key = "") -> HttpResponse:
    """Sign what is published again, with new dates; the server does it by itself at half of a document's life."""
    made = renewals.start(actor(request), organization, project, idempotency_key)
    return _accepted(request, organization, project, made)


def _accepted(request: HttpRequest, organization: str, project: str, made: Any) -> HttpResponse:
    return answer(shown(publishes.read(actor(request), organization, project, str(made.id))), 202)


@router.get(_ONE, response={200: Publish})
def read(
    request: HttpRequest,
    organization: str,
    project: str,
    publish: UUID,
    wait: Annotated[int, Query(ge=0, le=10, description="Seconds to wait until it is at rest.")] = 0,
) -> HttpResponse:
    """One publish."""
    if wait:
        found = publishes.wait(actor(request), organization, project, str(publish), float(wait))
    else:
        found = publishes.read(actor(request), organization, project, str(publish))
    return answer(shown(found))


@router.get(_ONE + "/diff", response={200: Changes})
def diff(request: HttpRequest, organization: str, project: str, publish: UUID) -> HttpResponse:
    """What a publish that is not over would change in what is published now."""
    changes = publishes.changes(actor(request), organization, project, str(publish))
    return answer({"changes": shown_changes(changes)})


@router.post(_ONE + "/approve", response={200: Publish})
def approve(request: HttpRequest, organization: str, project: str, publish: UUID) -> HttpResponse:
    """Say yes to what another member asked for."""
    return answer(shown(publishes.approve(actor(request), organization, project, str(publish))))


@router.post(_ONE + "/cancel", response={200: Publish})
def cancel(request: HttpRequest, organization: str, project: str, publish: UUID) -> HttpResponse:
    """Call off a publish of which nothing was delivered yet."""
    return answer(shown(publishes.cancel(actor(request), organization, project, str(publish))))


@router.post(_ONE + "/retry", response={200: Publish})
def retry(request: HttpRequest, organization: str, project: str, publish: UUID) -> HttpResponse:
    """Go on with a publish that failed."""
    return answer(shown(publishes.retry(actor(request), organization, project, str(publish))))


@router.get(_ONE + "/signing-input", response={200: SigningInput})
def signing_input(request: HttpRequest, organization: str, project: str, publish: UUID) -> HttpResponse:
    """What the holder of an own key has to sign."""
    text = publishes.signing_input(actor(request), organization, project, str(publish))
    return answer({"signing_input": text})


@router.put(_ONE + "/signature", response={200: Publish})
def bring(request: HttpRequest, organization: str, project: str, publish: UUID, body: Signature) -> HttpResponse:
    """Bring the signature that an own key made."""
    found = publishes.bring(actor(request), organization, project, str(publish), body.signature.encode())
    return answer(shown(found))
