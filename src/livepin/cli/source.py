"""Where `show` and `verify` get a document from: a file, a URL, or the project's own folder."""

from __future__ import annotations

from pathlib import Path

from livepin.author.files import read_text
from livepin.cli.project_file import FileProject
from livepin.publish import public


def read_source(source: str | None, directory: Path) -> tuple[str, str]:
    """Text of a document, and the name of its place. Raises `FetchFailed`, `ProjectInvalid`, `OriginFailed`."""
    return FileProject(directory).document() if source is None else read_given(source)


def read_given(source: str) -> tuple[str, str]:
    """The same, of a file or a URL."""
    if "://" in source:
        return public.read(source), source
    # A last line break is an editor's doing; within the text it would be refused (V1).
    return read_text(Path(source)).rstrip("\r\n"), source
