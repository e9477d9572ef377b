"""A look: one observation of a live endpoint, at every address that its name has.

A look collects what is served even where a client would refuse it (expired, untrusted, wrong name), and says
separately whether ordinary validation succeeds and why not. It never sends application data.

The handshake is driven over memory buffers through `_ssl._SSLContext._wrap_bio`, the method of the C class itself: a
process-wide Livepin hook sits on the Python class and is never met here. A look must see what is there, not judge it.
"""

from __future__ import annotations

import _ssl
import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from livepin.core.guard import Served
from livepin.core.hosts import normalize
from livepin.core.pins import Certificate
from livepin.errors import CertificateInvalid
from livepin.watch.address import Address, Proxy
from livepin.watch.deadline import Deadline
from livepin.watch.tunnel import open_tunnel

#: A name with more addresses than this is looked at in part: the answer to a look must stay bounded.
MAX_ADDRESSES = 64
DEFAULT_TIMEOUT = 10.0

_RECORDS = 64 * 1024
#: Threads end by the deadline themselves; this much later one that does not is left behind.
_GRACE = 0.2


@dataclass(frozen=True, slots=True)
class Answer:
    """What one address served.

    `served`: the certificates as sent, leaf first; empty where there was no handshake, and `error` says why.
    `verified`: the chain that ordinary validation built, empty where it fails, and `invalid` says why.
    `protocol`: such as `TLSv1.3`.
    """

    address: str
    served: tuple[Certificate, ...] = ()
    verified: tuple[Certificate, ...] = ()
    protocol: str = ""
    invalid: str = ""
    error: str = ""

    @property
    def reachable(self) -> bool:
        """Whether there was a certificate to look at."""
        return bool(self.served)


@dataclass(frozen=True, slots=True)
class Look:
    """One observation. `looked_at` in Unix seconds; `error` where the name has no addresses at all."""

    host: str
    port: int
    looked_at: int
    answers: tuple[Answer, ...]
    error: str = ""

    def served_for(self, pattern: str) -> tuple[Served, ...]:
        """The observation as the guard's evidence for a host pattern."""
        if not self.answers:
            return (Served(pattern, self.host, "-", problem=self.error),)
        return tuple(_served(pattern, self.host, answer) for answer in self.answers)


def _served(pattern: str, host: str, answer: Answer) -> Served:
    if not answer.served:
        return Served(pattern, host, answer.address, problem=answer.error)
    if answer.verified:
        return Served(pattern, host, answer.address, answer.verified)
    return Served(pattern, host, answer.address, answer.served, validated=False, problem=answer.invalid)


@dataclass(frozen=True, slots=True)
class _Target:
    """Where a look goes: `name` is what TLS asks for; `label` is what the answer is filed under."""

    name: str
    connect_to: Address
    label: str
    proxy: Proxy | None


def look(
    host: str,
    port: int = 443,
    *,
    address: Address | None = None,
    addresses: Sequence[Address] | None = None,
    proxy: Proxy | None = None,
    ca_file: str | None = None,
    timeout: float = DEFAULT_TIMEOUT,
) -> Look:
    """Look at `host` now; ends within about `timeout` seconds, whatever the other side does.

    `address`: connect there instead of to every address of the name; `addresses`: to these, which somebody resolved
    and perhaps checked, so the name is not resolved again. `proxy`: connect by HTTP CONNECT; the proxy
    resolves the name, as it does for applications. `ca_file`: PEM of CAs that are trusted besides the system's.
    Never raises for what the network does; raises `HostInvalid` for a host that is none and `CertificateInvalid` for
    a `ca_file` that holds none.
    """
    name = normalize(host)
    deadline = Deadline(timeout)
    looked_at = int(time.time())
    try:
        if addresses is not None:
            targets = [_Target(name, one, str(one), None) for one in addresses]
        else:
            targets = _targets(name, port, address, proxy, deadline)
    except OSError as error:
        return Look(name, port, looked_at, (), _plain(error))
    contexts = _Contexts(ca_file)
    calls = [_call_for(target, contexts, deadline) for target in targets]
    return Look(name, port, looked_at, tuple(_all_within(calls, [t.label for t in targets], deadline)))


def _call_for(target: _Target, contexts: _Contexts, deadline: Deadline) -> Callable[[], Answer]:
    return lambda: _look_at(target, contexts, deadline)


def _targets(name: str, port: int, address: Address | None, proxy: Proxy | None, deadline: Deadline) -> list[_Target]:
    if address is not None:
        return [_Target(name, address, str(address), proxy)]
    if proxy is not None:
        return [_Target(name, Address(name, port), f"{name}:{port} through {proxy}", proxy)]
    addresses = resolve(name, port, deadline)[:MAX_ADDRESSES]
    return [_Target(name, one, str(one), None) for one in addresses]


def resolve(name: str, port: int, deadline: Deadline) -> list[Address]:
    """All addresses of a name. `getaddrinfo` knows no time limit, so it gets a thread that may be left behind.

    Raises `OSError`.
    """

    def ask() -> list[Address]:
        found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
        # A dict keeps the resolver's order and drops what it says twice.
        return list(dict.fromkeys(Address(str(entry[4][0]), port) for entry in found))

    answers = _all_within([ask], [None], deadline)
    if isinstance(answers[0], list):
        return answers[0]
    raise answers[0] or TimeoutError("the name was not resolved in time")


def _all_within(calls: list[Callable[[], Any]], labels: list[Any], deadline: Deadline) -> list[Any]:
    """Results of calls that run side by side. One that is late has no result; its daemon thread ends by itself."""
    results: list[Any] = [None if label is None else Answer(label, error="timed out") for label in labels]

    def run(number: int) -> None:
        try:
            results[number] = calls[number]()
        except OSError as error:  # only name resolution lets one out
            results[number] = error

    threads = [threading.Thread(target=run, args=(number,), daemon=True) for number in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(deadline.wait() + _GRACE)
    return list(results)


class _Contexts:
    """The two ways of connecting: as an ordinary client, and as somebody who only wants to see the certificate."""

    def __init__(self, ca_file: str | None) -> None:
        self.ordinary = ssl.create_default_context()
        if ca_file is not None:
            _trust(self.ordinary, ca_file)
        self.lenient = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.lenient.check_hostname = False
        self.lenient.verify_mode = ssl.CERT_NONE
        # Old servers are looked at too; what they serve is judged by others.
        self.lenient.set_ciphers("ALL:@SECLEVEL=0")


def _trust(context: ssl.SSLContext, ca_file: str) -> None:
    try:
        context.load_verify_locations(cafile=ca_file)
    except OSError as error:
        message = f"not a PEM file of CA certificates: {_plain(error)}"
        raise CertificateInvalid("certificate_invalid", message, where=ca_file) from None


def _look_at(target: _Target, contexts: _Contexts, deadline: Deadline) -> Answer:
    """First as an ordinary client; where that one refuses, a second time to see what it was that it refused."""
    try:
        with _connect(target, deadline) as connection:
            shaken = _shake_hands(connection, contexts.ordinary, target.name, deadline)
        if _accepted(shaken):
            return _answer(target, shaken)
        invalid = _plain(shaken.failure)
        with _connect(target, deadline) as connection:
            again = _shake_hands(connection, contexts.lenient, target.name, deadline)
        return _answer(target, again, invalid)
    except OSError as error:
        return Answer(target.label, error=_plain(error))


def _accepted(shaken: _Shaken) -> bool:
    """Whether ordinary validation passed; what fails after it (a client certificate is asked for) is no verdict."""
    refused = isinstance(shaken.failure, ssl.SSLCertVerificationError)
    return shaken.failure is None or (bool(shaken.verified) and not refused)


def _answer(target: _Target, shaken: _Shaken, invalid: str = "") -> Answer:
    if not shaken.served:
        return Answer(target.label, error=invalid or _plain(shaken.failure))
    try:
        for certificate in (*shaken.served, *shaken.verified):
            _ = certificate.spki  # the guard relies on certificates that can be read
    except CertificateInvalid as error:
        return Answer(target.label, error=error.message)
    verified = () if invalid else shaken.verified
    return Answer(target.label, shaken.served, verified, shaken.protocol, invalid)


@dataclass(frozen=True, slots=True)
class _Shaken:
    """The end of a handshake, whichever: certificates may be known even where it failed."""

    served: tuple[Certificate, ...]
    verified: tuple[Certificate, ...]
    protocol: str
    failure: OSError | None


class _Tls(Protocol):
    """What is used of the C object behind an `ssl.SSLObject`."""

    def do_handshake(self) -> None:
        """One step; raises `SSLWantReadError` when it needs more."""

    def version(self) -> str | None:
        """Protocol version."""


def _connect(target: _Target, deadline: Deadline) -> socket.socket:
    if target.proxy is not None:
        return open_tunnel(target.proxy, target.connect_to, deadline)
    return socket.create_connection((target.connect_to.host, target.connect_to.port), deadline.left())


def _shake_hands(connection: socket.socket, context: ssl.SSLContext, name: str, deadline: Deadline) -> _Shaken:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    wrap = _ssl._SSLContext._wrap_bio  # type: ignore[attr-defined]  # the method that no hook replaces
    tls = wrap(context, incoming, outgoing, server_side=False, server_hostname=name)
    failure: OSError | None = None
    try:
        while _wants_more(tls):
            _exchange(connection, incoming, outgoing, deadline)
        connection.sendall(outgoing.read())
    except OSError as error:
        failure = error
    return _Shaken(_chain(tls, "unverified"), _chain(tls, "verified"), tls.version() or "", failure)


def _wants_more(tls: _Tls) -> bool:
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        return True
    return False


def _exchange(connection: socket.socket, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO, deadline: Deadline) -> None:
    connection.settimeout(deadline.left())
    connection.sendall(outgoing.read())
    connection.settimeout(deadline.left())
    data = connection.recv(_RECORDS)
    if not data:
        raise ConnectionResetError("the connection was closed during the handshake")
    incoming.write(data)


def _chain(tls: Any, which: str) -> tuple[Certificate, ...]:
    """The chain as sent or as validated: `get_…_chain` is of the C object, whose items became public in 3.13."""
    found = getattr(tls, f"get_{which}_chain")() or ()
    return tuple(Certificate(one.public_bytes(_ssl.ENCODING_DER)) for one in found)


def _plain(error: Exception | None) -> str:
    """An error as a few words for people."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    if isinstance(error, TimeoutError):
        return "timed out"
    if isinstance(error, ssl.SSLError) and error.reason:
        return error.reason.replace("_", " ").lower()
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error or "no certificate")
