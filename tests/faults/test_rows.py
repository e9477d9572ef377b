"""The fault table: each row drives a real application against real servers that are faulty.

A few rows run with every `make test`; all of them with `make test-slow`, and there once more without their faults,
which must make them fail: a row that holds whether or not its fault is there says nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from livepin.testing import Cast
from tests.faults.certificates import make_cast
from tests.faults.every_row import ROWS
from tests.faults.run import Failed, run
from tests.faults.table import Row, Servers

#: Rows that run side by side. Most of them wait most of the time.
SIDE_BY_SIDE = 4
#: What a fault that is not tolerated changes.
EFFECTS = {"state", "event", "traffic"}

Outcome = list[str] | Failed
Drive = Callable[[Row, bool], Outcome]


@pytest.fixture(scope="module")
def cast() -> Cast:
    return make_cast()


@pytest.fixture(scope="module")
def drive(request: pytest.FixtureRequest, cast: Cast) -> Iterator[Drive]:
    """Drives rows. Where no other test process runs beside this one, those that come next are driven ahead."""

    def outcome(row: Row, with_fault: bool) -> Outcome:
        try:
            return run(row, cast, with_fault=with_fault)
        except Failed as failed:
            return failed

    if "PYTEST_XDIST_WORKER" in os.environ:
        yield outcome
        return
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        ahead: dict[tuple[str, bool], Future[Outcome]] = {}
        for row, with_fault in _chosen(request.session.items):
            if not row.missing:
                ahead[row.key, with_fault] = pool.submit(outcome, row, with_fault)
        yield lambda row, with_fault: ahead[row.key, with_fault].result()
        pool.shutdown(cancel_futures=True)


def _chosen(items: list[pytest.Item]) -> Iterator[tuple[Row, bool]]:
    """The rows of the tests of this module that are going to run, in their order."""
    for item in items:
        if isinstance(item, pytest.Function) and item.path.name == "test_rows.py" and hasattr(item, "callspec"):
            row = item.callspec.params["row"]
            assert isinstance(row, Row)
            yield row, item.originalname != test_without_its_fault_a_row_fails.__name__


def require(row: Row) -> None:
    """Skip visibly what this machine cannot do. nginx can be had on every build machine (CI=true), root not."""
    if row.missing:
        if row.servers is Servers.NGINX and os.environ.get("CI") == "true":
            pytest.fail(row.missing)
        pytest.skip(row.missing)


def key(row: Row) -> str:
    return row.key


def held(row: Row, drive: Drive, capsys: pytest.CaptureFixture[str]) -> None:
    require(row)
    outcome = drive(row, True)
    if isinstance(outcome, Failed):
        raise outcome
    if row.servers is Servers.NGINX:
        with capsys.disabled():  # evidence, for whoever looks at the run
            print("\n", row.fault, *outcome, sep="\n    ")


@pytest.mark.parametrize("row", [row for row in ROWS if row.quick], ids=key)
def test_an_application_survives(row: Row, drive: Drive, capsys: pytest.CaptureFixture[str]) -> None:
    held(row, drive, capsys)


@pytest.mark.slow
@pytest.mark.parametrize("row", [row for row in ROWS if not row.quick], ids=key)
def test_an_application_survives_also(row: Row, drive: Drive, capsys: pytest.CaptureFixture[str]) -> None:
    held(row, drive, capsys)


@pytest.mark.slow
@pytest.mark.parametrize("row", ROWS, ids=key)
def test_without_its_fault_a_row_fails(row: Row, drive: Drive) -> None:
    require(row)
    outcome = drive(row, False)
    assert isinstance(outcome, Failed), "the row holds whether or not the fault is there"
    assert outcome.what & EFFECTS or (row.tolerated and "fault" in outcome.what), outcome
    assert not outcome.what & {"process", "loop", "time"}, outcome


def test_the_table_has_enough_rows_and_each_its_own_name() -> None:
    assert len({row.key for row in ROWS}) == len(ROWS) >= 45
