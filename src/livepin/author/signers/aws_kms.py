"""Signing with a P-256 key of AWS KMS. The extra `aws` brings the client, which finds its credentials by itself.

What is sent is the SHA-256 of the signing input (`MessageType` DIGEST): documents are larger than the 4,096 bytes that
KMS hashes itself (RAW). The emulator that the tests run against hashes a DIGEST once more, which no verifier accepts,
so the tests prove RAW, the conversion and the refusal of a wrong signature; DIGEST against the real service they
cannot prove. `livepin signer test` does, with your own key, before anything is published.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from livepin.author.signers.places import AwsKmsPlace
from livepin.author.signers.signatures import checked, raw_of_der
from livepin.core.jws import PublicKey
from livepin.errors import KeyInvalid, KeyUnusable

if TYPE_CHECKING:
    from types_boto3_kms import KMSClient

#: What KMS hashes itself, in bytes.
MAX_RAW = 4096
_TIMEOUT = 10


class AwsKmsSigner:
    """A `Signer` in AWS KMS."""

    def __init__(self, place: AwsKmsPlace, public_key: PublicKey) -> None:
        self._place = place
        self._public_key = public_key

    @property
    def public_key(self) -> PublicKey:
        """The public half, as the project knows it."""
        return self._public_key

    @property
    def properties(self) -> Mapping[str, str]:
        """What the service says of the key."""
        with _failing(self._place.text):
            told = _client(self._place).describe_key(KeyId=self._place.key)["KeyMetadata"]
        return {
            "kind": "aws-kms",
            "key": told.get("Arn", self._place.key),
            "origin": str(told.get("Origin", "")),
            "state": str(told.get("KeyState", "")),
            "extractable": "false",
            "message": "raw" if self._place.raw else "digest",
        }

    def sign(self, signing_input: bytes) -> bytes:
        """The raw JWS signature."""
        if self._place.raw and len(signing_input) > MAX_RAW:
            message = f"{len(signing_input)} bytes: with message=raw, KMS signs {MAX_RAW} at most"
            raise KeyUnusable("signer_failed", message, where=self._place.text, hint="Leave message=raw out.")
        with _failing(self._place.text):
            answer = _client(self._place).sign(
                KeyId=self._place.key,
                Message=signing_input if self._place.raw else hashlib.sha256(signing_input).digest(),
                MessageType="RAW" if self._place.raw else "DIGEST",
                SigningAlgorithm="ECDSA_SHA_256",
            )
            signature = raw_of_der(answer["Signature"])
        return checked(signature, signing_input, self._public_key, self._place.text)


def read_public_key(place: AwsKmsPlace) -> PublicKey:
    """The public half of a key. Raises `KeyUnusable`."""
    with _failing(place.text):
        return PublicKey.from_spki(_client(place).get_public_key(KeyId=place.key)["PublicKey"])


def generate(place: AwsKmsPlace) -> PublicKey:
    """Make a P-256 key and the alias that the place names. Raises `KeyUnusable`."""
    if not place.key.startswith("alias/"):
        message = "a new key is named by an alias: aws-kms:alias/NAME?region=…"
        raise KeyUnusable("signer_invalid", message, where=place.text)
    with _failing(place.text):
        client = _client(place)
        aliases = client.get_paginator("list_aliases").paginate()
        if any(one.get("AliasName") == place.key for page in aliases for one in page["Aliases"]):
            raise KeyUnusable("key_exists", "there is a key of this alias already", where=place.text)
        made = client.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY", Description="Livepin")
        client.create_alias(AliasName=place.key, TargetKeyId=made["KeyMetadata"]["KeyId"])
    return read_public_key(place)


def _client(place: AwsKmsPlace) -> KMSClient:
    # Made for each call: a client of boto3 must not be shared with a child after a fork, and signing is rare.
    import boto3
    from botocore.config import Config

    config = Config(connect_timeout=_TIMEOUT, read_timeout=_TIMEOUT, retries={"mode": "standard"})
    session = boto3.session.Session(region_name=place.region or None)
    return session.client("kms", config=config)


@contextlib.contextmanager
def _failing(where: str) -> Iterator[None]:
    """Errors of the service by their code; its messages may name accounts and stay out."""
    try:
        import boto3  # noqa: F401
        from botocore.exceptions import BotoCoreError, ClientError
    except ModuleNotFoundError:
        hint = "pip install 'livepin[aws]'"
        raise KeyUnusable("extra_missing", "boto3 is not installed", where=where, hint=hint) from None
    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", "unknown"))
        known = "key_missing" if code == "NotFoundException" else "signer_failed"
        raise KeyUnusable(known, f"AWS KMS refuses: {code}", where=where) from None
    except BotoCoreError as error:
        raise KeyUnusable("signer_failed", f"AWS KMS: {type(error).__name__}", where=where) from None
    except KeyInvalid as error:
        raise KeyUnusable("key_unusable", f"the key is not P-256: {error.message}", where=where) from None
    except ValueError as error:
        raise KeyUnusable("signer_failed", f"AWS KMS gave no signature: {error}", where=where) from None
