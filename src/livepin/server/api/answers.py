"""What goes in and out: strict bodies, plain answers, pages with cursors, drafts with versions."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, TypeVar

from django.http import HttpRequest, HttpResponse
from ninja import Header, Query, Schema
from ninja.parser import Parser
from pydantic import ConfigDict, Field

from livepin.core import strictjson
from livepin.core.base64s import b64url, b64url_decode
from livepin.errors import Conflict, EncodingInvalid, JsonInvalid, ValueInvalid

T = TypeVar("T")

#: The default of members that may be absent: there is no value that would stand for it.
ABSENT: Any = None
#: How many entries a page has.
Limit = Annotated[int, Query(ge=1, le=500, description="At most so many entries.")]
#: Where a page begins: what the page before said in `next`.
Cursor = Annotated[str, Query(max_length=600, description="`next` of the page before; empty for the first page.")]
#: The version of the draft that a change is made to.
IfMatch = Annotated[
    str, Header(alias="If-Match", description='The draft\'s version, as it was read: `"17"`; `*` for whatever it is.')
]
#: The same where naming a version is up to the caller.
IfVersion = Annotated[
    str, Header(alias="If-Match", description="Only while the draft has this version. May be left out.")
]
IfNoneMatch = Annotated[
    str, Header(alias="If-None-Match", description="The version that the caller has: 304 while it is the same.")
]
_TAG = re.compile(r'"([0-9]{1,15})"', re.ASCII)


class Body(Schema):
    """What a request says. Members that nobody knows are refused: a misspelt one must not silently mean nothing."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Answer(Schema):
    """What an answer says. Members that do not apply are absent."""


class Listing(Answer):
    """One page. `next` is the cursor of the page after it, absent on the last one."""

    next: Annotated[str, Field(description="The cursor of the next page; absent on the last page.")] = ABSENT


class StrictJson(Parser):
    """Bodies are strict JSON, as documents are; and no text holds a zero byte, which databases do not keep."""

    def parse_body(self, request: HttpRequest) -> Any:
        """The value. Raises `JsonInvalid`."""
        value = strictjson.loads(request.body)
        if b"\\u0000" in request.body and "\0" in _texts(value):
            raise JsonInvalid("json_invalid", "a text holds a zero byte")
        return value


def _texts(value: Any) -> str:
    if isinstance(value, dict):
        return "".join(name + _texts(one) for name, one in value.items())
    if isinstance(value, list):
        return "".join(map(_texts, value))
    return value if isinstance(value, str) else ""


def answer(members: Mapping[str, Any], status: int = 200, *, version: int | None = None) -> HttpResponse:
    """JSON. Members whose value is None are left out: `null` is never a value. `version`: becomes the ETag."""
    said = {name: value for name, value in members.items() if value is not None}
    response = HttpResponse(json.dumps(said, separators=(",", ":")), status=status, content_type="application/json")
    if version is not None:
        response["ETag"] = f'"{version}"'
    return response


def nothing(*, version: int | None = None) -> HttpResponse:
    """It is done, and there is nothing to say about it."""
    response = HttpResponse(status=204)
    if version is not None:
        response["ETag"] = f'"{version}"'
    return response


def seconds(moment: datetime | None) -> int | None:
    """Unix seconds."""
    return None if moment is None else int(moment.timestamp())


def version_of(if_match: str) -> int | None:
    """The version that `If-Match` names; None for `*`. Raises `Conflict` (`version_missing`), `ValueInvalid`."""
    text = if_match.strip()
    if not text:
        raise Conflict("version_missing", "a change of the draft says which version it changes", where="If-Match")
    if text == "*":
        return None
    found = _TAG.fullmatch(text)
    if found is None:
        raise ValueInvalid("value_invalid", 'it is neither a version, such as "17", nor *', where="If-Match")
    return int(found[1])


def is_known(if_none_match: str, version: int) -> bool:
    """Whether a caller has this version already."""
    return f'"{version}"' in if_none_match.replace(" ", "").replace("W/", "").split(",")


def cursor(place: str) -> str:
    """A place in a listing, so that callers do not read anything into it."""
    return b64url(place.encode())


def place(cursor: str) -> str:
    """The place that a cursor stands for. Raises `ValueInvalid`."""
    try:
        text = b64url_decode(cursor).decode() if cursor else ""
    except (EncodingInvalid, UnicodeDecodeError):
        text = "\0"
    if "\0" in text:
        raise ValueInvalid("value_invalid", "it is no cursor of this listing", where="cursor")
    return text


def number(cursor: str) -> int:
    """The number that a cursor stands for, 0 for none. Raises `ValueInvalid`."""
    text = place(cursor)
    if text and not (text.isascii() and text.isdigit() and len(text) < 18):  # microseconds have 16
        raise ValueInvalid("value_invalid", "it is no cursor of this listing", where="cursor")
    return int(text or 0)


def page(items: Sequence[Mapping[str, Any]], following: str, **more: Any) -> dict[str, Any]:
    """A page of JSON; `following`: the place where the next one begins, empty on the last one."""
    return {"items": list(items), "next": cursor(following) if following else None, **more}


def paged(
    rows: Iterable[T],
    key: Callable[[T], str],
    shown: Callable[[T], Mapping[str, Any]],
    after: str,
    limit: int,
    *,
    backwards: bool = False,
) -> dict[str, Any]:
    """A page of rows that are few enough to be read all, in the order of their keys, from behind the cursor `after`."""
    wanted = place(after)
    ordered = sorted(rows, key=key, reverse=backwards)
    left = [row for row in ordered if not wanted or (key(row) < wanted if backwards else key(row) > wanted)]
    return page([shown(row) for row in left[:limit]], key(left[limit - 1]) if len(left) > limit else "")


def newest(row: Any) -> str:
    """The key of rows that are listed by when they were made."""
    return f"{row.created_at.timestamp():020.6f} {row.id}"
