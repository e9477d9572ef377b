"""Errors as HTTP knows them: one shape (RFC 9457) for everything that can go wrong below `/api/`.

The threats: a stack trace or a stranger's name in an answer; an error page that a program cannot read; a request
that breaks a database driver (a zero byte), and so becomes an error of ours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote_to_bytes

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase

from livepin.errors import (
    Conflict,
    Forbidden,
    InputInvalid,
    JsonInvalid,
    LimitReached,
    LivepinError,
    NotFound,
    RateLimited,
    RequestInvalid,
    Unauthenticated,
)

ROOT = "/api/"
CONTENT_TYPE = "application/problem+json"
_BY_CODE = {"draft_changed": 412, "version_missing": 428, "body_too_large": 413, "media_type_unsupported": 415}
# The first class that fits decides; whatever else an action raises is a conflict with how things stand.
_BY_CLASS: tuple[tuple[type[LivepinError], int], ...] = (
    (Unauthenticated, 401),
    (Forbidden, 403),
    (NotFound, 404),
    (JsonInvalid, 400),
    (RequestInvalid, 400),
    (RateLimited, 429),
    (Conflict, 409),
    (LimitReached, 409),
    (InputInvalid, 422),
)
_BY_STATUS = {
    400: ("http_invalid", "the request is not one that this server understands"),
    404: ("not_found", "there is no such address"),
    405: ("method_unsupported", "this address does not know the method"),
    413: ("body_too_large", "the body is too large"),
    500: ("internal", "something went wrong that should not have"),
}


def status_of(error: LivepinError) -> int:
    """The HTTP status of an action's error."""
    by_class = (status for kind, status in _BY_CLASS if isinstance(error, kind))
    return _BY_CODE.get(error.code) or next(by_class, 409)


def problem(error: LivepinError, status: int = 0, more: Iterable[LivepinError] = ()) -> HttpResponse:
    """An error as an answer; `more`: further ones of the same kind, each with its own place."""
    status = status or status_of(error)
    members: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": f"{error.where}: {error.message}" if error.where else error.message,
        "code": error.code,
        "message": error.message,
        "where": error.where,
        "hint": error.hint,
        "docs": error.docs,
    }
    if listed := [{"where": one.where, "message": one.message} for one in more]:
        members["errors"] = listed
    response = JsonResponse(members, status=status, content_type=CONTENT_TYPE)
    if status == 401:
        response["WWW-Authenticate"] = "Bearer"
    if isinstance(error, RateLimited):
        response["Retry-After"] = str(error.seconds)
    return response


class Problems:
    """Middleware: what goes wrong below `/api/` outside of the API itself is told in the same shape."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """The answer, or the problem."""
        if not request.path_info.startswith(ROOT):
            return self._get_response(request)
        refused = _refusal(request)
        response = self._get_response(request) if refused is None else problem(refused)
        if response.status_code >= 400 and response.get("Content-Type") != CONTENT_TYPE:
            response = _instead_of(response)
        response.headers.setdefault("Cache-Control", "no-store")
        return response


def _refusal(request: HttpRequest) -> LivepinError | None:
    if "\0" in request.path_info or b"\0" in unquote_to_bytes(request.META.get("QUERY_STRING", "")):
        return RequestInvalid("http_invalid", "a zero byte is part of no name")
    if request.META.get("CONTENT_LENGTH") not in (None, "", "0") and request.content_type != "application/json":
        return RequestInvalid("media_type_unsupported", "a body is JSON: send it as application/json")
    return None


def _instead_of(response: HttpResponseBase) -> HttpResponse:
    """A problem in place of an answer that some other part made, with what its headers say of it."""
    unknown = (
        ("internal", "something went wrong that should not have") if response.status_code >= 500 else _BY_STATUS[400]
    )
    code, message = _BY_STATUS.get(response.status_code, unknown)
    instead = problem(LivepinError(code, message), response.status_code)
    for name in ("Allow", "Retry-After"):
        if name in response.headers:
            instead[name] = response.headers[name]
    return instead
