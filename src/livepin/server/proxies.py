"""Who sends a request: the address of the connection, or of whom a trusted proxy speaks for.

The threat is a client that writes its own address into a header, to be counted as somebody else each time. So such a
header says something only where it comes from an address that the operator named (`trusted_proxies`).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

from livepin.server.settings import CONFIG

_TRUSTED = tuple(map(ipaddress.ip_network, CONFIG.trusted_proxies))


def sender(meta: Mapping[str, Any]) -> str:
    """The client's own address: that of the connection, or what a trusted proxy says of whom it speaks for."""
    direct = str(meta.get("REMOTE_ADDR", ""))
    if not is_trusted(direct):
        return direct
    hops = [one.strip() for one in str(meta.get("HTTP_X_FORWARDED_FOR", "")).split(",")]
    strangers = [one for one in reversed(hops) if one and not is_trusted(one)]
    return strangers[0] if strangers and _is_address(strangers[0]) else direct


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def is_trusted(text: str) -> bool:
    """Whether an address is that of a proxy which the operator named."""
    return _is_address(text) and any(ipaddress.ip_address(text) in network for network in _TRUSTED)
