"""The hash chain of an audit trail, as anyone can compute it who has an export: standard library alone.

    hash(n) = SHA-256( hash(n-1) as ASCII hex ‖ 0x0A ‖ canonical JSON of entry n without its hash )

`hash(0)` is the empty text. Canonical JSON: members sorted, no white space, UTF-8. What a chain cannot show by itself
is that its end was cut off, or that it was written anew from some entry on: who notes a hash now and then can.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any


def chained(before: str, entry: Mapping[str, Any]) -> str:
    """The hash of an exported entry after the one whose hash is `before`."""
    text = json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(f"{before}\n{text}".encode()).hexdigest()


def first_broken(entries: Iterable[Mapping[str, Any]]) -> int | None:
    """The number of the first entry of an export that does not follow from those before it; None if all do."""
    before = ""
    for expected, entry in enumerate(entries, start=1):
        plain = {name: value for name, value in entry.items() if name != "hash"}
        if plain.get("number") != expected or chained(before, plain) != entry.get("hash"):
            return expected
        before = entry["hash"]
    return None
