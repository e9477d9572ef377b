"""What of the log table goes into a document, and rules that will break when the logs' shards turn over."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from livepin.author import ct_rules, staging
from livepin.author.ct_logs import LogTable
from livepin.author.ct_rules import TYPICAL_LIFE
from livepin.author.staging import Change, diff
from livepin.core.document import Document
from livepin.testing import CtLog
from tests.author.foreign import DAY, H1, NEXT_H2, NOW, entry, table_of
from tests.author.test_project import GOOD, project_file

#: Shards of this half-year and the next of two operators' logs.
UNO = entry(CtLog("x"), "Uno2026h2")
UNO_NEXT = entry(CtLog("x"), "Uno2027h1", start=H1, end=NEXT_H2)
DUE = entry(CtLog("x"), "Due2026h2", "two")
DUE_NEXT = entry(CtLog("x"), "Due2027h1", "two", start=H1, end=NEXT_H2)
SHARDS = (UNO, UNO_NEXT, DUE, DUE_NEXT)
MINE = entry(CtLog("x"), "mine", "me", start=None, end=None)
RETIRED = entry(CtLog("x"), "Retired2026h2", "two", state="retired", retired_at=NOW - DAY)
USELESS = (
    entry(CtLog("x"), "Pending2026h2", "two", state="pending"),
    entry(CtLog("x"), "Rejected2026h2", "two", state="rejected"),
    entry(CtLog("x"), "Retired2026h2b", "two", state="retired"),
    entry(CtLog("x"), "Ended2026h1", "two", end=NOW),
)
ALL = table_of(*SHARDS, MINE, RETIRED, *USELESS)


def host(**rule: Any) -> dict[str, Any]:
    return {"host": "api.example.com", "action": "enforce", "ct": {"action": "enforce", "policy": "chrome", **rule}}


def names(*hosts: dict[str, Any], table: LogTable = ALL) -> list[str]:
    staged = ct_rules.ct_logs(hosts, table, NOW)
    assert staged is not None
    return ct_rules.names_of(table, [one["id"] for one in staged["logs"]])


class TestWhatADocumentCarries:
    def test_all_that_can_count_where_a_rule_declares_nothing(self) -> None:
        assert names(host()) == [one.name for one in (*SHARDS, MINE, RETIRED)]

    def test_logs_of_declared_operators(self) -> None:
        assert names(host(operators=["two"])) == ["Due2026h2", "Due2027h1", "Retired2026h2"]

    def test_declared_logs_and_no_other(self) -> None:
        assert names(host(logs=[UNO.id, MINE.id, "unknown"])) == ["Uno2026h2", "mine"]

    def test_both_together(self) -> None:
        assert names(host(logs=[UNO.id], operators=["me"])) == ["Uno2026h2", "mine"]

    def test_what_any_rule_asks_for(self) -> None:
        assert names(host(operators=["me"]), host(logs=[UNO.id])) == ["Uno2026h2", "mine"]

    def test_a_rule_that_declares_an_empty_list_asks_for_none(self) -> None:
        assert names(host(operators=[])) == []

    def test_nobody_asks(self) -> None:
        off = {**host(), "action": "off"}
        assert ct_rules.ct_logs([], ALL, NOW) is None
        assert ct_rules.ct_logs([off, host(action="off"), {"host": "x", "action": "enforce"}], ALL, NOW) is None
        assert not ct_rules.wants_logs([off])
        assert ct_rules.wants_logs([host(action="report")])

    def test_a_table_in_which_nothing_was_reviewed(self) -> None:
        assert ct_rules.ct_logs([host()], LogTable(), NOW) is None

    def test_its_date_is_that_of_what_it_carries(self) -> None:
        staged = ct_rules.ct_logs([host()], ALL, NOW)
        assert staged is not None
        assert staged["issued_at"] == NOW - DAY
        assert staged["logs"][0] == UNO.member()

    def test_a_project_is_staged_with_it(self, tmp_path: Path) -> None:
        """The rule of the project file used here declares one operator and one log that the table does not have."""
        project = project_file(tmp_path, GOOD.replace('operators = ["Example"]', 'operators = ["me"]')).read()
        payload = staging.payload_of(project, 1, NOW, ALL)
        assert payload["ct_logs"] == {"issued_at": NOW - DAY, "logs": [MINE.member()]}
        assert "ct_logs" not in staging.payload_of(project, 1, NOW)
        logs = Document.from_payload(payload).ct_logs
        assert logs is not None
        assert [one.id for one in logs.logs] == [MINE.id]

    def test_a_rule_that_is_off_is_left_out(self, tmp_path: Path) -> None:
        text = GOOD.replace('ct = { action = "report"', 'ct = { action = "off"')
        payload = staging.payload_of(project_file(tmp_path, text).read(), 1, NOW, ALL)
        assert "ct" not in payload["hosts"][0]
        assert "ct_logs" not in payload


def test_what_publishing_changes_in_the_logs(tmp_path: Path) -> None:
    """A key is not shown: the ID is its digest."""
    before = {"hosts": [], "ct_logs": {"issued_at": 1, "logs": [UNO.member(), DUE.member()]}}
    after = {"hosts": [], "ct_logs": {"issued_at": 2, "logs": [UNO.member() | {"state": "readonly"}, MINE.member()]}}
    plain = [{name: value for name, value in one.member().items() if name != "key"} for one in (UNO, DUE, MINE)]
    assert diff(before, after) == (
        Change("changed", "ct_logs issued_at", 1, 2),
        Change("changed", "ct_logs", plain[0], {**plain[0], "state": "readonly"}),
        Change("removed", "ct_logs", plain[1]),
        Change("added", "ct_logs", None, plain[2]),
    )
    assert [one.what for one in diff({"hosts": []}, before)] == ["added", "added", "added"]
    assert [one.what for one in diff(before, {"hosts": []})] == ["removed", "removed", "removed"]
    assert diff(before, before) == ()


class TestShards:
    def test_the_later_shards_of_a_log(self) -> None:
        later = entry(CtLog("x"), "Uno2027h2", start=NEXT_H2, end=None, state="pending")
        gone = entry(CtLog("x"), "Uno2028h1", state="rejected")
        table = table_of(UNO, DUE, later, UNO_NEXT, gone, DUE_NEXT)
        assert ct_rules.shards(table, [UNO], NOW) == (UNO, later, UNO_NEXT)
        assert ct_rules.shards(table, [UNO, UNO_NEXT], NOW) == (UNO, UNO_NEXT, later)

    def test_the_same_name_of_another_operator_is_another_log(self) -> None:
        assert ct_rules.shards(table_of(UNO, entry(CtLog("x"), "Uno2027h1", "two")), [UNO], NOW) == (UNO,)


def told(rule: dict[str, Any], *logs: Any, days: int = 30) -> list[str]:
    """What is said of a rule for a document that lives this long."""
    horizon = NOW + days * DAY + TYPICAL_LIFE
    return [message for message, hint in ct_rules.turnovers(rule, table_of(*logs), NOW, horizon) if hint]


class TestTurnovers:
    """Seen from 2026-11-23, shards turn over on 2027-01-01; certificates of the next weeks end in February."""

    def test_operators_whose_next_shards_are_known(self) -> None:
        assert told({"policy": "chrome", "operators": ["one", "two"]}, *SHARDS) == []
        assert told({"policy": "chrome"}, *SHARDS) == []

    def test_operators_whose_next_shards_the_table_does_not_have(self) -> None:
        rule = {"policy": "chrome", "operators": ["one", "two"]}
        who = "new certificates, if they end on 2027-01-01,"
        assert told(rule, UNO, DUE) == [f"{who} find no log that may count; chrome needs two operators"]
        alone = f"{who} find logs of one alone; chrome needs two operators"
        assert told(rule, UNO, UNO_NEXT, DUE) == [alone]

    def test_one_operator_is_never_enough_for_chrome_and_apple(self) -> None:
        for policy in ("chrome", "apple"):
            assert told({"policy": policy, "operators": ["one"]}, *SHARDS) == [
                f"new certificates find logs of one alone; {policy} needs two operators"
            ]
        assert told({"policy": "any", "operators": ["one"]}, *SHARDS) == []
        assert told({"operators": ["one"]}, UNO) == [
            "new certificates, if they end on 2027-01-01, find no log that may count; any needs one"
        ]

    def test_logs_that_are_named_with_their_next_shards(self) -> None:
        assert told({"policy": "chrome", "logs": [one.id for one in SHARDS]}, *SHARDS) == []

    def test_logs_that_are_named_without_their_next_shards(self) -> None:
        assert told({"policy": "chrome", "logs": [UNO.id, DUE.id]}, *SHARDS) == [
            "Uno2026h2 takes no certificate that ends on 2027-01-01 or later; its next shard is Uno2027h1",
            "Due2026h2 takes no certificate that ends on 2027-01-01 or later; its next shard is Due2027h1",
            "new certificates, if they end on 2027-01-01, find no log that may count; chrome needs two operators",
        ]

    def test_one_of_several_is_not_named_and_the_others_would_do(self) -> None:
        """Which of its logs a CA uses is up to the CA."""
        tre = entry(CtLog("x"), "Tre2026h2", "three")
        rule = {"policy": "any", "logs": [UNO.id, UNO_NEXT.id, tre.id]}
        assert told(rule, *SHARDS, tre) == [
            "Tre2026h2 takes no certificate that ends on 2027-01-01 or later; the log table knows no next shard of it"
        ]

    def test_an_operator_that_is_declared_too_is_an_heir(self) -> None:
        assert told({"policy": "any", "logs": [UNO.id], "operators": ["one"]}, *SHARDS) == []

    def test_a_next_shard_that_does_not_take_over_where_the_log_ends(self) -> None:
        gap = entry(CtLog("x"), "Uno2027h1", start=H1 + DAY, end=NEXT_H2)
        assert told({"policy": "any", "logs": [UNO.id, gap.id]}, UNO, gap) == [
            "Uno2026h2 takes no certificate that ends on 2027-01-01 or later; the log table knows no next shard of it",
            "new certificates, if they end on 2027-01-01, find no log that may count; any needs one",
        ]

    @pytest.mark.parametrize(("days", "says"), [(9, False), (10, True), (30, True)])
    def test_it_is_told_when_certificates_of_the_documents_life_are_concerned(self, days: int, says: bool) -> None:
        """One of the last day of the document lives 90 days more; this log takes none that ends 100 days from now."""
        log = entry(CtLog("x"), "Uno2026h2", end=NOW + 100 * DAY)
        assert bool(told({"policy": "any", "logs": [log.id]}, log, days=days)) is says

    def test_what_the_table_does_not_know(self) -> None:
        assert told({"policy": "any", "operators": ["one", "tow"], "logs": ["AAAA"]}, *SHARDS) == [
            "the rule names what the log table does not know: tow, AAAA"
        ]

    def test_a_log_that_takes_nothing_any_more_is_no_prospect(self) -> None:
        readonly = entry(CtLog("x"), "Uno2026h2", state="readonly", end=None)
        assert told({"policy": "any"}, readonly) == ["new certificates find no log that may count; any needs one"]

    def test_static_logs_alone_will_never_do_for_apple(self) -> None:
        static = [entry(CtLog("x", static=True), who, who, start=None, end=None) for who in ("one", "two")]
        assert told({"policy": "chrome"}, *static) == []
        assert told({"policy": "apple"}, *static) == [
            "new certificates find static logs alone; apple needs one of kind rfc6962"
        ]

    def test_a_private_log_without_shards(self) -> None:
        assert told({"policy": "any", "logs": [MINE.id]}, MINE) == []

    def test_findings_for_a_draft(self) -> None:
        payload = {"format": 1, "organization": "a", "project": "b", "serial": 1, "issued_at": NOW}
        hosts = [host(operators=["one"]), {**host(), "host": "off.example.com", "action": "off"}]
        draft = Document.from_payload({**payload, "expires_at": NOW + 30 * DAY, "hosts": hosts})
        found = ct_rules.soon(table_of(*SHARDS), draft, NOW)
        assert [(one.rule, one.host, one.message) for one in found] == [
            (
                "G6",
                "api.example.com",
                "new certificates find logs of one alone; chrome needs two operators",
            )
        ]
