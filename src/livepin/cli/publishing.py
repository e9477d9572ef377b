"""Publishing a project file, as it is told to a person: with every wait, finding and outcome."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from livepin.author import staging
from livepin.author.signers import opening
from livepin.author.signers.signer import Signer
from livepin.cli.desk import Desk
from livepin.cli.exits import Exit
from livepin.cli.findings import (
    changes_text,
    published_members,
    published_text,
    settlement_members,
    settlement_text,
)
from livepin.cli.output import Output
from livepin.cli.passphrase import secret_of
from livepin.cli.project import Wishes
from livepin.cli.release import Published, Release, Staged, refuse_open, stage
from livepin.cli.release import publish as publish_release
from livepin.core.guard import Settlement


def run(out: Output, desk: Desk, wishes: Wishes, content: Mapping[str, Any] | None, **journal: Any) -> int:
    """Publish the project file's content, or an older document's (`rollback`)."""
    staged = stage(desk, content)
    for note in staged.held.notes:
        out.note(note)
    release = Release(desk, dict(wishes.overrides), wishes.timeout, out.progress)
    settlement = release.settle(staged.draft, staged.held.published)
    if wishes.dry_run:
        return _preview(out, desk, staged, settlement)
    refuse_open(settlement)
    done = publish_release(
        release, staged, settlement, signer_of(desk, wishes.passphrase_file), confirm=not wishes.no_confirm, **journal
    )
    return tell(out, desk, done)


def tell(out: Output, desk: Desk, done: Published) -> int:
    """Say what came of it; the exit status."""
    place = desk.origin.name
    out.result({**published_members(done), "origin": place, "url": desk.url}, published_text(done, place))
    return Exit.OK if done.problem is None else Exit(done.problem.exit_status)


def _preview(out: Output, desk: Desk, staged: Staged, settlement: Settlement) -> int:
    published = staged.held.published
    changes = staging.diff(None if published is None else published.document.payload, staged.payload)
    lines = [settlement_text(settlement), changes_text(changes) or "nothing changes but the dates"]
    verb = "would be refused" if settlement.open else "would be published"
    lines.append(f"{desk.epoch}.{staged.payload['serial']} {verb} to {desk.origin.name}")
    members = {
        "dry_run": True,
        "epoch": desk.epoch,
        "serial": staged.payload["serial"],
        "signed_already": staged.pending is not None,
        "changes": [asdict(one) for one in changes],
        **settlement_members(settlement),
    }
    out.result(members, "\n".join(line for line in lines if line))
    return Exit.NO if settlement.open else Exit.OK


def signer_of(desk: Desk, passphrase_file: Path | None) -> Callable[[], Signer]:
    """A call that opens the project's key, asking for the passphrase or PIN the first time only."""
    opened: list[Signer] = []
    project = desk.project

    def signer() -> Signer:
        if not opened:
            secret = secret_of(passphrase_file)
            opened.append(opening.open_signer(project.signer, project.directory, project.public_key, secret))
        return opened[0]

    return signer
