"""`livepin pin`: the pins of a host."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from livepin.author.digests import typed_digest
from livepin.author.draft import POSITIONS, PinEntry
from livepin.author.files import read_text
from livepin.author.keys import new_backup
from livepin.author.names import readable, typed_pattern
from livepin.cli.options import MomentType, dry_run_option, json_option, passphrase_option, timeout_option
from livepin.cli.output import Output, moment, table
from livepin.cli.passphrase import given_passphrase
from livepin.cli.project import OpenProject, Seen
from livepin.cli.projects import open_project
from livepin.cli.where import Where, project_options
from livepin.core.pins import DIGEST_MEMBERS, digests_of_pem
from livepin.errors import CertificateInvalid, InputInvalid, LookFailed
from livepin.watch.describe import Description


@dataclass(frozen=True, slots=True)
class _Wanted:
    """The options that say what is pinned."""

    pattern: str
    member: str
    position: str
    pem: Path | None
    digest: str | None
    backup: bool
    passphrase_file: Path | None
    timeout: float
    dry_run: bool


@click.group()
def pin() -> None:
    """Pins: digests of the keys or certificates that a host may show."""


@pin.command()
@click.argument("pattern")
@click.option("--live", is_flag=True, help="Pin what the host serves now (the default).")
@click.option(
    "--pem", type=click.Path(dir_okay=False, path_type=Path), help="Pin a certificate or public key in a file."
)
@click.option("--digest", help="Pin a digest, in Base64 or hexadecimal.")
@click.option("--backup", is_flag=True, help="Make a backup key with a CSR under backup/, and pin it.")
@click.option("--member", type=click.Choice(DIGEST_MEMBERS), default="spki_sha256", show_default=True, help="Its kind.")
@click.option("--position", type=click.Choice(POSITIONS), default="leaf", show_default=True, help="Where it may match.")
@click.option("--from", "start", type=MomentType(), help="When it begins to count.")
@click.option("--until", "end", type=MomentType(), help="When it ceases to count.")
@click.option("--note", default="", help="A remark for people; it stays in the project file.")
@passphrase_option
@timeout_option
@project_options
@dry_run_option
@json_option
def add(
    pattern: str,
    live: bool,
    pem: Path | None,
    digest: str | None,
    backup: bool,
    member: str,
    position: str,
    start: int | None,
    end: int | None,
    note: str,
    passphrase_file: Path | None,
    timeout: float,
    where: Where,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Add a pin to the host PATTERN: of what it serves, of a file, of a digest, or of a new backup key."""
    out = Output(as_json)
    if sum((live, pem is not None, digest is not None, backup)) > 1:
        raise click.UsageError("--live, --pem, --digest and --backup exclude each other")
    if start is not None and end is not None and end <= start:
        raise click.UsageError("--until is not after --from")
    project = open_project(where)
    wanted = _Wanted(
        typed_pattern(pattern).text, member, position, pem, digest, backup, passphrase_file, timeout, dry_run
    )
    pins = [replace(one, start=start, end=end, note=note or one.note) for one in _pins(wanted, project, out)]
    added = project.add_pins(wanted.pattern, pins)
    if added and not dry_run:
        project.save()
    _tell(out, wanted, added, pins)


def _pins(wanted: _Wanted, project: OpenProject, out: Output) -> list[PinEntry]:
    if wanted.digest is not None:
        digest = typed_digest(wanted.digest, wanted.member)
        return [PinEntry(wanted.member, digest, wanted.position, source="typed")]
    if wanted.pem is not None:
        return [_from_pem(wanted, wanted.pem)]
    if wanted.backup:
        return _from_backup(wanted, project)
    return _from_live(wanted, project, out)


def _from_pem(wanted: _Wanted, path: Path) -> PinEntry:
    try:
        digests = digests_of_pem(read_text(path))
    except CertificateInvalid as error:
        raise InputInvalid(error.code, error.message, where=str(path)) from None
    if wanted.member not in digests:
        message = f"a public key alone has no {wanted.member}"
        raise InputInvalid("certificate_invalid", message, where=str(path))
    return PinEntry(wanted.member, digests[wanted.member], wanted.position, source="pem", note=path.name)


def _from_backup(wanted: _Wanted, project: OpenProject) -> list[PinEntry]:
    if wanted.position == "ca" or wanted.member != "spki_sha256":
        raise click.UsageError("a backup key is pinned as spki_sha256 of a leaf")
    if wanted.dry_run:
        return [PinEntry("spki_sha256", "(of a new key)", wanted.position, source="backup")]
    passphrase = given_passphrase(wanted.passphrase_file, f"the backup key of {wanted.pattern}")
    entry = project.draft().host(wanted.pattern)
    pinned = [one.digest for one in entry.pins or ()] if entry is not None else []
    made = new_backup(project.directory, wanted.pattern, passphrase, pinned)
    return [PinEntry("spki_sha256", made.spki_sha256, wanted.position, source="backup", note=made.key.name)]


def _from_live(wanted: _Wanted, project: OpenProject, out: Output) -> list[PinEntry]:
    seen = [one for one in project.look([wanted.pattern], wanted.timeout, out.progress) if one.chain]
    if not seen:
        raise LookFailed("look_failed", "no address answered", where=wanted.pattern)
    for one in seen:
        if one.problem:
            out.note(f"{one.address}: ordinary TLS validation fails: {one.problem}")
    digests = [_chosen(one, wanted).digests[wanted.member] for one in seen]
    note = f"served on {moment(int(time.time()))[:10]}"
    return [PinEntry(wanted.member, one, wanted.position, source="live", note=note) for one in dict.fromkeys(digests)]


def _chosen(seen: Seen, wanted: _Wanted) -> Description:
    """The leaf; for position `ca` its issuer, in the validated chain (J4: no other chain proves anything)."""
    if wanted.position != "ca":
        return seen.chain[0]
    if seen.problem or len(seen.chain) < 2:
        message = f"the chain was not validated: {seen.problem or 'it has no issuer'}"
        raise LookFailed("look_failed", message, where=seen.address)
    return seen.chain[1]


def _tell(out: Output, wanted: _Wanted, added: list[PinEntry], pins: list[PinEntry]) -> None:
    verb = "would pin" if wanted.dry_run else "pinned"
    lines = [f"{verb} {one.member} {one.digest} ({one.position})" for one in added]
    lines += [f"pinned already: {one.digest}" for one in pins if one not in added]
    members = {
        "host": wanted.pattern,
        "added": [_members(one) for one in added],
        "present": [_members(one) for one in pins if one not in added],
        "dry_run": wanted.dry_run,
    }
    out.result(members, "\n".join(lines))


@pin.command()
@click.argument("pattern")
@click.argument("digest")
@project_options
@dry_run_option
@json_option
def remove(pattern: str, digest: str, where: Where, dry_run: bool, as_json: bool) -> None:
    """Remove from the host PATTERN the pin whose digest is, or starts with, DIGEST."""
    project, text = open_project(where), typed_pattern(pattern).text
    removed = project.remove_pin(text, digest)
    if not dry_run:
        project.save()
    verb = "would be removed" if dry_run else "removed"
    Output(as_json).result({"host": text, "removed": removed, "dry_run": dry_run}, f"{removed} {verb}")


@pin.command("list")
@click.argument("pattern", required=False)
@project_options
@json_option
def list_(pattern: str | None, where: Where, as_json: bool) -> None:
    """List the pins of the host PATTERN, or of all hosts."""
    draft = open_project(where).draft()
    only = typed_pattern(pattern).text if pattern else None
    found = [(entry.host, one) for entry in draft.hosts if only in (None, entry.host) for one in entry.pins or ()]
    heads = ("HOST", "MEMBER", "DIGEST", "POSITION", "FROM", "UNTIL", "SOURCE", "NOTE")
    rows = [
        (readable(host), one.member, one.digest, one.position, moment(one.start), moment(one.end), one.source, one.note)
        for host, one in found
    ]
    members = [{"host": host, **_members(one)} for host, one in found]
    Output(as_json).result({"pins": members}, table(rows, heads) or "no pins")


def _members(entry: PinEntry) -> dict[str, Any]:
    members: dict[str, Any] = {entry.member: entry.digest, "position": entry.position}
    extra = {"from": entry.start, "until": entry.end, "source": entry.source, "note": entry.note}
    return members | {name: value for name, value in extra.items() if value not in (None, "")}
