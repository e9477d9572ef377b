"""A file that only the holder of its key can read: a backup.

    one line of JSON (the header, which everybody may read)
    frames: 4 bytes of length, big-endian, and that many bytes of AES-256-GCM

Every file has a key of its own, so frames are simply counted: the nonce of frame n is n in 11 bytes, big-endian, and
a last byte that is 1 in the final frame. A frame that is changed, moved, missing, or of another header does not open.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from livepin.errors import InputInvalid

FRAME = 1 << 20
_MOST_HEADER = 4096


def write(path: Path, header: Mapping[str, Any], key: bytes, chunks: Iterable[bytes]) -> None:
    """Make the file, whole or not at all. Raises `InputInvalid` where it exists, or cannot be written."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            _write_frames(file, header, key, chunks)
            file.flush()
            os.fsync(descriptor)
        os.link(draft, path)
    except OSError as error:
        raise InputInvalid("file_unwritable", f"cannot be written: {error.strerror}", where=str(path)) from None
    finally:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)


def _write_frames(file: BinaryIO, header: Mapping[str, Any], key: bytes, chunks: Iterable[bytes]) -> None:
    head = json.dumps(header, sort_keys=True).encode("ascii")
    file.write(head + b"\n")
    cipher, held = AESGCM(key), b""
    number = 0
    for chunk in chunks:
        if held:
            _put(file, cipher.encrypt(_nonce(number, last=False), held, head))
            number += 1
        held = chunk
    _put(file, cipher.encrypt(_nonce(number, last=True), held, head))


def _put(file: BinaryIO, frame: bytes) -> None:
    file.write(len(frame).to_bytes(4, "big") + frame)


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])


def read_header(path: Path) -> dict[str, Any]:
    """The header. Raises `InputInvalid` for what is no such file."""
    try:
        with path.open("rb") as file:
            head = _header_line(file)
        header = json.loads(head)
    except OSError as error:
        raise InputInvalid("file_unreadable", f"cannot be read: {error.strerror}", where=str(path)) from None
    except ValueError:
        raise _damaged(path, "this is no backup of Livepin") from None
    if not isinstance(header, dict):
        raise _damaged(path, "this is no backup of Livepin")
    return header


def _header_line(file: BinaryIO) -> bytes:
    return file.readline(_MOST_HEADER).removesuffix(b"\n")


def chunks_of(path: Path, key: bytes) -> Iterator[bytes]:
    """What was written, a chunk at a time. Raises `InputInvalid` for what was changed or cut off.

    Nothing may be trusted before the last chunk came: only then is it known that there is no more.
    """
    with path.open("rb") as file:
        head, cipher = _header_line(file), AESGCM(key)
        size, number = file.read(4), 0
        while size:
            frame = file.read(int.from_bytes(size, "big")) if int.from_bytes(size, "big") <= FRAME + 16 else b""
            size = file.read(4)
            try:
                yield cipher.decrypt(_nonce(number, last=not size), frame, head)
            except (InvalidTag, ValueError):
                raise _damaged(path, "it does not open: the key is another one, or the file was changed") from None
            number += 1
    if number == 0:
        raise _damaged(path, "it ends after its first line")


def _damaged(path: Path, why: str) -> InputInvalid:
    return InputInvalid("backup_invalid", why, where=str(path))
