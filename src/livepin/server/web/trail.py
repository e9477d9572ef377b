"""The audit trail of an organization: read page by page, filtered, exported whole."""

from __future__ import annotations

import json
from collections.abc import Iterator

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render

from livepin.server.actions import audit, organizations
from livepin.server.web.visitor import actor, page

_PAGE = 50


@page
def index(request: HttpRequest, organization: str) -> HttpResponse:
    """The newest entries, or those before the number `before`."""
    reached = organizations.read(actor(request), organization)
    like = request.GET.get("like", "").strip()
    before = request.GET.get("before", "")
    entries = audit.listed(actor(request), organization, int(before) if before.isdecimal() else None, _PAGE, like)
    context = {"organization": reached.organization, "entries": entries, "like": like, "before": before, "most": _PAGE}
    return render(request, "livepin/trail.html", context)


@page
def export(request: HttpRequest, organization: str) -> HttpResponseBase:
    """The whole trail as JSON lines, for `livepin audit verify`."""
    entries = audit.export(actor(request), organization)

    def lines() -> Iterator[str]:
        for entry in entries:
            yield json.dumps(entry, ensure_ascii=False) + "\n"

    name = f"{organization}-audit.jsonl"
    disposition = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingHttpResponse(lines(), content_type="application/x-ndjson", headers=disposition)
