"""/healthz, /readyz and /metrics: for load balancers and monitoring, on any host name, without a session.

`/healthz` says that the process answers, and asks nobody. `/readyz` asks everything that the work needs. Threat:
/metrics tells strangers how busy an installation is; it is shown on loopback, where no proxy was in between, and to
who sends the operator's token; so is what exactly is wrong. On loopback the server must be asked by a name of
loopback: a page in a browser on this machine can have its own name lead here.
"""

from __future__ import annotations

import hmac
import ipaddress
import re

from django.http import HttpRequest, HttpResponse, JsonResponse

from livepin.server import checks, metrics
from livepin.server.settings import CONFIG, LOOPBACK

PAGES = ("/healthz", "/readyz", "/metrics")


def page(request: HttpRequest) -> str:
    """Which of these pages is asked for; empty for another."""
    return request.path if request.path in PAGES else ""


def answer(request: HttpRequest, direct: bool) -> HttpResponse | None:
    """The answer, where one of these pages is asked for. `direct`: no proxy was in between."""
    asked = page(request)
    if not asked:
        return None
    response = _answer(request, asked, direct)
    response["Cache-Control"] = "no-store"
    response["Content-Length"] = str(len(response.content))
    return response


def _answer(request: HttpRequest, asked: str, direct: bool) -> HttpResponse:
    if request.method not in ("GET", "HEAD"):
        return HttpResponse(status=405, headers={"Allow": "GET, HEAD"})
    if asked == "/healthz":
        return JsonResponse({"ok": True})
    if asked == "/readyz":
        results = checks.all_checks()
        measures = _may_measure(request, direct)
        told = {one.name: "ok" if one.ok else one.problem if measures else "failed" for one in results}
        ready = all(one.ok for one in results)
        return JsonResponse({"ok": ready, "checks": told}, status=200 if ready else 503)
    if not _may_measure(request, direct):
        return HttpResponse("/metrics answers on loopback, and to the metrics token.\n", "text/plain", 403)
    return HttpResponse(metrics.exposed(), "text/plain; version=0.0.4; charset=utf-8")


def _may_measure(request: HttpRequest, direct: bool) -> bool:
    given = request.META.get("HTTP_AUTHORIZATION", "")
    if CONFIG.metrics_token and hmac.compare_digest(given.encode(), f"Bearer {CONFIG.metrics_token}".encode()):
        return True
    asked = re.sub(r":[0-9]*$", "", request.META.get("HTTP_HOST", "").lower())
    return direct and _is_loopback(request.META.get("REMOTE_ADDR", "")) and asked in LOOPBACK


def _is_loopback(text: str) -> bool:
    try:
        return ipaddress.ip_address(text).is_loopback
    except ValueError:
        return False
