"""Checks for members: the first value at fault is named by its path."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from livepin.core.base64s import b64
from livepin.core.schema import TEXT, Check, Fault, array, digest, each, integer, matching, one_of, run, structure

DIGEST = matching("[0-9a-f]{4}", "a digest")
PIN = structure({"sha": DIGEST, "md5": DIGEST, "from": integer(0, 9)}, at_most_one=frozenset({"sha", "md5"}))
HOST = structure({"host": TEXT, "action": one_of("on", "off"), "pins": array(PIN)}, required=("host",))
DOCUMENT = structure({"hosts": array(HOST, least=1, most=3, code="too_large"), "serial": integer(1)}, ("hosts",))


def document(*hosts: Any, **members: Any) -> dict[str, Any]:
    return {"hosts": list(hosts), **members}


def fault(check: Check, value: object) -> tuple[str, str, str]:
    with pytest.raises(Fault) as found:
        run(check, value)
    return found.value.where, found.value.why, found.value.code


GOOD = {"host": "a", "action": "on", "pins": [{"sha": "00ff"}, {"md5": "00ff", "from": 3}, {"new": 1}], "new": None}


def test_a_value_of_the_right_shape_passes_unknown_members_included() -> None:
    run(DOCUMENT, document(GOOD, {"host": "b"}, {"host": "c", "pins": []}, serial=1, new=[[]]))


@pytest.mark.parametrize(
    ("value", "where", "why"),
    [
        ([], "", "is not an object"),
        ("hosts", "", "is not an object"),
        ({}, "", "lacks the member hosts"),
        ({"hosts": {}}, "hosts", "is not an array"),
        ({"hosts": "abc"}, "hosts", "is not an array"),
        (document(), "hosts", "has fewer than 1 entries"),
        (document(GOOD, serial=0), "serial", "is not an integer from 1 to 9007199254740991"),
        (document(GOOD, serial=True), "serial", "is not an integer from 1 to 9007199254740991"),
        (document(GOOD, 5), "hosts[1]", "is not an object"),
        (document(GOOD, {"action": "on"}), "hosts[1]", "lacks the member host"),
        (document(GOOD, {"host": 5}), "hosts[1].host", "is not a string"),
        (document(GOOD, GOOD, {**GOOD, "action": "maybe"}), "hosts[2].action", "is not one of on, off"),
        (document({"host": "b"}, {**GOOD, "action": ["on"]}), "hosts[1].action", "is not one of on, off"),
        (document(GOOD, {"host": "b", "pins": [{}, {"sha": 5}]}), "hosts[1].pins[1].sha", "is not a digest"),
        (document(GOOD, {"host": "b", "pins": [{"sha": "00ff\n"}]}), "hosts[1].pins[0].sha", "is not a digest"),
        (document({"host": "b"}, {"host": "c", "pins": [{}, []]}), "hosts[1].pins[1]", "is not an object"),
        (
            document({"host": "b", "pins": []}, {"host": "c", "pins": [{"from": 10}]}),
            "hosts[1].pins[0].from",
            "is not an integer from 0 to 9",
        ),
        (
            document({"host": "b", "pins": [{"sha": "0000"}, {"sha": "0000", "md5": "0000"}]}),
            "hosts[0].pins[1]",
            "has more than one of md5, sha",
        ),
    ],
)
def test_the_first_value_at_fault_is_named(value: object, where: str, why: str) -> None:
    assert fault(DOCUMENT, value) == (where, why, "payload_invalid")


def test_too_many_entries_have_a_code_of_their_own() -> None:
    assert fault(DOCUMENT, document(*[GOOD] * 4)) == ("hosts", "has more than 3 entries", "too_large")


def test_too_many_entries_are_counted_before_they_are_looked_at() -> None:
    assert fault(DOCUMENT, document(*[None] * 4))[2] == "too_large"


@pytest.mark.parametrize("names", [[], ["pins"], ["critical"], ["host", "action", "host"]])
def test_critical_may_name_what_is_known_whether_present_or_not(names: list[str]) -> None:
    run(DOCUMENT, document({"host": "a", "critical": names}, {"host": "b"}))


@pytest.mark.parametrize("names", ["pins", {"pins": 1}, [1], [["pins"]], 1, True])
def test_critical_is_an_array_of_strings(names: object) -> None:
    value = document({"host": "a"}, {"host": "b", "critical": names})
    assert fault(DOCUMENT, value) == ("hosts[1].critical", "is not an array of strings", "payload_invalid")


def test_a_demand_for_the_unknown_refuses_whether_present_or_not() -> None:
    value = document(GOOD, {"host": "b", "critical": ["pins", "colour"], "colour": "red"})
    assert fault(DOCUMENT, value) == ("hosts[1].critical", "demands the unknown member 'colour'", "critical_unknown")
    assert fault(DOCUMENT, document(GOOD, critical=["x" * 99]))[1] == f"demands the unknown member {'x' * 64!r}"


def test_critical_of_an_unknown_object_is_nobodys_business() -> None:
    run(DOCUMENT, document({"host": "a", "new": {"critical": ["colour"]}}))


def test_a_check_of_single_values_may_say_itself_what_is_wrong() -> None:
    def refuse_three(value: int) -> bool:
        if value == 3:
            raise Fault("is three", "too_large").at(".number")
        return value < 5

    numbers = array(each(refuse_three, "small"))
    run(numbers, [1, 2, 4])
    assert fault(numbers, [1, 2, 3, 9]) == ("[2].number", "is three", "too_large")
    assert fault(numbers, [1, 2, 9, 3]) == ("[2]", "is not small", "payload_invalid")
    assert fault(numbers, [1, "2"]) == ("[1]", "is not small", "payload_invalid")


# ---------------------------------------------------------------- digests


RIGHT = {bits: [b64(bytes([number]) * (bits // 8)) for number in range(4)] for bits in (256, 512)}


@pytest.mark.parametrize("bits", [256, 512])
def test_digests_in_canonical_base64_pass(bits: int) -> None:
    digest(bits)(RIGHT[bits])
    digest(bits)([])


@pytest.mark.parametrize("bits", [256, 512])
@pytest.mark.parametrize("place", [0, 20, 41, 42, 43, -3, -2, -1])
@pytest.mark.parametrize("character", ["=", "-", "\n", "B", "/", "ä", "𝔸", ""])
def test_a_digest_with_another_character_is_what_the_standard_library_says(
    bits: int, place: int, character: str
) -> None:
    """Canonical is what comes out again when it is decoded and encoded; and which of them is wrong is said."""
    good = RIGHT[bits][1]
    place %= len(good)
    bad = good[:place] + character + good[place + 1 :]
    try:
        data = base64.b64decode(bad, validate=True)
        canonical = b64(data) == bad and len(data) == bits // 8
    except ValueError:
        canonical = False
    if canonical:
        digest(bits)([good, bad])
        return
    with pytest.raises(Fault) as found:
        digest(bits)([good, bad, good])
    assert (found.value.index, found.value.why) == (1, f"is not the canonical Base64 of a SHA-{bits} digest")


def test_a_sign_in_the_middle_of_one_digest_does_not_make_up_for_one_that_lacks_at_the_end() -> None:
    good = RIGHT[256][0]
    for swapped in (f"={good[1:-1]}A", f"{good[:20]}={good[21:-1]}A"):
        with pytest.raises(Fault):
            digest(256)([good, swapped])


@pytest.mark.parametrize("value", [None, 5, True, ["A"], b"A" * 44, {"A": 1}])
def test_what_is_no_text_is_no_digest(value: object) -> None:
    with pytest.raises(Fault) as found:
        digest(256)([RIGHT[256][0], value])
    assert found.value.index == 1
