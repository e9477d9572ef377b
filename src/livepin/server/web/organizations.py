"""Organizations: which there are, a new one, and one's home page."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from livepin.server.actions import organizations, overview
from livepin.server.actions.actor import May
from livepin.server.web.forms import Identity, refusals
from livepin.server.web.visitor import actor, page

_PAGE = 50


@page
def index(request: HttpRequest) -> HttpResponse:
    """The organizations that the visitor belongs to."""
    return render(request, "livepin/organizations.html", {"organizations": organizations.listed(actor(request))})


@page
def new(request: HttpRequest) -> HttpResponse:
    """Found an organization."""
    form = Identity(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with refusals(form):
            made = organizations.create(actor(request), form.cleaned_data["identifier"], form.cleaned_data["name"])
            messages.success(request, f"{made.name} is there. Its first project is next.")
            return redirect("organization", made.identifier)
    return render(request, "livepin/organization_new.html", {"form": form})


class OrganizationSettings(forms.Form):
    """What can be changed of an organization."""

    name = forms.CharField(max_length=100)


@page
def settings(request: HttpRequest, organization: str) -> HttpResponse:
    """Rename an organization."""
    reached = organizations.read(actor(request), organization)
    form = OrganizationSettings(request.POST or None, initial={"name": reached.organization.name})
    if request.method == "POST" and form.is_valid():
        with refusals(form):
            organizations.rename(actor(request), organization, form.cleaned_data["name"])
            messages.success(request, "The organization has another name now; its identifier stays.")
            return redirect("organization-settings", organization)
    context = {"organization": reached.organization, "form": form, "owns": reached.may(May.OWN)}
    return render(request, "livepin/organization_settings.html", context)


@page
def home(request: HttpRequest, organization: str) -> HttpResponse:
    """An organization: its projects, what is live and staged in each, and what ends soon."""
    reached, rows = overview.listed(actor(request), organization, request.GET.get("after", ""), _PAGE + 1)
    context = {
        "organization": reached.organization,
        "rows": rows[:_PAGE],
        "next": rows[_PAGE - 1].project.identifier if len(rows) > _PAGE else "",
        "manages": reached.may(May.MANAGE),
    }
    return render(request, "livepin/organization.html", context)
