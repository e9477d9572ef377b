"""Fakes of everything outside, shipped for our tests and for yours.

Real sockets, real TLS, real signatures: what is fake about them is that they do as a test tells them. They are for
tests alone: private keys lie about unprotected, and nothing here is meant to be reached from another machine.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from livepin.testing import conversations as conversations
    from livepin.testing import failures as failures
    from livepin.testing.authority import CertificateAuthority as CertificateAuthority
    from livepin.testing.authority import CertificateFiles as CertificateFiles
    from livepin.testing.authority import KeyKind as KeyKind
    from livepin.testing.authority import ServerCertificate as ServerCertificate
    from livepin.testing.cast import Cast as Cast
    from livepin.testing.clock import Clock as Clock
    from livepin.testing.clock import HandTurnedClock as HandTurnedClock
    from livepin.testing.ct_log import CtLog as CtLog
    from livepin.testing.ct_log import SctFault as SctFault
    from livepin.testing.ct_log import ct_logs as ct_logs
    from livepin.testing.ct_log import logged as logged
    from livepin.testing.http11 import Request as Request
    from livepin.testing.listener import Channel as Channel
    from livepin.testing.origin import Origin as Origin
    from livepin.testing.publisher import DocumentAuthority as DocumentAuthority
    from livepin.testing.publisher import policy as policy
    from livepin.testing.publisher import sign_jws as sign_jws
    from livepin.testing.signing_key import SigningKey as SigningKey
    from livepin.testing.tls import Handshake as Handshake
    from livepin.testing.tls import Resumption as Resumption
    from livepin.testing.tls import TlsServer as TlsServer
    from livepin.testing.tls import Versions as Versions
    from livepin.testing.tls_channel import Connection as Connection

#: Where each public name lives. Loaded when first asked for: pytest imports this package at every start, for the sake
#: of `plugin`, and whoever uses nothing of it must not wait for `cryptography`.
_HOMES = {
    "Cast": "cast",
    "CertificateAuthority": "authority",
    "CertificateFiles": "authority",
    "Channel": "listener",
    "Clock": "clock",
    "Connection": "tls_channel",
    "CtLog": "ct_log",
    "DocumentAuthority": "publisher",
    "HandTurnedClock": "clock",
    "Handshake": "tls",
    "KeyKind": "authority",
    "Origin": "origin",
    "Request": "http11",
    "Resumption": "tls",
    "SctFault": "ct_log",
    "ServerCertificate": "authority",
    "SigningKey": "signing_key",
    "TlsServer": "tls",
    "Versions": "tls",
    "conversations": "conversations",
    "ct_logs": "ct_log",
    "failures": "failures",
    "logged": "ct_log",
    "policy": "publisher",
    "sign_jws": "publisher",
}

__all__ = [*_HOMES]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'livepin.testing' has no attribute {name!r}")
    module = import_module(f"livepin.testing.{home}")
    found = globals()[name] = module if name == home else getattr(module, name)
    return found


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
