"""`build/clients.json`: what the last test run has proven about each client.

Test processes run side by side and each adds its rows, so the file is rewritten under a lock.
"""

from __future__ import annotations

import fcntl
import json
from pathlib import Path
from typing import Any

from tests.clients.client import keys

FILE = Path(__file__).resolve().parents[2] / "build" / "clients.json"


def read() -> dict[str, dict[str, Any]]:
    """Client -> test -> what was measured; empty before the first run."""
    try:
        found: dict[str, dict[str, Any]] = json.loads(FILE.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    return found


def record(client: str, test: str, **measured: object) -> None:
    """Add or replace one row. Rows of clients that have no entry any more are dropped."""
    FILE.parent.mkdir(exist_ok=True)
    with FILE.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        found = read()
        found.setdefault(client, {})[test] = measured
        known = {key: found[key] for key in keys() if key in found}
        new = FILE.with_suffix(".new")
        new.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n", "utf-8")
        new.replace(FILE)
