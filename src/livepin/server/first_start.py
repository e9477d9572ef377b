"""Before anything serves: the data folder, its secrets, the tables. Safe to repeat, and to be interrupted anywhere."""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
from collections.abc import Iterator

from livepin.errors import ConfigurationError
from livepin.server import keyring
from livepin.server.config import Config

#: Any number, the same for all: PostgreSQL's name for the right to migrate.
_MIGRATING = 0x6C_69_76_65


def make_folders(config: Config) -> bool:
    """The data folder with its secrets, and the origin's. Whether the data folder is new. Raises `ConfigurationError`.

    The data folder is nobody else's. The origin's folder may be read: a web server of another user serves it.
    """
    new = not config.data.exists()
    try:
        config.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        _check_private(config)
        keyring.make(config)
        if "origin" in config.roles or "jobs" in config.roles:
            config.origin_folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    except OSError as error:
        message = f"the data folder cannot be made: {error.strerror}"
        raise ConfigurationError("configuration_invalid", message, where=str(error.filename)) from None
    return new


def _check_private(config: Config) -> None:
    about = config.data.stat()
    if about.st_uid != os.geteuid() or about.st_mode & 0o077:
        message = "the data folder must belong to the user of this server and to nobody else (mode 0700)"
        raise ConfigurationError("configuration_invalid", message, where=str(config.data))


def migrate(config: Config) -> None:
    """Bring the tables up to date. Django is set up. Of several that start at once, one does it and the others wait."""
    from django.core.management import call_command

    with _alone(config):
        call_command("migrate", verbosity=0, interactive=False)
    if not config.on_postgres:
        config.database_file.chmod(0o600)


@contextlib.contextmanager
def _alone(config: Config) -> Iterator[None]:
    from django.db import connection

    if config.on_postgres:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [_MIGRATING])
            try:
                yield
            finally:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [_MIGRATING])
        return
    with (config.data / "migrating.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def check_addresses(config: Config) -> None:
    """Raise `ConfigurationError` where an address that is to be listened on is taken, or is not this machine's."""
    wanted = []
    if {"web", "api"} & set(config.roles):
        wanted.append(("listen", config.listen))
    if "origin" in config.roles:
        wanted.append(("origin_listen", config.origin_listen))
    for name, listen in wanted:
        host, port = address(listen)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                message = f"the setting names an address that cannot be listened on: {error.strerror}"
                raise ConfigurationError("configuration_invalid", message, where=f"{name} = {listen}") from None


def address(listen: str) -> tuple[str, int]:
    """Host and port of a `HOST:PORT`; an IPv6 address without its brackets."""
    host, _, port = listen.rpartition(":")
    return host.strip("[]"), int(port)
