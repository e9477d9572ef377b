"""Logs and logged certificates for these tests; every SCT is made by `livepin.testing`, which asks nobody."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from livepin.core.document import Action, CtRule
from livepin.core.logs import LogList
from livepin.core.pins import Certificate
from livepin.testing import CertificateAuthority, CtLog, HandTurnedClock, KeyKind, ServerCertificate, logged
from livepin.testing.ct_log import sct_extension
from tests.core.signing import DAY, NOW

LOGGED_AT = NOW - 3600
CLOCK = HandTurnedClock(LOGGED_AT)
AUTHORITY = CertificateAuthority(intermediates=1)
#: Two operators with two logs each; one log of each kind and each algorithm.
ONE, TWO = CtLog("One", clock=CLOCK), CtLog("Two", static=True, clock=CLOCK)
ONE_MORE, TWO_MORE = CtLog("One", static=True, clock=CLOCK), CtLog("Two", key=KeyKind.RSA, clock=CLOCK)
LOGS = (ONE, TWO, ONE_MORE, TWO_MORE)

Members = Mapping[str, Any]


def issued(seconds: int = 90 * DAY) -> ServerCertificate:
    """A certificate that lives this long."""
    start = datetime.fromtimestamp(NOW - 2 * DAY, UTC)
    return AUTHORITY.issue("api.example.com", not_before=start, not_after=start + timedelta(seconds=seconds))


def chain_of(certificate: ServerCertificate) -> tuple[Certificate, ...]:
    return tuple(map(Certificate, certificate.chain_der))


def with_scts(*logs: CtLog, seconds: int = 90 * DAY) -> tuple[Certificate, ...]:
    """The chain of a certificate with an SCT of each log embedded."""
    return chain_of(logged(AUTHORITY, issued(seconds), *logs))


def with_list(value: bytes, plain: ServerCertificate | None = None) -> tuple[Certificate, ...]:
    """The chain of a certificate with any bytes where its list of SCTs should be."""
    return chain_of(AUTHORITY.extended(plain or issued(), sct_extension(value)))


def embedded(plain: ServerCertificate, *logs: CtLog) -> list[bytes]:
    """SCTs as they would be embedded into a certificate."""
    issuer = plain.chain[1].public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return [log.sct_of_precertificate(plain.certificate.tbs_certificate_bytes, issuer) for log in logs]


def list_of(*logs: CtLog, **members: Any) -> LogList:
    """A list of these logs that is a day old."""
    return listing(*(log.entry(**members) for log in logs or LOGS))


def listing(*entries: Members, issued_at: int = NOW - DAY) -> LogList:
    return LogList.of({"issued_at": issued_at, "logs": list(entries)})


def rule(policy: str = "any", operators: Iterable[str] | None = None, logs: Iterable[str] | None = None) -> CtRule:
    return CtRule(
        Action.ENFORCE,
        policy,
        None if operators is None else frozenset(operators),
        None if logs is None else frozenset(logs),
    )
