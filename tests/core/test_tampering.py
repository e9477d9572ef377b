"""What somebody does who can change a published file but has no key."""

from __future__ import annotations

import itertools
import random

import pytest

from livepin.core.trust import Trust, verify
from livepin.errors import DocumentRefused
from tests.core.inputs import DIRECT, KEYED
from tests.core.signing import NOW, TRUST, TWO_ANCHORS, key_set, signed


@pytest.mark.parametrize(
    ("text", "trust"), [(DIRECT, TRUST), (KEYED, TWO_ANCHORS)], ids=["an anchor", "two anchors and a signing key"]
)
def test_no_byte_can_be_changed(text: str, trust: Trust) -> None:
    assert verify(text, trust, NOW).adopted
    data, chance = text.encode("ascii"), random.Random(text)
    for place, byte in enumerate(data):
        for other in {byte ^ 1, byte ^ 0x20, *chance.sample(b"ABab019-_.=+/\n\0\xff", 3)} - {byte}:
            with pytest.raises(DocumentRefused):
                verify(data[:place] + bytes([other]) + data[place + 1 :], trust, NOW)


def test_no_part_can_be_left_out_or_doubled() -> None:
    for start, end in itertools.combinations(range(0, len(DIRECT) + 1, 23), 2):
        for changed in (DIRECT[:start] + DIRECT[end:], DIRECT[:end] + DIRECT[start:]):
            with pytest.raises(DocumentRefused):
                verify(changed, TRUST, NOW)


def test_no_part_can_be_taken_from_another_document() -> None:
    others = [signed(serial=8), signed(keys=key_set()), KEYED]
    for mixed in itertools.product(*zip(*(text.split(".") for text in (DIRECT, *others)), strict=True)):
        text = ".".join(mixed)
        if text not in (DIRECT, *others):
            with pytest.raises(DocumentRefused):
                verify(text, TRUST, NOW)
