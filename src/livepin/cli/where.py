"""Which project a command works on: a file, or one on a server. The one place where that is decided.

--server, --project   a server's, by its profile
-C                    the file in that folder
LIVEPIN_SERVER        that server's
a livepin.toml here   that file
the default profile   its server's, if it names a project
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from livepin.author.project import FILE_NAME
from livepin.cli import profiles
from livepin.cli.options import (
    directory_option,
    dry_run_option,
    json_option,
    no_confirm_option,
    override_option,
    passphrase_option,
    timeout_option,
)
from livepin.cli.profiles import PROJECT, SERVER, Profile
from livepin.errors import InputInvalid

signer_option = click.option(
    "--signer",
    default="",
    metavar="PLACE",
    help="Your own key, for a server's project that it signs: a PEM file, pkcs11:… or aws-kms:….",
)


@dataclass(frozen=True, slots=True)
class Where:
    """What the command line says about the project. `named`: the folder was given, and is not just the current one."""

    directory: Path
    named: bool = False
    server: str = ""
    project: str = ""


def project_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options that say which project; the command gets them as one `where`."""

    @functools.wraps(command)
    def gathered(*args: Any, directory: Path, server: str, project: str, **kwargs: Any) -> Any:
        source = click.get_current_context().get_parameter_source("directory")
        where = Where(directory, source is ParameterSource.COMMANDLINE, server, project)
        return command(*args, where=where, **kwargs)

    for option in (
        click.option("--project", default="", metavar="ORG/PROJECT", help="The server's project; else the profile's."),
        click.option("--server", default="", metavar="PROFILE", help="Work on a server's project, not on files."),
        directory_option,
    ):
        gathered = option(gathered)
    return gathered


def publishing_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """All options of a command that publishes."""
    command = project_options(command)
    for option in (
        json_option,
        dry_run_option,
        timeout_option,
        no_confirm_option,
        signer_option,
        passphrase_option,
        override_option,
    ):
        command = option(command)
    return command


def profile_of(where: Where, environment: Mapping[str, str] | None = None) -> Profile | None:
    """The server whose project is meant; None where files are. Raises `InputInvalid`."""
    variables = os.environ if environment is None else environment
    if where.server:
        return profiles.load().find(where.server)
    if where.named and not where.project:
        return None
    if variables.get(SERVER):
        return profiles.from_environment(variables) or profiles.load().find(variables[SERVER])
    if where.project:
        return profiles.load().find()
    if (where.directory / FILE_NAME).exists():
        return None
    known = profiles.load()
    default = known.by_name.get(known.default)
    return default if default is not None and default.project else None


def server_of(where: Where, url: str = "") -> Profile:
    """The server that `pull` and `push` mean; `url`: from where the files were pulled, which names a profile.

    Raises `InputInvalid`, `Unauthenticated`.
    """
    if where.server:
        return profiles.load().find(where.server)
    if os.environ.get(SERVER):
        return profiles.from_environment(os.environ) or profiles.load().find(os.environ[SERVER])
    known = profiles.load()
    # A file names no server that nobody signed in to: a token goes to those alone.
    same = [profile for profile in known.by_name.values() if profile.url == url]
    return next((one for one in same if one.name == known.default), same[0] if same else known.find())


def audience(where: Where, profile: Profile) -> tuple[str, str]:
    """Organization and project on a server. Raises `InputInvalid` (`project_unnamed`, `usage`)."""
    text = where.project or os.environ.get(PROJECT, "") or profile.project
    if not text:
        raise InputInvalid("project_unnamed", "nothing says which project is meant", where=profile.url)
    return profiles.check_project(text)
