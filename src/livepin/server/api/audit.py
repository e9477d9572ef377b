"""The audit trail of an organization."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from ninja import Query, Router

from livepin.server.actions import audit
from livepin.server.api.answers import Answer, Cursor, Limit, Listing, answer, number, page
from livepin.server.api.bearer import actor

router = Router(tags=["Audit"])


class Entry(Answer):
    """One change. `at` is in Unix milliseconds; `hash` chains it to the entry before (docs/api.md)."""

    number: int
    at: int
    actor: str
    what: str
    target: str
    detail: dict[str, Any]
    hash: str


class Trail(Listing):
    """A page of the trail, newest entry first."""

    items: list[Entry]


@router.get("/organizations/{organization}/audit", response={200: Trail})
def list_all(
    request: HttpRequest,
    organization: str,
    cursor: Cursor = "",
    limit: Limit = 100,
    like: Annotated[str, Query(max_length=330, description="Only entries whose act or target contains this.")] = "",
) -> HttpResponse:
    """Who changed what, newest first. Takes the right to manage."""
    rows = audit.listed(actor(request), organization, number(cursor) or None, limit + 1, like)
    following = str(rows[limit - 1].number) if len(rows) > limit else ""
    return answer(page([{**audit.exported(one), "hash": one.hash} for one in rows[:limit]], following))


_JSON_LINES = {"application/jsonl": {"schema": {"type": "string"}}}
_EXPORT = {"responses": {200: {"description": "One entry a line.", "content": _JSON_LINES}}}


@router.get("/organizations/{organization}/audit/export", response={200: None}, openapi_extra=_EXPORT)
def export(request: HttpRequest, organization: str) -> HttpResponseBase:
    """The whole trail, oldest entry first: one JSON object a line, verifiable without the server."""
    entries = audit.export(actor(request), organization)
    return StreamingHttpResponse(_lines(entries), content_type="application/jsonl")


def _lines(entries: Iterator[Mapping[str, Any]]) -> Iterator[str]:
    return (json.dumps(one, sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n" for one in entries)
