"""A second reader beside the conformance door: the same answers for the vectors, and for what chance puts together.

A vector has one fault. Here a document, its key set, what is held and the clock vary together, as they do out there.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from tests.vectors import reader
from tests.vectors.door import Json, ask, cases, disagreements
from tests.vectors.making.keys import ANNA, BERT, CARL, EDDA, EDDA_SIGNER, MALLORY, NEXT_SIGNER, SIGNER, Key, b64
from tests.vectors.making.writer import ABSENT, DAY, EXPIRES, ISSUED, KEYS_EXPIRE, NOW, compact, header, jws
from tests.vectors.making.writer import document_payload as document
from tests.vectors.making.writer import keyset_payload as keyset

_MEMBERS = ("ok", "step", "code", "epoch", "serial", "digest", "fresh", "adopted")
_FOLDERS = ("document", "held", "json", "keyset")
_ANCHORS, _SIGNERS = (ANNA, BERT, CARL, EDDA), (SIGNER, NEXT_SIGNER, EDDA_SIGNER)
_MANY = 500

VECTORS = [
    case
    for case in cases()
    if case["id"].startswith(_FOLDERS)
    and case.get("request", {}).get("do") == "document"
    # That one is no request.
    and case["id"] != "document-v3-threshold-0"
]


@pytest.mark.parametrize("case", VECTORS, ids=[case["id"] for case in VECTORS])
def test_the_second_reader_answers_as_the_vector_says(case: Json) -> None:
    expect = {name: value for name, value in case["expect"].items() if name in _MEMBERS}
    assert not disagreements({"expect": expect}, reader.answer(case["request"]))


class Chance:
    """Requests that are put together by chance, always the same ones for a number."""

    def __init__(self, number: int) -> None:
        self._random = random.Random(number)

    def often(self, usual: Any, *others: Any) -> Any:
        """The usual value nine times of ten."""
        return usual if self._random.random() < 0.9 else self._random.choice(others)

    def one(self, *values: Any) -> Any:
        return self._random.choice(values)

    def some(self, values: tuple[Key, ...]) -> list[Key]:
        return self._random.sample(values, self._random.randint(1, len(values)))

    def request(self) -> Json:
        """A document that arrives, and mostly one that is held, of a project whose applications embed some anchors."""
        embedded = self.some(_ANCHORS)
        threshold = self.one(1, 1, min(2, len(embedded)))
        now = self.often(NOW, ISSUED - 301, ISSUED - 300, EXPIRES - 1, EXPIRES, KEYS_EXPIRE, KEYS_EXPIRE - 1)
        request: Json = {"do": "document", "jws": self.text(embedded), "anchors": [b64(one.spki) for one in embedded]}
        request |= {"threshold": threshold, "now": now}
        request |= {"organization": "acme", "project": self.often("shop", "Shop")}
        if self.one(True, True, False):
            request["held"] = self.one(request["jws"], self.text(embedded), self.text(embedded))
        return request

    def text(self, embedded: list[Key]) -> str:
        payload = document(
            serial=self.one(6, 7, 7, 8),
            issued_at=self.often(ISSUED, ISSUED + 4_000, 0),
            expires_at=self.often(EXPIRES, ISSUED, EXPIRES + DAY),
            project=self.often("shop", "shop2"),
            refresh_after=self.often(ABSENT, 86_400, 86_401, 0, True),
            format=self.often(1, 2, "1"),
            critical=self.often(ABSENT, ["serial"], ["rollout"]),
        )
        if self.one(True, False, False):
            key, keys = self.often(self.one(*embedded), MALLORY), ABSENT
        else:
            key, keys = self.often(self.one(SIGNER, NEXT_SIGNER), EDDA_SIGNER, ANNA), self.keys(embedded)
        head = header(key, alg=self.often(key.alg, "ES256", "EdDSA"), keys=keys)
        return self.often(lambda text: text, *_EDITS)(jws(head, payload, key.sign))  # type: ignore[no-any-return]

    def keys(self, embedded: list[Key]) -> Any:
        named = self.some(_SIGNERS)
        revoked = [one.kid for one in self.one([], [], [self.one(*_SIGNERS)], [self.one(*embedded)])]
        payload = keyset(
            epoch=self.one(2, 3, 3, 4),
            issued_at=self.often(ISSUED - DAY, ISSUED + 4_000),
            expires_at=self.often(KEYS_EXPIRE, ISSUED, NOW + 1),
            signing_keys=[one.jwk for one in named],
            revoked=revoked or ABSENT,
            refresh_keys=self.often(ABSENT, [CARL.jwk], [named[0].jwk]),
            organization=self.often("acme", "acme2"),
        )
        signers = self.often(embedded, self.some(_ANCHORS), [MALLORY], [*embedded, MALLORY])
        texts = [jws(header(one, "livepin-keys+jws"), payload, self.sign(one)) for one in signers]
        return texts[0] if len(texts) == 1 else texts

    def sign(self, key: Key) -> Callable[[bytes], bytes]:
        return self.often(key.sign, MALLORY.sign)  # type: ignore[no-any-return]


_EDITS: tuple[Callable[[str], str], ...] = (
    lambda text: text + "=",
    lambda text: text[:-1] + ("A" if text[-1] != "A" else "Q"),
    lambda text: text.replace(".", "..", 1),
    lambda text: text[:-2],
    lambda text: f"{text.partition('.')[0]}.{compact({}).decode()}.{text.rpartition('.')[2]}",
)


def test_both_readers_answer_the_same_to_whatever_chance_puts_together() -> None:
    requests = [{"id": number, **Chance(number).request()} for number in range(_MANY)]
    answers = ask([json.dumps(one) for one in requests])
    seen: Counter[str] = Counter()
    for request, answered in zip(requests, answers, strict=True):
        found = {name: answered[name] for name in _MEMBERS if name in answered}
        second = reader.answer(request)
        if {found.get("code"), second.get("code")} == {"critical_unknown", "payload_invalid"}:
            second["code"] = found["code"]  # a payload with both faults: which of them answers is not settled (V5)
        assert found == second, json.dumps(request)
        seen[found.get("code", "good" if found["ok"] and found["adopted"] else "expired")] += 1
    # What chance never meets proves nothing.
    assert seen.keys() >= {
        *("good", "expired", "malformed", "algorithm_refused", "unknown_key", "keyset_invalid", "keyset_expired"),
        *("keyset_not_yet_valid", "threshold_unmet", "key_revoked", "bad_signature", "payload_invalid"),
        *("critical_unknown", "unsupported_format", "wrong_audience", "not_yet_valid", "rolled_back", "forked"),
    }, seen
    assert seen["good"] > _MANY / 20, seen
