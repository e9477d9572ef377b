"""The end of a project's documents: decommissioned, with a last revision that is off, or withdrawn at once."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from django.http import HttpRequest, HttpResponse
from ninja import Router
from pydantic import Field

from livepin.server.actions import publishes, withdrawals
from livepin.server.actions.publishes import Wish
from livepin.server.api.answers import ABSENT, Body, answer
from livepin.server.api.bearer import actor
from livepin.server.api.projects import Project
from livepin.server.api.projects import shown as shown_project
from livepin.server.api.publishes import Key, Overrides, Publish, ScheduledFor, shown

router = Router(tags=["Withdrawals"])

_PATH = "/organizations/{organization}/projects/{project}"
Reason = Annotated[str, Field(min_length=1, max_length=500, description="One line: why. It stays with the project.")]


class Withdrawal(Body):
    """Why documents are taken away from applications."""

    reason: Reason


class Decommissioning(Body):
    """Why nothing is pinned any more, and how long the last revision stays."""

    reason: Reason
    keep_hours: Annotated[int, Field(ge=0, le=8760, description="Hours until the objects are removed.")] = (
        withdrawals.KEEP_HOURS
    )
    overrides: Overrides = ABSENT
    scheduled_for: ScheduledFor = ABSENT


@router.post(_PATH + "/decommissioning", response={202: Publish})
def decommission(
    request: HttpRequest, organization: str, project: str, body: Decommissioning, idempotency_key: Key = ""
) -> HttpResponse:
    """Publish a last revision that is off everywhere; the objects go some hours later. Nothing changes after that."""
    who = actor(request)
    moment = None if body.scheduled_for is None else datetime.fromtimestamp(body.scheduled_for, UTC)
    wish = Wish(body.overrides or {}, "", moment, None, idempotency_key)
    made = withdrawals.decommission(who, organization, project, body.reason, body.keep_hours, wish)
    return answer(shown(publishes.read(who, organization, project, str(made.id))), 202)


@router.post(_PATH + "/withdrawal", response={200: Project})
def withdraw(request: HttpRequest, organization: str, project: str, body: Withdrawal) -> HttpResponse:
    """Remove all documents at once, and sign nothing more: for what was signed by mistake, or by a thief.

    Applications keep judging by what they hold; those that start without a document refuse every connection.
    """
    return answer(shown_project(withdrawals.withdraw(actor(request), organization, project, body.reason)))
