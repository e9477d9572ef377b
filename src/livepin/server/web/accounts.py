"""One's own account: name, ways to sign in, command lines, one's data, closing it and taking that back."""

from __future__ import annotations

import json
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from livepin.server.actions import accounts, deletions, exports, tokens
from livepin.server.settings import CONFIG
from livepin.server.web.forms import Confirmed, refusals
from livepin.server.web.visitor import actor, guarded, page, public


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


@page
@require_POST
def export(request: HttpRequest) -> HttpResponse:
    """All that is stored about oneself, as a JSON file."""
    text = json.dumps(exports.account(actor(request)), indent=1, ensure_ascii=False) + "\n"
    disposition = {"Content-Disposition": 'attachment; filename="livepin-account.json"'}
    return HttpResponse(text, content_type="application/json", headers=disposition)


@guarded
def close(request: HttpRequest) -> HttpResponse:
    """Close one's account. Whoever did is signed out, and told how to take it back."""
    mine = accounts.read(actor(request))
    form = Confirmed(request.POST or None, wanted=mine.email)
    if form.is_valid():
        with refusals(form):
            closing = deletions.close_account(actor(request))
            logout(request)
            return render(request, "livepin/account_closed.html", {"closing": closing})
    context = {"form": form, "grace_days": CONFIG.grace_days}
    return render(request, "livepin/account_close.html", context)


class ReopenCode(forms.Form):
    """What was mailed when the account was closed."""

    code = forms.CharField(max_length=100, help_text="It was mailed when the account was closed.")


@public
def reopen(request: HttpRequest) -> HttpResponseBase:
    """Take the closing of an account back. Who knows the code needs nothing else, and has to sign in afterwards."""
    form = ReopenCode(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with refusals(form):
            deletions.reopen_account(form.cleaned_data["code"].strip())
            messages.success(request, "Your account is open again. Sign in.")
            return redirect("account_login")
    return render(request, "livepin/account_reopen.html", {"form": form})
