"""The hook: a guard between `ssl` and OpenSSL that lets no application byte pass before the peer was judged.

`ssl.SSLSocket` and `ssl.SSLObject` hold a C object that `SSLContext._wrap_socket` and `_wrap_bio` make for them.
Those two methods return a guard around it. Whatever is asked of the guard first, handshake, read or write, finishes
the handshake and judges the peer; then the guard puts the C object in its own place and costs nothing more.
docs/design/0003-hook-c.md compares this with the other places where a hook could be.
"""

from __future__ import annotations

import _socket
import _ssl
import contextlib
import copy
import socket
import ssl
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from livepin.client.peer import OpenPeer, TlsPeer, validates
from livepin.errors import ConfigurationError, LivepinError

#: Judges a peer: returns, or raises the error that ends the connection.
Check = Callable[[OpenPeer], None]

#: The unhooked methods, as they were when this module was first imported: they belong to the C class beneath. None in
#: a Python that has them no more: there `self_test` refuses, and an application that does not pin can go on.
ORIGINAL_WRAP_SOCKET: Any = getattr(_ssl._SSLContext, "_wrap_socket", None)
ORIGINAL_WRAP_BIO: Any = getattr(_ssl._SSLContext, "_wrap_bio", None)

#: The standard library's own class, whatever was put in its place (truststore does): all clients' contexts are one.
if TYPE_CHECKING:
    REAL_CONTEXT = ssl.SSLContext
else:
    _kinds = (kind for kind in ssl.SSLContext.__mro__ if _ssl._SSLContext in kind.__bases__)
    REAL_CONTEXT = next(_kinds, ssl.SSLContext)


def context_class() -> type[ssl.SSLContext]:
    """The class whose `wrap_socket` works now: the real one, unless gevent has exchanged the class of sockets beneath,
    and brought a context class for its own."""
    for kind in ssl.SSLContext.__mro__:
        if vars(kind).get("sslsocket_class") is ssl.SSLSocket:
            return kind
    return REAL_CONTEXT


# Questions about a connection that neither send nor receive, and may be asked before the handshake.
_HARMLESS = frozenset(
    {
        *(
            "cipher",
            "compression",
            "get_channel_binding",
            "getpeercert",
            "group",
            "pending",
            "shared_ciphers",
            "version",
        ),
        *("client_sigalg", "selected_alpn_protocol", "selected_npn_protocol", "server_sigalg", "sigalg", "shutdown"),
        *("context", "owner", "server_hostname", "server_side", "session", "session_reused"),
        *("get_unverified_chain", "get_verified_chain", "uses_ktls_for_recv", "uses_ktls_for_send"),
    }
)


class Guard:
    """Stands for the C object until the peer was judged. After a refusal it refuses for ever."""

    __slots__ = ("_check", "_context", "_host", "_judged", "_owner", "_refusal", "_sslobj", "_transport", "_validates")

    def __init__(
        self, sslobj: Any, context: ssl.SSLContext, host: str | None, owner: Any, transport: Any, check: Check
    ) -> None:
        put = object.__setattr__  # our own __setattr__ writes through to the C object
        put(self, "_sslobj", sslobj)
        put(self, "_context", context)
        put(self, "_host", host)
        put(self, "_owner", _weakly(owner))
        put(self, "_transport", _weakly(transport))
        put(self, "_check", check)
        put(self, "_validates", validates(context))
        put(self, "_judged", False)
        put(self, "_refusal", None)

    def do_handshake(self) -> None:
        """Shake hands and judge. Raises as OpenSSL does, or the check's refusal."""
        self._pass()

    def read(self, *arguments: Any) -> Any:
        """Read application data; OpenSSL would shake hands inside, unjudged, so it is done first."""
        self._pass()
        return self._sslobj.read(*arguments)

    def write(self, data: Any) -> Any:
        """Write application data, after the judgement."""
        self._pass()
        return self._sslobj.write(data)

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._sslobj, name)
        if name not in _HARMLESS:
            self._pass()  # an unknown way to move data (kTLS sendfile, say) waits for the judgement too
        return attribute

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._sslobj, name, value)

    def _pass(self) -> None:
        if self._refusal is not None:
            raise copy.copy(self._refusal)
        if self._judged:
            return
        self._shake()
        try:
            self._check(TlsPeer(self._sslobj, self._context, self._host, self._validates, self._owner, refuse))
        except BaseException as refusal:
            self._close(refusal)
            raise
        if self._refusal is not None:  # a document that arrived just now denies the key: see `refuse`
            raise copy.copy(self._refusal)
        object.__setattr__(self, "_judged", True)
        owner = self._owner()
        if getattr(owner, "_sslobj", None) is self:
            owner._sslobj = self._sslobj

    def _shake(self) -> None:
        try:
            self._sslobj.do_handshake()
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise  # it has not failed
        except OSError as error:
            # One that only took too long may be gone on with, but not where `connect` makes it: see `_cut`.
            if isinstance(error, ssl.SSLError) or getattr(self._owner(), "do_handshake_on_connect", False):
                self._cut()
            raise

    def _close(self, refusal: BaseException) -> None:
        """End the connection, for ever."""
        # A copy, because the one on its way carries the frames of this connection and would keep them alive.
        known = isinstance(refusal, LivepinError)
        kept = copy.copy(refusal) if known else ConnectionAbortedError("the TLS peer was not judged")
        object.__setattr__(self, "_refusal", kept)
        self._cut()

    def _cut(self) -> None:
        """End the connection below TLS.

        After a failed `connect`, `ssl` forgets its TLS object but keeps the TCP connection, and a caller that goes
        on would send plaintext over it.
        """
        transport = self._transport()
        if isinstance(transport, _socket.socket):
            with contextlib.suppress(OSError):
                _socket.socket.shutdown(transport, _socket.SHUT_RDWR)


def refuse(owner: Any, refusal: LivepinError) -> None:
    """End a connection that had passed: whatever its owner does next raises `refusal`."""
    sslobj = owner._sslobj
    if sslobj is None:
        return  # closed by its owner
    guard = sslobj if isinstance(sslobj, Guard) else Guard(sslobj, sslobj.context, None, owner, owner, _never)
    owner._sslobj = guard
    guard._close(refusal)


def _never(peer: OpenPeer) -> None:
    raise AssertionError("a refused connection is not judged again")


def _weakly(target: Any) -> Callable[[], Any]:
    """A weak reference: the owner holds the guard, and a cycle would keep its socket open until the next collection."""
    try:
        return weakref.ref(target)
    except TypeError:  # None, and a bare C socket, which holds nothing
        return lambda: target


def forbid_renegotiation(context: ssl.SSLContext) -> None:
    """A TLS 1.2 renegotiation could exchange the certificate after the judgement."""
    options = _OPTIONS.__get__(context)
    if not options & ssl.OP_NO_RENEGOTIATION:
        _OPTIONS.__set__(context, options | ssl.OP_NO_RENEGOTIATION)


# The properties of `ssl.SSLContext` build enums at each call; this is the plain number beneath.
_OPTIONS: Any = _ssl._SSLContext.options


def self_test(context: ssl.SSLContext) -> None:
    """Prove that both kinds of connection made by `context` get a guard: `ssl` is free to change what we rely on.

    Raises `ConfigurationError` (`hook_unavailable`). A weaker hook instead would be a hole that nobody sees.
    """
    try:
        guarded = _is_guarded(context)
    except (AttributeError, TypeError, ValueError) as error:  # our hook is asked in a way that it does not know
        raise _unavailable() from error
    if not guarded:
        raise _unavailable()


def _is_guarded(context: ssl.SSLContext) -> bool:
    bio = context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname="livepin.invalid")
    here, there = socket.socketpair()
    with here, there:
        sock = context.wrap_socket(here, do_handshake_on_connect=False, server_hostname="livepin.invalid")
        with sock:
            return all(type(getattr(made, "_sslobj", None)) is Guard for made in (bio, sock))


def _unavailable() -> ConfigurationError:
    return ConfigurationError("hook_unavailable", "the ssl module of this Python cannot be hooked safely")
