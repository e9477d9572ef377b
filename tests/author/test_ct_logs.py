"""The log table as a person writes it, and what is said when it is wrong."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from livepin.author.ct_logs import FILE_NAME, LogTable, LogTableFile, Operator, Review, Source, open_table
from livepin.core.logs import MIMICS
from livepin.errors import ProjectInvalid
from livepin.testing import CtLog, KeyKind
from tests.author.foreign import DAY, H1, H2, NOW, entry, table_of

ONE, TWO = CtLog("one"), CtLog("two", static=True, key=KeyKind.RSA)


def written(directory: Path) -> LogTableFile:
    file = LogTableFile.open(directory)
    for source in Source:
        file.put_review(Review(source, NOW, "7", "abc") if source is Source.CHROME else Review(source, NOW - DAY))
    file.put_operator(Operator("one", ("One Ltd", "1 GmbH")))
    file.put_operator(Operator("two"))
    file.put_log(entry(ONE, "Uno2026h2", source="chrome"))
    file.put_log(entry(TWO, "Due2026h2", "two", state="retired", retired_at=NOW - DAY, start=None, end=None))
    file.save()
    return file


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    table = written(tmp_path).read()
    assert table == open_table(tmp_path)
    assert table.operators == (Operator("one", ("One Ltd", "1 GmbH")), Operator("two"))
    assert table.logs[0] == entry(ONE, "Uno2026h2", source="chrome")
    assert table.logs[1].member() == {
        "id": TWO.id, "key": table.logs[1].key, "operator": "two", "kind": "static", "state": "retired",
        "retired_at": NOW - DAY,
    }  # fmt: skip
    assert table.review("chrome") == Review("chrome", NOW, "7", "abc")
    text = (tmp_path / FILE_NAME).read_text("utf-8")
    assert "until = 2027-01-01T00:00:00Z" in text
    assert "\n\n\n" not in text


def test_there_is_none_and_that_is_no_error(tmp_path: Path) -> None:
    assert open_table(tmp_path) is None
    assert LogTableFile.open(tmp_path).read() == LogTable()


def test_comments_and_everything_else_stay_when_one_log_changes(tmp_path: Path) -> None:
    written(tmp_path)
    path = tmp_path / FILE_NAME
    path.write_text(path.read_text("utf-8").replace('name = "Due', '# looked at by Ann\nname = "Due'), "utf-8")
    before = path.read_text("utf-8").splitlines()
    file = LogTableFile.open(tmp_path)
    file.put_log(entry(ONE, "Uno2026h2", source="chrome", state="readonly", end=None))
    file.save()
    gone, come = set(before) - set(after := path.read_text("utf-8").splitlines()), set(after) - set(before)
    assert (gone, come) == ({'state = "usable"', "until = 2027-01-01T00:00:00Z"}, {'state = "readonly"'})


def test_a_log_is_removed(tmp_path: Path) -> None:
    file = written(tmp_path)
    file.remove_log(ONE.id)
    assert [one.name for one in file.save().logs] == ["Due2026h2"]


MIMIC = min(MIMICS)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('state = "usable"', 'state = "fine"', "log[0].state is not one of pending, qualified"),
        ('kind = "rfc6962"', 'kind = "tree"', "log[0].kind is not one of rfc6962, static"),
        ('name = "Uno2026h2"', 'name = "Uno2026h2"\nweight = 3', "log[0].weight is unknown"),
        ('operator = "two"', 'operator = "three"', "log[1].operator ('three') is the id of no [[operator]]"),
        (ONE.id, TWO.id, "log[0] (Uno2026h2) has an ID that is not the digest of its key"),
        (ONE.id, MIMIC, "log[0] (Uno2026h2) is a log whose private key is public"),
        ('key = "M', 'key = "*', "log[0] (Uno2026h2) has a key that is not canonical Base64"),
        ('id = "two"', 'id = "one"', "operator has 'one' twice"),
        ('id = "two"', 'id = "two"\nnames = ["one ltd"]', "operator has 'one ltd' twice"),
        ('id = "two"', 'id = "t w o"', "operator[1].id is not an ID"),
        ('source = "apple"', 'source = "chrome"', "list has 'chrome' twice"),
        ('source = "hand"\nissued_at', 'source = "nss"\nissued_at', "list[2].source is not one of chrome, apple, hand"),
        ("issued_at = 2026-11-23T00:00:00Z", "", "list[0].issued_at is missing"),
        ("until = 2027-01-01T00:00:00Z", 'until = "soon"', "log[0].until is not a date"),
        ("[[operator]]", "[[operators]]", "operators is unknown"),
        ("[[list]]", "[[list", "not TOML"),
    ],
    # Keys are random: no test may be named after one, or processes would disagree about the names.
    ids=itertools.count(),
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, old: str, new: str, said: str) -> None:
    written(tmp_path)
    path = tmp_path / FILE_NAME
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new) if old == "[[operator]]" else text.replace(old, new, 1), "utf-8")
    with pytest.raises(ProjectInvalid) as raised:
        open_table(tmp_path)
    assert raised.value.code == "project_invalid"
    assert said in raised.value.message
    assert raised.value.where == str(path)


def test_a_source_of_which_nobody_knows_how_old_it_is(tmp_path: Path) -> None:
    file = written(tmp_path)
    del file.toml["list"]
    with pytest.raises(ProjectInvalid, match=r"log\[0\]\.source \('chrome'\) is the source of no \[\[list\]\]"):
        file.save()


def test_a_log_twice(tmp_path: Path) -> None:
    written(tmp_path)
    path = tmp_path / FILE_NAME
    text = path.read_text("utf-8")
    path.write_text(text + "\n" + text[text.index("[[log]]") :], "utf-8")
    with pytest.raises(ProjectInvalid, match=f"log has '{ONE.id}' twice".replace("+", r"\+")):
        open_table(tmp_path)


def test_an_operator_by_its_id_or_any_of_its_names(tmp_path: Path) -> None:
    table = written(tmp_path).read()
    assert {table.operator(name) for name in ("one", "ONE", "1 gmbh", "One Ltd")} == {table.operators[0]}
    assert table.operator("One") is table.operators[0]
    assert table.operator("three") is None


def test_a_log_by_its_name_or_the_beginning_of_its_id(tmp_path: Path) -> None:
    table = written(tmp_path).read()
    assert table.find("uno2026H2") is table.find(ONE.id) is table.find(ONE.id[:10]) is table.logs[0]
    for text in ("Uno", "", "?"):
        with pytest.raises(ProjectInvalid) as raised:
            table.find(text)
        assert raised.value.code == "entry_missing"


class TestItsDate:
    """J7: what ages is what somebody looked at, and when; not the day on which it is published."""

    OLD, FRESH = entry(ONE, "a", source="chrome"), entry(TWO, "b", source="hand")
    TABLE = LogTable((), (OLD, FRESH), (Review("chrome", NOW - 60 * DAY), Review("hand", NOW), Review("apple", 5)))

    def test_the_oldest_of_those_in_use_counts(self) -> None:
        assert self.TABLE.issued_at() == NOW - 60 * DAY
        assert self.TABLE.issued_at([self.FRESH]) == NOW

    def test_a_source_that_answers_for_nothing_does_not_age_it(self) -> None:
        assert self.TABLE.issued_at() != 5

    def test_what_was_retired_by_hand_does_not_age(self) -> None:
        retired = entry(ONE, "a", state="retired", retired_at=NOW)
        table = LogTable((), (retired, entry(TWO, "b", source="chrome")), (Review("chrome", NOW), Review("hand", 5)))
        assert table.issued_at() == NOW

    def test_nothing_was_looked_at(self) -> None:
        assert LogTable().issued_at() is None
        assert LogTable().log_list().issued_at == 0


class TestWhatCanCount:
    @pytest.mark.parametrize(
        ("state", "counts"),
        [("pending", 0), ("qualified", 1), ("usable", 1), ("readonly", 1), ("retired", 0), ("rejected", 0)],
    )
    def test_states(self, state: str, counts: bool) -> None:
        assert entry(ONE, "a", state=state).can_count(NOW) == counts

    def test_retired_at_a_known_time(self) -> None:
        assert entry(ONE, "a", state="retired", retired_at=1).can_count(NOW)

    def test_every_certificate_in_it_has_run_out(self) -> None:
        log = entry(ONE, "a")
        assert log.can_count(H1 - 1)
        assert not log.can_count(H1)
        assert log.ended(H1)
        assert log.can_count(H2 - DAY)  # a shard of the future


@pytest.mark.parametrize(
    ("name", "other", "same"),
    [
        ("Argon2026h2", "Argon2027h1", True),
        ("Argon2026h2", "Argon 2027H1", True),
        ("Nimbus2026", "nimbus2027", True),
        ("Halloumi2026h2a", "Halloumi2027h1", True),
        ("Sycamore2025h2d", "Sycamore2026h1", True),
        ("Argon2026h2", "Xenon2026h2", False),
        ("log2026a", "Log2027a", True),
        ("log2026a", "log2026b", False),
        ("mine", "mine", True),
        ("mine", "yours", False),
    ],
)
def test_shards_of_one_log(name: str, other: str, same: bool) -> None:
    assert entry(ONE, name).is_sibling(entry(TWO, other)) is same
    assert not entry(ONE, name).is_sibling(entry(TWO, other, "two"))


def test_the_table_as_a_list_to_judge_by() -> None:
    logs = table_of(entry(ONE, "a"), entry(TWO, "b", "two")).log_list()
    assert logs.issued_at == NOW - DAY
    assert {one.id: one.operator for one in logs.logs} == {ONE.id: "one", TWO.id: "two"}
