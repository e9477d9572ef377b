"""Signing on a machine that this one cannot reach: the signing input goes out, a JWS or a signature comes in.

What travels is the signing input of a JWS (RFC 7515 section 5.1), a line of ASCII with one dot. It says itself what
it is: a person at the other machine sees the kind of text, its audience and its number before the key is touched.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from livepin.author.signers.places import DetachedPlace
from livepin.author.signers.signatures import checked, raw_of_der
from livepin.author.signers.signer import Signer
from livepin.core import document, jws, keyset, strictjson
from livepin.core.base64s import b64_decode, b64url_decode
from livepin.core.jws import MAX_TEXT, PublicKey
from livepin.errors import DocumentRefused, EncodingInvalid, InputInvalid, JsonInvalid, KeyUnusable

#: The type of what `livepin signer test` signs: no reader of documents or key sets accepts it.
TEST_TYP = "livepin-signer-test+jws"
KNOWN_TYPES = {document.TYP: "document", keyset.TYP: "key set", TEST_TYP: "test"}


def nowhere(signing_input: bytes) -> bytes:
    """What a detached key answers when it is asked directly. Raises `KeyUnusable` (`signature_elsewhere`)."""
    raise KeyUnusable("signature_elsewhere", "the key is on another machine", where="detached:")


class DetachedSigner:
    """A `Signer` whose key is elsewhere. `bring` carries a signing input there and what it gives back here."""

    def __init__(self, public_key: PublicKey, bring: Callable[[bytes], bytes] = nowhere) -> None:
        self._public_key = public_key
        self._bring = bring

    @property
    def public_key(self) -> PublicKey:
        """The public half, as the project knows it."""
        return self._public_key

    @property
    def properties(self) -> Mapping[str, str]:
        """That nothing more is known here."""
        return {"kind": "detached", "at rest": "on another machine"}

    def sign(self, signing_input: bytes) -> bytes:
        """The raw JWS signature, taken out of whatever came back."""
        return signature_in(self._bring(signing_input), signing_input, self._public_key)


def signature_in(answer: bytes, signing_input: bytes, key: PublicKey) -> bytes:
    """The raw signature in what came back: a JWS of this very signing input, or a signature alone.

    A signature alone is raw, in DER, or either of them in Base64 or base64url. Raises `KeyUnusable`
    (`signature_refused`).
    """
    where = DetachedPlace().text
    if len(answer) > 2 * MAX_TEXT:
        raise KeyUnusable("signature_refused", "it is larger than any JWS", where=where)
    compact = answer.strip()
    # A signature in DER is not text, and may well have two bytes in it that look like dots.
    if compact.isascii() and compact.count(b".") == 2:
        if not compact.startswith(signing_input + b"."):
            raise KeyUnusable("signature_refused", "it is a JWS over another text", where=where)
        return checked(_signature(compact.rpartition(b".")[2], key), signing_input, key, where)
    return checked(_signature(answer, key), signing_input, key, where)


def _signature(data: bytes, key: PublicKey) -> bytes:
    for form in (data, *_decoded(data)):
        if len(form) == 64:
            return form
        if key.alg == "ES256":
            try:
                return raw_of_der(form)
            except ValueError:
                continue
    raise KeyUnusable("signature_refused", "it is neither a JWS nor a signature", where=DetachedPlace().text)


def _decoded(data: bytes) -> list[bytes]:
    text = b"".join(data.split()).decode("ascii", "replace")
    found = []
    for decode in (b64url_decode, b64_decode):
        try:
            found.append(decode(text))
        except EncodingInvalid:
            continue
    return found


@dataclass(frozen=True, slots=True)
class SigningInput:
    """What somebody is asked to sign, read before the key is touched. `kind`: document, key set or test."""

    data: bytes
    kind: str
    header: Mapping[str, Any]
    payload: Mapping[str, Any]

    @classmethod
    def parse(cls, data: bytes) -> SigningInput:
        """Read a signing input. Raises `InputInvalid` (`signing_input_invalid`) for anything else."""
        data = data.strip()
        if len(data) > MAX_TEXT or data.count(b".") != 1:
            raise _no_input("it is not two parts with one dot between them")
        try:
            head, body = (b64url_decode(part) for part in data.split(b"."))
            header = jws.read_members(head)
            payload = strictjson.loads(body)
        except (EncodingInvalid, JsonInvalid, DocumentRefused) as error:
            raise _no_input(error.message) from None
        kind = KNOWN_TYPES.get(header.get("typ", ""), "") if isinstance(header.get("typ", ""), str) else ""
        if not kind or not isinstance(payload, dict):
            raise _no_input("it is neither a document, a key set nor a test")
        return cls(data, kind, header, payload)

    @property
    def summary(self) -> str:
        """One line for a person: what this is, whose, and which number."""
        said = self.payload
        audience = f"{said.get('organization', '?')}/{said.get('project', '?')}"
        number = {"document": f"serial {said.get('serial', '?')}", "key set": f"epoch {said.get('epoch', '?')}"}
        return f"{self.kind} of {audience}, {number.get(self.kind, 'which no application accepts')}"


def sign_input(wanted: SigningInput, signer: Signer) -> str:
    """The JWS of a signing input, signed here. Raises `KeyUnusable`: another key was asked for."""
    key = signer.public_key
    if (wanted.header.get("kid"), wanted.header.get("alg")) != (key.thumbprint, key.alg):
        message = "the text asks for the signature of another key"
        raise KeyUnusable("key_mismatch", message, where=json.dumps(wanted.header.get("kid")))
    return jws.assemble(wanted.data, signer.sign(wanted.data))


def _no_input(why: str) -> InputInvalid:
    return InputInvalid("signing_input_invalid", f"not something to sign: {why}")
