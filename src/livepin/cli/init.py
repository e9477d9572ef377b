"""`livepin init`: from nothing to a published document in one command."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import tomlkit

from livepin.author import edit, keyset
from livepin.author.draft import PinEntry, is_identifier
from livepin.author.keys import KEYS, new_backup, new_key
from livepin.author.names import typed_pattern
from livepin.author.project import FILE_NAME, ProjectFile
from livepin.author.signers.pem import KeyKind, PemSigner, generate, open_signer
from livepin.cli.anchor import make_anchor
from livepin.cli.desk import Desk
from livepin.cli.embed import snippet, values
from livepin.cli.findings import published_members, published_text
from livepin.cli.keys import kind_option
from livepin.cli.look import ca_option
from livepin.cli.options import (
    address_option,
    anchor_passphrase_option,
    directory_option,
    dry_run_option,
    json_option,
    override_option,
    passphrase_option,
    timeout_option,
)
from livepin.cli.output import Output, moment
from livepin.cli.passphrase import ANCHOR_VARIABLE, given_passphrase
from livepin.cli.release import Published, Release, publish, refuse_open, stage
from livepin.core.guard import Rule
from livepin.core.hosts import Wildcard, parse_pattern
from livepin.core.trust import Trust
from livepin.errors import InputInvalid, LookFailed, ProjectInvalid
from livepin.watch import probe
from livepin.watch.address import Address
from livepin.watch.probe import Look

KEY_NAME = "signing"


@dataclass(frozen=True, slots=True)
class _Wish:
    """What is to be set up."""

    organization: str
    project: str
    pattern: str
    directory: Path
    address: Address | None
    ca: Path | None
    url: str
    kind: KeyKind
    anchor: Path | None


@click.command()
@click.argument("audience", metavar="ORG/PROJECT")
@click.argument("host")
@click.option("--url", default="", help="Public URL of the folder (ends in /), where applications fetch.")
@address_option
@ca_option
@kind_option
@click.option(
    "--anchor",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Start with a key set: applications embed the anchor FILE (made if need be), and another key signs documents.",
)
@anchor_passphrase_option
@override_option
@passphrase_option
@timeout_option
@directory_option
@dry_run_option
@json_option
def init(
    audience: str,
    host: str,
    url: str,
    address: Address | None,
    ca: Path | None,
    kind: str,
    anchor: Path | None,
    anchor_passphrase_files: tuple[Path, ...],
    overrides: tuple[tuple[Rule, str], ...],
    passphrase_file: Path | None,
    timeout: float,
    directory: Path,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Set up ORG/PROJECT for HOST: look at it, make a signing key, pin what it serves and a backup key, sign, and
    publish to ./public. One passphrase protects both keys.

    With --anchor the key that applications embed is another one: it has a passphrase of its own, is kept elsewhere,
    and replaces a stolen signing key without a release.
    """
    out = Output(as_json)
    wish = _Wish(*_audience(audience), _pattern(host, out), directory, address, ca, url, KeyKind(kind), anchor)
    if (directory / FILE_NAME).exists():
        raise ProjectInvalid("project_exists", f"there is a {FILE_NAME} already", where=str(directory))
    live = _look(wish, timeout, out)
    if dry_run:
        lines = [f"would pin {one.digest} of {wish.pattern}" for one in live]
        lines.append(f"would make {FILE_NAME}, keys/, backup/, revisions/ and public/ in {directory}")
        out.result({"dry_run": True, "pins": [one.digest for one in live]}, "\n".join(lines))
        return
    passphrase = given_passphrase(passphrase_file, "the new keys", new=True)
    out.progress("making keys")
    signer = _signer(wish, passphrase)
    anchor_signer = _anchor(out, wish, anchor_passphrase_files, signer)
    backup = new_backup(directory, wish.pattern, passphrase)
    reserve = PinEntry("spki_sha256", backup.spki_sha256, source="backup", note=backup.key.name)
    desk = Desk(_draft(wish, signer, anchor_signer, [*live, reserve]).read())
    staged = stage(desk)
    release = Release(desk, dict(overrides), timeout, out.progress)
    settlement = release.settle(staged.draft, staged.held.published)
    refuse_open(settlement)
    # Written only now: whatever was refused above, the same command can be given again.
    _draft(wish, signer, anchor_signer, [*live, reserve]).save()
    done = publish(release, staged, settlement, lambda: signer, confirm=bool(url))
    _tell(out, desk, done, backup.key)


def _audience(text: str) -> tuple[str, str]:
    organization, _, project = text.partition("/")
    if not (is_identifier(organization) and is_identifier(project)):
        message = "an ID is 1 to 64 letters, digits, dots, hyphens or underscores"
        raise InputInvalid("usage", message, where=repr(text[:130]), hint="Write ORG/PROJECT.")
    return organization, project


def _pattern(host: str, out: Output) -> str:
    """The pattern for a host that can be looked at by its own name."""
    typed = typed_pattern(host)
    if parse_pattern(typed.text).wildcard is Wildcard.ONE_LABEL:
        message = "this pattern does not cover its own name, and init has nothing else to look at"
        hint = "Start with one host; `livepin host set` adds wildcards."
        raise InputInvalid("usage", message, where=typed.text, hint=hint)
    if typed.other:
        out.note(
            f"some clients ask for {typed.other} (IDNA 2003) instead: `livepin host set '{typed.other}'` covers it"
        )
    return typed.text


def _look(wish: _Wish, timeout: float, out: Output) -> list[PinEntry]:
    """Pins of the key that every address serves now: several, where they differ."""
    name = parse_pattern(wish.pattern).name
    at = f" at {wish.address}" if wish.address else ""
    out.progress(f"looking at {name}{at}")
    seen = probe.look(name, address=wish.address, ca_file=str(wish.ca) if wish.ca else None, timeout=timeout)
    digests = dict.fromkeys(one.served[0].digest("spki_sha256") for one in seen.answers if one.reachable)
    if not digests:
        raise LookFailed("look_failed", f"nothing to pin: {_why(seen)}", where=name)
    note = f"served on {moment(seen.looked_at)[:10]}"
    return [PinEntry("spki_sha256", digest, source="live", note=note) for digest in digests]


def _why(seen: Look) -> str:
    return "; ".join(f"{one.address}: {one.error}" for one in seen.answers) or seen.error


def _signer(wish: _Wish, passphrase: str) -> PemSigner:
    """The signing key; one that an earlier, interrupted try made is used again."""
    path = wish.directory / KEYS / f"{KEY_NAME}.pem"
    if not path.exists():
        new_key(wish.directory, KEY_NAME, wish.kind, passphrase)
    return open_signer(path, passphrase)


def _anchor(out: Output, wish: _Wish, files: tuple[Path, ...], signer: PemSigner) -> PemSigner | None:
    """The anchor, made if need be, and `keyset.jws` signed by it: the first key set, which names the signing key."""
    if wish.anchor is None:
        return None
    given = files[0] if files else None
    if not wish.anchor.exists():
        _, sheet = make_anchor(wish.anchor, generate(wish.kind), given)
        out.note(f"recovery sheet: {sheet} (print it, then delete it; keep {wish.anchor} elsewhere, too)")
    anchor = open_signer(wish.anchor, given_passphrase(given, str(wish.anchor), variable=ANCHOR_VARIABLE))
    trust = Trust(wish.organization, wish.project, (anchor.public_key,))
    payload = keyset.next_payload(trust, 1, keyset.Change((signer.public_key,)), int(time.time()))
    keyset.write(wish.directory / keyset.FILE_NAME, keyset.combine((), [keyset.sign(payload, anchor)], trust))
    return anchor


def _draft(wish: _Wish, signer: PemSigner, anchor: PemSigner | None, pins: list[PinEntry]) -> ProjectFile:
    file = ProjectFile(wish.directory / FILE_NAME, tomlkit.document())
    settings: dict[str, dict[str, Any]] = {
        "publish": {"folder": "public"} | ({"url": wish.url} if wish.url else {}),
        "key": edit.key_members(f"{KEYS}/{KEY_NAME}.pem", signer.public_key),
    }
    if anchor is not None:
        settings["trust"] = edit.trust_members([anchor.public_key], 1, keyset.FILE_NAME)
    if wish.ca is not None:
        settings["look"] = {"ca": os.path.relpath(wish.ca.resolve(), wish.directory.resolve())}
    edit.new_project(file, wish.organization, wish.project, settings)
    edit.set_host(file, wish.pattern, {"address": str(wish.address)} if wish.address else {})
    for entry in pins:
        edit.add_pin(file, wish.pattern, entry)
    return file


def _tell(out: Output, desk: Desk, done: Published, backup: Path) -> None:
    text = (
        f"{published_text(done, desk.origin.name)}\n"
        f"backup key and CSR: {backup.parent} (keep the key elsewhere; nothing serves it yet)\n\n"
        f"Put this into the application, before it connects:\n\n{snippet(desk.trust, desk.project.url, None)}"
    )
    if not desk.url:
        out.note("no --url was given: serve the folder somewhere and set `url` under [publish] in livepin.toml")
    members = {
        **published_members(done),
        **values(desk.trust, desk.project.url),
        "backup": str(backup),
        "python": snippet(desk.trust, desk.project.url, None),
    }
    out.result({**members, "origin": desk.origin.name, "url": desk.url}, text)
