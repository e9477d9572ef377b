"""A document that is kept alive by a machine which holds a refresh key, and no other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from livepin import Pinner
from livepin.testing import Origin, SigningKey
from tests.cli.fresh_world import HOUR, Machine

FRESH = "public/acme/shop/fresh.jws"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    machine = Machine(tmp_path / "machine")
    machine.publish()
    return machine


def test_an_application_lives_by_what_the_command_publishes(machine: Machine) -> None:
    machine.publish(hours=-1)
    assert machine.shell.json("freshness", "show", status=1)["fresh"] is False
    done = machine.shell.json("freshness", "publish", "--life-hours", "8")
    assert (done["epoch"], done["serial"], done["confirmed"]) == (1, 2, None)
    assert 0 <= done["until"] - machine.now - 8 * HOUR < 60
    shown = machine.shell.json("freshness", "show")
    assert (shown["fresh"], shown["until"]) == (True, done["until"])
    assert (shown["expires_at"], shown["extendable_until"]) == (machine.now - HOUR, machine.now + 240 * HOUR)
    with Origin(machine.directory / "public") as origin:
        arguments: Any = {"organization_id": "acme", "project_id": "shop", "public_key": machine.authority.public_key}
        with Pinner(**arguments, configuration_url=origin.base_url, store=None) as pinner:
            status = pinner.status()
    assert (status.serial, status.prolonged, status.expires_at) == (2, True, done["until"])


@pytest.mark.slow
def test_the_public_url_is_waited_for(machine: Machine) -> None:
    with Origin(machine.directory / "public") as origin:
        machine.write_project(origin.base_url)
        assert machine.shell.json("freshness", "publish")["confirmed"] is True
    with Origin() as origin:
        machine.write_project(origin.base_url)
        origin.put("acme/shop/fresh.jws", "a cache that is stuck")
        done = machine.shell.json("freshness", "publish", "--life-hours", "9", "--timeout", "0.3", status=5)
        assert done["confirmed"] is False
        assert machine.shell.json("freshness", "publish", "--no-confirm", "--life-hours", "9")["confirmed"] is None
    assert "good until" in machine.shell.livepin("freshness", "show").out


def test_it_says_when_no_statement_will_help_any_more(machine: Machine) -> None:
    done = machine.shell.livepin("freshness", "publish", "--life-hours", "720")
    assert "publish a new document before" in done.out
    assert machine.shell.json("freshness", "show")["until"] == machine.now + 240 * HOUR
    refused = machine.shell.json("freshness", "publish", status=1)
    assert refused["error"]["code"] == "freshness_ahead"


def test_a_dry_run_names_the_key_and_the_time(machine: Machine) -> None:
    done = machine.shell.livepin("freshness", "publish", "--dry-run", LIVEPIN_PASSPHRASE="")
    assert "1.1 would be good until" in done.out
    assert "by the key refresh" in done.out
    assert not (machine.directory / FRESH).exists()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("direct", "an anchor signed it directly"),
        ("no refresh keys", "names no refresh keys"),
        ("not extendable", "no extendable_until that is later"),
        ("too late", "publish a new document"),
        ("nothing", "nothing that verifies is published"),
    ],
)
def test_what_cannot_be_prolonged_is_said(tmp_path: Path, name: str, message: str) -> None:
    machine = Machine(tmp_path / "machine")
    if name == "direct":
        machine.authority = type(machine.authority)("acme", "shop", anchors=machine.authority.anchors)
    if name == "no refresh keys":
        machine.authority.new_epoch()
    over = {"extendable_until": machine.now - 1} if name == "too late" else {}
    if name == "not extendable":
        over = {"extendable_until": machine.now}
    if name != "nothing":
        machine.publish(hours=-1 if name == "too late" else 6, **over)
    error = machine.shell.json("freshness", "publish", status=1)["error"]
    assert error["code"] == "not_extendable"
    assert message in error["message"]
    assert not (machine.directory / FRESH).exists()


@pytest.mark.parametrize(
    ("given", "code"), [([], "key_mismatch"), (["--key", "refresh"], "key_mismatch"), (["--key", "x"], "key_missing")]
)
def test_a_key_that_the_key_set_does_not_name_signs_nothing(machine: Machine, given: list[str], code: str) -> None:
    machine.authority.new_epoch(refresh_keys=[SigningKey.generate()])
    machine.publish()
    assert machine.shell.json("freshness", "publish", *given, status=4)["error"]["code"] == code


def test_a_revoked_refresh_key_signs_nothing(machine: Machine) -> None:
    machine.authority.new_epoch(refresh_keys=[machine.key, SigningKey.generate()], revoked=[machine.key])
    machine.publish()
    assert machine.shell.json("freshness", "publish", status=4)["error"]["code"] == "key_mismatch"


@pytest.mark.slow
def test_the_key_is_chosen_by_what_the_key_set_names(machine: Machine) -> None:
    for name in ("another", "zebra"):
        machine.shell.livepin("keys", "new", name)
    done = machine.shell.json("freshness", "publish", "--dry-run")
    assert done["key"] == "refresh"
    wrong = machine.shell.json("freshness", "publish", "--key", "zebra", status=4)
    assert wrong["error"]["code"] == "key_mismatch"
