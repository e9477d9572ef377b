"""Where `show` and `verify` get a document from: a file, a URL, or the project's own folder."""

from __future__ import annotations

from pathlib import Path

from livepin.author.files import read_text
from livepin.cli.desk import Desk
from livepin.errors import ProjectInvalid
from livepin.publish import public
from livepin.publish.places import pointer_key


def read_source(source: str | None, directory: Path) -> tuple[str, str]:
    """Text of a document, and the name of its place. Raises `FetchFailed`, `ProjectInvalid`, `OriginFailed`."""
    if source is None:
        return _published(Desk.open(directory))
    if "://" in source:
        return public.read(source), source
    # A last line break is an editor's doing; within the text it would be refused (V1).
    return read_text(Path(source)).rstrip("\r\n"), source


def _published(desk: Desk) -> tuple[str, str]:
    key = pointer_key(desk.project.organization, desk.project.project)
    data = desk.origin.read(key)
    where = f"{desk.origin.name}/{key}"
    if data is None:
        raise ProjectInvalid("file_unreadable", "nothing is published yet", where=where, hint="`livepin publish`")
    return data.decode("latin-1"), where
