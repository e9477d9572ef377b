"""A project that is a file: `livepin.toml` with its comments, a folder to publish to, a key of one's own."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from livepin.author import edit, staging
from livepin.author.ct_logs import LogTable
from livepin.author.ct_rules import weighed
from livepin.author.draft import Draft, PinEntry
from livepin.author.project import ProjectFile
from livepin.cli import publishing
from livepin.cli.desk import Desk
from livepin.cli.exits import Exit
from livepin.cli.output import Output
from livepin.cli.project import Comparison, Ending, Seen, Told, Wishes, nothing_valid
from livepin.cli.release import Release, Staged, stage
from livepin.core.guard import Rule, Settlement
from livepin.core.trust import Revision, Trust, verify_held
from livepin.errors import DocumentRefused, InputInvalid, ProjectInvalid, PublishRefused
from livepin.publish import withdrawal
from livepin.publish.places import pointer_key, revision_key
from livepin.watch.describe import describe
from livepin.watch.sights import sights_of_host
from livepin.watch.survey import Sight, survey


class FileProject:
    """An `OpenProject` on files."""

    def __init__(self, directory: Path) -> None:
        """Raises `ProjectInvalid` where there is no project file."""
        self._directory = directory
        self._file = ProjectFile.open(directory)

    @property
    def directory(self) -> Path:
        """The project's folder."""
        return self._directory

    @property
    def desk(self) -> Desk:
        """The project as it is now, with the changes so far."""
        return Desk(self._file.read())

    @property
    def on_server(self) -> bool:
        """Everything is here."""
        return False

    @property
    def log_table(self) -> LogTable | None:
        """`ct-logs.toml`, if there is one."""
        return self.desk.log_table

    @property
    def trust(self) -> Trust:
        """The anchors of the file."""
        return self.desk.trust

    @property
    def url(self) -> str:
        """`url` under `[publish]`."""
        return self.desk.project.url

    def draft(self) -> Draft:
        """What the file says."""
        return self._file.read()

    # ------------------------------------------------------------ changes

    def set_host(self, pattern: str, members: Mapping[str, Any]) -> bool:
        """In the TOML, with its comments."""
        rule = {"ct": edit.rule_table(members["ct"])} if members.get("ct") is not None else {}
        return edit.set_host(self._file, pattern, {**members, **rule})

    def remove_host(self, pattern: str) -> None:
        """In the TOML."""
        edit.remove_host(self._file, pattern)

    def add_pins(self, pattern: str, pins: Iterable[PinEntry]) -> list[PinEntry]:
        """In the TOML."""
        return [one for one in pins if edit.add_pin(self._file, pattern, one)]

    def remove_pin(self, pattern: str, digest_prefix: str) -> str:
        """In the TOML."""
        return edit.remove_pin(self._file, pattern, digest_prefix)

    def change_deny(self, pattern: str | None, *, add: Iterable[str] = (), remove: str = "") -> bool:
        """In the TOML."""
        return edit.change_deny(self._file, pattern, add=add, remove=remove)

    def save(self) -> None:
        """Write the file whole, if what it says can be staged."""
        self._file.save()

    # ------------------------------------------------------------ looking

    def look(self, patterns: Iterable[str], timeout: float, told: Told) -> Iterator[Seen]:
        """From this machine."""
        desk = self.desk
        for pattern in patterns:
            sights = sights_of_host(desk.project, pattern)
            if not sights:
                message = "a wildcard can be looked at only where the project names a host below it"
                hint = f"`livepin host set '{pattern}' --look-at HOST`"
                raise InputInvalid("usage", message, where=pattern, hint=hint)
            yield from _seen(desk, sights, timeout, told)

    def last_seen(self, patterns: Iterable[str], timeout: float, told: Told) -> Iterator[Seen]:
        """From this machine, now: nobody has kept what was seen before."""
        desk = self.desk
        sights = [sight for pattern in patterns for sight in sights_of_host(desk.project, pattern)]
        return _seen(desk, sights, timeout, told)

    def proven_logs(self, pattern: str, known: LogTable, timeout: float, told: Told) -> list[str]:
        """From this machine."""
        seen = list(self.look([pattern], timeout, told))
        chains = [one.certificates for one in seen if one.certificates and not one.problem]
        if not chains:
            raise nothing_valid(pattern, (one.problem for one in seen))
        now = time.time()
        return [one.log_id for chain in chains for one in weighed(known, chain, now) if one.counts and one.log_id]

    # ------------------------------------------------------------ publishing

    def compare(self) -> Comparison:
        """The file beside the folder and the public URL."""
        staged = stage(self.desk)
        published = staged.held.published
        changes = staging.diff(None if published is None else published.document.payload, staged.payload)
        number = None if published is None else f"{published.epoch}.{published.serial}"
        return Comparison(number, changes, staged.held.notes)

    def check(self, overrides: Mapping[Rule, str], timeout: float, out: Output) -> Settlement:
        """From this machine."""
        desk = self.desk
        staged = stage(desk)
        _note(out, staged)
        return Release(desk, overrides, timeout, out.progress).settle(staged.draft, staged.held.published)

    def publish(self, out: Output, wishes: Wishes) -> int:
        """Sign with one's own key, and write to the folder."""
        return publishing.run(out, self.desk, wishes, None)

    def rollback(self, out: Output, wishes: Wishes, epoch: int | None, serial: int) -> int:
        """The same, with what `revisions/` or the folder has. The file is not changed."""
        desk = self.desk
        old = _find(desk, desk.epoch if epoch is None else epoch, serial)
        if not wishes.dry_run:
            out.note("livepin.toml is not changed: `livepin diff` shows what the next publish will bring back")
        of = old.serial if epoch is None else f"{old.epoch}.{old.serial}"
        return publishing.run(out, desk, wishes, old.document.payload, rollback_of=of)

    def decommission(self, out: Output, wishes: Wishes, ending: Ending) -> int:
        """The same with what is published, switched off. The file is not changed, and the documents stay."""
        desk = self.desk
        last = desk.held().published
        if last is None:
            raise PublishRefused("revision_missing", "nothing is published that could end", where=desk.origin.name)
        out.note(
            f"leave it there for {ending.keep_hours} hours or longer, then `livepin withdraw`; "
            "livepin.toml is not changed"
        )
        content, why = staging.off_everywhere(last.document.payload), {"reason": ending.reason} if ending.reason else {}
        return publishing.run(out, desk, wishes, content, decommissioned=True, **why)

    def withdraw(self, out: Output, ending: Ending) -> int:
        """From the folder. What was signed stays in `revisions/`, so that no number is used again."""
        desk = self.desk
        project, name = desk.project, desk.origin.name
        numbers = {one.number for one in desk.held().everything}
        if ending.dry_run:
            text = f"would remove {project.organization}/{project.project} from {name}"
            out.result({"dry_run": True, "origin": name, "known": len(numbers)}, text)
            return Exit.OK
        removed = withdrawal.remove([desk.origin], project.organization, project.project, numbers)
        desk.revisions.record({"at": int(time.time()), "what": "withdrawn", "reason": ending.reason, "origin": name})
        if desk.url:
            out.note(f"purge the CDN: {desk.url} may go on serving a copy")
        lines = [f"{removed} revisions and the pointer are gone from {name}"]
        lines.append("applications go on by what they hold, until it expires; new ones refuse their hosts")
        out.result({"dry_run": False, "origin": name, "removed": removed}, "\n".join(lines))
        return Exit.OK

    def document(self) -> tuple[str, str]:
        """What the folder holds."""
        desk = self.desk
        key = pointer_key(desk.project.organization, desk.project.project)
        data = desk.origin.read(key)
        where = f"{desk.origin.name}/{key}"
        if data is None:
            raise ProjectInvalid("file_unreadable", "nothing is published yet", where=where, hint="`livepin publish`")
        return data.decode("latin-1"), where

    def published(self) -> Revision | None:
        """The higher of what the folder and the public URL have."""
        return self.desk.held().published


def _note(out: Output, staged: Staged) -> None:
    for note in staged.held.notes:
        out.note(note)


def _seen(desk: Desk, sights: list[Sight], timeout: float, told: Told) -> Iterator[Seen]:
    for sight, look in survey(sights, desk.means(timeout), lambda one: told(f"looking at {one.host}:{one.port}")):
        for answer in look.answers:
            chain = answer.verified or answer.served
            words = tuple(map(describe, chain))
            problem = "" if answer.verified else answer.invalid or answer.error
            yield Seen(sight.pattern, answer.address, words, problem, tuple(chain))


def _find(desk: Desk, epoch: int, serial: int) -> Revision:
    """The revision from the drawer, else from the folder. Raises `ProjectInvalid` (`revision_missing`).

    Into the folder others can write: what a revoked key signed is taken from the drawer alone.
    """
    for revision in desk.revisions.kept(desk.trust):
        if revision.number == (epoch, serial):
            return revision
    project = desk.project
    data = desk.origin.read(revision_key(project.organization, project.project, epoch, serial))
    try:
        found = verify_held(data or b"", desk.trust, desk.revoked)
        if desk.by_revoked_key(found):
            raise DocumentRefused("key_revoked", "V3", "the key that signed it is revoked, and it is not in revisions/")
        return found
    except DocumentRefused as error:
        why = error.message if data else "neither in revisions/ nor in the folder"
        name = f"{epoch}.{serial}" if epoch else str(serial)
        raise ProjectInvalid("revision_missing", f"there is no revision {name}: {why}", where="rollback") from None
