"""The logs of a document: what each is worth, and which never count."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from livepin.core.document import Document
from livepin.core.logs import ECDSA, MIMICS, RSA, Kind, Log, LogList, Standing
from livepin.testing import CtLog, KeyKind
from tests.core.certificates import SPKI
from tests.core.ct_world import ONE, TWO, listing
from tests.core.signing import DAY, NOW, payload

CURRENT, RETIRED, NEVER = Standing.CURRENT, Standing.RETIRED, Standing.NEVER


def log_of(key: bytes, **members: Any) -> dict[str, Any]:
    """An entry that is right, for any bytes as its key."""
    digest, text = (base64.b64encode(data).decode() for data in (hashlib.sha256(key).digest(), key))
    return {"id": digest, "key": text, "operator": "Example", "kind": "rfc6962", "state": "usable", **members}


def spki(key: Any) -> bytes:
    data: bytes = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return data


class TestStanding:
    @pytest.mark.parametrize("state", ["qualified", "usable", "readonly"])
    def test_a_current_log_is_current_until_it_retires(self, state: str) -> None:
        assert Log.of(ONE.entry(state)).standing(NOW) is CURRENT
        leaving = Log.of(ONE.entry(state, retired_at=NOW))
        assert [leaving.standing(now) for now in (NOW - 0.001, NOW, NOW + DAY)] == [CURRENT, RETIRED, RETIRED]

    def test_a_retirement_that_is_announced_has_not_happened(self) -> None:
        leaving = Log.of(ONE.entry("retired", retired_at=NOW))
        assert [leaving.standing(now) for now in (NOW - 0.001, NOW)] == [CURRENT, RETIRED]

    @pytest.mark.parametrize("state", ["pending", "rejected", "Usable", "test", ""])
    def test_a_log_of_another_state_never_counts(self, state: str) -> None:
        assert Log.of(ONE.entry(state)).standing(NOW) is NEVER
        assert Log.of(ONE.entry(state, retired_at=NOW + DAY)).standing(NOW) is NEVER

    def test_a_log_that_retired_nobody_knows_when_never_counts(self) -> None:
        assert Log.of(ONE.entry("retired")).standing(NOW) is NEVER

    def test_scts_from_before_the_retirement_are_told_by_the_millisecond(self) -> None:
        leaving = Log.of(ONE.entry(retired_at=NOW))
        assert leaving.issued_before_retirement(NOW * 1000 - 1)
        assert not leaving.issued_before_retirement(NOW * 1000)
        assert Log.of(ONE.entry()).issued_before_retirement(2**64 - 1)

    @pytest.mark.parametrize(
        ("members", "inside", "outside"),
        [
            ({}, (0, NOW), ()),
            ({"from": NOW}, (NOW, NOW + DAY), (NOW - 1,)),
            ({"until": NOW}, (0, NOW - 1), (NOW, NOW + DAY)),
            ({"from": NOW, "until": NOW + 1}, (NOW,), (NOW - 1, NOW + 1)),
        ],
    )
    def test_the_interval_is_about_the_end_of_certificates(
        self, members: dict[str, Any], inside: tuple[int, ...], outside: tuple[int, ...]
    ) -> None:
        log = Log.of(ONE.entry(**members))
        assert all(map(log.covers, inside))
        assert not any(map(log.covers, outside))


class TestKeys:
    @pytest.mark.parametrize(("kind", "algorithm"), [(KeyKind.P256, ECDSA), (KeyKind.RSA, RSA)])
    def test_both_kinds_of_log_verify_what_they_signed(self, kind: KeyKind, algorithm: int) -> None:
        ours = CtLog(key=kind)
        log = Log.of(ours.entry())
        sct = ours.sct_of_certificate(b"certificate")
        # An X.509 entry: version, type and time; the entry; no extensions.
        signed = b"\0\0" + sct[33:41] + b"\0\0" + (11).to_bytes(3, "big") + b"certificate" + b"\0\0"
        signature = sct[47:]
        assert log.has_usable_key
        assert log.verify(algorithm, signature, signed)
        assert not log.verify(algorithm, signature, signed + b"\0")
        assert not log.verify(algorithm, signature[:-1], signed)
        assert not log.verify(algorithm, b"", signed)
        assert not log.verify(RSA + ECDSA - algorithm, signature, signed)
        assert not Log.of(CtLog(key=kind).entry()).verify(algorithm, signature, signed)

    @pytest.mark.parametrize(
        "key",
        [
            b"",
            b"garbage",
            SPKI,
            spki(ed25519.Ed25519PrivateKey.generate()),
            spki(ec.generate_private_key(ec.SECP384R1())),
            spki(rsa.generate_private_key(65537, 1024)),
            spki(ec.generate_private_key(ec.SECP256R1())) + b"\0",
        ],
        ids=["empty", "garbage", "unknown", "Ed25519", "P-384", "RSA 1024", "something after it"],
    )
    def test_a_key_that_no_log_may_have_verifies_nothing(self, key: bytes) -> None:
        log = Log.of(log_of(key))
        assert not log.has_usable_key
        assert not any(log.verify(algorithm, b"", b"") for algorithm in (0, RSA, ECDSA))


class TestList:
    def test_logs_are_found_by_their_id(self) -> None:
        found = listing(ONE.entry(), TWO.entry("retired", retired_at=5, **{"from": 3, "until": 4}), issued_at=7)
        assert found.issued_at == 7
        assert found.find(ONE.id) == Log(ONE.id, ONE.key_der, "One", Kind.RFC6962, "usable")
        assert found.find(TWO.id) == Log(TWO.id, TWO.key_der, "Two", Kind.STATIC, "retired", 3, 4, 5)
        assert [log.id for log in found.logs] == [ONE.id, TWO.id]
        assert found.find(CtLog().id) is None

    def test_a_log_of_unknown_kind_is_skipped_whatever_else_it_says(self) -> None:
        assert listing({"kind": "tree"}, {"kind": "static2", "id": 7}, ONE.entry()).logs == (Log.of(ONE.entry()),)

    def test_an_id_that_is_not_the_digest_of_its_key_never_counts(self) -> None:
        found = listing({**ONE.entry(), "id": TWO.id})
        assert (found.find(ONE.id), found.find(TWO.id), found.logs) == (None, None, ())

    def test_a_log_that_is_named_twice_counts_only_if_both_say_the_same(self) -> None:
        assert listing(ONE.entry(), ONE.entry()).find(ONE.id) == Log.of(ONE.entry())
        for other in (ONE.entry("rejected"), ONE.entry(operator="Other"), {**ONE.entry(), "key": TWO.entry()["key"]}):
            assert listing(ONE.entry(), other, ONE.entry()).find(ONE.id) is None
            assert listing(other, ONE.entry()).find(ONE.id) is None

    def test_the_logs_whose_private_keys_are_public_never_count(self) -> None:
        # Their keys, as published: with these a document could say nothing wrong about them.
        first = "dO/+dnH/NZSBSLmmN9u2h4HNTnCOLeU+oMBiRynIvQ8zt2ft0IMyO90e5nwSaCdYvA4JVGzCMarfs9DcNxFY1g=="
        second = "B/VtcL7BSbGP4QY7UjaaXOd4gQ80R1PxLZtfYifk+ZER+mCVJVVjl66uVWUzu5lMbWMb1MWKxjkvtd2MyQSKsA=="
        entries = [log_of(ONE.key_der[:27] + base64.b64decode(point)) for point in (first, second)]
        assert {entry["id"] for entry in entries} == MIMICS
        assert listing(*entries).logs == ()

    def test_it_is_used_up_to_seventy_days_and_not_a_moment_longer(self) -> None:
        found = listing(issued_at=NOW)
        assert found.usable_until > NOW + 70 * DAY
        assert found.usable_until - NOW == pytest.approx(70 * DAY)

    def test_a_document_has_its_list_and_keeps_it(self) -> None:
        found = Document.from_payload(payload(ct_logs={"issued_at": NOW, "logs": [ONE.entry()]}))
        logs = found.ct_logs
        assert isinstance(logs, LogList)
        assert logs.logs == (Log.of(ONE.entry()),)
        assert found.ct_logs is logs
        assert Document.from_payload(payload()).ct_logs is None
