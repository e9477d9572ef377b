"""Backups: the database as it is at one moment, sealed under a key of its own. Taken while everything runs.

A deleted organization must be gone from backups too, and nobody can reach into copies that lie elsewhere. So every
backup has its own key, kept in `keys/backups/` in the data folder and thrown away when the backup's time is over
(`kept_days`): the backup is then noise, wherever it lies. The other side of it: whoever copies backups away must copy
`keys/` too, to another place, and let what is deleted here be deleted there (docs/data.md).

A backup holds no master key and no secret key. It holds sealed signing keys, which are of no use without one.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Generator, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.db import connection

from livepin.author.files import PRIVATE, write_once
from livepin.errors import CommandFailed, InputInvalid
from livepin.server import keyring, sealed_file
from livepin.server.config import DATABASE_OPTIONS, MAX_GRACE_DAYS, Config

_FORMAT, _VERSION = "livepin-backup", 1
_STAMP = "%Y%m%dT%H%M%SZ"
_DRAFT = ".backup-"
#: Seconds by which a purge and a look at the backups, both hourly, may be late together.
_LATENESS = 3 * 3600


def kept_days(config: Config) -> int:
    """How long a backup can be opened: so that a wish for deletion is done, backups included, in 30 days."""
    return MAX_GRACE_DAYS - config.grace_days


def _time_is_over(config: Config, created: float, now: float) -> bool:
    return now - created >= kept_days(config) * 86_400 - _LATENESS


def take(config: Config, path: Path) -> dict[str, Any]:
    """Write a backup; its header. Raises `InputInvalid`, `CommandFailed`."""
    if path.exists():
        raise InputInvalid("file_unwritable", "it exists: a backup is never overwritten", where=str(path))
    created, key = int(time.time()), secrets.token_bytes(32)
    name = f"{datetime.fromtimestamp(created, UTC).strftime(_STAMP)}-{secrets.token_hex(4)}"
    header = {
        "format": _FORMAT,
        "version": _VERSION,
        "key": name,
        "created_at": created,
        "engine": connection.vendor,
        "migration": _newest_migration(),
    }
    # The key first: a backup without its key would be of no use.
    write_once(_key_file(config.keys_folder, name), key.hex() + "\n", PRIVATE)
    try:
        with contextlib.closing(_dumped(config)) as chunks:
            sealed_file.write(path, header, key, chunks)
    except BaseException:
        _key_file(config.keys_folder, name).unlink()
        raise
    return header


def _newest_migration() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM django_migrations WHERE app = 'livepin' ORDER BY id DESC LIMIT 1")
        return str(cursor.fetchone()[0])


def _dumped(config: Config) -> Generator[bytes, None, None]:
    return _dumped_postgres() if config.on_postgres else _dumped_sqlite(config)


def _dumped_sqlite(config: Config) -> Generator[bytes, None, None]:
    remove_drafts(config)
    with tempfile.TemporaryDirectory(prefix=_DRAFT, dir=config.data) as folder:
        copy = Path(folder) / "livepin.sqlite3"
        # One read transaction: the state of one moment, while others write. What was deleted is not in the copy.
        with contextlib.closing(sqlite3.connect(f"file:{config.database_file}?mode=ro", uri=True)) as database:
            database.execute("VACUUM INTO ?", [str(copy)])
        yield from _read(copy)


def remove_drafts(config: Config) -> None:
    """Remove what a backup left behind that was killed."""
    for folder in config.data.glob(f"{_DRAFT}*"):
        shutil.rmtree(folder, ignore_errors=True)


def _read(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(sealed_file.FRAME):
            yield chunk


def _dumped_postgres() -> Generator[bytes, None, None]:
    with _program("pg_dump", ["--format=custom", "--no-owner", "--no-privileges"]) as process:
        assert process.stdout is not None
        while chunk := process.stdout.read(sealed_file.FRAME):
            yield chunk


@contextlib.contextmanager
def _program(name: str, arguments: list[str], source: int = subprocess.PIPE) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program of PostgreSQL on our database. Its password stands in the environment, never in an argument."""
    given = connection.settings_dict
    names = {"PGHOST": "HOST", "PGPORT": "PORT", "PGUSER": "USER", "PGPASSWORD": "PASSWORD", "PGDATABASE": "NAME"}
    environment = {**os.environ, **{name: str(given[key]) for name, key in names.items() if given.get(key)}}
    options = given.get("OPTIONS", {})
    environment |= {name: str(options[option]) for option, name in DATABASE_OPTIONS.items() if option in options}
    with tempfile.TemporaryFile() as complaints:
        try:
            process = subprocess.Popen(
                [name, *arguments], env=environment, stdin=source, stdout=subprocess.PIPE, stderr=complaints
            )
        except FileNotFoundError:
            raise CommandFailed("program_missing", "it comes with PostgreSQL's client programs", where=name) from None
        with process:
            try:
                yield process
            except BaseException:
                process.kill()
                raise
            if process.stdin is not None:
                process.stdin.close()
            if process.wait() != 0:
                complaints.seek(0)
                why = complaints.read(500).decode("utf-8", "replace").strip().partition("\n")[0]
                raise CommandFailed("program_failed", why, where=name)


def restore(config: Config, path: Path, keys: Path) -> dict[str, Any]:
    """Fill an empty installation from a backup; its header. `keys`: the copy of the `keys/` folder of that time.

    Raises `InputInvalid`, `CommandFailed`; then nothing was restored.
    """
    header = sealed_file.read_header(path)
    if (header.get("format"), header.get("version")) != (_FORMAT, _VERSION):
        raise InputInvalid("backup_invalid", "this is no backup of a version that is known here", where=str(path))
    wanted = "postgresql" if config.on_postgres else "sqlite"
    if header.get("engine") != wanted:
        message = f"it is of {header.get('engine')}, and the settings name {wanted}"
        raise InputInvalid("backup_invalid", message, where=str(path))
    key = _key(keys, str(header.get("key")))
    if config.data.exists() and any(config.data.iterdir()):
        raise InputInvalid("restore_refused", "the data folder is not empty", where=str(config.data))
    chunks = sealed_file.chunks_of(path, key)
    config.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    if config.on_postgres:
        _restore_postgres(config, chunks)
    else:
        _restore_sqlite(config, chunks)
    _restore_keys(config, keys)
    return header


def _key_file(folder: Path, name: str) -> Path:
    return folder / "backups" / f"{name}.key"


def _key(folder: Path, name: str) -> bytes:
    path = _key_file(folder, name)
    if "/" not in name and path.is_file():
        return bytes.fromhex(path.read_text("ascii").strip())
    message = f"the key of this backup, backups/{name}.key, is not there: it was thrown away when its time was over"
    raise InputInvalid("backup_expired", message, where=str(folder))


def _restore_sqlite(config: Config, chunks: Iterable[bytes]) -> None:
    draft = config.data / f"{_DRAFT}restored"
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.writelines(chunks)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(config.database_file)
    finally:
        draft.unlink(missing_ok=True)


def _restore_postgres(config: Config, chunks: Iterable[bytes]) -> None:
    if connection.introspection.table_names():
        raise InputInvalid("restore_refused", "the database is not empty", where=str(connection.settings_dict["NAME"]))
    # Into a file first: the last frame must have opened before anything is believed.
    with tempfile.TemporaryFile(dir=config.data) as file:
        file.writelines(chunks)
        file.seek(0)
        database = str(connection.settings_dict["NAME"])
        arguments = ["--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges", "--dbname", database]
        with _program("pg_restore", arguments, file.fileno()):
            pass


def _restore_keys(config: Config, keys: Path) -> None:
    if keys.resolve() != config.keys_folder.resolve():
        shutil.copytree(keys, config.keys_folder, dirs_exist_ok=True)
    for folder in (config.keys_folder, config.keys_folder / "backups"):
        folder.chmod(0o700)
    keyring.make(config)


def forget_old(config: Config, now: float) -> list[str]:
    """Throw away the keys of backups whose time is over; their names. `now` in Unix seconds.

    So it goes for mail that lies in files because no mail server was named: it holds addresses and codes.
    """
    gone = []
    for path in sorted(_key_file(config.keys_folder, "x").parent.glob("*.key")):
        created = datetime.strptime(path.stem.partition("-")[0], _STAMP).replace(tzinfo=UTC)
        if _time_is_over(config, created.timestamp(), now):
            _overwrite(path)
            gone.append(path.stem)
    for path in (config.data / "mail").glob("*.log"):
        if _time_is_over(config, path.stat().st_mtime, now):
            _overwrite(path)
    return gone


def _overwrite(path: Path) -> None:
    """On a file system that writes in place, not even the disk has it any more."""
    with path.open("r+b") as file:
        file.write(bytes(path.stat().st_size))
        file.flush()
        os.fsync(file.fileno())
    path.unlink()
