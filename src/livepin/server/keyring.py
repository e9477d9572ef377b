"""The secrets that a server cannot do without, and where they are when nobody gives them: in the data folder.

    keys/secret.key     signs sessions and forms
    keys/master.keys    seal the signing keys of projects; the first line seals, the others only open

A master key's ID is made from its value, so nobody has to name one. The file is read at every use: a key that was
changed (`livepin server rotate-master-key`) is known to every process at once, and stays in none.
"""

from __future__ import annotations

import hashlib
import secrets

from livepin.author.files import PRIVATE, write_atomically, write_once
from livepin.author.signers.managed import MasterKey
from livepin.errors import ConfigurationError
from livepin.server.config import Config

_FOLDER_MODE = 0o700
_LOST = (
    "the database is there and its master key is not: put this file back from where it is kept, or give `master_keys`. "
    "If it is lost for good, write 64 hex digits of chance into it: the signing keys of before stay closed, and "
    "projects go on only with anchors kept offline"
)


def secret_key(config: Config) -> str:
    """The key of sessions and forms; empty where there is none yet."""
    return config.secret_key or _read(config, "secret.key")


def masters(config: Config) -> tuple[MasterKey, ...]:
    """The master keys, the one that seals first. Raises `ConfigurationError` where there is none."""
    values = config.master_keys or tuple(_read(config, "master.keys").split())
    if not values:
        message = f"there is no master key: neither is `master_keys` set, nor is there {config.keys_folder}/master.keys"
        raise ConfigurationError("configuration_invalid", message)
    return tuple(map(_master, values))


def _master(text: str) -> MasterKey:
    try:
        value = bytes.fromhex(text)
    except ValueError:
        raise ConfigurationError("configuration_invalid", "a master key is not 64 hex digits") from None
    return MasterKey(hashlib.sha256(b"livepin master key\n" + value).hexdigest()[:12], value)


def make(config: Config) -> None:
    """Make what is missing and was not given. Never changes what is there.

    Raises `ProjectInvalid`, and `ConfigurationError` where a database is there without its master key: a new one would
    open nothing of it, and hide that the old one is lost.
    """
    config.keys_folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
    if not config.secret_key:
        write_once(config.keys_folder / "secret.key", secrets.token_urlsafe(48) + "\n", PRIVATE)
    if not config.master_keys:
        file = config.keys_folder / "master.keys"
        if not (config.on_postgres or file.exists()) and config.database_file.exists():
            raise ConfigurationError("configuration_invalid", _LOST, where=str(file))
        write_once(file, secrets.token_hex(32) + "\n", PRIVATE)


def add_master(config: Config) -> None:
    """Put a new master key before the others: from now on it seals. Raises `ProjectInvalid`."""
    _write_masters(config, (secrets.token_hex(32), *_read(config, "master.keys").split()))


def drop_old_masters(config: Config) -> None:
    """Forget all but the first, once nothing is sealed under them. Raises `ProjectInvalid`."""
    _write_masters(config, tuple(_read(config, "master.keys").split()[:1]))


def _write_masters(config: Config, values: tuple[str, ...]) -> None:
    write_atomically(config.keys_folder / "master.keys", "".join(f"{one}\n" for one in values), PRIVATE)


def _read(config: Config, name: str) -> str:
    try:
        return (config.keys_folder / name).read_text("ascii").strip()
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        message = f"cannot be read: {error}"
        raise ConfigurationError("configuration_invalid", message, where=str(config.keys_folder / name)) from None
