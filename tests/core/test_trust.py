"""The verification steps V1 to V8 and adoption: what an attacker of the delivery, the CDN or a key can send."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import pytest

from livepin.core.trust import CLOCK_TOLERANCE, Arrival, Revision, Trust, effective_now, verify, verify_held
from livepin.errors import ConfigurationError, DocumentRefused
from tests.core.signing import (
    ANCHOR,
    DAY,
    ISSUED_AT,
    NOW,
    SECOND_ANCHOR,
    SIGNING_KEY,
    STRANGER,
    THIRD_ANCHOR,
    TRUST,
    TWO_ANCHORS,
    Signer,
    compact,
    header,
    host,
    jws,
    key_set,
    keys_payload,
    payload,
    signed,
)

EXPIRES_AT = ISSUED_AT + 30 * DAY
BOTH_ANCHORS = Trust("acme", "shop", (ANCHOR.public, SECOND_ANCHOR.public))


def refusal(text: str | bytes, trust: Trust = TRUST, now: float = NOW, held: Revision | None = None) -> tuple[str, str]:
    with pytest.raises(DocumentRefused) as refused:
        verify(text, trust, now, held)
    return refused.value.step, refused.value.code


def held(key: Signer = ANCHOR, keys: object = None, **members: Any) -> Revision:
    """What an installation holds after it accepted such a document."""
    return verify_held(signed(key, keys, **members), TRUST)


class TestADocumentThatAnAnchorSigned:
    def test_it_arrives_fresh_and_is_adopted(self) -> None:
        text = signed(serial=3)
        found = verify(text, TRUST, NOW)
        revision = found.revision
        assert found == Arrival(revision, fresh=True, adopted=True)
        assert (revision.number, revision.epoch, revision.serial) == ((0, 3), 0, 3)
        assert (revision.issued_at, revision.expires_at) == (ISSUED_AT, EXPIRES_AT)
        assert revision.digest == base64.b64encode(hashlib.sha256(compact(payload(serial=3))).digest()).decode()
        assert (revision.keyset, revision.document.serial) == (None, 3)
        assert verify(text.encode(), TRUST, NOW).revision.text == revision.text == text

    def test_ed25519_signs_as_well(self) -> None:
        assert verify(signed(SECOND_ANCHOR), BOTH_ANCHORS, NOW).adopted

    def test_a_text_that_is_no_jws_is_v1(self) -> None:
        assert refusal("nonsense") == ("V1", "malformed")

    def test_a_header_with_more_in_it_is_v2(self) -> None:
        assert refusal(jws(header(ANCHOR, jku="https://evil"), payload(), ANCHOR)) == ("V2", "header_invalid")

    def test_a_key_set_is_no_document(self) -> None:
        assert refusal(key_set()) == ("V2", "header_invalid")

    @pytest.mark.parametrize("alg", ["none", "HS256"])
    def test_the_document_does_not_choose_the_algorithm(self, alg: str) -> None:
        assert refusal(jws({**header(ANCHOR), "alg": alg}, payload(), ANCHOR)) == ("V2", "algorithm_refused")

    def test_an_algorithm_that_does_not_fit_the_anchor_is_v2_whatever_else_is_wrong(self) -> None:
        text = jws({**header(ANCHOR), "alg": "EdDSA"}, b"nonsense", SECOND_ANCHOR)
        assert refusal(text) == ("V2", "algorithm_refused")
        assert refusal(text, TWO_ANCHORS) == ("V2", "algorithm_refused")

    def test_a_key_that_is_not_embedded_is_v3(self) -> None:
        assert refusal(signed(STRANGER)) == ("V3", "unknown_key")
        assert refusal(jws({**header(ANCHOR), "kid": ""}, payload(), ANCHOR)) == ("V3", "unknown_key")

    def test_one_anchor_is_not_two(self) -> None:
        assert refusal(signed(), TWO_ANCHORS) == ("V3", "threshold_unmet")

    def test_a_signature_by_somebody_else_is_v4(self) -> None:
        assert refusal(jws(header(ANCHOR), payload(), STRANGER)) == ("V4", "bad_signature")

    def test_nothing_of_the_payload_is_read_before_v4(self) -> None:
        assert refusal(jws(header(ANCHOR), b"nonsense", STRANGER)) == ("V4", "bad_signature")
        assert refusal(jws(header(ANCHOR), b"nonsense", ANCHOR)) == ("V5", "payload_invalid")

    @pytest.mark.parametrize(
        ("members", "code"),
        [
            ({"serial": 0}, "payload_invalid"),
            ({"critical": ["x"]}, "critical_unknown"),
            ({"format": 2}, "unsupported_format"),
            ({"hosts": [host(f"h{number}") for number in range(10_001)]}, "too_large"),
        ],
        ids=["range", "critical", "format", "hosts"],
    )
    def test_the_payload_is_v5(self, members: dict[str, Any], code: str) -> None:
        assert refusal(signed(**members, organization="evil")) == ("V5", code)

    @pytest.mark.parametrize("members", [{"organization": "Acme"}, {"project": "shop2"}])
    def test_a_document_for_somebody_else_is_v6_before_time_and_order(self, members: dict[str, Any]) -> None:
        assert refusal(signed(**members, issued_at=2**53 - 1, serial=1), held=held()) == ("V6", "wrong_audience")

    def test_a_document_from_the_future_is_v7_but_clocks_may_differ_a_little(self) -> None:
        assert verify(signed(issued_at=NOW + CLOCK_TOLERANCE), TRUST, NOW).adopted
        assert refusal(signed(issued_at=NOW + CLOCK_TOLERANCE + 1)) == ("V7", "not_yet_valid")
        assert refusal(signed(issued_at=NOW + CLOCK_TOLERANCE + 1, serial=1), held=held()) == ("V7", "not_yet_valid")


class TestExpiry:
    def test_a_document_is_fresh_until_the_second_of_its_expiry(self) -> None:
        assert verify(signed(), TRUST, EXPIRES_AT - 1).fresh
        assert verify(signed(), TRUST, EXPIRES_AT - 0.001).fresh
        late = verify(signed(), TRUST, EXPIRES_AT)
        assert (late.fresh, late.adopted) == (False, False)

    def test_an_expired_document_is_not_adopted_even_with_a_higher_serial(self) -> None:
        found = verify(signed(serial=8), TRUST, EXPIRES_AT, held())
        assert (found.fresh, found.adopted) == (False, False)

    def test_the_one_that_is_held_is_adopted_though_expired(self) -> None:
        found = verify(signed(), TRUST, EXPIRES_AT + DAY, held())
        assert (found.fresh, found.adopted) == (False, True)

    def test_the_held_one_may_be_from_the_future(self) -> None:
        assert verify(signed(), TRUST, ISSUED_AT - 10 * DAY, held()).adopted

    def test_a_key_set_shortens_the_life_of_a_document(self) -> None:
        text = signed(SIGNING_KEY, key_set())
        assert verify(text, TRUST, NOW).revision.expires_at == ISSUED_AT + 20 * DAY
        assert verify(signed(SIGNING_KEY, key_set(expires_at=2**40)), TRUST, NOW).revision.expires_at == EXPIRES_AT

    def test_a_clock_that_was_wound_back_opens_nothing(self) -> None:
        later = held(issued_at=NOW + 50 * DAY, expires_at=NOW + 80 * DAY)
        assert effective_now(NOW, later) == NOW + 50 * DAY
        assert effective_now(NOW + 60 * DAY, later) == NOW + 60 * DAY
        assert effective_now(NOW, None) == NOW
        found = verify(signed(serial=8), TRUST, NOW, later)
        assert (found.fresh, found.adopted) == (False, False)


class TestKeySet:
    def test_a_signing_key_that_an_anchor_named_signs(self) -> None:
        revision = verify(signed(SIGNING_KEY, key_set()), TRUST, NOW).revision
        assert revision.number == (2, 7)
        assert revision.keyset is not None
        assert list(revision.keyset.signing_keys) == [SIGNING_KEY.kid]

    def test_one_key_set_serves_applications_with_different_anchors(self) -> None:
        keys = [key_set(by=ANCHOR), key_set(by=SECOND_ANCHOR)]
        for anchor in (ANCHOR, SECOND_ANCHOR):
            trust = Trust("acme", "shop", (anchor.public,))
            assert verify(signed(SIGNING_KEY, keys), trust, NOW).adopted
        assert verify(signed(SIGNING_KEY, keys), TWO_ANCHORS, NOW).adopted

    @pytest.mark.parametrize(
        ("keys", "trust"),
        [
            (key_set(by=STRANGER), TRUST),
            (key_set(), TWO_ANCHORS),
            ([key_set(), key_set(by=STRANGER)], TWO_ANCHORS),
            ([key_set(revoked=[ANCHOR.kid]), key_set(by=STRANGER, revoked=[ANCHOR.kid])], TRUST),
            (key_set(by=SECOND_ANCHOR, revoked=[SECOND_ANCHOR.kid]), BOTH_ANCHORS),
        ],
        ids=["stranger", "one of two", "stranger is not the second", "the anchor revokes itself", "ed25519"],
    )
    def test_too_few_anchors_signed_it(self, keys: object, trust: Trust) -> None:
        assert refusal(signed(SIGNING_KEY, keys), trust) == ("V3", "threshold_unmet")

    def test_an_anchor_embedded_twice_counts_once(self) -> None:
        trust = Trust("acme", "shop", (ANCHOR.public, ANCHOR.public), threshold=2)
        assert refusal(signed(SIGNING_KEY, key_set()), trust) == ("V3", "threshold_unmet")

    def test_a_signature_by_a_key_that_is_not_embedded_is_ignored_however_bad(self) -> None:
        forged = jws(header(SECOND_ANCHOR, "livepin-keys+jws"), keys_payload(), Signer("forger", "EdDSA"))
        assert verify(signed(SIGNING_KEY, [key_set(), forged]), TRUST, NOW).adopted

    def test_a_bad_signature_by_an_embedded_anchor_refuses_all(self) -> None:
        forged = jws(header(SECOND_ANCHOR, "livepin-keys+jws"), keys_payload(), Signer("forger", "EdDSA"))
        assert refusal(signed(SIGNING_KEY, [key_set(), forged]), BOTH_ANCHORS) == ("V3", "keyset_invalid")
        revokes: dict[str, Any] = {"revoked": [SECOND_ANCHOR.kid]}
        forged = jws(header(SECOND_ANCHOR, "livepin-keys+jws"), keys_payload(**revokes), Signer("forger", "EdDSA"))
        keys = [key_set(**revokes), forged]
        assert refusal(signed(SIGNING_KEY, keys), BOTH_ANCHORS) == ("V3", "keyset_invalid")

    @pytest.mark.parametrize(
        "keys",
        [
            "nonsense",
            signed(),
            jws({**header(ANCHOR, "livepin-keys+jws"), "alg": "EdDSA"}, keys_payload(), SECOND_ANCHOR),
            jws(header(ANCHOR, "livepin-keys+jws", keys="x"), keys_payload(), ANCHOR),
            jws(header(ANCHOR, "livepin-keys+jws"), b"nonsense", ANCHOR),
            key_set(organization="evil"),
            key_set(project="evil"),
            key_set(epoch=0),
            [key_set(), key_set()],
            [key_set(), key_set(by=SECOND_ANCHOR, epoch=3)],
            [key_set(), "nonsense"],
        ],
        ids=[
            "text",
            "document",
            "alg",
            "nested",
            "payload",
            "organization",
            "project",
            "epoch",
            "twice",
            "other",
            "bad",
        ],
    )
    def test_whatever_is_wrong_with_it_is_v3(self, keys: object) -> None:
        assert refusal(signed(SIGNING_KEY, keys)) == ("V3", "keyset_invalid")

    def test_its_times_count_when_it_arrives(self) -> None:
        keys = key_set(issued_at=NOW, expires_at=NOW + 10)
        text = signed(SIGNING_KEY, keys)
        assert verify(text, TRUST, NOW - CLOCK_TOLERANCE).adopted
        assert refusal(text, now=NOW - CLOCK_TOLERANCE - 1) == ("V3", "keyset_not_yet_valid")
        assert verify(text, TRUST, NOW + 9).adopted
        assert refusal(text, now=NOW + 10) == ("V3", "keyset_expired")

    def test_an_expired_key_set_answers_before_the_document_is_looked_at(self) -> None:
        text = jws(header(STRANGER, keys=key_set(expires_at=NOW)), b"nonsense", STRANGER)
        assert refusal(text) == ("V3", "keyset_expired")

    def test_a_key_that_it_does_not_name_does_not_sign_not_even_an_anchor(self) -> None:
        assert refusal(signed(STRANGER, key_set())) == ("V3", "unknown_key")
        assert refusal(signed(ANCHOR, key_set())) == ("V3", "unknown_key")

    def test_a_key_that_it_revokes_does_not_sign(self) -> None:
        assert refusal(signed(SIGNING_KEY, key_set(revoked=[SIGNING_KEY.kid]))) == ("V3", "key_revoked")
        assert refusal(signed(STRANGER, key_set(revoked=[STRANGER.kid]))) == ("V3", "key_revoked")

    def test_the_algorithm_is_that_of_its_key(self) -> None:
        text = jws({**header(SIGNING_KEY, keys=key_set()), "alg": "EdDSA"}, payload(), SECOND_ANCHOR)
        assert refusal(text) == ("V2", "algorithm_refused")

    def test_a_signature_under_it_is_checked(self) -> None:
        assert refusal(jws(header(SIGNING_KEY, keys=key_set()), payload(), STRANGER)) == ("V4", "bad_signature")


class TestRevocationsOfTheHeldKeySet:
    HELD = verify_held(
        signed(SIGNING_KEY, key_set(revoked=[SECOND_ANCHOR.kid, THIRD_ANCHOR.kid])),
        Trust("acme", "shop", (ANCHOR.public, SECOND_ANCHOR.public)),
    )

    def test_they_bind_anchors_in_later_epochs(self) -> None:
        text = signed(SIGNING_KEY, key_set(by=SECOND_ANCHOR, epoch=3))
        assert refusal(text, BOTH_ANCHORS, held=self.HELD) == ("V3", "threshold_unmet")
        assert verify(text, BOTH_ANCHORS, NOW).adopted

    def test_they_bind_anchors_that_sign_documents(self) -> None:
        assert refusal(signed(SECOND_ANCHOR), BOTH_ANCHORS, held=self.HELD) == ("V3", "key_revoked")
        assert refusal(signed(ANCHOR), BOTH_ANCHORS, held=self.HELD) == ("V8", "rolled_back")

    def test_they_do_not_bind_signing_keys_of_a_later_epoch(self) -> None:
        revoking = verify_held(signed(SIGNING_KEY, key_set(revoked=[STRANGER.kid])), TRUST)
        text = signed(STRANGER, key_set(STRANGER, epoch=3))
        assert verify(text, TRUST, NOW, revoking).adopted


class TestOrder:
    @pytest.mark.parametrize(
        ("text", "code"),
        [
            (signed(serial=6), "rolled_back"),
            (signed(unlisted="block"), "forked"),
            (signed(serial=1), "rolled_back"),
        ],
    )
    def test_below_and_beside_the_held_one_is_refused(self, text: str, code: str) -> None:
        assert refusal(text, held=held()) == ("V8", code)

    @pytest.mark.parametrize(
        "text", [signed(serial=8), signed(serial=2**53 - 1), signed(SIGNING_KEY, key_set(), serial=1)]
    )
    def test_anything_higher_replaces_it_serials_may_skip_and_start_again(self, text: str) -> None:
        assert verify(text, TRUST, NOW, held()).adopted

    def test_the_same_payload_signed_again_is_the_same_document(self) -> None:
        found = verify(signed(), TRUST, NOW, held())
        assert found.adopted
        assert found.revision.is_copy_of(held())

    def test_epochs_come_before_serials(self) -> None:
        before = verify_held(signed(SIGNING_KEY, key_set(), serial=9), TRUST)
        assert verify(signed(SIGNING_KEY, key_set(epoch=3), serial=1), TRUST, NOW, before).adopted
        assert refusal(signed(SIGNING_KEY, key_set(epoch=1), serial=10), held=before) == ("V8", "rolled_back")
        assert refusal(signed(serial=10), held=before) == ("V8", "rolled_back")

    def test_a_second_key_set_in_one_epoch_is_a_fork_and_rolled_back_is_asked_first(self) -> None:
        before = verify_held(signed(SIGNING_KEY, key_set(), serial=9), TRUST)
        other = key_set(expires_at=ISSUED_AT + 21 * DAY)
        assert refusal(signed(SIGNING_KEY, other, serial=10), held=before) == ("V8", "forked")
        assert refusal(signed(SIGNING_KEY, other, serial=9), held=before) == ("V8", "forked")
        assert refusal(signed(SIGNING_KEY, other, serial=8), held=before) == ("V8", "rolled_back")

    def test_a_copy_with_other_counter_signatures_is_still_a_copy(self) -> None:
        before = verify_held(signed(SIGNING_KEY, key_set()), TRUST)
        again = signed(SIGNING_KEY, [key_set(by=SECOND_ANCHOR), key_set()])
        found = verify(again, BOTH_ANCHORS, ISSUED_AT + 40 * DAY, before)
        assert (found.fresh, found.adopted, found.revision.is_copy_of(before)) == (False, True, True)


class TestHeld:
    def test_time_never_refuses_what_is_held(self) -> None:
        revision = verify_held(signed(SIGNING_KEY, key_set(issued_at=2**52, expires_at=1), issued_at=2**52), TRUST)
        assert revision.expires_at == 1
        again = verify(revision.text, TRUST, NOW, revision)
        assert (again.fresh, again.adopted) == (False, True)

    def test_an_expired_key_set_refuses_a_document_that_is_not_held(self) -> None:
        revision = verify_held(signed(SIGNING_KEY, key_set(expires_at=NOW - 1)), TRUST)
        assert refusal(signed(SIGNING_KEY, key_set(expires_at=NOW - 1), serial=8), held=revision) == (
            "V3",
            "keyset_expired",
        )

    @pytest.mark.parametrize("text", [signed(STRANGER), signed(project="evil"), signed(serial=0), "x"])
    def test_everything_but_time_is_checked_again(self, text: str) -> None:
        with pytest.raises(DocumentRefused):
            verify_held(text, TRUST)

    def test_an_anchor_that_a_release_removed_vouches_for_nothing(self) -> None:
        text = signed(SECOND_ANCHOR, serial=2**53 - 1)
        assert verify_held(text, BOTH_ANCHORS).serial == 2**53 - 1
        with pytest.raises(DocumentRefused):
            verify_held(text, TRUST)


@pytest.mark.parametrize("threshold", [0, -1])
def test_a_threshold_under_which_nobody_has_to_sign_is_refused(threshold: int) -> None:
    with pytest.raises(ConfigurationError) as refused:
        Trust("acme", "shop", (ANCHOR.public,), threshold)
    assert (refused.value.code, refused.value.where) == ("configuration_invalid", "threshold")
