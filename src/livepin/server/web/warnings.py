"""What ends soon or is wrong in a project, and taking note of it with one click."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from livepin.server.actions import projects, warnings
from livepin.server.web.visitor import actor, page
from livepin.watch.warnings import Kind, Stage

_COLOURS = {Stage.OVER: "bad", Stage.URGENT: "bad", Stage.SOON: "warn"}
_PAGES = {Kind.DOCUMENT: "draft", Kind.KEY_SET: "keys"}


@page
def index(request: HttpRequest, organization: str, project: str) -> HttpResponse:
    """Every warning that holds now, those that somebody took note of last."""
    found = projects.read(actor(request), organization, project)
    told = warnings.listed(actor(request), organization, project)
    context = {"organization": found.organization, "project": found, "warnings": rows_of(organization, project, told)}
    return render(request, "livepin/warnings.html", context)


def rows_of(organization: str, project: str, told: list[warnings.Shown]) -> list[dict[str, Any]]:
    """Warnings with their colour, and where something is done about them."""
    where = (organization, project)
    rows = []
    for one in told:
        warning = one.warning
        name = _PAGES.get(warning.kind)
        at = reverse(name, args=where) if name else ""
        if warning.subject:
            # The host itself may be gone from the draft: the list shows it, or offers to add it again.
            at = f"{reverse('hosts', args=where)}?{urlencode({'like': warning.subject})}"
        rows.append({"shown": one, "warning": warning, "colour": _COLOURS[warning.stage], "at": at})
    return rows


@page
@require_POST
def answer(request: HttpRequest, organization: str, project: str, warning: str) -> HttpResponseBase:
    """Take note of a warning, or take that back."""
    if "take-back" in request.POST:
        warnings.take_back(actor(request), organization, project, warning)
        messages.success(request, "It is mailed again when it changes.")
    else:
        warnings.acknowledge(actor(request), organization, project, warning)
        messages.success(request, "Noted. This stage of it is mailed to nobody any more; the next one is.")
    return redirect("warnings", organization, project)
