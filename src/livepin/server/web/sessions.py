"""How long somebody stays signed in, and what the log says of signing in.

The threat is a browser that is left open, and a cookie that was taken from one: it is worth nothing after a day in
which nobody came, nor two weeks after its owner signed in. The log names accounts by their ID; an address that
somebody tried is no business of the log's.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import structlog
from django.contrib.auth import logout
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.http import HttpRequest, HttpResponse

#: After so many seconds without a visit, and so many after signing in, one has to sign in again.
IDLE, LIFE = 24 * 3600, 14 * 24 * 3600
#: How exactly it is known when somebody was here last, in seconds: allauth's own middleware writes at every request.
_STEP = 300

_log = structlog.get_logger()


class SessionLife:
    """Middleware that ends sessions which are too old."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """The answer, to somebody who may have been signed out meanwhile."""
        # Whoever sends no cookie, as applications and command lines do, costs nothing here.
        if request.session.session_key and request.user.is_authenticated:
            _age(request, int(time.time()))
        return self._get_response(request)


def _age(request: HttpRequest, now: int) -> None:
    began, seen = request.session.get("began"), request.session.get("seen")
    from allauth.usersessions.models import UserSession  # its tables are there once Django is

    if began is None or seen is None:
        request.session["began"] = request.session["seen"] = now
        UserSession.objects.create_from_request(request)
    elif now - began > LIFE or now - seen > IDLE:
        logout(request)
    elif now - seen > _STEP:
        request.session["seen"] = now
        UserSession.objects.create_from_request(request)


def log_sign_ins() -> None:
    """Have signing in, failing to and signing out written to the log. To be called once, when the server starts."""
    user_logged_in.connect(_signed_in, dispatch_uid="livepin signed in")
    user_logged_out.connect(_signed_out, dispatch_uid="livepin signed out")
    user_login_failed.connect(_failed, dispatch_uid="livepin sign-in failed")


def _signed_in(user: Any, **_: Any) -> None:
    _log.info("signed in", account=str(user.pk))


def _signed_out(user: Any, **_: Any) -> None:
    if user is not None:
        _log.info("signed out", account=str(user.pk))


def _failed(**_: Any) -> None:
    _log.warning("sign-in failed")
