"""Organizations: which there are, a new one, and one's home page."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from livepin.server.actions import deletions, exports, limits, organizations, overview
from livepin.server.actions.actor import May
from livepin.server.web.forms import Identity, refusals
from livepin.server.web.visitor import actor, guarded, page

_PAGE = 50


@page
def index(request: HttpRequest) -> HttpResponse:
    """The organizations that the visitor belongs to."""
    context = {"organizations": overview.belonging(actor(request)), "ending": deletions.pending(actor(request))}
    return render(request, "livepin/organizations.html", context)


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
    """Rename an organization, and see how much of its plan is used."""
    reached = organizations.read(actor(request), organization)
    form = OrganizationSettings(request.POST or None, initial={"name": reached.organization.name})
    if request.method == "POST" and form.is_valid():
        with refusals(form):
            organizations.rename(actor(request), organization, form.cleaned_data["name"])
            messages.success(request, "The organization has another name now; its identifier stays.")
            return redirect("organization-settings", organization)
    rights = {"owns": reached.may(May.OWN), "manages": reached.may(May.MANAGE)}
    uses = limits.uses(reached.organization)
    lacking = organizations.without_second_factor(reached)
    context: dict[str, Any] = {"organization": reached.organization, "form": form, "uses": uses, **rights}
    context["lacking"] = lacking
    return render(request, "livepin/organization_settings.html", context)


@guarded
@require_POST
def second_factor(request: HttpRequest, organization: str) -> HttpResponse:
    """Demand a second factor of every member, or no longer."""
    demanded = request.POST.get("required") == "1"
    organizations.demand_second_factor(actor(request), organization, demanded)
    messages.success(
        request, "Nobody comes in without a second factor now." if demanded else "It is demanded no longer."
    )
    return redirect("organization-settings", organization)


@page
@require_POST
def export(request: HttpRequest, organization: str) -> HttpResponseBase:
    """Everything of an organization as a zip file."""
    made = exports.organization(actor(request), organization)
    return FileResponse(made, as_attachment=True, filename=f"{organization}.zip", content_type="application/zip")


@page
def home(request: HttpRequest, organization: str) -> HttpResponse:
    """An organization: its projects, what is live and staged in each, and what ends soon."""
    reached, rows = overview.listed(actor(request), organization, request.GET.get("after", ""), _PAGE + 1)
    context = {
        "organization": reached.organization,
        "rows": rows[:_PAGE],
        "next": rows[_PAGE - 1].project.identifier if len(rows) > _PAGE else "",
        "manages": reached.may(May.MANAGE),
        "ending": [one for one in deletions.pending(actor(request)) if one.organization == organization],
    }
    return render(request, "livepin/organization.html", context)
