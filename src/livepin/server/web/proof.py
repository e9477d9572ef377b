"""A fresh proof from those who have neither a password nor a second factor here: their provider signs them in again.

Allauth asks them nothing, as there is nothing to ask for. The threat is a cookie that was taken from a browser: with it
alone, somebody could publish, or give the account a password and second factors of their own, and keep it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from livepin.errors import RequestInvalid
from livepin.server.settings import ACCOUNT_REAUTHENTICATION_TIMEOUT
from livepin.server.web.visitor import ALWAYS, SENT, came_from, failed

#: What a provider is asked for a fresh proof.
ASKS_AGAIN = "prompt=login"
#: Pages of allauth that take a fresh proof.
_ACCOUNT = frozenset(
    (
        *("account_email", "account_set_password", "account_change_password", "socialaccount_connections"),
        *("mfa_activate_totp", "mfa_deactivate_totp", "mfa_view_recovery_codes", "mfa_generate_recovery_codes"),
        *("mfa_download_recovery_codes", "mfa_list_webauthn", "mfa_add_webauthn", "mfa_remove_webauthn"),
        *("mfa_edit_webauthn",),
    )
)


class ProviderProof:
    """Middleware: before a page that takes a fresh proof, whoever can only give it at their provider is led there."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """The answer; what matters is in `process_view`."""
        return self._get_response(request)

    def process_view(self, request: HttpRequest, view: Any, *_: Any) -> HttpResponse | None:
        """The page that leads to the provider, or None."""
        reads = request.method in ("GET", "HEAD")
        match = request.resolver_match
        if match is not None and match.url_name == "openid_connect_login" and not _is_plain(request):
            return failed(
                request, RequestInvalid("http_invalid", "nobody but this server says what a provider is asked")
            )
        asks = ALWAYS if match is not None and match.url_name in _ACCOUNT else getattr(view, "proof", "")
        if not asks or (asks == SENT and reads) or not request.user.is_authenticated or not _is_stale(request):
            return None
        context = {"next": request.get_full_path() if reads else came_from(request) or "/"}
        return render(request, "livepin/prove.html", context, status=403)


def _is_plain(request: HttpRequest) -> bool:
    """Whether a link to the provider asks for nothing of its own.

    Allauth would put whatever stands in it into the question: another place to send the answer to, or more rights.
    """
    strange = request.GET.keys() - {"next", "process", "auth_params"}
    return not strange and request.GET.get("auth_params", ASKS_AGAIN) == ASKS_AGAIN


def _is_stale(request: HttpRequest) -> bool:
    """Whether somebody has nothing but their provider to prove themselves by, and it vouched too long ago."""
    # Their tables are there once Django is.
    from allauth.account.internal.flows import login, reauthentication
    from allauth.socialaccount.models import SocialAccount

    user: Any = request.user
    if reauthentication.get_reauthentication_flows(user) or not SocialAccount.objects.filter(user=user).exists():
        return False
    vouched = [one["at"] for one in login.get_authentication_records(request, user) if one["method"] == "socialaccount"]
    return time.time() - max(vouched, default=0.0) >= ACCOUNT_REAUTHENTICATION_TIMEOUT
