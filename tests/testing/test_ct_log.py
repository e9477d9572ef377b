"""A log of our own, held against `cryptography`: what it signs is what RFC 6962 says."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key
from cryptography.x509.certificate_transparency import SignedCertificateTimestamp

from livepin.testing import (
    CertificateAuthority,
    CtLog,
    HandTurnedClock,
    KeyKind,
    SctFault,
    ServerCertificate,
    TlsServer,
    ct_logs,
    logged,
)
from livepin.testing.ct_log import sct_extension, sct_list
from tests.testing.plain_clients import connect


def scts_of(certificate: ServerCertificate) -> list[SignedCertificateTimestamp]:
    """The SCTs, read by `cryptography`."""
    kind = x509.PrecertificateSignedCertificateTimestamps
    return list(certificate.certificate.extensions.get_extension_for_class(kind).value)


def check(log: CtLog, certificate: ServerCertificate, sct: SignedCertificateTimestamp) -> None:
    """RFC 6962 section 3.2, by `cryptography`'s reading of the certificate. Raises `InvalidSignature`."""
    tbs = certificate.certificate.tbs_precertificate_bytes
    issuer = (*certificate.chain, certificate.root)[1].public_key()
    spki = issuer.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    moment = int(sct.timestamp.replace(tzinfo=UTC).timestamp() * 1000)
    signed = b"\0\0" + moment.to_bytes(8, "big") + b"\0\1" + hashlib.sha256(spki).digest()
    signed += len(tbs).to_bytes(3, "big") + tbs + len(sct.extension_bytes).to_bytes(2, "big") + sct.extension_bytes
    key = load_der_public_key(log.key_der)
    if isinstance(key, rsa.RSAPublicKey):
        key.verify(sct.signature, signed, padding.PKCS1v15(), hashes.SHA256())
    else:
        assert isinstance(key, ec.EllipticCurvePublicKey)
        key.verify(sct.signature, signed, ec.ECDSA(hashes.SHA256()))


@pytest.mark.parametrize("intermediates", [0, 1])
def test_every_kind_of_log_signs_what_was_issued(intermediates: int) -> None:
    authority = CertificateAuthority(intermediates=intermediates)
    logs = [CtLog("One"), CtLog("Two", static=True), CtLog("Three", key=KeyKind.RSA)]
    certificate = logged(authority, authority.issue("localhost"), *logs)
    found = scts_of(certificate)
    assert [base64.b64encode(sct.log_id).decode() for sct in found] == [log.id for log in logs]
    for log, sct in zip(logs, found, strict=True):
        check(log, certificate, sct)
    with pytest.raises(InvalidSignature):
        check(logs[0], logged(authority, authority.issue("localhost"), logs[0]), found[0])


def test_a_strict_client_accepts_a_logged_certificate() -> None:
    authority = CertificateAuthority(intermediates=1)
    plain = authority.issue("localhost")
    certificate = logged(authority, plain, CtLog())
    assert (certificate.spki_sha256, certificate.names, certificate.key) == (plain.spki_sha256, plain.names, plain.key)
    with TlsServer(certificate) as server, connect(server, authority.client_context()) as client:
        assert client.getpeercert(binary_form=True) == certificate.der


def test_static_logs_count_their_entries() -> None:
    log = CtLog(static=True)
    indexes = [log.sct_of_certificate(b"certificate")[46:51] for _ in range(3)]
    assert indexes == [number.to_bytes(5, "big") for number in range(3)]
    assert CtLog().sct_of_certificate(b"certificate")[41:43] == b"\0\0"


def test_the_time_is_the_clocks() -> None:
    clock = HandTurnedClock()
    authority, log = CertificateAuthority(), CtLog(clock=clock)
    times = []
    for _ in range(2):
        (sct,) = scts_of(logged(authority, authority.issue(), log))
        times.append(sct.timestamp.replace(tzinfo=UTC))
        clock.advance(1.5)
    assert [(time - datetime.fromtimestamp(1_790_000_000, UTC)).total_seconds() for time in times] == [0, 1.5]


def test_a_faulty_log_does_one_thing_wrong_and_the_log_itself_goes_on() -> None:
    authority, log = CertificateAuthority(), CtLog(clock=HandTurnedClock())
    plain = authority.issue()
    for fault in SctFault:
        faulty = log.faulty(fault)
        assert (faulty.id == log.id) is (fault is not SctFault.UNKNOWN_LOG)
        certificate = logged(authority, plain, faulty)
        if fault is SctFault.MALFORMED:
            with pytest.raises(ValueError, match=r"version|InvalidValue|parsing"):
                scts_of(certificate)
            continue
        (sct,) = scts_of(certificate)
        if fault is SctFault.BAD_SIGNATURE:
            with pytest.raises(InvalidSignature):
                check(faulty, certificate, sct)
        else:
            check(faulty, certificate, sct)
        assert (sct.timestamp.replace(tzinfo=UTC).timestamp() > 1_790_000_000) is (fault is SctFault.FUTURE)
    check(log, honest := logged(authority, plain, log), scts_of(honest)[0])


def test_a_log_stands_in_a_document_as_the_format_says() -> None:
    log = CtLog("Example", static=True)
    assert log.entry("retired", retired_at=7) == {
        "id": base64.b64encode(hashlib.sha256(log.key_der).digest()).decode(),
        "key": base64.b64encode(log.key_der).decode(),
        "operator": "Example",
        "kind": "static",
        "state": "retired",
        "retired_at": 7,
    }
    assert ct_logs(log, issued_at=5) == {"issued_at": 5, "logs": [log.entry()]}
    assert CtLog().entry()["kind"] == "rfc6962"


def test_a_log_cannot_have_any_key() -> None:
    with pytest.raises(ValueError, match="P-256 or an RSA key"):
        CtLog(key=KeyKind.ED25519)


@pytest.mark.parametrize("size", [0, 119, 127, 128, 255, 256, 40_000])
def test_the_extension_is_der_whatever_its_size(size: int) -> None:
    content = sct_list(bytes(size)) if size else b""
    value = sct_extension(content).value
    length = value[1 : len(value) - len(content)]
    assert value[0] == 4
    assert (length[0] if length[0] < 128 else int.from_bytes(length[1:], "big")) == len(content)
    assert length[0] < 128 or (len(length) - 1 == length[0] - 128 and length[1] > 0)
