"""Opening the project that the command line names, whichever of the two kinds it is."""

from __future__ import annotations

from livepin.cli.project import OpenProject
from livepin.cli.project_file import FileProject
from livepin.cli.project_server import ServerProject
from livepin.cli.where import Where, audience, profile_of
from livepin.errors import Unauthenticated


def open_project(where: Where) -> OpenProject:
    """The project. Raises `ProjectInvalid` for a file that is none, `InputInvalid` for a server that nobody knows."""
    return FileProject(where.directory) if profile_of(where) is None else on_server(where)


def on_server(where: Where) -> ServerProject:
    """The project on a server. Raises `Unauthenticated`, and `InputInvalid` where nothing says which."""
    profile = profile_of(where)
    if profile is None:
        hint = "Name it with --server PROFILE."
        raise Unauthenticated("signed_out", "this takes a project on a server", where=str(where.directory), hint=hint)
    return ServerProject(profile.api(), *audience(where, profile), where.directory)
