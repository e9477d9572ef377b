"""Strict JSON (design section 3): RFC 8259 with every freedom taken away that two readers could use differently.

No BOM, no lone surrogates, no duplicate names, no `null`, only plain integers within ±(2^53-1), depth 16 at most.
The standard library's scanner does the work; hooks and one walk refuse what it would let pass.
"""

from __future__ import annotations

import json
import re
from typing import Any

from livepin.errors import JsonInvalid

MAX_INTEGER = 2**53 - 1
MAX_DEPTH = 16

_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,15}")


def loads(data: bytes, *, max_depth: int = MAX_DEPTH) -> Any:
    """Value of strict JSON text in UTF-8; the outermost value stands at depth 1. Raises `JsonInvalid`."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise _invalid("not UTF-8") from None
    if text.startswith("\ufeff"):
        raise _invalid("starts with a byte order mark")
    value = _decode(_DECODER, text, max_depth)
    members = _walk(value, max_depth, may_hold_surrogates="\\u" in text)
    # Every member has a colon of its own. When all colons are accounted for, no member was lost to a second one of
    # its name; when they are not (a string holds one), the slower decoder looks at every pair.
    if text.count(":") != members:
        _decode(_PAIRWISE_DECODER, text, max_depth)
    return value


def _decode(decoder: json.JSONDecoder, text: str, max_depth: int) -> Any:
    try:
        return decoder.decode(text)
    except json.JSONDecodeError as error:
        raise _invalid(f"not JSON: {error.msg} at character {error.pos}") from None
    except RecursionError:
        raise _invalid(f"nested deeper than {max_depth}") from None


def _invalid(message: str) -> JsonInvalid:
    return JsonInvalid("json_invalid", message)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _invalid("a member name occurs twice in one object")
    return members


def _integer(text: str) -> int:
    if _INTEGER.fullmatch(text) is None:
        raise _invalid(f"the number {text[:24]} is not a plain integer within ±(2^53-1)")
    number = int(text)
    if not -MAX_INTEGER <= number <= MAX_INTEGER:
        raise _invalid(f"the number {text} is outside ±(2^53-1)")
    return number


def _refuse_number(text: str) -> Any:
    raise _invalid(f"the number {text[:24]} is not a plain integer")


_DECODER = json.JSONDecoder(parse_int=_integer, parse_float=_refuse_number, parse_constant=_refuse_number)
_PAIRWISE_DECODER = json.JSONDecoder(object_pairs_hook=_object)


def _walk(value: Any, max_depth: int, *, may_hold_surrogates: bool) -> int:
    """Refuse null, excess depth and lone surrogates; return how many members all objects have.

    Level by level, so that there is no recursion for input to exhaust.
    """
    members = 0
    level = [value]
    for _ in range(max_depth):
        below: list[Any] = []
        for item in level:
            kind = type(item)
            if kind is dict:
                members += len(item)
                below += item.values()
                if may_hold_surrogates:
                    below += item
            elif kind is list:
                below += item
            elif item is None:
                raise _invalid("null is never a value")
            elif may_hold_surrogates and kind is str:
                _refuse_lone_surrogate(item)
        level = below
    if any(type(item) in (dict, list) for item in level):
        raise _invalid(f"nested deeper than {max_depth}")
    return members


def _refuse_lone_surrogate(text: str) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise _invalid("a string holds a lone surrogate") from None
