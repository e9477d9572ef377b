"""A folder as origin, for a web server such as nginx to serve.

Beside the pointer lies its gzipped copy for servers that hand out `.gz` siblings (nginx: `gzip_static on`). They do so
without comparing the two, so the copy is removed before the pointer moves and made again after: at every instant it
is absent or says what the pointer says, and a reader without it gets the pointer itself.

nginx makes ETags of the modification time in seconds and the size. Two contents of one size in one second would
share one, and a conditional request would be answered with 304 for ever, so the time strictly increases.
"""

from __future__ import annotations

import contextlib
import fcntl
import gzip
import os
import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from livepin.errors import OriginFailed

_FILE_MODE, _FOLDER_MODE = 0o644, 0o755


class FolderOrigin:
    """An `Origin` in a directory, which is made when it is first written to. `clock` gives Unix seconds."""

    def __init__(self, directory: Path, clock: Callable[[], float] = time.time) -> None:
        self._directory = directory
        self._clock = clock

    @property
    def name(self) -> str:
        """The directory."""
        return str(self._directory)

    def read(self, key: str) -> bytes | None:
        """The object, or None."""
        with self._failing(key):
            return _read(self._directory / key)

    def create(self, key: str, data: bytes) -> bool:
        """Make an immutable object; False where the key is taken."""
        path = self._directory / key
        with self._failing(key):
            _make_folder(path.parent)
            if path.exists():
                return False
            draft = _draft(path, secrets.token_hex(8))
            _write(draft, data)
            try:
                # A link is made whole or not at all, and never over something that is there.
                os.link(draft, path)
            except FileExistsError:
                return False
            finally:
                draft.unlink()
            _sync(path.parent)
        return True

    def replace(self, key: str, data: bytes, may_replace: Callable[[bytes | None], None]) -> None:
        """Put the pointer's new content in place of the old."""
        path = self._directory / key
        with self._failing(key):
            _make_folder(path.parent)
            with _exclusively(path.parent):
                present = _read(path)
                may_replace(present)
                if present != data:
                    self._move(path, data)
                self._compress(path, data)

    def remove(self, key: str) -> None:
        """Remove an object with its compressed copy, and folders that are empty then."""
        path = self._directory / key
        with self._failing(key):
            if not path.parent.exists():
                return
            with _exclusively(path.parent):
                # The copy first: a server of `.gz` siblings must not go on serving it alone.
                _gzipped(path).unlink(missing_ok=True)
                path.unlink(missing_ok=True)
                _sync(path.parent)
            for folder in (path.parent, path.parent.parent):
                if folder != self._directory and folder.is_relative_to(self._directory):
                    with contextlib.suppress(OSError):  # something else lies there
                        folder.rmdir()

    def _move(self, path: Path, data: bytes) -> None:
        draft, copy = _draft(path, "new"), _gzipped(path)
        _write(draft, data)
        seconds = self._later_than(path, copy)
        os.utime(draft, (seconds, seconds))
        copy.unlink(missing_ok=True)
        _sync(path.parent)  # without this a crash could undo the removal and keep the move
        draft.replace(path)
        _sync(path.parent)

    def _later_than(self, *paths: Path) -> int:
        before = [int(path.stat().st_mtime) for path in paths if path.exists()]
        return max([int(self._clock()), *(seconds + 1 for seconds in before)])

    def _compress(self, path: Path, data: bytes) -> None:
        copy = _gzipped(path)
        # No time and no name inside: the same document gives the same bytes on every machine.
        compressed = gzip.compress(data, compresslevel=9, mtime=0)
        if _read(copy) == compressed:
            return
        draft = _draft(copy, "new")
        _write(draft, compressed)
        seconds = int(path.stat().st_mtime)
        os.utime(draft, (seconds, seconds))
        draft.replace(copy)
        _sync(path.parent)

    @contextlib.contextmanager
    def _failing(self, key: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            where = str(self._directory / key)
            raise OriginFailed("origin_failed", f"the folder does not do it: {error.strerror}", where=where) from None


def _gzipped(path: Path) -> Path:
    return path.with_name(f"{path.name}.gz")


def _draft(path: Path, suffix: str) -> Path:
    return path.with_name(f".{path.name}.{suffix}")


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _write(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _FILE_MODE)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(descriptor, _FILE_MODE)  # whatever the umask is: a web server of another user reads this
        file.write(data)
        file.flush()
        os.fsync(descriptor)


def _make_folder(path: Path) -> None:
    missing = [one for one in (path, *path.parents) if not one.exists()]
    path.mkdir(parents=True, exist_ok=True)
    for one in missing:
        one.chmod(_FOLDER_MODE)
        _sync(one.parent)


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _exclusively(directory: Path) -> Iterator[None]:
    """Hold other publishers of this machine off; the lock goes with its process, however that ends."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
