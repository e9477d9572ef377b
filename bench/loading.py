"""Verifying and loading a document against the least that any reader must do: parse it and check one signature."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import cycle
from typing import Any

from bench.ratio import Row, side_by_side
from livepin.core import document, jws
from livepin.core.base64s import b64
from livepin.core.jws import PublicKey
from livepin.core.trust import Trust, verify
from livepin.testing import DocumentAuthority, policy


def rows() -> Iterator[Row]:
    """Three sizes, and the look-up in each."""
    lookups = []
    for count in (1, 100, 10_000):
        authority = DocumentAuthority()
        hosts = [
            policy(f"h{number}.example.com", _digest(2 * number), _digest(2 * number + 1)) for number in range(count)
        ]
        text = authority.sign(hosts)
        yield Row(
            f"verify and load {count:,} patterns",
            "json.loads + one signature check",
            *side_by_side(*_loading(authority, text), rounds=7),
            3.0 if count == 10_000 else None,
        )
        lookups.append(_lookup(text, count))
    yield Row("look up one of 10,000 patterns", "one of 1", *side_by_side(lookups[2], lookups[0]), 1.5)


def _digest(number: int) -> str:
    return b64(number.to_bytes(32, "big"))


def _loading(authority: DocumentAuthority, text: str) -> tuple[Callable[[], object], Callable[[], object]]:
    key = PublicKey.from_text(authority.public_key)
    trust = Trust(authority.organization, authority.project, (key,))
    compact = jws.split(text)
    now = json.loads(compact.payload)["issued_at"]

    def theirs() -> None:
        json.loads(compact.payload)
        assert key.verify(compact.signing_input, compact.signature)

    return lambda: verify(text, trust, now), theirs


def _lookup(text: str, count: int) -> Callable[[], object]:
    parsed: Any = document.Document.parse(jws.split(text).payload)
    names = cycle([f"h{number}.example.com" for number in range(0, count, max(1, count // 97))])
    return lambda: parsed.lookup(next(names))
