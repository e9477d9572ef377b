"""The audit trail of an organization: read page by page, filtered, exported whole."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render

from livepin.server.actions import audit, organizations
from livepin.server.web.forms import whole
from livepin.server.web.visitor import actor, page

_PAGE = 50


@page
def index(request: HttpRequest, organization: str) -> HttpResponse:
    """The newest entries, or those before the number `before`."""
    reached = organizations.read(actor(request), organization)
    like = request.GET.get("like", "").strip()
    before = request.GET.get("before", "")
    entries = audit.listed(actor(request), organization, whole(before), _PAGE, like)
    names = audit.names(actor(request), organization, entries)
    shown = [_shown(one, names) for one in entries]
    context = {"organization": reached.organization, "entries": shown, "like": like, "before": before, "most": _PAGE}
    return render(request, "livepin/trail.html", context)


def _shown(entry: Any, names: Mapping[str, str]) -> dict[str, Any]:
    """An entry for people: members by their address, and details as words."""
    account = names.get(f"account {entry.target}") or names.get(f"token {entry.target}")
    detail = ", ".join(f"{name} {_said(value)}" for name, value in entry.detail.items() if value not in ("", [], None))
    return {
        "number": entry.number,
        "at": entry.at,
        "who": names.get(entry.actor, entry.actor),
        "what": entry.what,
        "target": account or entry.target,
        "detail": detail,
    }


def _said(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


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
