"""What importing a published list does to the log table, and what it does not do."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from livepin.author import ct_import
from livepin.author.ct_lists import parse
from livepin.author.ct_logs import LogTableFile, Operator, Review, Source
from livepin.core.logs import MIMICS
from livepin.errors import InputInvalid
from livepin.testing import CtLog
from tests.author.foreign import DAY, H1, NOW, Members, apple, chrome, entry, imported, listed

#: Two operators with two logs each; names as Chrome's list writes them.
UNO, EINS, DUE, ZWEI = CtLog("One"), CtLog("One", static=True), CtLog("Two"), CtLog("Two", static=True)
UNO_IN = (UNO, listed(UNO, "One Ltd 'Uno2026h2' log"))
EINS_IN = (EINS, listed(EINS, "One Ltd 'Eins2026h2'", "qualified"))
DUE_IN = (DUE, listed(DUE, "Two 'Due2026h2'"))
ZWEI_IN = (ZWEI, listed(ZWEI, "Two 'Zwei2026h2'"))
WHOLE = {"One Ltd": [UNO_IN, EINS_IN], "Two": [DUE_IN, ZWEI_IN]}


@pytest.fixture
def file(tmp_path: Path) -> LogTableFile:
    """A table that Chrome's list of yesterday was imported into."""
    made = LogTableFile.open(tmp_path)
    imported(made, chrome(WHOLE, version="80.1", issued_at=NOW - DAY))
    return LogTableFile.open(tmp_path)


def said(plan: ct_import.Plan) -> list[tuple[str, str, str]]:
    return [(one.what, one.log.name, one.why) for one in plan.changes]


def changed(log: CtLog, name: str, **members: Any) -> tuple[CtLog, Members]:
    return log, listed(log, name, **members)


class TestTheFirstList:
    def test_everything_is_new_under_identities_of_our_own(self, file: LogTableFile) -> None:
        table = file.read()
        assert table.operators == (Operator("one-ltd", ("One Ltd",)), Operator("two", ("Two",)))
        assert [(one.name, one.operator, one.kind, one.state) for one in table.logs] == [
            ("Uno2026h2", "one-ltd", "rfc6962", "usable"),
            ("Eins2026h2", "one-ltd", "static", "qualified"),
            ("Due2026h2", "two", "rfc6962", "usable"),
            ("Zwei2026h2", "two", "static", "usable"),
        ]
        assert table.reviews == (Review("chrome", NOW - DAY, "80.1"),)

    def test_what_can_never_count_is_not_taken(self, tmp_path: Path) -> None:
        ended = changed(EINS, "One Ltd 'Eins2025h2'", temporal_interval={"end_exclusive": "2026-01-01T00:00:00Z"})
        rejected = changed(DUE, "Two 'Due2026h2'", state="rejected")
        made = LogTableFile.open(tmp_path)
        plan = imported(made, chrome({"One Ltd": [UNO_IN, ended], "Two": [rejected]}))
        assert said(plan) == [("added", "Uno2026h2", "")]
        assert [one.id for one in made.read().operators] == ["one-ltd"]
        assert "2 logs left out that are rejected, or whose interval has ended" in plan.notes

    def test_it_says_that_chromes_list_is_not_for_this(self, tmp_path: Path) -> None:
        made = LogTableFile.open(tmp_path)
        assert ct_import.LICENCE in imported(made, chrome(WHOLE)).notes
        assert "permission" in ct_import.LICENCE
        (tmp_path / "apple").mkdir()
        assert imported(LogTableFile.open(tmp_path / "apple"), apple(WHOLE)).notes == ()


class TestTheNextList:
    def test_the_same_again_changes_nothing(self, file: LogTableFile) -> None:
        before = file.path.read_bytes()
        plan = imported(file, chrome(WHOLE, version="80.1", issued_at=NOW - DAY))
        assert plan.empty
        assert file.path.read_bytes() == before

    def test_only_its_date_is_another(self, file: LogTableFile) -> None:
        plan = imported(file, chrome(WHOLE, version="80.2", issued_at=NOW))
        assert said(plan) == []
        assert file.read().reviews == (Review("chrome", NOW, "80.2"),)

    def test_a_log_changes_comes_and_goes(self, file: LogTableFile) -> None:
        tre = CtLog("Two")
        newer = {
            "One Ltd": [changed(UNO, "Uno2026h2", state="retired", since=1_798_070_400), EINS_IN],
            "Two": [changed(tre, "Two 'Tre2027h1'"), DUE_IN],
        }
        plan = imported(file, chrome(newer, version="80.2"))
        assert said(plan) == [
            ("changed", "Uno2026h2", "state usable -> retired, retired_at - -> 2026-12-24"),
            ("added", "Tre2027h1", ""),
            ("removed", "Zwei2026h2", "the list does not name it any more"),
        ]
        table = file.read()
        assert [one.name for one in table.logs] == ["Uno2026h2", "Eins2026h2", "Due2026h2", "Tre2027h1"]
        assert table.logs[0].retired_at == 1_798_070_400

    def test_the_interval_of_a_log_has_ended(self, file: LogTableFile) -> None:
        plan = imported(file, chrome(WHOLE, version="81.1", issued_at=H1), now=H1)
        assert {(what, why) for what, _, why in said(plan)} == {("removed", "its interval ended on 2027-01-01")}
        assert file.read().logs == ()

    def test_the_name_that_we_gave_a_log_stays(self, file: LogTableFile) -> None:
        file.put_log(replace(file.read().logs[0], name="ours"))
        assert imported(file, chrome(WHOLE, version="80.1", issued_at=NOW - DAY)).empty

    @pytest.mark.parametrize(("version", "age"), [("80.1", 2 * DAY), ("79.9", DAY), ("80.0", DAY), ("80.2", DAY + 1)])
    def test_an_older_one_is_refused(self, file: LogTableFile, version: str, age: int) -> None:
        with pytest.raises(InputInvalid) as raised:
            imported(file, chrome(WHOLE, version=version, issued_at=NOW - age))
        assert raised.value.code == "ct_list_older"
        assert "the table has version 80.1 of 2026-11-22" in raised.value.message

    def test_80_10_is_newer_than_80_9(self, file: LogTableFile) -> None:
        imported(file, chrome(WHOLE, version="80.9", issued_at=NOW))
        assert imported(file, chrome(WHOLE, version="80.10", issued_at=NOW)).review is not None

    def test_one_from_the_future_is_refused(self, file: LogTableFile) -> None:
        imported(file, chrome(WHOLE, version="80.2", issued_at=NOW + 300))
        with pytest.raises(InputInvalid) as raised:
            imported(file, chrome(WHOLE, version="80.3", issued_at=NOW + 301))
        assert raised.value.code == "ct_list_invalid"

    def test_a_date_before_what_the_list_tells_of_is_refused(self, tmp_path: Path) -> None:
        made = LogTableFile.open(tmp_path)
        with pytest.raises(InputInvalid, match="tells of things that happened on 2025-10-19"):
            imported(made, apple(WHOLE), dated=NOW - 500 * DAY)

    def test_a_list_that_says_its_own_date_is_believed(self, tmp_path: Path) -> None:
        """Its signature covers the date; states may be announced ahead."""
        ahead = {"One Ltd": [changed(UNO, "Uno2026h2", state="readonly", since=NOW + 5 * DAY)]}
        imported(LogTableFile.open(tmp_path), chrome(ahead, issued_at=NOW))

    def test_one_that_is_too_old_to_be_of_use_is_told(self, file: LogTableFile, tmp_path: Path) -> None:
        def told(age: int) -> bool:
            plan = imported(LogTableFile.open(tmp_path / str(age)), chrome(WHOLE, issued_at=NOW - age))
            return any("CT is not evaluated" in note for note in plan.notes)

        for age in (70 * DAY, 70 * DAY + 1):
            (tmp_path / str(age)).mkdir()
        assert (told(70 * DAY), told(70 * DAY + 1)) == (False, True)

    def test_another_key_signed_it(self, file: LogTableFile) -> None:
        imported(file, chrome(WHOLE, version="80.2"), signed_by="AAAA")
        assert file.read().reviews[0].signed_by == "AAAA"
        plan = imported(file, chrome(WHOLE, version="80.3"), signed_by="BBBB")
        assert "the list before this one was signed by AAAA" in plan.notes
        plan = imported(file, chrome(WHOLE, version="80.4"))
        assert "the list before this one was signed by BBBB" in plan.notes
        assert "signed_by" not in file.path.read_text("utf-8")


class TestAnOperatorIsMissing:
    TRIMMED = chrome({"One Ltd": [UNO_IN, EINS_IN]}, version="80.2", issued_at=NOW)

    def test_its_logs_stay_and_so_does_the_date(self, file: LogTableFile) -> None:
        """Half a list can be an error or an attack; it cannot answer for logs that it does not name."""
        before = file.read()
        plan = imported(file, self.TRIMMED)
        assert said(plan) == []
        assert plan.notes[-1].startswith("THE LIST NAMES NOT ONE LOG OF two: is it whole? Their 2 logs stay")
        assert file.read() == before

    def test_a_person_can_say_that_it_is_right(self, file: LogTableFile) -> None:
        plan = imported(file, self.TRIMMED, remove_missing=True)
        assert [name for what, name, _ in said(plan) if what == "removed"] == ["Due2026h2", "Zwei2026h2"]
        assert file.read().reviews == (Review("chrome", NOW, "80.2"),)
        assert not any("NOT ONE" in note for note in plan.notes)

    def test_one_whose_logs_have_all_ended_is_not_missed(self, file: LogTableFile) -> None:
        plan = imported(file, chrome({}, version="80.2", issued_at=H1), now=H1)
        assert not any("NOT ONE" in note for note in plan.notes)
        assert file.read().logs == ()


class TestTwoSources:
    """One list answers for a log; the others are second opinions."""

    def test_the_second_list_adds_what_it_alone_has(self, file: LogTableFile) -> None:
        tre = CtLog("Two")
        other = apple({"One GmbH": [UNO_IN, EINS_IN], "Two": [DUE_IN, changed(tre, "Tre2026h2")]})
        plan = imported(file, other, dated=NOW)
        assert said(plan) == [("added", "Tre2026h2", "")]
        assert {one.name: one.source for one in file.read().logs} == {
            "Uno2026h2": "chrome", "Eins2026h2": "chrome", "Due2026h2": "chrome", "Zwei2026h2": "chrome",
            "Tre2026h2": "apple",
        }  # fmt: skip

    def test_what_it_says_otherwise_is_told_and_not_done(self, file: LogTableFile) -> None:
        rejected = changed(UNO, "Uno 2026h2", state="rejected")
        plan = imported(file, apple({"One GmbH": [rejected]}), dated=NOW)
        assert plan.notes[-1] == (
            "Uno2026h2 stays as chrome has it; this list says otherwise: state usable -> rejected"
        )
        assert file.read().logs[0].state == "usable"

    def test_each_goes_with_its_own_list(self, file: LogTableFile) -> None:
        tre = CtLog("Two")
        imported(file, apple({"Two": [DUE_IN, changed(tre, "Tre2026h2")]}), dated=NOW)
        plan = imported(file, apple({"Two": [ZWEI_IN]}, version="501"), dated=NOW)
        assert said(plan) == [("removed", "Tre2026h2", "the list does not name it any more")]

    def test_what_was_entered_by_hand_no_list_takes_back(self, file: LogTableFile) -> None:
        file.put_review(Review(Source.HAND, NOW))
        mine = entry(CtLog("Me"), "mine", "two", start=None, end=None)
        retired = replace(file.read().logs[0], state="retired", retired_at=NOW - 9, source=Source.HAND)
        file.put_log(mine)
        file.put_log(retired)
        plan = imported(file, chrome({"One Ltd": [UNO_IN, EINS_IN], "Two": [DUE_IN, ZWEI_IN]}, version="99.0"))
        assert said(plan) == []
        assert any("Uno2026h2 stays as hand has it" in note for note in plan.notes)
        table = file.read()
        assert table.log(UNO.id) == retired
        assert table.find("mine") == mine


class TestOperators:
    def test_another_name_for_the_same_logs_is_the_same_operator(self, file: LogTableFile) -> None:
        """Two identities for one operator would count as two, and a rule that asks for two would ask for one."""
        imported(file, apple({"One GmbH": [UNO_IN, EINS_IN]}), dated=NOW)
        assert file.read().operators[0] == Operator("one-ltd", ("One Ltd", "One GmbH"))

    def test_a_person_says_who_it_is(self, file: LogTableFile) -> None:
        fresh = CtLog("Two")
        imported(file, apple({"Zwo AG": [changed(fresh, "Zwo")]}), dated=NOW, given={"Zwo AG": "two"})
        table = file.read()
        assert table.operators[1] == Operator("two", ("Two", "Zwo AG"))
        assert table.find("Zwo").operator == "two"

    @pytest.mark.parametrize("given", [{"Nobody": "one"}, {"One Ltd": "o n e"}, {"One Ltd": ""}])
    def test_a_person_mistypes_it(self, file: LogTableFile, given: dict[str, str]) -> None:
        with pytest.raises(InputInvalid) as raised:
            imported(file, chrome(WHOLE, version="80.2"), given=given)
        assert raised.value.code == "usage"

    def test_logs_of_two_of_ours_under_one_name_are_asked_about(self, file: LogTableFile) -> None:
        foreign = parse(apple({"Merged": [UNO_IN, DUE_IN]}))
        found = ct_import.identities(file.read(), foreign, {})
        assert found == (ct_import.Identity("Merged", "merged", new=True),)

    def test_a_log_goes_over_to_another_operator(self, file: LogTableFile) -> None:
        newer = chrome({"One Ltd": [UNO_IN, EINS_IN, DUE_IN], "Two": [ZWEI_IN]}, version="80.2")
        assert said(imported(file, newer)) == [("changed", "Due2026h2", "operator two -> one-ltd")]

    @pytest.mark.parametrize(
        ("name", "derived"),
        [
            ("Let's Encrypt", "lets-encrypt"),
            ("IPng GmbH", "ipng-gmbh"),
            ("Beijing PuChuangSiDa Technology Ltd.", "beijing-puchuangsida-technology-ltd"),
            ("Izenpe S.A. / España", "izenpe-s-a-espana"),
            ("数安时代", "operator"),
            ("x" * 80, "x" * 64),
        ],
    )
    def test_an_id_is_made_of_the_name(self, name: str, derived: str) -> None:
        assert ct_import.derived_id(name) == derived


def test_a_list_with_logs_whose_keys_are_public_is_told_as_what_it_is(file: LogTableFile) -> None:
    mimic = (CtLog("x"), {**listed(UNO, "mimic"), "log_id": min(MIMICS)})
    plan = imported(file, chrome({**WHOLE, "Mimics": [mimic]}, version="80.2"))
    assert ct_import.MIMICS_TOLD in plan.notes
    assert not plan.changes
