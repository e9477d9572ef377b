"""Certificates put together by hand in DER (X.690), and real ones where `LIVEPIN_REALDATA` says they are."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

REAL = os.environ.get("LIVEPIN_REALDATA", "")
needs_real_data = pytest.mark.skipif(not REAL, reason="LIVEPIN_REALDATA is not set: real data was not tested")


def real_chains() -> list[tuple[dict[str, Any], str]]:
    """Every real chain: what is recorded of it, and its PEM text."""
    folder = Path(REAL) / "ct"
    chains = json.loads((folder / "chains.json").read_text(encoding="utf-8"))
    return [(chain, (folder / chain["file"]).read_text(encoding="ascii")) for chain in chains]


def tlv(tag: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    if len(content) < 0x80:
        return bytes([tag, len(content)]) + content
    size = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(size)]) + size + content


def sequence(*parts: bytes) -> bytes:
    return tlv(0x30, *parts)


SPKI = sequence(sequence(bytes.fromhex("06032b6570")), tlv(0x03, b"\0" + bytes(range(32))))
VERSION = tlv(0xA0, tlv(0x02, b"\2"))
SERIAL = tlv(0x02, b"\1")
SAN, KEY_USAGE = bytes.fromhex("0603551d11"), bytes.fromhex("0603551d0f")


def extension(kind: bytes, value: bytes, *, critical: bool = False) -> bytes:
    return sequence(kind, *([tlv(0x01, b"\xff")] if critical else []), tlv(0x04, value))


def extensions(*items: bytes) -> bytes:
    return tlv(0xA3, sequence(*items))


def certificate(*after_key: bytes, before_key: tuple[bytes, ...] = (VERSION, SERIAL), spki: bytes = SPKI) -> bytes:
    """A certificate whose other fields are empty."""
    tbs = sequence(*before_key, sequence(), sequence(), sequence(), sequence(), spki, *after_key)
    return sequence(tbs, sequence(), tlv(0x03, b"\0"))
