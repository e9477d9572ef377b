"""Checks for the members of JSON objects, as tables (step V5).

A document has one shape and may carry ten thousand hosts. A check is therefore given, at once, all values that stand
at one place of that shape, such as the `action` of every host: its work is a few loops that run in C. It returns
nothing, or raises a `Fault` with the index of the first value that does not pass. Arrays and objects translate that
index, on the way out, into the path that a person needs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from itertools import chain
from operator import length_hint
from typing import Any

from livepin.core.strictjson import MAX_INTEGER

#: Takes all values of one place and raises `Fault` unless every one of them is allowed.
Check = Callable[[list[Any]], None]


class Fault(Exception):
    """A value that the format does not allow: the one at `index` of those that were checked.

    `path` grows on the way out: innermost step first.
    """

    def __init__(self, why: str, code: str = "payload_invalid", index: int = 0) -> None:
        super().__init__(why)
        self.why = why
        self.code = code
        self.index = index
        self.path: list[str] = []

    def at(self, step: str, index: int = 0) -> Fault:
        """The same fault one level further out, in the value that has `index` there."""
        self.path.append(step)
        self.index = index
        return self

    @property
    def where(self) -> str:
        """Where it lies, outermost first, such as `hosts[3].pins[0].position`."""
        return "".join(reversed(self.path)).lstrip(".")


def run(check: Check, value: Any) -> None:
    """Raise `Fault` unless `value` passes."""
    check([value])


def each(passes: Callable[[Any], object], what: str) -> Check:
    """Values that pass one by one. `passes` answers, or raises `Fault` or TypeError; `what` says what one should be.

    With a `passes` that is written in C (a regular expression, a set) the whole loop runs in C.
    """

    def check(values: list[Any]) -> None:
        remaining = iter(values)
        try:
            if all(map(passes, remaining)):
                return
            fault = Fault(f"is not {what}")
        except TypeError:  # so answer a regular expression and a set when they meet a value of another type
            fault = Fault(f"is not {what}")
        except Fault as found:
            fault = found
        fault.index = len(values) - length_hint(remaining) - 1
        raise fault

    return check


def of_type(kind: type, what: str) -> Check:
    """Values of exactly one type."""

    def check(values: list[Any]) -> None:
        if set(map(type, values)) - {kind}:
            _refuse_first([type(value) is not kind for value in values], f"is not {what}")

    return check


def _refuse_first(refused: list[bool], why: str, code: str = "payload_invalid") -> None:
    if True in refused:
        raise Fault(why, code, refused.index(True))


TEXT = of_type(str, "a string")
OBJECT = of_type(dict, "an object")
ARRAY = of_type(list, "an array")


def integer(low: int, high: int = MAX_INTEGER) -> Check:
    """Integers from `low` to `high`; true is not 1."""
    return each(lambda value: type(value) is int and low <= value <= high, f"an integer from {low} to {high}")


def one_of(*values: str) -> Check:
    """One of a few strings."""
    return each(frozenset(values).__contains__, f"one of {', '.join(values)}")


def matching(pattern: str, what: str) -> Check:
    """Strings that `pattern` matches whole."""
    return each(re.compile(pattern, re.ASCII).fullmatch, what)


_BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


def digest(bits: int) -> Check:
    """Canonical Base64 of SHA-2 digests of so many bits.

    There may be tens of thousands: they are looked at as one text, and one by one only to find the first wrong one.
    """
    full, left_over = divmod(bits, 6)
    last = _BASE64[:: 1 << (6 - left_over)]  # the bits that are not used are zeros
    padding = -(full + 1) % 4
    size = full + 1 + padding
    pattern = rf"[A-Za-z0-9+/]{{{full}}}[{last}]={{{padding}}}"
    one_by_one = matching(pattern, f"the canonical Base64 of a SHA-{bits} digest")
    digits = _BASE64.encode("ascii")

    def check(values: list[Any]) -> None:
        if set(map(type, values)) == {str} and set(map(len, values)) == {size}:
            text, signs = "".join(values), "=" * len(values)
            right = [text[place::size] == signs for place in range(full + 1, size)]
            others = text.encode("utf-8", "replace").translate(None, digits).decode("utf-8")
            if all(right) and not text[full::size].strip(last) and others == signs * padding:
                return
        one_by_one(values)

    return check


def array(item: Check, *, least: int = 0, most: int | None = None, code: str = "payload_invalid") -> Check:
    """Arrays whose items pass. Fewer than `least` or more than `most` are refused, the latter with `code`."""

    def check(values: list[Any]) -> None:
        ARRAY(values)
        if least:
            _refuse_first([len(value) < least for value in values], f"has fewer than {least} entries")
        if most is not None:
            _refuse_first([len(value) > most for value in values], f"has more than {most} entries", code)
        try:
            item(list(chain.from_iterable(values)))
        except Fault as fault:
            index = 0
            while fault.index >= len(values[index]):
                fault.index -= len(values[index])
                index += 1
            raise fault.at(f"[{fault.index}]", index) from None

    return check


def structure(
    members: Mapping[str, Check], required: tuple[str, ...] = (), at_most_one: frozenset[str] = frozenset()
) -> Check:
    """Objects with known members, of which at most one of `at_most_one` occurs.

    Unknown members are ignored, unless `critical` names one.
    """
    critical = each(lambda value: knows_critical(value, members), "an object that is understood")

    def check(values: list[Any]) -> None:
        OBJECT(values)
        names: set[str] = set().union(*values)
        if "critical" in names:
            critical(values)
        for name, test in members.items():
            column = [value[name] for value in values if name in value] if name in names else []
            if name in required and len(column) < len(values):
                _refuse_first([name not in value for value in values], f"lacks the member {name}")
            if column:
                _check_column(name, test, column, values)
        if len(at_most_one & names) > 1:
            crowded = [len(at_most_one & value.keys()) > 1 for value in values]
            _refuse_first(crowded, f"has more than one of {', '.join(sorted(at_most_one))}")

    return check


def _check_column(name: str, test: Check, column: list[Any], values: list[Any]) -> None:
    try:
        test(column)
    except Fault as fault:
        holders = [index for index, value in enumerate(values) if name in value]
        raise fault.at(f".{name}", holders[fault.index]) from None


def knows_critical(value: Mapping[str, Any], known: Mapping[str, Any]) -> bool:
    """Whether this version knows every name in `critical` (it need not be present). Raises `Fault` if not."""
    names = value.get("critical", [])
    if type(names) is not list or any(type(name) is not str for name in names):
        raise Fault("is not an array of strings").at(".critical")
    for name in names:
        if name not in known and name != "critical":
            raise Fault(f"demands the unknown member {name[:64]!r}", "critical_unknown").at(".critical")
    return True
