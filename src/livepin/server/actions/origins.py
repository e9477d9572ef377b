"""Where documents are put, and where applications read them."""

from __future__ import annotations

from pathlib import PurePath

from livepin.publish.origins.folder import FolderOrigin
from livepin.publish.origins.origin import Origin
from livepin.publish.public import Connect
from livepin.server.actions.looks import bounds
from livepin.server.models import Project
from livepin.server.settings import CONFIG
from livepin.watch.reachable import Guarded


def origins() -> list[Origin]:
    """The operator's origins; creating an object on the first one is the lock between machines (design section 7)."""
    return [FolderOrigin(CONFIG.origin_folder)]


def shown_name(origin: Origin) -> str:
    """An origin's name for those who use the server: where the operator keeps things is no business of theirs."""
    return shown_place(origin.name)


def shown_place(text: str) -> str:
    """An origin's name, or a place in it, for those who use the server."""
    path, folder = PurePath(text), CONFIG.origin_folder
    return str("folder" / path.relative_to(folder)) if path.is_relative_to(folder) else text


def guarded(project: Project) -> Connect | None:
    """How the public URL of a project is read: one that the project chose must not lead into the operator's network."""
    return Guarded(bounds()) if project.url else None
