"""Ends: of a project's documents, decommissioned in an orderly way or withdrawn at once; of projects and organizations.

The threats: an end by mistake, by a stolen session, by a form of another site. So they take a fresh
proof of who asks, and what it is about, typed in; the end of documents takes a reason, which the audit trail keeps.
Deletions can be taken back for some days.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from livepin.server.actions import deletions, organizations, projects, publishes, withdrawals
from livepin.server.actions.actor import May
from livepin.server.settings import CONFIG
from livepin.server.web.forms import Confirmed, refusals
from livepin.server.web.visitor import actor, guarded, page

#: As publishing waits (publishes.py).
_WAIT = 4.0
_TAKE_BACK = "{name} is closed, and will be deleted for good on {day:%Y-%m-%d}. Until then you can take that back."


class Decommission(Confirmed):
    """An orderly end."""

    prefix = "decommission"
    keep_hours = forms.IntegerField(
        min_value=0,
        max_value=8760,
        initial=withdrawals.KEEP_HOURS,
        label="Hours until the documents are removed",
        help_text="Applications refresh at least hourly while they run; those that run rarely need longer.",
    )
    reason = forms.CharField(max_length=500)


class Withdrawal(Confirmed):
    """An end at once."""

    prefix = "withdraw"
    reason = forms.CharField(max_length=500)


class Deletion(Confirmed):
    """The end of all of it, after days of grace."""

    prefix = "delete"


@guarded
def end(request: HttpRequest, organization: str, project: str) -> HttpResponseBase:
    """Both ways to end a project's documents."""
    found = projects.read(actor(request), organization, project)
    given: Any = request.POST if request.method == "POST" else None
    decommission = Decommission(given if given and "decommission" in given else None, wanted=project)
    withdrawal = Withdrawal(given if given and "withdraw" in given else None, wanted=project)
    if decommission.is_valid():
        with refusals(decommission):
            asked = _decommission(request, organization, project, decommission)
            return redirect("publish", organization, project, asked)
    if withdrawal.is_valid():
        with refusals(withdrawal):
            withdrawals.withdraw(actor(request), organization, project, withdrawal.cleaned_data["reason"])
            messages.warning(request, "The project is withdrawn. Its documents are removed from the origins now.")
            return redirect("project", organization, project)
    deletion = Deletion(given if given and "delete" in given else None, wanted=project)
    if deletion.is_valid():
        with refusals(deletion):
            ending = deletions.delete_project(actor(request), organization, project)
            messages.warning(request, _TAKE_BACK.format(name=project, day=ending.purge_after))
            return redirect("organization", organization)
    context: dict[str, Any] = {"organization": found.organization, "project": found}
    context |= {"decommission": decommission, "withdrawal": withdrawal, "deletion": deletion}
    context |= {"keep_hours": withdrawals.KEEP_HOURS, "grace_days": CONFIG.grace_days}
    return render(request, "livepin/project_end.html", context)


def _decommission(request: HttpRequest, organization: str, project: str, form: Decommission) -> object:
    reason, hours = form.cleaned_data["reason"], form.cleaned_data["keep_hours"]
    asked = withdrawals.decommission(actor(request), organization, project, reason, hours)
    publishes.wait(actor(request), organization, project, str(asked.id), _WAIT)
    return asked.id


@guarded
def delete_organization(request: HttpRequest, organization: str) -> HttpResponseBase:
    """The end of an organization with all its projects."""
    reached = organizations.read(actor(request), organization)
    form = Deletion(request.POST or None, wanted=organization)
    if form.is_valid():
        with refusals(form):
            ending = deletions.delete_organization(actor(request), organization)
            messages.warning(request, _TAKE_BACK.format(name=organization, day=ending.purge_after))
            return redirect("organizations")
    context: dict[str, Any] = {"organization": reached.organization, "deletion": form, "owns": reached.may(May.OWN)}
    context["grace_days"] = CONFIG.grace_days
    return render(request, "livepin/organization_end.html", context)


@page
@require_POST
def keep_organization(request: HttpRequest, organization: str) -> HttpResponseBase:
    """Take the deletion of an organization back."""
    deletions.keep_organization(actor(request), organization)
    messages.success(request, f"{organization} stays.")
    return redirect("organization", organization)


@page
@require_POST
def keep_project(request: HttpRequest, organization: str, project: str) -> HttpResponseBase:
    """Take the deletion of a project back."""
    deletions.keep_project(actor(request), organization, project)
    messages.success(request, f"{project} stays.")
    return redirect("project", organization, project)
