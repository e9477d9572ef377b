"""Projects: a new one, and one's home page."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from livepin.server.actions import organizations, overview, projects
from livepin.server.actions.actor import May
from livepin.server.web import timeline
from livepin.server.web.findings import said
from livepin.server.web.forms import Identity, refusals
from livepin.server.web.visitor import actor, guarded_form, page
from livepin.server.web.warnings import rows_of, summary
from livepin.watch.timeline import endings

#: How many ends of lives, and warnings, the first page lists.
_ENDS, _WARNINGS = 8, 5


@page
def new(request: HttpRequest, organization: str) -> HttpResponse:
    """Make a project."""
    reached = organizations.read(actor(request), organization)
    reached.need(May.MANAGE)
    form = Identity(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with refusals(form):
            made = projects.create(
                actor(request), organization, form.cleaned_data["identifier"], form.cleaned_data["name"]
            )
            messages.success(request, f"{made.name} is there. Its first host is next.")
            return redirect("project", organization, made.identifier)
    return render(request, "livepin/project_new.html", {"form": form, "organization": reached.organization})


class ProjectSettings(forms.Form):
    """What is no part of the draft. Members are those of `actions.projects.Settings`."""

    name = forms.CharField(max_length=100)
    url = forms.CharField(
        max_length=500,
        required=False,
        label="Public URL",
        help_text="Where applications read the document, if not from this server's origin. A base ends in /.",
    )
    ca_pem = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}),
        required=False,
        max_length=100_000,
        label="Private authorities (PEM)",
        help_text="Trusted by looks besides the public ones.",
    )
    proxy = forms.CharField(
        max_length=300, required=False, label="Proxy", help_text="HOST:PORT of an HTTP CONNECT proxy for looks."
    )
    approvals_required = forms.IntegerField(
        min_value=1,
        max_value=10,
        label="People who must agree to a publish",
        help_text="1: whoever publishes decides alone. A lower number takes an owner.",
    )


@guarded_form
def settings(request: HttpRequest, organization: str, project: str) -> HttpResponse:
    """Change what is no part of the draft."""
    found = projects.read(actor(request), organization, project)
    form = ProjectSettings(
        request.POST or None, initial={name: getattr(found, name) for name in ProjectSettings.base_fields}
    )
    if request.method == "POST" and form.is_valid():
        with refusals(form):
            projects.change(actor(request), organization, project, projects.Settings(**form.cleaned_data))
            messages.success(request, "The settings are changed.")
            return redirect("project-settings", organization, project)
    context = {"organization": found.organization, "project": found, "form": form}
    return render(request, "livepin/project_settings.html", context)


@page
def home(request: HttpRequest, organization: str, project: str) -> HttpResponse:
    """A project at a glance."""
    seen = overview.read(actor(request), organization, project)
    told = [one for one in seen.warnings if one.acknowledged_at is None]
    picture = seen.picture
    context = {
        "project": seen.project,
        "organization": seen.project.organization,
        "seen": seen,
        "warnings": rows_of(request, organization, project, told[:_WARNINGS]),
        "told": summary(told),
        "more_warnings": max(0, len(told) - _WARNINGS),
        "findings": [] if seen.checked is None else said(organization, project, seen.checked.findings),
        "ends": [] if picture is None else endings(picture, _ENDS),
        "svg": None if picture is None else timeline.svg(picture),
        "words": None if picture is None else timeline.words(picture),
        **snippets(overview.embedded(seen.project)),
    }
    return render(request, "livepin/project.html", context)


@page
def embed(request: HttpRequest, organization: str, project: str) -> HttpResponse:
    """What an application embeds: for Python, and as plain values."""
    found = projects.read(actor(request), organization, project)
    context = {"organization": found.organization, "project": found, **snippets(overview.embedded(found))}
    return render(request, "livepin/embed.html", context)


def snippets(values: Mapping[str, str | list[str] | int]) -> dict[str, Any]:
    """What is embedded, as Python and by name."""
    lines = [f"    {name}={json.dumps(value)}," for name, value in values.items() if value]
    return {"values": values, "snippet": "\n".join(["import livepin", "", "livepin.setup(", *lines, ")"])}
