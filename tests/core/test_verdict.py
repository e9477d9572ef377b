"""The outcome of judging, as it is handed to people and programs."""

from __future__ import annotations

import json

from livepin.core.pins import Pin, Position
from livepin.core.verdict import Likely, Outcome, Verdict
from tests.core.signing import DIGEST


def test_json_has_the_members_that_have_a_value() -> None:
    found = Verdict(Outcome.ALLOWED, "off", "a.example", pattern="a.example", serial=7)
    assert json.loads(json.dumps(found.as_json())) == {
        "outcome": "allowed",
        "code": "off",
        "host": "a.example",
        "pattern": "a.example",
        "epoch": 0,
        "serial": 7,
        "unvalidated": False,
        "expired": False,
    }


def test_json_carries_the_evidence() -> None:
    found = Verdict(
        Outcome.BLOCKED,
        "pin_mismatch",
        "a.example",
        pin=Pin("spki_sha256", DIGEST, Position.CA),
        ct_evaluated=False,
        likely=Likely.ROTATION,
        reasons=("because",),
    )
    written = json.loads(json.dumps(found.as_json()))
    assert written["pin"]["digest"] == DIGEST
    assert (written["pin"]["position"], written["likely"], written["reasons"]) == ("ca", "rotation", ["because"])
    assert written["ct_evaluated"] is False
