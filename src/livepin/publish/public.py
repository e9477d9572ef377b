"""What applications get: the document through its public URL, the CDN included.

This is a reader like any other: it carries no identifier, follows no redirect and bounds what it reads, in bytes and
in time: a server that sends a byte now and then holds nobody up.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import threading
import time
import urllib.error
import urllib.request
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NoReturn, TypeVar
from urllib.parse import urlsplit

from livepin.core.hosts import is_address
from livepin.core.jws import MAX_TEXT
from livepin.core.trust import Revision, Trust, verify_held
from livepin.errors import CertificateInvalid, DocumentRefused, FetchFailed, OriginFailed

_PAUSE = 0.5
_LOOPBACK = ("127.", "::1")


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect is an answer, and the wrong one."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Leave the 3xx as it is."""


#: Opens a connection as `socket.create_connection` does, to whatever address it allows.
Connect = Callable[..., socket.socket]


class _Through(urllib.request.HTTPSHandler, urllib.request.HTTPHandler):
    """Opens connections with `connect`."""

    def __init__(self, context: ssl.SSLContext, connect: Connect) -> None:
        super().__init__(context=context)
        self._given = context, connect

    def https_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        """A request over TLS."""
        return self.do_open(self._https, request)

    def http_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        """A request in plain text, on loopback."""
        return self.do_open(self._http, request)

    def _https(self, host: str, **given: Any) -> http.client.HTTPSConnection:
        return _connecting(http.client.HTTPSConnection(host, context=self._given[0], **given), self._given[1])

    def _http(self, host: str, **given: Any) -> http.client.HTTPConnection:
        return _connecting(http.client.HTTPConnection(host, **given), self._given[1])


class _Ends:
    """Opens connections, and ends them when the time of the whole fetch is over: a socket's own limit begins anew
    with every byte."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._open: list[socket.socket] = []
        self._over = False
        self._lock = threading.Lock()

    def connect(self, *given: Any, **more: Any) -> socket.socket:
        """As `socket.create_connection`."""
        connection = self._connect(*given, **more)
        with self._lock:
            # A second handle on the connection: TLS takes over the first.
            self._open.append(connection.dup())
            late = self._over
        if late:
            self._end()
        return connection

    @contextlib.contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Everything in this block. Raises `TimeoutError` when it took longer."""
        timer = threading.Timer(seconds, self._end)
        timer.daemon = True
        timer.start()
        try:
            yield
        except (OSError, ValueError, http.client.HTTPException):
            self._check()
            raise
        finally:
            timer.cancel()
            self._close()
        self._check()

    def _check(self) -> None:
        if self._over:
            raise TimeoutError("timed out")

    def _end(self) -> None:
        with self._lock:
            self._over = True
            for one in self._open:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def _close(self) -> None:
        with self._lock:
            for one in self._open:
                one.close()
            self._open.clear()


_C = TypeVar("_C", bound=http.client.HTTPConnection)


def _connecting(connection: _C, connect: Connect) -> _C:
    connection._create_connection = connect  # type: ignore[attr-defined]  # where http.client keeps its own
    return connection


def read(url: str, *, ca_file: str | None = None, timeout: float = 10.0, connect: Connect | None = None) -> str:
    """The text at a document's URL. Raises `FetchFailed`, and `CertificateInvalid` for a `ca_file` that holds none.

    `connect`: for URLs that somebody else chose; no proxy of the environment is used then.
    """
    _check_url(url)
    ends = _Ends(connect or socket.create_connection)
    handlers: list[urllib.request.BaseHandler] = [_NoRedirect(), _Through(_context(ca_file), ends.connect)]
    if connect is not None:
        handlers.append(urllib.request.ProxyHandler({}))
    headers = {"User-Agent": "livepin", "Accept-Encoding": "gzip", "Cache-Control": "no-cache"}
    try:
        with ends.within(timeout):
            opener = urllib.request.build_opener(*handlers)
            with opener.open(urllib.request.Request(url, headers=headers), timeout=timeout) as answer:
                data = answer.read(MAX_TEXT + 1)
                gzipped = answer.headers.get("Content-Encoding", "").lower() == "gzip"
    except (OSError, ValueError, http.client.HTTPException) as error:
        _raise(url, error)
    text = _decompress(data, url) if gzipped else data
    if len(text) > MAX_TEXT:
        raise FetchFailed("source_too_large", "the answer is larger than a document may be", where=url)
    return text.decode("latin-1")  # whatever is not ASCII is refused in V1, with a code


def _context(ca_file: str | None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if ca_file is None:
        return context
    try:
        context.load_verify_locations(cafile=ca_file)
    except OSError as error:
        why = error.strerror or "no certificate in it"
        raise CertificateInvalid("certificate_invalid", f"not a PEM file of CAs: {why}", where=ca_file) from None
    return context


def is_https(url: str) -> bool:
    """Whether a URL is an https one, or an http one of the loopback (design section 2).

    One with a user name or a password is none: it is shown on pages, embedded, and written to logs.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    host = parts.hostname or ""
    loopback = host == "localhost" or (is_address(host) and host.startswith(_LOOPBACK))
    plain = "@" not in parts.netloc and url.isprintable() and " " not in url
    return plain and bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and loopback))


def _check_url(url: str) -> None:
    if not is_https(url):
        message = "not an https URL (http only on loopback) without user name and blanks"
        raise FetchFailed("configuration_url_invalid", message, where=url.rpartition("@")[2])


def _raise(url: str, error: Exception) -> NoReturn:
    if isinstance(error, urllib.error.HTTPError):
        error.close()
        code = "withdrawn" if error.code in (404, 410) else "source_status"
        code = "source_redirect_refused" if 300 <= error.code < 400 else code
        raise FetchFailed(code, f"the answer is HTTP {error.code}", where=url, status=error.code) from None
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(reason, TimeoutError):
        raise FetchFailed("source_timeout", "no answer in time", where=url) from None
    raise FetchFailed("source_unreachable", f"cannot be fetched: {reason}", where=url) from None


def _decompress(data: bytes, url: str) -> bytes:
    inflater = zlib.decompressobj(wbits=31)
    try:
        text = inflater.decompress(data, MAX_TEXT + 1)
    except zlib.error:
        raise FetchFailed("source_encoding", "the answer is not the gzip that it says it is", where=url) from None
    if not inflater.eof and len(text) <= MAX_TEXT:
        raise FetchFailed("source_truncated", "the answer ends early", where=url)
    return text


def confirm(
    url: str,
    revision: Revision,
    trust: Trust,
    *,
    ca_file: str | None = None,
    patience: float = 5.0,
    connect: Connect | None = None,
) -> None:
    """Wait until readers of `url` get `revision` or a higher one; `patience` in seconds. Raises `OriginFailed`."""
    end = time.monotonic() + patience
    reading = partial(read, url, ca_file=ca_file, connect=connect)
    while why := _not_yet(reading, revision, trust, max(_PAUSE, end - time.monotonic())):
        if time.monotonic() + _PAUSE > end:
            raise OriginFailed("not_confirmed", f"not seen through the public URL: {why}", where=url)
        time.sleep(_PAUSE)


def _not_yet(reading: Callable[..., str], revision: Revision, trust: Trust, timeout: float) -> str:
    try:
        seen = verify_held(reading(timeout=timeout), trust)
    except (FetchFailed, DocumentRefused) as error:
        return error.message
    if seen.number < revision.number:
        return f"it still serves {seen.epoch}.{seen.serial}"
    if seen.number == revision.number and not seen.is_copy_of(revision):
        return f"it serves another document as {seen.epoch}.{seen.serial}"
    return ""
