"""Fakes of everything outside, shipped for our tests and for yours.

Real sockets, real TLS, real signatures: what is fake about them is that they do as a test tells them. They are for
tests alone: private keys lie about unprotected, and nothing here is meant to be reached from another machine.
"""

from livepin.testing import conversations, failures
from livepin.testing.authority import CertificateAuthority, CertificateFiles, KeyKind, ServerCertificate
from livepin.testing.cast import Cast
from livepin.testing.clock import Clock, HandTurnedClock
from livepin.testing.ct_log import CtLog, SctFault, ct_logs, logged
from livepin.testing.http11 import Request
from livepin.testing.listener import Channel
from livepin.testing.origin import Origin
from livepin.testing.publisher import DocumentAuthority, policy, sign_jws
from livepin.testing.signing_key import SigningKey
from livepin.testing.tls import Handshake, Resumption, TlsServer, Versions
from livepin.testing.tls_channel import Connection

__all__ = [
    "Cast",
    "CertificateAuthority",
    "CertificateFiles",
    "Channel",
    "Clock",
    "Connection",
    "CtLog",
    "DocumentAuthority",
    "HandTurnedClock",
    "Handshake",
    "KeyKind",
    "Origin",
    "Request",
    "Resumption",
    "SctFault",
    "ServerCertificate",
    "SigningKey",
    "TlsServer",
    "Versions",
    "conversations",
    "ct_logs",
    "failures",
    "logged",
    "policy",
    "sign_jws",
]
