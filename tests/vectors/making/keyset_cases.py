"""V3: key sets, their counter-signatures, thresholds and revocations. Whatever is wrong with one is V3."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from tests.vectors.making.cases import Case, Json, any_of, refused
from tests.vectors.making.keys import (
    ANNA,
    BERT,
    CARL,
    EDDA,
    EDDA_SIGNER,
    MALLORY,
    NEXT_SIGNER,
    P256_ORDER,
    SIGNER,
    Key,
    P256Key,
    b64url,
    jwk_above_the_prime,
    raw,
)
from tests.vectors.making.writer import (
    ABSENT,
    KEYS_EXPIRE,
    NOW,
    Signed,
    accepted,
    arrival,
    document,
    document_payload,
    header,
    jws,
    keyset,
    keyset_payload,
    under_keys,
)

KEYSET_INVALID = refused("V3", "keyset_invalid")
UNKNOWN_KEY = refused("V3", "unknown_key")
KEY_REVOKED = refused("V3", "key_revoked")
THRESHOLD_UNMET = refused("V3", "threshold_unmet")
#: A `critical` or a format that is not known may keep its own code; the step is V3 all the same.
KEYSET_CRITICAL = refused("V3", any_of("keyset_invalid", "critical_unknown"))
KEYSET_FORMAT = refused("V3", any_of("keyset_invalid", "unsupported_format"))
#: An array of the wrong size is seen in the header, and is about key sets.
KEYS_MEMBER = refused(any_of("V2", "V3"), any_of("header_invalid", "keyset_invalid"))

_LEFT_OFF = b64url(b"\0" * 31)
_RSA_JWK = {"kty": "RSA", "n": b64url(b"\xc5" * 256), "e": "AQAB"}
_P384_JWK = {"kty": "EC", "crv": "P-384", "x": b64url(b"\1" * 48), "y": b64url(b"\2" * 48)}
_X25519_JWK = {"kty": "OKP", "crv": "X25519", "x": b64url(b"\3" * 32)}
_LATTICE_JWK = {"kty": "AKP", "alg": "ML-DSA-65", "pub": "AQID", "note": ["of another time"]}


def _jwks(count: int) -> list[dict[str, str]]:
    return [SIGNER.jwk, *(P256Key(f"signer {number}").jwk for number in range(1, count))]


def _off_curve() -> dict[str, str]:
    y = (int.from_bytes(SIGNER.point[33:], "big") + 1).to_bytes(32, "big")
    return {**SIGNER.jwk, "y": b64url(y)}


# Changes to the payload of a key set that its anchor then signs.
_PAYLOADS: list[tuple[str, str, Json]] = [
    ("no-epoch", "No `epoch`", {"epoch": ABSENT}),
    ("no-issued-at", "No `issued_at`", {"issued_at": ABSENT}),
    ("no-expires-at", "No `expires_at`: a key set that lasts for ever", {"expires_at": ABSENT}),
    ("no-signing-keys", "No `signing_keys`", {"signing_keys": ABSENT}),
    ("no-project", "No `project`: a key set for everything", {"project": ABSENT}),
    ("other-project", "The same anchor's key set for another project", {"project": "other"}),
    ("other-organization", "The same anchor's key set for another organization", {"organization": "globex"}),
    ("epoch-0", "Epoch 0 is that of documents without a key set", {"epoch": 0}),
    ("epoch-negative", "A negative epoch", {"epoch": -1}),
    ("epoch-true", "`true` is not 1", {"epoch": True}),
    ("epoch-string", "An epoch in a string", {"epoch": "3"}),
    ("epoch-over-maximum", "Epoch 2^53", {"epoch": 2**53}),
    ("expires-at-string", "`expires_at` as a date in a string", {"expires_at": "2027-01-01"}),
    ("no-keys", "An empty list of signing keys", {"signing_keys": []}),
    ("17-keys", "17 signing keys", {"signing_keys": _jwks(17)}),
    ("17-keys-one-skipped", "16 signing keys and one that is skipped, which counts",
     {"signing_keys": [*_jwks(16), _RSA_JWK]}),
    ("keys-object", "A JWK Set in place of the array", {"signing_keys": {"keys": [SIGNER.jwk]}}),
    ("key-string", "A thumbprint in place of a JWK", {"signing_keys": [SIGNER.kid]}),
    ("jwk-with-kid", "A JWK with a member more", {"signing_keys": [{**SIGNER.jwk, "kid": SIGNER.kid}]}),
    ("jwk-with-private-key", "A JWK with a private member", {"signing_keys": [{**SIGNER.jwk, "d": SIGNER.jwk["x"]}]}),
    ("jwk-without-y", "A P-256 JWK without `y`",
     {"signing_keys": [{name: SIGNER.jwk[name] for name in ("kty", "crv", "x")}]}),
    ("jwk-off-curve", "A point that is not on the curve", {"signing_keys": [SIGNER.jwk, _off_curve()]}),
    ("jwk-at-infinity", "The point (0, 0)",
     {"signing_keys": [SIGNER.jwk, {**SIGNER.jwk, "x": b64url(bytes(32)), "y": b64url(bytes(32))}]}),
    ("jwk-x-above-prime", "A coordinate that is not below the curve's prime",
     {"signing_keys": [SIGNER.jwk, jwk_above_the_prime()]}),
    ("jwk-x-short", "A coordinate of 31 bytes, its leading zero left off",
     {"signing_keys": [SIGNER.jwk, {**SIGNER.jwk, "x": _LEFT_OFF}]}),
    ("jwk-x-padded", "A coordinate with Base64 padding",
     {"signing_keys": [{**SIGNER.jwk, "x": SIGNER.jwk["x"] + "="}]}),
    ("jwk-ed25519-with-y", "An Ed25519 JWK with `y`",
     {"signing_keys": [SIGNER.jwk, {**EDDA_SIGNER.jwk, "y": SIGNER.jwk["y"]}]}),
    ("jwk-ed25519-short", "An Ed25519 key of 31 bytes",
     {"signing_keys": [SIGNER.jwk, {**EDDA_SIGNER.jwk, "x": _LEFT_OFF}]}),
    ("revoked-string", "`revoked` as one string", {"revoked": MALLORY.kid}),
    ("revoked-number", "A number among the revoked thumbprints", {"revoked": [7]}),
    ("refresh-key-signs", "A refresh key that is a signing key too", {"refresh_keys": [SIGNER.jwk]}),
    ("refresh-key-anchor", "A refresh key that is an anchor", {"refresh_keys": [ANNA.jwk]}),
    ("null", "`null` in a member nobody knows", {"note": None}),
    ("fraction", "A fraction in a member nobody knows", {"note": 1.5}),
]  # fmt: skip
_GOOD_PAYLOADS: list[tuple[str, str, Json]] = [
    ("unknown-member", "A member nobody knows is ignored", {"note": {"critical": ["note"]}}),
    ("critical-known", "`critical` names members that are known, one of them absent",
     {"critical": ["epoch", "refresh_keys"]}),
    ("skips-unknown-keys", "Keys of unknown `kty` or `crv` are skipped, whatever else they hold",
     {"signing_keys": [_RSA_JWK, _P384_JWK, _X25519_JWK, _LATTICE_JWK, SIGNER.jwk]}),
    ("16-keys", "16 signing keys", {"signing_keys": _jwks(16)}),
    ("epoch-maximum", "Epoch 2^53-1", {"epoch": 2**53 - 1}),
    ("refresh-keys", "A refresh key of its own", {"refresh_keys": [NEXT_SIGNER.jwk]}),
    ("revokes-others", "Revoked thumbprints that concern nobody here", {"revoked": [MALLORY.kid, CARL.kid]}),
    ("issued-300-ahead", "A key set issued 300 s ahead of the clock", {"issued_at": NOW + 300}),
    ("expires-in-1-s", "The last second of a key set's life", {"expires_at": NOW + 1}),
]  # fmt: skip


def payload_cases() -> Iterator[Case]:
    def of(name: str, about: str, changes: Json, expect: Json) -> Case:
        return arrival(f"keyset-{name}", f"{about}.", "V3", under_keys(keyset(keyset_payload(**changes))), expect)

    for name, about, changes in _PAYLOADS:
        yield of(name, about, changes, KEYSET_INVALID)
    for name, about, changes in _GOOD_PAYLOADS:
        signed = under_keys(keyset(keyset_payload(**changes)))
        yield of(name, about, changes, accepted(signed, epoch=changes.get("epoch", 3)))
    unknown = ["quorum"]
    yield of("critical-unknown", "`critical` names a member nobody knows", {"critical": unknown}, KEYSET_CRITICAL)
    skipped = {"signing_keys": [{**_RSA_JWK, "critical": ["n"]}, SIGNER.jwk]}
    yield of("critical-in-skipped-key", "`critical` in a skipped key names what nobody knows", skipped, KEYSET_CRITICAL)
    yield of("format-2", "A key set of another format", {"format": 2}, KEYSET_FORMAT)
    expired = refused("V3", "keyset_expired")
    yield of("expires-now", "At its `expires_at` a key set is expired", {"expires_at": NOW}, expired)
    early = refused("V3", "keyset_not_yet_valid")
    yield of("issued-301-ahead", "A key set issued 301 s ahead of the clock", {"issued_at": NOW + 301}, early)
    duplicate = keyset_payload()[:-1] + b',"epoch":4}'
    yield arrival("keyset-duplicate-epoch", "`epoch` twice.", "V3", under_keys(keyset(duplicate)), KEYSET_INVALID)
    marked = b"\xef\xbb\xbf" + keyset_payload()
    yield arrival("keyset-byte-order-mark", "A byte order mark.", "V3", under_keys(keyset(marked)), KEYSET_INVALID)


_ALTERED_TEXTS: list[tuple[str, str, str]] = [
    ("text-newline", "A line feed after the key set's text", keyset() + "\n"),
    ("text-two-segments", "A key set without its signature", keyset().rpartition(".")[0]),
    ("text-padded", "Base64 padding on the key set's signature", keyset() + "=="),
    ("typ-of-document", "A key set under a document's `typ`", keyset(typ="livepin+jws")),
    ("document-as-key-set", "A document in place of a key set", document().text),
    ("alg-none", "A key set under `none`", keyset(alg="none")),
    ("alg-unlike-anchor", "A key set whose `alg` does not fit the anchor", keyset(alg="EdDSA")),
    ("header-jwk", "A key set whose header has `jwk`", keyset(jwk=ANNA.jwk)),
    ("header-crit", "A key set whose header has `crit`", keyset(crit=[])),
    ("header-without-kid", "A key set whose header has no `kid`", keyset(kid=ABSENT)),
    ("nested", "A key set under a key set", keyset(key=SIGNER, keys=keyset())),
]


def text_cases() -> Iterator[Case]:
    for name, about, keys in _ALTERED_TEXTS:
        yield arrival(f"keyset-{name}", f"{about}.", "V3", under_keys(keys), KEYSET_INVALID)
    ten = [keyset(key=P256Key(f"anchor {number}")) for number in range(9)]
    wrong: list[tuple[str, str, Any]] = [
        ("array-of-0", "An empty array of key sets", []),
        ("array-of-1", "An array of one key set", [keyset()]),
        ("array-of-9", "An array of nine key sets", [keyset(), *ten[:8]]),
        ("array-with-number", "A number among the key sets", [keyset(), 7]),
        ("array-in-array", "An array of key sets in an array", [[keyset(), keyset(key=BERT)], keyset(key=CARL)]),
        ("member-object", "A key set as a JSON object", {"payload": "", "signatures": []}),
        ("member-empty", "An empty string in place of a key set", ""),
    ]
    for name, about, keys in wrong:
        yield arrival(f"keyset-{name}", f"{about}.", "V3", under_keys(keys), KEYS_MEMBER)
    signed = under_keys([keyset(), *ten[:7]])
    yield arrival("keyset-array-of-8", "An array of eight key sets.", "V3", signed, accepted(signed, 3))


def _by(*anchors: Key, **changes: Any) -> Any:
    """The usual key set, signed by each of these."""
    texts = [keyset(keyset_payload(**changes), anchor) for anchor in anchors]
    return texts[0] if len(texts) == 1 else texts


def _forged(key: Key) -> str:
    """The usual key set with Mallory's signature under somebody else's kid."""
    return jws(header(key, "livepin-keys+jws"), keyset_payload(), MALLORY.sign)


def _respelt(text: str) -> str:
    """Another signature by Anna over the same key set."""
    data, _, _ = text.rpartition(".")
    r, s = ANNA.numbers(data.encode("ascii"))
    return f"{data}.{b64url(raw(r, P256_ORDER - s))}"


_REVOKES_ANNA = {"revoked": [ANNA.kid]}
Anchored = tuple[str, str, Sequence[Key], int, Any, Callable[[Signed], Json] | Json]


def _epoch_3(signed: Signed) -> Json:
    return accepted(signed, 3)


_ANCHORED: list[Anchored] = [
    # name, what it is about, embedded anchors, threshold, keys, expected
    ("by-stranger", "A key set that only a stranger signed", [ANNA], 1, _by(MALLORY), THRESHOLD_UNMET),
    ("by-stranger-badly", "A stranger's signature is ignored, good or bad", [BERT], 1, _forged(ANNA), THRESHOLD_UNMET),
    ("bad-signature", "A bad signature under the anchor's kid", [ANNA], 1, _forged(ANNA), KEYSET_INVALID),
    ("two-of-two", "Two anchors sign, two are asked for", [ANNA, BERT], 2, _by(ANNA, BERT), _epoch_3),
    ("two-of-three", "The first and the third of three anchors sign, two are asked for",
     [ANNA, BERT, CARL], 2, _by(CARL, ANNA), _epoch_3),
    ("mixed-kinds", "A P-256 and an Ed25519 anchor sign, two are asked for",
     [ANNA, EDDA], 2, _by(EDDA, ANNA), _epoch_3),
    ("one-of-two", "One anchor signs, two are asked for", [ANNA, BERT], 2, _by(ANNA), THRESHOLD_UNMET),
    ("one-and-stranger", "One anchor and a stranger sign, two are asked for",
     [ANNA, BERT], 2, _by(ANNA, MALLORY), THRESHOLD_UNMET),
    ("anchor-embedded-twice", "One anchor, embedded twice, is one anchor", [ANNA, ANNA], 2, _by(ANNA), THRESHOLD_UNMET),
    ("same-kid-twice", "One anchor's two signatures over one payload",
     [ANNA, BERT], 2, [keyset(), _respelt(keyset())], KEYSET_INVALID),
    ("same-text-twice", "One anchor's key set, twice", [ANNA], 1, [keyset(), keyset()], KEYSET_INVALID),
    ("counter-signed-by-others", "An old and a new anchor sign; this application embeds the new one",
     [BERT], 1, _by(ANNA, BERT), _epoch_3),
    ("stranger-signs-badly-beside", "A bad signature by a key that is not embedded is ignored",
     [ANNA], 1, [keyset(), _forged(BERT)], _epoch_3),
    ("anchor-signs-badly-beside", "A bad signature by an embedded anchor refuses all, with enough others",
     [ANNA, BERT], 1, [keyset(), _forged(BERT)], KEYSET_INVALID),
    ("payloads-differ", "Two key sets that differ in a member", [ANNA, BERT], 1,
     [keyset(), keyset(keyset_payload(epoch=4), BERT)], KEYSET_INVALID),
    ("payloads-differ-white-space", "Two key sets of one meaning in different bytes", [ANNA], 1,
     [keyset(), keyset(keyset_payload() + b" ", BERT)], KEYSET_INVALID),
    ("stranger-header-invalid", "The counter-signature of a key that is not embedded has an invalid header",
     [ANNA], 1, [keyset(), keyset(key=BERT, jwk=BERT.jwk)], KEYSET_INVALID),
    ("stranger-alg-none", "The counter-signature of a key that is not embedded says `none`",
     [ANNA], 1, [keyset(), keyset(key=BERT, alg="none")], KEYSET_INVALID),
    ("stranger-text-malformed", "The counter-signature of a key that is not embedded has Base64 padding",
     [ANNA], 1, [keyset(), keyset(key=BERT) + "=="], KEYSET_INVALID),
    ("revokes-its-anchor", "The one anchor that signs is revoked by what it signs",
     [ANNA], 1, _by(ANNA, **_REVOKES_ANNA), THRESHOLD_UNMET),
    ("revokes-one-of-two", "Two anchors sign that one of them is revoked: the other is enough",
     [ANNA, BERT], 1, _by(ANNA, BERT, **_REVOKES_ANNA), _epoch_3),
    ("revokes-one-of-two-needed", "Two anchors sign that one of them is revoked: two are asked for",
     [ANNA, BERT], 2, _by(ANNA, BERT, **_REVOKES_ANNA), THRESHOLD_UNMET),
    ("revoked-anchor-signs-badly", "A bad signature by an embedded anchor that is revoked here refuses all",
     [ANNA, BERT], 1,
     [jws(header(ANNA, "livepin-keys+jws"), keyset_payload(**_REVOKES_ANNA), MALLORY.sign), _by(BERT, **_REVOKES_ANNA)],
     KEYSET_INVALID),
]  # fmt: skip


def anchored_cases() -> Iterator[Case]:
    for name, about, anchors, threshold, keys, expect in _ANCHORED:
        signed = under_keys(keys)
        outcome = expect(signed) if callable(expect) else expect
        yield arrival(f"keyset-{name}", f"{about}.", "V3", signed, outcome, anchors=anchors, threshold=threshold)


def signer_cases() -> Iterator[Case]:
    """Which key of a good key set may sign the document."""
    revoked = {"revoked": [SIGNER.kid]}
    both = keyset(keyset_payload(signing_keys=[SIGNER.jwk, NEXT_SIGNER.jwk], **revoked))
    unlisted = keyset(keyset_payload(signing_keys=[NEXT_SIGNER.jwk], **revoked))
    eddas = keyset(keyset_payload(signing_keys=[SIGNER.jwk, EDDA_SIGNER.jwk]))
    annas = keyset(keyset_payload(signing_keys=[ANNA.jwk]))
    others_only = keyset(keyset_payload(signing_keys=[_RSA_JWK, _P384_JWK]))
    either = refused("V3", any_of("key_revoked", "unknown_key"))
    table: list[tuple[str, str, Signed, Json]] = [
        ("signer-not-listed", "A key signs that the key set does not name", under_keys(keyset(), MALLORY), UNKNOWN_KEY),
        ("signer-is-anchor", "An anchor signs beside a key set that does not name it",
         under_keys(keyset(), ANNA), UNKNOWN_KEY),
        ("signer-skipped", "All keys of the key set are of kinds that are skipped",
         under_keys(others_only), UNKNOWN_KEY),
        ("signer-revoked", "A key signs that is listed and revoked: revoked wins", under_keys(both), KEY_REVOKED),
        ("signer-revoked-unlisted", "A key signs that is revoked and no longer listed", under_keys(unlisted), either),
        ("signer-expires-first", "A document that outlives its key set is fresh while both last",
         under_keys(keyset(), expires_at=KEYS_EXPIRE + 1), {}),
        ("signer-not-the-revoked-one", "The other key of the key set is revoked", under_keys(both, NEXT_SIGNER), {}),
        ("signer-ed25519", "An Ed25519 key of the key set signs", under_keys(eddas, EDDA_SIGNER), {}),
        ("signer-anchor-listed", "An anchor that the key set names signs", under_keys(annas, ANNA), {}),
    ]  # fmt: skip
    for name, about, signed, expect in table:
        yield arrival(f"keyset-{name}", f"{about}.", "V3", signed, expect or accepted(signed, 3))
    about = "A document signed by the signer, with a stranger's signature in place of its own."
    forged = document(document_payload(), SIGNER, keys=keyset(), sign=MALLORY.sign)
    yield arrival("keyset-signer-forged", about, "V4", forged, refused("V4", "bad_signature"))


def all_cases() -> Iterator[Case]:
    yield from payload_cases()
    yield from text_cases()
    yield from anchored_cases()
    yield from signer_cases()
