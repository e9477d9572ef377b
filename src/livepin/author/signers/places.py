"""Where a signing key is, in one line of text: what `signer` says in a project file and on the command line.

    keys/signing.pem                                             an encrypted PEM file
    pkcs11:token=acme;object=shop?module-path=/usr/lib/….so      a token (RFC 7512), &pin-source=file:… if need be
    aws-kms:alias/shop?region=eu-central-1                       AWS KMS, by alias, key ID or ARN
    detached:                                                    elsewhere: the signing input goes out, a JWS comes in

A place is no secret, and must not hold one: it is kept under version control and seen in lists of processes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote

from livepin.errors import KeyUnusable

_SCHEME = re.compile(r"([a-z][a-z0-9-]+):(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class PemPlace:
    """A key file; a relative path starts in the project's folder."""

    text: str
    file: str


@dataclass(frozen=True, slots=True)
class Pkcs11Place:
    """A private key object of this label on the token of that label. `pin_file`: where its PIN stands, or empty."""

    text: str
    module: str
    token: str
    label: str
    pin_file: str = ""


@dataclass(frozen=True, slots=True)
class AwsKmsPlace:
    """A key of AWS KMS. `region` may be empty: boto3 looks for it then. `raw`: the service hashes (emulators)."""

    text: str
    key: str
    region: str = ""
    raw: bool = False


@dataclass(frozen=True, slots=True)
class DetachedPlace:
    """A key that no command here can reach."""

    text: str = "detached:"


Place = PemPlace | Pkcs11Place | AwsKmsPlace | DetachedPlace


def parse_place(text: str) -> Place:
    """Where a key is. Raises `KeyUnusable` (`signer_invalid`)."""
    found = _SCHEME.fullmatch(text)
    if found is None or found[1] == "pem":
        file = text if found is None else found[2]
        if not file:
            raise _invalid(text, "names no file")
        return PemPlace(text, file)
    scheme, rest = found[1], found[2]
    path, _, query = rest.partition("?")
    if scheme == "pkcs11":
        return _pkcs11(text, path, _members(text, query.split("&")))
    if scheme == "aws-kms":
        return _aws_kms(text, path, query)
    if scheme == "detached" and not rest:
        return DetachedPlace(text)
    raise _invalid(text, "is none of pem:, pkcs11:, aws-kms: and detached:")


def _pkcs11(text: str, path: str, query: dict[str, str]) -> Pkcs11Place:
    members = _members(text, path.split(";"))
    if "pin-value" in query or "pin-value" in members:
        raise KeyUnusable("signer_invalid", "a PIN does not belong into a signer", hint="Use pin-source=file:PATH.")
    known = {"token", "object", "type"}
    if members.keys() - known or query.keys() - {"module-path", "pin-source"}:
        raise _invalid(text, "has members besides token, object, module-path and pin-source")
    if not (members.get("token") and members.get("object") and query.get("module-path")):
        raise _invalid(text, "needs token, object and module-path")
    pin_file = query.get("pin-source", "").removeprefix("file:")
    return Pkcs11Place(text, query["module-path"], members["token"], members["object"], pin_file)


def _members(text: str, parts: list[str]) -> dict[str, str]:
    pairs = [part.partition("=") for part in parts if part]
    members = {name: unquote(value) for name, _, value in pairs}
    if len(members) < len(pairs):
        raise _invalid(text, "says one thing twice")
    return members


def _aws_kms(text: str, key: str, query: str) -> AwsKmsPlace:
    members = {name: values[-1] for name, values in parse_qs(query).items()}
    message = members.get("message", "digest")
    if not key or members.keys() - {"region", "message"} or message not in ("digest", "raw"):
        raise _invalid(text, "is not aws-kms:KEY?region=REGION")
    return AwsKmsPlace(text, key, members.get("region", ""), raw=message == "raw")


def _invalid(text: str, why: str) -> KeyUnusable:
    return KeyUnusable("signer_invalid", f"it {why}", where=text[:200])
