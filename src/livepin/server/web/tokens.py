"""API tokens: made and shown once, listed, revoked."""

from __future__ import annotations

from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from livepin.server.actions import organizations, projects, tokens
from livepin.server.actions.actor import SCOPES
from livepin.server.web.forms import refusals
from livepin.server.web.visitor import actor, guarded, page

_SCOPES = [(one.value, one.value) for one in SCOPES]


class NewToken(forms.Form):
    """What a new token may do, and for how long."""

    name = forms.CharField(max_length=100, help_text="What uses it: a pipeline, a laptop.")
    scope = forms.ChoiceField(
        choices=_SCOPES,
        help_text="read sees, stage changes drafts, publish publishes. A token never may more than you may.",
    )
    project = forms.ChoiceField(required=False, help_text="One project, or all of the organization.")
    days = forms.IntegerField(min_value=1, max_value=tokens.MAX_DAYS, initial=90, label="Valid for days")


@page
def index(request: HttpRequest, organization: str) -> HttpResponse:
    """The tokens that the visitor may revoke."""
    reached = organizations.read(actor(request), organization)
    listed = tokens.listed(actor(request), organization)
    context = {"organization": reached.organization, "tokens": listed, "now": timezone.now()}
    return render(request, "livepin/tokens.html", context)


@guarded
def new(request: HttpRequest, organization: str) -> HttpResponse:
    """Make a token, and show it this once."""
    reached = organizations.read(actor(request), organization)
    form = NewToken(request.POST or None)
    found = projects.listed(actor(request), organization)
    choices = [("", "all projects"), *((one.identifier, one.identifier) for one in found)]
    form.fields["project"] = forms.ChoiceField(required=False, choices=choices)
    made = None
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        with refusals(form):
            made = tokens.create(
                actor(request), organization, given["name"], given["scope"], given["days"], given["project"]
            )
    context = {"organization": reached.organization, "form": form, "made": made}
    return render(request, "livepin/token_new.html", context)


@page
@require_POST
def revoke(request: HttpRequest, organization: str, token: UUID) -> HttpResponseBase:
    """End a token at once."""
    tokens.revoke(actor(request), organization, str(token))
    messages.success(request, "The token is revoked.")
    return redirect("tokens", organization)
