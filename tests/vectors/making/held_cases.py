"""V8 and adoption: an arriving document beside the one that the installation holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.vectors.making.cases import Case, Json, any_of, refused
from tests.vectors.making.keys import ANNA, BERT, CARL, MALLORY, SIGNER
from tests.vectors.making.signature_cases import high_s, low_s
from tests.vectors.making.writer import (
    DAY,
    ISSUED,
    KEYS_EXPIRE,
    NOW,
    Signed,
    accepted,
    arrival,
    compact,
    document,
    document_payload,
    header,
    keyset,
    keyset_payload,
    under_keys,
)

ROLLED_BACK = refused("V8", "rolled_back")
FORKED = refused("V8", "forked")
THRESHOLD_UNMET = refused("V3", "threshold_unmet")
MAXIMUM = 2**53 - 1

_HELD = document()
_HELD_IN_EPOCH_3 = under_keys(keyset())
# Bert's key set, which says that Anna's key was stolen.
_WITHOUT_ANNA = under_keys(keyset(keyset_payload(revoked=[ANNA.kid]), BERT))


def _serial(serial: int, **changes: Any) -> Signed:
    return document(document_payload(serial=serial, **changes))


def _in_epoch(epoch: int, serial: int, **changes: Any) -> Signed:
    return under_keys(keyset(keyset_payload(epoch=epoch)), serial=serial, **changes)


def order_cases() -> Iterator[Case]:
    respaced = document(document_payload() + b"\n")
    other_keys = keyset(keyset_payload(expires_at=KEYS_EXPIRE + 1))
    table: list[tuple[str, str, Signed, Signed, Json]] = [
        # name, what it is about, held, arriving, expected
        ("serial-higher", "The next serial", _HELD, _serial(8), accepted(_serial(8), serial=8)),
        ("serial-skips", "Serials may skip", _HELD, _serial(1000), accepted(_serial(1000), serial=1000)),
        ("serial-lower", "An older document is played back", _HELD, _serial(6), ROLLED_BACK),
        ("serial-lower-expired", "An older document that has expired as well",
         _HELD, _serial(6, expires_at=NOW), ROLLED_BACK),
        ("held-expired-serial-lower", "The held document has expired and is still the floor",
         _serial(7, expires_at=NOW), _serial(6), ROLLED_BACK),
        ("forked", "The held number with another content", _HELD, _serial(7, refresh_after=60), FORKED),
        ("forked-white-space", "The held number and meaning in other bytes", _HELD, respaced, FORKED),
        ("fork-healed", "A higher serial than that of a fork", _serial(7, refresh_after=60), _serial(8),
         accepted(_serial(8), serial=8)),
        ("epoch-higher", "From an anchor's own signature to a key set, with serial 1 again",
         _HELD, _in_epoch(3, 1), accepted(_in_epoch(3, 1), 3, 1)),
        ("epoch-higher-serial-1", "A thief drove the serial to its maximum: a new epoch starts again at 1",
         _in_epoch(3, MAXIMUM), _in_epoch(4, 1), accepted(_in_epoch(4, 1), 4, 1)),
        ("epoch-skips", "Epochs may skip", _in_epoch(3, 7), _in_epoch(900, 1), accepted(_in_epoch(900, 1), 900, 1)),
        ("epoch-lower", "A higher serial of an earlier epoch", _HELD_IN_EPOCH_3, _in_epoch(2, 1000), ROLLED_BACK),
        ("epoch-lost", "An anchor's own signature (epoch 0) after a key set", _HELD_IN_EPOCH_3, _serial(1000),
         ROLLED_BACK),
        ("key-set-forked", "Another key set of the held epoch, with a higher serial",
         _HELD_IN_EPOCH_3, under_keys(other_keys, serial=8), FORKED),
        ("key-set-forked-same-payload", "Another key set of the held epoch under the held payload",
         _HELD_IN_EPOCH_3, under_keys(other_keys), FORKED),
        ("key-set-forked-serial-lower", "Another key set of the held epoch, and a lower serial: order is asked first",
         _HELD_IN_EPOCH_3, under_keys(other_keys, serial=6), ROLLED_BACK),
    ]  # fmt: skip
    for name, about, held, signed, expect in table:
        yield arrival(f"held-{name}", f"{about}.", "V8", signed, expect, held=held)


def copy_cases() -> Iterator[Case]:
    """The held document arrives again: what counts is the payloads, never the text."""
    respaced = document(protected=compact(header(ANNA)) + b" ")
    counter_signed = under_keys([keyset(), keyset(key=BERT)])
    expired = _serial(7, expires_at=NOW)
    expired_keys = under_keys(keyset(keyset_payload(expires_at=NOW)))
    future = _serial(7, issued_at=NOW + DAY)
    future_keys = under_keys(keyset(keyset_payload(issued_at=NOW + DAY)), issued_at=NOW + DAY)
    stale: Json = {"fresh": False, "adopted": True}
    table: list[tuple[str, str, Signed, Signed, Json]] = [
        ("same-text", "The very same text", _HELD, _HELD, accepted(_HELD)),
        ("other-signature", "The same payload under the other value of s",
         document(sign=low_s), document(sign=high_s), accepted(_HELD)),
        ("other-header", "The same payload under a header with other white space", _HELD, respaced, accepted(_HELD)),
        ("counter-signed", "The same payloads, the key set counter-signed by one more anchor",
         _HELD_IN_EPOCH_3, counter_signed, accepted(counter_signed, 3)),
        ("expired", "The held document after its expiry: expired, and still the one that is used",
         expired, expired, accepted(expired, **stale)),
        ("key-set-expired", "The held document after its key set's expiry: expired, not refused",
         expired_keys, expired_keys, accepted(expired_keys, 3, **stale)),
        ("from-the-future", "The held document is from the future: the clock is behind, not the document",
         future, future, accepted(future)),
        ("key-set-from-the-future", "The held document and its key set are from the future",
         future_keys, future_keys, accepted(future_keys, 3)),
    ]  # fmt: skip
    for name, about, held, signed, expect in table:
        yield arrival(f"held-copy-{name}", f"{about}.", "V7", signed, expect, held=held, anchors=[ANNA, BERT])


def clock_cases() -> Iterator[Case]:
    """The clock was wound back to a day before the held document's date of issue, which is the time then."""
    yesterday = ISSUED - DAY
    short_keys = keyset(keyset_payload(issued_at=ISSUED - 2 * DAY, expires_at=ISSUED - 60))
    table: list[tuple[str, str, Signed, Signed, Json]] = [
        ("issued-ahead", "Issued 300 s after the held document", _HELD, _serial(8, issued_at=ISSUED + 300),
         accepted(_serial(8, issued_at=ISSUED + 300), serial=8)),
        ("issued-too-far-ahead", "Issued 301 s after the held document", _HELD, _serial(8, issued_at=ISSUED + 301),
         refused("V7", "not_yet_valid")),
        ("expired", "Out of date when the held document was issued, though not by the clock",
         _HELD, _serial(8, expires_at=ISSUED - 60),
         accepted(_serial(8, expires_at=ISSUED - 60), serial=8, fresh=False, adopted=False)),
        ("key-set-expired", "Its key set was out of date when the held document was issued",
         under_keys(short_keys), under_keys(short_keys, serial=8), refused("V3", "keyset_expired")),
    ]  # fmt: skip
    for name, about, held, signed, expect in table:
        hostile = name != "issued-ahead"
        case_id = f"held-clock-back-{name}"
        yield arrival(case_id, f"{about}.", "V7", signed, expect, held=held, now=yesterday, hostile=hostile)
    replay = _serial(8, expires_at=NOW)
    about = "An expired document that is not the held one passes and is not adopted."
    expect = accepted(replay, serial=8, fresh=False, adopted=False)
    yield arrival("held-expired-not-adopted", about, "V7", replay, expect, held=_HELD, hostile=True)


def absent_cases() -> Iterator[Case]:
    """What the embedded anchors do not vouch for gives no floor: the arriving serial 7 is accepted."""
    thief = under_keys(keyset(keyset_payload(revoked=[ANNA.kid]), MALLORY), serial=99)
    table: list[tuple[str, str, Signed | str]] = [
        ("stranger", "Held is a stranger's document", document(document_payload(serial=99), MALLORY)),
        ("strangers-revocation", "Held is under a stranger's key set, which revokes the anchor", thief),
        ("other-project", "Held is the anchor's document for another project", _serial(99, project="other")),
        ("bad-signature", "Held was edited on disk", document(document_payload(serial=99), sign=MALLORY.sign)),
        ("not-a-document", "Held is no document at all", "not a document"),
        ("key-set-by-stranger", "Held is under a key set that only a stranger signed",
         under_keys(keyset(key=MALLORY), serial=99)),
    ]  # fmt: skip
    for name, about, held in table:
        yield arrival(f"held-absent-{name}", f"{about}.", "V8", _HELD, accepted(_HELD), held=held, hostile=True)
    by_two = under_keys([keyset(), keyset(key=BERT)])
    about = "Held was signed by one anchor; now two are asked for."
    two: Json = {"anchors": [ANNA, BERT], "threshold": 2}
    held = _in_epoch(9, 1)
    expect = accepted(by_two, 3)
    yield arrival("held-absent-threshold-raised", about, "V8", by_two, expect, held=held, hostile=True, **two)


def revocation_cases() -> Iterator[Case]:
    """What the held key set revokes binds anchors, not the signing keys of a later epoch."""
    fourth = keyset_payload(epoch=4)
    forged = keyset(fourth).rpartition(".")[0] + "." + keyset(fourth, MALLORY).rpartition(".")[2]
    both = under_keys([keyset(fourth), keyset(fourth, BERT)])
    without_signer = under_keys(keyset(keyset_payload(revoked=[SIGNER.kid], signing_keys=[ANNA.jwk])), ANNA)
    listed_again = under_keys(keyset(fourth), serial=1)
    direct = refused(any_of("V3", "V8"), any_of("key_revoked", "unknown_key", "rolled_back"))
    table: list[tuple[str, str, Signed, Signed, Json]] = [
        ("anchor-alone", "A new epoch by an anchor that the held key set revokes",
         _WITHOUT_ANNA, under_keys(keyset(fourth)), THRESHOLD_UNMET),
        ("anchor-with-another", "A new epoch by a revoked anchor and a good one, of which one is enough",
         _WITHOUT_ANNA, both, accepted(both, 4)),
        ("anchor-bad-signature", "A bad signature by a revoked anchor beside a good one: refuses all",
         _WITHOUT_ANNA, under_keys([forged, keyset(fourth, BERT)]), refused("V3", "keyset_invalid")),
        ("anchor-direct", "A document by a revoked anchor itself", _WITHOUT_ANNA, _serial(99), direct),
        ("signing-key", "A later epoch lists a signing key again that the held one revokes",
         without_signer, listed_again, accepted(listed_again, 4, 1)),
    ]  # fmt: skip
    for name, about, held, signed, expect in table:
        yield arrival(f"held-revokes-{name}", f"{about}.", "V3", signed, expect, held=held, anchors=[ANNA, BERT])
    about = "Two of three anchors sign a new epoch, one of them revoked by the held key set: one is left of two."
    revoking = keyset_payload(revoked=[ANNA.kid])
    held = under_keys([keyset(revoking, BERT), keyset(revoking, CARL)])
    two_of_three: Json = {"anchors": [ANNA, BERT, CARL], "threshold": 2}
    yield arrival("held-revokes-one-of-two", about, "V3", both, THRESHOLD_UNMET, held=held, **two_of_three)


def all_cases() -> Iterator[Case]:
    yield from order_cases()
    yield from copy_cases()
    yield from clock_cases()
    yield from absent_cases()
    yield from revocation_cases()
