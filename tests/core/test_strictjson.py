"""Strict JSON: what two readers could read differently is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from livepin.core.strictjson import MAX_INTEGER, loads
from livepin.errors import JsonInvalid


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{}", {}),
        (" [ ] ", []),
        ('"\\u00e9\\ud83d\\ude00"', "é😀"),
        ('{"a":{"a":{"b":[1,0,-1,true,false,"x"]}}}', {"a": {"a": {"b": [1, 0, -1, True, False, "x"]}}}),
        (f"[{MAX_INTEGER},-{MAX_INTEGER}]", [MAX_INTEGER, -MAX_INTEGER]),
        ('{"a:b":1,"c":"d:e"}', {"a:b": 1, "c": "d:e"}),
        ('{"null":"null"}', {"null": "null"}),
        ('"\\\\ud800"', "\\ud800"),
        ("\t\r\n 1", 1),
    ],
)
def test_plain_json_is_read(text: str, value: object) -> None:
    assert loads(text.encode("utf-8")) == value


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "not JSON"),
        (b"\xef\xbb\xbf{}", "byte order mark"),
        (b'"\xff"', "not UTF-8"),
        (b'"\xed\xa0\x80"', "not UTF-8"),
        ("{}".encode("utf-16"), "not UTF-8"),
        (b"{} {}", "not JSON"),
        (b"{'a':1}", "not JSON"),
        (b"[1,]", "not JSON"),
        (b'["\n"]', "not JSON"),
        (b"[NaN]", "NaN is not a plain integer"),
        (b"[-Infinity]", "Infinity is not a plain integer"),
        (b"[1.0]", "1.0 is not a plain integer"),
        (b"[1e2]", "1e2 is not a plain integer"),
        (b"[-0]", "-0 is not a plain integer"),
        (b"[01]", "not JSON"),
        (b"[9007199254740992]", "outside"),
        (b"[-9007199254740992]", "outside"),
        (b"[" + b"9" * 5000 + b"]", "is not a plain integer"),
        (b"null", "null"),
        (b'{"nobody knows":[null]}', "null"),
        (b'{"a":1,"a":1}', "occurs twice"),
        (b'{"a":1,"\\u0061":2}', "occurs twice"),
        (b'{"x":{"a":{"b":1},"a":{"b":1}}}', "occurs twice"),
        (b'{"a":null,"a":1}', "occurs twice"),
        (b'"\\ud800"', "lone surrogate"),
        (b'{"\\udfff":1}', "lone surrogate"),
        (b'["\\ude00\\ud83d"]', "lone surrogate"),
    ],
)
def test_what_two_readers_could_read_differently_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(JsonInvalid, match=why) as refused:
        loads(data)
    assert refused.value.code == "json_invalid"


def nested(depth: int, innermost: str = "", opening: str = "[") -> bytes:
    start, end = ("[", "]") if opening == "[" else ('{"a":', "}")
    return f"{start * (depth - 1)}[{innermost}]{end * (depth - 1)}".encode()


@pytest.mark.parametrize("opening", ["[", "{"])
def test_sixteen_levels_are_read_and_seventeen_are_not(opening: str) -> None:
    assert json.loads(nested(16, "1", opening)) == loads(nested(16, "1", opening))
    with pytest.raises(JsonInvalid, match="nested deeper than 16"):
        loads(nested(17, "", opening))


def test_a_level_more_can_be_granted() -> None:
    assert loads(nested(17), max_depth=17) == json.loads(nested(17))
    with pytest.raises(JsonInvalid, match="nested deeper than 17"):
        loads(nested(18), max_depth=17)


@pytest.mark.parametrize(("hidden", "why"), [("null", "null"), ('"\\ud800"', "surrogate"), ("1.5", "plain integer")])
def test_nothing_hides_in_the_innermost_level(hidden: str, why: str) -> None:
    with pytest.raises(JsonInvalid, match=why):
        loads(nested(16, hidden))


@pytest.mark.parametrize("text", ["[" * 200_000, '{"a":' * 100_000, "[" * 100_000 + "]" * 100_000])
def test_brackets_without_end_exhaust_nothing(text: str) -> None:
    with pytest.raises(JsonInvalid, match="nested deeper than 16"):
        loads(text.encode())


def test_a_name_lost_among_strings_with_colons_is_missed() -> None:
    entries: list[Any] = [{"host": f"::{number:x}"} for number in range(50)]
    text = json.dumps(entries)
    assert loads(text.encode()) == entries
    with pytest.raises(JsonInvalid, match="occurs twice"):
        loads(text.replace('{"host": "::31"}', '{"host": "::31", "host": "::32"}').encode())
