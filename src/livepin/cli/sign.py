"""`livepin sign`: a signed revision in `revisions/`, not published yet (by somebody else, from another machine).

Where the key is on another machine, `--export` writes what it has to sign, and `--import` takes what comes back.
"""

from __future__ import annotations

import time
from pathlib import Path

import click

from livepin.author.files import read_bytes, write_atomically
from livepin.author.signers.detached import SigningInput, signature_in
from livepin.cli import server_publish
from livepin.cli.desk import Desk
from livepin.cli.exits import Exit
from livepin.cli.findings import revision_members, settlement_members, settlement_text
from livepin.cli.options import (
    dry_run_option,
    json_option,
    override_option,
    passphrase_option,
    timeout_option,
)
from livepin.cli.output import Output
from livepin.cli.project import Wishes
from livepin.cli.project_server import ServerProject
from livepin.cli.projects import on_server
from livepin.cli.publishing import signer_of
from livepin.cli.release import Release, Staged, recorded, refuse_open, signing_input, stage
from livepin.cli.where import Where, profile_of, project_options
from livepin.core import jws
from livepin.core.guard import Rule, Settlement
from livepin.core.trust import Revision

file_type = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.option("--export", type=file_type, help="Do not sign: write what the key on another machine has to sign.")
@click.option(
    "--import", "brought", type=file_type, help="The JWS that came back; or a signature, with the export as --export."
)
@override_option
@passphrase_option
@timeout_option
@project_options
@dry_run_option
@json_option
def sign(
    export: Path | None,
    brought: Path | None,
    overrides: tuple[tuple[Rule, str], ...],
    passphrase_file: Path | None,
    timeout: float,
    where: Where,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Stage, check and sign; the next `livepin publish` delivers these bytes, without asking for the passphrase."""
    out = Output(as_json)
    if profile_of(where) is not None:
        wishes = Wishes(overrides, passphrase_file, False, timeout, dry_run)
        return _on_server(out, on_server(where), wishes, export, brought)
    desk = Desk.open(where.directory)
    staged = stage(desk)
    for note in staged.held.notes:
        out.note(note)
    release = Release(desk, dict(overrides), timeout, out.progress)
    if brought is not None:
        return _take(out, release, brought, export, dry_run=dry_run)
    settlement = release.settle(staged.draft, staged.held.published)
    path = desk.revisions.path(desk.epoch, staged.payload["serial"])
    if dry_run:
        members = {"dry_run": True, "file": str(path), **settlement_members(settlement)}
        out.result(members, f"{settlement_text(settlement)}\nwould sign {path}".strip())
        return Exit.NO if settlement.open else Exit.OK
    refuse_open(settlement)
    if export is not None:
        return _export(out, desk, staged, settlement, export)
    revision = staged.pending or release.sign(staged.payload, signer_of(desk, passphrase_file)(), settlement)
    return _tell(out, revision, path, settlement, already=staged.pending is not None)


def _on_server(out: Output, project: ServerProject, wishes: Wishes, export: Path | None, brought: Path | None) -> int:
    """Only what goes to another machine and comes back: with a key that is here, `publish` signs."""
    if (export is None) == (brought is None):
        raise click.UsageError("on a server's project: --export or --import; `livepin publish --signer` signs here")
    if brought is not None:
        answer = read_bytes(brought)
        if wishes.dry_run:
            out.result({"dry_run": True, "import": str(brought)}, f"would bring {brought} to {project.name}")
            return Exit.OK
        return server_publish.bring(out, project, answer)
    if wishes.dry_run or export is None:
        return project.publish(out, wishes)
    return server_publish.export(out, project, wishes, export)


def _tell(out: Output, revision: Revision, path: Path, settlement: Settlement, *, already: bool) -> int:
    members = {"file": str(path), "already": already, **revision_members(revision)}
    text = f"{settlement_text(settlement)}\n{'signed already' if already else 'signed'}: {path}"
    out.result({**members, **settlement_members(settlement)}, text.strip())
    return Exit.OK


def _export(out: Output, desk: Desk, staged: Staged, settlement: Settlement, path: Path) -> int:
    """Write the signing input of what was staged and checked."""
    wanted = signing_input(desk, staged.payload, desk.project.public_key)
    write_atomically(path, f"{wanted.decode('ascii')}\n")
    number = f"{desk.epoch}.{staged.payload['serial']}"
    desk.revisions.record(
        {
            "at": int(time.time()),
            "what": "exported",
            "epoch": desk.epoch,
            "serial": staged.payload["serial"],
            "overrides": recorded(settlement),
        }
    )
    lines = [
        settlement_text(settlement),
        f"to be signed elsewhere: {path} ({number})",
        f"there: `livepin keys sign-input {path.name} --signer KEY`; back here: `livepin sign --import FILE`",
    ]
    members = {"export": str(path), "epoch": desk.epoch, "serial": staged.payload["serial"]}
    out.result({**members, **settlement_members(settlement)}, "\n".join(line for line in lines if line))
    return Exit.OK


def _take(out: Output, release: Release, brought: Path, export: Path | None, *, dry_run: bool) -> int:
    """Keep what was signed elsewhere. What it says was checked when it was exported; who may sign it is checked now."""
    desk, answer = release.desk, read_bytes(brought)
    key = desk.project.public_key
    if export is not None:
        wanted = SigningInput.parse(read_bytes(export)).data
        text = jws.assemble(wanted, signature_in(answer, wanted, key))
    else:
        text = answer.decode("latin-1").strip()
    revision = release.read(text)
    path = desk.revisions.path(revision.epoch, revision.serial)
    if dry_run:
        out.result({"dry_run": True, "file": str(path)}, f"would keep {path}")
        return Exit.OK
    already = path.exists() and path.read_text("latin-1") == text
    if not already:
        release.keep(text, Settlement((), (), ()))
    return _tell(out, revision, path, Settlement((), (), ()), already=already)
