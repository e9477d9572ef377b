"""F1 to F7: freshness statements beside a document, and how far they move its expiry."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.vectors.making.cases import Case, Json, refused
from tests.vectors.making.keys import ANNA, MALLORY, SIGNER, Ed25519Key, Key, P256Key, b64, b64url, sha256
from tests.vectors.making.writer import (
    ABSENT,
    DAY,
    ISSUED,
    NOW,
    Signed,
    accepted,
    arrival,
    changed,
    compact,
    document,
    document_payload,
    header,
    jws,
    keyset,
    keyset_payload,
    under_keys,
)

HOUR = 3_600
FIONA, EDDA_FIONA = P256Key("refresh key"), Ed25519Key("refresh key")

#: The document of these cases lives for six hours and may be prolonged for twenty days.
SHORT = ISSUED + 6 * HOUR
UNTIL = ISSUED + 20 * DAY
#: Half a day after it was issued, when nothing but a statement keeps it fresh.
LATER = ISSUED + 12 * HOUR
#: What the usual statement says.
SAID_AT, SAID_UNTIL = LATER - HOUR, LATER + 5 * HOUR


def short(keys: Json | None = None, key: Key = SIGNER, **changes: Any) -> Signed:
    """A document of a short life under a key set with two refresh keys; `keys` are changes of the key set."""
    names = {"refresh_keys": [FIONA.jwk, EDDA_FIONA.jwk], **(keys or {})}
    return under_keys(
        keyset(keyset_payload(**names)), key, **{"expires_at": SHORT, "extendable_until": UNTIL, **changes}
    )


USUAL = short()


def said(about: Signed, **changes: Any) -> Json:
    """What a statement about a document says."""
    usual = {
        "format": 1,
        "organization": "acme",
        "project": "shop",
        "epoch": 3,
        "serial": 7,
        "digest": about.digest,
        "issued_at": SAID_AT,
        "expires_at": SAID_UNTIL,
    }
    return changed(usual, changes)


def statement(about: Signed = USUAL, key: Key = FIONA, **changes: Any) -> str:
    return of(compact(said(about, **changes)), key)


def of(payload: bytes, key: Key = FIONA, **changes: Any) -> str:
    """Compact JWS of any payload; `changes` are those of the header."""
    return jws(header(key, **{"typ": "livepin-fresh+jws", **changes}), payload, key.sign)


@dataclass(frozen=True)
class Beside:
    """A document beside a statement, and what must come of it."""

    name: str
    about: str
    fresh: str
    until: int = SAID_UNTIL
    document: Signed = USUAL
    now: int = LATER
    held: Signed | None = None
    epoch: int = 3
    hostile: bool = False
    ignored: Json | None = None
    members: Json = field(default_factory=dict)

    def case(self, rule: str) -> Case:
        is_fresh = self.now < self.until
        adopted = is_fresh or self.held is not None
        expect = {
            **accepted(self.document, self.epoch, fresh=is_fresh, adopted=adopted),
            "expires_at": self.until,
            "ignored": {"absent": True} if self.ignored is None else self.ignored,
        }
        return arrival(
            f"fresh-{self.name}", f"{self.about}.", rule, self.document, expect,
            hostile=self.hostile, now=self.now, held=self.held, fresh=self.fresh, **self.members,
        )  # fmt: skip


def effect_cases() -> Iterator[Case]:
    """What a statement that fits does."""
    far = 2**53 - 1
    key_set_first = short({"expires_at": ISSUED + 2 * DAY})
    key_set_before_document = short({"expires_at": ISSUED + HOUR})
    not_extendable, already_over = short(extendable_until=ABSENT), short(extendable_until=ISSUED)
    table = [
        Beside("fits", "A document that ended six hours ago and lives on by a statement", statement()),
        Beside("fits-ed25519", "The same by the other refresh key, an Ed25519 key", statement(key=EDDA_FIONA)),
        Beside("fits-white-space", "White space in the payload means nothing",
               of(compact(said(USUAL)).replace(b",", b", "))),
        Beside("fits-held", "The held document, prolonged", statement(), held=USUAL),
        Beside("until-extendable", "A statement without end: the document says how far it may be prolonged",
               statement(expires_at=far), UNTIL, hostile=True),
        Beside("until-key-set", "The key set ends before extendable_until: nothing outlives it",
               statement(key_set_first, expires_at=far), ISSUED + 2 * DAY, key_set_first, hostile=True),
        Beside("until-key-set-before-document", "The key set ends before the document: a statement does not undo that",
               statement(key_set_before_document, issued_at=ISSUED, expires_at=far), ISSUED + HOUR,
               key_set_before_document, ISSUED + 60, hostile=True),
        Beside("never-shorter", "A statement that ends before the document does: it can prolong, never shorten",
               statement(issued_at=ISSUED, expires_at=ISSUED + HOUR), SHORT, now=ISSUED + 60, hostile=True),
        Beside("as-long", "A statement that ends with the document",
               statement(issued_at=ISSUED, expires_at=SHORT), SHORT, now=ISSUED + 60),
        Beside("not-extendable", "Without extendable_until nothing is prolonged",
               statement(not_extendable, expires_at=far), SHORT, not_extendable, hostile=True),
        Beside("extendable-until-before-expiry", "An extendable_until before the expiry has no effect",
               statement(already_over, expires_at=far), SHORT, already_over, hostile=True),
        Beside("extendable-until-passed", "After extendable_until no statement helps",
               statement(issued_at=UNTIL - HOUR, expires_at=UNTIL + HOUR), UNTIL, now=UNTIL, hostile=True),
        Beside("extendable-until-passed-held", "Nor does one help the held document: it is expired",
               statement(issued_at=UNTIL - HOUR, expires_at=UNTIL + HOUR), UNTIL, now=UNTIL, held=USUAL, hostile=True),
        Beside("last-second", "In the last second of a statement", statement(expires_at=LATER + 1), LATER + 1),
        Beside("issued-300-ahead", "A signer's clock that is five minutes ahead", statement(issued_at=LATER + 300)),
        Beside("other-key-revoked", "One refresh key is revoked, the other one signed",
               statement(short({"revoked": [FIONA.kid]}), EDDA_FIONA), document=short({"revoked": [FIONA.kid]})),
    ]  # fmt: skip
    for beside in table:
        yield beside.case("V7")


def ignored_cases() -> Iterator[Case]:
    """F1 to F7: the statement is ignored, and the document is what it would be without it."""
    good = statement()
    head, body, signature = good.split(".")
    revoked, without_keys = short({"revoked": [FIONA.kid]}), short({"refresh_keys": ABSENT})
    direct = document(document_payload(expires_at=SHORT, extendable_until=UNTIL))
    next_epoch = short({"epoch": 4, "refresh_keys": [EDDA_FIONA.jwk]})
    payload = compact(said(USUAL))
    table: list[tuple[str, str, str, str, str, Json]] = [
        # name, what it is about, step, code, statement, more
        ("empty", "No text at all", "F1", "malformed", "", {}),
        ("line-feed", "A line feed after it", "F1", "malformed", good + "\n", {}),
        ("padded", "Padding", "F1", "malformed", f"{head}.{body}.{signature}==", {}),
        ("two-segments", "The signature cut off", "F1", "malformed", f"{head}.{body}", {}),
        ("log-in-page", "A captive portal's page", "F1", "malformed", "<html>log in</html>", {}),
        ("too-large", "More than 16 KiB", "F1", "too_large", of(payload[:-1] + b" " * 16_384 + b"}"), {}),
        ("document", "The document in place of the statement", "F2", "header_invalid", USUAL.text, {}),
        ("key-set", "The key set in place of the statement", "F2", "header_invalid", keyset(), {}),
        ("typ-of-document", "A statement that says it is a document", "F2", "header_invalid",
         of(payload, typ="livepin+jws"), {}),
        ("typ-in-upper-case", "`typ` in other letters", "F2", "header_invalid",
         of(payload, typ="Livepin-Fresh+JWS"), {}),
        ("with-keys", "A header that brings its own key set", "F2", "header_invalid",
         of(payload, MALLORY, keys=keyset(key=MALLORY)), {}),
        ("crit", "`crit` in the header", "F2", "header_invalid", of(payload, crit=["exp"]), {}),
        ("alg-none", "No signature at all", "F2", "algorithm_refused", of(payload, alg="none"), {}),
        ("alg-of-other-kind", "`alg` of the other kind of key", "F2", "algorithm_refused",
         of(payload, alg="EdDSA"), {}),
        ("stranger", "A stranger's statement", "F3", "unknown_key", statement(key=MALLORY), {}),
        ("signing-key", "The signing key is no refresh key", "F3", "unknown_key", statement(key=SIGNER), {}),
        ("anchor", "Nor is an anchor", "F3", "unknown_key", statement(key=ANNA), {}),
        ("revoked", "A refresh key that the key set revokes", "F3", "key_revoked", statement(revoked),
         {"document": revoked}),
        ("no-refresh-keys", "A key set without refresh keys", "F3", "unknown_key", statement(without_keys),
         {"document": without_keys}),
        ("direct", "An anchor signed the document itself: epoch 0 has no refresh keys", "F3", "unknown_key",
         statement(direct, epoch=1), {"document": direct, "epoch": 0}),
        ("key-of-earlier-epoch", "A refresh key that the next epoch dropped", "F3", "unknown_key",
         statement(next_epoch, epoch=4), {"document": next_epoch, "epoch": 4}),
        ("claimed-key", "A stranger who claims to be the refresh key", "F4", "bad_signature",
         of(payload, MALLORY, kid=FIONA.kid), {}),
        ("tampered", "A longer life written into it afterwards", "F4", "bad_signature",
         f"{head}.{b64url(compact(said(USUAL, expires_at=UNTIL)))}.{signature}", {}),
        ("not-json", "A payload that is no JSON", "F5", "payload_invalid", of(payload[:-1]), {}),
        ("array", "A payload that is an array", "F5", "payload_invalid", of(b"[]"), {}),
        ("member-twice", "A member twice", "F5", "payload_invalid", of(payload[:-1] + b',"serial":7}'), {}),
        ("member-more", "A member more than the eight", "F5", "payload_invalid", statement(note="hello"), {}),
        ("critical", "Even an empty `critical` is one more", "F5", "payload_invalid", statement(critical=[]), {}),
        ("member-less", "No digest", "F5", "payload_invalid", statement(digest=ABSENT), {}),
        ("format-2", "Another format", "F5", "unsupported_format", statement(format=2), {}),
        ("format-true", "true is not 1", "F5", "payload_invalid", statement(format=True), {}),
        ("expires-at-string", "A time in quotation marks", "F5", "payload_invalid",
         statement(expires_at=str(SAID_UNTIL)), {}),
        ("fraction", "A time with a fraction", "F5", "payload_invalid",
         of(payload.replace(str(SAID_UNTIL).encode(), f"{SAID_UNTIL}.5".encode())), {}),
        ("other-project", "Another project's statement", "F6", "wrong_audience", statement(project="shop2"), {}),
        ("other-organization", "Another organization's", "F6", "wrong_audience", statement(organization="Acme"), {}),
        ("serial-lower", "A statement about the revision before", "F6", "other_revision", statement(serial=6), {}),
        ("serial-higher", "A statement about a revision to come", "F6", "other_revision", statement(serial=8), {}),
        ("other-epoch", "A statement about another epoch", "F6", "other_revision", statement(epoch=2), {}),
        ("other-digest", "A statement about another document of this number", "F6", "other_revision",
         statement(digest=b64(sha256("another document"))), {}),
        ("from-the-future", "A statement from the future does not count", "F7", "not_yet_valid",
         statement(issued_at=LATER + 301, expires_at=LATER + DAY), {}),
        ("over", "A statement that is out of date itself", "F7", "expired", statement(expires_at=LATER), {}),
    ]  # fmt: skip
    for name, about, step, code, fresh, more in table:
        ignored = {"code": code, "step": step}
        yield Beside(name, about, fresh, SHORT, ignored=ignored, hostile=True, **more).case(step)
    yield Beside("stranger-held", "A stranger's statement about the held document changes nothing",
                 statement(key=MALLORY), SHORT, ignored={"code": "unknown_key", "step": "F3"},
                 hostile=True, held=USUAL).case("F3")  # fmt: skip


def other_cases() -> Iterator[Case]:
    """What a statement has nothing to do with."""
    fresh = Beside("not-needed", "A document that is fresh by itself, beside a foreign statement",
                   statement(key=MALLORY), SHORT, now=NOW, ignored={"code": "unknown_key", "step": "F3"},
                   hostile=True)  # fmt: skip
    yield fresh.case("F3")
    higher = short(serial=8)
    yield arrival("fresh-rolled-back", "A statement does not bring an older document back.", "V8", USUAL,
                  refused("V8", "rolled_back"), now=LATER, held=higher, fresh=statement())  # fmt: skip
    over = short({"expires_at": LATER})
    yield arrival("fresh-key-set-expired", "A statement does not keep an arriving key set alive.", "V3", over,
                  refused("V3", "keyset_expired"), now=LATER, fresh=statement(over))  # fmt: skip
    about = "A clock that is behind: the time is the held document's `issued_at`, and the statement is not ahead of it"
    late = short(issued_at=LATER, expires_at=LATER + HOUR)
    yield Beside("clock-behind", about, statement(late), SAID_UNTIL, late, now=ISSUED,
                 held=late).case("V7")  # fmt: skip


def all_cases() -> Iterator[Case]:
    yield from effect_cases()
    yield from ignored_cases()
    yield from other_cases()
