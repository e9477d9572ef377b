"""Profiles: the servers that somebody signed in to on this machine, in one file of the user's configuration folder.

    default = "work"

    [profiles.work]
    url = "https://livepin.example.com"
    project = "acme/shop"
    token = "lvp_…"

The threats: another user of the machine who reads the tokens (mode 0600 in a folder of mode 0700, and a file that is
not so is not used), and a half-written file (it is replaced whole).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from livepin.author.draft import is_identifier
from livepin.author.files import PRIVATE, read_text, write_atomically
from livepin.author.toml import Table
from livepin.cli.api import Api, checked_url
from livepin.errors import InputInvalid, LivepinError, ProjectInvalid, Unauthenticated

FILE_NAME = "profiles.toml"
#: For CI: a server without a profile. The token is for this server alone.
SERVER, TOKEN, PROJECT = "LIVEPIN_SERVER", "LIVEPIN_TOKEN", "LIVEPIN_PROJECT"


@dataclass(frozen=True, slots=True)
class Profile:
    """One server, as one account or token uses it. `project`: ORG/PROJECT, for when none is named; `ca`: a file."""

    name: str
    url: str
    project: str = ""
    ca: str = ""
    token: str = field(default="", repr=False)

    def api(self, timeout: float = 30.0) -> Api:
        """The server. Raises `Unauthenticated` (`signed_out`)."""
        if not self.token:
            raise Unauthenticated("signed_out", "nobody has signed in to this server", where=self.url)
        return Api(self.url, self.token, self.ca or None, timeout)


@dataclass(frozen=True, slots=True)
class Profiles:
    """All of them, by name. `default`: the name of the one that is used where none is named, or empty."""

    default: str = ""
    by_name: Mapping[str, Profile] = field(default_factory=dict)

    def find(self, name: str = "") -> Profile:
        """A profile, by default the default one. Raises `InputInvalid`, `Unauthenticated`."""
        wanted = name or self.default
        if not wanted:
            raise Unauthenticated("signed_out", "nobody has signed in to a server on this machine", where=str(path()))
        found = self.by_name.get(wanted)
        if found is None:
            raise InputInvalid("profile_missing", f"there is no profile {wanted!r}", where=str(path()))
        return found

    def with_profile(self, profile: Profile, *, default: bool = False) -> Profiles:
        """The same with a new or changed profile; the first one is the default."""
        first = default or not self.default or self.default not in self.by_name
        by_name = {**self.by_name, profile.name: profile}
        return Profiles(profile.name if first else self.default, by_name)

    def without(self, name: str) -> Profiles:
        """The same without a profile."""
        left = {one: profile for one, profile in self.by_name.items() if one != name}
        return Profiles("" if self.default == name else self.default, left)

    def save(self) -> None:
        """Write the file whole. Raises `ProjectInvalid` (`file_unwritable`)."""
        where = path()
        try:
            where.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise ProjectInvalid("file_unwritable", f"cannot be made: {error.strerror}", where=str(where)) from None
        write_atomically(where, _text(self), PRIVATE)


def path() -> Path:
    """Where the file is, by the conventions of the platform."""
    home = Path.home()
    if sys.platform == "win32":
        return Path(os.environ.get("APPDATA") or home / "AppData" / "Roaming") / "livepin" / FILE_NAME
    if sys.platform == "darwin":
        return home / "Library" / "Application Support" / "livepin" / FILE_NAME
    folder = os.environ.get("XDG_CONFIG_HOME", "")
    # The specification: a relative path is no path.
    return (Path(folder) if folder.startswith("/") else home / ".config") / "livepin" / FILE_NAME


def load() -> Profiles:
    """What is there; nothing where there is no file. Raises `InputInvalid` (`profiles_unusable`)."""
    where = path()
    if not where.exists():
        return Profiles()
    _check_private(where)
    try:
        table = Table(tomlkit.parse(read_text(where)).unwrap(), str(where))
        named = table.table("profiles")
        default = table.text("default", "")
        table.end()
        return Profiles(default, {name: _profile(name, named.table(name)) for name in _names(named)})
    except (TOMLKitError, LivepinError) as error:
        why = error.message if isinstance(error, LivepinError) else f"not TOML: {error}"
        raise InputInvalid("profiles_unusable", why, where=str(where)) from None


def from_environment(environment: Mapping[str, str]) -> Profile | None:
    """The server that LIVEPIN_SERVER names by its URL, with LIVEPIN_TOKEN. None where it is not set, or is a name.

    Raises `InputInvalid`.
    """
    url = environment.get(SERVER, "")
    if "://" not in url:
        return None
    return Profile("", checked_url(url), environment.get(PROJECT, ""), token=environment.get(TOKEN, "").strip())


def check_name(name: str) -> str:
    """A profile's name: an identifier. Raises `InputInvalid` (`usage`)."""
    if not is_identifier(name):
        message = "a profile's name is 1 to 64 letters, digits, dots, hyphens or underscores"
        raise InputInvalid("usage", message, where=repr(name[:80]))
    return name


def check_project(text: str) -> tuple[str, str]:
    """Organization and project of ORG/PROJECT. Raises `InputInvalid` (`usage`)."""
    organization, _, project = text.partition("/")
    if not (is_identifier(organization) and is_identifier(project)):
        raise InputInvalid("usage", "not ORG/PROJECT", where=repr(text[:140]))
    return organization, project


def _names(table: Table) -> list[str]:
    return [name for name in table.names() if is_identifier(name)]


def _profile(name: str, table: Table) -> Profile:
    given = {member: table.text(member, "") for member in ("project", "ca", "token")}
    profile = Profile(name, checked_url(table.text("url")), **given)
    table.end()
    return profile


def _text(profiles: Profiles) -> str:
    toml = tomlkit.document()
    toml.add(tomlkit.comment("Servers that `livepin login` signed in to. Tokens are secret: this file is yours alone."))
    if profiles.default:
        toml.add("default", tomlkit.item(profiles.default))
    tables = tomlkit.table(is_super_table=True)
    for name, profile in profiles.by_name.items():
        members: dict[str, Any] = asdict(replace(profile, name=""))
        tables.add(name, {member: value for member, value in members.items() if value})
    toml.add("profiles", tables)
    return tomlkit.dumps(toml)


def _check_private(where: Path) -> None:
    if os.name != "posix":
        return
    about = where.stat()
    if about.st_uid != os.geteuid() or about.st_mode & 0o077:
        message = "others can read or write this file, and tokens are in it"
        raise InputInvalid("profiles_unusable", message, where=str(where), hint=f"chmod 600 {where}")
