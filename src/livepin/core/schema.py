"""Checks for the members of a JSON object, as tables (step V5).

An `Object` is called for every pin of every host of every document. A test is therefore any callable that answers
whether a value passes, preferably one written in C (a regular expression, a set); what a value should have been, and
where it stood, is worked out only once there is a fault.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from livepin.core.strictjson import MAX_INTEGER


@dataclass(frozen=True, slots=True)
class Check:
    """`passes` answers whether a value is allowed, or raises `Fault` or TypeError; `what` says what it should be."""

    passes: Callable[[Any], object]
    what: str


class Fault(Exception):
    """A value that the format does not allow. `path` grows on the way out: innermost step first."""

    def __init__(self, why: str, code: str = "payload_invalid") -> None:
        super().__init__(why)
        self.why = why
        self.code = code
        self.path: list[str] = []

    def at(self, step: str) -> Fault:
        """The same fault, one level further out."""
        self.path.append(step)
        return self

    @property
    def where(self) -> str:
        """Where it lies, outermost first, such as `hosts[3].pins[0].position`."""
        return "".join(reversed(self.path)).lstrip(".")


TEXT = Check(lambda value: type(value) is str, "a string")


def integer(low: int, high: int = MAX_INTEGER) -> Check:
    """An integer from `low` to `high`; true is not 1."""
    return Check(lambda value: type(value) is int and low <= value <= high, f"an integer from {low} to {high}")


def one_of(*values: str) -> Check:
    """One of a few strings."""
    return Check(frozenset(values).__contains__, f"one of {', '.join(values)}")


def matching(pattern: str, what: str) -> Check:
    """A string that `pattern` matches whole."""
    return Check(re.compile(pattern, re.ASCII).fullmatch, what)


def array(item: Check, most: int | None = None, code: str = "payload_invalid") -> Check:
    """An array whose items all pass; more than `most` are refused with `code`."""
    passes = item.passes

    def check(value: Any) -> bool:
        if type(value) is not list:
            return False
        if most is not None and len(value) > most:
            raise Fault(f"has more than {most} entries", code)
        done = 0
        try:
            for entry in value:
                if not passes(entry):
                    raise Fault(f"is not {item.what}")
                done += 1
        except TypeError:
            raise Fault(f"is not {item.what}").at(f"[{done}]") from None
        except Fault as fault:
            raise fault.at(f"[{done}]") from None
        return True

    return Check(check, "an array")


def structure(
    members: Mapping[str, Check], required: tuple[str, ...] = (), at_most_one: frozenset[str] = frozenset()
) -> Check:
    """An object with known members, of which at most one of `at_most_one` occurs.

    Unknown members are ignored, unless `critical` names one.
    """
    tests = {name: check.passes for name, check in members.items()}
    test_of = tests.get

    def check(value: Any) -> bool:
        if type(value) is not dict:
            return False
        if "critical" in value:
            check_critical(value, members)
        name = ""
        try:
            for name, member in value.items():
                test = test_of(name)
                if test is not None and not test(member):
                    raise Fault(f"is not {members[name].what}")
        except TypeError:
            # A regular expression and a set answer so when they meet a value of another type.
            raise Fault(f"is not {members[name].what}").at(f".{name}") from None
        except Fault as fault:
            raise fault.at(f".{name}") from None
        if required:
            _check_required(value, required)
        if at_most_one and len(value) > 1 and len(at_most_one.intersection(value)) > 1:
            raise Fault(f"has more than one of {', '.join(sorted(at_most_one))}")
        return True

    return Check(check, "an object")


def _check_required(value: Mapping[str, Any], required: tuple[str, ...]) -> None:
    for name in required:
        if name not in value:
            raise Fault(f"lacks the member {name}")


def check_critical(value: Mapping[str, Any], known: Mapping[str, Any]) -> None:
    """Every name in `critical` is one that this version knows (it need not be present). Raises `Fault`."""
    names = value["critical"]
    if type(names) is not list or any(type(name) is not str for name in names):
        raise Fault("is not an array of strings").at(".critical")
    for name in names:
        if name not in known and name != "critical":
            raise Fault(f"demands the unknown member {name[:64]!r}", "critical_unknown").at(".critical")


def run(check: Check, value: Any) -> None:
    """Raise `Fault` unless `value` passes."""
    if not check.passes(value):
        raise Fault(f"is not {check.what}")
