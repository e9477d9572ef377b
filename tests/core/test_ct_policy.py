"""Rule J7: which SCTs count, and whether they are enough for `chrome`, `apple` and `any`."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import pytest
from cryptography import x509

from livepin.core.ct_policy import CtCode, CtResult, Ignored, evaluate, moments
from livepin.core.logs import LogList
from livepin.core.pins import Certificate
from livepin.core.sct import Delivered, Delivery, SctVerdict
from livepin.testing import CtLog, HandTurnedClock, SctFault
from livepin.testing.ct_log import sct_list
from tests.core.ct_world import (
    AUTHORITY,
    LOGGED_AT,
    ONE,
    ONE_MORE,
    TWO,
    TWO_MORE,
    Members,
    chain_of,
    embedded,
    issued,
    list_of,
    listing,
    rule,
    with_list,
    with_scts,
)
from tests.core.signing import DAY, NOW

POLICIES = ("any", "chrome", "apple")
SHORT, LONG = 180 * DAY, 181 * DAY


def result(
    chain: Sequence[Certificate], policy: str = "any", logs: LogList | None = None, now: float = NOW, **given: Any
) -> CtResult:
    return evaluate(rule(policy), list_of() if logs is None else logs, chain, now, **given)


def codes(chain: Sequence[Certificate], policy: str = "any", logs: LogList | None = None, **given: Any) -> list[str]:
    found = result(chain, policy, logs, **given)
    assert found.evaluated
    assert found.satisfied is not bool(found.reasons)
    return [reason.code for reason in found.reasons]


def ignored(chain: Sequence[Certificate], policy: str = "any", logs: LogList | None = None, **given: Any) -> list[str]:
    return [one.ignored for one in result(chain, policy, logs, **given).scts]


class TestList:
    @pytest.mark.parametrize("policy", POLICIES)
    def test_without_a_list_nothing_is_evaluated(self, policy: str) -> None:
        found = evaluate(rule(policy), None, with_scts(ONE, TWO), NOW)
        assert (found.evaluated, found.satisfied, found.scts) == (False, False, ())
        assert [reason.code for reason in found.reasons] == [CtCode.LIST_ABSENT]

    @pytest.mark.parametrize(
        ("age", "code"),
        [
            (0, None),
            (69 * DAY, None),
            (70 * DAY, None),
            (70 * DAY + 0.001, CtCode.LIST_TOO_OLD),
            (71 * DAY, CtCode.LIST_TOO_OLD),
            (-300, None),
            (-300.001, CtCode.LIST_FROM_THE_FUTURE),
            (-DAY, CtCode.LIST_FROM_THE_FUTURE),
        ],
    )
    def test_a_list_is_used_for_seventy_days(self, age: float, code: CtCode | None) -> None:
        logs = list_of()
        found = evaluate(rule(), logs, with_scts(ONE), logs.issued_at + age)
        # (Far enough in the past the SCT is from the future; that is another matter.)
        assert found.evaluated is (code is None)
        assert code is None or [reason.code for reason in found.reasons] == [code]

    def test_an_empty_list_is_a_list(self) -> None:
        assert codes(with_scts(ONE), logs=listing()) == [CtCode.NO_SCT]

    def test_how_old_it_is_is_said(self) -> None:
        (reason,) = result(with_scts(ONE), logs=listing(issued_at=NOW - 93 * DAY)).reasons
        assert "93 days old" in reason.text


class TestCertificate:
    @pytest.mark.parametrize("policy", POLICIES)
    def test_one_without_scts_does_not_do(self, policy: str) -> None:
        (reason,) = result(chain_of(issued()), policy).reasons
        assert (reason.code, reason.text) == (CtCode.NO_SCT, "the certificate came with no SCT")

    @pytest.mark.parametrize("policy", POLICIES)
    def test_one_whose_scts_are_all_faulty_does_not_do(self, policy: str) -> None:
        faults = [log.faulty(fault) for fault in SctFault for log in (ONE, TWO, ONE_MORE)]
        found = result(with_scts(*faults), policy)
        assert [reason.code for reason in found.reasons] == [CtCode.NO_SCT]
        assert found.reasons[0].text == "none of its SCTs counts, of 12"
        assert not any(one.counts for one in found.scts)

    @pytest.mark.parametrize("policy", POLICIES)
    def test_a_precertificate_does_not_do(self, policy: str) -> None:
        poisoned = AUTHORITY.extended(issued(), x509.PrecertPoison())
        chain = with_list(sct_list(*embedded(poisoned, ONE, TWO, ONE_MORE)), poisoned)
        assert codes(chain, policy) == [CtCode.PRECERTIFICATE]

    def test_without_the_issuer_nothing_embedded_can_be_verified(self) -> None:
        leaf, *_ = with_scts(ONE, TWO)
        assert codes([leaf], "chrome") == [CtCode.ISSUER_UNKNOWN, CtCode.NO_SCT]
        handed_over = (Delivered(Delivery.TLS, sct_list(ONE.sct_of_certificate(leaf.der))),)
        assert codes([leaf], "any", delivered=handed_over) == []

    def test_what_cannot_be_read_is_a_failure_and_no_error(self) -> None:
        leaf, issuer, _ = with_scts(ONE)
        assert codes([Certificate(leaf.der[:-1]), issuer]) == [CtCode.CERTIFICATE_INVALID]
        assert codes([leaf, Certificate(b"")]) == [CtCode.CERTIFICATE_INVALID]
        assert codes([]) == [CtCode.NO_SCT]


class TestWhatCounts:
    @pytest.mark.parametrize("policy", POLICIES)
    def test_the_evidence_shows_every_sct_and_which_counted(self, policy: str) -> None:
        stranger = CtLog(clock=HandTurnedClock(LOGGED_AT))
        found = result(with_scts(ONE, stranger, TWO, ONE.faulty(SctFault.MALFORMED), ONE_MORE), policy)
        assert found.satisfied
        assert [(one.log_id, one.operator, one.verdict, one.counts, one.ignored) for one in found.scts] == [
            (ONE.id, "One", SctVerdict.OK, True, ""),
            (stranger.id, "", SctVerdict.UNKNOWN_LOG, False, "unknown_log"),
            (TWO.id, "Two", SctVerdict.OK, True, ""),
            (None, "", SctVerdict.MALFORMED, False, "malformed"),
            (ONE_MORE.id, "One", SctVerdict.OK, True, ""),
        ]
        assert found.scts[0].timestamp == LOGGED_AT * 1000
        assert found.scts[0].leaf_index is None
        assert isinstance(found.scts[2].leaf_index, int)

    @pytest.mark.parametrize(
        ("members", "why"),
        [
            ({"state": "qualified"}, ""),
            ({"state": "readonly"}, ""),
            ({"state": "pending"}, Ignored.LOG_STATE),
            ({"state": "rejected"}, Ignored.LOG_STATE),
            ({"state": "strange"}, Ignored.LOG_STATE),
            ({"state": "retired"}, Ignored.LOG_STATE),
            ({"state": "retired", "retired_at": LOGGED_AT + 1}, ""),
            ({"state": "retired", "retired_at": LOGGED_AT}, Ignored.AFTER_RETIREMENT),
            ({"state": "usable", "retired_at": LOGGED_AT}, Ignored.AFTER_RETIREMENT),
            ({"state": "retired", "retired_at": NOW + DAY}, ""),
            ({"from": NOW + 88 * DAY}, ""),
            ({"from": NOW + 88 * DAY + 1}, Ignored.INTERVAL),
            ({"until": NOW + 88 * DAY}, Ignored.INTERVAL),
            ({"until": NOW + 88 * DAY + 1}, ""),
        ],
        ids=str,
    )
    def test_state_and_interval_of_the_log_must_allow_it(self, members: Members, why: str) -> None:
        chain = with_scts(ONE)  # it ends 88 days from now
        logs = listing({**ONE.entry(), **members})
        assert ignored(chain, logs=logs) == [why]
        assert codes(chain, logs=logs) == ([CtCode.NO_SCT] if why else [])

    def test_an_sct_from_the_future_does_not_count(self) -> None:
        chain = with_scts(ONE)
        assert ignored(chain, now=LOGGED_AT - 301) == ["future"]
        assert ignored(chain, now=LOGGED_AT - 300) == [""]

    @pytest.mark.parametrize(
        ("operators", "logs", "count"),
        [
            (None, None, (True, True, True)),
            (["One"], None, (True, False, True)),
            (["One", "Two"], None, (True, True, True)),
            (["one"], None, (False, False, False)),
            ([], None, (False, False, False)),
            (None, [TWO.id], (False, True, False)),
            (None, [], (False, False, False)),
            ([], [], (False, False, False)),
            (["One"], [TWO.id], (True, True, True)),
            (["Two"], [ONE.id], (True, True, False)),
            ([], [ONE.id], (True, False, False)),
        ],
    )
    def test_only_declared_logs_count_and_without_a_declaration_all_do(
        self, operators: list[str] | None, logs: list[str] | None, count: tuple[bool, ...]
    ) -> None:
        found = evaluate(rule("any", operators, logs), list_of(), with_scts(ONE, TWO, ONE_MORE), NOW)
        assert tuple(one.counts for one in found.scts) == count
        assert {one.ignored for one in found.scts} <= {"", Ignored.NOT_DECLARED}
        assert found.satisfied is any(count)

    def test_the_policy_is_applied_to_what_is_declared(self) -> None:
        chain = with_scts(ONE, TWO, TWO_MORE)
        found = evaluate(rule("chrome", ["Two"]), list_of(), chain, NOW)
        assert [reason.code for reason in found.reasons] == [CtCode.TOO_FEW_OPERATORS]

    @pytest.mark.parametrize("policy", POLICIES)
    def test_more_scts_never_hurt(self, policy: str) -> None:
        strangers = [CtLog() for _ in range(3)]
        faulty = [ONE.faulty(fault) for fault in SctFault]
        assert codes(with_scts(*faulty, *strangers, ONE, TWO, ONE_MORE), policy) == []


def test_any_is_met_by_one_sct() -> None:
    assert codes(with_scts(ONE, seconds=LONG)) == []
    assert codes(with_scts(TWO, seconds=LONG)) == []


class TestPublished:
    """What `chrome` and `apple` have in common."""

    @pytest.mark.parametrize("policy", ["chrome", "apple"])
    @pytest.mark.parametrize(
        ("logs", "seconds", "missing"),
        [
            ((ONE, TWO), SHORT - 1, []),
            ((ONE, TWO), LONG, [CtCode.TOO_FEW_LOGS]),
            ((ONE, TWO, ONE_MORE), LONG, []),
            ((ONE, TWO, ONE_MORE, TWO_MORE), LONG, []),
            ((ONE,), SHORT - 1, [CtCode.TOO_FEW_LOGS, CtCode.TOO_FEW_OPERATORS]),
            ((ONE, ONE), SHORT - 1, [CtCode.TOO_FEW_LOGS, CtCode.TOO_FEW_OPERATORS]),
            ((ONE, ONE_MORE), SHORT - 1, [CtCode.TOO_FEW_OPERATORS]),
            ((ONE, ONE_MORE, ONE), LONG, [CtCode.TOO_FEW_LOGS, CtCode.TOO_FEW_OPERATORS]),
            ((ONE, TWO, TWO, ONE), LONG, [CtCode.TOO_FEW_LOGS]),
        ],
    )
    def test_logs_and_operators_are_counted(
        self, policy: str, logs: tuple[CtLog, ...], seconds: int, missing: list[CtCode]
    ) -> None:
        assert codes(with_scts(*logs, seconds=seconds), policy) == missing

    @pytest.mark.parametrize("policy", ["chrome", "apple"])
    def test_three_logs_of_one_operator_are_not_enough(self, policy: str) -> None:
        clock = HandTurnedClock(LOGGED_AT)
        third = CtLog("One", clock=clock)
        logs = list_of(ONE, ONE_MORE, third)
        assert codes(with_scts(ONE, ONE_MORE, third, seconds=LONG), policy, logs) == [CtCode.TOO_FEW_OPERATORS]

    @pytest.mark.parametrize("policy", ["chrome", "apple"])
    @pytest.mark.parametrize("state", ["qualified", "usable", "readonly"])
    def test_one_log_must_be_current_and_the_others_may_have_retired(self, policy: str, state: str) -> None:
        chain = with_scts(ONE, TWO)
        retired = {"state": "retired", "retired_at": LOGGED_AT + 1}
        assert codes(chain, policy, listing({**ONE.entry(), **retired}, TWO.entry(state))) == []
        both = listing({**ONE.entry(), **retired}, {**TWO.entry(), **retired})
        assert codes(chain, policy, both) == [CtCode.NO_CURRENT_LOG]

    @pytest.mark.parametrize("policy", ["chrome", "apple"])
    def test_a_log_is_current_until_it_retires(self, policy: str) -> None:
        chain, leaving = with_scts(ONE, TWO), {"state": "retired", "retired_at": NOW}
        logs = listing({**ONE.entry(), **leaving}, {**TWO.entry(), **leaving})
        assert codes(chain, policy, logs, now=NOW - 1) == []
        assert codes(chain, policy, logs, now=NOW) == [CtCode.NO_CURRENT_LOG]

    @pytest.mark.parametrize("policy", ["chrome", "apple"])
    def test_what_the_sentences_say_can_be_acted_on(self, policy: str) -> None:
        found = result(with_scts(ONE, seconds=LONG), policy)
        assert [reason.text for reason in found.reasons] == [
            "logs whose SCTs count: 1, needed: 3",
            "operators of these logs: 1, needed: 2",
        ]


class TestBoundary:
    """180 days exactly: Chrome takes the difference, Apple counts the last second in."""

    @pytest.mark.parametrize(
        ("seconds", "policy", "needed"),
        [
            (SHORT - 1, "chrome", 2),
            (SHORT, "chrome", 2),
            (SHORT + 1, "chrome", 3),
            (SHORT - 1, "apple", 2),
            (SHORT, "apple", 3),
            (SHORT + 1, "apple", 3),
            (398 * DAY - 1, "chrome", 3),
            (398 * DAY - 1, "apple", 3),
            (DAY, "apple", 2),
        ],
    )
    def test_the_number_of_logs_changes_there(self, seconds: int, policy: str, needed: int) -> None:
        logs = (ONE, TWO, ONE_MORE)
        assert codes(with_scts(*logs[:needed], seconds=seconds), policy) == []
        assert CtCode.TOO_FEW_LOGS in codes(with_scts(*logs[: needed - 1], seconds=seconds), policy)


class TestChrome:
    def test_static_logs_alone_will_do(self) -> None:
        assert codes(with_scts(TWO, ONE_MORE), "chrome") == []

    def test_a_log_that_retired_before_the_certificate_was_issued_does_not_count(self) -> None:
        # Its SCT is older than its retirement; the earliest one of a log that is current is not.
        early = CtLog("One", clock=HandTurnedClock(LOGGED_AT - 100))
        late = CtLog("Two", clock=HandTurnedClock(LOGGED_AT))
        chain = with_scts(early, late)
        for retired_at, why in ((LOGGED_AT, Ignored.AFTER_RETIREMENT), (LOGGED_AT + 1, "")):
            logs = listing(early.entry("retired", retired_at=retired_at), late.entry())
            assert ignored(chain, "chrome", logs) == [why, ""]
            assert ignored(chain, "apple", logs) == ["", ""]
            assert bool(codes(chain, "chrome", logs)) is bool(why)

    def test_handed_over_by_tls_two_current_logs_will_do_for_any_life(self) -> None:
        plain = chain_of(issued(LONG))
        both = _by(Delivery.TLS, plain, ONE, TWO)
        assert codes(plain, "chrome", delivered=both) == []
        assert codes(plain, "chrome", delivered=_by(Delivery.TLS, plain, ONE)) == [
            CtCode.TOO_FEW_LOGS,
            CtCode.TOO_FEW_OPERATORS,
        ]
        retired = listing(ONE.entry("retired", retired_at=LOGGED_AT + 1), TWO.entry())
        assert ignored(plain, "chrome", retired, delivered=both) == [Ignored.LOG_STATE, ""]

    def test_embedded_ones_and_those_of_tls_are_not_mixed(self) -> None:
        chain = with_scts(ONE)
        assert codes(chain, "chrome", delivered=_by(Delivery.TLS, chain, TWO)) != []
        chain = with_scts(ONE, TWO)
        assert codes(chain, "chrome", delivered=_by(Delivery.TLS, chain, TWO)) == []

    def test_by_ocsp_none_counts(self) -> None:
        chain = chain_of(issued())
        by_ocsp = _by(Delivery.OCSP, chain, ONE, TWO)
        assert ignored(chain, "chrome", delivered=by_ocsp) == [Ignored.DELIVERY] * 2
        assert codes(chain, "chrome", delivered=by_ocsp) == [CtCode.NO_SCT]


class TestApple:
    def test_one_log_must_be_as_in_rfc_6962(self) -> None:
        assert codes(with_scts(TWO, ONE_MORE), "apple") == [CtCode.NO_RFC6962_LOG]
        assert codes(with_scts(TWO, ONE_MORE, ONE), "apple") == []

    @pytest.mark.parametrize("delivery", [Delivery.TLS, Delivery.OCSP])
    def test_two_current_logs_will_do_when_one_is_handed_over(self, delivery: Delivery) -> None:
        plain = chain_of(issued(LONG))
        assert codes(plain, "apple", delivered=_by(delivery, plain, ONE, TWO)) == []
        mixed = with_scts(ONE, seconds=LONG)
        assert codes(mixed, "apple", delivered=_by(delivery, mixed, TWO)) == []
        assert codes(mixed, "apple", delivered=_by(delivery, mixed, ONE)) != []

    def test_handed_over_a_retired_log_does_not_help(self) -> None:
        mixed = with_scts(ONE)
        logs = listing(ONE.entry(), TWO.entry("retired", retired_at=LOGGED_AT + 1))
        assert codes(mixed, "apple", logs, delivered=_by(Delivery.TLS, mixed, TWO)) == [
            CtCode.TOO_FEW_LOGS,
            CtCode.TOO_FEW_OPERATORS,
        ]
        plain = chain_of(issued())
        assert codes(plain, "apple", logs, delivered=_by(Delivery.TLS, plain, TWO)) == [
            CtCode.NO_CURRENT_LOG,
            CtCode.TOO_FEW_LOGS,
            CtCode.TOO_FEW_OPERATORS,
            CtCode.NO_RFC6962_LOG,
        ]


def _by(delivery: Delivery, chain: Sequence[Certificate], *logs: CtLog) -> tuple[Delivered, ...]:
    return (Delivered(delivery, sct_list(*(log.sct_of_certificate(chain[0].der) for log in logs))),)


class TestMoments:
    def test_time_changes_the_answer_there_and_nowhere_else(self) -> None:
        later = CtLog("Three", clock=HandTurnedClock(LOGGED_AT + DAY))
        retired_at = LOGGED_AT + 7 * DAY
        logs = listing(ONE.entry(retired_at=retired_at), later.entry("rejected"), issued_at=LOGGED_AT - DAY)
        chain = with_scts(ONE, TWO, later, ONE.faulty(SctFault.MALFORMED))
        found = moments(logs, result(chain, "chrome", logs).scts)
        too_old = math.nextafter(logs.issued_at + 70 * DAY, math.inf)
        changes = [logs.issued_at - 300, LOGGED_AT - 300, LOGGED_AT + DAY - 300, retired_at, too_old]
        assert sorted(set(found)) == changes

        def at(now: float) -> tuple[object, ...]:
            answer = result(chain, "chrome", logs, now)
            return answer.evaluated, [reason.code for reason in answer.reasons], answer.scts

        for since, until in itertools.pairwise([changes[0] - DAY, *changes, too_old + 300 * DAY]):
            last = math.nextafter(until, -math.inf)
            assert at(since) == at((since + last) / 2) == at(last)
            assert at(last) != at(until) or until not in changes

    def test_without_a_list_there_are_none(self) -> None:
        assert moments(None, ()) == []
