"""Addresses as people type them: `HOST`, `HOST:PORT`, `[IPv6]:PORT`, and the URL of an HTTP proxy.

The threat: what is typed here becomes a line of a request to a proxy. A name of other characters than names have is
refused, though judging (J1) takes names as TLS layers give them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from livepin.core.hosts import is_address, normalize
from livepin.errors import HostInvalid

_NAME = re.compile(r"[a-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class Address:
    """Where to connect to. `host` is a normalized name or an IP address without brackets."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Proxy:
    """An HTTP proxy that is asked to CONNECT."""

    address: Address

    def __str__(self) -> str:
        return f"http://{self.address}"


def parse_address(text: str, default_port: int = 443) -> Address:
    """Address of `HOST`, `HOST:PORT`, `[IPv6]`, `[IPv6]:PORT` or a bare IPv6 address. Raises `HostInvalid`."""
    host, port = text, ""
    if text.startswith("["):
        host, closed, rest = text[1:].partition("]")
        if not closed or (rest and not rest.startswith(":")):
            raise _invalid(text, "after the closing bracket comes :PORT or nothing")
        port = rest[1:]
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    if text.endswith(":") and text.count(":") == 1:
        raise _invalid(text, "the port is missing")
    name = normalize(host)
    if not is_address(name) and _NAME.fullmatch(name) is None:
        raise _invalid(text, "a name has letters, digits, hyphens, underscores and dots")
    return Address(name, _port(text, port) if port else default_port)


def _port(text: str, port: str) -> int:
    if not (port.isascii() and port.isdigit() and 0 < int(port[:6]) < 65_536):
        raise _invalid(text, "the port is not a number from 1 to 65535")
    return int(port)


def parse_proxy(text: str) -> Proxy:
    """Proxy of `http://HOST:PORT`. Raises `HostInvalid`.

    A user and password in the URL are refused: arguments are seen by every process of the machine.
    """
    if "@" in text:
        raise HostInvalid("host_invalid", "a proxy URL with a user name is refused", where="proxy")
    scheme, separator, rest = text.partition("://")
    if separator and scheme.lower() != "http":
        raise _invalid(text, "only http:// proxies are asked to CONNECT")
    parts = urlsplit(f"http://{rest if separator else text}")
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise _invalid(text, "a proxy is http://HOST:PORT and nothing more")
    return Proxy(parse_address(parts.netloc, 8080))


def _invalid(text: str, why: str) -> HostInvalid:
    return HostInvalid("host_invalid", why, where=repr(text[:80]), hint="Write HOST:PORT; IPv6 as [ADDRESS]:PORT.")
