from __future__ import annotations

import base64
import hashlib
import socket
import ssl
import stat
import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from livepin.core.pins import Certificate
from livepin.testing import CertificateAuthority, KeyKind, ServerCertificate, TlsServer
from livepin.testing.authority import PrivateKey
from tests.testing.plain_clients import connect


def verified_chain(certificate: ServerCertificate, authority: CertificateAuthority, host: str) -> tuple[bytes, ...]:
    """The chain that OpenSSL arrives at, under its strictest rules. Raises `ssl.SSLCertVerificationError`."""
    context = authority.client_context()
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    context.verify_flags &= ~ssl.VERIFY_X509_PARTIAL_CHAIN
    with TlsServer(certificate) as server, connect(server, context, server_hostname=host) as client:
        chain = client._sslobj.get_verified_chain()  # type: ignore[attr-defined]
        return tuple(ssl.PEM_cert_to_DER_cert(found.public_bytes()) for found in chain)


@pytest.mark.parametrize("kind", KeyKind)
@pytest.mark.parametrize("intermediates", [0, 1, 3])
def test_a_strict_client_accepts_every_kind_of_key_below_any_number_of_intermediates(
    kind: KeyKind, intermediates: int
) -> None:
    authority = CertificateAuthority(intermediates=intermediates)
    certificate = authority.issue("api.example.com", key=kind)
    chain = verified_chain(certificate, authority, "api.example.com")
    assert chain == certificate.chain_der
    assert len(chain) == intermediates + 2


@pytest.mark.parametrize(
    ("kind", "type_"),
    [
        (KeyKind.P256, ec.EllipticCurvePrivateKey),
        (KeyKind.RSA, rsa.RSAPrivateKey),
        (KeyKind.ED25519, ed25519.Ed25519PrivateKey),
    ],
)
def test_the_key_is_of_the_kind_that_was_asked_for(kind: KeyKind, type_: type[PrivateKey]) -> None:
    assert isinstance(CertificateAuthority().issue(key=kind).key, type_)


@pytest.mark.parametrize(
    ("name", "host", "accepted"),
    [
        ("api.example.com", "api.example.com", True),
        ("api.example.com", "www.example.com", False),
        ("*.example.com", "api.example.com", True),
        ("*.example.com", "a.b.example.com", False),
        ("192.0.2.7", "192.0.2.7", True),
        ("2001:db8::7", "2001:db8::7", True),
        ("192.0.2.7", "192.0.2.8", False),
        ("a" * 60 + ".a-name-longer-than-a-common-name-may-be.example", "a" * 60 + ".b.example", False),
    ],
)
def test_a_certificate_is_for_the_names_that_were_asked_for(name: str, host: str, accepted: bool) -> None:
    authority = CertificateAuthority()
    certificate = authority.issue(name)
    if accepted:
        assert verified_chain(certificate, authority, host) == certificate.chain_der
    else:
        with pytest.raises(ssl.SSLCertVerificationError, match=r"(Hostname|IP address) mismatch"):
            verified_chain(certificate, authority, host)


def test_without_names_a_certificate_is_for_this_machine() -> None:
    certificate = CertificateAuthority().issue()
    assert certificate.names == ("localhost", "127.0.0.1", "::1")


def test_expired_and_not_yet_valid_certificates_are_refused_for_that_reason() -> None:
    authority = CertificateAuthority()
    with pytest.raises(ssl.SSLCertVerificationError, match="certificate has expired"):
        verified_chain(authority.expired(), authority, "localhost")
    with pytest.raises(ssl.SSLCertVerificationError, match="certificate is not yet valid"):
        verified_chain(authority.not_yet_valid(), authority, "localhost")


def test_an_authority_of_the_same_name_is_not_trusted() -> None:
    authority, imitation = CertificateAuthority(intermediates=1), CertificateAuthority(intermediates=1)
    with pytest.raises(ssl.SSLCertVerificationError, match="unable to get local issuer"):
        verified_chain(imitation.issue(), authority, "localhost")


@pytest.mark.parametrize("intermediates", [0, 1])
def test_a_forged_certificate_names_the_authority_but_its_signature_is_not_by_it(intermediates: int) -> None:
    authority = CertificateAuthority(intermediates=intermediates)
    forged, genuine = authority.forged(), authority.issue()
    assert forged.certificate.issuer == genuine.certificate.issuer
    assert forged.chain_der[1:] == genuine.chain_der[1:]
    with pytest.raises(ssl.SSLCertVerificationError, match="signature failure"):
        verified_chain(forged, authority, "localhost")
    # ... and the authority itself is none the worse for it.
    assert verified_chain(authority.issue(), authority, "localhost")


def test_a_certificate_says_what_it_is_for_and_who_issued_it_by_which_key() -> None:
    authority = CertificateAuthority(intermediates=1)
    extensions = authority.issue().certificate.extensions
    issuer = authority.intermediates[0].extensions
    own = extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    assert own != issuer.get_extension_for_class(x509.SubjectKeyIdentifier).value
    assert (
        extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
        == issuer.get_extension_for_class(x509.SubjectKeyIdentifier).value.key_identifier
    )
    purposes = extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(purposes) == [ExtendedKeyUsageOID.SERVER_AUTH]


def test_a_renewed_certificate_keeps_the_key_and_a_rekeyed_one_does_not() -> None:
    authority = CertificateAuthority()
    first = authority.issue("api.example.com")
    renewed, rekeyed = authority.renewed(first), authority.rekeyed(first)
    assert first.names == renewed.names == rekeyed.names
    assert first.der != renewed.der
    assert first.spki_sha256 == renewed.spki_sha256
    assert first.spki_sha256 != rekeyed.spki_sha256


def test_the_pin_of_a_certificate_is_what_openssl_says(tmp_path: Path) -> None:
    certificate = CertificateAuthority(intermediates=1).issue(key=KeyKind.RSA)
    files = certificate.write(tmp_path)
    spki = ["openssl", "pkey", "-in", str(files.key), "-pubout", "-outform", "DER"]
    digest = hashlib.sha256(subprocess.run(spki, capture_output=True, check=True).stdout).digest()
    assert certificate.spki_sha256 == base64.b64encode(digest).decode()
    assert certificate.pin() == {"spki_sha256": certificate.spki_sha256, "position": "leaf"}


def test_the_digests_of_the_chain_are_those_that_core_computes() -> None:
    authority = CertificateAuthority(intermediates=2)
    certificate = authority.issue()
    digests = tuple(Certificate(der).digest("spki_sha256") for der in certificate.chain_der)
    assert certificate.chain_spki_sha256 == digests
    assert authority.spki_sha256 == digests[-1]


def test_what_is_written_can_be_loaded_by_any_web_server(tmp_path: Path) -> None:
    authority = CertificateAuthority(intermediates=1)
    certificate = authority.issue()
    files, root = certificate.write(tmp_path), authority.write(tmp_path)
    assert stat.S_IMODE(files.key.stat().st_mode) == 0o600
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(files.chain, files.key)
    assert ssl.PEM_cert_to_DER_cert(root.read_text()) == authority.root_der
    assert [found.subject for found in x509.load_pem_x509_certificates(files.chain.read_bytes())] == [
        certificate.certificate.subject,
        authority.intermediates[0].subject,
    ]


def test_a_server_can_send_a_pinned_certificate_along_that_proves_nothing() -> None:
    authority = CertificateAuthority(intermediates=1)
    genuine, evil = authority.issue(), authority.issue()
    with TlsServer(evil.sending(genuine)) as server, connect(server, authority.client_context()) as client:
        sent = client._sslobj.get_unverified_chain()  # type: ignore[attr-defined]
        verified = client._sslobj.get_verified_chain()  # type: ignore[attr-defined]
        assert client.getpeercert(True) == evil.der
    assert genuine.der in [ssl.PEM_cert_to_DER_cert(found.public_bytes()) for found in sent]
    assert genuine.der not in [ssl.PEM_cert_to_DER_cert(found.public_bytes()) for found in verified]


def test_the_client_context_trusts_this_authority_and_no_other() -> None:
    authority = CertificateAuthority()
    context = authority.client_context()
    assert [hashlib.sha256(der).digest() for der in context.get_ca_certs(True)] == [
        hashlib.sha256(authority.root_der).digest()
    ]
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


def test_a_private_key_leaves_no_file_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    CertificateAuthority().issue().load_into(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
    assert list(tmp_path.iterdir()) == []


def test_ipv6_loopback_works_where_the_machine_has_it() -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("no IPv6 loopback here")
    authority = CertificateAuthority()
    with (
        TlsServer(authority.issue(), address="::1") as server,
        connect(server, authority.client_context(), server_hostname="::1") as client,
    ):
        assert client.getpeername()[0] == "::1"
