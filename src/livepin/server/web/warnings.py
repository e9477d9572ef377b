"""What ends soon or is wrong in a project, and taking note of it with one click."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from livepin.server.actions import hosts, projects, warnings
from livepin.server.web.visitor import actor, page
from livepin.watch.warnings import Kind, Stage

_COLOURS = {Stage.OVER: "bad", Stage.URGENT: "bad", Stage.SOON: "warn"}
#: What the stage is called: what is wrong now is not over, and what has no end does not come soon.
_STAGES = {Stage.OVER: "now", Stage.URGENT: "urgent"}
#: Where something is done about what is no host's, and what the link there says.
_PAGES = {
    Kind.DOCUMENT: ("publishes", "See its publishes"),
    Kind.KEY_SET: ("keys", "See the keys"),
    Kind.CT: ("draft", "See the draft"),
}


@page
def index(request: HttpRequest, organization: str, project: str) -> HttpResponse:
    """Every warning that holds now, those that somebody took note of last."""
    found = projects.read(actor(request), organization, project)
    told = warnings.listed(actor(request), organization, project)
    rows = rows_of(request, organization, project, told)
    context = {"organization": found.organization, "project": found, "warnings": rows}
    return render(request, "livepin/warnings.html", context)


def rows_of(
    request: HttpRequest, organization: str, project: str, told: Sequence[warnings.Shown]
) -> list[dict[str, Any]]:
    """Warnings with their colour, and where something is done about them."""
    subjects = {one.warning.subject for one in told} - {""}
    there = hosts.drafted(actor(request), organization, project, subjects) if subjects else frozenset()
    return [_row((organization, project), one, there) for one in told]


def _row(where: tuple[str, str], shown: warnings.Shown, there: Container[str]) -> dict[str, Any]:
    warning = shown.warning
    name, label = _PAGES.get(warning.kind, ("", ""))
    at = reverse(name, args=where) if name else ""
    if warning.subject in there:
        at, label = reverse("host", args=(*where, warning.subject)), "See the host"
    elif warning.subject:
        # It is gone from the draft, and still live: the list offers to add it again.
        at, label = f"{reverse('hosts', args=where)}?{urlencode({'like': warning.subject})}", "Look for it in the draft"
    stage = _STAGES.get(warning.stage, "soon" if warning.ends_at else "notice")
    colour = _COLOURS[warning.stage]
    return {"shown": shown, "warning": warning, "colour": colour, "stage": stage, "at": at, "label": label}


def summary(told: Iterable[warnings.Shown]) -> dict[str, Any]:
    """How many warnings nobody took note of, how many of these are pressing, and the colour of the worst."""
    stages = [one.warning.stage for one in told if one.acknowledged_at is None]
    pressing = sum(one is not Stage.SOON for one in stages)
    return {"count": len(stages), "pressing": pressing, "colour": "bad" if pressing else "warn"}


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
