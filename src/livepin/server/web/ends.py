"""The end of a project's documents: decommissioned in an orderly way, or withdrawn at once.

The threats: an end by mistake, by a stolen session, by a form of another site. So it takes the right to manage, a fresh
proof of who asks, the project's ID typed in, and a reason, which the audit trail keeps.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render

from livepin.server.actions import projects, publishes, withdrawals
from livepin.server.web.forms import Confirmed, refusals
from livepin.server.web.visitor import actor, guarded

#: As publishing waits (publishes.py).
_WAIT = 4.0


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
    context: dict[str, Any] = {"organization": found.organization, "project": found}
    context |= {"decommission": decommission, "withdrawal": withdrawal, "keep_hours": withdrawals.KEEP_HOURS}
    return render(request, "livepin/project_end.html", context)


def _decommission(request: HttpRequest, organization: str, project: str, form: Decommission) -> object:
    reason, hours = form.cleaned_data["reason"], form.cleaned_data["keep_hours"]
    asked = withdrawals.decommission(actor(request), organization, project, reason, hours)
    publishes.wait(actor(request), organization, project, str(asked.id), _WAIT)
    return asked.id
