"""A document that is kept alive by another key than the one that signed it, and by nobody else."""

from __future__ import annotations

import base64
import hashlib
import random
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livepin.core import freshness
from livepin.core.freshness import MAX_TEXT, limit, payload_of, prolong
from livepin.core.trust import Revision, verify, verify_held
from livepin.errors import DocumentRefused, StatementIgnored
from tests.core.signing import (
    ANCHOR,
    DAY,
    ISSUED_AT,
    NOW,
    SIGNING_KEY,
    STRANGER,
    TRUST,
    Signer,
    compact,
    header,
    jws,
    key_set,
    signed,
    without,
)

HOUR = 3600
REFRESH_KEY, SECOND_REFRESH_KEY = Signer("refresh key"), Signer("second refresh key", "EdDSA")
TYP = "livepin-fresh+jws"
#: A document that lives for six hours and may be prolonged for twelve days; its key set lives for twenty.
LIFE, UNTIL = 6 * HOUR, 12 * DAY


def document(keys: Mapping[str, Any] | None = None, **members: Any) -> str:
    keys = {"refresh_keys": [REFRESH_KEY.jwk, SECOND_REFRESH_KEY.jwk], **(keys or {})}
    times = {"expires_at": ISSUED_AT + LIFE, "extendable_until": ISSUED_AT + UNTIL}
    return signed(SIGNING_KEY, key_set(**keys), **{**times, **members})


SHORT = document()
REVISION = verify_held(SHORT, TRUST)


def saying(revision: Revision = REVISION, **members: Any) -> dict[str, Any]:
    """The payload of a statement that fits in every respect."""
    digest = base64.b64encode(hashlib.sha256(decoded(revision.text)).digest()).decode()
    return {
        "format": 1,
        "organization": "acme",
        "project": "shop",
        "epoch": 2,
        "serial": 7,
        "digest": digest,
        "issued_at": NOW - HOUR,
        "expires_at": NOW + HOUR,
        **members,
    }


def decoded(text: str) -> bytes:
    segment = text.split(".")[1]
    return base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))


def statement(key: Signer = REFRESH_KEY, **members: Any) -> str:
    return jws(header(key, TYP), saying(**members), key)


def ignored(text: str | bytes, revision: Revision = REVISION, now: float = NOW) -> tuple[str, str]:
    with pytest.raises(StatementIgnored) as caught:
        freshness.verify(text, revision, now)
    return caught.value.step, caught.value.code


def until(text: str, revision: Revision = REVISION, now: int = NOW) -> int:
    """The effective expiry, counted from when the document was issued."""
    return freshness.verify(text, revision, now).until - ISSUED_AT


def test_a_statement_that_fits_moves_the_expiry() -> None:
    for key in (REFRESH_KEY, SECOND_REFRESH_KEY):
        found = freshness.verify(statement(key).encode("ascii"), REVISION, NOW)
        assert (found.issued_at, found.expires_at, found.until) == (NOW - HOUR, NOW + HOUR, NOW + HOUR)
        assert freshness.verify(found.text, REVISION, NOW).until == found.until


def test_what_authors_write_is_what_readers_expect() -> None:
    assert payload_of(REVISION, NOW - HOUR, NOW + HOUR) == saying()


# ---------------------------------------------------------------- how far


@pytest.mark.parametrize(
    ("expires_at", "found"),
    [(ISSUED_AT + 1, LIFE), (ISSUED_AT + LIFE - 1, LIFE), (ISSUED_AT + 2 * DAY, 2 * DAY), (2**53 - 1, UNTIL)],
    ids=["never shorter", "not even by a second", "as it says", "never beyond extendable_until"],
)
def test_a_statement_prolongs_up_to_extendable_until_and_never_shortens(expires_at: int, found: int) -> None:
    assert until(statement(issued_at=ISSUED_AT, expires_at=expires_at), now=ISSUED_AT) == found


def test_nothing_outlives_the_key_set() -> None:
    revision = verify_held(document(extendable_until=ISSUED_AT + 90 * DAY), TRUST)
    assert until(statement(expires_at=2**53 - 1, digest=revision.digest), revision) == 20 * DAY
    assert limit(revision) == ISSUED_AT + 20 * DAY


def test_a_key_set_that_ends_first_ends_the_document_whatever_a_statement_says() -> None:
    revision = verify_held(document({"expires_at": ISSUED_AT + HOUR}), TRUST)
    for expires_at in (ISSUED_AT + 1, ISSUED_AT + 2 * HOUR, 2**53 - 1):
        text = statement(issued_at=ISSUED_AT, expires_at=expires_at, digest=revision.digest)
        assert until(text, revision, ISSUED_AT) == HOUR
    assert limit(revision) == revision.expires_at == ISSUED_AT + HOUR


@pytest.mark.parametrize("name", ["absent", "before the expiry"])
def test_a_document_that_is_not_extendable_is_not_prolonged(name: str) -> None:
    plain = signed(SIGNING_KEY, key_set(refresh_keys=[REFRESH_KEY.jwk]), expires_at=ISSUED_AT + LIFE)
    text = plain if name == "absent" else document(extendable_until=ISSUED_AT)
    revision = verify_held(text, TRUST)
    assert until(statement(digest=revision.digest, expires_at=2**53 - 1), revision) == LIFE
    assert limit(revision) == revision.expires_at


def test_how_far_says_the_document_before_there_is_a_statement() -> None:
    assert limit(REVISION) == ISSUED_AT + UNTIL
    without_refresh_keys = verify_held(document({"refresh_keys": []}), TRUST)
    assert limit(without_refresh_keys) == without_refresh_keys.expires_at


def test_what_an_anchor_signed_directly_has_no_refresh_keys() -> None:
    revision = verify_held(signed(expires_at=ISSUED_AT + LIFE, extendable_until=ISSUED_AT + UNTIL), TRUST)
    assert limit(revision) == ISSUED_AT + LIFE
    for key in (REFRESH_KEY, ANCHOR):
        assert ignored(statement(key, epoch=1, digest=revision.digest), revision) == ("F3", "unknown_key")


# ---------------------------------------------------------------- adoption


def test_an_expired_document_is_adopted_with_a_statement_that_keeps_it_fresh() -> None:
    arrival = verify(SHORT, TRUST, NOW)
    assert (arrival.fresh, arrival.adopted) == (False, False)
    kept = prolong(arrival, freshness.verify(statement(), arrival.revision, NOW), NOW)
    assert (kept.fresh, kept.adopted, kept.revision) == (True, True, arrival.revision)


def test_after_extendable_until_no_statement_keeps_anything_fresh() -> None:
    late = ISSUED_AT + UNTIL
    text = statement(issued_at=late - HOUR, expires_at=late + HOUR)
    for held, adopted in ((None, False), (REVISION, True)):
        arrival = verify(SHORT, TRUST, late, held)
        over = prolong(arrival, freshness.verify(text, arrival.revision, late), late)
        assert (over.fresh, over.adopted) == (False, adopted)
        in_time = prolong(arrival, freshness.verify(text, arrival.revision, late), late - 1)
        assert (in_time.fresh, in_time.adopted) == (True, True)


# ---------------------------------------------------------------- F1 to F7


def by(key: Signer, **members: Any) -> str:
    return jws({**header(key, TYP), **members}, saying(), key)


REVOKED = verify_held(document({"revoked": [REFRESH_KEY.kid]}), TRUST)

IGNORED: dict[str, tuple[str, str, str | bytes]] = {
    "nothing": ("F1", "malformed", ""),
    "a line feed after it": ("F1", "malformed", statement() + "\n"),
    "not ASCII": ("F1", "malformed", b"\xff" + statement().encode()),
    "longer than 16 KiB": ("F1", "too_large", "." * (MAX_TEXT + 1)),
    "the document itself": ("F2", "header_invalid", SHORT),
    "a key set": ("F2", "header_invalid", key_set()),
    "a member more in the header": ("F2", "header_invalid", by(REFRESH_KEY, keys=key_set())),
    "no alg": ("F2", "algorithm_refused", by(REFRESH_KEY, alg="none")),
    "the other alg": ("F2", "algorithm_refused", by(REFRESH_KEY, alg="EdDSA")),
    "a stranger": ("F3", "unknown_key", statement(STRANGER)),
    "the signing key": ("F3", "unknown_key", statement(SIGNING_KEY)),
    "the anchor": ("F3", "unknown_key", statement(ANCHOR)),
    "a stranger who claims to be the refresh key": ("F4", "bad_signature", by(STRANGER, kid=REFRESH_KEY.kid)),
    "not JSON": ("F5", "payload_invalid", jws(header(REFRESH_KEY, TYP), b"{", REFRESH_KEY)),
    "an array": ("F5", "payload_invalid", jws(header(REFRESH_KEY, TYP), b"[]", REFRESH_KEY)),
    "another format": ("F5", "unsupported_format", statement(format=2)),
    "true for 1": ("F5", "payload_invalid", statement(format=True)),
    "a member more": ("F5", "payload_invalid", statement(critical=[])),
    "no serial": ("F5", "payload_invalid", jws(header(REFRESH_KEY, TYP), without(saying(), "serial"), REFRESH_KEY)),
    "epoch 0": ("F5", "payload_invalid", statement(epoch=0)),
    "a digest in base64url": ("F5", "payload_invalid", statement(digest="_" * 43)),
    "another organization": ("F6", "wrong_audience", statement(organization="Acme")),
    "another project": ("F6", "wrong_audience", statement(project="other")),
    "another epoch": ("F6", "other_revision", statement(epoch=3)),
    "a lower serial": ("F6", "other_revision", statement(serial=6)),
    "a higher serial": ("F6", "other_revision", statement(serial=8)),
    "another digest": ("F6", "other_revision", statement(digest=base64.b64encode(bytes(32)).decode())),
    "over": ("F7", "expired", statement(expires_at=NOW)),
    "from the future": ("F7", "not_yet_valid", statement(issued_at=NOW + 301)),
}


@pytest.mark.parametrize(("step", "code", "text"), IGNORED.values(), ids=IGNORED)
def test_a_statement_that_fails_a_step_is_ignored_and_says_which(step: str, code: str, text: str | bytes) -> None:
    assert ignored(text) == (step, code)


def test_a_revoked_refresh_key_keeps_nothing_alive() -> None:
    assert ignored(statement(digest=REVOKED.digest), REVOKED) == ("F3", "key_revoked")
    assert until(statement(SECOND_REFRESH_KEY, digest=REVOKED.digest), REVOKED) > LIFE


def test_a_signers_clock_may_be_five_minutes_ahead() -> None:
    assert until(statement(issued_at=NOW + 300)) == DAY + HOUR


# ---------------------------------------------------------------- somebody who has no key


def test_no_byte_of_a_statement_can_be_changed() -> None:
    for key in (REFRESH_KEY, SECOND_REFRESH_KEY):
        data, chance = statement(key).encode("ascii"), random.Random(key.alg)
        for place, byte in enumerate(data):
            for other in {byte ^ 1, byte ^ 0x20, *chance.sample(b"ABab019-_.=+/\n\0\xff", 3)} - {byte}:
                ignored(data[:place] + bytes([other]) + data[place + 1 :])


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200) | st.text(max_size=200))
def test_whatever_arrives_is_ignored_and_never_raises_anything_else(text: str | bytes) -> None:
    ignored(text)


@settings(max_examples=100, deadline=None)
@given(
    st.dictionaries(st.sampled_from([*saying(), "critical", "x"]), st.integers() | st.text(max_size=3) | st.booleans()),
    st.integers(0, 2**53 - 1),
)
def test_not_even_the_refresh_key_moves_the_expiry_out_of_its_bounds(changed: dict[str, Any], now: int) -> None:
    text = jws(header(REFRESH_KEY, TYP), compact({**saying(), **changed}), REFRESH_KEY)
    try:
        found = freshness.verify(text, REVISION, now)
    except StatementIgnored:
        return
    assert REVISION.expires_at <= found.until <= limit(REVISION)


@pytest.mark.parametrize("value", [-1, True, "soon", 2**53])
def test_a_document_whose_extendable_until_is_no_time_is_refused(value: object) -> None:
    with pytest.raises(DocumentRefused) as caught:
        verify(document(extendable_until=value), TRUST, NOW)
    assert (caught.value.step, caught.value.code) == ("V5", "payload_invalid")
