"""SCTs: reading them, and what becomes of each."""

from __future__ import annotations

import base64
import random
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from livepin.core import sct
from livepin.core.pins import Certificate, certificates_of_pem
from livepin.core.sct import Delivered, Delivery, SctVerdict, check, known_from, parse_list
from livepin.errors import CertificateInvalid
from livepin.testing import CertificateAuthority, CtLog, HandTurnedClock, SctFault, logged
from livepin.testing.ct_log import sct_list
from tests.core.certificates import needs_real_data, real_chains
from tests.core.ct_world import (
    AUTHORITY,
    CLOCK,
    LOGGED_AT,
    LOGS,
    ONE,
    ONE_MORE,
    TWO,
    TWO_MORE,
    chain_of,
    embedded,
    issued,
    list_of,
    listing,
    with_list,
    with_scts,
)
from tests.core.signing import DAY, NOW

OK, BAD, UNKNOWN, MALFORMED, FUTURE = SctVerdict
EMBEDDED, TLS, OCSP = Delivery


def verdicts(
    chain: Sequence[Certificate], *logs: CtLog, delivered: Sequence[Delivered] = (), now: float | None = NOW
) -> list[SctVerdict]:
    """What becomes of every SCT under a list of these logs (default: all)."""
    issuer = chain[1] if len(chain) > 1 else None
    return [one.at(now) for one in check(chain[0], issuer, list_of(*logs), delivered).scts]


class TestReading:
    def test_an_sct_is_read_to_its_last_member(self) -> None:
        ours = embedded(issued(), TWO)[0]
        (found,) = parse_list(sct_list(ours), EMBEDDED)
        assert (found.log_id, found.timestamp, found.delivery) == (TWO.id, LOGGED_AT * 1000, EMBEDDED)
        assert found.extensions == ours[43:51]
        assert found.leaf_index == int.from_bytes(ours[46:51], "big")
        assert (found.algorithm, found.signature, found.fault) == (3, ours[55:], "")

    def test_times_are_whole_milliseconds_up_to_the_largest(self) -> None:
        ours = embedded(issued(), ONE)[0]
        for moment in (0, 1, 1_790_000_000_001, 2**53 + 1, 2**63, 2**64 - 1):
            (found,) = parse_list(sct_list(ours[:33] + moment.to_bytes(8, "big") + ours[41:]), EMBEDDED)
            assert (found.timestamp, type(found.timestamp), found.fault) == (moment, int, "")

    @pytest.mark.parametrize(
        "change",
        [
            lambda one: b"\1" + one[1:],
            lambda one: b"\xff",
            lambda one: b"",
            lambda one: one[:40],
            lambda one: one[:42],
            lambda one: one[:45],
            lambda one: one[:-1],
            lambda one: one + b"\0",
            lambda one: one[:41] + b"\xff\xff" + one[43:],
            *(lambda one, hash_=hash_: one[:43] + bytes([hash_]) + one[44:] for hash_ in (0, 1, 2, 3, 5, 6, 8, 255)),
            *(lambda one, kind=kind: one[:44] + bytes([kind]) + one[45:] for kind in (0, 2, 4, 7, 255)),
        ],
    )
    def test_one_that_cannot_be_used_does_not_lose_the_others(self, change: Callable[[bytes], bytes]) -> None:
        plain = issued()
        first, second, third = embedded(plain, ONE, ONE, TWO_MORE)
        assert verdicts(with_list(sct_list(first, change(second), third), plain)) == [OK, MALFORMED, OK]

    def test_what_can_be_read_of_one_that_cannot_be_used_is_shown(self) -> None:
        ours = embedded(issued(), ONE)[0]
        (unknown_hash,) = parse_list(sct_list(ours[:43] + b"\x09" + ours[44:]), EMBEDDED)
        assert (unknown_hash.log_id, unknown_hash.timestamp) == (ONE.id, LOGGED_AT * 1000)
        (unknown_version,) = parse_list(sct_list(b"\1" + ours[1:]), EMBEDDED)
        assert (unknown_version.log_id, unknown_version.timestamp) == (None, None)
        assert unknown_version.fault == "of an unknown version"

    @pytest.mark.parametrize(
        "change",
        [
            lambda value: b"",
            lambda value: b"\0",
            lambda value: b"\0\0",
            lambda value: value + b"\0",
            lambda value: value[:-1],
            lambda value: b"\xff\xff" + value[2:],
            lambda value: value[:2] + b"\xff\xff" + value[4:],
            lambda value: (len(value) - 1).to_bytes(2, "big") + value[2:] + b"\0",
        ],
    )
    def test_a_list_that_is_none_gives_one_entry_that_is_malformed(self, change: Callable[[bytes], bytes]) -> None:
        plain = issued()
        broken = change(sct_list(*embedded(plain, ONE, TWO)))
        assert [(one.log_id, bool(one.fault)) for one in parse_list(broken, TLS)] == [(None, True)]
        assert verdicts(with_list(broken, plain)) == [MALFORMED]

    def test_an_extension_that_holds_no_octets_is_malformed(self) -> None:
        strange = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2"), b"\5\0")
        assert verdicts(chain_of(AUTHORITY.extended(issued(), strange))) == [MALFORMED]

    def test_a_certificate_without_scts_has_none(self) -> None:
        assert verdicts(chain_of(issued())) == []


class TestLeafIndex:
    @pytest.mark.parametrize(
        ("extensions", "index"),
        [
            ("", None),
            ("00 0005 0000000000", 0),
            ("00 0005 00000004d2", 1234),
            ("00 0005 ffffffffff", 2**40 - 1),
            ("07 0002 abcd 00 0005 0000000001", 1),
            ("00 0005 0000000001 07 0000", 1),
            ("07 0002 abcd", None),
            ("00 0004 00000001", None),
            ("00 0006 000000000001", None),
            ("00", None),
            ("00 0005 00000001", None),
            ("ffffff", None),
        ],
    )
    def test_it_is_read_where_it_is_one_and_other_bytes_are_ignored(self, extensions: str, index: int | None) -> None:
        # Whatever the extensions are, they are signed: to RFC 6962 they are bytes of any kind.
        plain = issued()
        ours = _with_extensions(plain.chain_der, bytes.fromhex(extensions))
        found = parse_list(sct_list(ours), EMBEDDED)[0]
        assert (found.leaf_index, found.fault) == (index, "")

    def test_one_extension_twice_is_malformed(self) -> None:
        for twice in ("00 0005 0000000001 00 0005 0000000002", "07 0000 07 0000"):
            ours = _with_extensions(issued().chain_der, bytes.fromhex(twice))
            assert parse_list(sct_list(ours), EMBEDDED)[0].fault == "one extension stands in it twice"

    def test_it_is_under_the_signature(self) -> None:
        plain = issued()
        ours = embedded(plain, TWO)[0]
        assert verdicts(with_list(sct_list(ours), plain)) == [OK]
        other = ours[:50] + bytes([ours[50] ^ 1]) + ours[51:]
        without = ours[:41] + b"\0\0" + ours[51:]
        assert verdicts(with_list(sct_list(other), plain)) == [BAD]
        assert verdicts(with_list(sct_list(without), plain)) == [BAD]


def _with_extensions(chain: Sequence[bytes], extensions: bytes) -> bytes:
    """An SCT with any extensions; it need not verify."""
    ours = ONE.sct_of_certificate(chain[0])
    return ours[:41] + len(extensions).to_bytes(2, "big") + extensions + ours[43:]


class TestVerifying:
    @pytest.mark.parametrize("intermediates", [0, 1, 2])
    def test_every_kind_of_log_is_verified(self, intermediates: int) -> None:
        authority = CertificateAuthority(intermediates=intermediates)
        plain = authority.issue("api.example.com")
        assert verdicts(chain_of(logged(authority, plain, *LOGS))) == [OK] * 4

    def test_the_issuer_is_the_next_of_the_validated_chain_and_no_other(self) -> None:
        leaf, issuer, root = with_scts(ONE, TWO)
        assert verdicts((leaf, issuer, root)) == [OK, OK]
        assert verdicts((leaf, root)) == [BAD, BAD]
        assert verdicts((leaf, leaf)) == [BAD, BAD]
        assert verdicts((leaf,)) == [BAD, BAD]

    def test_without_an_issuer_not_even_an_sct_over_nothing_verifies(self) -> None:
        (leaf, *_) = with_list(sct_list(ONE._sct(b"")))
        assert verdicts((leaf,)) == [BAD]

    def test_a_log_that_the_list_does_not_name_is_unknown(self) -> None:
        assert verdicts(with_scts(ONE, TWO, ONE_MORE), ONE, ONE_MORE) == [OK, UNKNOWN, OK]

    def test_a_log_with_a_key_that_no_log_may_have_is_unknown(self) -> None:
        chain, entry = with_scts(ONE), ONE.entry()
        for broken in ({**entry, "key": TWO.entry()["key"]}, {**entry, "kind": "tree"}):
            assert [one.verdict for one in check(chain[0], chain[1], listing(broken)).scts] == [UNKNOWN]
        odd = CtLog(clock=CLOCK)
        odd._key = ec.generate_private_key(ec.SECP384R1())
        assert verdicts(with_scts(odd), odd) == [UNKNOWN]

    @pytest.mark.parametrize("fault", SctFault)
    def test_a_faulty_log_is_found_out(self, fault: SctFault) -> None:
        assert verdicts(with_scts(ONE, TWO.faulty(fault), ONE_MORE)) == [OK, SctVerdict(fault.value), OK]

    def test_the_algorithm_must_be_that_of_the_logs_key(self) -> None:
        plain = issued()
        ecdsa, rsa = embedded(plain, ONE, TWO_MORE)
        swapped = [one[:44] + bytes([4 - one[44]]) + one[45:] for one in (ecdsa, rsa)]
        assert verdicts(with_list(sct_list(ecdsa, rsa, *swapped), plain)) == [OK, OK, BAD, BAD]

    def test_an_sct_of_another_certificate_is_none_of_this_one(self) -> None:
        other = embedded(issued(), ONE, TWO)
        assert verdicts(with_list(sct_list(*other))) == [BAD, BAD]

    def test_several_scts_of_one_log_are_verified_each(self) -> None:
        plain = issued()
        first, second = embedded(plain, ONE, ONE)
        assert verdicts(with_list(sct_list(first, first, second), plain)) == [OK, OK, OK]

    def test_a_precertificate_is_refused_as_a_leaf(self) -> None:
        poisoned = AUTHORITY.extended(issued(), x509.PrecertPoison())
        assert verdicts(chain_of(poisoned)) == []
        scts = embedded(poisoned, ONE, TWO)
        chain = with_list(sct_list(*scts), poisoned)
        delivered = [Delivered(TLS, sct_list(ONE.sct_of_certificate(chain[0].der)))]
        assert verdicts(chain, delivered=delivered) == [MALFORMED] * 3
        assert check(chain[0], chain[1], list_of()).poisoned

    def test_a_ca_may_have_had_a_precertificate_signed_with_a_key_for_that(self) -> None:
        # RFC 6962 section 3.1: the log puts the real issuer in its place, so only the final chain matters.
        key = Certificate(AUTHORITY.issue("precertificates.example.com").der)
        leaf, issuer, _ = with_scts(ONE)
        assert verdicts((leaf, issuer)) == [OK]
        assert verdicts((leaf, key)) == [BAD]

    def test_what_is_no_certificate_is_refused(self) -> None:
        leaf, issuer, _ = with_scts(ONE)
        for chain in ((Certificate(b"garbage"), issuer), (leaf, Certificate(b"garbage"))):
            with pytest.raises(CertificateInvalid):
                verdicts(chain)


class TestHandedOver:
    @pytest.mark.parametrize("delivery", [TLS, OCSP])
    def test_the_whole_certificate_is_signed_then(self, delivery: Delivery) -> None:
        plain = chain_of(issued())
        value = sct_list(*(log.sct_of_certificate(plain[0].der) for log in LOGS))
        delivered = [Delivered(delivery, value)]
        assert verdicts(plain, delivered=delivered) == [OK] * 4
        assert verdicts(plain[:1], delivered=delivered) == [OK] * 4  # the issuer plays no part
        assert verdicts(chain_of(issued()), delivered=delivered) == [BAD] * 4
        found = check(plain[0], plain[1], list_of(), delivered).scts
        assert {one.sct.delivery for one in found} == {delivery}

    def test_embedded_ones_stand_before_them_and_neither_passes_for_the_other(self) -> None:
        chain = with_scts(ONE)
        (mine,) = embedded(issued(), TWO)
        delivered = [
            Delivered(TLS, sct_list(mine, TWO.sct_of_certificate(chain[0].der))),
            Delivered(OCSP, b"garbage"),
        ]
        assert verdicts(chain, delivered=delivered) == [OK, BAD, OK, MALFORMED]
        plain = issued()
        whole = sct_list(ONE.sct_of_certificate(plain.der))
        assert verdicts(with_list(whole, plain)) == [BAD]


class TestTime:
    def test_an_sct_from_the_future_is_told_by_five_minutes(self) -> None:
        clock = HandTurnedClock(NOW)
        chain = with_scts(CtLog(clock=clock), ahead := CtLog(clock=clock))
        assert verdicts(chain, ahead, now=NOW - 300) == [UNKNOWN, OK]
        assert verdicts(chain, ahead, now=NOW - 300.001) == [UNKNOWN, FUTURE]
        assert verdicts(chain, ahead, now=None) == [UNKNOWN, OK]
        assert known_from(NOW * 1000) == NOW - 300

    def test_what_is_wrong_with_it_is_said_before_that_it_is_from_the_future(self) -> None:
        clock = HandTurnedClock(NOW + DAY)
        good, bad = CtLog(clock=clock), CtLog(clock=clock)
        chain = with_scts(good, bad.faulty(SctFault.BAD_SIGNATURE), bad.faulty(SctFault.MALFORMED))
        assert verdicts(chain, good, bad) == [FUTURE, BAD, MALFORMED]

    def test_an_absurd_time_is_only_a_time(self) -> None:
        ours = embedded(issued(), ONE)[0]
        chain = with_list(sct_list(ours[:33] + b"\xff" * 8 + ours[41:]))
        assert verdicts(chain) == [BAD]


class TestOnce:
    def test_a_certificate_is_verified_once_for_one_list(self) -> None:
        leaf, issuer, root = with_scts(ONE, TWO)
        logs = list_of()
        found = check(leaf, issuer, logs)
        assert check(Certificate(leaf.der), Certificate(issuer.der), logs) is found
        assert check(leaf, root, logs) is not found
        assert check(leaf, None, logs) is not found
        assert check(leaf, issuer, logs, [Delivered(TLS, b"")]) is not found
        assert check(leaf, issuer, list_of()) is not found
        assert check(leaf, issuer, logs) is found

    def test_what_is_remembered_does_not_grow_without_end(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sct, "MAX_REMEMBERED", 3)
        chains, logs = [with_scts(ONE) for _ in range(8)], list_of()
        for leaf, issuer, _ in chains:
            assert check(leaf, issuer, logs).scts[0].verdict is OK
            assert len(logs.checked) <= 3


class TestTampering:
    def test_no_bit_of_what_the_logs_signed_can_be_changed(self) -> None:
        leaf, issuer, _ = with_scts(ONE, TWO)
        logs, chance = list_of(), random.Random(7)
        start, end = leaf.der.index(leaf.spki), leaf.der.index(b"\x03U\x1d\x11")
        for place in {*range(start, end, 3), *chance.sample(range(20, end), 80)}:
            changed = bytes([leaf.der[place] ^ 1 << chance.randrange(8)])
            broken = Certificate(leaf.der[:place] + changed + leaf.der[place + 1 :])
            try:
                found = check(broken, issuer, logs).scts
            except CertificateInvalid:
                continue
            assert OK not in {one.verdict for one in found}

    def test_nothing_that_a_certificate_may_hold_does_more_than_be_refused(self) -> None:
        plain = issued()
        value, chance = sct_list(*embedded(plain, ONE, TWO, TWO_MORE)), random.Random(11)
        for _ in range(300):
            broken = bytearray(value)
            for _ in range(chance.randint(1, 3)):
                broken[chance.randrange(len(broken))] = chance.randrange(256)
            found = parse_list(bytes(broken[: chance.choice((len(broken), chance.randrange(len(broken))))]), TLS)
            assert found


@needs_real_data
@pytest.mark.filterwarnings("ignore:Parsed a serial number")
def test_real_scts_are_read_as_cryptography_reads_them() -> None:
    seen = 0
    for _, text in real_chains():
        theirs = x509.load_pem_x509_certificates(text.encode("ascii"))[0].extensions.get_extension_for_class(
            x509.PrecertificateSignedCertificateTimestamps
        )
        leaf, issuer = certificates_of_pem(text)[:2]
        for mine, other in zip(check(leaf, issuer, listing()).scts, theirs.value, strict=True):
            assert mine.sct.log_id == base64.b64encode(other.log_id).decode()
            assert mine.sct.signature == other.signature
            assert mine.sct.extensions == other.extension_bytes
            assert mine.sct.timestamp == (other.timestamp - datetime(1970, 1, 1)) // timedelta(milliseconds=1)  # noqa: DTZ001
            seen += 1
    assert seen > 200
