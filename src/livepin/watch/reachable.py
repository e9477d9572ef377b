"""Which addresses a look may be sent to by somebody who is not trusted, and connecting to those alone.

The threat: whoever may name a host makes the machine that looks connect to it, and that machine stands where others
cannot: beside databases, metadata services and the loopback of other programs. So a name is resolved once, every
address that it has is held against the ranges below, and the connection goes to the address that was checked, never
to the name: a name server that answers differently the second time is not asked a second time.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

from livepin.watch.address import Address
from livepin.watch.deadline import Deadline
from livepin.watch.probe import MAX_ADDRESSES, resolve

#: What Python's own table of special addresses (IANA's registries) does not call private, and yet is not the Internet.
_MORE = tuple(
    map(
        ip_network,
        # shared address space of providers; old relays; private use of NAT64; site-local; discard-only
        ("100.64.0.0/10", "192.88.99.0/24", "64:ff9b:1::/48", "fec0::/10", "100::/64", "5f00::/16", "3fff::/20"),
    )
)
#: IPv6 addresses whose last 32 bits are the IPv4 address that is really connected to.
_EMBEDDING = tuple(map(IPv6Network, ("::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96")))
_6TO4, _TEREDO = IPv6Network("2002::/16"), IPv6Network("2001::/32")


def refusal(address: str) -> str:
    """Why an IP address is not looked at; empty for one of the public Internet."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return "it is not an IP address"
    if isinstance(parsed, IPv6Address) and parsed.scope_id is not None:
        return "it is an address of one link"
    return _refusal(parsed)


def _refusal(address: IPv4Address | IPv6Address) -> str:
    if isinstance(address, IPv6Address) and (inner := _inner(address)) is not None:
        return _refusal(inner)
    special = (
        (address.is_unspecified, "it is no address of a host"),
        (address.is_loopback, "it is this machine's loopback"),
        (address.is_link_local, "it is of this link alone, as metadata services are"),
        (address.is_multicast, "it is a multicast address"),
        (address.is_private or any(address in one for one in _MORE), "it is in a private or special range"),
        (address.is_reserved, "it is reserved"),
    )
    return next((why for is_so, why in special if is_so), "")


def _inner(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that an IPv6 address stands for."""
    if address in _6TO4:
        return IPv4Address(int(address) >> 80 & 0xFFFF_FFFF)
    if address in _TEREDO:
        # A relay of anybody's choice: nothing of it is public.
        return IPv4Address("127.0.0.1")
    if int(address) > 1 and any(address in one for one in _EMBEDDING):
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return None


@dataclass(frozen=True, slots=True)
class Reach:
    """Where a name leads. `addresses` may be connected to; `refused`: the others, each with the reason."""

    addresses: tuple[Address, ...]
    refused: tuple[tuple[str, str], ...] = ()
    error: str = ""


def reach(host: str, port: int, *, private: bool, timeout: float) -> Reach:
    """Resolve a host once, and sort its addresses. `private`: nothing is refused. Never raises for the network."""
    try:
        found = resolve(host, port, Deadline(timeout))[:MAX_ADDRESSES]
    except OSError as error:
        return Reach((), (), error.strerror or str(error))
    refused = {} if private else {one: why for one in found if (why := refusal(one.host))}
    allowed = tuple(one for one in found if one not in refused)
    return Reach(allowed, tuple((str(one), f"refused: {why}") for one, why in refused.items()))


class Guarded:
    """Opens connections to what `reach` allows. To be called as `socket.create_connection` is."""

    def __init__(self, *, private: bool) -> None:
        self._private = private

    def __call__(self, address: tuple[str, int], timeout: float = 10.0, *_: object, **__: object) -> socket.socket:
        """A connection to the first allowed address that answers. Raises `OSError`."""
        reached = reach(address[0], address[1], private=self._private, timeout=timeout)
        problem: OSError = OSError(reached.error or next((why for _, why in reached.refused), "it has no address"))
        for one in reached.addresses:
            try:
                return socket.create_connection((one.host, one.port), timeout)
            except OSError as error:
                problem = error
        raise problem
