"""A certificate authority for tests: certificates that are right in every respect, or wrong in exactly one.

What is issued satisfies RFC 5280 as strictly as OpenSSL can be told to check it (``X509_V_FLAG_X509_STRICT``, which
``ssl.create_default_context`` sets from Python 3.13 on): a refusal is then about what the test means, not about a
sloppy certificate. Everything is made with `cryptography`, and no digest here is computed by Livepin's own code.
"""

from __future__ import annotations

import copy
import datetime
import hashlib
import ipaddress
import ssl
import tempfile
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey


class KeyKind(Enum):
    """The kinds of key that a test certificate may have."""

    P256 = "p256"
    RSA = "rsa"
    ED25519 = "ed25519"

    def generate(self) -> PrivateKey:
        """A new private key of this kind (RSA: 2048 bits, which takes tens of milliseconds)."""
        makers: dict[KeyKind, Callable[[], PrivateKey]] = {
            KeyKind.P256: lambda: ec.generate_private_key(ec.SECP256R1()),
            KeyKind.RSA: lambda: rsa.generate_private_key(65537, 2048),
            KeyKind.ED25519: ed25519.Ed25519PrivateKey.generate,
        }
        return makers[self]()


@dataclass(frozen=True, slots=True)
class CertificateFiles:
    """Where `ServerCertificate.write` put things: what a web server's settings ask for."""

    chain: Path
    key: Path


@dataclass(frozen=True, slots=True)
class ServerCertificate:
    """A server's certificate with its private key and what it sends along.

    `chain` is what the server sends, leaf first; `root` is where a validating client ends up.
    """

    names: tuple[str, ...]
    key: PrivateKey
    chain: tuple[x509.Certificate, ...]
    root: x509.Certificate

    @property
    def certificate(self) -> x509.Certificate:
        """The server's own certificate."""
        return self.chain[0]

    @property
    def der(self) -> bytes:
        """The server's own certificate in DER."""
        return _der(self.certificate)

    @property
    def chain_der(self) -> tuple[bytes, ...]:
        """The chain that an honest validation of this certificate yields, leaf first and root last, in DER."""
        return tuple(map(_der, (*self.chain, self.root)))

    @property
    def chain_pem(self) -> str:
        """What the server sends, as PEM, leaf first."""
        return "".join(map(_pem, self.chain))

    @property
    def key_pem(self) -> str:
        """The private key as PKCS#8 PEM, not encrypted: it is worth nothing outside a test."""
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode("ascii")

    @property
    def spki_sha256(self) -> str:
        """Base64 of SHA-256 over the SPKI of the leaf: the digest that an ordinary pin holds."""
        return spki_digest(self.certificate)

    @property
    def chain_spki_sha256(self) -> tuple[str, ...]:
        """The same digest of each certificate of `chain_der`, leaf first and root last."""
        return tuple(map(spki_digest, (*self.chain, self.root)))

    def pin(self, position: str = "leaf") -> dict[str, str]:
        """A pin of the leaf's key, as it stands in a document's `pins`."""
        return {"spki_sha256": self.spki_sha256, "position": position}

    def sending(self, *extra: ServerCertificate) -> ServerCertificate:
        """The same, with the leaves of `extra` appended to what is sent.

        That is what an attacker does who hopes that pins are looked for in the chain as sent (J4 says: validated).
        """
        return replace(self, chain=(*self.chain, *(other.certificate for other in extra)))

    def write(self, directory: Path) -> CertificateFiles:
        """Write ``chain.pem`` and ``key.pem`` (mode 0600) into `directory`, which must exist."""
        files = CertificateFiles(directory / "chain.pem", directory / "key.pem")
        files.chain.write_text(self.chain_pem, "ascii")
        files.key.touch(0o600)
        files.key.write_text(self.key_pem, "ascii")
        return files

    def load_into(self, context: ssl.SSLContext) -> None:
        """Give a server's context this certificate and key. `ssl` reads files only, so one exists for a moment."""
        with tempfile.TemporaryDirectory(prefix="livepin-testing-") as folder:
            files = self.write(Path(folder))
            context.load_cert_chain(files.chain, files.key)


class CertificateAuthority:
    """A root, `intermediates` certificates below it, and the certificates that the lowest of them issues.

    Two authorities of one `name` have different keys: the second is what an untrusted imitation looks like.
    """

    def __init__(self, name: str = "Livepin test authority", *, intermediates: int = 0) -> None:
        """Make the keys (P-256) and the authority's own certificates, valid for ten years from yesterday."""
        self.name = name
        self._path = [_Issuer.root(name)]
        for number in range(1, intermediates + 1):
            self._path.append(self._path[-1].intermediate(f"{name} {number}", intermediates - number))

    @property
    def root_der(self) -> bytes:
        """The root certificate in DER."""
        return _der(self._path[0].certificate)

    @property
    def root_pem(self) -> str:
        """The root certificate as PEM: what a client is told to trust."""
        return _pem(self._path[0].certificate)

    @property
    def spki_sha256(self) -> str:
        """Base64 of SHA-256 over the root's SPKI."""
        return spki_digest(self._path[0].certificate)

    @property
    def intermediates(self) -> tuple[x509.Certificate, ...]:
        """The intermediate certificates in the order in which a server sends them: the issuing one first."""
        return tuple(issuer.certificate for issuer in self._path[:0:-1])

    def write(self, directory: Path) -> Path:
        """Write ``root.pem`` into `directory`, which must exist, and return its path."""
        path = directory / "root.pem"
        path.write_text(self.root_pem, "ascii")
        return path

    def client_context(self) -> ssl.SSLContext:
        """An ordinary client context that trusts this authority and no other."""
        return ssl.create_default_context(cadata=self.root_pem)

    def issue(
        self,
        *names: str,
        key: PrivateKey | KeyKind = KeyKind.P256,
        not_before: datetime.datetime | None = None,
        not_after: datetime.datetime | None = None,
    ) -> ServerCertificate:
        """A certificate for `names` (DNS names, wildcards, IP addresses; default ``localhost``, ``127.0.0.1`` and
        ``::1``), with a new key of a kind or with a key at hand. Default validity: from yesterday, for 90 days.
        """
        names = names or ("localhost", "127.0.0.1", "::1")
        private = key.generate() if isinstance(key, KeyKind) else key
        start = not_before or _from_now(days=-1)
        certificate = self._path[-1].leaf(names, private, start, not_after or start + datetime.timedelta(days=90))
        return ServerCertificate(names, private, (certificate, *self.intermediates), self._path[0].certificate)

    def renewed(self, old: ServerCertificate) -> ServerCertificate:
        """Another certificate for the same names and the same key: pins of the key still match."""
        return self.issue(*old.names, key=old.key)

    def rekeyed(self, old: ServerCertificate) -> ServerCertificate:
        """Another certificate for the same names with another key: a rotation, or an attack, as seen by pins."""
        return self.issue(*old.names)

    def expired(self, *names: str) -> ServerCertificate:
        """A certificate that ended yesterday."""
        return self.issue(*names, not_before=_from_now(days=-91), not_after=_from_now(days=-1))

    def not_yet_valid(self, *names: str) -> ServerCertificate:
        """A certificate that begins tomorrow."""
        return self.issue(*names, not_before=_from_now(days=1))

    def extended(self, old: ServerCertificate, extension: x509.ExtensionType) -> ServerCertificate:
        """`old` once more, with one extension more (not critical) and everything else as it was."""
        return replace(old, chain=(self._path[-1].again(old.certificate, extension), *old.chain[1:]))

    def forged(self, *names: str) -> ServerCertificate:
        """A certificate that names this authority as its issuer, sends its intermediates along, and is signed by
        a key that it does not have. Only a client that does not verify signatures sees a chain here (J4)."""
        stranger = copy.copy(self)
        stranger._path = [*self._path[:-1], self._path[-1].with_key(KeyKind.P256.generate())]
        return stranger.issue(*names)


@dataclass(frozen=True, slots=True)
class _Issuer:
    certificate: x509.Certificate
    key: PrivateKey

    @classmethod
    def root(cls, name: str) -> _Issuer:
        key = KeyKind.P256.generate()
        builder = _builder(_subject(name), _subject(name), key, _from_now(days=-1), _from_now(days=3650))
        return cls(_as_authority(builder, key, None).sign(key, hashes.SHA256()), key)

    def intermediate(self, name: str, path_length: int) -> _Issuer:
        key = KeyKind.P256.generate()
        start, end = _from_now(days=-1), _from_now(days=3650)
        builder = _builder(_subject(name), self.certificate.subject, key, start, end)
        builder = _as_authority(builder, key, path_length).add_extension(self._identifier(), critical=False)
        return _Issuer(builder.sign(self.key, hashes.SHA256()), key)

    def leaf(
        self, names: tuple[str, ...], key: PrivateKey, start: datetime.datetime, end: datetime.datetime
    ) -> x509.Certificate:
        # The subject stays empty and the names critical (RFC 5280 section 4.2.1.6): a name longer than the 64
        # characters of a common name is as good as any.
        builder = _builder(x509.Name([]), self.certificate.subject, key, start, end)
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
        extensions: tuple[tuple[x509.ExtensionType, bool], ...] = (
            (x509.SubjectAlternativeName(list(map(_general_name, names))), True),
            (x509.BasicConstraints(ca=False, path_length=None), True),
            (_key_usage(authority=False), True),
            (usage, False),
            (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False),
            (self._identifier(), False),
        )
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical=critical)
        return builder.sign(self.key, hashes.SHA256())

    def again(self, old: x509.Certificate, extension: x509.ExtensionType) -> x509.Certificate:
        builder = x509.CertificateBuilder(
            issuer_name=old.issuer,
            subject_name=old.subject,
            public_key=old.public_key(),
            serial_number=old.serial_number,
            not_valid_before=old.not_valid_before_utc,
            not_valid_after=old.not_valid_after_utc,
        )
        for one in old.extensions:
            builder = builder.add_extension(one.value, critical=one.critical)
        return builder.add_extension(extension, critical=False).sign(self.key, hashes.SHA256())

    def with_key(self, key: PrivateKey) -> _Issuer:
        return replace(self, key=key)

    def _identifier(self) -> x509.AuthorityKeyIdentifier:
        own = self.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own)


def spki_digest(certificate: x509.Certificate) -> str:
    """Base64 of SHA-256 over a certificate's SPKI, computed with `cryptography` alone."""
    spki = certificate.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return b64encode(hashlib.sha256(spki).digest()).decode("ascii")


def _builder(
    subject: x509.Name, issuer: x509.Name, key: PrivateKey, start: datetime.datetime, end: datetime.datetime
) -> x509.CertificateBuilder:
    return x509.CertificateBuilder(
        issuer_name=issuer,
        subject_name=subject,
        public_key=key.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=start,
        not_valid_after=end,
    )


def _as_authority(
    builder: x509.CertificateBuilder, key: PrivateKey, path_length: int | None
) -> x509.CertificateBuilder:
    return (
        builder.add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
        .add_extension(_key_usage(authority=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _key_usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _subject(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _from_now(*, days: int) -> datetime.datetime:
    # Real time, on purpose: it is OpenSSL that reads these dates, and OpenSSL knows no clock but the computer's.
    return datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=days)


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.DER)


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode("ascii")
