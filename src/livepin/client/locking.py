"""A lock between processes: one file, held by one of them at a time, let go by the kernel when its holder dies."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PAUSE = 0.01


@contextmanager
def exclusive(path: Path, patience: float) -> Iterator[None]:
    """Hold the lock file `path` (made if absent, never removed). Excludes threads of this process too.

    Raises `TimeoutError` after `patience` seconds (a holder may be stopped, and an application must not stop with
    it), and other `OSError`s where files cannot be made or locked.
    """
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
    descriptor = os.open(path, flags, 0o600)
    try:
        _wait_for(descriptor, time.monotonic() + patience)
        try:
            yield
        finally:
            # Said aloud: a child forked meanwhile has a copy of the descriptor, and would keep the lock.
            _unlock(descriptor)
    finally:
        os.close(descriptor)


def _wait_for(descriptor: int, deadline: float) -> None:
    pause = _PAUSE
    while not _try_lock(descriptor):
        if time.monotonic() >= deadline:
            raise TimeoutError("another process has held the lock for too long")
        time.sleep(pause)
        pause = min(2 * pause, 10 * _PAUSE)


if sys.platform == "win32":
    import msvcrt

    def _try_lock(descriptor: int) -> bool:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
        return True

    def _unlock(descriptor: int) -> None:
        os.lseek(descriptor, 0, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _try_lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _unlock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_UN)
