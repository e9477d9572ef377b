"""Lists of logs as others publish them, made of logs of our own."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from livepin.author.ct_import import Plan, check_date, identities, of_use, plan
from livepin.author.ct_lists import parse
from livepin.author.ct_logs import LogEntry, LogTable, LogTableFile, Operator, Review, Source
from livepin.testing import CtLog

DAY = 86_400
#: 2026-11-23T00:00:00Z
NOW = 1_795_392_000
#: 2026-07-01, 2027-01-01, 2027-07-01: where shards of half a year meet.
H2, H1, NEXT_H2 = 1_782_864_000, 1_798_761_600, 1_814_400_000

Members = dict[str, Any]


def rfc3339(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def listed(log: CtLog, name: str, state: str = "usable", since: float = NOW - 400 * DAY, **members: Any) -> Members:
    """A log as both lists write it; its interval is the shard of 2026h2 unless given."""
    interval = {"start_inclusive": rfc3339(H2), "end_exclusive": rfc3339(H1)}
    key = b64encode(log.key_der).decode("ascii")
    entry = {
        "description": name,
        "log_id": log.id,
        "key": key,
        "mmd": 86400,
        "state": {state: {"timestamp": rfc3339(since)}},
    }
    return {**entry, "temporal_interval": interval, **members}


def operators(named: Mapping[str, Iterable[tuple[CtLog, Members]]]) -> list[Members]:
    return [
        {
            "name": name,
            "email": ["ct@example.com"],
            "logs": [members for log, members in logs if not log.static],
            "tiled_logs": [members for log, members in logs if log.static],
        }
        for name, logs in named.items()
    ]


def chrome(
    named: Mapping[str, Iterable[tuple[CtLog, Members]]],
    issued_at: float = NOW - DAY,
    version: str = "80.1",
    **more: Any,
) -> bytes:
    head = {"version": version, "log_list_timestamp": rfc3339(issued_at)}
    return json.dumps({**head, "operators": operators(named), **more}).encode()


def apple(named: Mapping[str, Iterable[tuple[CtLog, Members]]], version: str = "500") -> bytes:
    return json.dumps(
        {"assetVersion": 3, "assetVersionV2": 99, "version": version, "operators": operators(named)}
    ).encode()


def signed(data: bytes, key: rsa.RSAPrivateKey) -> bytes:
    return key.sign(data, padding.PKCS1v15(), hashes.SHA256())


def public_pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def imported(
    file: LogTableFile,
    data: bytes,
    *,
    now: float = NOW,
    dated: int | None = None,
    given: Mapping[str, str] | None = None,
    remove_missing: bool = False,
    signed_by: str = "",
) -> Plan:
    """What `livepin ct logs import` does, without asking anybody."""
    table, foreign = file.read(), parse(data)
    review = Review(foreign.source, foreign.issued_at or dated or int(now), foreign.version, signed_by)
    check_date(table, foreign, review, now)
    foreign = of_use(table, foreign, now)
    names = {one.name: one.id for one in identities(table, foreign, given or {})}
    done = plan(table, foreign, review, names, now, remove_missing=remove_missing)
    done.apply(file)
    file.save()
    return done


def entry(log: CtLog, name: str, operator: str = "one", **members: Any) -> LogEntry:
    """A log of the table, entered by hand; the shard of 2026h2 unless given."""
    key = b64encode(log.key_der).decode("ascii")
    kind = "static" if log.static else "rfc6962"
    return LogEntry(name, log.id, key, operator, kind, **{"start": H2, "end": H1, **members})


def table_of(*logs: LogEntry, issued_at: int = NOW - DAY) -> LogTable:
    """A table with these logs, in which everything was reviewed at one time."""
    known = tuple(Operator(one) for one in dict.fromkeys(log.operator for log in logs))
    return LogTable(known, logs, tuple(Review(source, issued_at) for source in Source))
