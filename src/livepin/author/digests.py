"""Digests as people type or paste them, in the form in which documents carry them."""

from __future__ import annotations

import re

from livepin.core.base64s import b64, b64_decode
from livepin.core.pins import DIGEST_MEMBERS
from livepin.errors import EncodingInvalid, InputInvalid

_HEX = re.compile(r"[0-9A-Fa-f]{2}(?::?[0-9A-Fa-f]{2})*", re.ASCII)
_SIZES = {"sha256": 32, "sha512": 64}


def typed_digest(text: str, member: str) -> str:
    """Canonical Base64 of a digest of the kind `member`, typed as Base64 or as hexadecimal, colons or not.

    Raises `InputInvalid` (`encoding_invalid`).
    """
    text = text.strip()
    size = _SIZES[member.rpartition("_")[2]]
    if _HEX.fullmatch(text) and len(text.replace(":", "")) == 2 * size:
        return b64(bytes.fromhex(text.replace(":", "")))
    try:
        if len(b64_decode(text)) == size:
            return text
    except EncodingInvalid:
        pass
    message = f"not a digest of {size} bytes in Base64 or hexadecimal"
    hint = f"`livepin look HOST` shows digests; a pin holds one of {', '.join(DIGEST_MEMBERS)}."
    raise InputInvalid("encoding_invalid", message, where=repr(text[:100]), hint=hint)
