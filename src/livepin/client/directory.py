"""The directory that the store may use: which one, and whether it is as private as it must be.

Whoever can write to it decides which document an application starts with after a restart (never which *keys* it
trusts: what is stored is verified again). So every directory on the way is looked at, symbolic links included.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Mapping
from pathlib import Path

from livepin.errors import StoreUnusable

#: Cleared by the system at any time, open to everybody: also where its mode does not say so.
_SHARED = {"/tmp", "/var/tmp", "/usr/tmp", "/dev/shm", "/private/tmp", "/private/var/tmp"}
_MAX_LINKS = 40
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def default_directory(environment: Mapping[str, str] = os.environ) -> Path:
    """`$LIVEPIN_STORE`, else `livepin` in the place where this system keeps state. Raises `StoreUnusable`."""
    if named := environment.get("LIVEPIN_STORE"):
        return Path(named)
    if sys.platform == "win32":
        state = environment.get("LOCALAPPDATA", "")
    else:
        state = environment.get("XDG_STATE_HOME", "")
    if Path(state).is_absolute():  # a relative one is to be ignored, says the XDG specification
        return Path(state) / "livepin"
    try:
        return Path.home() / ".local" / "state" / "livepin"
    except RuntimeError:
        raise unusable("this user has no home directory: set LIVEPIN_STORE", "store") from None


def private_directory(path: Path) -> Path:
    """Make `path` (mode 0700) if it is not there, and check everything on the way to it; returns it resolved.

    Raises `StoreUnusable` with the reason. On Windows, where modes say nothing, the directory is only made.
    """
    try:
        if sys.platform == "win32":
            path = path.expanduser()
            path.mkdir(parents=True, exist_ok=True)
            return path.resolve()
        return _Walk(path).run()
    except OSError as error:
        raise unusable(error.strerror or str(error), path) from error
    except RuntimeError:
        raise unusable("`~` stands for no directory: this user has none", path) from None


def unusable(reason: str, where: object) -> StoreUnusable:
    """The one error of everything that is wrong with a store."""
    return StoreUnusable("store_unusable", reason, where=str(where))


class _Walk:
    """From the root to the directory, one name at a time, as the kernel would go."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._pending = list(reversed(path.expanduser().absolute().parts[1:]))
        self._current = Path("/")
        self._links = 0

    def run(self) -> Path:
        self._check_parent()
        while self._pending:
            name = self._pending.pop()
            if name == "..":
                self._current = self._current.parent
                continue
            found = self._look(self._current / name)
            if stat.S_ISLNK(found.st_mode):
                self._follow(self._current / name, found)
                continue
            self._current /= name
            if self._pending:
                self._check_parent()
        return self._check_last()

    def _look(self, path: Path) -> os.stat_result:
        try:
            return path.lstat()
        except FileNotFoundError:
            path.mkdir(mode=0o700, exist_ok=True)  # exist_ok: another process may be setting up too
            return path.lstat()

    def _follow(self, link: Path, found: os.stat_result) -> None:
        self._links += 1
        if not self._pending:
            raise unusable("it is a symbolic link", link)
        if self._links > _MAX_LINKS:
            raise unusable("too many symbolic links", self._path)
        self._check_owner(link, found)
        target = link.readlink()
        if target.is_absolute():
            self._current = Path("/")
        self._pending.extend(reversed([part for part in target.parts if part != "/"]))

    def _check_parent(self) -> None:
        found = self._current.lstat()
        if str(self._current) in _SHARED or (found.st_mode & stat.S_IWOTH and found.st_mode & stat.S_ISVTX):
            raise unusable(f"{self._current} is a shared temporary directory", self._path)
        self._check_owner(self._current, found)
        if found.st_mode & _OTHERS_WRITE and not _only_ours(found):
            raise unusable(f"others can write to {self._current} (mode {found.st_mode & 0o7777:04o})", self._path)

    def _check_owner(self, path: Path, found: os.stat_result) -> None:
        if found.st_uid not in {0, os.geteuid()}:
            raise unusable(f"{path} belongs to user {found.st_uid}", self._path)

    def _check_last(self) -> Path:
        found = self._current.lstat()
        if str(self._current) in _SHARED or not stat.S_ISDIR(found.st_mode):
            raise unusable("it is not a directory of its own", self._path)
        if found.st_uid != os.geteuid():
            raise unusable(f"it belongs to user {found.st_uid}, not to {os.geteuid()}", self._path)
        if found.st_mode & _OTHERS_WRITE:
            # Not repaired: what is in it may have been put there by others.
            raise unusable(f"others can write to it (mode {found.st_mode & 0o7777:04o})", self._path)
        if found.st_mode & 0o077:
            self._current.chmod(0o700)
        return self._current


def _only_ours(found: os.stat_result) -> bool:
    """Whether a group-writable directory is writable by this user alone: many systems give every user a group of its
    own name and a umask of 002, and would otherwise have no usable home."""
    import grp  # not on Windows, where this is never called
    import pwd

    if found.st_mode & stat.S_IWOTH:
        return False
    try:
        user, group = pwd.getpwuid(os.geteuid()), grp.getgrgid(found.st_gid)
    except KeyError:
        return False
    return group.gr_name == user.pw_name and set(group.gr_mem) <= {user.pw_name}
