"""Projects: a new one, and one's home page."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from livepin.errors import LivepinError
from livepin.server.actions import organizations, projects
from livepin.server.actions.actor import May
from livepin.server.web.forms import refuse
from livepin.server.web.visitor import actor, page


class NewProject(forms.Form):
    """What a new project needs."""

    identifier = forms.CharField(
        max_length=64,
        help_text="Applications embed it; it never changes. Letters, digits, dots, hyphens and underscores.",
    )
    name = forms.CharField(max_length=100, required=False, help_text="For people; it can be changed at any time.")


@page
def new(request: HttpRequest, organization: str) -> HttpResponse:
    """Make a project."""
    reached = organizations.read(actor(request), organization)
    reached.need(May.MANAGE)
    form = NewProject(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = projects.create(
                actor(request), organization, form.cleaned_data["identifier"], form.cleaned_data["name"]
            )
        except LivepinError as error:
            refuse(form, error)
        else:
            messages.success(request, f"{made.name} is there. Its first host is next.")
            return redirect("project", organization, made.identifier)
    return render(request, "livepin/project_new.html", {"form": form, "organization": reached.organization})


@page
def home(request: HttpRequest, organization: str, project: str) -> HttpResponse:
    """A project at a glance."""
    found = projects.read(actor(request), organization, project)
    return render(request, "livepin/project.html", {"project": found, "organization": found.organization})
