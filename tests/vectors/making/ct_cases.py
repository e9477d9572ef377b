"""J7: which SCTs count, whether they are enough, and what becomes of the peer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.vectors.making.cases import Case, Json, invalid
from tests.vectors.making.ct_writer import (
    END_OF_90_DAYS,
    LIFE_90_DAYS,
    LIFE_180_DAYS,
    LIFE_180_DAYS_AND_1_S,
    LIFE_180_DAYS_LESS_1_S,
    LOGGED,
    NORTH,
    OAK,
    POISON,
    SLATE,
    SOUTH,
    STRANGER,
    TILE,
    certificate_entry,
    chain_of,
    ct_case,
    ct_list,
    entry_of,
    leaf,
    list_extension,
    logged,
    precertificate_entry,
    sct_list,
    with_scts,
)
from tests.vectors.making.judge_writer import MALLORY_PIN, allowed, blocked, judged, policy, reported
from tests.vectors.making.keys import b64, sha256
from tests.vectors.making.writer import ABSENT, DAY, NOW
from tests.vectors.making.x509 import INTERCEPTED, extension

_ENTRY = entry_of()

_FEW_LOGS, _FEW_OPERATORS = "too_few_logs", "too_few_operators"


def number_cases() -> Iterator[Case]:
    """How many logs, how many operators, and where 180 days end."""
    lives = [
        ("90-days", LIFE_90_DAYS, 2, 2),
        ("180-days-less-1-s", LIFE_180_DAYS_LESS_1_S, 2, 2),
        ("180-days", LIFE_180_DAYS, 2, 3),
        ("180-days-and-1-s", LIFE_180_DAYS_AND_1_S, 3, 3),
    ]
    for name, life, chrome, apple in lives:
        two, three = logged(NORTH, OAK, life=life), logged(NORTH, OAK, SLATE, life=life)
        for rule, needed in (("chrome", chrome), ("apple", apple)):
            reasons = [] if needed == 2 else [_FEW_LOGS]
            about = f"A life of {name.replace('-', ' ')} to {rule.title()}"
            yield ct_case(f"{rule}-{name}-two", f"{about}, two logs", two, rule, needed == 2, reasons=reasons)
            yield ct_case(f"{rule}-{name}-three", f"{about}, three logs", three, rule, True, reasons=[])
    yield ct_case("any-one", "One SCT is enough for `any`", logged(TILE, life=LIFE_180_DAYS), "any", True, reasons=[])
    yield ct_case("any-none", "No SCT is not", leaf(), "any", False, reasons=["no_sct"])
    for rule in ("chrome", "apple"):
        yield ct_case(f"{rule}-none", "No SCT", leaf(), rule, False, reasons=["no_sct"])
        yield ct_case(f"{rule}-one-operator", "Two logs of one operator", logged(NORTH, SOUTH), rule, False,
                      reasons=[_FEW_OPERATORS])  # fmt: skip
        yield ct_case(f"{rule}-one-log-twice", "Two SCTs of one log",
                      with_scts([NORTH.sct(_ENTRY), NORTH.sct(_ENTRY, at=LOGGED + 1)]), rule, False,
                      reasons=[_FEW_LOGS, _FEW_OPERATORS])  # fmt: skip
        bad = with_scts([NORTH.sct(_ENTRY), OAK.sct(_ENTRY, sign=STRANGER.sign)])
        yield ct_case(f"{rule}-one-bad", "Of two SCTs one does not verify", bad, rule, False,
                      reasons=[_FEW_LOGS, _FEW_OPERATORS])  # fmt: skip
        more = with_scts([STRANGER.sct(_ENTRY), NORTH.sct(_ENTRY), b"\1", OAK.sct(_ENTRY)])
        yield ct_case(f"{rule}-others-beside", "What does not count does no harm", more, rule, True, reasons=[])
    static = logged(SLATE, NORTH, life=LIFE_180_DAYS_LESS_1_S)
    yield ct_case("apple-static-and-rfc6962", "One of two logs is as in RFC 6962", static, "apple", True)
    entries = ct_list(SLATE.entry(), TILE.entry(operator="Slater"))
    alone = logged(SLATE, TILE)
    yield ct_case("apple-static-alone", "No log is as in RFC 6962", alone, "apple", False, logs=entries,
                  reasons=["no_rfc6962_log"])  # fmt: skip
    yield ct_case("chrome-static-alone", "Chrome does not ask for one", alone, "chrome", True, logs=entries)


def counting_cases() -> Iterator[Case]:
    """Whose SCTs count: state, retirement, interval, declaration."""
    pair = logged(NORTH, OAK)
    gone: Json = {"state": "retired", "retired_at": LOGGED + 1}
    table: list[tuple[str, str, Json, bool]] = [
        ("qualified", "A qualified log counts", {"state": "qualified"}, True),
        ("readonly", "A log that is read-only counts", {"state": "readonly"}, True),
        ("pending", "A pending log does not count", {"state": "pending"}, False),
        ("rejected", "A rejected log does not count", {"state": "rejected"}, False),
        ("state-unknown", "A log of unknown state does not count", {"state": "admired"}, False),
        ("retired-later", "An SCT from before the retirement counts", gone, True),
        ("retired-then", "An SCT from the very second does not count", {**gone, "retired_at": LOGGED}, False),
        ("retired-undated", "A log that retired nobody knows when does not count", {"state": "retired"}, False),
        ("usable-retired", "A usable log with a retirement that is over has retired",
         {"state": "usable", "retired_at": LOGGED}, False),
        ("interval-ends-then", "The interval ends at notAfter: not in it", {"until": END_OF_90_DAYS}, False),
        ("interval-ends-later", "The interval ends a second after notAfter", {"until": END_OF_90_DAYS + 1}, True),
        ("interval-starts-then", "The interval starts at notAfter", {"from": END_OF_90_DAYS}, True),
        ("interval-starts-later", "The interval starts a second after notAfter", {"from": END_OF_90_DAYS + 1}, False),
    ]  # fmt: skip
    for name, about, members, counts in table:
        entries = ct_list(NORTH.entry(**members), OAK.entry())
        yield ct_case(f"counts-{name}", about, pair, "chrome", counts, logs=entries)
    both = ct_list(NORTH.entry(**gone), OAK.entry(**gone))
    yield ct_case("all-retired", "Both logs have retired: one must be current", pair, "chrome", False, logs=both,
                  reasons=["no_current_log"])  # fmt: skip
    soon = ct_list(*(log.entry(state="retired", retired_at=NOW + 1) for log in (NORTH, OAK)))
    about = "Both logs retire in a second: they are current till then"
    yield ct_case("retiring", about, pair, "chrome", True, logs=soon)
    retired = ct_list(*(log.entry(state="retired", retired_at=NOW) for log in (NORTH, OAK)))
    reasons = ["no_current_log"]
    yield ct_case("retiring-now", "Both logs retire now", pair, "apple", False, logs=retired, reasons=reasons)
    yield from _retirement_cases()
    twice = ct_list(NORTH.entry(), NORTH.entry(operator="Forest"), OAK.entry())
    yield ct_case("log-named-twice", "A log is named twice, and differently: it does not count", pair, "chrome", False,
                  logs=twice)  # fmt: skip
    lying = ct_list({**NORTH.entry(), "id": STRANGER.id}, OAK.entry())
    yield ct_case("id-of-another-key", "An ID that is not the digest of its key", pair, "chrome", False, logs=lying)
    future = with_scts([NORTH.sct(_ENTRY, at=NOW + 301), OAK.sct(_ENTRY)])
    yield ct_case("future", "An SCT from the future does not count", future, "chrome", False)
    declared: list[tuple[str, str, Json, bool]] = [
        ("operators", "Both operators are declared", {"operators": ["Compass", "Forest"]}, True),
        ("operator-missing", "One operator is not declared", {"operators": ["Compass"]}, False),
        ("operator-letter-case", "An operator in other letters", {"operators": ["compass", "Forest"]}, False),
        ("operators-empty", "An empty declaration", {"operators": []}, False),
        ("logs", "Both logs are declared", {"logs": [NORTH.id, OAK.id]}, True),
        ("log-missing", "One log is not declared", {"logs": [NORTH.id, SLATE.id]}, False),
        ("either", "One log is declared, and the other one's operator", {"logs": [NORTH.id], "operators": ["Forest"]},
         True),
    ]  # fmt: skip
    for name, about, members, counts in declared:
        rule = {"action": "enforce", "policy": "chrome", **members}
        yield ct_case(f"declared-{name}", about, pair, rule, counts)


def _retirement_cases() -> Iterator[Case]:
    alone = logged(NORTH)
    for name, retired_at, counts in (("then", LOGGED, False), ("later", LOGGED + 1, True)):
        entries = ct_list(NORTH.entry(state="retired", retired_at=retired_at))
        about = f"To `any` an SCT from {'before' if counts else 'the very second of'} the retirement"
        yield ct_case(f"any-retired-{name}", about, alone, "any", counts, logs=entries)
    # The retired log's SCT is older than its retirement; the earliest SCT of a log that is current is not.
    early = with_scts([NORTH.sct(_ENTRY, at=LOGGED - 9), OAK.sct(_ENTRY)])
    between = ct_list(NORTH.entry(state="retired", retired_at=LOGGED), OAK.entry())
    about = "A log retired between its SCT and the earliest one of a log that is current"
    yield ct_case("chrome-retired-between", f"{about}: to Chrome, before the certificate was issued", early, "chrome",
                  False, logs=between)  # fmt: skip
    yield ct_case("apple-retired-between", f"{about}: to Apple it counts", early, "apple", True, logs=between)
    poison = extension(POISON, b"\5\0", critical=True)
    entry = precertificate_entry(leaf(poison).tbs)
    both = leaf(poison, list_extension([NORTH.sct(entry), OAK.sct(entry)]))
    yield ct_case("precertificate", "A precertificate, whatever it carries", both, "any", False,
                  reasons=["precertificate"])  # fmt: skip


def list_cases() -> Iterator[Case]:
    """Lists of different ages, and what V5 refuses."""
    pair = logged(NORTH, OAK)
    for name, about, issued_at, reason in (
        ("now", "A list of now", NOW, None),
        ("69-days", "A list of 69 days", NOW - 69 * DAY, None),
        ("70-days", "A list of 70 days exactly: it is not older", NOW - 70 * DAY, None),
        ("70-days-and-1-s", "A list of 70 days and a second", NOW - 70 * DAY - 1, "list_too_old"),
        ("1970", "A list of 1970", 0, "list_too_old"),
        ("ahead-300", "A list 300 seconds ahead of the clock", NOW + 300, None),
        ("ahead-301", "A list 301 seconds ahead of the clock", NOW + 301, "list_from_the_future"),
    ):
        reasons = [reason] if reason else []
        yield ct_case(f"list-{name}", about, pair, "chrome", not reason, evaluated=not reason, hostile=False,
                      logs=ct_list(issued_at=issued_at), reasons=reasons)  # fmt: skip
    request: Json = {"do": "ct", "chain": [one.pem for one in chain_of(pair)], "now": NOW, "ct": {"policy": "any"}}
    absent = {"ok": True, "satisfied": False, "evaluated": False, "reasons": ["list_absent"]}
    yield Case("ct-list-absent", "No list.", "J7", absent, False, request)
    met = {"ok": True, "satisfied": True, "evaluated": True, "reasons": []}
    unknown = ct_list(NORTH.entry(mmd=86400, tags=["a"]), {"kind": "tree", "id": 7}) | {"version": "80.14"}
    yield Case("ct-unknown-members", "A list with members that nobody knows.", "J7", met, False,
               {**request, "ct_logs": unknown})  # fmt: skip
    refused: list[tuple[str, str, Json]] = [
        ("policy-unknown", "A policy that nobody knows", {"ct": {"policy": "firefox"}, "ct_logs": ct_list()}),
        ("rule-text", "A text for the rule", {"ct": "chrome"}),
        ("operators-text", "A text for the operators", {"ct": {"operators": "Compass"}}),
        ("log-id-hex", "A log ID in hexadecimal", {"ct": {"logs": [sha256("a log").hex()]}}),
        ("list-array", "An array for the list", {"ct_logs": [NORTH.entry()]}),
        ("list-undated", "A list without its date", {"ct_logs": {"logs": []}}),
        ("log-without-operator", "A log without its operator", {"ct_logs": ct_list(NORTH.entry(operator=ABSENT))}),
        ("no-clock", "No time", {"now": "today"}),
    ]
    for name, about, members in refused:
        code: Any = {"list-array": "request_invalid", "rule-text": "request_invalid", "no-clock": "request_invalid"}
        answer = invalid(code.get(name, "payload_invalid"))
        yield Case(f"ct-refused-{name}", f"{about}.", "V5", answer, True, {**request, **members})


def delivered_cases() -> Iterator[Case]:
    """SCTs that a caller hands over: they cover the certificate that is there."""
    whole, embedded = leaf(), logged(NORTH)
    by_hand = b64(sct_list([log.sct(certificate_entry(whole.der)) for log in (NORTH, OAK)]))
    for rule, tls, ocsp in (("any", True, True), ("chrome", True, False), ("apple", True, True)):
        for delivery, met in (("tls", tls), ("ocsp", ocsp)):
            about = f"Two SCTs by {delivery.upper()}, to `{rule}`"
            yield ct_case(f"{rule}-by-{delivery}", about, whole, rule, met, delivered={delivery: by_hand})
    mixed = {"tls": b64(sct_list([OAK.sct(certificate_entry(embedded.der))]))}
    yield ct_case("chrome-mixed", "Chrome does not mix embedded SCTs and those by TLS", embedded, "chrome", False,
                  delivered=mixed)  # fmt: skip
    yield ct_case("apple-mixed", "Apple does", embedded, "apple", True, delivered=mixed)


def judge_cases() -> Iterator[Case]:
    """The rule beside the others: J4 to J9. The leaf's pin matches unless a case says otherwise."""
    good, bad = logged(NORTH, OAK), with_scts([NORTH.sct(_ENTRY), OAK.sct(_ENTRY, sign=STRANGER.sign)])
    matched, failed = allowed(), blocked("ct_failed")
    rule = {"action": "enforce", "policy": "chrome"}
    report = {**rule, "action": "report"}
    table: list[tuple[str, str, Json, Json, Json]] = [
        # name, what it is about, policy, what becomes of a good certificate, and of a bad one
        ("pins", "CT beside pins", {}, matched, failed),
        ("no-pins", "CT alone", {"pins": ABSENT}, matched, failed),
        ("empty-pins", "An empty list of pins: J6 fails first", {"pins": []}, blocked(), blocked()),
        ("other-pin", "A pin that does not match: J6 fails first", {"pins": [MALLORY_PIN]}, blocked(), blocked()),
        ("report", "`ct.action` report", {"ct": report}, matched, reported("ct_failed")),
        ("off", "`ct.action` off", {"ct": {**rule, "action": "off"}}, matched, matched),
        ("action-report", "`action` report", {"action": "report"}, matched, reported("ct_failed")),
        ("rollout-0", "A rollout to nobody", {"rollout": 0}, matched, reported("ct_failed")),
        ("when-expired", "`when_expired` allow, in time", {"when_expired": "allow"}, matched, failed),
        (
            "declared",
            "Both operators are declared",
            {"ct": {**rule, "operators": ["Compass", "Forest"]}},
            matched,
            failed,
        ),
        ("not-declared", "One operator is declared", {"ct": {**rule, "operators": ["Compass"]}}, failed, failed),
    ]
    for name, about, members, for_good, for_bad in table:
        hosts = policy(**{"ct": rule, **members})
        for which, found, expect in (("good", good, for_good), ("bad", bad, for_bad)):
            yield judged(f"ct-{name}-{which}", f"{about}: a certificate that is {_LOGGED[which]}", "J7", hosts, expect,
                         chain=chain_of(found), payload={"ct_logs": ct_list()}, hostile=which == "bad")  # fmt: skip
    late = {"ct_logs": ct_list(), "expires_at": NOW}
    for action, expect in (("allow", allowed("expired")), ("enforce", failed)):
        about = f"In an expired document, under `when_expired` {action}"
        yield judged(f"ct-expired-{action}", about, "J8", policy(ct=rule, when_expired=action), expect,
                     chain=chain_of(bad), payload=late, hostile=True)  # fmt: skip
    old = {"ct_logs": ct_list(issued_at=NOW - 71 * DAY)}
    about = "A list of 71 days, beside a pin that matches: CT is not evaluated"
    yield judged("ct-old-list-bad", about, "J7", policy(ct=rule), matched, chain=chain_of(bad), payload=old)
    yield judged("ct-old-list-no-pins", "A list of 71 days, without pins", "J7", policy(ct=rule, pins=ABSENT), failed,
                 chain=chain_of(good), payload=old, hostile=True)  # fmt: skip
    fresh = {"ct_logs": ct_list()}
    for name, members, payload, expect in (
        ("enforce", {"ct": rule}, fresh, failed),
        ("enforce-old-list", {"ct": rule}, old, failed),
        ("enforce-old-list-allow", {"ct": rule, "when_expired": "allow", "pins": ABSENT}, old, failed),
        ("report", {"ct": report}, fresh, reported("ct_failed")),
    ):
        yield judged(f"ct-unvalidated-{name}", "Validation is off, so nobody knows the issuer", "J4", policy(**members),
                     expect, chain=chain_of(good), payload=payload, validated=False, hostile=True)  # fmt: skip
    swapped = [chain_of(good)[0], *INTERCEPTED[1:]]
    about = "The next certificate of the chain is not the issuer"
    yield judged("ct-other-issuer", about, "J7", policy(ct=rule), failed, chain=swapped, payload=fresh, hostile=True)


_LOGGED = {"good": "logged twice", "bad": "logged once, and one SCT is forged"}


def all_cases() -> Iterator[Case]:
    yield from number_cases()
    yield from counting_cases()
    yield from list_cases()
    yield from delivered_cases()
    yield from judge_cases()
