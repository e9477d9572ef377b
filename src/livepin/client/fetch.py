"""Fetching: one question to one URL, bounded in time and bytes, that tells nothing about who asks.

An answer is not believed because of where it came from; it is verified (V1 to V8). So nothing here is a decision
about trust: a fetch only must not hang, swell, leak or be led somewhere else.
"""

from __future__ import annotations

import _ssl
import re
import ssl
from collections.abc import Callable
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urljoin
from weakref import WeakSet

from livepin.client.address import SourceUrl, parse_url, shown
from livepin.client.attempt import Answer, Attempt, Bounds, Fetched, Phase
from livepin.client.exchange import USER_AGENT, read_body, request
from livepin.client.proxy import proxy_for, tunnel
from livepin.client.transport import Stream, TlsStream, connect
from livepin.errors import ConfigurationError, FetchFailed

if TYPE_CHECKING:
    from http.client import HTTPResponse

#: Contexts that only ask for documents: what passes through them is not the application's.
OWN_CONTEXTS: WeakSet[ssl.SSLContext] = WeakSet()

#: JWS text of a document, before and after content decoding (design section 3).
MAX_BYTES = 8 * 1024 * 1024
MAX_REDIRECTS = 3

_REDIRECTS = {301, 302, 303, 307, 308}
_GONE = {404, 410}
#: An ETag longer than this could only serve to recognize the installation that sends it back.
_MAX_ETAG = 128
_ETAG = re.compile(r'(?:W/)?"[!#-~]*"')


class Fetcher(Protocol):
    """Duties of whatever asks sources for documents.

    - Ends within `deadline` seconds, whatever the network does, resolver included; one answer, or one `FetchFailed`.
    - Delivers a document whole, and of at most `max_bytes`, or not at all.
    - Says nothing about the installation: no identifier, no cookie, no query that was not in the URL.
    - Decides nothing: an HTTP status or header never drops, prolongs or delays a document (design section 6).
    - Is not judged (J3), and may be used from several threads at once.
    """

    def fetch(self, url: str, *, etag: str | None, deadline: float, max_bytes: int = MAX_BYTES) -> Fetched:
        """Ask, and wait. Raises `FetchFailed`, or `ConfigurationError` for a URL that is against the rules."""
        ...

    def start(
        self,
        url: str,
        *,
        etag: str | None,
        deadline: float,
        max_bytes: int = MAX_BYTES,
        on_done: Callable[[Attempt], object] | None = None,
    ) -> Attempt:
        """Ask, and do not wait: `on_done` is called once, in any thread. Raises `ConfigurationError` as above."""
        ...


class HttpFetcher:
    """Fetches over HTTPS (plain HTTP on loopback)."""

    def __init__(self, *, ca_file: str | None = None, context: Callable[[], ssl.SSLContext] | None = None) -> None:
        """`ca_file`: PEM of CAs that are trusted besides the system's (a private CDN's). `context`: makes the TLS
        context instead; it must be a plain `ssl.SSLContext`. Raises `ConfigurationError` if `ca_file` cannot be used.
        """
        self._context = context or partial(trusting_context, ca_file)
        if ca_file is not None:
            _check_ca_file(ca_file)

    def fetch(self, url: str, *, etag: str | None, deadline: float, max_bytes: int = MAX_BYTES) -> Fetched:
        return self.start(url, etag=etag, deadline=deadline, max_bytes=max_bytes).wait()

    def start(
        self,
        url: str,
        *,
        etag: str | None,
        deadline: float,
        max_bytes: int = MAX_BYTES,
        on_done: Callable[[Attempt], object] | None = None,
    ) -> Attempt:
        work = partial(self._work, parse_url(url), etag, max_bytes)
        return Attempt(url, work, deadline=deadline, on_done=on_done)

    def _work(self, source: SourceUrl, etag: str | None, max_bytes: int, bounds: Bounds) -> Fetched:
        from http.client import HTTPException  # lazily: see exchange.py

        try:
            return self._ask(source, etag, max_bytes, bounds)
        except (OSError, HTTPException, ValueError) as error:  # ValueError: of a chunk with a negative size, say
            raise _explained(error, bounds) from error

    def _ask(self, source: SourceUrl, etag: str | None, max_bytes: int, bounds: Bounds) -> Fetched:
        for _ in range(MAX_REDIRECTS + 1):
            with closing(self._open(source, bounds)) as stream:
                bounds.phase = Phase.HEAD
                with request(stream, "GET", source.target, _headers(source, etag)) as response:
                    if response.status not in _REDIRECTS:
                        return _answer(response, etag, max_bytes, bounds)
                    source = _redirected(source, response.getheader("Location"), bounds)
        raise _redirect_refused(f"more than {MAX_REDIRECTS} redirects", bounds)

    def _open(self, source: SourceUrl, bounds: Bounds) -> Stream:
        if source.scheme == "http":  # on loopback, and a proxy's loopback is another machine: never a proxy
            return connect(source.host, source.port, bounds, loopback_only=True)
        # A context for every fetch: an application that runs for a year sees the system's CAs change.
        context = self._context()
        proxy = proxy_for(source)
        below = tunnel(proxy, source, bounds, context) if proxy else connect(source.host, source.port, bounds)
        bounds.phase = Phase.TLS
        try:
            return TlsStream(below, context, source.host)
        except BaseException:
            below.close()
            raise


def trusting_context(ca_file: str | None = None) -> ssl.SSLContext:
    """A client context with ordinary validation: the system's CAs, and those in `ca_file`. Raises `OSError`."""
    # `ssl.SSLContext` may have been replaced (truststore, gevent); only the standard library's own class will do.
    plain = next(kind for kind in ssl.SSLContext.__mro__ if _ssl._SSLContext in kind.__bases__)
    context: ssl.SSLContext = plain(ssl.PROTOCOL_TLS_CLIENT)
    OWN_CONTEXTS.add(context)
    context.load_default_certs()
    if ca_file is not None:
        context.load_verify_locations(cafile=ca_file)
    return context


def _check_ca_file(ca_file: str) -> None:
    try:
        trusting_context(ca_file)
    except OSError as error:
        what = f"no CA certificates can be loaded: {error.strerror or error}"
        raise ConfigurationError("configuration_invalid", what, where=ca_file) from error


def _headers(source: SourceUrl, etag: str | None) -> dict[str, str]:
    headers = {
        "Host": source.authority,
        "User-Agent": USER_AGENT,
        "Accept": "application/jose, */*",
        "Accept-Encoding": "gzip",
        "Connection": "close",
    }
    if etag is not None:
        headers["If-None-Match"] = etag
    return headers


def _answer(response: HTTPResponse, etag: str | None, max_bytes: int, bounds: Bounds) -> Fetched:
    if response.status == 304 and etag is not None:
        return Fetched(Answer.NOT_MODIFIED, bounds.url, etag=etag, elapsed=bounds.elapsed)
    if response.status != 200:
        code = "withdrawn" if response.status in _GONE else "source_status"
        what = f"the source answered {response.status}"
        raise FetchFailed(code, what, where=shown(bounds.url), status=response.status)
    body = read_body(response, bounds, max_bytes).decode("latin-1")
    return Fetched(Answer.DOCUMENT, bounds.url, body, _usable(response.getheader("ETag")), bounds.elapsed)


def _usable(etag: str | None) -> str | None:
    """An ETag that can be sent back as it is (RFC 9110 section 8.8.3), or none.

    One, and no more: `*` or a list, which a thief of the CDN has given, would have the honest one answer 304 for ever.
    """
    return etag if etag is not None and len(etag) <= _MAX_ETAG and _ETAG.fullmatch(etag) else None


def _redirected(source: SourceUrl, location: str | None, bounds: Bounds) -> SourceUrl:
    if not location:
        raise _redirect_refused("a redirect to nowhere", bounds)
    try:
        target = parse_url(urljoin(str(source), location).partition("#")[0])
    except (ConfigurationError, ValueError) as error:
        why = error.message if isinstance(error, ConfigurationError) else "not a URL"
        raise _redirect_refused(f"a redirect to {shown(location)!r}: {why}", bounds) from None
    if source.scheme == "https" and target.scheme != "https":
        raise _redirect_refused("a redirect from https to http", bounds)
    return target


def _redirect_refused(what: str, bounds: Bounds) -> FetchFailed:
    return FetchFailed("source_redirect_refused", what, where=shown(bounds.url))


def _explained(error: Exception, bounds: Bounds) -> FetchFailed:
    """What a broken connection means for the one who asked."""
    from http.client import IncompleteRead  # loaded already, by then

    if isinstance(error, TimeoutError):
        return bounds.timed_out()
    where = shown(bounds.url)
    if isinstance(error, ssl.SSLCertVerificationError):
        what, hint = (
            f"its certificate is not trusted: {getattr(error, 'verify_message', error)}",
            "Pass the CA, or repair the system's.",
        )
        return FetchFailed("source_unreachable", what, where=where, hint=hint)
    if bounds.phase is Phase.BODY or isinstance(error, IncompleteRead):
        return FetchFailed("source_truncated", f"the connection broke while {bounds.phase}", where=where)
    reason = (error.strerror or str(error)) if isinstance(error, OSError) else f"not HTTP ({type(error).__name__})"
    return FetchFailed("source_unreachable", f"failed while {bounds.phase}: {reason}", where=where)
