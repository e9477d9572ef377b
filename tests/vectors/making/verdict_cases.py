"""J7 to J9: CT that is not evaluated, expired documents, `action` and `rollout`; and payloads that V5 refuses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.vectors.making.cases import NOT_OK, Case, Json, any_of, invalid
from tests.vectors.making.judge_writer import (
    LEAF_PIN,
    MALLORY_PIN,
    NAME,
    allowed,
    blocked,
    judged,
    policy,
    reported,
)
from tests.vectors.making.writer import ABSENT, BACKUP_PIN, DAY, HOST, NOW
from tests.vectors.making.x509 import INTERCEPTED, LEAF

_MATCHED, _MISMATCH, _EXPIRED = allowed(), blocked(), allowed("expired")
_BLOCKED_BY_CT, _REPORTED_BY_CT = blocked("ct_failed"), reported("ct_failed")


def _ct(action: str = "enforce", **members: Any) -> Json:
    return policy(ct={"action": action}, **members)


def _bare_ct(action: str = "enforce", **members: Any) -> Json:
    return _ct(action, pins=ABSENT, **members)


def _list_of(issued_at: int) -> Json:
    return {"ct_logs": {"issued_at": issued_at, "logs": []}}


def ct_cases() -> Iterator[Case]:
    """J7 where the log list is absent, too old or from the future: CT is not evaluated."""
    table: list[tuple[str, str, Json, Json, Json, bool]] = [
        ("not-evaluated-with-pins", "Beside a pin that matches it passes", _ct(), {}, _MATCHED, False),
        ("not-evaluated-no-pins", "Without pins it is a failure", _bare_ct(), {}, _BLOCKED_BY_CT, True),
        ("not-evaluated-empty-pins", "An empty list of pins is a list of pins: J6 fails first",
         _ct(pins=[]), {}, _MISMATCH, True),
        ("pin-mismatch-first", "J6 is asked before J7", _ct(pins=[MALLORY_PIN]), {}, _MISMATCH, True),
        ("no-pins-when-expired-allow", "Without pins, `when_expired` allow: judged like an expired document",
         _bare_ct(when_expired="allow"), {}, _EXPIRED, False),
        ("no-pins-when-expired-enforce", "Without pins, `when_expired` enforce",
         _bare_ct(when_expired="enforce"), {}, _BLOCKED_BY_CT, True),
        ("no-pins-ct-report", "`ct.action` report is never more than reported",
         _bare_ct("report"), {}, _REPORTED_BY_CT, True),
        ("no-pins-ct-report-allow", "`when_expired` allow is looked at before `ct.action`",
         _bare_ct("report", when_expired="allow"), {}, _EXPIRED, False),
        ("no-pins-ct-off", "`ct.action` off asks for nothing", _bare_ct("off"), {}, _MATCHED, False),
        ("no-pins-ct-default", "`ct` without `action` is off", policy(ct={"policy": "chrome"}, pins=ABSENT), {},
         _MATCHED, False),
        ("no-pins-action-report", "`action` report softens a failure of J7",
         _bare_ct(action="enforce") | {"action": "report"}, {}, _REPORTED_BY_CT, True),
        ("no-pins-rollout-0", "A rollout to nobody softens a failure of J7",
         _bare_ct(rollout=0), {}, _REPORTED_BY_CT, True),
        ("ct-report-with-pins", "`ct.action` report beside a pin that matches", _ct("report"), {}, _MATCHED, False),
        ("ct-report-pin-mismatch", "`ct.action` report does not soften a failure of J6",
         _ct("report", pins=[MALLORY_PIN]), {}, _MISMATCH, True),
        ("list-71-days-old", "A log list older than 70 days, beside a pin that matches",
         _ct(), _list_of(NOW - 71 * DAY), _MATCHED, False),
        ("list-71-days-old-no-pins", "A log list older than 70 days, without pins",
         _bare_ct(), _list_of(NOW - 71 * DAY), _BLOCKED_BY_CT, True),
        ("list-from-the-future-no-pins", "A log list from the future, without pins",
         _bare_ct(), _list_of(NOW + DAY), _BLOCKED_BY_CT, True),
        ("denied-first", "J5 is asked before J7", _bare_ct(deny=[LEAF.spki_sha256]), {}, blocked("denied"), True),
    ]  # fmt: skip
    for name, about, hosts, changes, expect, hostile in table:
        yield judged(f"j7-{name}", about, "J7", hosts, expect, payload=changes, hostile=hostile)


def expired_cases() -> Iterator[Case]:
    """J8; the interceptor's chain matches no pin."""
    out_of_date = {"expires_at": NOW}
    wrong = [MALLORY_PIN]
    table: list[tuple[str, str, Json, Json]] = [
        ("match", "A match passes", policy(), _MATCHED),
        ("match-allow", "A match is a match, `when_expired` allow or not", policy(when_expired="allow"), _MATCHED),
        ("mismatch-default", "A failure blocks as before", policy(pins=wrong), _MISMATCH),
        ("mismatch-enforce", "A failure under `when_expired` enforce",
         policy(pins=wrong, when_expired="enforce"), _MISMATCH),
        ("mismatch-allow", "A failure under `when_expired` allow", policy(pins=wrong, when_expired="allow"), _EXPIRED),
        ("mismatch-allow-report", "`when_expired` allow is looked at before `action`",
         policy(action="report", pins=wrong, when_expired="allow"), _EXPIRED),
        ("mismatch-allow-rollout", "`when_expired` allow is looked at before `rollout`",
         policy(pins=wrong, when_expired="allow", rollout=0), _EXPIRED),
        ("mismatch-report", "A failure under `action` report", policy(action="report", pins=wrong), reported()),
        ("off", "`off` is off", policy(action="off", pins=wrong), allowed("off")),
        ("empty-pins-allow", "No pin at all under `when_expired` allow",
         policy(pins=[], when_expired="allow"), _EXPIRED),
    ]  # fmt: skip
    for name, about, hosts, expect in table:
        about = f"{about}: in an expired document"
        hostile = expect is _MISMATCH
        yield judged(f"j8-{name}", about, "J8", hosts, expect, payload=out_of_date, hostile=hostile)
    about = "`when_expired` allow changes nothing a second before the document expires"
    hosts = policy(pins=wrong, when_expired="allow")
    last = {"expires_at": NOW + 1}
    yield judged("j8-last-second", about, "J8", hosts, _MISMATCH, payload=last, hostile=True)


#: Installation numbers, with the buckets that the formula of J9 gives them.
IN_BUCKET_0 = "60e6ec52abc373a06873e64d71b6d346"  # for api.example.com
IN_BUCKET_37 = "ff508f1718d1cd18714fc96e09a119c1"  # for api.example.com
IN_BUCKET_99 = "11e77c85c32e21415dd77570783fe789"  # for api.example.com
IN_BUCKET_91_AND_7 = "61e97b02c1ade49137adde2974bf24de"  # 91 for api.example.com, 7 for *.example.com
# 26 for api.example.com; 86 from the same bytes in the other order, 62 from the last 8, 92 from the first 4 alone.
IN_BUCKET_26 = "cca04a0e1a17e6508ea9f49cb972acc7"


def action_cases() -> Iterator[Case]:
    """J9; the interceptor's chain matches no pin."""
    table: list[tuple[str, str, Json, Json]] = [
        ("enforce", "`enforce` blocks", policy(), _MISMATCH),
        ("report", "`report` reports", policy(action="report"), reported()),
        ("off", "`off` judges nothing", policy(action="off"), allowed("off")),
    ]
    for name, about, hosts, expect in table:
        yield judged(f"j9-{name}", about, "J9", hosts, expect, chain=INTERCEPTED, hostile=True)
    yield judged("j9-report-match", "`report` and a match", "J9", policy(action="report"), _MATCHED)
    yield judged("j9-rollout-0-match", "A match needs no rollout", "J9", policy(rollout=0), _MATCHED)


def rollout_cases() -> Iterator[Case]:
    """J9: enforced where the bucket is below `rollout`."""
    table: list[tuple[str, str, str, str | None, int, Json]] = [
        ("default", "The default, 100, enforces everywhere", NAME, IN_BUCKET_99, -1, _MISMATCH),
        ("100", "Bucket 99 under rollout 100", NAME, IN_BUCKET_99, 100, _MISMATCH),
        ("99", "Bucket 99 under rollout 99", NAME, IN_BUCKET_99, 99, reported()),
        ("38", "Bucket 37 under rollout 38", NAME, IN_BUCKET_37, 38, _MISMATCH),
        ("37", "Bucket 37 under rollout 37", NAME, IN_BUCKET_37, 37, reported()),
        ("1", "Bucket 0 under rollout 1", NAME, IN_BUCKET_0, 1, _MISMATCH),
        ("0", "Bucket 0 under rollout 0", NAME, IN_BUCKET_0, 0, reported()),
        ("1-no-number", "Without an installation number the bucket is 0", NAME, None, 1, _MISMATCH),
        ("0-no-number", "Rollout 0 without an installation number", NAME, None, 0, reported()),
        ("pattern-text", "The pattern's own text counts, not the host's",
         "*.example.com", IN_BUCKET_91_AND_7, 50, _MISMATCH),
        ("exact-text", "The same installation under the exact pattern", NAME, IN_BUCKET_91_AND_7, 50, reported()),
        ("first-8-bytes", "The first 8 bytes of the hash, big-endian", NAME, IN_BUCKET_26, 27, _MISMATCH),
        ("first-8-bytes-above", "The first 8 bytes of the hash, big-endian, one step lower", NAME, IN_BUCKET_26, 26,
         reported()),
    ]  # fmt: skip
    for name, about, pattern, installation, rollout, expect in table:
        hosts = policy(pattern, rollout=ABSENT if rollout < 0 else rollout)
        members: Json = {} if installation is None else {"installation": installation}
        case = (f"j9-rollout-{name}", about, "J9", hosts, expect)
        yield judged(*case, chain=INTERCEPTED, hostile=True, **members)


def refused_cases() -> Iterator[Case]:
    """The payload is checked as in V5."""
    bad, critical = invalid("payload_invalid"), invalid("critical_unknown")
    table: list[tuple[str, str, Json, Json, Json]] = [
        ("no-serial", "No `serial`", policy(), {"serial": ABSENT}, bad),
        ("no-hosts", "No `hosts`", policy(), {"hosts": ABSENT}, bad),
        ("two-digests", "A pin with two digests", policy(pins=[{**LEAF_PIN, "cert_sha256": BACKUP_PIN}]), {}, bad),
        ("action-unknown", "An unknown `action`, in a policy that is not asked for",
         policy("other.example", "warn"), {}, bad),
        ("pattern-upper-case", "A pattern in upper case", policy("API.example.com"), {}, bad),
        ("pattern-dot", "A pattern with a trailing dot", policy("api.example.com."), {}, bad),
        ("serial-true", "`true` is not 1", policy(), {"serial": True}, bad),
        ("rollout-101", "`rollout` 101", policy(rollout=101), {}, bad),
        ("critical", "An unknown member in `critical`", policy(), {"critical": ["quorum"]}, critical),
        ("critical-in-pin", "An unknown member in a pin's `critical`",
         policy(pins=[{**LEAF_PIN, "critical": ["quorum"]}]), {}, critical),
        ("format-2", "Format 2", policy(), {"format": 2}, invalid("unsupported_format")),
    ]  # fmt: skip
    for name, about, hosts, changes, expect in table:
        yield judged(f"refused-{name}", about, "V5", hosts, expect, payload=changes, hostile=True)
    yield judged("refused-repeated", "One pattern twice", "V5", [policy(), policy()], bad, hostile=True)
    loose: list[tuple[str, str, Json]] = [
        ("null", "`null` in a member nobody knows", {"note": None}),
        ("fraction", "A fraction in a member nobody knows", {"note": 1.5}),
        ("2-to-53", "2^53 in a member nobody knows", {"note": 2**53}),
        ("depth-17", "An array at depth 17 of the payload", {"note": _nested(16)}),
    ]
    # A door that reads its whole line as strictly as a payload may say so in its own word.
    either = invalid(any_of("payload_invalid", "json_invalid", "request_invalid"))
    for name, about, changes in loose:
        yield judged(f"refused-{name}", about, "V5", policy(), either, payload=changes, hostile=True)
    about = "An array at depth 16 of the payload, and so at 17 of the line"
    yield judged("depth-16", about, "V5", policy(), _MATCHED, payload={"note": _nested(15)})
    request = {"do": "judge", "payload": [HOST], "host": NAME, "chain": [LEAF.pem], "now": NOW}
    yield Case("judge-refused-array", "An array in place of the payload.", "V5", NOT_OK, True, request)
    request = {"do": "judge", "payload": {}, "host": NAME, "chain": [LEAF.pem], "now": NOW}
    yield Case("judge-refused-empty", "An empty payload.", "V5", bad, True, request)


def _nested(depth: int) -> list[object]:
    value: list[object] = []
    for _ in range(depth - 1):
        value = [value]
    return value


def all_cases() -> Iterator[Case]:
    yield from ct_cases()
    yield from expired_cases()
    yield from action_cases()
    yield from rollout_cases()
    yield from refused_cases()
