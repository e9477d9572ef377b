"""The proxy that the environment asks for, and the way through it (HTTP CONNECT, RFC 9110 section 9.3.6)."""

from __future__ import annotations

import base64
import ssl
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from livepin.client.address import SourceUrl, shown
from livepin.client.attempt import Bounds, Phase
from livepin.client.exchange import USER_AGENT, request
from livepin.client.transport import Stream, TlsStream, connect
from livepin.errors import FetchFailed


@dataclass(frozen=True, slots=True)
class Proxy:
    """An HTTP proxy. `encrypted`: TLS to the proxy itself. `authorization` is a secret, or empty."""

    host: str
    port: int
    encrypted: bool
    authorization: str = field(default="", repr=False)

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def proxy_for(url: SourceUrl) -> Proxy | None:
    """The proxy for an https URL, as `urllib.request` finds it (environment, and what macOS and Windows are set to).

    Raises `FetchFailed`.
    """
    from urllib.request import getproxies, proxy_bypass  # lazily: 3 MiB that only a fetch needs

    text = getproxies().get("https", "")
    if not text or proxy_bypass(url.authority):
        return None
    return parse_proxy(text, url)


def parse_proxy(text: str, url: SourceUrl) -> Proxy:
    """`[http[s]://][user:password@]host[:port]`. Raises `FetchFailed`, which never shows the password."""
    where = shown(url)
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        host, port = parts.hostname, parts.port
    except ValueError:
        raise FetchFailed("source_unreachable", "the proxy in the environment is not a URL", where=where) from None
    if parts.scheme not in {"http", "https"} or not host:
        what = f"a proxy must be http or https; the environment names {shown(text)!r}"
        raise FetchFailed("source_unreachable", what, where=where)
    encrypted = parts.scheme == "https"
    return Proxy(host, port or (443 if encrypted else 80), encrypted, _authorization(parts.username, parts.password))


def _authorization(username: str | None, password: str | None) -> str:
    if username is None:
        return ""
    credentials = f"{unquote(username)}:{unquote(password or '')}".encode()
    return f"Basic {base64.b64encode(credentials).decode('ascii')}"


def tunnel(proxy: Proxy, url: SourceUrl, bounds: Bounds, context: ssl.SSLContext) -> Stream:
    """A stream through the proxy to the host of `url`. Raises `OSError`, `HTTPException`, `FetchFailed`."""
    try:
        stream: Stream = connect(proxy.host, proxy.port, bounds)
    except OSError as error:
        what = f"the proxy {proxy} cannot be reached: {error.strerror or error}"
        raise FetchFailed("source_unreachable", what, where=shown(url)) from error
    try:
        bounds.phase = Phase.PROXY
        if proxy.encrypted:
            stream = TlsStream(stream, context, proxy.host)
        _ask(stream, proxy, url)
    except BaseException:
        stream.close()
        raise
    return stream


def _ask(stream: Stream, proxy: Proxy, url: SourceUrl) -> None:
    host = f"[{url.host}]" if ":" in url.host else url.host
    headers = {"Host": f"{host}:{url.port}", "User-Agent": USER_AGENT}
    if proxy.authorization:
        headers["Proxy-Authorization"] = proxy.authorization
    with request(stream, "CONNECT", headers["Host"], headers) as response:
        status = response.status
    if not 200 <= status < 300:
        # Not `source_status`, and never `withdrawn`: the source itself has said nothing.
        what = f"the proxy {proxy} answered {status} to CONNECT"
        raise FetchFailed("source_unreachable", what, where=shown(url), status=status)
