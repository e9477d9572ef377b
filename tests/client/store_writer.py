"""One of many processes that share a store: `python -m tests.client.store_writer DIRECTORY FIRST STEP ROUNDS`.

Says that it is ready and waits for a line. Then it offers rising numbers, reads in between, and prints what it saw as
JSON. A text repeats its number often enough that a torn read could not look whole.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from livepin.client.store import DiskStore

REPEATS = 20_000


def text_of(number: int) -> str:
    return f"{number:08d}." * REPEATS


def number_of(text: str | None) -> int:
    """The number of a stored text; 0 for none. Raises `ValueError` for a torn one."""
    if text is None:
        return 0
    number = int(text[:8])
    if text != text_of(number):
        raise ValueError(f"torn: {len(text)} characters, starts with {text[:20]}")
    return number


def main(directory: str, first: int, step: int, rounds: int) -> None:
    store = DiskStore(Path(directory), "acme", "shop", ["thumbprint"], 1)
    saved, seen = [], [0]
    print("ready", flush=True)
    sys.stdin.readline()
    for number in range(first, first + step * rounds, step):
        text = text_of(number)
        if store.save(text, lambda kept, number=number: number_of(kept) < number):  # type: ignore[misc]
            saved.append(number)
        kept = store.load()
        assert not kept.reason, kept.reason
        seen.append(number_of(kept.text))
    print(json.dumps({"saved": saved, "seen": seen, "installation": store.installation()}))


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
