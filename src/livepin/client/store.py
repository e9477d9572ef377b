"""What survives a restart: the accepted JWS itself, and nothing that was derived from it. A freshness statement is a
JWS as well, and has a store of its own beside the document's.

A store is not trusted. What it gives back is verified again, as *held*, under the anchors embedded now, and that is
the floor (design section 6); so nothing in a file can lift or lower a floor that the anchors do not vouch for.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from livepin.client.directory import default_directory, private_directory, unusable
from livepin.client.forks import fork_safe_lock
from livepin.client.locking import exclusive

__all__ = ["STATEMENT", "DiskStore", "Kept", "MemoryStore", "Store", "default_directory"]

#: JWS text of a document (design section 3); a longer file was not written by us.
MAX_BYTES = 8 * 1024 * 1024
#: The suffix of a stored freshness statement.
STATEMENT = ".fresh.jws"
#: How long to wait for other processes that write to the same store, in seconds.
PATIENCE = 5.0
#: The same at set-up, which may run inside an event loop.
SETUP_PATIENCE = 0.25

_INSTALLATION = re.compile(r"[0-9a-f]{32}", re.ASCII)
#: The installation number of a process without a usable store. Forked workers share it, as they share a store.
_OF_THIS_PROCESS = os.urandom(16).hex()


@dataclass(frozen=True, slots=True)
class Kept:
    """What a store gives back: a text, or none and perhaps the reason why what is there cannot be used."""

    text: str | None = field(repr=False)
    reason: str = ""


class Store(Protocol):
    """Duties of a store. One store keeps one text of one (organization, project, anchors, threshold): a document, or
    a freshness statement.

    - Keeps the text byte by byte, and nothing else but the installation number.
    - Never replaces a text by one that is not higher, whoever else writes; a reader sees an old text or a new one.
    - May be called from several threads, after a fork, and by several processes.
    - Raises `StoreUnusable` and nothing else; a broken text is not an error but absent, with a reason.
    """

    def load(self) -> Kept:
        """What is kept now. Verify it before it is used."""
        ...

    def save(self, text: str, is_higher: Callable[[str | None], bool]) -> bool:
        """Keep `text` if `is_higher` says so of what is kept at that moment (None: nothing, or nothing readable);
        returns whether it did. `is_higher` is asked while others wait: it must not call the store."""
        ...

    def installation(self) -> str:
        """The number of this installation: 32 lower-case hex digits, made once (J9). It is never sent anywhere."""
        ...


class MemoryStore:
    """Keeps the document for as long as the process lives: for `store=None`, or where no directory is usable."""

    def __init__(self) -> None:
        self._text: str | None = None
        self._lock = fork_safe_lock()

    def load(self) -> Kept:
        return Kept(self._text)

    def save(self, text: str, is_higher: Callable[[str | None], bool]) -> bool:
        with self._lock:
            if not is_higher(self._text):
                return False
            self._text = text
            return True

    def installation(self) -> str:
        return _OF_THIS_PROCESS


class DiskStore:
    """Keeps the document in a file of a private directory, which many processes and projects may share."""

    def __init__(
        self,
        directory: str | Path,
        organization: str,
        project: str,
        anchors_thumbprints: Iterable[str],
        threshold: int = 1,
        *,
        suffix: str = ".jws",
    ) -> None:
        """Make or check the directory (see `default_directory` for the usual one). Raises `StoreUnusable`.

        `suffix`: what is kept; the files of one project differ in nothing else.
        """
        self.directory = private_directory(Path(directory))
        name = _file_name(organization, project, anchors_thumbprints, threshold)
        self._file = self.directory / f"{name}{suffix}"
        self._installation = self.directory / "installation"

    def __repr__(self) -> str:
        return f"DiskStore({str(self.directory)!r})"

    def load(self) -> Kept:
        with self._reported():
            private_directory(self.directory)  # again, each time: much can happen to a directory in a year
            return _read(self._file, MAX_BYTES)

    def save(self, text: str, is_higher: Callable[[str | None], bool]) -> bool:
        with self._locked(self._file, PATIENCE):
            with self._reported():
                kept = _read(self._file, MAX_BYTES)
            if not is_higher(kept.text):
                return False
            with self._reported():
                _replace(self._file, text)
            return True

    def installation(self) -> str:
        if number := self._read_installation():
            return number
        with self._locked(self._installation, SETUP_PATIENCE):
            if number := self._read_installation():  # another process was faster
                return number
            number = os.urandom(16).hex()
            with self._reported():
                _replace(self._installation, number)
            return number

    def _read_installation(self) -> str | None:
        with self._reported():
            private_directory(self.directory)
            text = _read(self._installation, 32).text or ""
        return text if _INSTALLATION.fullmatch(text) else None

    @contextmanager
    def _locked(self, file: Path, patience: float) -> Iterator[None]:
        with self._reported():
            private_directory(self.directory)
            with exclusive(file.with_suffix(".lock"), patience):
                yield

    @contextmanager
    def _reported(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise unusable(error.strerror or str(error), self.directory) from error


def _file_name(organization: str, project: str, thumbprints: Iterable[str], threshold: int) -> str:
    """A name that tells a reader of the directory nothing: each (organization, project, anchors) has its own floor."""
    parts = ["livepin store", organization, project, str(threshold), *sorted(set(thumbprints))]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _flags(access: int, *names: str) -> int:
    """Flags for `os.open`; the named ones where this system has them. Children never inherit what we open."""
    for name in (*names, "O_NOFOLLOW", "O_CLOEXEC", "O_BINARY"):
        access |= getattr(os, name, 0)
    return access


def _read(file: Path, limit: int) -> Kept:
    """The text of a file that is ours. What is wrong with the file itself is a reason, not an error."""
    try:
        descriptor = os.open(file, _flags(os.O_RDONLY, "O_NONBLOCK"))  # a pipe must not hang us
    except FileNotFoundError:
        return Kept(None)
    except OSError as error:
        return Kept(None, f"the stored file cannot be opened: {error.strerror}")
    try:
        if reason := _not_ours(os.fstat(descriptor)):
            return Kept(None, reason)
        with os.fdopen(descriptor, "rb", closefd=False) as stream:
            data = stream.read(limit + 1)
    finally:
        os.close(descriptor)
    if len(data) > limit:
        return Kept(None, f"the stored file has more than {limit} bytes")
    if not data.isascii() or not data:
        return Kept(None, "the stored file is empty or not ASCII")
    return Kept(data.decode("ascii"))


def _not_ours(found: os.stat_result) -> str:
    if not stat.S_ISREG(found.st_mode):
        return "the stored file is not a file"
    if hasattr(os, "geteuid") and found.st_uid != os.geteuid():
        return f"the stored file belongs to user {found.st_uid}"
    if os.name == "posix" and found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return "others can write to the stored file"
    return ""


def _replace(file: Path, text: str) -> None:
    """Put `text` in place at once: whoever reads, and whenever the power fails, there is the old text or the new one.

    Called under the lock, so one name is enough for the new file, and what a killed process left is swept here.
    """
    new = file.with_suffix(".new")
    new.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(new, _flags(os.O_WRONLY | os.O_CREAT | os.O_EXCL), 0o600), "wb") as stream:
            stream.write(text.encode("ascii"))
            stream.flush()
            os.fsync(stream.fileno())
        new.replace(file)
    except BaseException:
        with suppress(OSError):
            new.unlink()
        raise
    _sync_directory(file.parent)


def _sync_directory(directory: Path) -> None:
    """Make the new name last, too. Not every file system can; then the old text may come back, which is allowed."""
    if os.name != "posix":
        return
    with suppress(OSError):
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
