"""Real lists, found through `LIVEPIN_REALDATA`: three of Chrome's, two of them with their signatures, and Apple's."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from livepin.author.ct_lists import check_signature, parse
from livepin.author.ct_logs import LogTableFile, Operator
from livepin.author.ct_rules import shards, turnovers
from livepin.core.logs import MIMICS
from livepin.errors import InputInvalid
from tests.author.foreign import DAY, imported

FOLDER = Path(os.environ.get("LIVEPIN_REALDATA", "")) / "ct" / "loglists"
pytestmark = pytest.mark.skipif(
    not os.environ.get("LIVEPIN_REALDATA"), reason="LIVEPIN_REALDATA is not set: real data was not tested"
)

OLD, NEW = "log_list_v57.10_2025-06-29", "log_list_v80.14_2026-01-02"
ALL, APPLE = "all_log_list_2026-08-21", "current_log_list_2026-04-01"


def data_of(name: str) -> bytes:
    return (FOLDER / f"{name}.json").read_bytes()


def day(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


@pytest.mark.parametrize("name", [OLD, NEW])
def test_chromes_signature_and_one_changed_byte(name: str) -> None:
    signature, key = (FOLDER / f"{name}.sig").read_bytes(), (FOLDER / "log_list_pubkey.pem").read_bytes()
    data = data_of(name)
    assert check_signature(data, signature, key)
    for place in (0, len(data) // 2, len(data) - 1):
        changed = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
        with pytest.raises(InputInvalid, match="ct_list_signature"):
            check_signature(changed, signature, key)


@pytest.mark.parametrize(("name", "operators"), [(OLD, 7), (NEW, 8), (ALL, 9), (APPLE, 16)])
def test_every_entry_that_has_a_state_is_understood(name: str, operators: int) -> None:
    found = parse(data_of(name))
    listed = [log for one in json.loads(data_of(name))["operators"] for log in one["logs"] + one.get("tiled_logs", [])]
    assert {one.id for one in found.logs} == {log["log_id"] for log in listed if "state" in log}
    assert len(found.operators) == operators
    assert not found.mimics
    assert [note.partition(",")[0] for note in found.notes] == (["39 entries"] if name == ALL else [])


def test_keys_kinds_and_intervals_are_those_that_others_read() -> None:
    known = {one["log_id"]: one for one in json.loads(data_of("union"))}
    for name in (OLD, NEW, ALL, APPLE):
        for log in parse(data_of(name)).logs:
            assert log.key == known[log.id]["key"]
            assert (log.kind == "static") is known[log.id]["tiled"]


def test_a_year_of_imports(tmp_path: Path) -> None:
    """Half a year after the other, then Apple's as a second source, then what Chrome had in August."""
    file = LogTableFile.open(tmp_path)
    first = imported(file, data_of(OLD), now=day("2025-06-30"))
    assert {one.what for one in first.changes} == {"added"}
    second = imported(file, data_of(NEW), now=day("2026-01-03"))
    assert {one.what for one in second.changes} == {"added", "changed", "removed"}
    states = {one.log.name: one.why for one in second.changes if one.what == "changed"}
    assert states["Oak2026h1"] == "state usable -> readonly"
    assert states["Tuscolo2026h1"] == "state qualified -> usable"
    assert all("interval ended" in one.why for one in second.changes if one.what == "removed")
    third = imported(file, data_of(APPLE), now=day("2026-04-02"), dated=day("2026-04-01"))
    assert [one.log.name for one in third.changes] == ["Raio2026h1a", "Raio2026h2a", "Raio2027h1a", "Raio2027h2a"]
    assert Operator("ipng-networks", ("IPng Networks", "IPng GmbH")) in file.read().operators
    imported(file, data_of(ALL), now=day("2026-08-22"), dated=day("2026-08-21"))
    table = file.read()
    assert table.find("Oak2026h2").retired_at == day("2026-02-28")
    assert table.find("ParcelYard2027h1").kind == "static"
    assert not MIMICS & {one.id for one in table.logs}
    # Apple's list answers for four logs and is the older one.
    assert table.issued_at() == day("2026-04-01")


def test_the_older_after_the_newer_is_refused(tmp_path: Path) -> None:
    file = LogTableFile.open(tmp_path)
    imported(file, data_of(NEW), now=day("2026-01-03"))
    with pytest.raises(InputInvalid, match="ct_list_older"):
        imported(file, data_of(OLD), now=day("2026-01-04"))


def test_lists_that_carry_no_date_cannot_be_dated_before_what_they_tell(tmp_path: Path) -> None:
    for name, latest in ((APPLE, "2026-03-30T19:10:05Z"), (ALL, "2026-08-20T20:30:00Z")):
        (tmp_path / name).mkdir()
        file = LogTableFile.open(tmp_path / name)
        known_at = int(datetime.fromisoformat(latest).timestamp())
        with pytest.raises(InputInvalid, match="tells of things that happened"):
            imported(file, data_of(name), now=day("2026-11-23"), dated=known_at - DAY)
        imported(file, data_of(name), now=day("2026-11-23"), dated=known_at - DAY + 1)


def test_rules_that_the_turnover_of_2027_breaks(tmp_path: Path) -> None:
    """Chrome's list of January, as somebody sees it in November who names the logs in use then."""
    file = LogTableFile.open(tmp_path)
    imported(file, data_of(NEW), now=day("2026-01-03"))
    table, now = file.read(), day("2026-11-25")
    used = [table.find(name) for name in ("Argon2026h2", "Sycamore2026h2")]

    def told(**rule: object) -> list[str]:
        horizon = now + 120 * DAY
        return [message for message, _ in turnovers({"policy": "chrome", **rule}, table, now, horizon)]

    assert told(logs=[one.id for one in used]) == [
        "Argon2026h2 takes no certificate that ends on 2027-01-01 or later; its next shard is Argon2027h1",
        "Sycamore2026h2 takes no certificate that ends on 2026-12-17 or later; its next shard is Sycamore2027h1",
        "new certificates, if they end on 2026-12-17, find logs of google alone; chrome needs two operators",
    ]
    assert told(logs=[one.id for one in shards(table, used, now)]) == []
    assert told(operators=["google", "digicert"]) == told() == []
    # Two operators of static logs alone: good for Chrome, never for Apple.
    assert told(operators=["lets-encrypt", "geomys"]) == []
    assert len(told(operators=["lets-encrypt", "geomys"], policy="apple")) == 1
