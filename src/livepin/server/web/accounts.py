"""One's own account: name, addresses, ways to sign in, sessions, data, the end."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from livepin.server.web.visitor import page


@page
def account(request: HttpRequest) -> HttpResponse:
    """Where everything about one's account begins."""
    return render(request, "livepin/account.html")
