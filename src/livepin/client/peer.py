"""What a finished handshake says about the other side: leaf, validated chain, host (rule J4).

Uses methods of the C object beneath `ssl.SSLSocket` and `ssl.SSLObject`: `get_verified_chain` is public only from
Python 3.13 on, and there wraps the same call.
"""

from __future__ import annotations

import _ssl
import contextlib
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol
from weakref import WeakKeyDictionary

from livepin.client.snapshot import PeerView
from livepin.core.sct import Delivered
from livepin.errors import LivepinError

#: How many chains are remembered per context. A context that talks to more servers forgets the oldest.
MAX_CHAINS = 512


@dataclass(frozen=True, slots=True)
class _Chain:
    """A validated chain, leaf first: OpenSSL's certificates, quick to compare, and their DER, slow to make."""

    certificates: list[Any]
    der: tuple[bytes, ...]


#: Per context: leaf (DER) -> its last validated chain, for resumed sessions, which show the leaf alone.
_chains: WeakKeyDictionary[ssl.SSLContext, dict[bytes, _Chain]] = WeakKeyDictionary()


class OpenPeer(PeerView, Protocol):
    """The other side of a connection that may be open still."""

    @property
    def owner(self) -> Callable[[], Any]:
        """Weak reference to what `refuse` takes; it leads to None when the connection is gone."""

    @property
    def refuse(self) -> Callable[[Any, LivepinError], None]:
        """Ends the connection of an owner, although it had passed: whatever is done next with it raises the error."""


class TlsPeer:
    """The other side of one connection. `host` is None where the application named none."""

    __slots__ = ("_chain", "host", "leaf", "owner", "refuse", "validated")

    #: Python does not ask for SCTs by TLS or OCSP; those that are embedded are all there is.
    delivered: tuple[Delivered, ...] = ()

    def __init__(
        self,
        sslobj: Any,
        context: ssl.SSLContext,
        host: str | None,
        validated: bool,
        owner: Callable[[], Any] = lambda: None,
        refuse: Callable[[Any, LivepinError], None] = lambda owner, refusal: None,
    ) -> None:
        """`validated`: whether the connection was made to be validated, see `validates`. `owner`: weak reference to
        the `ssl.SSLSocket` or `ssl.SSLObject` of the application. `refuse`: ends its connection, see `OpenPeer`."""
        self.host = host
        self.owner = owner
        self.refuse = refuse
        self.leaf: bytes = sslobj.getpeercert(True) or b""
        self.validated = validated
        self._chain: tuple[bytes, ...] | None = (self.leaf,)
        if not self.leaf:
            self._chain = ()
        elif validated:
            chain = _recall(context, self.leaf) if sslobj.session_reused else _remember(context, self.leaf, sslobj)
            self._chain = chain.der if chain is not None else None

    def chain(self) -> tuple[bytes, ...] | None:
        """The validated chain, leaf first; the leaf alone where nothing was validated; None where it is not known.

        A session resumed in the same context has the chain of the handshake that began it: Python refuses to resume
        a session in another context.
        """
        return self._chain


def _recall(context: ssl.SSLContext, leaf: bytes) -> _Chain | None:
    return _chains.get(context, {}).get(leaf)


def _remember(context: ssl.SSLContext, leaf: bytes, sslobj: Any) -> _Chain:
    """The chain of this handshake. One leaf may have several: authorities certify each other, servers change sides."""
    certificates = list(sslobj.get_verified_chain() or ())
    chains = _chains.get(context)
    if chains is None:
        chains = _chains.setdefault(context, {})
    chain = chains.get(leaf)
    if chain is None or chain.certificates != certificates:
        chain = _Chain(certificates, tuple(certificate.public_bytes(_ssl.ENCODING_DER) for certificate in certificates))
        if len(chains) >= MAX_CHAINS:
            with contextlib.suppress(RuntimeError, StopIteration):  # another thread is at it
                chains.pop(next(iter(chains)), None)
        chains[leaf] = chain
    return chain


def validates(context: ssl.SSLContext) -> bool:
    """Whether a connection that `context` makes now will be validated: OpenSSL copies the mode to each connection."""
    # CERT_OPTIONAL validates on the client's side just as CERT_REQUIRED does.
    return bool(_VERIFY_MODE(context) != ssl.CERT_NONE)


# The property of `ssl.SSLContext` builds an enum at each call; the C attribute beneath it is a plain number.
_VERIFY_MODE: Any = _ssl._SSLContext.verify_mode.__get__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class GivenPeer:
    """A peer described by its caller."""

    host: str | None
    certificates: tuple[bytes, ...]
    validated: bool
    delivered: tuple[Delivered, ...] = ()

    @property
    def leaf(self) -> bytes:
        return self.certificates[0] if self.certificates else b""

    def chain(self) -> tuple[bytes, ...]:
        return self.certificates if self.validated else self.certificates[:1]
