"""Judging a peer by the CT rule: J7, and J4, J8 and J9 where they meet it."""

from __future__ import annotations

from typing import Any

import pytest

from livepin.core.ct_policy import moments
from livepin.core.document import Document
from livepin.core.judge import Peer, judge, steady
from livepin.core.pins import Certificate
from livepin.core.sct import Delivered, Delivery, SctVerdict
from livepin.core.verdict import Outcome, SctEvidence, Verdict
from livepin.testing import SctFault
from livepin.testing.ct_log import sct_list
from tests.core.ct_world import LOGGED_AT, ONE, ONE_MORE, TWO, chain_of, issued, with_scts
from tests.core.signing import DAY, DIGEST, ISSUED_AT, NOW, host, payload

NAME = "api.example.com"
ALLOWED, REPORTED, BLOCKED = Outcome.ALLOWED, Outcome.REPORTED, Outcome.BLOCKED
EXPIRED = ISSUED_AT + 30 * DAY
GOOD, BAD = with_scts(ONE, TWO), with_scts(ONE, TWO.faulty(SctFault.BAD_SIGNATURE))
NO_PIN = {"spki_sha256": DIGEST}


def pin(chain: tuple[Certificate, ...]) -> dict[str, str]:
    return {"spki_sha256": chain[0].digest("spki_sha256")}


def document(
    *pins: Any, ct: Any = None, issued_at: int | None = NOW - DAY, logs: Any = (ONE, TWO, ONE_MORE), **members: Any
) -> Document:
    """A document with one pattern; `issued_at` is that of the list of logs, None for no list."""
    rule = {"action": "enforce", "policy": "chrome", **(ct or {})}
    listed = {"issued_at": issued_at, "logs": [log.entry() for log in logs]}
    return Document.from_payload(
        payload(host(NAME, *pins, ct=rule, **members), **({} if issued_at is None else {"ct_logs": listed}))
    )


def verdict(found: Document, chain: tuple[Certificate, ...] = GOOD, now: float = NOW, **peer: Any) -> Verdict:
    return judge(found, Peer(NAME, chain, **peer), now)


def answer(found: Document, chain: tuple[Certificate, ...] = GOOD, now: float = NOW, **peer: Any) -> tuple[Any, ...]:
    given = verdict(found, chain, now, **peer)
    return given.outcome, given.code, given.ct_evaluated


class TestEvaluated:
    @pytest.mark.parametrize("pins", [(), (pin(GOOD), pin(BAD))], ids=["CT alone", "pins too"])
    def test_a_certificate_that_was_logged_passes_and_one_that_was_not_fails(self, pins: tuple[Any, ...]) -> None:
        found = document(*pins)
        assert answer(found) == (ALLOWED, "matched", True)
        assert answer(found, BAD) == (BLOCKED, "ct_failed", True)
        if not pins:
            assert answer(found, chain_of(issued())) == (BLOCKED, "ct_failed", True)

    def test_a_verdict_shows_what_it_was_given_for(self) -> None:
        good, bad = verdict(document()), verdict(document(), BAD)
        assert (good.reasons, bad.reasons) == (
            (),
            ("logs whose SCTs count: 1, needed: 2", "operators of these logs: 1, needed: 2"),
        )
        assert [one.counts for one in good.scts] == [True, True]
        assert [(one.verdict, one.counts) for one in bad.scts] == [
            (SctVerdict.OK, True),
            (SctVerdict.BAD_SIGNATURE, False),
        ]
        assert good.as_json()["scts"][0] == {
            "log_id": ONE.id,
            "timestamp": LOGGED_AT * 1000,
            "leaf_index": None,
            "verdict": "ok",
            "operator": "One",
            "delivery": "embedded",
            "ignored": "",
        }
        assert str(good.scts[0]) == f"SCT of One {ONE.id} at {LOGGED_AT}000: counts"
        unreadable = SctEvidence(None, None, None, SctVerdict.MALFORMED, ignored="malformed")
        assert str(unreadable) == "SCT of a log that cannot be read at None: malformed"

    @pytest.mark.parametrize(
        ("members", "expected"),
        [
            ({"ct": {"action": "report"}}, (REPORTED, "ct_failed", True)),
            ({"action": "report"}, (REPORTED, "ct_failed", True)),
            ({"rollout": 0}, (REPORTED, "ct_failed", True)),
            ({"ct": {"action": "off"}}, (ALLOWED, "matched", None)),
            ({"action": "off"}, (ALLOWED, "off", None)),
            ({"when_expired": "allow"}, (BLOCKED, "ct_failed", True)),
        ],
        ids=str,
    )
    def test_what_a_failure_does_is_said_elsewhere(self, members: dict[str, Any], expected: tuple[Any, ...]) -> None:
        assert answer(document(pin(BAD), **members), BAD) == expected
        assert answer(document(**members), BAD) == expected

    def test_in_an_expired_document_a_failure_follows_when_expired(self) -> None:
        allow, enforce = document(when_expired="allow"), document(when_expired="enforce")
        assert answer(allow, BAD, EXPIRED) == (ALLOWED, "expired", True)
        assert answer(allow, BAD, EXPIRED - 1) == (BLOCKED, "ct_failed", True)
        assert answer(enforce, BAD, EXPIRED) == (BLOCKED, "ct_failed", True)
        assert answer(allow, GOOD, EXPIRED) == (ALLOWED, "matched", True)

    def test_a_denied_key_and_a_mismatch_are_said_first_and_the_evidence_of_the_latter_is_kept(self) -> None:
        denied = verdict(document(deny=[pin(GOOD)["spki_sha256"]]), GOOD)
        assert (denied.code, denied.ct_evaluated, denied.scts) == ("denied", None, ())
        found = verdict(document(NO_PIN), BAD)
        assert (found.code, found.ct_evaluated, len(found.scts)) == ("pin_mismatch", True, 2)
        assert len(found.reasons) == 3

    def test_with_ct_report_a_mismatch_of_the_pins_still_blocks(self) -> None:
        assert answer(document(NO_PIN, ct={"action": "report"}), BAD) == (BLOCKED, "pin_mismatch", True)

    def test_the_declared_operators_and_logs_decide(self) -> None:
        for ct, passes in (
            ({"operators": ["One", "Two"]}, True),
            ({"operators": ["One"]}, False),
            ({"operators": ["One"], "logs": [TWO.id]}, True),
            ({"policy": "any", "logs": [TWO.id]}, True),
            ({"policy": "any", "logs": [ONE_MORE.id]}, False),
        ):
            assert (answer(document(ct=ct))[0] is ALLOWED) is passes, ct

    def test_scts_that_the_caller_hands_over_are_looked_at(self) -> None:
        chain = chain_of(issued())
        value = sct_list(*(log.sct_of_certificate(chain[0].der) for log in (ONE, TWO)))
        assert answer(document(), chain, delivered=(Delivered(Delivery.TLS, value),)) == (ALLOWED, "matched", True)

    def test_a_certificate_that_cannot_be_read_fails(self) -> None:
        broken = Certificate(GOOD[0].der[:-1])
        assert answer(document(), (broken, *GOOD[1:])) == (BLOCKED, "ct_failed", True)
        assert answer(document(), ()) == (BLOCKED, "ct_failed", True)

    def test_a_peer_without_a_name_must_meet_the_rule_of_every_name_it_has(self) -> None:
        assert judge(document(), Peer(None, GOOD), NOW).code == "matched"
        assert judge(document(), Peer(None, BAD), NOW).code == "ct_failed"


class TestNotEvaluated:
    @pytest.mark.parametrize("issued_at", [None, NOW - 70 * DAY - 1, NOW + 301])
    @pytest.mark.parametrize("chain", [GOOD, BAD, chain_of(issued())])
    def test_beside_pins_it_passes_and_the_verdict_says_so(
        self, issued_at: int | None, chain: tuple[Certificate, ...]
    ) -> None:
        found = verdict(document(pin(chain), issued_at=issued_at), chain)
        assert (found.outcome, found.code, found.ct_evaluated, found.scts) == (ALLOWED, "matched", False, ())
        assert "CT was not evaluated" in found.reasons[0]

    @pytest.mark.parametrize("issued_at", [None, NOW - 70 * DAY - 1, NOW + 301])
    @pytest.mark.parametrize(
        ("members", "expected"),
        [
            ({}, (BLOCKED, "ct_failed", False)),
            ({"when_expired": "allow"}, (ALLOWED, "expired", False)),
            ({"ct": {"action": "report"}}, (REPORTED, "ct_failed", False)),
            ({"ct": {"action": "report"}, "when_expired": "allow"}, (ALLOWED, "expired", False)),
            ({"rollout": 0}, (REPORTED, "ct_failed", False)),
        ],
        ids=str,
    )
    def test_without_pins_it_is_judged_as_in_an_expired_document(
        self, issued_at: int | None, members: dict[str, Any], expected: tuple[Any, ...]
    ) -> None:
        assert answer(document(issued_at=issued_at, **members)) == expected

    def test_the_later_of_the_clock_and_the_documents_issue_counts(self) -> None:
        fresh = document(issued_at=ISSUED_AT)
        assert answer(fresh, now=0)[2] is True
        assert answer(document(issued_at=ISSUED_AT - 71 * DAY), now=0)[2] is False


class TestChain:
    """J4: only the validated chain says who issued a certificate."""

    def test_without_validation_enforcing_fails_however_old_the_list_is(self) -> None:
        for issued_at in (NOW - DAY, NOW - 71 * DAY, NOW + DAY, None):
            for members in ({}, {"when_expired": "allow"}):
                found = document(pin(GOOD), issued_at=issued_at, **members)
                assert answer(found, validated=False) == (BLOCKED, "ct_failed", False)
                assert answer(document(issued_at=issued_at, **members), validated=False)[:2] == (BLOCKED, "ct_failed")

    def test_without_validation_reporting_judges_what_is_known(self) -> None:
        report = {"action": "report"}
        assert answer(document(pin(GOOD), ct=report), validated=False) == (REPORTED, "ct_failed", True)
        old = document(pin(GOOD), ct=report, issued_at=None)
        assert answer(old, validated=False) == (ALLOWED, "matched", False)

    def test_where_a_resumed_session_has_lost_its_chain_the_rule_fails(self) -> None:
        assert answer(document(pin(GOOD)), GOOD[:1], complete=False) == (BLOCKED, "ct_failed", True)
        assert answer(document(pin(GOOD)), GOOD, complete=False) == (BLOCKED, "ct_failed", True)
        assert "the issuer is not known" in verdict(document(), GOOD, complete=False).reasons[0]
        old = document(pin(GOOD), issued_at=NOW - 71 * DAY)
        assert answer(old, GOOD[:1], complete=False) == (ALLOWED, "matched", False)

    def test_the_issuer_that_the_server_sends_is_not_asked(self) -> None:
        leaf, issuer, root = GOOD
        assert answer(document(), (leaf, root, issuer)) == (BLOCKED, "ct_failed", True)


class TestOnce:
    def test_a_leaf_is_verified_once_per_document(self) -> None:
        found = document()
        logs = found.ct_logs
        assert logs is not None
        for _ in range(3):
            verdict(found)
            judge(found, Peer(None, GOOD), NOW + 1)
        assert len(logs.checked) == 1

    def test_a_remembered_verdict_ends_when_time_changes_the_answer(self) -> None:
        half = DAY // 2
        entries = [ONE.entry("retired", retired_at=NOW + half), TWO.entry("retired", retired_at=NOW + DAY)]
        listed = {"issued_at": NOW - 68 * DAY, "logs": entries}
        rule = {"action": "enforce", "policy": "chrome"}
        found = Document.from_payload(payload(host(NAME, pin(GOOD), ct=rule), ct_logs=listed))
        spans: list[tuple[float, str, bool | None]] = []
        now = float(NOW)
        while now < EXPIRED:
            given = verdict(found, now=now)
            since, until = steady(found.policy(NAME), now, EXPIRED, moments(found.ct_logs, given.scts))
            assert since <= now < until
            spans.append((now, given.code, given.ct_evaluated))
            now = until
        assert spans == [
            (NOW, "matched", True),
            (NOW + half, "matched", True),
            (NOW + DAY, "ct_failed", True),
            (pytest.approx(NOW + 2 * DAY), "matched", False),
        ]
