"""How long what is published is good, and by whose word."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from ninja import Router

from livepin.server.actions import freshness
from livepin.server.api.answers import ABSENT, Answer, answer
from livepin.server.api.bearer import actor

router = Router(tags=["Revisions"])


class Freshness(Answer):
    """The life of what is published. `until`: when it expires, as things are, with the statement that the origins have.

    `extendable_until`: as far as statements can prolong it, absent where they cannot. `by_server`: this server signs
    them, with a key that the key set names.
    """

    epoch: int
    serial: int
    expires_at: int
    until: int
    by_server: bool
    extendable_until: int = ABSENT
    stated_at: int = ABSENT


@router.get("/organizations/{organization}/projects/{project}/freshness", response={200: Freshness})
def read(request: HttpRequest, organization: str, project: str) -> HttpResponse:
    """How long what is published is good. 404 where nothing is."""
    found = freshness.read(actor(request), organization, project)
    members = {
        "epoch": found.revision.epoch,
        "serial": found.revision.serial,
        "expires_at": found.revision.expires_at,
        "until": found.until,
        "by_server": found.by_server,
    }
    if found.limit > found.revision.expires_at:
        members["extendable_until"] = found.limit
    if found.statement is not None:
        members["stated_at"] = found.statement.issued_at
    return answer(members)
