"""Origins: what lies where applications, or a CDN before them, fetch documents."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Router

from livepin.server.actions import overview
from livepin.server.api.answers import ABSENT, Answer, answer
from livepin.server.api.bearer import actor

router = Router(tags=["Origins"])


class Origin(Answer):
    """An origin. `revision`: what its pointer has, as EPOCH.SERIAL; `problem`: why it is not what it should be."""

    name: str
    revision: str = ABSENT
    problem: str = ABSENT


class Origins(Answer):
    """All origins, the first of them the lock between machines. None before anything was published."""

    items: list[Origin]


def _shown(one: Any) -> dict[str, Any]:
    members = {"name": one.name, "revision": one.number, "problem": one.problem}
    return {name: value for name, value in members.items() if value}


@router.get("/organizations/{organization}/projects/{project}/origins", response={200: Origins})
def list_all(request: HttpRequest, organization: str, project: str) -> HttpResponse:
    """What every origin has now, read and verified as an application would."""
    return answer({"items": list(map(_shown, overview.health(actor(request), organization, project)))})
