"""The gate for clients that do TLS with pyOpenSSL instead of `ssl`: raw pyOpenSSL, urllib3.contrib.pyopenssl, pymongo.

OpenSSL shakes hands inside the first read or write, too, so every method of `OpenSSL.SSL.Connection` that moves data
passes the gate: it finishes the handshake, judges the peer once, and lets the method go on.
docs/design/0012-pyopenssl.md says why it is these methods and what was refused.

Importing this module imports pyOpenSSL. `livepin.setup` does it when the application has; see `adapters.beside`.
"""

from __future__ import annotations

import copy
import functools
import socket
import weakref
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from OpenSSL import SSL, crypto

from livepin.client.context import check_of_the_process
from livepin.client.refusal import PinError
from livepin.core.sct import Delivered
from livepin.core.verdict import Verdict
from livepin.errors import ConfigurationError, LivepinError

#: The methods that move application data or shake hands. `write` and `read` are other names of `send` and `recv`.
_GATED = ("do_handshake", "send", "write", "sendall", "recv", "read", "recv_into")
#: What else is relied on. Old versions have no `set_options` of a connection, but the function beneath it.
_ASKED = (
    *("get_context", "get_peer_cert_chain", "get_peer_certificate", "get_servername", "get_state_string"),
    *("get_verify_mode", "set_accept_state", "set_connect_state", "sock_shutdown"),
)
_ESTABLISHED = b"SSL negotiation finished successfully"
_KEY = "_livepin_gate"


class OpenSslPinError(PinError, SSL.Error):
    """A `livepin.PinError` that callers of pyOpenSSL catch, who wait for `OpenSSL.SSL.Error`."""

    def __init__(self, verdict: Verdict, *, retryable: bool = False, hint: str = "") -> None:
        super().__init__(verdict, retryable=retryable, hint=hint)
        # What such errors carry, and Twisted looks into: OpenSSL's queue of errors, (library, function, reason) each.
        self.args = ([("livepin", "", verdict.code)],)


class OpenSslPeer:
    """The other side of one connection; see `livepin.client.peer.TlsPeer`."""

    __slots__ = ("_chain", "_sent", "_store", "host", "leaf", "owner", "validated")

    #: pyOpenSSL does not ask for SCTs either.
    delivered: tuple[Delivered, ...] = ()

    def __init__(self, connection: SSL.Connection, host: str | None, owner: Callable[[], Any]) -> None:
        self.host = host
        self.owner = owner
        leaf = connection.get_peer_certificate()
        self.leaf = b"" if leaf is None else crypto.dump_certificate(crypto.FILETYPE_ASN1, leaf)
        self.validated = bool(connection.get_verify_mode() & SSL.VERIFY_PEER)
        # OpenSSL keeps the chain as sent with the session, so a resumed one has it as well.
        self._sent = connection.get_peer_cert_chain() or []
        self._store = connection.get_context().get_cert_store()
        self._chain: tuple[bytes, ...] | None = (self.leaf,) if self.leaf else ()

    def chain(self) -> tuple[bytes, ...] | None:
        """The validated chain, leaf first; the leaf alone where nothing was validated; None where it is not valid.

        It is validated here, again: pyOpenSSL's callbacks may have let anything pass, and leave no trace of it.
        """
        if self.validated and self.leaf and self._sent:
            self._chain = self._validate()
            self._sent = []
        return self._chain

    def _validate(self) -> tuple[bytes, ...] | None:
        if self._store is None:
            return None
        try:
            chain = crypto.X509StoreContext(self._store, self._sent[0], self._sent[1:]).get_verified_chain()
        except crypto.X509StoreContextError:
            return None
        return tuple(crypto.dump_certificate(crypto.FILETYPE_ASN1, each) for each in chain)

    def refuse(self, owner: Any, refusal: LivepinError) -> None:
        """End the connection, which had passed."""
        owner.close(refusal)


class Gate:
    """What is known of one connection. It is kept in the connection itself, and lives as long."""

    __slots__ = ("__weakref__", "_connection", "_host", "_passed", "_refusal", "_shaking", "serves")

    def __init__(self, connection: SSL.Connection) -> None:
        self._connection = weakref.ref(connection)
        self._host: str | None = None
        self._shaking = False
        self._refusal: BaseException | None = None
        self.serves = False
        # As with `ssl`: what was established before set-up was not judged, and goes on.
        self._passed = connection.get_state_string() == _ESTABLISHED

    def admit(self, connection: SSL.Connection) -> None:
        """Let a method go on that wants to move data. Raises what the handshake raises, or the check's refusal."""
        if self._refusal is not None:
            raise copy.copy(self._refusal)
        check = None if self._passed or self.serves else check_of_the_process()
        if check is None:
            return
        self._shake(connection)
        peer = OpenSslPeer(connection, self._host, weakref.ref(self))
        try:
            check(peer)
        except PinError as refusal:
            error = OpenSslPinError(refusal.verdict, retryable=refusal.retryable, hint=refusal.hint)
            self.close(error)
            raise error from None
        except BaseException:
            self.close(ConnectionAbortedError("the TLS peer was not judged"))
            raise
        if self._refusal is not None:  # a document that arrived just now denies the key
            raise copy.copy(self._refusal)
        self._passed = True

    def _shake(self, connection: SSL.Connection) -> None:
        if not self._shaking:
            # Now: after a resumed TLS 1.2 handshake OpenSSL answers with the name that the session was made for.
            name = connection.get_servername()
            self._host = None if name is None else name.decode("ascii", "surrogateescape")
            _forbid_renegotiation(connection)
            self._shaking = True
        _ORIGINALS["do_handshake"](connection)

    def close(self, refusal: BaseException) -> None:
        """End the connection below TLS, and raise `refusal` whatever is asked of it from now on."""
        self._refusal = copy.copy(refusal)  # the one on its way carries the frames of this connection
        connection = self._connection()
        if connection is not None:
            with suppress(OSError, AttributeError):  # one over memory buffers has no socket to end
                connection.sock_shutdown(socket.SHUT_RDWR)


def _gate_of(connection: SSL.Connection) -> Gate:
    found = connection.__dict__.get(_KEY)
    gate: Gate = connection.__dict__.setdefault(_KEY, Gate(connection)) if found is None else found
    return gate


def _forbid_renegotiation(connection: Any) -> None:
    """A TLS 1.2 renegotiation could exchange the certificate after the judgement."""
    if hasattr(SSL.Connection, "set_options"):
        connection.set_options(SSL.OP_NO_RENEGOTIATION)
    else:
        SSL._lib.SSL_set_options(connection._ssl, SSL.OP_NO_RENEGOTIATION)  # type: ignore[attr-defined]


# ---------------------------------------------------------------------- in place of the methods


def _gated(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def method(self: SSL.Connection, *arguments: Any, **named: Any) -> Any:
        _gate_of(self).admit(self)
        return original(self, *arguments, **named)

    return method


def _turning(original: Callable[..., Any], serves: bool) -> Callable[..., Any]:
    @functools.wraps(original)
    def method(self: SSL.Connection) -> Any:
        _gate_of(self).serves = serves
        return original(self)

    return method


def _in_place_of(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
    if name in _GATED:
        return _gated(original)
    return _turning(original, name == "set_accept_state")


_ORIGINALS: dict[str, Any] = {
    name: vars(SSL.Connection).get(name) for name in (*_GATED, "set_accept_state", "set_connect_state")
}
_METHODS = {name: _in_place_of(name, original) for name, original in _ORIGINALS.items() if callable(original)}


def install() -> None:
    """Let every client connection of pyOpenSSL pass the gate, those that are made but not yet shaken too.

    Raises `ConfigurationError` (`hook_unavailable`), and then leaves pyOpenSSL as it was.
    """
    missing = [name for name in (*_GATED, *_ASKED) if not callable(vars(SSL.Connection).get(name))]
    if missing or not _can_forbid_renegotiation():
        lacks = ", ".join(missing) or "a way to forbid renegotiation"
        raise ConfigurationError("hook_unavailable", f"this version of pyOpenSSL cannot be gated safely: {lacks}")
    try:
        for name, method in _METHODS.items():
            setattr(SSL.Connection, name, method)
    except (AttributeError, TypeError) as error:
        uninstall()
        raise ConfigurationError("hook_unavailable", "this version of pyOpenSSL cannot be gated") from error


def _can_forbid_renegotiation() -> bool:
    own = hasattr(SSL.Connection, "set_options")
    return hasattr(SSL, "OP_NO_RENEGOTIATION") and (own or hasattr(getattr(SSL, "_lib", None), "SSL_set_options"))


def uninstall() -> None:
    """Leave pyOpenSSL as it was before `install`."""
    for name, method in _METHODS.items():
        if vars(SSL.Connection).get(name) is method:
            setattr(SSL.Connection, name, _ORIGINALS[name])
