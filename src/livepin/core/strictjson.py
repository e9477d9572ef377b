"""Strict JSON (design section 3): RFC 8259 with every freedom taken away that two readers could use differently.

No BOM, no lone surrogates, no duplicate names, no `null`, only plain integers within ±(2^53-1), depth 16 at most.
The standard library's scanner does the work; hooks and one walk refuse what it would let pass.
"""

from __future__ import annotations

import json
import re
from itertools import chain
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
    members = _walk(value, max_depth)
    if "\\" in text:
        _refuse_lone_surrogates(value)
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


def _walk(value: Any, max_depth: int) -> int:
    """Refuse null and excess depth; return how many members all objects have.

    Level by level, so that there is no recursion for input to exhaust.
    """
    members = 0
    level = [value]
    for _ in range(max_depth + 1):
        kinds = set(map(type, level))
        if type(None) in kinds:
            raise _invalid("null is never a value")
        if not kinds & {dict, list}:
            return members
        objects, arrays = (_only(kind, level, kinds) for kind in (dict, list))
        level = list(chain.from_iterable(map(dict.values, objects)))
        members += len(level)
        level += chain.from_iterable(arrays)
    raise _invalid(f"nested deeper than {max_depth}")


def _only(kind: type, items: list[Any], kinds: set[type]) -> list[Any]:
    """Those of `items` that are of one of their `kinds`."""
    if kinds == {kind}:
        return items
    return [item for item in items if type(item) is kind] if kind in kinds else []


def _refuse_lone_surrogates(value: Any) -> None:
    """Only an escape can make one; the encoder looks at every string and name on its way."""
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise _invalid("a string holds a lone surrogate") from None
