"""Base64 and base64url: one text for one value."""

from __future__ import annotations

import base64
import itertools
import string

import pytest

from livepin.core.base64s import b64, b64_decode, b64url, b64url_decode
from livepin.errors import EncodingInvalid

#: Bytes of every length up to a few groups, among them all whose text has the last two characters of the alphabet.
SAMPLES = [
    bytes((start + step * place) % 256 for place in range(size))
    for size in range(9)
    for start in (0, 62, 251)
    for step in (1, 85)
]
SAMPLES += [bytes([value]) for value in range(256)] + [b"\xff" * size for size in range(1, 70)]


@pytest.mark.parametrize("data", SAMPLES, ids=bytes.hex)
def test_it_writes_and_reads_what_the_standard_library_does(data: bytes) -> None:
    padded, unpadded = base64.b64encode(data).decode(), base64.urlsafe_b64encode(data).decode().rstrip("=")
    assert (b64(data), b64url(data)) == (padded, unpadded)
    assert (b64_decode(padded), b64url_decode(unpadded)) == (data, data)
    assert b64url_decode(memoryview(unpadded.encode())) == data


def test_exactly_one_text_of_up_to_three_characters_stands_for_a_value() -> None:
    alphabet = string.ascii_letters + string.digits + "-_+/=\n .é"
    texts = ["".join(parts) for size in range(4) for parts in itertools.product(alphabet, repeat=size)]
    read = [text for text in texts if _reads(text)]
    expected = [""] + [b64url(bytes([value])) for value in range(256)]
    expected += [b64url(bytes(pair)) for pair in itertools.product(range(256), repeat=2)]
    assert sorted(read) == sorted(expected)


def _reads(text: str) -> bool:
    try:
        data = b64url_decode(text)
    except EncodingInvalid:
        return False
    assert b64url(data) == text
    return True


@pytest.mark.parametrize(
    "text",
    [
        "QQ",
        "QQ=",
        "QQ===",
        "QR==",
        "QUI",
        "QUJ=",
        "Q",
        "=",
        "====",
        "QQ==\n",
        " QQ==",
        "Q Q==",
        "QQ==QQ==",
        "-_-_",
        "é",
        "QQ=Q",
    ],
)
def test_another_spelling_of_padded_base64_is_refused(text: str) -> None:
    with pytest.raises(EncodingInvalid) as refused:
        b64_decode(text)
    assert refused.value.code == "encoding_invalid"


@pytest.mark.parametrize(
    "text", ["QQ==", "QQ=", "QR", "QUJ", "Q", "QUJDR", "+/+/", "QQ\n", "Q.Q", "é", "\ud800", "=", "QUI="]
)
def test_another_spelling_of_base64url_is_refused(text: str) -> None:
    with pytest.raises(EncodingInvalid):
        b64url_decode(text)
    if text.isascii():
        with pytest.raises(EncodingInvalid):
            b64url_decode(text.encode())
