"""Judging a peer: J3 to J9."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable
from typing import Any

import pytest

from livepin.core.document import Document
from livepin.core.judge import Peer, bucket, judge, needs_chain, steady
from livepin.core.pins import Certificate, Pin
from livepin.core.verdict import Outcome, Verdict
from livepin.errors import CertificateInvalid
from livepin.testing.authority import CertificateAuthority, ServerCertificate
from tests.core.certificates import SAN, certificate, extension, extensions, sequence, tlv
from tests.core.signing import DAY, DIGEST, ISSUED_AT, NOW, OTHER_DIGEST, WIDE_DIGEST, host, payload

AUTHORITY = CertificateAuthority(intermediates=1)
LIVE = AUTHORITY.issue("api.example.com")
EVIL = AUTHORITY.issue("api.example.com")
LEAF, ISSUER, ROOT = LIVE.chain_spki_sha256
PIN, NO_MATCH = {"spki_sha256": LEAF}, {"spki_sha256": DIGEST}
EXPIRES_AT = ISSUED_AT + 30 * DAY
ALLOWED, REPORTED, BLOCKED = Outcome.ALLOWED, Outcome.REPORTED, Outcome.BLOCKED
NAME = "api.example.com"


def chain(issued: ServerCertificate = LIVE) -> tuple[Certificate, ...]:
    return tuple(map(Certificate, issued.chain_der))


def document(*hosts: Any, **members: Any) -> Document:
    return Document.from_payload(payload(*hosts, **members))


def verdict(document: Document, peer: Peer | None = None, now: float = NOW, **given: Any) -> Verdict:
    return judge(document, peer or Peer(NAME, chain()), now, **given)


def answer(document: Document, peer: Peer | None = None, now: float = NOW, **given: Any) -> tuple[Outcome, str]:
    found = verdict(document, peer, now, **given)
    return found.outcome, found.code


def one(*pins: dict[str, Any], **members: Any) -> Document:
    """A document about the host that is judged, with a member `pins` even when it is empty."""
    return document({**host(NAME, **members), "pins": list(pins)})


class TestWhichPolicy:
    def test_the_policy_of_the_host_judges_and_the_verdict_carries_the_evidence(self) -> None:
        found = verdict(one(NO_MATCH, PIN), epoch=3, digest="d")
        assert (found.outcome, found.code, found.host, found.pattern) == (ALLOWED, "matched", NAME, NAME)
        assert found.pin == Pin("spki_sha256", LEAF)
        assert (found.epoch, found.serial, found.digest) == (3, 7, "d")
        assert (found.unvalidated, found.expired, found.ct_evaluated, found.reasons) == (False, False, None, ())

    def test_the_host_is_brought_into_normal_form_and_reported_as_it_was_given(self) -> None:
        found = verdict(one(NO_MATCH), Peer("API.Example.com.", chain()))
        assert (found.code, found.host, found.pattern) == ("pin_mismatch", "API.Example.com.", NAME)

    @pytest.mark.parametrize("name", ["", "a..b", "x" * 64, "a:b"])
    def test_what_is_no_host_is_blocked_and_never_unlisted(self, name: str) -> None:
        found = verdict(document(host("other.example"), unlisted="allow"), Peer(name, chain()))
        assert (found.outcome, found.code, found.host) == (BLOCKED, "host_invalid", name)
        assert found.reasons

    @pytest.mark.parametrize(
        ("unlisted", "outcome"), [(None, ALLOWED), ("allow", ALLOWED), ("report", REPORTED), ("block", BLOCKED)]
    )
    def test_a_host_without_a_pattern_is_unlisted(self, unlisted: str | None, outcome: Outcome) -> None:
        found = document(host("other.example"), **({"unlisted": unlisted} if unlisted else {}))
        assert answer(found) == (outcome, "unlisted")
        assert answer(found, now=EXPIRES_AT) == (outcome, "unlisted")
        assert verdict(found, now=EXPIRES_AT).expired

    @pytest.mark.parametrize("unlisted", ["allow", "report", "block"])
    @pytest.mark.parametrize("key", [LEAF, ISSUER, ROOT], ids=["leaf", "issuer", "root"])
    def test_a_key_that_the_document_denies_is_blocked_on_unlisted_hosts(self, unlisted: str, key: str) -> None:
        assert answer(document(host("other.example"), unlisted=unlisted, deny=[key])) == (BLOCKED, "denied")

    def test_off_excludes_a_name_from_a_wildcard_and_nothing_is_judged(self) -> None:
        off = host(NAME, NO_MATCH, action="off", deny=[LEAF])
        found = document(host("**.example.com", NO_MATCH), off, deny=[LEAF])
        assert answer(found) == (ALLOWED, "off")
        assert answer(found, Peer("www.example.com", chain())) == (BLOCKED, "denied")


class TestPins:
    @pytest.mark.parametrize(
        ("position", "matching"),
        [(None, [LEAF]), ("leaf", [LEAF]), ("ca", [ISSUER, ROOT]), ("any", [LEAF, ISSUER, ROOT])],
    )
    def test_a_pin_matches_at_its_position(self, position: str | None, matching: list[str]) -> None:
        extra = {"position": position} if position else {}
        found = [
            key for key in (LEAF, ISSUER, ROOT, DIGEST) if answer(one({"spki_sha256": key, **extra}))[0] is ALLOWED
        ]
        assert found == matching

    @pytest.mark.parametrize("member", ["spki_sha256", "spki_sha512", "cert_sha256", "cert_sha512"])
    def test_every_kind_of_digest_matches(self, member: str) -> None:
        right = chain()[0].digest(member)
        wrong = DIGEST if member.endswith("256") else WIDE_DIGEST
        assert answer(one({member: right})) == (ALLOWED, "matched")
        assert answer(one({member: wrong})) == (BLOCKED, "pin_mismatch")

    @pytest.mark.parametrize(
        ("window", "outcome"),
        [
            ({"from": NOW}, ALLOWED),
            ({"from": NOW + 1}, BLOCKED),
            ({"until": NOW + 1}, ALLOWED),
            ({"until": NOW}, BLOCKED),
        ],
    )
    def test_a_pin_counts_in_its_window(self, window: dict[str, int], outcome: Outcome) -> None:
        assert answer(one({**PIN, **window}))[0] is outcome

    def test_an_empty_list_and_unknown_kinds_match_nothing(self) -> None:
        assert answer(one()) == (BLOCKED, "pin_mismatch")
        assert answer(one({"spki_sha3": LEAF})) == (BLOCKED, "pin_mismatch")

    def test_without_pins_there_is_nothing_to_mismatch(self) -> None:
        assert answer(document(host(NAME, deny=[DIGEST]))) == (ALLOWED, "matched")

    def test_a_mismatch_says_what_was_shown(self) -> None:
        found = verdict(one(NO_MATCH), Peer(NAME, chain(EVIL)))
        assert (found.outcome, found.code, found.pin) == (BLOCKED, "pin_mismatch", None)
        assert EVIL.spki_sha256 in found.reasons[0]

    def test_a_peer_without_a_certificate_matches_nothing(self) -> None:
        assert answer(one(PIN), Peer(NAME, ())) == (BLOCKED, "pin_mismatch")

    def test_a_chain_that_cannot_be_read_is_an_error(self) -> None:
        with pytest.raises(CertificateInvalid):
            verdict(one(PIN), Peer(NAME, (Certificate(b"nonsense"),)))


class TestWhatIsKnownOfTheChain:
    PEER = Peer(NAME, chain(), validated=False)

    @pytest.mark.parametrize(
        ("pin", "outcome"),
        [
            (PIN, ALLOWED),
            ({"spki_sha256": LEAF, "position": "any"}, ALLOWED),
            ({"spki_sha256": ISSUER, "position": "any"}, BLOCKED),
            ({"spki_sha256": ISSUER, "position": "ca"}, BLOCKED),
        ],
    )
    def test_of_an_unvalidated_chain_the_leaf_alone_counts(self, pin: dict[str, str], outcome: Outcome) -> None:
        found = verdict(one(pin), self.PEER)
        assert (found.outcome, found.unvalidated) == (outcome, True)

    def test_a_certificate_that_was_only_sent_along_denies_nothing(self) -> None:
        assert answer(one(PIN, deny=[ISSUER]), self.PEER)[0] is ALLOWED
        assert answer(one(PIN, deny=[LEAF]), self.PEER) == (BLOCKED, "denied")

    def test_ct_cannot_be_enforced_without_validation(self) -> None:
        assert answer(one(PIN, ct={"action": "enforce"}), self.PEER) == (BLOCKED, "ct_failed")
        assert answer(one(PIN, ct={"action": "report"}), self.PEER) == (ALLOWED, "matched")

    def test_a_resumed_session_whose_chain_is_unknown_may_show_a_denied_key(self) -> None:
        resumed = Peer(NAME, chain()[:1], complete=False)
        assert answer(one(PIN), resumed) == (ALLOWED, "matched")
        assert answer(one({"spki_sha256": ISSUER, "position": "ca"}), resumed) == (BLOCKED, "pin_mismatch")
        assert answer(one(PIN, deny=[DIGEST]), resumed) == (BLOCKED, "denied")
        assert answer(document(host("other.example"), deny=[DIGEST]), resumed) == (BLOCKED, "denied")


class TestDenied:
    @pytest.mark.parametrize("key", [LEAF, ISSUER, ROOT], ids=["leaf", "issuer", "root"])
    @pytest.mark.parametrize("place", ["document", "host"])
    def test_a_denied_key_anywhere_in_the_chain_fails_though_a_pin_matches(self, key: str, place: str) -> None:
        found = document(host(NAME, PIN), deny=[key]) if place == "document" else one(PIN, deny=[DIGEST, key])
        assert answer(found) == (BLOCKED, "denied")
        assert "denied" in verdict(found).reasons[0]

    def test_only_the_action_softens_it(self) -> None:
        members: dict[str, Any] = {"deny": [LEAF], "rollout": 0, "when_expired": "allow"}
        assert answer(one(PIN, **members), now=EXPIRES_AT) == (BLOCKED, "denied")
        assert answer(one(PIN, action="report", **members), now=EXPIRES_AT) == (REPORTED, "denied")

    def test_a_peer_that_shows_no_key_may_have_a_denied_one(self) -> None:
        """As anonymous cipher suites and pre-shared keys do it."""
        nobody = Peer(NAME, ())
        assert answer(document(host(NAME, deny=[DIGEST])), nobody) == (BLOCKED, "denied")
        assert answer(document(host(NAME, action="off"), deny=[DIGEST]), nobody) == (ALLOWED, "off")
        assert answer(document(host("other.example"), deny=[DIGEST]), nobody) == (BLOCKED, "denied")
        assert answer(document(host("other.example")), nobody) == (ALLOWED, "unlisted")

    def test_a_key_that_another_pattern_denies_is_fine(self) -> None:
        assert answer(document(host(NAME, PIN), host("other.example", deny=[LEAF]))) == (ALLOWED, "matched")


class TestCt:
    def test_what_was_not_evaluated_passes_where_there_are_pins(self) -> None:
        found = verdict(one(PIN, ct={"action": "enforce"}))
        assert (found.outcome, found.code, found.ct_evaluated) == (ALLOWED, "matched", False)

    @pytest.mark.parametrize(
        ("members", "expected"),
        [
            ({"ct": {"action": "enforce"}}, (BLOCKED, "ct_failed")),
            ({"ct": {"action": "enforce"}, "when_expired": "allow"}, (ALLOWED, "expired")),
            ({"ct": {"action": "report"}}, (REPORTED, "ct_failed")),
            ({"ct": {"action": "report"}, "when_expired": "allow"}, (ALLOWED, "expired")),
            ({"ct": {"action": "enforce"}, "action": "report"}, (REPORTED, "ct_failed")),
            ({"ct": {"action": "enforce"}, "rollout": 0}, (REPORTED, "ct_failed")),
            ({"ct": {"action": "off"}}, (ALLOWED, "matched")),
        ],
        ids=str,
    )
    def test_without_pins_it_is_judged_as_in_an_expired_document(
        self, members: dict[str, Any], expected: tuple[Outcome, str]
    ) -> None:
        assert answer(document(host(NAME, **members))) == expected

    def test_without_validation_it_fails_whatever_the_age_of_the_list(self) -> None:
        found = document(host(NAME, ct={"action": "enforce"}, when_expired="allow"))
        assert answer(found, Peer(NAME, chain(), validated=False)) == (BLOCKED, "ct_failed")

    def test_a_mismatch_of_the_pins_is_said_first(self) -> None:
        found = one(NO_MATCH, ct={"action": "enforce"})
        assert answer(found, Peer(NAME, chain(), validated=False)) == (BLOCKED, "pin_mismatch")


class TestExpired:
    @pytest.mark.parametrize(
        ("members", "pin", "expected"),
        [
            ({}, PIN, (ALLOWED, "matched")),
            ({}, NO_MATCH, (BLOCKED, "pin_mismatch")),
            ({"when_expired": "enforce"}, NO_MATCH, (BLOCKED, "pin_mismatch")),
            ({"when_expired": "allow"}, PIN, (ALLOWED, "matched")),
            ({"when_expired": "allow"}, NO_MATCH, (ALLOWED, "expired")),
            ({"when_expired": "allow", "action": "report"}, NO_MATCH, (ALLOWED, "expired")),
            ({"when_expired": "allow", "rollout": 0}, NO_MATCH, (ALLOWED, "expired")),
        ],
    )
    def test_a_failure_follows_when_expired(
        self, members: dict[str, Any], pin: dict[str, str], expected: tuple[Outcome, str]
    ) -> None:
        found = verdict(one(pin, **members), now=EXPIRES_AT)
        assert ((found.outcome, found.code), found.expired) == (expected, True)
        assert answer(one(NO_MATCH, **members), now=EXPIRES_AT - 1)[1] == "pin_mismatch"

    def test_a_key_set_may_end_it_earlier(self) -> None:
        found = one(NO_MATCH, when_expired="allow")
        assert answer(found, expires_at=NOW) == (ALLOWED, "expired")
        assert answer(found, expires_at=NOW + 1) == (BLOCKED, "pin_mismatch")

    def test_a_bundled_document_never_switches_itself_off(self) -> None:
        found = one(NO_MATCH, when_expired="allow")
        assert answer(found, now=EXPIRES_AT, seeded=True) == (BLOCKED, "pin_mismatch")
        without_pins = document(host(NAME, ct={"action": "enforce"}, when_expired="allow"))
        assert answer(without_pins, seeded=True) == (BLOCKED, "ct_failed")

    def test_a_clock_behind_the_document_stands_at_its_issue(self) -> None:
        started = one({**PIN, "from": ISSUED_AT})
        assert answer(started, now=0) == (ALLOWED, "matched")
        assert not verdict(started, now=0).expired


class TestRollout:
    FIRST = "0" * 32

    def test_the_bucket_is_what_the_design_says(self) -> None:
        digest = hashlib.sha256(b"livepin rollout\n" + b"0" * 32 + b"\n" + b"**.example.com").digest()
        assert bucket(self.FIRST, "**.example.com") == int.from_bytes(digest[:8], "big") % 100
        assert bucket("", "**.example.com") == 0
        assert {bucket(f"{number:032x}", NAME) for number in range(2000)} == set(range(100))

    def test_a_share_enforces_and_the_others_report(self) -> None:
        share = bucket(self.FIRST, NAME)
        assert 0 < share < 99
        assert answer(one(NO_MATCH, rollout=share), installation=self.FIRST) == (REPORTED, "pin_mismatch")
        assert answer(one(NO_MATCH, rollout=share + 1), installation=self.FIRST) == (BLOCKED, "pin_mismatch")

    @pytest.mark.parametrize(("rollout", "outcome"), [(0, REPORTED), (1, BLOCKED), (100, BLOCKED)])
    def test_an_installation_without_a_number_is_in_the_first_bucket(self, rollout: int, outcome: Outcome) -> None:
        assert answer(one(NO_MATCH, rollout=rollout))[0] is outcome

    def test_the_pattern_makes_the_bucket_and_not_the_host(self) -> None:
        pattern = "**.example.com"
        share = bucket(self.FIRST, pattern)
        found = document({**host(pattern, rollout=share), "pins": [NO_MATCH]})
        for name in (NAME, "example.com"):
            assert answer(found, Peer(name, chain()), installation=self.FIRST)[0] is REPORTED

    def test_report_never_blocks(self) -> None:
        assert answer(one(NO_MATCH, action="report")) == (REPORTED, "pin_mismatch")


class TestAPeerWithoutAHost:
    """The caller compares the name itself, afterwards: then every name of the certificate may be the one."""

    @staticmethod
    def peer(*names: str) -> Peer:
        return Peer(None, chain(AUTHORITY.issue(*names)))

    @pytest.mark.parametrize(
        ("names", "expected"),
        [
            (["good.example.com"], (ALLOWED, "matched")),
            (["bad.example.com"], (BLOCKED, "pin_mismatch")),
            (["good.example.com", "bad.example.com"], (BLOCKED, "pin_mismatch")),
            (["bad.example.com", "report.example.com"], (BLOCKED, "pin_mismatch")),
            (["report.example.com", "good.example.com"], (REPORTED, "pin_mismatch")),
            (["*.example.com"], (BLOCKED, "pin_mismatch")),
            (["elsewhere.example", "good.example.com"], (REPORTED, "unlisted")),
            (["elsewhere.example", "bad.example.com"], (BLOCKED, "pin_mismatch")),
            (["elsewhere.example"], (REPORTED, "unlisted")),
            (["192.0.2.1"], (BLOCKED, "pin_mismatch")),
        ],
    )
    def test_all_policies_that_its_certificate_names_must_pass(
        self, names: list[str], expected: tuple[Outcome, str]
    ) -> None:
        peer = self.peer(*names)
        right = {"spki_sha256": peer.chain[0].digest("spki_sha256")}
        found = document(
            host("good.example.com", right),
            host("bad.example.com", NO_MATCH),
            host("report.example.com", NO_MATCH, action="report"),
            host("192.0.2.1", NO_MATCH),
            unlisted="report",
        )
        assert answer(found, peer) == expected
        assert verdict(found, peer).host == ""

    def test_names_that_are_no_hosts_name_no_policy(self) -> None:
        names = sequence(tlv(0x82, b"a..b"), tlv(0x82, "é".encode()), tlv(0x82, b"*.a..b"))
        peer = Peer(None, (Certificate(certificate(extensions(extension(SAN, names)))),))
        assert answer(one(NO_MATCH), peer) == (ALLOWED, "unlisted")

    def test_a_name_that_no_policy_covers_counts_beside_one_that_matches(self) -> None:
        """Nobody knows which of the two the application means."""
        peer = self.peer("good.example.com", "elsewhere.example")
        right = host("good.example.com", {"spki_sha256": peer.chain[0].digest("spki_sha256")})
        assert answer(document(right, unlisted="block"), peer) == (BLOCKED, "unlisted")
        assert answer(document(right, unlisted="allow"), peer) == (ALLOWED, "matched")

    def test_a_peer_that_shows_nothing_is_unlisted(self) -> None:
        assert answer(document(host(NAME, NO_MATCH), unlisted="block"), Peer(None, ())) == (BLOCKED, "unlisted")


class TestWhatAVerdictDependsOn:
    @pytest.mark.parametrize(
        ("entry", "members", "whole"),
        [
            (host(NAME, PIN), {}, False),
            (host(NAME), {}, False),
            (host(NAME, {**PIN, "position": "ca"}), {}, True),
            (host(NAME, PIN, {**PIN, "position": "any"}), {}, True),
            (host(NAME, PIN, deny=[DIGEST]), {}, True),
            (host(NAME, PIN, ct={"action": "report"}), {}, True),
            (host(NAME, PIN), {"deny": [OTHER_DIGEST]}, True),
            (host(NAME, PIN, action="off"), {"deny": [OTHER_DIGEST]}, False),
            (host(NAME, {**PIN, "position": "ca"}, action="off", deny=[DIGEST]), {}, False),
        ],
    )
    def test_more_than_the_leaf_is_needed_when_more_is_judged(
        self, entry: dict[str, Any], members: dict[str, Any], whole: bool
    ) -> None:
        found = document(entry, **members)
        assert needs_chain(found, found.lookup(NAME)) is whole

    def test_an_unlisted_host_needs_the_chain_when_the_document_denies_keys(self) -> None:
        assert not needs_chain(document(), None)
        assert needs_chain(document(deny=[DIGEST]), None)

    @pytest.mark.parametrize("now", range(8, 33, 2))
    def test_between_two_moments_time_alone_changes_nothing(self, now: int) -> None:
        pins = [{**PIN, "from": 10, "until": 20}, {**NO_MATCH, "until": 30}]
        found = document({**host(NAME, when_expired="allow"), "pins": pins}, issued_at=0, expires_at=25)
        since, until = steady(found.lookup(NAME), now, 25)
        assert since <= now < until
        assert [since, until] == bounds(now, [10, 20, 25, 30])
        inside = [moment for moment in range(5, 40) if since <= moment < until]
        assert len({answer(found, now=moment) for moment in inside}) == 1

    def test_an_unlisted_host_changes_with_the_expiry_alone(self) -> None:
        assert steady(None, 5, 10) == (float("-inf"), 10)
        assert steady(None, 10, 10) == (10, float("inf"))


def bounds(now: int, moments: Iterable[int]) -> list[float]:
    ends = [float("-inf"), *moments, float("inf")]
    return next([since, until] for since, until in itertools.pairwise(ends) if since <= now < until)
