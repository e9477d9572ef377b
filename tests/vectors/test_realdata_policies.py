"""Chrome's and Apple's rules, read a second time from what they publish, against the door: on every real chain, by real
lists as they are and by lists in which logs have other states. What the two readings share is the words alone.
"""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from typing import Any

import pytest

from tests.vectors.door import Json, ask
from tests.vectors.real import DAY, pems, published_list, read, seconds

pytestmark = pytest.mark.skipif(
    "LIVEPIN_REALDATA" not in os.environ, reason="LIVEPIN_REALDATA is not set: real data was not tested"
)

LISTS = ("log_list_v57.10_2025-06-29", "log_list_v80.14_2026-01-02", "current_log_list_2026-04-01")
RULES = ("chrome", "apple", "any")
STATES = ("pending", "qualified", "usable", "readonly", "retired", "rejected", "frozen")


def second_reading(policy: str, chain: Json, logs: list[Json], now: int) -> bool:
    """Whether the SCTs of a chain, all of which verify, are enough at `now`."""
    good = list(_good(chain, {log["id"]: log for log in logs}, now))
    current = [sct["timestamp_ms"] for sct, log, is_current in good if is_current]
    if policy == "any" or not current:
        return bool(good) and policy == "any"
    if policy == "chrome":  # a log that had retired before the earliest current SCT had retired before the issuance
        good = [one for one in good if one[2] or min(current) < one[1]["retired_at"] * 1000]
    logs = list({log["id"]: log for _, log, _ in good}.values())
    life = seconds(chain["not_after"]) - seconds(chain["not_before"])
    if policy == "chrome":
        return len(logs) >= (3 if life > 180 * DAY else 2) and len({log["operator"] for log in logs}) >= 2
    days = (life + 1) // DAY + bool((life + 1) % DAY)  # inclusive, and every excess is a day more
    needed, most = (2, 1) if days <= 180 else (3, 2)
    counted = sum(min(number, most) for number in Counter(log["operator"] for log in logs).values())
    return counted >= needed and any(log["kind"] == "rfc6962" for log in logs)


def _good(chain: Json, logs: dict[str, Json], now: int) -> Any:
    """SCTs that count, with their logs, and whether the log is current."""
    for sct in chain["scts"]:
        log = logs.get(sct["log_id"])
        if log is None or sct["timestamp_ms"] > (now + 300) * 1000:
            continue
        if not log.get("from", 0) <= seconds(chain["not_after"]) < log.get("until", 2**53):
            continue
        retired = log["state"] == "retired" and now >= log["retired_at"]
        if log["state"] in ("qualified", "usable", "readonly") or (log["state"] == "retired" and not retired):
            yield sct, log, True
        elif retired and sct["timestamp_ms"] < log["retired_at"] * 1000:
            yield sct, log, False


def _other_states(logs: list[Json], moments: tuple[int, ...], chance: random.Random) -> list[Json]:
    """The list, but some logs have another state; retirements at moments that matter."""
    changed = [dict(log) for log in logs]
    for log in changed:
        if chance.random() < 0.25:
            log["state"] = chance.choice(STATES)
            log.pop("retired_at", None)
            if log["state"] == "retired":
                log["retired_at"] = chance.choice(moments)
    return changed


@pytest.mark.slow
def test_two_readings_of_the_published_rules_agree() -> None:
    chance = random.Random(6962)
    requests, expected = [], []
    for chain in (one for one in read("chains.json") if one["expect"] == "verified"):
        since, until = seconds(chain["not_before"]), seconds(chain["not_after"])
        for logs in (published_list(name)["logs"] for name in LISTS):
            for now in (since + DAY, since + 3 * DAY, until - 1):
                listed = _other_states(logs, (since - DAY, since + 3600, now - 1, now, now + 1), chance)
                for policy, given in [("chrome", logs), ("apple", logs), *((one, listed) for one in RULES)]:
                    ct_logs = {"issued_at": now - 7 * DAY, "logs": given}
                    rule = {"policy": policy}
                    requests.append({"do": "ct", "chain": pems(chain), "ct_logs": ct_logs, "ct": rule, "now": now})
                    expected.append((policy, second_reading(policy, chain, given, now)))
    answers = ask([json.dumps(request) for request in requests])
    found = [(policy, answer["satisfied"]) for (policy, _), answer in zip(expected, answers, strict=True)]
    assert found == expected
    assert min(Counter(expected).values()) > 100  # both answers, of every policy
