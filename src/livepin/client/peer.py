"""What a finished handshake says about the other side: leaf, validated chain, host (rule J4).

Uses methods of the C object beneath `ssl.SSLSocket` and `ssl.SSLObject`: `get_verified_chain` is public only from
Python 3.13 on, and there wraps the same call.
"""

from __future__ import annotations

import _ssl
import contextlib
import ssl
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

#: How many chains are remembered per context. A context that talks to more servers forgets the oldest.
MAX_CHAINS = 512

#: Per context: leaf (DER) -> validated chain (DER, leaf first), for resumed sessions, which show the leaf alone.
_chains: WeakKeyDictionary[ssl.SSLContext, dict[bytes, tuple[bytes, ...]]] = WeakKeyDictionary()


class TlsPeer:
    """The other side of one connection. `host` is None where the application named none."""

    __slots__ = ("_context", "_sslobj", "host", "leaf", "validated")

    def __init__(self, sslobj: Any, context: ssl.SSLContext, host: str | None) -> None:
        self._sslobj = sslobj
        self._context = context
        self.host = host
        self.leaf: bytes = sslobj.getpeercert(True) or b""
        # CERT_OPTIONAL validates on the client's side just as CERT_REQUIRED does.
        self.validated = _VERIFY_MODE(context) != ssl.CERT_NONE
        if self.validated and not sslobj.session_reused:
            self._remember()

    def chain(self) -> tuple[bytes, ...] | None:
        """The validated chain, leaf first; the leaf alone where nothing was validated; None where it is not known.

        A session resumed in the same context has the chain of the handshake that began it: Python refuses to resume
        a session in another context.
        """
        if not self.leaf:
            return ()
        if not self.validated:
            return (self.leaf,)
        return _chains.get(self._context, {}).get(self.leaf)

    def _remember(self) -> None:
        chains = _chains.get(self._context)
        if chains is None:
            chains = _chains.setdefault(self._context, {})
        if self.leaf in chains:
            return
        verified = tuple(certificate.public_bytes(_ssl.ENCODING_DER) for certificate in self._verified())
        if len(chains) >= MAX_CHAINS:
            with contextlib.suppress(RuntimeError, StopIteration):  # another thread is at it
                chains.pop(next(iter(chains)), None)
        chains[self.leaf] = verified

    def _verified(self) -> list[Any]:
        return list(self._sslobj.get_verified_chain() or ())


# The property of `ssl.SSLContext` builds an enum at each call; the C attribute beneath it is a plain number.
_VERIFY_MODE: Any = vars(_ssl._SSLContext)["verify_mode"].__get__


@dataclass(frozen=True, slots=True)
class GivenPeer:
    """A peer described by its caller."""

    host: str | None
    certificates: tuple[bytes, ...]
    validated: bool

    @property
    def leaf(self) -> bytes:
        return self.certificates[0] if self.certificates else b""

    def chain(self) -> tuple[bytes, ...]:
        return self.certificates if self.validated else self.certificates[:1]
