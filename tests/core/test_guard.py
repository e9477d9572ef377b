"""What the guard says before a document is signed: rules G1 to G8, and J6."""

from __future__ import annotations

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
)
from livepin.core.pins import Certificate
from livepin.testing.authority import CertificateAuthority, ServerCertificate

NOW = 1_800_000_000
HOST = "api.example.com"
OTHER = b64(bytes(32))
AUTHORITY = CertificateAuthority(intermediates=1)
LIVE = AUTHORITY.issue(HOST)


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


class TestG5Life:
    def test_thirty_days_for_a_server_and_ninety_for_own_keys(self) -> None:
        longer = draft(expires_at=NOW + 30 * DAY + 1)
        assert findings(longer) == [("G5", "")]
        assert findings(longer, max_life=MAX_LIFE_OWN_KEYS) == []
        assert findings(draft(expires_at=NOW + 90 * DAY + 1), max_life=MAX_LIFE_OWN_KEYS) == [("G5", "")]


class TestG6Ct:
    def test_enforced_ct_cannot_be_evaluated_yet(self) -> None:
        assert findings(draft(host(LIVE_PIN, BACKUP, ct={"action": "enforce"}))) == [("G6", HOST)]

    def test_enforced_ct_without_pins_is_told_once(self) -> None:
        only_ct = {"host": HOST, "action": "enforce", "ct": {"action": "enforce"}}
        assert findings(draft(only_ct)) == [("G6", HOST)]

    def test_reported_ct_is_fine(self) -> None:
        assert findings(draft(host(LIVE_PIN, BACKUP, ct={"action": "report"}))) == []


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
