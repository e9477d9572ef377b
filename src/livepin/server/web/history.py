"""Published revisions: listed, compared with the one before, brought back."""

from __future__ import annotations

from uuid import uuid4

from django import forms
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from livepin.server.actions import projects, publishes, revisions
from livepin.server.web.changes import lines_of
from livepin.server.web.forms import whole
from livepin.server.web.visitor import actor, guarded, page

_PAGE = 30


class Rollback(forms.Form):
    """Why, and the key under which asking twice is asking once."""

    note = forms.CharField(max_length=500, required=False)
    key = forms.CharField(max_length=100)


@page
def index(request: HttpRequest, organization: str, project: str) -> HttpResponse:
    """The revisions, the highest first."""
    found = projects.read(actor(request), organization, project)
    before = _number(request.GET.get("before", ""))
    rows = revisions.listed(actor(request), organization, project, before, _PAGE + 1)
    context = {
        "organization": found.organization,
        "project": found,
        "revisions": rows[:_PAGE],
        "more": len(rows) > _PAGE,
        "newest": before is None and found.state != "withdrawn",
    }
    return render(request, "livepin/history.html", context)


def _number(text: str) -> tuple[int, int] | None:
    epoch, serial = map(whole, text.partition(".")[::2])
    return None if epoch is None or serial is None else (epoch, serial)


@page
def show(request: HttpRequest, organization: str, project: str, epoch: int, serial: int) -> HttpResponse:
    """One revision: its text, and what it changed."""
    found = projects.read(actor(request), organization, project)
    row = revisions.read(actor(request), organization, project, epoch, serial)
    (before,) = revisions.listed(actor(request), organization, project, (epoch, serial), 1) or (None,)
    number = None if before is None else (before.epoch, before.serial)
    changes = revisions.compare(actor(request), organization, project, number, (epoch, serial))
    newest = revisions.listed(actor(request), organization, project, None, 1)[0]
    context = {
        "organization": found.organization,
        "project": found,
        "revision": row,
        "before": before,
        "changes": lines_of(changes),
        "is_newest": newest.pk == row.pk,
        "key": f"page {uuid4()}",
    }
    return render(request, "livepin/revision.html", context)


@guarded
@require_POST
def rollback(request: HttpRequest, organization: str, project: str, epoch: int, serial: int) -> HttpResponseBase:
    """Publish what this revision said once more, under a new number."""
    form = Rollback(request.POST)
    wish = publishes.Wish()
    if form.is_valid():
        wish = publishes.Wish(note=form.cleaned_data["note"], key=form.cleaned_data["key"])
    asked = publishes.rollback(actor(request), organization, project, epoch, serial, wish)
    publishes.wait(actor(request), organization, project, str(asked.id), 4.0)
    return redirect("publish", organization, project, asked.id)
