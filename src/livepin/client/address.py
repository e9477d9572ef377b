"""Where the document is fetched from: configuration URLs, checked once, before anything is sent to them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from livepin.core.hosts import is_address, normalize
from livepin.errors import ConfigurationError, HostInvalid

POINTER = "pins.jws"
STATEMENT = "fresh.jws"

_HOST = re.compile(r"[a-z0-9._-]+", re.ASCII)
#: `urlsplit` would drop some of these without a word, and programs do not agree on what the others mean.
_UNSENDABLE = re.compile(r"[\x00-\x20\x7f\\]")
_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class SourceUrl:
    """A URL that passed the rules. `host` is normalized (J1); `target` is path and query, as they are sent."""

    scheme: str
    host: str
    port: int
    target: str

    @property
    def authority(self) -> str:
        """Host and, where it is not the scheme's own, port: the `Host` header (RFC 9110 section 7.2)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}{self.target}"


def document_urls(configuration_url: str | Sequence[str], organization: str, project: str) -> tuple[str, ...]:
    """The URLs of a project's document, in the order given and each of them once.

    A URL whose path ends in `/` (or is empty, which is the same: RFC 3986 section 6.2.3) is a base, to which
    `<organization>/<project>/pins.jws` is added; any other is used as it is. The IDs have been checked by set-up.
    Raises `ConfigurationError` (`configuration_url_missing`, `configuration_url_invalid`).
    """
    if not configuration_url:
        raise ConfigurationError("configuration_url_missing", "there is no URL to fetch the document from")
    given = (configuration_url,) if isinstance(configuration_url, str) else tuple(configuration_url)
    pointer = f"{organization}/{project}/{POINTER}"
    return tuple(dict.fromkeys(str(_with_pointer(parse_url(url), pointer)) for url in given))


def _with_pointer(url: SourceUrl, pointer: str) -> SourceUrl:
    path, mark, query = url.target.partition("?")
    if not path.endswith("/"):
        return url
    return SourceUrl(url.scheme, url.host, url.port, path + pointer + mark + query)


def statement_url(document_url: str) -> str:
    """Where the freshness statement lies for a document's URL: beside it, whatever the document's own name is.

    A query stays: without it a source that asks for one would give nothing.
    """
    path, mark, query = document_url.partition("?")
    return f"{path.rpartition('/')[0]}/{STATEMENT}{mark}{query}"


def parse_url(url: str) -> SourceUrl:
    """Check one URL: https, or http on loopback; no user name, no fragment.

    Raises `ConfigurationError` (`configuration_url_invalid`), whose text holds neither user information nor query.
    """
    if not isinstance(url, str) or not url:
        raise _invalid(url, "not a URL")
    if _UNSENDABLE.search(url):
        raise _invalid(url, "it has blanks, control characters or backslashes")
    if "#" in url:
        raise _invalid(url, "a fragment is never sent: leave it out")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _invalid(url, "not a URL, or the port is not a number from 1 to 65535") from None
    if parts.scheme not in _PORTS:
        raise _invalid(url, "the scheme is not https (or http on loopback)")
    if "@" in parts.netloc:
        raise _invalid(url, "a user name or password in the URL would end up in logs")
    host = _host_of(url, parts.netloc, parts.hostname)
    if port == 0:
        raise _invalid(url, "the port is not a number from 1 to 65535")
    if parts.scheme == "http" and not is_loopback(host):
        raise _invalid(url, "http is for loopback only: anybody on the way could withhold the document")
    return SourceUrl(parts.scheme, host, port or _PORTS[parts.scheme], _target_of(url, parts.path, parts.query))


def _host_of(url: str, netloc: str, name: str | None) -> str:
    if not name or "%" in netloc:
        raise _invalid(url, "the host is missing, or is not a plain name or address")
    try:
        host = normalize(name)
    except HostInvalid as error:
        raise _invalid(url, f"the host is {error.message}") from None
    if not is_address(host) and not _HOST.fullmatch(host):
        raise _invalid(url, "the host is not a plain name or address")
    return host


def _target_of(url: str, path: str, query: str) -> str:
    target = (path or "/") + (f"?{query}" if query else "")
    if not target.isascii():
        raise _invalid(url, "characters of the path that are not ASCII must be percent-encoded")
    return target


def is_loopback(host: str) -> bool:
    """Whether a normalized host is this machine itself: 127.0.0.0/8, ::1 or `localhost`."""
    return host in {"localhost", "::1"} or (host.startswith("127.") and is_address(host))


def shown(url: object) -> str:
    """A URL as it may stand in logs and errors: without user information and query, which may be secret."""
    bare = re.split(r"[?#]", str(url), maxsplit=1)[0]
    _, at, rest = bare.rpartition("@")
    text = f"…@{rest}" if at else bare
    return "".join(c if c.isprintable() else "�" for c in text[:300])


def _invalid(url: object, why: str) -> ConfigurationError:
    return ConfigurationError("configuration_url_invalid", why, where=shown(url) or "configuration_url")
