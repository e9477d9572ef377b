"""The server's API as the command line calls it: one request at a time, with a token, over verified TLS.

The threats: a token that reaches anybody but the server it is for (so https alone, no redirect is followed, plain
http stays on the loopback, and no token is in a URL, an error or a log), and a server that is not what it says (what
it answers is bounded, strict JSON, and shown without control characters).
"""

from __future__ import annotations

import http.client
import json
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from livepin.core import strictjson
from livepin.errors import (
    CertificateInvalid,
    Conflict,
    Forbidden,
    InputInvalid,
    JsonInvalid,
    LimitReached,
    LivepinError,
    NotFound,
    RateLimited,
    ServerFailed,
    Unauthenticated,
)
from livepin.publish.public import is_https

#: A whole draft and a document, with room.
MAX_ANSWER = 64 * 1024 * 1024
#: Seconds between tries of what is safe to repeat.
PAUSES = (0.3, 1.0)
#: The longest that a busy server is waited for, in seconds, when it says how long.
MAX_PATIENCE = 61
#: Entries of a list that are asked for at a time.
_PAGE = 200
_AGAIN = frozenset((502, 503, 504))
_CLASSES: dict[int, type[LivepinError]] = {
    401: Unauthenticated,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    412: Conflict,
    428: Conflict,
}


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect is an answer, and the wrong one: the token is for this server alone."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Leave the 3xx as it is."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back. `version`: the draft's, where the answer has one (its ETag)."""

    status: int
    members: dict[str, Any]
    version: str = ""


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    url: str
    data: bytes | None
    headers: Mapping[str, str]

    @property
    def repeatable(self) -> bool:
        """Whether doing it twice is doing it once. A change that names a version would fail the second time."""
        return self.method == "GET" or "Idempotency-Key" in self.headers


@dataclass(frozen=True, slots=True)
class Api:
    """One server. `url`: its address, without `/api/v1`; `ca_file`: a private CA that its certificate is from."""

    url: str
    token: str = field(default="", repr=False)
    ca_file: str | None = None
    timeout: float = 30.0

    def get(self, path: str, **query: str | int) -> Reply:
        """Read something. Raises the server's own errors, and `ServerFailed`."""
        return self.ask("GET", path, query=query)

    def every(self, path: str) -> Iterator[dict[str, Any]]:
        """All entries of a list, page by page. Raises as `get`."""
        reply = self.get(path, limit=_PAGE)
        while True:
            yield from reply.members["items"]
            following = str(reply.members.get("next", ""))
            if not following:
                return
            reply = self.get(path, limit=_PAGE, cursor=following)

    def ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        if_match: str = "",
        key: str = "",
        query: Mapping[str, str | int] | None = None,
    ) -> Reply:
        """One operation below `/api/v1`. `key`: makes a request that is sent twice be done once.

        Raises what the server refuses with, by its code, and `ServerFailed` where there is no answer of a server.
        """
        headers = {"User-Agent": "livepin-cli", "Accept": "application/json", "Cache-Control": "no-store"}
        given = {"If-Match": if_match, "Idempotency-Key": key}
        headers |= {name: value for name, value in given.items() if value}
        headers |= {"Authorization": f"Bearer {self.token}"} if self.token else {}
        headers |= {} if body is None else {"Content-Type": "application/json"}
        data = None if body is None else json.dumps(body, separators=(",", ":")).encode()
        url = f"{self.url}/api/v1{path}" + (f"?{urlencode(query)}" if query else "")
        return self._with_patience(_Request(method, url, data, headers))

    def _with_patience(self, request: _Request) -> Reply:
        """Again, where that is safe: a server that is being restarted is back within a second."""
        pauses = list(PAUSES)
        while True:
            try:
                return self._once(request)
            except RateLimited as error:
                # What was refused for being too much was not done.
                if not pauses or error.seconds > MAX_PATIENCE:
                    raise
                pauses.pop(0)
                time.sleep(error.seconds)
            except ServerFailed as error:
                if not pauses or not request.repeatable or error.code == "server_strange":
                    raise
                time.sleep(pauses.pop(0))

    def _once(self, request: _Request) -> Reply:
        sent = urllib.request.Request(request.url, request.data, dict(request.headers), method=request.method)
        try:
            with self._opener().open(sent, timeout=self.timeout) as answer:
                return _reply(answer.status, answer.read(MAX_ANSWER + 1), answer.headers.get("ETag", ""), self.url)
        except urllib.error.HTTPError as error:
            with error:
                raise _refusal(error, self.url) from None
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise _unreachable(error, self.url) from None

    def _opener(self) -> urllib.request.OpenerDirector:
        # No proxy of the environment stands between this machine and itself.
        proxies: dict[str, str] | None = {} if urlsplit(self.url).scheme == "http" else None
        handlers = [_NoRedirect(), urllib.request.ProxyHandler(proxies)]
        return urllib.request.build_opener(*handlers, urllib.request.HTTPSHandler(context=self._context()))

    def _context(self) -> ssl.SSLContext:
        try:
            return ssl.create_default_context(cafile=self.ca_file)
        except OSError as error:
            why = error.strerror or "no certificate in it"
            message = f"not a PEM file of CAs: {why}"
            raise CertificateInvalid("certificate_invalid", message, where=str(self.ca_file)) from None


def checked_url(text: str) -> str:
    """A server's URL as it is kept, without a slash at its end. Raises `InputInvalid` (`server_url_invalid`)."""
    try:
        parts = urlsplit(text)
        _ = parts.port  # a strange one is told when it is read
    except ValueError:
        parts = urlsplit("")
    bare = parts.hostname and "@" not in parts.netloc and not parts.query and not parts.fragment
    if not (bare and is_https(text) and text.isascii() and text.isprintable() and " " not in text):
        # What was typed may hold a password: only the host is said.
        message = "not an https URL without user name, query and fragment (http only on loopback)"
        raise InputInvalid("server_url_invalid", message, where=parts.hostname or "the server's URL")
    return text.rstrip("/").removesuffix("/api/v1")


def part(text: str) -> str:
    """An identifier, a pattern or a number as one part of a path."""
    return quote(text, safe="")


def _reply(status: int, data: bytes, tag: str, where: str) -> Reply:
    if len(data) > MAX_ANSWER:
        raise ServerFailed("server_strange", "the answer is larger than any of Livepin's", where=where)
    if not data:
        return Reply(status, {}, tag)
    try:
        members = strictjson.loads(data)
    except JsonInvalid:
        members = None
    if not isinstance(members, dict):
        raise ServerFailed("server_strange", "the answer is no JSON object", where=where)
    return Reply(status, members, tag)


def _unreachable(error: Exception, where: str) -> ServerFailed:
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(reason, TimeoutError):
        return ServerFailed("server_unreachable", "no answer in time", where=where)
    return ServerFailed("server_unreachable", f"cannot be reached: {one_line(str(reason))}", where=where)


def _refusal(error: urllib.error.HTTPError, where: str) -> LivepinError:
    """The problem that a server told (RFC 9457), as our error of the same code."""
    try:
        said = _reply(error.code, error.read(1024 * 1024), "", where).members
    except (ServerFailed, OSError, http.client.HTTPException):
        said = {}
    code, message = str(said.get("code", "")), one_line(str(said.get("message", "")))
    number = one_line(error.headers.get("X-Request-ID", ""))[:64]
    if 300 <= error.code < 400 or not code:
        what = "a redirect" if 300 <= error.code < 400 else f"HTTP {error.code}, and no word of Livepin's"
        failed = error.code in _AGAIN or error.code >= 500
        return ServerFailed("server_failed" if failed else "server_strange", f"the answer is {what}", where=where)
    if error.code >= 500:
        return ServerFailed("server_failed", f"{message} (request {number or 'without a number'})", where=where)
    if error.code == 429:
        return RateLimited(message, _seconds(error.headers.get("Retry-After", "")))
    kind = LimitReached if code == "limit_reached" else _CLASSES.get(error.code, InputInvalid)
    hint = "`livepin login` signs in again." if error.code == 401 else one_line(str(said.get("hint", "")))
    return kind(one_line(code)[:60], message, where=one_line(str(said.get("where", ""))), hint=hint)


def _seconds(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 5


def one_line(text: str) -> str:
    """A stranger's words on one line of our terminal: no control characters."""
    return "".join(one if one.isprintable() else " " for one in text)[:2000]
