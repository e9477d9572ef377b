"""Everything there is, for who it belongs to."""

from __future__ import annotations

from django.http import FileResponse, HttpRequest, HttpResponse
from ninja import Router

from livepin.server.actions import exports
from livepin.server.api.answers import Answer, answer
from livepin.server.api.bearer import actor

router = Router(tags=["Exports and deletions"])


class Personal(Answer):
    """All that is stored about an account. Times are Unix seconds."""

    account: dict[str, object]
    addresses: list[dict[str, object]]
    second_factors: list[dict[str, object]]
    single_sign_on: list[dict[str, object]]
    sessions: list[dict[str, object]]
    tokens: list[dict[str, object]]
    memberships: list[dict[str, object]]
    invitations: list[dict[str, object]]
    acts: list[dict[str, object]]


@router.get("/me/export", response={200: Personal})
def account(request: HttpRequest) -> HttpResponse:
    """All that is stored about one's own account; no secret is in it."""
    return answer(exports.account(actor(request)))


_ZIP = {"application/zip": {"schema": {"type": "string", "format": "binary"}}}
_EXPORT = {"responses": {200: {"description": "A zip file.", "content": _ZIP}}}


@router.get("/organizations/{organization}/export", response={200: None}, openapi_extra=_EXPORT)
def organization(request: HttpRequest, organization: str) -> FileResponse:
    """The whole content of an organization, as a zip file of JSON and of every signed document."""
    file = exports.organization(actor(request), organization)
    return FileResponse(file, as_attachment=True, filename=f"{organization}.zip", content_type="application/zip")
