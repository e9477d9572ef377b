"""Direct anchors (V3), audience (V6), time (V7), and the order in which the steps answer."""

from __future__ import annotations

from collections.abc import Iterator

from tests.vectors.making.cases import NOT_OK, Case, Json, refused
from tests.vectors.making.keys import ANNA, BERT, MALLORY, SIGNER, b64
from tests.vectors.making.writer import (
    EXPIRES,
    ISSUED,
    KEYS_EXPIRE,
    NOW,
    Signed,
    accepted,
    arrival,
    document,
    document_payload,
    header,
    keyset,
    keyset_payload,
    under_keys,
)

UNKNOWN_KEY = refused("V3", "unknown_key")
WRONG_AUDIENCE = refused("V6", "wrong_audience")
NOT_YET_VALID = refused("V7", "not_yet_valid")


def anchor_cases() -> Iterator[Case]:
    """V3 of documents without `keys`."""
    table: list[tuple[str, str, Signed]] = [
        ("stranger", "A document by a key that is not embedded", document(key=MALLORY)),
        ("signing-key-without-key-set", "A signing key's document that carries no key set", document(key=SIGNER)),
        ("kid-free-text", "A `kid` that is a name, not a thumbprint", document(protected=header(ANNA, kid="anchor-1"))),
        ("kid-empty", "An empty `kid`", document(protected=header(ANNA, kid=""))),
        ("kid-padded", "The anchor's thumbprint with Base64 padding",
         document(protected=header(ANNA, kid=ANNA.kid + "="))),
        ("kid-other-case", "The anchor's thumbprint in lower case",
         document(protected=header(ANNA, kid=ANNA.kid.lower()))),
        ("kid-is-spki", "The anchor's SPKI in place of its thumbprint",
         document(protected=header(ANNA, kid=b64(ANNA.spki)))),
    ]  # fmt: skip
    for name, about, signed in table:
        yield arrival(f"document-v3-{name}", f"{about}.", "V3", signed, UNKNOWN_KEY)
    about = "One anchor signs directly where the application asks for two."
    unmet = refused("V3", "threshold_unmet")
    two: Json = {"anchors": [ANNA, BERT], "threshold": 2}
    yield arrival("document-v3-direct-threshold-2", about, "V3", document(), unmet, **two)
    about = "A threshold of 0, which must not turn into nobody's signature being enough."
    stranger = under_keys(keyset(key=MALLORY))
    yield arrival("document-v3-threshold-0", about, "V3", stranger, NOT_OK, anchors=[ANNA], threshold=0)


def audience_cases() -> Iterator[Case]:
    table: list[tuple[str, str, dict[str, str]]] = [
        ("other-project", "The same organization's document for another project", {"project": "shop2"}),
        ("other-organization", "Another organization's project of the same name", {"organization": "globex"}),
        ("letter-case", "An organization in other letters: IDs are compared byte by byte", {"organization": "Acme"}),
        ("exchanged", "Organization and project exchanged", {"organization": "shop", "project": "acme"}),
        ("shifted", "The two IDs joined are the same text", {"organization": "acmes", "project": "hop"}),
    ]
    for name, about, changes in table:
        signed = document(document_payload(**changes))
        yield arrival(f"document-v6-{name}", f"{about}.", "V6", signed, WRONG_AUDIENCE)
    about = "A document for another project under this project's key set."
    signed = under_keys(keyset(), project="other")
    yield arrival("document-v6-under-key-set", about, "V6", signed, WRONG_AUDIENCE)


def time_cases() -> Iterator[Case]:
    table: list[tuple[str, str, Json, bool, bool]] = [
        # name, what it is about, changes to the payload, whether it is fresh (and so adopted), whether it is hostile
        ("issued-300-ahead", "Issued 300 s ahead of the clock, the most that is allowed",
         {"issued_at": NOW + 300}, True, False),
        ("issued-at-0", "Issued in 1970: an old date of issue refuses nothing", {"issued_at": 0}, True, False),
        ("expires-in-1-s", "The last second of a document's life", {"expires_at": NOW + 1}, True, False),
        ("expires-now", "At `expires_at` itself a document is expired", {"expires_at": NOW}, False, True),
        ("expired-1-s", "Expired a second ago", {"expires_at": NOW - 1}, False, True),
        ("expired-long-ago", "Expired in 1970", {"issued_at": 0, "expires_at": 0}, False, True),
        ("expires-before-issued", "Expires before it was issued: readers do not check the order, it is expired",
         {"issued_at": ISSUED, "expires_at": ISSUED - 1}, False, True),
    ]  # fmt: skip
    for name, about, changes, fresh, hostile in table:
        signed = document(document_payload(**changes))
        expect = accepted(signed, fresh=fresh, adopted=fresh)
        yield arrival(f"document-v7-{name}", f"{about}.", "V7", signed, expect, hostile=hostile)
    signed = document(document_payload(issued_at=NOW + 301))
    about = "Issued 301 s ahead of the clock."
    yield arrival("document-v7-issued-301-ahead", about, "V7", signed, NOT_YET_VALID)
    signed = document(document_payload(issued_at=EXPIRES))
    about = "Issued a month ahead, when it also expires."
    yield arrival("document-v7-issued-far-ahead", about, "V7", signed, NOT_YET_VALID)
    signed = document(document_payload(expires_at=NOW - 1, extendable_until=KEYS_EXPIRE))
    about = "`extendable_until` prolongs nothing without a freshness statement."
    expect = accepted(signed, fresh=False, adopted=False)
    yield arrival("document-v7-extendable-expired", about, "V7", signed, expect, hostile=True)


def order_cases() -> Iterator[Case]:
    """Texts in which two things are wrong: the earlier step answers."""
    future = {"issued_at": NOW + 301}
    table: list[tuple[str, str, Signed, Json]] = [
        ("v1-before-v2", "Four segments and `alg` none",
         document(protected=header(ANNA, alg="none")).edited(lambda text: text + ".AAAA"), refused("V1", "malformed")),
        ("v2-before-v3", "A header with `jwk`, by a stranger",
         document(key=MALLORY, protected=header(MALLORY, jwk=MALLORY.jwk)), refused("V2", "header_invalid")),
        ("v3-before-v4", "A stranger's `kid` and a signature that nobody made",
         document(key=MALLORY, sign=lambda data: bytes(64)), UNKNOWN_KEY),
        ("v3-before-v5", "A stranger's document of another format", document(document_payload(format=2), MALLORY),
         UNKNOWN_KEY),
        ("v5-before-v6", "Another project's document with an impossible serial",
         document(document_payload(project="other", serial=0)), refused("V5", "payload_invalid")),
        ("v5-before-v7", "A document from the future with an unknown `critical`",
         document(document_payload(critical=["quorum"], **future)), refused("V5", "critical_unknown")),
        ("v6-before-v7", "Another project's document from the future",
         document(document_payload(project="other", **future)), WRONG_AUDIENCE),
    ]  # fmt: skip
    for name, about, signed, expect in table:
        yield arrival(f"document-order-{name}", f"{about}.", expect["step"], signed, expect)
    about = "From the future, and older than the held document: time is asked first."
    signed = document(document_payload(serial=6, **future))
    yield arrival("document-order-v7-before-v8", about, "V7", signed, NOT_YET_VALID, held=document())
    expired_keys = keyset(keyset_payload(expires_at=NOW))
    foreign = document(document_payload(project="other"), SIGNER, keys=expired_keys)
    about = "Another project's document under a key set that is out of date."
    yield arrival("document-order-v3-before-v6", about, "V3", foreign, refused("V3", "keyset_expired"))


def all_cases() -> Iterator[Case]:
    yield from anchor_cases()
    yield from audience_cases()
    yield from time_cases()
    yield from order_cases()
