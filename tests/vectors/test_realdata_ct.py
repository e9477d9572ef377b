"""Real certificates with real SCTs, real logs and real lists, through the door; found through `LIVEPIN_REALDATA`.

Nothing of them is in this clone. What must come out was recorded by a verifier that knows nothing of Livepin.
"""

from __future__ import annotations

import base64
import json
import os
from collections import Counter

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.vectors.door import Json, ask
from tests.vectors.real import DAY, FOLDER, known_logs, pems, published_list, read, seconds

pytestmark = pytest.mark.skipif(
    "LIVEPIN_REALDATA" not in os.environ, reason="LIVEPIN_REALDATA is not set: real data was not tested"
)

RECORDED = {"ok": "ok", "BAD": "bad_signature"}
LISTS = ("log_list_v57.10_2025-06-29", "log_list_v80.14_2026-01-02")
APPLES = "current_log_list_2026-04-01"


def answers(requests: list[Json]) -> list[Json]:
    return ask([json.dumps(request) for request in requests])


def test_every_sct_of_every_real_chain_gets_the_verdict_that_was_recorded() -> None:
    chains, logs = read("chains.json"), known_logs()
    found = answers([{"do": "sct", "chain": pems(chain), "logs": logs, "now": 1_795_000_000} for chain in chains])
    seen: Counter[str] = Counter()
    for chain, answer in zip(chains, found, strict=True):
        assert answer["scts"] == [
            {
                "log_id": sct["log_id"],
                "timestamp": sct["timestamp_ms"],
                "leaf_index": sct["leaf_index"],
                "verdict": RECORDED[sct["verdict"]],
            }
            for sct in chain["scts"]
        ], chain["file"]
        assert (chain["expect"] == "verified") is all(sct["verdict"] == "ok" for sct in answer["scts"])
        seen.update(sct["verdict"] for sct in answer["scts"])
    assert seen["ok"] > 200
    assert [chain["subject"] for chain in chains if chain["expect"] == "rejected"] == [
        "CN=invalid-expected-sct.badssl.com",
        "CN=*.7acnr.mongodb.net",
    ]


def test_with_another_issuer_not_one_of_them_verifies() -> None:
    chains, logs = read("chains.json"), known_logs()
    strangers = [pems(chain)[1] for chain in chains[1:] + chains[:1]]
    requests: list[Json] = []
    for chain, stranger in zip(chains, strangers, strict=True):
        leaf, issuer, *_ = pems(chain)
        if stranger != issuer:
            requests += [
                {"do": "sct", "chain": [leaf, stranger], "logs": logs},
                {"do": "sct", "chain": [leaf], "logs": logs},
            ]
    found = answers(requests)
    assert len(found) > 100
    assert {sct["verdict"] for answer in found for sct in answer["scts"]} == {"bad_signature"}


def test_without_its_log_an_sct_is_unknown_and_the_others_verify() -> None:
    chain = next(chain for chain in read("chains.json") if ">=4 SCTs" in chain["tags"])
    requests = []
    for sct in chain["scts"]:
        others = [log for log in known_logs() if log["id"] != sct["log_id"]]
        requests.append({"do": "sct", "chain": pems(chain), "logs": others})
    for missing, answer in enumerate(answers(requests)):
        verdicts = [sct["verdict"] for sct in answer["scts"]]
        assert verdicts == ["unknown_log" if place == missing else "ok" for place in range(len(verdicts))]


@pytest.mark.parametrize("name", LISTS)
def test_the_lists_are_what_their_publisher_signed(name: str) -> None:
    key = serialization.load_pem_public_key((FOLDER / "loglists/log_list_pubkey.pem").read_bytes())
    assert isinstance(key, rsa.RSAPublicKey)
    signature, data = ((FOLDER / f"loglists/{name}{end}").read_bytes() for end in (".sig", ".json"))
    key.verify(signature, data, padding.PKCS1v15(), hashes.SHA256())


@pytest.mark.parametrize(
    ("name", "policy", "least"), [(LISTS[0], "chrome", 6), (LISTS[1], "chrome", 12), (APPLES, "apple", 8)]
)
def test_certificates_of_the_day_meet_the_policy_by_the_list_of_the_day(name: str, policy: str, least: int) -> None:
    logs = published_list(name)
    requests = []
    for chain in read("chains.json"):
        now = max(seconds(chain["not_before"]) + 2 * DAY, logs["issued_at"] + DAY)
        if now < min(seconds(chain["not_after"]), logs["issued_at"] + 70 * DAY) and chain["expect"] == "verified":
            requests.append({"do": "ct", "chain": pems(chain), "ct_logs": logs, "ct": {"policy": policy}, "now": now})
    found = answers(requests)
    assert len(found) >= least
    for answer in found:
        assert (answer["evaluated"], answer["satisfied"], answer["reasons"]) == (True, True, []), answer
    assert any(sct["leaf_index"] is not None for answer in found for sct in answer["scts"]) or name == LISTS[0]


@pytest.mark.parametrize("name", LISTS)
def test_a_real_list_is_used_for_seventy_days(name: str) -> None:
    logs = published_list(name)
    chain = read("chains.json")[0]
    request = {"do": "ct", "chain": pems(chain), "ct_logs": logs, "ct": {"policy": "any"}}
    ages = {-301: False, -300: True, 0: True, 69 * DAY: True, 70 * DAY: True, 70 * DAY + 1: False, 365 * DAY: False}
    found = answers([{**request, "now": logs["issued_at"] + age} for age in ages])
    assert [answer["evaluated"] for answer in found] == list(ages.values())


def test_lives_of_exactly_180_days_need_two_logs_for_chrome_and_three_for_apple() -> None:
    chains = [chain for chain in read("chains.json") if "lifetime exactly 180 d" in chain["tags"]]
    assert len(chains) >= 8
    everything = {log["log_id"]: log for log in read("loglists/union.json")}
    requests, expected = [], []
    for chain in chains:
        listed = [_usable(everything[sct["log_id"]]) for sct in chain["scts"]]
        now = seconds(chain["not_before"]) + DAY
        every, two = [log["id"] for log in listed], _two_operators(listed)
        for policy, declared, enough in (
            ("chrome", every, True),
            ("apple", every, True),
            ("chrome", two, True),
            ("apple", two, False),
        ):
            rule = {"policy": policy, "logs": declared}
            given = {"ct_logs": {"issued_at": now, "logs": listed}, "ct": rule, "now": now}
            requests.append({"do": "ct", "chain": pems(chain), **given})
            expected.append((enough, [] if enough else ["too_few_logs"]))
    assert [(answer["satisfied"], answer["reasons"]) for answer in answers(requests)] == expected


def _usable(log: Json) -> Json:
    kind = "static" if log["tiled"] else "rfc6962"
    return {"id": log["log_id"], "key": log["key"], "operator": log["operators"][0], "kind": kind, "state": "usable"}


def _two_operators(listed: list[Json]) -> list[str]:
    """Two of these logs, of two operators, one of them as in RFC 6962."""
    first = next(log for log in listed if log["kind"] == "rfc6962")
    return [first["id"], next(log["id"] for log in listed if log["operator"] != first["operator"])]


def test_a_byte_that_is_flipped_anywhere_is_noticed_and_harms_nothing_else() -> None:
    """Every byte of one certificate: a static-CT log and another one signed it."""
    chain = next(
        one
        for one in read("chains.json")
        if len({sct["leaf_index"] is None for sct in one["scts"]}) == 2 and len(one["scts"]) == 2
    )
    leaf, issuer, *_ = pems(chain)
    der = base64.b64decode("".join(leaf.split("\n")[1:-2]))
    used = [log for log in known_logs() if log["id"] in {sct["log_id"] for sct in chain["scts"]}]
    requests = [
        {
            "do": "sct",
            "chain": [_pem(der[:place] + bytes([byte ^ 1 << place % 8]) + der[place + 1 :]), issuer],
            "logs": used,
        }
        for place, byte in enumerate(der)
    ]
    tbs_end = 4 + 4 + int.from_bytes(der[6:8], "big")
    list_start, scts = _places(der, len(chain["scts"]))
    assert 4 < list_start < scts[0].start < scts[-1].stop <= tbs_end < len(der)
    for place, answer in enumerate(answers(requests)):
        verdicts = [sct["verdict"] for sct in answer.get("scts", ())]
        hit = [index for index, span in enumerate(scts) if place in span]
        if place >= tbs_end:  # what the CA signed with is no business of the logs
            assert verdicts == ["ok"] * len(scts) or answer["code"] == "certificate_invalid", place
        elif hit:  # inside one SCT: that one alone is lost
            assert [verdict == "ok" for verdict in verdicts] == [index not in hit for index in range(len(scts))], place
        else:  # inside what the logs signed, or in the frame around the SCTs
            assert "ok" not in verdicts, place


def test_no_real_certificate_can_be_changed_and_stay_proven() -> None:
    """From every region of every chain; only the bytes of the CA's own signature are no business of the logs."""
    logs, requests, inside = known_logs(), [], []
    for number, chain in enumerate(one for one in read("chains.json") if one["expect"] == "verified"):
        leaf, issuer, *_ = pems(chain)
        der = base64.b64decode("".join(leaf.split("\n")[1:-2]))
        used = [log for log in logs if log["id"] in {sct["log_id"] for sct in chain["scts"]}]
        for place in range(number % 41, len(der), 41):
            changed = der[:place] + bytes([der[place] ^ 1 << place % 8]) + der[place + 1 :]
            requests.append({"do": "sct", "chain": [_pem(changed), issuer], "logs": used})
            inside.append(place < 8 + int.from_bytes(der[6:8], "big"))
    for in_tbs, answer in zip(inside, answers(requests), strict=True):
        proven = bool(answer.get("scts")) and all(sct["verdict"] == "ok" for sct in answer["scts"])
        assert proven is not in_tbs or answer.get("code") == "certificate_invalid"


def _pem(der: bytes) -> str:
    text = base64.b64encode(der).decode("ascii")
    return f"-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n"


def _places(der: bytes, count: int) -> tuple[int, list[range]]:
    """Where the name of the list's extension stands, and the bytes of each SCT in it."""
    name = der.index(bytes.fromhex("060a2b06010401d679020402"))
    position = der.index(b"\0", name + 20)  # the first SCT's length is below 256, and so its first octet 0
    while int.from_bytes(der[position - 2 : position], "big") < 40:
        position = der.index(b"\0", position + 1)
    found = []
    for _ in range(count):
        size = int.from_bytes(der[position : position + 2], "big")
        found.append(range(position + 2, position + 2 + size))
        position += 2 + size
    return name, found
