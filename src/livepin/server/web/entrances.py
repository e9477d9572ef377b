"""Ways in that need no account yet, or another device: the welcome of the first owner, a command line's sign-in."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.contrib.auth import password_validation
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render

from livepin.server.actions import accounts, sign_ins
from livepin.server.web.forms import refusals
from livepin.server.web.visitor import actor, guarded, public


class Welcome(forms.Form):
    """What makes an account of a one-time code."""

    code = forms.CharField(max_length=100, help_text="The server printed it when it was started.")
    email = forms.EmailField()
    password = forms.CharField(widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}))

    def clean_password(self) -> str:
        """Hold the password against the rules of the house."""
        password: str = self.cleaned_data["password"]
        password_validation.validate_password(password)
        return password


@public
def welcome(request: HttpRequest) -> HttpResponseBase:
    """Make the account that a one-time code allows."""
    form = Welcome(request.POST or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        with refusals(form):
            accounts.claim(given["code"].strip(), given["email"], given["password"])
            messages.success(request, "Your account is there. Sign in with it.")
            return redirect("account_login")
    return render(request, "livepin/welcome.html", {"form": form})


class UserCode(forms.Form):
    """What a command line shows."""

    code = forms.CharField(max_length=12, help_text="As the command line shows it.")


@guarded
def device(request: HttpRequest) -> HttpResponse:
    """Let a command line act as the visitor, or turn it away. The threat is somebody else's command line.

    So the page says who asks, from where, and asks for a second yes; nothing is approved by a link alone.
    """
    form = UserCode(request.POST or None)
    waiting = None
    if request.method == "POST" and form.is_valid():
        code = form.cleaned_data["code"]
        with refusals(form):
            waiting = sign_ins.find(actor(request), code)
            if "approve" in request.POST:
                sign_ins.approve(actor(request), code)
                return render(request, "livepin/device_done.html", {"client": waiting.client, "approved": True})
            if "deny" in request.POST:
                sign_ins.deny(actor(request), code)
                return render(request, "livepin/device_done.html", {"client": waiting.client, "approved": False})
    return render(request, "livepin/device.html", {"form": form, "waiting": waiting})
