"""What an operator decides: one value object, read from the environment or from one TOML file.

Every setting is a field of `Config`. Its name in the file is the field's name; in the environment it is
`LIVEPIN_SERVER_` and the name in capitals. Secrets may also come from a file: `LIVEPIN_SERVER_…_FILE`, or `…_file`.
An unknown name, a value that does not fit and a missing one stop the server with a sentence.
"""

from __future__ import annotations

import ipaddress
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from livepin.errors import ConfigurationError
from livepin.publish.public import is_https

PREFIX = "LIVEPIN_SERVER_"
#: Names the TOML file; it is no setting itself.
FILE_VARIABLE = "LIVEPIN_SERVER_CONFIG"
#: Reads the value of a named setting. Raises `ConfigurationError`.
Reader = Callable[[str, Any], Any]

ROLES = ("web", "api", "jobs", "origin")
#: Organizations and accounts are purged at most this many days after somebody asked for it.
MAX_GRACE_DAYS = 30
_MASTER_KEY = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Config:
    """The operator's settings. Folders are absolute; a limit of 0 is none; days and seconds are whole numbers."""

    data: Path
    roles: tuple[str, ...] = ROLES
    listen: str = "127.0.0.1:8470"
    origin_listen: str = "127.0.0.1:8471"
    public_url: str = ""
    origin_folder: Path = Path()
    origin_url: str = ""
    database_url: str = field(default="", repr=False)
    secret_key: str = field(default="", repr=False)
    master_keys: tuple[str, ...] = field(default=(), repr=False)
    trusted_proxies: tuple[str, ...] = ()
    workers: int = 1
    threads: int = 8
    sign_up: str = "invited"
    organizations_per_account: int = 0
    projects_per_organization: int = 0
    hosts_per_organization: int = 0
    look_private: bool = False
    look_networks: tuple[str, ...] = ()
    look_proxy: str = ""
    lease_seconds: int = 60
    grace_days: int = 14
    requests_per_minute: int = 600
    mail_url: str = field(default="", repr=False)
    mail_from: str = "livepin@localhost"
    oidc_name: str = ""
    oidc_url: str = ""
    oidc_client_id: str = ""
    oidc_client_secret: str = field(default="", repr=False)
    metrics_token: str = field(default="", repr=False)
    log_level: str = "info"
    log_format: str = "json"

    @property
    def on_postgres(self) -> bool:
        """Whether many machines may share the database."""
        return self.database_url.startswith(("postgres://", "postgresql://"))

    @property
    def database_file(self) -> Path:
        """The SQLite database, where there is no other."""
        return self.data / "livepin.sqlite3"

    @property
    def keys_folder(self) -> Path:
        """Secrets that the first start made, and the keys of backups: what is copied to a safe (docs/data.md)."""
        return self.data / "keys"


def load(environment: Mapping[str, str], data: Path | None = None) -> Config:
    """The configuration that an environment, and the file that it names, describe. `data`: where neither says it.

    Raises `ConfigurationError`.
    """
    given: dict[str, Any] = {} if data is None else {"data": str(data)}
    path = environment.get(FILE_VARIABLE, "")
    if path:
        given |= _from_file(Path(path))
    given |= _from_environment(environment)
    return _finished(given)


def _from_file(path: Path) -> dict[str, Any]:
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise _fault(str(path), f"cannot be read: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise _fault(str(path), f"is not TOML: {error}") from None
    given = {}
    for name, value in table.items():
        plain = _plain_name(name, str(path))
        given[plain] = _secret(Path(str(value)), name) if plain != name else value
    return given


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    given = {}
    for variable, value in environment.items():
        if not variable.startswith(PREFIX) or variable == FILE_VARIABLE:
            continue
        name = variable.removeprefix(PREFIX).lower()
        plain = _plain_name(name, variable)
        given[plain] = _secret(Path(value), variable) if plain != name else value
    return given


_NAMES = frozenset(one.name for one in fields(Config))
#: What may stand in the query of `database_url`, and the environment variable that says it to PostgreSQL's programs.
DATABASE_OPTIONS = {
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
    "channel_binding": "PGCHANNELBINDING",
    "connect_timeout": "PGCONNECT_TIMEOUT",
}
SECRETS = frozenset(("secret_key", "master_keys", "database_url", "mail_url", "oidc_client_secret", "metrics_token"))


def _plain_name(name: str, where: str) -> str:
    """The setting that a name means: itself, or the secret whose file it names."""
    if name in _NAMES:
        return name
    if name.endswith("_file") and name.removesuffix("_file") in SECRETS:
        return name.removesuffix("_file")
    raise _fault(where, f"there is no setting {name!r}; docs/server.md lists them")


def _secret(path: Path, where: str) -> str:
    try:
        return path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise _fault(where, f"names a file that cannot be read: {error}") from None


def _finished(given: Mapping[str, Any]) -> Config:
    if not str(given.get("data", "")):
        raise _fault("data", f"is missing: name a folder with --data, or in {PREFIX}DATA")
    values: dict[str, Any] = {name: _reader(name)(name, value) for name, value in given.items()}
    config = Config(**values)
    if not given.get("origin_folder"):
        object.__setattr__(config, "origin_folder", config.data / "origin")
    if not config.origin_url and _on_loopback(config.origin_listen):
        object.__setattr__(config, "origin_url", f"http://{config.origin_listen}/")
    if not config.public_url and _on_loopback(config.listen):
        # Not by its address: a passkey needs a name.
        object.__setattr__(config, "public_url", f"http://localhost:{config.listen.rpartition(':')[2]}")
    return config


def _on_loopback(listen: str) -> bool:
    """A newcomer's server has itself as its public address; one that others can reach must be told its name."""
    return listen.startswith(("127.", "localhost:", "[::1]:"))


def masked(config: Config) -> dict[str, Any]:
    """Every setting with its value, as JSON can hold it; of a secret only whether there is one."""
    return {one.name: _masked(one.name, getattr(config, one.name)) for one in fields(Config)}


def _masked(name: str, value: Any) -> Any:
    if name in SECRETS:
        return "(set)" if value else ""
    if isinstance(value, tuple):
        return list(value)
    return str(value) if isinstance(value, Path) else value


def _reader(name: str) -> Reader:
    reader: Reader = _READERS.get(name, _text)
    return reader


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise _fault(name, "is not a text")
    return value


def _texts(name: str, value: Any) -> tuple[str, ...]:
    items = value.replace(",", " ").split() if isinstance(value, str) else value
    if not isinstance(items, list) or not all(isinstance(one, str) for one in items):
        raise _fault(name, "is not a list of texts")
    return tuple(items)


def _roles(name: str, value: Any) -> tuple[str, ...]:
    roles = _texts(name, value)
    strange = [one for one in roles if one not in ROLES]
    if strange or not roles:
        raise _fault(name, f"knows {', '.join(ROLES)}, not {', '.join(strange) or 'nothing at all'}")
    return roles


def _networks(name: str, value: Any) -> tuple[str, ...]:
    texts = _texts(name, value)
    for text in texts:
        try:
            ipaddress.ip_network(text)
        except ValueError:
            raise _fault(name, f"holds {text!r}, which is no address or network such as 10.0.0.0/8") from None
    return texts


def _folder(name: str, value: Any) -> Path:
    return Path(_text(name, value)).expanduser().absolute()


def _number(least: int, most: int) -> Callable[[str, Any], int]:
    def read(name: str, value: Any) -> int:
        text = str(value)
        if isinstance(value, bool) or not re.fullmatch(r"[0-9]{1,9}", text) or not least <= int(text) <= most:
            raise _fault(name, f"is not a whole number from {least} to {most}")
        return int(text)

    return read


def _truth(name: str, value: Any) -> bool:
    words = {"true": True, "false": False, "1": True, "0": False, "yes": True, "no": False}
    if str(value).lower() not in words:
        raise _fault(name, "is neither true nor false")
    return words[str(value).lower()]


def _choice(*choices: str) -> Callable[[str, Any], str]:
    def read(name: str, value: Any) -> str:
        if value not in choices:
            raise _fault(name, f"is none of {', '.join(choices)}")
        return str(value)

    return read


def _listen(name: str, value: Any) -> str:
    host, _, port = _text(name, value).rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise _fault(name, "is not HOST:PORT")
    return f"{host}:{port}"


def _url(name: str, value: Any) -> str:
    text = _text(name, value)
    if text and not is_https(text):
        raise _fault(name, "is not an https URL (http only on loopback) without user name and blanks")
    return text


def _database(name: str, value: Any) -> str:
    text = _text(name, value)
    if text and not text.startswith(("postgres://", "postgresql://")):
        raise _fault(name, "is not postgresql://USER@HOST/NAME; leave it out for SQLite in the data folder")
    strange = parse_qs(urlsplit(text).query, keep_blank_values=True).keys() - {"host", *DATABASE_OPTIONS}
    if strange:
        # What is not understood must not be left out: it may be what asks for TLS.
        raise _fault(name, f"knows host, {', '.join(DATABASE_OPTIONS)}, not {', '.join(sorted(strange))}")
    return text


def _master_keys(name: str, value: Any) -> tuple[str, ...]:
    keys = _texts(name, value)
    if not all(_MASTER_KEY.fullmatch(one) for one in keys):
        raise _fault(name, "is not one or more keys of 64 lower-case hex digits (32 random bytes each)")
    return keys


_READERS: Mapping[str, Reader] = {
    "data": _folder,
    "roles": _roles,
    "listen": _listen,
    "origin_listen": _listen,
    "public_url": _url,
    "origin_folder": _folder,
    "origin_url": _url,
    "database_url": _database,
    "master_keys": _master_keys,
    "trusted_proxies": _networks,
    "workers": _number(1, 64),
    "threads": _number(1, 256),
    "sign_up": _choice("invited", "open"),
    "organizations_per_account": _number(0, 10**9),
    "projects_per_organization": _number(0, 10**9),
    "hosts_per_organization": _number(0, 10**9),
    "look_private": _truth,
    "look_networks": _networks,
    "lease_seconds": _number(1, 3600),
    "grace_days": _number(0, MAX_GRACE_DAYS - 1),
    "requests_per_minute": _number(0, 10**9),
    "oidc_url": _url,
    "log_level": _choice("debug", "info", "warning", "error"),
    "log_format": _choice("json", "text"),
}


def _fault(where: str, why: str) -> ConfigurationError:
    return ConfigurationError("configuration_invalid", f"the setting {why}" if where in _NAMES else why, where=where)
