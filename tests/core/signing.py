"""Keys, documents and key sets for these tests, made with `cryptography` alone: nothing here asks Livepin."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, utils
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from livepin.core.jws import PublicKey
from livepin.core.trust import Trust

ISSUED_AT = 1_790_000_000
DAY = 86_400
NOW = ISSUED_AT + DAY
#: Digests of nothing in particular.
DIGEST, OTHER_DIGEST = (base64.b64encode(hashlib.sha256(text).digest()).decode() for text in (b"one", b"other"))
WIDE_DIGEST = base64.b64encode(hashlib.sha512(b"wide").digest()).decode()


def b64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode("ascii").rstrip("=")


def compact(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode("utf-8")


class Signer:
    """A private key that is the same in every run: it is derived from its name."""

    def __init__(self, name: str, alg: str = "ES256") -> None:
        secret = hashlib.sha256(name.encode("ascii")).digest()
        self.alg = alg
        self._ec = ec.derive_private_key(int.from_bytes(secret, "big"), ec.SECP256R1())
        self._ed = ed25519.Ed25519PrivateKey.from_private_bytes(secret)

    @property
    def spki(self) -> bytes:
        public = self._ec.public_key() if self.alg == "ES256" else self._ed.public_key()
        return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    @property
    def pem(self) -> str:
        public = self._ec.public_key() if self.alg == "ES256" else self._ed.public_key()
        return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii")

    @property
    def jwk(self) -> dict[str, str]:
        if self.alg == "EdDSA":
            return {"crv": "Ed25519", "kty": "OKP", "x": b64url(self.spki[-32:])}
        x, y = self.spki[-64:-32], self.spki[-32:]
        return {"crv": "P-256", "kty": "EC", "x": b64url(x), "y": b64url(y)}

    @property
    def kid(self) -> str:
        return b64url(hashlib.sha256(compact(self.jwk)).digest())

    @property
    def public(self) -> PublicKey:
        return PublicKey.from_spki(self.spki)

    def sign(self, data: bytes) -> bytes:
        if self.alg == "EdDSA":
            return self._ed.sign(data)
        r, s = utils.decode_dss_signature(self._ec.sign(data, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


ANCHOR, SECOND_ANCHOR, THIRD_ANCHOR = Signer("anchor"), Signer("second anchor", "EdDSA"), Signer("third anchor")
SIGNING_KEY, STRANGER = Signer("signing key"), Signer("stranger")
#: What the application of these tests embeds.
TRUST = Trust("acme", "shop", (ANCHOR.public,))
TWO_ANCHORS = Trust("acme", "shop", (ANCHOR.public, SECOND_ANCHOR.public), threshold=2)


def jws(header: Mapping[str, Any] | bytes, payload: Mapping[str, Any] | bytes, key: Signer) -> str:
    """A compact JWS of any header and payload."""
    parts = (part if isinstance(part, bytes) else compact(part) for part in (header, payload))
    signed = ".".join(map(b64url, parts))
    return f"{signed}.{b64url(key.sign(signed.encode('ascii')))}"


def without(members: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in members.items() if name not in names}


def host(name: str = "api.example.com", *pins: Mapping[str, Any], **members: Any) -> dict[str, Any]:
    """One entry of `hosts`; without pins there is no member `pins`."""
    entry = {"host": name, "action": "enforce", **members}
    return {**entry, "pins": list(pins)} if pins else entry


def payload(*hosts: Mapping[str, Any], **members: Any) -> dict[str, Any]:
    """The payload of a document that is right in every respect, with other `members` if given."""
    return {
        "format": 1,
        "organization": "acme",
        "project": "shop",
        "serial": 7,
        "issued_at": ISSUED_AT,
        "expires_at": ISSUED_AT + 30 * DAY,
        "hosts": list(hosts or (host(),)),
        **members,
    }


def keys_payload(*keys: Signer, **members: Any) -> dict[str, Any]:
    """The payload of a key set that is right in every respect, with other `members` if given."""
    return {
        "format": 1,
        "organization": "acme",
        "project": "shop",
        "epoch": 2,
        "issued_at": ISSUED_AT,
        "expires_at": ISSUED_AT + 20 * DAY,
        "signing_keys": [key.jwk for key in keys or (SIGNING_KEY,)],
        **members,
    }


def header(key: Signer, typ: str = "livepin+jws", **members: Any) -> dict[str, Any]:
    return {"alg": key.alg, "kid": key.kid, "typ": typ, **members}


def key_set(*keys: Signer, by: Signer = ANCHOR, **members: Any) -> str:
    """A key set that `by` signed."""
    return jws(header(by, "livepin-keys+jws"), keys_payload(*keys, **members), by)


def signed(key: Signer = ANCHOR, keys: object = None, **members: Any) -> str:
    """A document that `key` signed, with the key set (or sets) `keys` in its header."""
    extra: dict[str, Any] = {} if keys is None else {"keys": keys}
    return jws(header(key, **extra), payload(**members), key)
