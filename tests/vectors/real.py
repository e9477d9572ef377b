"""Real certificates, logs and lists, found through `LIVEPIN_REALDATA`, as the door takes them."""

from __future__ import annotations

import json
import os
import re
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.vectors.door import Json

FOLDER = Path(os.environ.get("LIVEPIN_REALDATA", "")) / "ct"
DAY = 86_400
_CERTIFICATE = re.compile("-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n", re.DOTALL)


def read(name: str) -> Any:
    return json.loads((FOLDER / name).read_text(encoding="utf-8"))


def pems(chain: Json) -> list[str]:
    found: list[str] = _CERTIFICATE.findall((FOLDER / chain["file"]).read_text(encoding="ascii"))
    return found


def seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


def known_logs() -> list[Json]:
    """Every log that is known, with its key and nothing else that a document would say."""
    logs = read("loglists/union.json")
    return [{"id": log["log_id"], "key": log["key"], "kind": "static" if log["tiled"] else "rfc6962"} for log in logs]


def published_list(name: str) -> Json:
    """A published list as the member `ct_logs` of a document. Apple's does not say of when it is."""
    published = read(f"loglists/{name}.json")
    logs = [
        _entry(log, operator["name"], kind)
        for operator in published["operators"]
        for member, kind in (("logs", "rfc6962"), ("tiled_logs", "static"))
        for log in operator.get(member, ())
    ]
    moment = published.get("log_list_timestamp", "2026-04-01T00:00:00Z")
    return {"issued_at": seconds(moment), "logs": logs}


def _entry(log: Json, operator: str, kind: str) -> Json:
    ((state, since),) = log["state"].items()
    interval = log.get("temporal_interval")
    return {
        "id": log["log_id"],
        "key": log["key"],
        "operator": operator,
        "kind": kind,
        "state": state,
        **({"from": seconds(interval["start_inclusive"])} if interval else {}),
        **({"until": seconds(interval["end_exclusive"])} if interval else {}),
        **({"retired_at": seconds(since["timestamp"])} if state == "retired" else {}),
    }
