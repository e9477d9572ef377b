"""Writing a project's files: whole or not at all, and never over a key."""

from __future__ import annotations

import os
from pathlib import Path

from livepin.errors import ProjectInvalid

PRIVATE = 0o600
PUBLIC = 0o644


def write_atomically(path: Path, text: str, mode: int = PUBLIC) -> None:
    """Replace `path` by `text`: after a crash there is the old file or the new one. Raises `ProjectInvalid`."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        _write_new(draft, text, mode)
        draft.replace(path)
        sync_directory(path.parent)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise unwritable(path, error) from None


def write_once(path: Path, text: str, mode: int) -> bool:
    """Create `path` with `text`; False if it exists, which is then left as it is. Raises `ProjectInvalid`."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_new(path, text, mode)
        sync_directory(path.parent)
    except FileExistsError:
        return False
    except OSError as error:
        raise unwritable(path, error) from None
    return True


def _write_new(path: Path, text: str, mode: int) -> None:
    # The mode is given at creation: a key must not be readable by others even for a moment.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)


def sync_directory(path: Path) -> None:
    """Make renames in a directory survive a power failure."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_text(path: Path) -> str:
    """Text of a file. Raises `ProjectInvalid`."""
    try:
        return read_bytes(path).decode("utf-8")
    except UnicodeDecodeError:
        raise ProjectInvalid("file_unreadable", "cannot be read: not UTF-8 text", where=str(path)) from None


def read_bytes(path: Path) -> bytes:
    """Content of a file. Raises `ProjectInvalid`."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise ProjectInvalid("file_unreadable", f"cannot be read: {error.strerror}", where=str(path)) from None


def names_a_file(text: str) -> bool:
    """Whether what a person typed is the name of a file; a key or a digest that was pasted is none."""
    try:
        return Path(text).is_file()
    except (OSError, ValueError):
        return False


def unwritable(path: Path, error: OSError) -> ProjectInvalid:
    """The error for a file that could not be written."""
    return ProjectInvalid("file_unwritable", f"cannot be written: {error.strerror}", where=str(path))
