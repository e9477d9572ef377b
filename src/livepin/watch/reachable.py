"""Which addresses a look may be sent to by somebody who is not trusted, and connecting to those alone.

The threat: whoever may name a host makes the machine that looks connect to it, and that machine stands where others
cannot: beside databases, metadata services and the loopback of other programs. So a name is resolved once, every
address that it has is held against the ranges below, and the connection goes to the address that was checked, never
to the name: a name server that answers differently the second time is not asked a second time.

What is refused is refused before anything is sent, so an open port looks like a closed one; and a name that leads
nowhere public is answered like one that does not exist: a stranger does not learn the names of the inside. Of the
public Internet, ports below 1024 are those on which TLS is spoken from the first byte: this is no port scanner.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from livepin.core.hosts import is_address
from livepin.watch.address import Address
from livepin.watch.deadline import Deadline
from livepin.watch.probe import MAX_ADDRESSES, resolve

#: Special addresses that Python's own table (of IANA's registries) does not call private in every version.
_MORE = tuple(
    map(
        ip_network,
        (
            *("0.0.0.0/8", "192.0.0.0/24", "198.18.0.0/15"),
            # shared address space of providers; old relays
            *("100.64.0.0/10", "192.88.99.0/24"),
            # private use of NAT64; site-local; discard-only; protocols' own; documentation; segment routing
            *("64:ff9b:1::/48", "fec0::/10", "100::/64", "2001::/23", "2001:db8::/32", "3fff::/20", "5f00::/16"),
        ),
    )
)
#: IPv6 addresses whose last 32 bits are the IPv4 address that is really connected to.
_EMBEDDING = tuple(map(IPv6Network, ("::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96")))
#: Where TLS begins at once: https, smtps, nntps, ldaps, DNS, ftps, telnets, imaps, pop3s.
TLS_PORTS = frozenset((443, 465, 563, 636, 853, 989, 990, 992, 993, 995))
#: A proxy is spoken to in plain HTTP.
PROXY_PORTS = TLS_PORTS | {80}
#: The answer for a name, whether it does not exist or leads inside.
NOWHERE = "it has no public address: nobody here knows the name, or it leads to where looks do not go"
_UNKNOWN = (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME))
_6TO4, _TEREDO = IPv6Network("2002::/16"), IPv6Network("2001::/32")


@dataclass(frozen=True, slots=True)
class Bounds:
    """How far connections may go. `private`: anywhere; `networks`: besides the public Internet, to any port there."""

    private: bool = False
    networks: tuple[IPv4Network | IPv6Network, ...] = ()

    def holds(self, address: str) -> bool:
        """Whether an IP address is in one of the networks, or stands for one that is."""
        parsed = ip_address(address)
        inner = _inner(parsed) if isinstance(parsed, IPv6Address) else None
        return any((inner or parsed) in one for one in self.networks)

    def refusal(self, address: Address, ports: frozenset[int] = TLS_PORTS) -> str:
        """Why an address is not connected to; empty where it may be. `ports`: those below 1024 that may be."""
        if self.private or (is_address(address.host) and self.holds(address.host)):
            return ""
        if why := refusal(address.host):
            return why
        return "" if address.port >= 1024 or address.port in ports else "TLS does not begin at once on this port"


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
    """Where a name leads. `addresses` may be connected to; `refused`: the others, each with the reason.

    Of a name, the addresses that are refused are one entry, `-`: what they are is not told.
    """

    addresses: tuple[Address, ...]
    refused: tuple[tuple[str, str], ...] = ()
    error: str = ""


def reach(host: str, port: int, *, bounds: Bounds, timeout: float, ports: frozenset[int] = TLS_PORTS) -> Reach:
    """Resolve a host once, and sort its addresses by what `bounds` allows. Never raises for the network."""
    try:
        found = resolve(host, port, Deadline(timeout))[:MAX_ADDRESSES]
    except OSError as error:
        unknown = isinstance(error, socket.gaierror) and error.errno in _UNKNOWN and not bounds.private
        return Reach((), (), NOWHERE if unknown else error.strerror or str(error))
    except UnicodeError:  # a label that the resolver cannot encode
        return Reach((), (), NOWHERE)
    refused = {one: why for one in found if (why := bounds.refusal(one, ports))}
    allowed = tuple(one for one in found if one not in refused)
    if not refused or is_address(host):
        return Reach(allowed, tuple((str(one), f"refused: {why}") for one, why in refused.items()))
    whole = "refused: the name leads also to where looks do not go" if allowed else NOWHERE
    return Reach(allowed, (("-", whole),))


class Guarded:
    """Opens connections to what `reach` allows. To be called as `socket.create_connection` is."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds

    def __call__(self, address: tuple[str, int], timeout: float = 10.0, *_: object, **__: object) -> socket.socket:
        """A connection to the first allowed address that answers, within `timeout`. Raises `OSError`."""
        deadline = Deadline(timeout)
        reached = reach(address[0], address[1], bounds=self._bounds, timeout=timeout)
        problem: OSError = OSError(reached.error or next((why for _, why in reached.refused), NOWHERE))
        for one in reached.addresses:
            try:
                return socket.create_connection((one.host, one.port), deadline.left())
            except OSError as error:
                problem = error
        raise problem
