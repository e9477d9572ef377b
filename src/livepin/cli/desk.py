"""A project as the commands see it: its file, where it is published, and what is out there."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from livepin.author import keyset
from livepin.author.ct_logs import LogTable, open_table
from livepin.author.keyset import SignedKeySet
from livepin.author.project import Project, ProjectFile
from livepin.core.trust import Revision, Trust, verify_held
from livepin.errors import DocumentRefused, FetchFailed, PublishRefused
from livepin.publish import public
from livepin.publish.deliver import published
from livepin.publish.origins.folder import FolderOrigin
from livepin.publish.places import document_url
from livepin.publish.revisions import FOLDER, Revisions
from livepin.watch.address import parse_proxy
from livepin.watch.survey import Means


@dataclass(frozen=True, slots=True)
class Held:
    """What was found that this project's key signed. `notes`: what could not be asked."""

    folder: Revision | None
    public: Revision | None
    kept: tuple[Revision, ...]
    notes: tuple[str, ...]

    @property
    def everything(self) -> tuple[Revision, ...]:
        """All of it: the next serial is above the highest, so that a lost folder does not fork the project."""
        return (*self.kept, *(one for one in (self.folder, self.public) if one is not None))

    @property
    def published(self) -> Revision | None:
        """What applications get: the higher of folder and public URL."""
        found = [one for one in (self.folder, self.public) if one is not None]
        return max(found, key=lambda revision: revision.number, default=None)


class Desk:
    """One project, opened."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.trust = Trust(project.organization, project.project, project.anchors, project.threshold)
        #: For numbers: what was signed before applications asked for more anchors took its number all the same.
        self.any_anchor = Trust(project.organization, project.project, project.anchors)
        self.origin = FolderOrigin(project.path(project.folder))
        self.revisions = Revisions(project.path(FOLDER))

    @classmethod
    def open(cls, directory: Path) -> Desk:
        """The project of a folder. Raises `ProjectInvalid`."""
        return cls(ProjectFile.open(directory).read())

    @cached_property
    def keyset(self) -> SignedKeySet | None:
        """The key set in force, None where the anchor signs documents itself.

        Raises `ProjectInvalid` (`keyset_missing`), `DocumentRefused` (V3).
        """
        file = self.project.keyset_file
        return keyset.read(self.project.path(file), self.trust) if file else None

    @property
    def epoch(self) -> int:
        """The first half of the next document's number."""
        return self.keyset.keyset.epoch if self.keyset is not None else 0

    @property
    def url(self) -> str:
        """The document's public URL; empty where none is configured."""
        if not self.project.url:
            return ""
        return document_url(self.project.url, self.project.organization, self.project.project)

    @property
    def ca_file(self) -> str | None:
        """The private CA that looks trust."""
        return str(self.project.path(self.project.ca)) if self.project.ca else None

    @cached_property
    def log_table(self) -> LogTable | None:
        """The logs of Certificate Transparency that the project knows, None where it has no table of them.

        Raises `ProjectInvalid`.
        """
        return open_table(self.project.directory)

    def means(self, timeout: float) -> Means:
        """How to look at this project's hosts. Raises `HostInvalid` for a proxy that is none."""
        proxy = parse_proxy(self.project.proxy) if self.project.proxy else None
        return Means(proxy, self.ca_file, timeout)

    def held(self) -> Held:
        """Everything that is out there. Raises `OriginFailed` for a folder that cannot be read."""
        notes: list[str] = []
        folder = published(self.origin, self.any_anchor)
        seen = self._public(notes)
        return Held(folder, seen, tuple(self.revisions.kept(self.any_anchor)), tuple(notes))

    def refuse_behind(self, held: Held) -> None:
        """Raise `PublishRefused` (`keyset_behind`) if something that is out there has a later key set than ours.

        Or another one of the same epoch: applications would call ours `forked` (V8).
        """
        ours = None if self.keyset is None else self.keyset.keyset.digest
        for one in held.everything:
            theirs = None if one.keyset is None else one.keyset.digest
            behind = one.epoch > self.epoch or (one.epoch == self.epoch and theirs != ours)
            # One anchor of several must not hold up those who have enough of them.
            if behind and self._accepted(one):
                what = "a later key set" if one.epoch > self.epoch else "another key set of this epoch"
                message = f"revision {one.epoch}.{one.serial} is out there, under {what}"
                raise PublishRefused("keyset_behind", message, where=self.project.keyset_file or "livepin.toml")

    def _accepted(self, revision: Revision) -> bool:
        try:
            verify_held(revision.text, self.trust)
        except DocumentRefused:
            return False
        return True

    def _public(self, notes: list[str]) -> Revision | None:
        if not self.url:
            return None
        try:
            return verify_held(public.read(self.url, ca_file=self.ca_file), self.any_anchor)
        except FetchFailed as error:
            if error.code != "withdrawn":  # nothing there yet is what a first publish finds
                notes.append(f"the public URL was not asked: {error.message} ({error.where})")
        except DocumentRefused as error:
            notes.append(f"the public URL serves something else ({error.code}): {error.message}")
        return None
