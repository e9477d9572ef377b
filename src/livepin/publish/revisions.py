"""The drawer with everything that was ever signed, and the journal of what became of it.

A revision is signed once: its text is kept here before the first upload, and every retry and every origin gets these
bytes. The journal is append-only: one JSON line for each publish, with the guard's overrides and their reasons.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from livepin.core.trust import Revision, Trust, verify_held
from livepin.errors import DocumentRefused, OriginFailed

FOLDER, JOURNAL = "revisions", "journal.jsonl"


class Revisions:
    """The folder `revisions/` of a project."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def path(self, epoch: int, serial: int) -> Path:
        """Where the text of a revision is kept."""
        return self.directory / f"{epoch}.{serial}.jws"

    def keep(self, revision: Revision) -> Path:
        """Keep a revision that was just signed. Raises `OriginFailed`, also when the number is taken."""
        path = self.path(revision.epoch, revision.serial)
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            _write_synced(draft, os.O_TRUNC, revision.text)
            os.link(draft, path)
        except OSError as error:
            raise OriginFailed("origin_failed", f"cannot be kept: {error.strerror}", where=str(path)) from None
        finally:
            draft.unlink(missing_ok=True)
        return path

    def kept(self, trust: Trust) -> list[Revision]:
        """All kept revisions that verify, lowest number first; others (of another key, damaged) are passed over."""
        found = []
        for path in self.directory.glob("*.jws"):
            try:
                found.append(verify_held(path.read_bytes(), trust))
            except (DocumentRefused, OSError):
                continue
        return sorted(found, key=lambda revision: revision.number)

    def record(self, entry: Mapping[str, Any]) -> None:
        """Append one line to the journal. Raises `OriginFailed`."""
        path = self.directory / JOURNAL
        line = json.dumps(entry, ensure_ascii=False, sort_keys=True) + "\n"
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            _write_synced(path, os.O_APPEND, line)
        except OSError as error:
            raise OriginFailed("origin_failed", f"cannot be written: {error.strerror}", where=str(path)) from None

    def journal(self) -> list[dict[str, Any]]:
        """The journal, oldest entry first; a last line that a crash cut short is passed over."""
        try:
            lines = (self.directory / JOURNAL).read_text("utf-8").splitlines()
        except FileNotFoundError:
            return []
        return [json.loads(line) for line in lines if line.endswith("}")]


def _write_synced(path: Path, flag: int, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | flag, 0o644)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)
