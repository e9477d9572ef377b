"""The committed description is what the code says, and says what is so."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from openapi_spec_validator import validate

from livepin.server.api.answers import Answer, Body
from tests.server.api.caller import DESCRIPTION, OPERATIONS
from tools import openapi


def test_the_committed_description_is_that_of_the_code() -> None:
    written = openapi.PATH.read_text(encoding="utf-8")
    assert written == openapi.text(DESCRIPTION), "python -m tools.openapi writes it again"


def test_the_description_is_openapi_3_1() -> None:
    assert DESCRIPTION["openapi"] == "3.1.0"
    validate(json.loads(openapi.text(DESCRIPTION)))


def test_null_is_never_a_value() -> None:
    assert '"null"' not in openapi.text(DESCRIPTION)


def test_every_operation_says_what_it_does_and_what_can_go_wrong() -> None:
    for name, (_, _, operation) in OPERATIONS.items():
        assert operation.get("description"), name
        errors = [answer for status, answer in operation["responses"].items() if status >= "400"]
        assert len(errors) >= 2, name
        assert all("$ref" in answer for answer in errors), name


def shapes(kind: Any) -> Iterator[type]:
    """Every shape of an answer or a body that was derived from one."""
    for one in kind.__subclasses__():
        yield one
        yield from shapes(one)


def test_no_two_shapes_share_a_name() -> None:
    """The description knows them by their names alone: the second one would stand for both."""
    ours = {one for kind in (Answer, Body) for one in shapes(kind) if one.__module__.startswith("livepin.server.api.")}
    names = Counter(one.__name__ for one in ours if not one.__name__.startswith("_"))
    assert {name: many for name, many in names.items() if many > 1} == {}
