"""The end of an organization, a project, an account; and taking it back."""

from __future__ import annotations

from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from ninja import Router
from pydantic import Field

from livepin.server.actions import deletions
from livepin.server.api.answers import ABSENT, Answer, Body, Listing, answer, nothing, seconds
from livepin.server.api.bearer import actor, anonymous

router = Router(tags=["Exports and deletions"])


class Deletion(Answer):
    """What will be purged, and when. Without `project` it is the whole organization."""

    organization: str
    project: str = ABSENT
    asked_at: int
    purge_after: int


class Deletions(Listing):
    """What can still be taken back."""

    items: list[Deletion]


class Closed(Answer):
    """A closed account. `secret` opens it again until then; it was mailed, too, if a mail server took it."""

    purge_after: int
    secret: str
    mailed: bool


class Reopen(Body):
    """The code that opens a closed account again."""

    secret: Annotated[str, Field(max_length=100)]


def shown(pending: deletions.Pending) -> dict[str, Any]:
    """A deletion as JSON."""
    return {
        "organization": pending.organization,
        "project": pending.project or None,
        "asked_at": seconds(pending.asked_at),
        "purge_after": seconds(pending.purge_after),
    }


@router.get("/deletions", response={200: Deletions})
def list_all(request: HttpRequest) -> HttpResponse:
    """What was asked to be deleted, is not purged yet, and can be taken back by oneself."""
    return answer({"items": [shown(one) for one in deletions.pending(actor(request))]})


@router.post("/organizations/{organization}/deletion", response={202: Deletion})
def delete_organization(request: HttpRequest, organization: str) -> HttpResponse:
    """Close an organization; it is purged after the days of grace. Its documents stay where they are until then."""
    return answer(shown(deletions.delete_organization(actor(request), organization)), 202)


@router.delete("/organizations/{organization}/deletion", response={204: None})
def keep_organization(request: HttpRequest, organization: str) -> HttpResponse:
    """Take back the deletion of an organization."""
    deletions.keep_organization(actor(request), organization)
    return nothing()


@router.post("/organizations/{organization}/projects/{project}/deletion", response={202: Deletion})
def delete_project(request: HttpRequest, organization: str, project: str) -> HttpResponse:
    """Close a project; it is purged after the days of grace. Its documents stay where they are until then."""
    return answer(shown(deletions.delete_project(actor(request), organization, project)), 202)


@router.delete("/organizations/{organization}/projects/{project}/deletion", response={204: None})
def keep_project(request: HttpRequest, organization: str, project: str) -> HttpResponse:
    """Take back the deletion of a project."""
    deletions.keep_project(actor(request), organization, project)
    return nothing()


@router.post("/me/deletion", response={202: Closed})
def close_account(request: HttpRequest) -> HttpResponse:
    """Close one's account: everything is signed out, and after the days of grace it is purged."""
    made = deletions.close_account(actor(request))
    members = {"purge_after": seconds(made.account.purge_after), "secret": made.secret, "mailed": made.mailed}
    return answer(members, 202)


@router.post("/accounts/reopen", response={204: None}, auth=None)
def reopen_account(request: HttpRequest, body: Reopen) -> HttpResponse:
    """Open a closed account again, by the code that was mailed. Then sign in anew."""
    anonymous(request)
    deletions.reopen_account(body.secret)
    return nothing()
