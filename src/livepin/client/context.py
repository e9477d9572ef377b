"""Where guards come from: a context of one's own, or every context of the process."""

from __future__ import annotations

import _ssl
import functools
import ssl
import sys
from typing import Any

from livepin.client import handshake
from livepin.client.forks import fork_safe_lock
from livepin.client.handshake import REAL_CONTEXT, Check, Guard
from livepin.client.peer import OpenPeer


def _wrap_socket(
    context: ssl.SSLContext,
    sock: Any,
    server_side: bool,
    server_hostname: str | None = None,
    *,
    owner: Any = None,
    session: Any = None,
) -> Any:
    """In place of `_ssl._SSLContext._wrap_socket`. Server-side connections are left alone."""
    check = None if server_side else _check_of(context)
    sslobj = handshake.ORIGINAL_WRAP_SOCKET(context, sock, server_side, server_hostname, owner=owner, session=session)
    return sslobj if check is None else Guard(sslobj, context, server_hostname, owner, sock, check)


def _wrap_bio(
    context: ssl.SSLContext,
    incoming: Any,
    outgoing: Any,
    server_side: bool,
    server_hostname: str | None = None,
    *,
    owner: Any = None,
    session: Any = None,
) -> Any:
    """In place of `_ssl._SSLContext._wrap_bio`: asyncio, uvloop, trio, TLS inside TLS."""
    check = None if server_side else _check_of(context)
    sslobj = handshake.ORIGINAL_WRAP_BIO(
        context, incoming, outgoing, server_side, server_hostname, owner=owner, session=session
    )
    return sslobj if check is None else Guard(sslobj, context, server_hostname, owner, None, check)


_HOOKS = {"_wrap_socket": _wrap_socket, "_wrap_bio": _wrap_bio}


class PinnedContext(REAL_CONTEXT):
    """An `ssl.SSLContext` whose connections are judged. Made by `Pinner.ssl_context`."""

    livepin_check: Check


for _name, _hook in _HOOKS.items():
    setattr(PinnedContext, _name, _hook)


class _Installed:
    """The check of the whole process, if there is one."""

    check: Check | None = None
    lock = fork_safe_lock()


def _check_of(context: ssl.SSLContext) -> Check | None:
    """What a connection of `context` must pass. Its own check and the process's where it has both: each may refuse."""
    handshake.forbid_renegotiation(context)
    own = context.livepin_check if isinstance(context, PinnedContext) else None
    everyones = _Installed.check
    if own is None or everyones is None or own == everyones:
        return own or everyones

    def both(peer: OpenPeer) -> None:
        own(peer)
        everyones(peer)

    return both


@functools.cache
def _pinned_class(kind: type[ssl.SSLContext]) -> type[PinnedContext]:
    """`PinnedContext`, as a context of this kind."""
    return PinnedContext if kind is REAL_CONTEXT else type("PinnedContext", (PinnedContext, kind), {})


def pinned_context(check: Check, cafile: str | None = None, cadata: str | bytes | None = None) -> PinnedContext:
    """A client context with the defaults of `ssl.create_default_context`, judged by `check`.

    One default differs: from Python 3.13 on a chain may end at any trusted certificate (VERIFY_X509_PARTIAL_CHAIN).
    Here it always goes up to the root, so that pins on roots mean the same on every version.
    Raises `ConfigurationError` (`hook_unavailable`), `OSError` for a file that cannot be read.
    """
    kind: Any = handshake.context_class()
    context = _pinned_class(kind)(ssl.PROTOCOL_TLS_CLIENT)
    context.livepin_check = check
    if sys.version_info >= (3, 13):  # as there; set by the C attribute, which no replacement of the class can confuse
        _VERIFY_FLAGS.__set__(context, _VERIFY_FLAGS.__get__(context) | ssl.VERIFY_X509_STRICT)
    if cafile is not None or cadata is not None:
        context.load_verify_locations(cafile=cafile, cadata=cadata)
    else:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    handshake.self_test(context)
    return context


_VERIFY_FLAGS: Any = _ssl._SSLContext.verify_flags


def install(check: Check) -> None:
    """Judge every client connection of the process, through contexts made earlier too.

    Raises `ConfigurationError` (`hook_unavailable`), `OSError` where no descriptor is left to try it with; and then
    leaves the process as it was.
    """
    with _Installed.lock:
        before, _Installed.check = _Installed.check, check
        for name, hook in _HOOKS.items():
            setattr(REAL_CONTEXT, name, hook)
        try:
            handshake.self_test(handshake.context_class()(ssl.PROTOCOL_TLS_CLIENT))
        except BaseException:
            _Installed.check = before
            if before is None:
                _remove()
            raise


def check_of_the_process() -> Check | None:
    """What every connection of the process must pass, if anything: for what does TLS without `ssl`."""
    return _Installed.check


def is_installed(check: Check) -> bool:
    """Whether the connections of the whole process must pass this check."""
    return _Installed.check == check


def uninstall() -> None:
    """Leave the process as it was before `install`. Contexts of one's own stay judged."""
    with _Installed.lock:
        _Installed.check = None
        _remove()


def _remove() -> None:
    for name, hook in _HOOKS.items():
        if vars(REAL_CONTEXT).get(name) is hook:
            delattr(REAL_CONTEXT, name)
