"""The source answers, and the answer is wrong."""

from __future__ import annotations

from livepin.client.events import EventName
from livepin.testing.failures import (
    CaptivePortal,
    Drip,
    Endless,
    Garbage,
    GzipBomb,
    Headers,
    Redirect,
    Reset,
    Stale,
    Status,
    Truncated,
)
from tests.faults.faults import (
    Answers,
    Body,
    Impostor,
    RedirectsToItself,
    Unannounced,
    Withdrawn,
    drips_head,
    floods_head,
)
from tests.faults.table import Held, Row

TITLE = "The source answers wrongly"

_LYING = {"Cache-Control": "max-age=31536000, immutable", "Expires": "Fri, 31 Dec 2099 23:59:59 GMT", "Age": "99999"}
_LIMIT = 8 * 1024 * 1024

ROWS = (
    Row(
        key="status-500",
        fault="Status 500",
        does=Answers(Status(500)),
        code="source_status",
    ),
    Row(
        key="status-503-lying",
        fault="Status 503 with `Retry-After: 86400`, and cache headers that allow a year",
        does=Answers(Status(503, {"Retry-After": "86400", **_LYING})),
        code="source_status",
        quick=True,
    ),
    Row(
        key="status-403",
        fault="Status 403, as from a CDN that takes the application for a robot",
        does=Answers(Status(403)),
        code="source_status",
    ),
    Row(
        key="status-404",
        fault="Status 404 from the only URL",
        does=Withdrawn(),
        event=EventName.WITHDRAWN,
        code="withdrawn",
        quick=True,
    ),
    Row(
        key="status-410-lying",
        fault="Status 410 with cache headers that allow a year",
        does=Answers(Status(410, _LYING)),
        event=EventName.WITHDRAWN,
        code="withdrawn",
    ),
    Row(
        key="status-404-everywhere",
        fault="Status 404 from both of two URLs",
        does=Withdrawn(),
        urls=2,
        event=EventName.WITHDRAWN,
        code="withdrawn",
        also=(EventName.SOURCE_DOWN,),
    ),
    Row(
        key="status-404-here",
        fault="Status 404 from the first of two URLs",
        does=Answers(Status(404)),
        urls=2,
        held=Held.NEW,
        code="withdrawn",
    ),
    Row(
        key="status-304-for-ever",
        fault="Status 304 for ever, while there is a newer document",
        does=Answers(Status(304)),
        event=None,
    ),
    Row(
        key="cache-stuck",
        fault="A cache that is stuck: the last document, for ever",
        does=Answers(Stale()),
        event=None,
        quick=True,
    ),
    Row(
        key="cache-headers-lie",
        fault="The newest document, with cache headers that allow a year and an age of a day",
        does=Answers(Headers(_LYING)),
        held=Held.NEW,
        event=None,
        tolerated=True,
    ),
    Row(
        key="content-type",
        fault="The newest document as `text/html; charset=utf-16`",
        does=Answers(Headers({"Content-Type": "text/html; charset=utf-16"})),
        held=Held.NEW,
        event=None,
        tolerated=True,
    ),
    Row(
        key="cookies",
        fault="The newest document, with a cookie and an ETag of 4,000 characters, by which to recognize the application",
        does=Answers(Headers({"Set-Cookie": "who=42; Max-Age=31536000", "ETag": f'"{"x" * 4000}"'})),
        held=Held.NEW,
        event=None,
        tolerated=True,
    ),
    Row(
        key="captive-portal",
        fault="A captive portal: status 200 and a page to log in",
        does=Answers(CaptivePortal()),
        event=EventName.DOCUMENT_REFUSED,
        code="malformed",
        quick=True,
    ),
    Row(
        key="empty",
        fault="Status 200 and nothing",
        does=Answers(Body(b"")),
        event=EventName.DOCUMENT_REFUSED,
        code="malformed",
    ),
    Row(
        key="no-http",
        fault="Bytes that are no HTTP",
        does=Answers(Garbage()),
        code="source_unreachable",
    ),
    Row(
        key="truncated",
        fault="A body that ends before its Content-Length",
        does=Answers(Truncated(100)),
        code="source_truncated",
        quick=True,
    ),
    Row(
        key="truncated-unannounced",
        fault="A body without a Content-Length that ends early, in good order",
        does=Answers(Unannounced(2)),
        event=EventName.DOCUMENT_REFUSED,
        code="bad_signature",
    ),
    Row(
        key="reset-in-body",
        fault="A connection reset after 100 bytes of the body",
        does=Answers(Reset(100)),
        code="source_truncated",
    ),
    Row(
        key="body-drips",
        fault="A body that comes a byte at a time, for longer than a fetch may take",
        does=Answers(Drip(1, 0.05)),
        code="source_timeout",
        within=12.0,
    ),
    Row(
        key="head-drips",
        fault="A head that comes a byte at a time and never ends",
        does=Impostor(lambda cast: cast.genuine, drips_head),
        code="source_timeout",
        within=12.0,
    ),
    Row(
        key="head-floods",
        fault="A head that comes fast and never ends",
        does=Impostor(lambda cast: cast.genuine, floods_head),
        code="source_unreachable",
    ),
    Row(
        key="gzip-bomb",
        fault="A gzip bomb: 64 MiB of zeros in 64 kB",
        does=Answers(GzipBomb()),
        code="source_too_large",
        quick=True,
    ),
    Row(
        key="gzip-broken",
        fault="A body that says it is gzip, and is not",
        does=Answers(Headers({"Content-Encoding": "gzip"})),
        code="source_encoding",
    ),
    Row(
        key="encoding-unknown",
        fault="A body in an encoding that was not asked for",
        does=Answers(Headers({"Content-Encoding": "br"})),
        code="source_encoding",
    ),
    Row(
        key="endless",
        fault="A body without a length and without an end",
        does=Answers(Endless()),
        code="source_too_large",
    ),
    Row(
        key="one-byte-too-large",
        fault="A body of 8 MiB and one byte",
        does=Answers(Body(b"A" * (_LIMIT + 1))),
        code="source_too_large",
    ),
    Row(
        key="as-large-as-allowed",
        fault="A body of 8 MiB that is no document",
        does=Answers(Body(b"A" * _LIMIT)),
        event=EventName.DOCUMENT_REFUSED,
        code="malformed",
    ),
    Row(
        key="redirect-loop",
        fault="A redirect to itself, for ever",
        does=RedirectsToItself(),
        code="source_redirect_refused",
        quick=True,
    ),
    Row(
        key="redirect-to-http",
        fault="A redirect from https to http",
        does=Answers(Redirect("http://127.0.0.1:9/acme/shop/pins.jws")),
        code="source_redirect_refused",
    ),
    Row(
        key="redirect-to-file",
        fault="A redirect to a file of this machine",
        does=Answers(Redirect("file:///etc/passwd", 307)),
        code="source_redirect_refused",
    ),
)
