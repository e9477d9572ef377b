"""What the guard says before a document is signed: rules G1 to G8, and J6."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from livepin.core.base64s import b64
from livepin.core.document import Document
from livepin.core.guard import (
    DAY,
    MAX_LIFE_OWN_KEYS,
    Circumstances,
    Finding,
    Rule,
    Served,
    check,
    settle,
    warnings,
)
from livepin.core.pins import Certificate
from livepin.testing import CtLog, HandTurnedClock, ct_logs, logged
from livepin.testing.authority import CertificateAuthority, ServerCertificate

NOW = 1_800_000_000
HOST = "api.example.com"
OTHER = b64(bytes(32))
AUTHORITY = CertificateAuthority(intermediates=1)
LIVE = AUTHORITY.issue(HOST)
#: The life of a certificate that is good at `NOW`, whenever these tests run.
START, END = datetime.fromtimestamp(NOW - 2 * DAY, UTC), datetime.fromtimestamp(NOW + 88 * DAY, UTC)


def draft(*hosts: dict[str, Any], **members: Any) -> Document:
    payload = {"format": 1, "organization": "acme", "project": "shop", "serial": 2, "issued_at": NOW}
    return Document.from_payload({**payload, "expires_at": NOW + 30 * DAY, "hosts": list(hosts), **members})


def host(*pins: dict[str, Any], name: str = HOST, action: str = "enforce", **members: Any) -> dict[str, Any]:
    return {"host": name, "action": action, "pins": list(pins), **members}


def pin(digest: str = OTHER, **members: Any) -> dict[str, Any]:
    return {"spki_sha256": digest, **members}


LIVE_PIN, BACKUP = pin(LIVE.spki_sha256), pin()


def served(certificate: ServerCertificate = LIVE, pattern: str = HOST, **members: Any) -> Served:
    chain = tuple(map(Certificate, certificate.chain_der))
    return Served(pattern, members.pop("host", HOST), "192.0.2.1:443", chain, **members)


def findings(document: Document, *looks: Served, **given: Any) -> list[tuple[str, str]]:
    """(rule, pattern) of everything that the guard says; what is served is what is pinned unless given."""
    return [(one.rule.value, one.host) for one in check(document, Circumstances(NOW, looks or (served(),), **given))]


def test_a_pinned_key_and_a_backup_pass() -> None:
    assert findings(draft(host(LIVE_PIN, BACKUP))) == []


class TestG1TwoPinsAndABackup:
    def test_one_pin_is_not_enough(self) -> None:
        assert findings(draft(host(LIVE_PIN))) == [("G1", HOST)]

    def test_one_pin_is_not_enough_even_if_it_is_a_backup(self) -> None:
        found = check(draft(host(BACKUP)), Circumstances(NOW, (served(),)))
        assert (found[0].rule, found[0].message) == (Rule.G1, "active pins: 1, needed: 2")

    def test_an_empty_list_of_pins_blocks_everybody(self) -> None:
        assert findings(draft(host())) == [("G1", HOST), ("G2", HOST)]

    def test_two_pins_of_one_chain_are_no_backup(self) -> None:
        issuer = pin(LIVE.chain_spki_sha256[1], position="ca")
        assert findings(draft(host(LIVE_PIN, issuer))) == [("G1", HOST)]

    def test_the_same_digest_twice_is_one_pin(self) -> None:
        assert findings(draft(host(LIVE_PIN, {**LIVE_PIN, "position": "any"}))) == [("G1", HOST)]

    def test_a_pin_that_ended_or_has_not_begun_does_not_count(self) -> None:
        ended, to_come = pin(until=NOW), pin(b64(b"1" * 32), **{"from": NOW + 1})
        assert findings(draft(host(LIVE_PIN, ended, to_come))) == [("G1", HOST)]

    def test_a_report_only_pattern_needs_no_backup(self) -> None:
        assert findings(draft(host(LIVE_PIN, action="report"))) == []


class TestG2WhatIsServedMatches:
    def test_every_address_counts(self) -> None:
        elsewhere = served(AUTHORITY.issue(HOST))
        assert findings(draft(host(LIVE_PIN, BACKUP)), served(), elsewhere) == [("G2", HOST)]

    def test_an_address_that_does_not_answer_proves_nothing(self) -> None:
        silent = Served(HOST, HOST, "192.0.2.2:443", problem="timed out")
        assert findings(draft(host(LIVE_PIN, BACKUP)), served(), silent) == []

    def test_a_host_none_of_whose_addresses_answers(self) -> None:
        silent = Served(HOST, HOST, "192.0.2.2:443", problem="timed out")
        found = check(draft(host(LIVE_PIN, BACKUP)), Circumstances(NOW, (silent,)))
        assert [one.rule for one in found] == [Rule.G2]
        assert "192.0.2.2:443: timed out" in found[0].message

    def test_a_wildcard_that_nobody_looked_at(self) -> None:
        assert findings(draft(host(LIVE_PIN, BACKUP, name="*.example.com"))) == [("G2", "*.example.com")]

    def test_a_chain_that_ordinary_validation_refuses(self) -> None:
        look = served(validated=False, problem="certificate has expired")
        found = check(draft(host(LIVE_PIN, BACKUP)), Circumstances(NOW, (look,)))
        assert [one.rule for one in found] == [Rule.G2]
        assert "certificate has expired" in found[0].message

    def test_a_denied_key_that_is_served(self) -> None:
        assert findings(draft(host(LIVE_PIN, BACKUP), deny=[LIVE.spki_sha256])) == [("G2", HOST)]

    def test_a_report_only_pattern_may_mismatch(self) -> None:
        assert findings(draft(host(BACKUP, action="report"))) == []

    def test_a_small_rollout_is_judged_like_a_full_one(self) -> None:
        assert findings(draft(host(BACKUP, pin(b64(b"2" * 32)), rollout=0))) == [("G2", HOST)]


class TestG3NothingThatIsServedIsRemoved:
    PUBLISHED = draft(host(LIVE_PIN, BACKUP))

    def test_the_served_pin_is_replaced_too_early(self) -> None:
        after = draft(host(BACKUP, pin(b64(b"3" * 32))))
        assert findings(after, published=self.PUBLISHED) == [("G2", HOST), ("G3", HOST)]

    def test_the_host_is_removed_whole(self) -> None:
        assert findings(draft(), published=self.PUBLISHED) == [("G3", HOST)]

    def test_a_wildcard_with_the_same_pin_takes_over(self) -> None:
        after = draft(host(LIVE_PIN, BACKUP, name="**.example.com"))
        looks = served(), served(pattern="**.example.com")
        assert findings(after, *looks, published=self.PUBLISHED) == []

    def test_another_digest_of_the_same_key_keeps_it_pinned(self) -> None:
        same = {"spki_sha512": Certificate(LIVE.der).digest("spki_sha512")}
        assert findings(draft(host(same, BACKUP)), published=self.PUBLISHED) == []

    def test_a_pin_that_is_not_served_may_go(self) -> None:
        after = draft(host(LIVE_PIN, pin(b64(b"4" * 32))))
        assert findings(after, published=self.PUBLISHED) == []

    def test_switching_the_pattern_off_is_no_removal(self) -> None:
        off = {"host": HOST, "action": "off"}
        assert findings(draft(off), published=self.PUBLISHED) == []
        assert findings(draft(), published=draft(off)) == []

    def test_a_policy_that_had_no_pins_loses_none(self) -> None:
        before = draft({"host": HOST, "action": "enforce", "deny": [OTHER]})
        assert findings(draft(), published=before) == []

    def test_the_last_pin_is_removed_and_denied_keys_stay(self) -> None:
        after = draft({"host": HOST, "action": "enforce", "deny": [OTHER]})
        assert findings(after, published=self.PUBLISHED) == [("G3", HOST)]

    def test_a_host_that_is_new_had_nothing_to_lose(self) -> None:
        assert findings(draft(host(LIVE_PIN, BACKUP)), published=draft()) == []


class TestG4NothingExpiresFirst:
    def test_a_pin_that_ends_while_the_document_lives(self) -> None:
        ends = pin(b64(b"5" * 32), until=NOW + DAY)
        assert findings(draft(host(LIVE_PIN, BACKUP, ends))) == [("G4", HOST)]

    @pytest.mark.parametrize("until", [NOW, NOW + 30 * DAY])
    def test_a_pin_that_ended_before_or_ends_with_the_document(self, until: int) -> None:
        assert findings(draft(host(LIVE_PIN, BACKUP, pin(b64(b"5" * 32), until=until)))) == []

    def test_a_document_that_is_over_before_it_begins(self) -> None:
        assert findings(draft(issued_at=NOW - DAY, expires_at=NOW)) == [("G4", "")]

    def test_a_key_set_that_ends_first(self) -> None:
        assert findings(draft(), keyset_expires_at=NOW + 29 * DAY) == [("G4", "")]
        assert findings(draft(), keyset_expires_at=NOW + 30 * DAY) == []

    def test_what_ends_before_statements_can_prolong_the_document(self) -> None:
        """The document lives for a day, and statements keep it in force for three weeks."""
        longer: dict[str, Any] = {"expires_at": NOW + DAY, "extendable_until": NOW + 21 * DAY}
        assert findings(draft(**longer), keyset_expires_at=NOW + 20 * DAY) == [("G4", "")]
        assert findings(draft(**longer), keyset_expires_at=NOW + 21 * DAY) == []
        ending = pin(until=NOW + 20 * DAY)
        assert findings(draft(host(LIVE_PIN, BACKUP, ending), **longer)) == [("G4", HOST)]
        assert findings(draft(host(LIVE_PIN, BACKUP, {**ending, "until": NOW + 21 * DAY}), **longer)) == []


class TestG5Life:
    def test_thirty_days_for_a_server_and_ninety_for_own_keys(self) -> None:
        longer = draft(expires_at=NOW + 30 * DAY + 1)
        assert findings(longer) == [("G5", "")]
        assert findings(longer, max_life=MAX_LIFE_OWN_KEYS) == []
        assert findings(draft(expires_at=NOW + 90 * DAY + 1), max_life=MAX_LIFE_OWN_KEYS) == [("G5", "")]

    def test_a_document_that_can_be_prolonged_for_too_long(self) -> None:
        short = {"expires_at": NOW + DAY}
        assert findings(draft(**short, extendable_until=NOW + 30 * DAY)) == []
        found = check(draft(**short, extendable_until=NOW + 31 * DAY), Circumstances(NOW, (served(),)))
        assert [(one.rule, one.hint) for one in found] == [(Rule.G5, "Set a smaller extendable_days.")]
        # Where it lives too long by itself, that is said, and once.
        assert findings(draft(expires_at=NOW + 31 * DAY, extendable_until=NOW + 32 * DAY)) == [("G5", "")]


ONE, TWO = CtLog("one", clock=HandTurnedClock(NOW - DAY)), CtLog("two", static=True, clock=HandTurnedClock(NOW - DAY))
WITH_SCTS = logged(AUTHORITY, AUTHORITY.issue(HOST, key=LIVE.key, not_before=START, not_after=END), ONE, TWO)


def with_ct(action: str = "enforce", *pins: dict[str, Any], age: int = 0, **rule: Any) -> Document:
    """A draft with a CT rule, and a list of both logs that is `age` seconds old."""
    ct = {"action": action, "policy": "chrome", **rule}
    return draft(host(*(pins or (LIVE_PIN, BACKUP)), ct=ct), ct_logs=ct_logs(ONE, TWO, issued_at=NOW - age))


def told(document: Document) -> list[str]:
    return [one.message for one in warnings(document, NOW)]


class TestG6Ct:
    def test_the_live_chain_meets_the_rule(self) -> None:
        assert findings(with_ct(), served(WITH_SCTS)) == []

    def test_the_live_chain_has_no_scts(self) -> None:
        found = check(with_ct(), Circumstances(NOW, (served(),)))
        assert [one.rule for one in found] == [Rule.G6]
        assert "192.0.2.1:443 would be refused: the certificate came with no SCT" in found[0].message

    def test_declared_logs_are_not_those_that_it_uses(self) -> None:
        found = check(with_ct(operators=["one"]), Circumstances(NOW, (served(WITH_SCTS),)))
        assert [one.rule for one in found] == [Rule.G6]
        assert "operators of these logs: 1, needed: 2" in found[0].message
        assert findings(with_ct(operators=["one", "two"]), served(WITH_SCTS)) == []
        assert findings(with_ct(policy="any", logs=[ONE.id]), served(WITH_SCTS)) == []

    def test_one_address_of_two(self) -> None:
        assert findings(with_ct(), served(WITH_SCTS), served()) == [("G6", HOST)]

    def test_an_address_that_does_not_answer_and_a_chain_that_is_not_valid_are_g2s(self) -> None:
        silent = Served(HOST, HOST, "192.0.2.2:443", problem="timed out")
        assert findings(with_ct(), served(WITH_SCTS), silent) == []
        # Without SCTs: nobody knows the issuer, so nothing is said of them.
        assert findings(with_ct(), served(validated=False, problem="expired")) == [("G2", HOST)]

    def test_reported_ct_and_report_only_patterns_may_fail(self) -> None:
        assert findings(with_ct("report"), served()) == []
        rule = {"action": "enforce", "policy": "chrome"}
        assert findings(draft(host(LIVE_PIN, BACKUP, action="report", ct=rule)), served()) == []

    def test_without_a_list_nothing_is_evaluated(self) -> None:
        found = check(draft(host(LIVE_PIN, BACKUP, ct={"action": "enforce"})), Circumstances(NOW, (served(WITH_SCTS),)))
        assert [(one.rule, one.message) for one in found] == [
            (Rule.G6, "CT was not evaluated: the document lists no logs")
        ]

    def test_without_a_list_and_without_pins_it_is_told_once(self) -> None:
        only_ct = {"host": HOST, "action": "enforce", "ct": {"action": "enforce"}}
        assert findings(draft(only_ct)) == [("G6", HOST)]

    @pytest.mark.parametrize(("age", "found"), [(70 * DAY, []), (70 * DAY + 1, [("G6", HOST)]), (-301, [("G6", HOST)])])
    def test_the_list_is_too_old_or_from_the_future(self, age: int, found: list[tuple[str, str]]) -> None:
        assert findings(with_ct(age=age), served(WITH_SCTS)) == found

    def test_a_reason_overrides_it(self) -> None:
        found = check(with_ct(), Circumstances(NOW, (served(),)))
        settled = settle(found, {Rule.G6: "the certificate with SCTs comes tonight"})
        assert (settled.open, len(settled.overridden)) == ((), 1)

    @pytest.mark.parametrize(("days", "found"), [(40, []), (41, [("G4", HOST)])])
    def test_without_pins_the_list_must_outlive_the_document(self, days: int, found: list[tuple[str, str]]) -> None:
        """J7: when it is too old, everybody is blocked. The document lives 30 days."""
        only_ct = {"host": HOST, "action": "enforce", "ct": {"action": "enforce", "policy": "chrome"}}
        listed = ct_logs(ONE, TWO, issued_at=NOW - days * DAY)
        assert findings(draft(only_ct, ct_logs=listed), served(WITH_SCTS)) == found


class TestWarnings:
    @pytest.mark.parametrize(("days", "says"), [(0, False), (49, False), (50, True), (70, True)])
    @pytest.mark.parametrize("action", ["enforce", "report"])
    def test_from_fifty_days_on_the_list_is_old(self, days: int, says: bool, action: str) -> None:
        assert told(with_ct(action, age=days * DAY)) == (
            [f"the list of logs is {days} days old; in {70 - days} days CT is not evaluated any more"] if says else []
        )

    def test_what_enforces_is_refused_and_what_reports_is_warned_about(self) -> None:
        reason = "CT was not evaluated: the list of logs is 71 days old"
        assert told(with_ct("report", age=71 * DAY)) == [reason]
        assert told(with_ct("enforce", age=71 * DAY)) == []
        assert told(draft(host(LIVE_PIN, ct={"action": "report"}))) == [
            "CT was not evaluated: the document lists no logs"
        ]

    def test_nobody_asks_for_ct(self) -> None:
        assert told(draft(host(LIVE_PIN))) == []
        rule = {"action": "enforce"}
        assert (
            told(draft(host(LIVE_PIN, action="off", ct=rule), host(name="b.example.com", ct={"action": "off"}))) == []
        )

    def test_a_warning_stops_nothing_and_needs_no_reason(self) -> None:
        warned = warnings(with_ct(age=60 * DAY), NOW)
        settled = settle((), {}, warned)
        assert (settled.open, settled.overridden, settled.warned) == ((), (), warned)


class TestG7WhenExpired:
    def test_allow_needs_a_reason(self) -> None:
        allowing = draft(host(LIVE_PIN, BACKUP, when_expired="allow"))
        assert findings(allowing) == [("G7", HOST)]
        assert findings(allowing, reasons={HOST: "  "}) == [("G7", HOST)]
        assert findings(allowing, reasons={HOST: "set-top boxes without a clock"}) == []


class TestG8PublicSuffix:
    def test_a_wildcard_on_a_public_suffix(self) -> None:
        suffixes = frozenset({"co.uk", HOST})
        wild = {"host": "**.co.uk", "action": "off"}
        assert findings(draft(wild), public_suffixes=suffixes) == [("G8", "**.co.uk")]
        assert findings(draft(host(LIVE_PIN, BACKUP)), public_suffixes=suffixes) == []


class TestJ6Substance:
    @pytest.mark.parametrize("action", ["enforce", "report"])
    def test_a_policy_that_judges_nothing(self, action: str) -> None:
        assert ("J6", HOST) in findings(draft({"host": HOST, "action": action}))

    def test_off_needs_nothing(self) -> None:
        assert findings(draft({"host": HOST, "action": "off"})) == []

    def test_denied_keys_are_enough(self) -> None:
        assert findings(draft({"host": HOST, "action": "enforce", "deny": [OTHER]})) == []


class TestOverrides:
    G1 = Finding(Rule.G1, HOST, "active pins: 1, needed: 2", "")
    J6 = Finding(Rule.J6, HOST, "judges nothing", "")

    def test_a_reason_overrides_its_rule_and_no_other(self) -> None:
        settled = settle([self.G1, self.J6], {Rule.G1: " moving next week "})
        assert settled.open == (self.J6,)
        assert [(one.finding, one.reason) for one in settled.overridden] == [(self.G1, "moving next week")]

    def test_an_empty_reason_overrides_nothing(self) -> None:
        assert settle([self.G1], {Rule.G1: " "}).open == (self.G1,)

    def test_nothing_overrides_a_policy_that_judges_nothing(self) -> None:
        assert settle([self.J6], {Rule.J6: "I like it"}).open == (self.J6,)
