"""Warnings: what ends soon or is wrong already, and taking note of it."""

from __future__ import annotations

from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from ninja import Router
from pydantic import Field

from livepin.server.actions import warnings
from livepin.server.api.answers import ABSENT, Answer, Cursor, Limit, Listing, answer, number, page, seconds
from livepin.server.api.bearer import actor

router = Router(tags=["Warnings"])

_PATH = "/organizations/{organization}/projects/{project}/warnings"
_ACKNOWLEDGEMENT = _PATH + "/{warning}/acknowledgement"


class Warning(Answer):
    """Something that ends soon or is wrong. `id` names one stage of it, and stays the same while it lasts.

    `kind`: certificate, mismatch, unreachable, invalid, pins, document, key set or ct. `stage`: soon, urgent or over.
    `host`: the pattern, absent for what concerns the whole project. `acknowledged_by` is absent where nobody took note
    of it, or where that account is gone.
    """

    id: str
    kind: str
    stage: str
    host: str = ABSENT
    message: str
    hint: str
    ends_at: Annotated[int, Field(description="Unix seconds; absent for what has no end.")] = ABSENT
    acknowledged_at: int = ABSENT
    acknowledged_by: str = ABSENT


class Warnings(Listing):
    """A page of warnings: the most pressing first, what was acknowledged last."""

    items: list[Warning]


def shown(one: warnings.Shown) -> dict[str, Any]:
    """A warning as JSON."""
    told, by = one.warning, one.acknowledged_by
    members = {
        "id": told.id,
        "kind": str(told.kind),
        "stage": str(told.stage),
        "host": told.subject or None,
        "message": told.message,
        "hint": told.hint,
        "ends_at": told.ends_at,
        "acknowledged_at": seconds(one.acknowledged_at),
        "acknowledged_by": None if by is None else str(by.id),
    }
    return {name: value for name, value in members.items() if value is not None}


@router.get(_PATH, response={200: Warnings})
def list_all(
    request: HttpRequest, organization: str, project: str, cursor: Cursor = "", limit: Limit = 100
) -> HttpResponse:
    """What ends soon or is wrong, as of now: certificates, pins, the document, the key set, CT rules."""
    first = number(cursor)
    rows = warnings.listed(actor(request), organization, project)[first:]
    following = str(first + limit) if len(rows) > limit else ""
    return answer(page([shown(one) for one in rows[:limit]], following))


@router.put(_ACKNOWLEDGEMENT, response={200: Warning})
def acknowledge(request: HttpRequest, organization: str, project: str, warning: str) -> HttpResponse:
    """Take note of a warning: this stage of it is mailed to nobody any more."""
    return answer(shown(warnings.acknowledge(actor(request), organization, project, warning)))


@router.delete(_ACKNOWLEDGEMENT, response={200: Warning})
def take_back(request: HttpRequest, organization: str, project: str, warning: str) -> HttpResponse:
    """Take an acknowledgement back."""
    return answer(shown(warnings.take_back(actor(request), organization, project, warning)))
