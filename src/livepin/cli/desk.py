"""A project as the commands see it: its file, where it is published, and what is out there.

Whoever can write to the CDN decides what is found there, and may have a key besides: one that was revoked, or one
anchor of several. What he leaves must not come into force here, and must not hold up those who have as many anchors as
applications ask for.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from livepin.author import keyset
from livepin.author.ct_logs import LogTable, open_table
from livepin.author.keyset import SignedKeySet
from livepin.author.project import Project, ProjectFile
from livepin.core import jws
from livepin.core.document import TYP
from livepin.core.keyset import KeySet
from livepin.core.trust import Revision, Trust, verify_held
from livepin.errors import DocumentRefused, FetchFailed, LivepinError, PublishRefused
from livepin.publish import public
from livepin.publish.deliver import published
from livepin.publish.origins.folder import FolderOrigin
from livepin.publish.places import document_url
from livepin.publish.revisions import FOLDER, Revisions
from livepin.watch.address import parse_proxy
from livepin.watch.survey import Means

#: A key set so far above ours that one anchor alone signed, where applications ask for more, is no other machine's.
_LEAP = 1000


@dataclass(frozen=True, slots=True)
class Held:
    """What was found that this project's key signed. `notes`: what could not be asked.

    `doubtful`: what applications refuse, for want of anchors. Before they asked for as many, they may have held it.
    """

    folder: Revision | None
    public: Revision | None
    kept: tuple[Revision, ...]
    notes: tuple[str, ...]
    doubtful: tuple[Revision, ...] = ()

    @property
    def everything(self) -> tuple[Revision, ...]:
        """All of it: the next serial is above the highest, so that a lost folder does not fork the project."""
        return (*self.kept, *(one for one in (self.folder, self.public) if one is not None), *self.doubtful)

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
    def revoked(self) -> frozenset[str]:
        """What the key set in force revokes: what an anchor among them signs is believed nowhere. None without one."""
        try:
            return frozenset() if self.keyset is None else self.keyset.keyset.revoked
        except LivepinError:
            return frozenset()  # a key set that cannot be read is told by whatever needs it

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
        found = published(self.origin, self.any_anchor, self.revoked), self._public(notes)
        folder, seen = (one if one is not None and self._accepted(one) else None for one in found)
        doubtful = tuple(one for one in found if one is not None and one not in (folder, seen))
        return Held(folder, seen, tuple(self.revisions.kept(self.any_anchor)), tuple(notes), doubtful)

    def next_epoch(self, held: Held) -> int:
        """One more than the highest epoch that applications may have seen."""
        counted = (one.epoch for one in held.everything if one.epoch <= self.epoch + _LEAP or self._accepted(one))
        return 1 + max(self.epoch, *counted, 0)

    def under_our_keyset(self, held: Held) -> list[Revision]:
        """What counts for the next serial. Another key set of our epoch is no neighbour, but a fork (V8)."""
        ours = _digest(self.keyset.keyset if self.keyset is not None else None)
        return [one for one in held.everything if _digest(one.keyset) == ours]

    def refuse_behind(self, held: Held) -> None:
        """Raise `PublishRefused` (`keyset_behind`) if something that is out there has a later key set than ours.

        Or another one of the same epoch: applications would call ours `forked` (V8).
        """
        ours = _digest(self.keyset.keyset if self.keyset is not None else None)
        for one in held.everything:
            behind = one.epoch > self.epoch or (one.epoch == self.epoch and _digest(one.keyset) != ours)
            # One anchor of several must not hold up those who have enough of them.
            if behind and self._accepted(one):
                what = "a later key set" if one.epoch > self.epoch else "another key set of this epoch"
                message = f"revision {one.epoch}.{one.serial} is out there, under {what}"
                raise PublishRefused("keyset_behind", message, where=self.project.keyset_file or "livepin.toml")

    def by_revoked_key(self, revision: Revision) -> bool:
        """Whether a key signed it that our key set revokes, by now: it may be a thief's, from whenever he says."""
        return jws.read_header(jws.split(revision.text).header, TYP).kid in self.revoked

    def _accepted(self, revision: Revision) -> bool:
        try:
            verify_held(revision.text, self.trust, self.revoked)
        except DocumentRefused:
            return False
        return True

    def _public(self, notes: list[str]) -> Revision | None:
        if not self.url:
            return None
        try:
            return verify_held(public.read(self.url, ca_file=self.ca_file), self.any_anchor, self.revoked)
        except FetchFailed as error:
            if error.code != "withdrawn":  # nothing there yet is what a first publish finds
                notes.append(f"the public URL was not asked: {error.message} ({error.where})")
        except DocumentRefused as error:
            notes.append(f"the public URL serves something else ({error.code}): {error.message}")
        return None


def _digest(keys: KeySet | None) -> str:
    return "" if keys is None else keys.digest
