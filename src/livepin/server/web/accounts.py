"""One's own account: name, addresses, ways to sign in, sessions, command lines."""

from __future__ import annotations

from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from livepin.server.actions import accounts, tokens
from livepin.server.web.forms import refusals
from livepin.server.web.visitor import actor, page


class Name(forms.Form):
    """What others see."""

    name = forms.CharField(max_length=100, required=False, help_text="Other members see it beside your address.")


@page
def account(request: HttpRequest) -> HttpResponse:
    """Where everything about one's account begins."""
    form = Name(request.POST or None, initial={"name": accounts.read(actor(request)).name})
    if request.method == "POST" and form.is_valid():
        with refusals(form):
            accounts.rename(actor(request), form.cleaned_data["name"])
            messages.success(request, "Your name is changed.")
            return redirect("account")
    context = {"form": form, "command_lines": tokens.sign_ins(actor(request))}
    return render(request, "livepin/account.html", context)


@page
@require_POST
def sign_out(request: HttpRequest, token: UUID) -> HttpResponseBase:
    """Sign a command line out."""
    tokens.sign_out(actor(request), str(token))
    messages.success(request, "That command line is signed out.")
    return redirect("account")
