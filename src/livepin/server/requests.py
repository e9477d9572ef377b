"""Around every request: who sent it, its number, its line in the log, its place in the metrics.

Threats: a client that writes its own address into a header to escape its rate limit; secrets in addresses, which
end up in logs; a name for a request that breaks the log's lines. So forwarding headers count only when they come
from a trusted proxy, and are taken away else; the log says which *page* was asked for, never the address itself, nor
its query; a name from outside must be short and plain, or it would write into the terminal of whoever reads the log.
"""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import structlog
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotAllowed
from django.urls import ResolverMatch

from livepin.author.draft import is_identifier
from livepin.server import health, metrics
from livepin.server.proxies import is_trusted, sender
from livepin.server.settings import CONFIG

_log = structlog.get_logger("livepin.requests")
_SANE = re.compile(r"[A-Za-z0-9._-]{8,64}", re.ASCII)
_FORWARDING = (
    *("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_HOST", "HTTP_FORWARDED"),
    *("HTTP_X_REAL_IP", "HTTP_VIA"),
)
#: The operator's name for this server; a newcomer's, on loopback, is reached by several.
_NAMED_HOST = urlsplit(CONFIG.public_url) if CONFIG.public_url.startswith("https:") else None
#: Parts of an address that name what was asked for, and are no secret.
_NAMED = ("organization", "project")


class Requests:
    """The outermost middleware. Health and metrics are answered here: they need no session, no host name, no page."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer, and say so."""
        began = time.perf_counter()
        number = _number(request.META.get("HTTP_X_REQUEST_ID", ""))
        direct = believe(request.META)
        _name_us(request.META)
        # Whatever charset a client names: some are no charsets of texts, and some make half letters.
        request.encoding = "utf-8"
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request=number)
        response = health.answer(request, direct) or _echo_refused(request) or self._get_response(request)
        response["X-Request-ID"] = number
        # Also on what no page made: health, problems, refusals.
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        _record(request, response.status_code, time.perf_counter() - began)
        return response


def _echo_refused(request: HttpRequest) -> HttpResponse | None:
    """TRACE sends back what was sent, cookies included, and serves nobody here."""
    return HttpResponseNotAllowed(["GET", "HEAD", "POST"]) if request.method == "TRACE" else None


def current() -> str:
    """The number of the request that this thread answers; empty outside of one."""
    return str(structlog.contextvars.get_contextvars().get("request", ""))


def _number(given: str) -> str:
    return given if _SANE.fullmatch(given) else uuid.uuid4().hex


def _name_us(meta: dict[str, Any]) -> None:
    """Where the operator named the server, every link that it makes and mails has that name and port, no other.

    A request for another name keeps it, and is refused (ALLOWED_HOSTS); one for this name and a strange port is told
    nothing that leads to that port.
    """
    asked = str(meta.get("HTTP_HOST", "")).lower()
    if _NAMED_HOST and asked.partition(":")[0] == _NAMED_HOST.hostname:
        meta["HTTP_HOST"] = _NAMED_HOST.netloc


def believe(meta: dict[str, Any]) -> bool:
    """Put the client's own address and scheme where everybody looks for them. Whether no proxy was in between."""
    client = sender(meta)
    forwarded = {name: meta.pop(name) for name in _FORWARDING if name in meta}
    if is_trusted(meta.get("REMOTE_ADDR", "")):
        meta["REMOTE_ADDR"] = client
        if forwarded.get("HTTP_X_FORWARDED_PROTO") in ("http", "https"):
            meta["wsgi.url_scheme"] = forwarded["HTTP_X_FORWARDED_PROTO"]
    return not forwarded


def _record(request: HttpRequest, status: int, seconds: float) -> None:
    match = request.resolver_match
    page = health.page(request) or (f"/{match.route}" if match is not None else "(no such page)")
    method = request.method if request.method in metrics.METHODS else "OTHER"
    metrics.count(str(method), page, status, seconds)
    level = "debug" if health.page(request) else "info"
    _log.log(
        _LEVELS[level],
        "request",
        method=method,
        page=page,
        status=status,
        ms=round(seconds * 1000, 1),
        client=request.META.get("REMOTE_ADDR", ""),
        **_named(match),
    )


def _named(match: ResolverMatch | None) -> dict[str, str]:
    """The identifiers that an address names. Whatever else stands in their place is anybody's text, and no name."""
    found = {} if match is None else {name: str(match.kwargs.get(name, "")) for name in _NAMED}
    return {name: text for name, text in found.items() if is_identifier(text)}


_LEVELS = {"debug": 10, "info": 20}
