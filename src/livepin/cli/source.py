"""Where `show` and `verify` get a document from: a file, a URL, or the project's own folder."""

from __future__ import annotations

import contextlib
from pathlib import Path

from livepin.author.files import read_text
from livepin.author.project import FILE_NAME
from livepin.cli.desk import Desk
from livepin.cli.project_file import FileProject
from livepin.errors import ProjectInvalid
from livepin.publish import public


def read_source(source: str | None, directory: Path) -> tuple[str, str]:
    """Text of a document, and the name of its place. Raises `FetchFailed`, `ProjectInvalid`, `OriginFailed`."""
    return FileProject(directory).document() if source is None else read_given(source, directory)


def read_given(source: str, directory: Path) -> tuple[str, str]:
    """The same, of a file or a URL; under the private CA of the folder's project, if it has one."""
    if "://" in source:
        return public.read(source, ca_file=_ca_file(directory)), source
    # A last line break is an editor's doing; within the text it would be refused (V1).
    return read_text(Path(source)).rstrip("\r\n"), source


def _ca_file(directory: Path) -> str | None:
    """A document of another project is looked at from anywhere: here may be no project, or one that cannot be read."""
    with contextlib.suppress(ProjectInvalid):
        if (directory / FILE_NAME).exists():
            return Desk.open(directory).ca_file
    return None
