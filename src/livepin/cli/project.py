"""What commands ask of a project, wherever its draft is kept: in a file here, or on a server."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from livepin.author.ct_logs import LogTable
from livepin.author.draft import Draft, PinEntry
from livepin.author.staging import Change
from livepin.cli.output import Output
from livepin.core.guard import Rule, Settlement
from livepin.core.pins import Certificate
from livepin.core.trust import Revision, Trust
from livepin.errors import LookFailed
from livepin.watch.describe import Description

Told = Callable[[str], None]
#: Applications refresh at least hourly while they run; others start again within days.
KEEP_HOURS = 72


@dataclass(frozen=True, slots=True)
class Seen:
    """What one address served for a pattern. `chain` is validated where `problem` is empty; leaf first.

    `certificates`: the same, where it was this machine that looked.
    """

    pattern: str
    address: str
    chain: tuple[Description, ...]
    problem: str = ""
    certificates: tuple[Certificate, ...] = ()


def nothing_valid(pattern: str, problems: Iterable[str]) -> LookFailed:
    """The error where no address of a host served a chain that is valid; `problems`: of each."""
    why = "; ".join(dict.fromkeys(problems)) or "no address answered"
    return LookFailed("look_failed", f"no validated chain to take SCTs from: {why}", where=pattern)


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a publish would change. `published`: a number, None for nothing; `notes`: what could not be asked."""

    published: str | None
    changes: tuple[Change, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Wishes:
    """The options of a command that publishes, by their names."""

    overrides: tuple[tuple[Rule, str], ...]
    passphrase_file: Path | None
    no_confirm: bool
    timeout: float
    dry_run: bool
    signer: str = ""


@dataclass(frozen=True, slots=True)
class Ending:
    """The end of a project's documents. `reason`: why, empty where nobody said it; `keep_hours`: how long the last
    revision of a decommissioned one stays; `agreed`: nobody has to be asked, though nothing can be undone.
    """

    reason: str
    keep_hours: int = KEEP_HOURS
    agreed: bool = False
    dry_run: bool = False


class OpenProject(Protocol):
    """A project. Changes are made to a copy of its draft, and `save` brings them to where the draft is kept."""

    @property
    def directory(self) -> Path:
        """Where files of this machine are made and found, such as backup keys."""
        ...

    @property
    def on_server(self) -> bool:
        """Whether somebody else keeps the draft and the log table."""
        ...

    @property
    def log_table(self) -> LogTable | None:
        """The logs of Certificate Transparency that can be named; None where there is no table of them here."""
        ...

    @property
    def trust(self) -> Trust:
        """What applications embed."""
        ...

    @property
    def url(self) -> str:
        """The configuration URL that applications embed; empty where none is known."""
        ...

    def draft(self) -> Draft:
        """The draft with the changes so far."""
        ...

    def set_host(self, pattern: str, members: Mapping[str, Any]) -> bool:
        """Add a host, or change members of its policy (a CT rule as a plain object). Whether it is new."""
        ...

    def remove_host(self, pattern: str) -> None:
        """Remove a host with its pins. Raises `InputInvalid` (`entry_missing`)."""
        ...

    def add_pins(self, pattern: str, pins: Iterable[PinEntry]) -> list[PinEntry]:
        """Add pins to a host; those that it did not have yet. Raises `InputInvalid` (`entry_missing`)."""
        ...

    def remove_pin(self, pattern: str, digest_prefix: str) -> str:
        """Remove the one pin whose digest begins like this; the digest. Raises `InputInvalid` (`entry_missing`)."""
        ...

    def change_deny(self, pattern: str | None, *, add: Iterable[str] = (), remove: str = "") -> bool:
        """Deny keys, or one no longer, for a host or everywhere. Whether that changes anything."""
        ...

    def save(self) -> None:
        """Keep the changes, all of them or none."""
        ...

    def look(self, patterns: Iterable[str], timeout: float, told: Told) -> Iterator[Seen]:
        """Look at hosts now, at every address that answers. Raises `InputInvalid` for nothing to look at."""
        ...

    def last_seen(self, patterns: Iterable[str], timeout: float, told: Told) -> Iterator[Seen]:
        """What hosts serve, as it is best known: somebody may have looked already."""
        ...

    def proven_logs(self, pattern: str, known: LogTable, timeout: float, told: Told) -> list[str]:
        """The IDs of logs whose SCTs verify and count, of what the host serves now at every address.

        `known`: the log table. Raises `LookFailed` where no chain is valid.
        """
        ...

    def compare(self) -> Comparison:
        """The draft beside what is published."""
        ...

    def check(self, overrides: Mapping[Rule, str], timeout: float, out: Output) -> Settlement:
        """Look at every host and ask the guard."""
        ...

    def publish(self, out: Output, wishes: Wishes) -> int:
        """Publish the draft, and tell what came of it; the exit status."""
        ...

    def rollback(self, out: Output, wishes: Wishes, epoch: int | None, serial: int) -> int:
        """Publish what an older revision said, and tell what came of it; the exit status."""
        ...

    def decommission(self, out: Output, wishes: Wishes, ending: Ending) -> int:
        """Publish a last revision that is off everywhere, and tell what came of it; the exit status."""
        ...

    def withdraw(self, out: Output, ending: Ending) -> int:
        """Remove every document from where it is published, and tell what came of it; the exit status."""
        ...

    def document(self) -> tuple[str, str]:
        """The text of what is published, and where it is from. Raises `InputInvalid` where nothing is."""
        ...

    def published(self) -> Revision | None:
        """What is published, verified."""
        ...
