"""The verification steps V1 to V8 and adoption (design section 4): the whole trust decision, in one place.

    V1  text       three canonical segments                     jws.split
    V2  header     exactly the known members, a known algorithm jws.read_header
    V3  key        an anchor, or a key of an anchored key set   _signing_key
    V4  signature  over the exact bytes received                jws.check_signature
    V5  payload    strict JSON, types, ranges, `critical`       Document.parse
    V6  audience   the organization and project set up          _check_audience
    V7  time       not from the future; expired is not fresh    _check_time
    V8  order      never below, never beside what is held       _check_order

The first step that fails gives the answer. Nothing of a payload is read before V4, and nothing is learnt from a
document that fails. The clock is an argument, in Unix seconds.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from livepin.core import document, jws, keyset
from livepin.core.base64s import b64
from livepin.core.document import Document
from livepin.core.jws import Compact, Header, PublicKey
from livepin.core.keyset import KeySet
from livepin.errors import ConfigurationError, DocumentRefused

#: How far in the future a signer's clock may be, in seconds (V7).
CLOCK_TOLERANCE = 300


class Trust:
    """What an application embeds: the audience, the anchors, and how many of them must sign a key set.

    Raises `ConfigurationError` for a threshold below 1, under which a key set would need no signature at all.
    """

    __slots__ = ("anchors", "organization", "project", "threshold")

    def __init__(self, organization: str, project: str, anchors: tuple[PublicKey, ...], threshold: int = 1) -> None:
        self.organization = organization
        self.project = project
        self.anchors: Mapping[str, PublicKey] = {anchor.thumbprint: anchor for anchor in anchors}
        self.threshold = threshold
        if threshold < 1:
            raise ConfigurationError("configuration_invalid", "it is below 1", where="threshold")


@dataclass(frozen=True, slots=True)
class Revision:
    """A document that verified, with the exact text that proves it.

    `digest` is the Base64 SHA-256 of the payload; `expires_at` (Unix seconds) is the effective expiry (V7).
    """

    text: str = field(repr=False)
    document: Document = field(repr=False)
    keyset: KeySet | None = field(repr=False)
    epoch: int
    serial: int
    digest: str
    issued_at: int
    expires_at: int

    @property
    def number(self) -> tuple[int, int]:
        """(epoch, serial): what revisions are ordered by (V8)."""
        return self.epoch, self.serial

    def is_copy_of(self, other: Revision) -> bool:
        """Whether payload and key-set payload are the same bytes; the signatures may differ."""
        return self.digest == other.digest and _digest_of(self.keyset) == _digest_of(other.keyset)


@dataclass(frozen=True, slots=True)
class Arrival:
    """A document that passed V1 to V8. `adopted`: it may be used from now on."""

    revision: Revision
    fresh: bool
    adopted: bool


def verify(text: str | bytes, trust: Trust, now: float, held: Revision | None = None) -> Arrival:
    """Judge an arriving document at `now` (Unix seconds). Raises `DocumentRefused`.

    Adoption: what is fresh is adopted, and so is a copy of what is held. An expired document is never adopted by an
    installation that does not hold it: expiry is what bounds a replay to a first start.
    """
    now = effective_now(now, held)
    revision = _open(text, trust, held, now, _revoked_by(held))
    is_held = held is not None and revision.is_copy_of(held)
    if held is not None:
        _check_order(revision, held)
    fresh = now < revision.expires_at
    return Arrival(revision, fresh, adopted=fresh or is_held)


def verify_held(text: str | bytes, trust: Trust, revoked: frozenset[str] = frozenset()) -> Revision:
    """Verify a stored or bundled document again, under the anchors embedded now: V1 to V6, without time.

    Time never refuses a held document (V7). `revoked`: thumbprints of anchors that a key set revokes which whoever
    asks knows of besides (V3). Raises `DocumentRefused`.
    """
    return _open(text, trust, None, None, revoked)


def effective_now(now: float, held: Revision | None) -> float:
    """The later of the clock and the held document's `issued_at`: a clock wound back reopens nothing (V7)."""
    return now if held is None else max(now, held.issued_at)


def _open(
    text: str | bytes, trust: Trust, held: Revision | None, now: float | None, revoked: frozenset[str]
) -> Revision:
    """V1 to V7; without `now` time is not looked at. `revoked`: what the held key set revokes."""
    compact = jws.split(text)
    header = jws.read_header(compact.header, document.TYP)
    keys = open_keyset(header.keys, trust, revoked) if header.keys else None
    digest = b64(hashlib.sha256(compact.payload).digest())
    if held is not None and (digest, _digest_of(keys)) == (held.digest, _digest_of(held.keyset)):
        now = None  # a copy of what is held: time never refuses it
    if now is not None and keys is not None:
        _check_keyset_time(keys, now)
    key = _signing_key(header, keys, trust, revoked)
    jws.check_signature(compact, header.alg, key)
    parsed = Document.parse(compact.payload)
    _check_audience(parsed, trust)
    if now is not None:
        _check_time(parsed, now)
    return Revision(
        text=text if isinstance(text, str) else text.decode("ascii"),
        document=parsed,
        keyset=keys,
        epoch=0 if keys is None else keys.epoch,
        serial=parsed.serial,
        digest=digest,
        issued_at=parsed.issued_at,
        expires_at=parsed.expires_at if keys is None else min(parsed.expires_at, keys.expires_at),
    )


def _signing_key(header: Header, keys: KeySet | None, trust: Trust, revoked: frozenset[str]) -> PublicKey:
    """V3: the key that `kid` names, once it may sign."""
    if keys is not None:
        if header.kid in keys.revoked:
            raise _refused("key_revoked", "the signing key is revoked by the key set")
        if header.kid not in keys.signing_keys:
            raise _refused("unknown_key", "the signing key is not in the key set")
        return keys.signing_keys[header.kid]
    anchor = trust.anchors.get(header.kid)
    if anchor is None:
        raise _refused("unknown_key", "no embedded anchor has this kid")
    if anchor.alg != header.alg:
        raise DocumentRefused("algorithm_refused", "V2", f"{header.alg} does not fit a key for {anchor.alg}")
    if trust.threshold > 1:
        raise _refused("threshold_unmet", f"one anchor signed directly, {trust.threshold} must sign a key set")
    if header.kid in revoked:
        raise _refused("key_revoked", "the held key set revokes this anchor")
    return anchor


def open_keyset(texts: tuple[str, ...], trust: Trust, revoked: frozenset[str] = frozenset()) -> KeySet:
    """V3: the key set that enough embedded, unrevoked anchors signed; its times are not looked at here.

    `texts`: its copies, one for each anchor; `revoked`: thumbprints that the held key set revokes. Raises
    `DocumentRefused`.
    """
    parts = [_split_keyset(text) for text in texts]
    if len({compact.payload for compact, _ in parts}) > 1:
        raise keyset.invalid("the payloads of its copies differ")
    if len({header.kid for _, header in parts}) < len(parts):
        raise keyset.invalid("one anchor signed twice")
    signers = {header.kid for compact, header in parts if _anchor_signed(compact, header, trust)}
    keys = keyset.parse(parts[0][0].payload, trust.anchors)
    if (keys.organization, keys.project) != (trust.organization, trust.project):
        raise keyset.invalid(f"it is for {keys.organization}/{keys.project}")
    counted = signers - keys.revoked - revoked
    if len(counted) < trust.threshold:
        raise _refused("threshold_unmet", f"{len(counted)} embedded anchors signed, {trust.threshold} must")
    return keys


def _split_keyset(text: str) -> tuple[Compact, Header]:
    try:
        compact = jws.split(text)
        return compact, jws.read_header(compact.header, keyset.TYP)
    except DocumentRefused as error:
        raise keyset.invalid(error.message) from None


def _anchor_signed(compact: Compact, header: Header, trust: Trust) -> bool:
    """Whether an embedded anchor signed. A signature by any other key is ignored; a bad one refuses all."""
    anchor = trust.anchors.get(header.kid)
    if anchor is None:
        return False
    try:
        jws.check_signature(compact, header.alg, anchor)
    except DocumentRefused as error:
        raise keyset.invalid(error.message) from None
    return True


def _revoked_by(held: Revision | None) -> frozenset[str]:
    return frozenset() if held is None or held.keyset is None else held.keyset.revoked


def _check_keyset_time(keys: KeySet, now: float) -> None:
    if keys.issued_at > now + CLOCK_TOLERANCE:
        raise _refused("keyset_not_yet_valid", "the key set is from the future")
    if keys.expires_at <= now:
        raise _refused("keyset_expired", "the key set is out of date")


def _check_audience(parsed: Document, trust: Trust) -> None:
    if (parsed.organization, parsed.project) != (trust.organization, trust.project):
        message = f"the document is for {parsed.organization}/{parsed.project}"
        raise DocumentRefused("wrong_audience", "V6", message)


def _check_time(parsed: Document, now: float) -> None:
    if parsed.issued_at > now + CLOCK_TOLERANCE:
        raise DocumentRefused("not_yet_valid", "V7", "the document is from the future")


def _check_order(revision: Revision, held: Revision) -> None:
    if revision.number < held.number:
        message = f"revision {revision.epoch}.{revision.serial} is below the held {held.epoch}.{held.serial}"
        raise DocumentRefused("rolled_back", "V8", message)
    same_digest = revision.digest == held.digest
    other_document = revision.number == held.number and not same_digest
    other_keyset = revision.epoch == held.epoch and _digest_of(revision.keyset) != _digest_of(held.keyset)
    if other_document or other_keyset:
        what = "document" if other_document else "key set"
        message = f"a different {what} carries the number that is held ({held.epoch}.{held.serial})"
        raise DocumentRefused("forked", "V8", message)


def _digest_of(keys: KeySet | None) -> str:
    return "" if keys is None else keys.digest


def _refused(code: str, message: str) -> DocumentRefused:
    return DocumentRefused(code, "V3", message)
