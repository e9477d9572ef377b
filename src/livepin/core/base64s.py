"""Base64 (RFC 4648 section 4) and base64url (section 5), canonical only: one text for one value."""

from __future__ import annotations

import binascii

from livepin.errors import EncodingInvalid

_TO_URL = bytes.maketrans(b"+/", b"-_")


def b64(data: bytes) -> str:
    """Padded standard Base64 without line breaks."""
    return binascii.b2a_base64(data, newline=False).decode("ascii")


def b64_decode(text: str) -> bytes:
    """Bytes of canonical padded Base64. Raises `EncodingInvalid`."""
    try:
        data = binascii.a2b_base64(text)
    except ValueError:
        raise EncodingInvalid("encoding_invalid", "not Base64") from None
    # The decoder skips what it does not know; re-encoding is the test that nothing was skipped or left over.
    if b64(data) != text:
        raise EncodingInvalid("encoding_invalid", "not canonical Base64")
    return data


def b64url(data: bytes) -> str:
    """Unpadded base64url."""
    return binascii.b2a_base64(data, newline=False).rstrip(b"=").translate(_TO_URL).decode("ascii")


def b64url_decode(text: str | bytes | memoryview) -> bytes:
    """Bytes of canonical unpadded base64url; a view of ASCII spares a large text one copy. Raises `EncodingInvalid`."""
    try:
        encoded = text.encode("ascii") if isinstance(text, str) else text
        padding = b"=" * (-len(encoded) % 4)
        padded = b"".join((encoded, padding))
        if b"+" in padded or b"/" in padded or padded.count(b"=") != len(padding):
            raise ValueError
        data = binascii.a2b_base64(padded.replace(b"-", b"+").replace(b"_", b"/"), strict_mode=True)
    except ValueError:
        raise EncodingInvalid("encoding_invalid", "not unpadded base64url") from None
    # Only the bits that the last character has left over can still differ between two spellings of the same bytes.
    last = len(encoded) % 4
    if last and b64url(data[1 - last :]) != str(encoded[-last:], "ascii"):
        raise EncodingInvalid("encoding_invalid", "not canonical base64url")
    return data
