"""Makes the worked example of docs/format.md with `cryptography` alone: it owes nothing to the code it documents.

`python -m tests.docs.format_example` writes it again: the files in docs/examples/ and the marked parts of the page.
Every private key is the SHA-256 of a sentence that the page prints, and all signatures are deterministic: whoever
follows the page gets the same bytes.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, utils
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = DOCS / "format.md"

ORGANIZATION, PROJECT = "acme", "shop"
ISSUED_AT = 1_790_000_000
DAY = 86_400
#: The moment at which the page looks at its documents.
NOW = ISSUED_AT + DAY


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def b64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode("ascii").rstrip("=")


def compact(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode("ascii")


class ExampleKey:
    """A key that anybody can make again from `sentence`."""

    def __init__(self, kind: str, sentence: str) -> None:
        self.kind = kind
        self.sentence = sentence
        secret = hashlib.sha256(sentence.encode("ascii")).digest()
        self.ec = ec.derive_private_key(int.from_bytes(secret, "big"), ec.SECP256R1())
        self.ed = ed25519.Ed25519PrivateKey.from_private_bytes(secret)
        self.alg = "ES256" if kind == "P-256" else "EdDSA"

    @property
    def spki(self) -> bytes:
        public = self.ec.public_key() if self.alg == "ES256" else self.ed.public_key()
        return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    @property
    def jwk(self) -> dict[str, str]:
        if self.alg == "EdDSA":
            raw = self.ed.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
            return {"crv": "Ed25519", "kty": "OKP", "x": b64url(raw)}
        numbers = self.ec.public_key().public_numbers()
        x, y = (b64url(number.to_bytes(32, "big")) for number in (numbers.x, numbers.y))
        return {"crv": "P-256", "kty": "EC", "x": x, "y": y}

    @property
    def thumbprint(self) -> str:
        return b64url(hashlib.sha256(compact(self.jwk)).digest())

    def sign(self, data: bytes) -> bytes:
        if self.alg == "EdDSA":
            return self.ed.sign(data)
        r, s = utils.decode_dss_signature(self.ec.sign(data, ec.ECDSA(hashes.SHA256(), deterministic_signing=True)))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


ANCHOR = ExampleKey("P-256", "livepin example: anchor")
SECOND_ANCHOR = ExampleKey("Ed25519", "livepin example: second anchor")
SIGNING_KEY = ExampleKey("Ed25519", "livepin example: signing key")
SERVICE_KEY = ExampleKey("P-256", "livepin example: service key")
BACKUP_KEY = ExampleKey("P-256", "livepin example: backup key")
KEYS = (ANCHOR, SECOND_ANCHOR, SIGNING_KEY, SERVICE_KEY, BACKUP_KEY)


@dataclass(frozen=True)
class Signed:
    """A JWS and what it was made of."""

    header: dict[str, Any]
    payload: bytes
    signature: bytes

    @property
    def signing_input(self) -> str:
        return f"{b64url(compact(self.header))}.{b64url(self.payload)}"

    @property
    def text(self) -> str:
        return f"{self.signing_input}.{b64url(self.signature)}"


def signed(key: ExampleKey, typ: str, payload: bytes, **more: Any) -> Signed:
    header = {"alg": key.alg, "kid": key.thumbprint, "typ": typ, **more}
    signing_input = f"{b64url(compact(header))}.{b64url(payload)}"
    return Signed(header, payload, key.sign(signing_input.encode("ascii")))


def leaf_certificate() -> x509.Certificate:
    """What api.example.com serves. Self-signed, to keep the example to one certificate."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "api.example.com")])
    start = datetime.fromtimestamp(ISSUED_AT - 10 * DAY, UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(SERVICE_KEY.ec.public_key())
        .serial_number(0x11223344556677)
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=90))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("api.example.com")]), critical=False)
        .sign(SERVICE_KEY.ec, hashes.SHA256(), ecdsa_deterministic=True)
    )


def digests(certificate: x509.Certificate) -> dict[str, str]:
    der = certificate.public_bytes(Encoding.DER)
    spki = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return {
        "spki_sha256": b64(hashlib.sha256(spki).digest()),
        "spki_sha512": b64(hashlib.sha512(spki).digest()),
        "cert_sha256": b64(hashlib.sha256(der).digest()),
        "cert_sha512": b64(hashlib.sha512(der).digest()),
    }


def spki_pin(key: ExampleKey, **more: Any) -> dict[str, Any]:
    return {"spki_sha256": b64(hashlib.sha256(key.spki).digest()), **more}


DIRECT_PAYLOAD = {
    "format": 1,
    "organization": ORGANIZATION,
    "project": PROJECT,
    "serial": 7,
    "issued_at": ISSUED_AT,
    "expires_at": ISSUED_AT + 30 * DAY,
    "hosts": [
        {
            "host": "api.example.com",
            "action": "enforce",
            "pins": [spki_pin(SERVICE_KEY, position="leaf"), spki_pin(BACKUP_KEY)],
        }
    ],
}

KEYSET_PAYLOAD = {
    "format": 1,
    "organization": ORGANIZATION,
    "project": PROJECT,
    "epoch": 3,
    "issued_at": ISSUED_AT,
    "expires_at": ISSUED_AT + 180 * DAY,
    "signing_keys": [SIGNING_KEY.jwk],
}

COUNTERSIGNED_PAYLOAD = {
    "format": 1,
    "organization": ORGANIZATION,
    "project": PROJECT,
    "serial": 1,
    "issued_at": ISSUED_AT,
    "expires_at": ISSUED_AT + 30 * DAY,
    "refresh_after": 300,
    "unlisted": "report",
    "hosts": [
        {
            "host": "**.example.com",
            "action": "enforce",
            "rollout": 25,
            "pins": [
                spki_pin(SERVICE_KEY, until=ISSUED_AT + 60 * DAY),
                spki_pin(BACKUP_KEY, **{"from": ISSUED_AT + 10 * DAY}),
            ],
        },
        {"host": "status.example.com", "action": "off"},
    ],
}


def direct() -> Signed:
    """Example 1: an anchor signs the document itself."""
    return signed(ANCHOR, "livepin+jws", compact(DIRECT_PAYLOAD))


def keysets() -> tuple[Signed, Signed]:
    """One key set, signed by two anchors."""
    payload = compact(KEYSET_PAYLOAD)
    return signed(ANCHOR, "livepin-keys+jws", payload), signed(SECOND_ANCHOR, "livepin-keys+jws", payload)


def countersigned() -> Signed:
    """Example 2: a signing key signs, two anchors vouch for it."""
    keys = [keyset.text for keyset in keysets()]
    return signed(SIGNING_KEY, "livepin+jws", compact(COUNTERSIGNED_PAYLOAD), keys=keys)


def certificate_pem() -> str:
    return leaf_certificate().public_bytes(Encoding.PEM).decode("ascii")


def files() -> dict[str, str]:
    """Name and content of every file in docs/examples/."""
    return {
        "direct.jws": direct().text,
        "counter-signed.jws": countersigned().text,
        "anchor.txt": b64(ANCHOR.spki) + "\n",
        "second-anchor.txt": b64(SECOND_ANCHOR.spki) + "\n",
        "leaf.pem": certificate_pem(),
    }


def _block(language: str, text: str) -> str:
    return f"```{language}\n{text.rstrip()}\n```"


def _table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [header, tuple("---" for _ in header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _key_table() -> str:
    rows = []
    for key in KEYS:
        kind = f"{key.sentence.partition(': ')[2]}, {key.kind}"
        rows.append((kind, f"`{key.sentence}`", f"`{b64(key.spki)}`", f"`{key.thumbprint}`"))
    return _table(("key", "sentence", "SPKI, Base64", "thumbprint"), rows)


def _pretty(value: Mapping[str, Any]) -> str:
    return _block("json", json.dumps(value, indent=2))


def _parts(example: Signed) -> str:
    hashed = hashlib.sha256(example.signing_input.encode("ascii")).hexdigest()
    rows = [
        ("header", f"`{compact(example.header).decode()}`"),
        ("SHA-256 of the signing input, hexadecimal", f"`{hashed}`"),
        ("signature, hexadecimal", f"`{example.signature.hex()}`"),
        ("digest of the revision", f"`{b64(hashlib.sha256(example.payload).digest())}`"),
    ]
    return _table(("part", "value"), rows)


def parts() -> dict[str, str]:
    """Name and Markdown of every marked part of the page."""
    first, (keyset, counter_signature), second = direct(), keysets(), countersigned()
    header = {
        **second.header,
        "keys": ["(the key set as the anchor signed it)", "(the same, as the second anchor signed it)"],
    }
    return {
        "keys": _key_table(),
        "certificate": _block("text", certificate_pem()),
        "digests": _table(("member", "value"), [(f"`{k}`", f"`{v}`") for k, v in digests(leaf_certificate()).items()]),
        "direct payload": _pretty(DIRECT_PAYLOAD),
        "direct payload bytes": _block("text", first.payload.decode("ascii")),
        "direct parts": _parts(first),
        "direct jws": _block("text", first.text),
        "keyset payload": _pretty(KEYSET_PAYLOAD),
        "keyset jws": _block("text", f"{keyset.text}\n\n{counter_signature.text}"),
        "counter-signed payload": _pretty(COUNTERSIGNED_PAYLOAD),
        "counter-signed header": _pretty(header),
        "counter-signed jws": _block("text", second.text),
    }


MARKED = re.compile(r"<!-- example: (?P<name>[^>]+?) -->(?P<text>.*?)<!-- end of example -->", re.DOTALL)


def shown(page: str) -> dict[str, str]:
    """Name and Markdown of every marked part, as the page has them."""
    return {found["name"]: found["text"].strip("\n") for found in MARKED.finditer(page)}


def main() -> None:
    for name, content in files().items():
        (DOCS / "examples" / name).write_text(content, encoding="ascii")
    made = parts()

    def fill(found: re.Match[str]) -> str:
        return f"<!-- example: {found['name']} -->\n\n{made[found['name']]}\n\n<!-- end of example -->"

    PAGE.write_text(MARKED.sub(fill, PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
