"""`livepin keys`: the keys that sign documents."""

from __future__ import annotations

import json
from pathlib import Path

import click

from livepin.author import keys as key_files
from livepin.author.files import read_bytes, write_atomically
from livepin.author.signers import opening
from livepin.author.signers.detached import SigningInput
from livepin.author.signers.detached import sign_input as sign_the_input
from livepin.author.signers.pem import KeyKind
from livepin.author.signers.places import parse_place
from livepin.cli.options import directory_option, dry_run_option, json_option, passphrase_option
from livepin.cli.output import Output, ask, table
from livepin.cli.passphrase import given_passphrase, secret_of
from livepin.cli.project_server import ServerProject
from livepin.cli.projects import on_server
from livepin.cli.where import Where, project_options
from livepin.errors import KeyUnusable

kind_option = click.option(
    "--kind",
    type=click.Choice([kind.value for kind in KeyKind]),
    default=KeyKind.P256.value,
    show_default=True,
    help="P-256 signs ES256, Ed25519 signs EdDSA.",
)


signer_option = click.option("--signer", "place", metavar="PLACE", help="Where the key is: pkcs11:… or aws-kms:….")


@click.group()
def keys() -> None:
    """Signing keys: encrypted PEM files under keys/, or keys on a token or in a service."""


@keys.command()
@click.argument("name")
@kind_option
@signer_option
@passphrase_option
@directory_option
@dry_run_option
@json_option
def new(
    name: str,
    kind: str,
    place: str | None,
    passphrase_file: Path | None,
    directory: Path,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Make the signing key keys/NAME.pem, encrypted, and its public half keys/NAME.pub.pem.

    With --signer the key is made on a token (never extractable) or in a service, and only its public half is here.
    """
    out = Output(as_json)
    path = directory / key_files.KEYS / f"{name}.pem"
    if path.exists() or key_files.public_path(path).exists():
        raise KeyUnusable("key_exists", "there is a key of this name already", where=str(path))
    if dry_run:
        out.result({"dry_run": True, "file": str(path), "kind": kind}, f"would make {place or path} ({kind})")
        return
    if place is not None:
        public = opening.generate(parse_place(place), KeyKind(kind), directory, secret_of(passphrase_file))
        _told(out, key_files.add_key(directory, name, place, public))
        return
    passphrase = given_passphrase(passphrase_file, str(path), new=True)
    _told(out, key_files.new_key(directory, name, KeyKind(kind), passphrase))


def _told(out: Output, made: key_files.KeyFile) -> None:
    where = made.path if made.path.exists() else made.signer or key_files.public_path(made.path)
    out.result(_members(made), f"{where}  {made.kind}\npublic key: {made.public_key}")


@keys.command()
@click.argument("name")
@signer_option
@click.option("--public-key", metavar="KEY", help="Its public half (PEM file or Base64), for a key that is elsewhere.")
@passphrase_option
@directory_option
@dry_run_option
@json_option
def add(
    name: str,
    place: str | None,
    public_key: str | None,
    passphrase_file: Path | None,
    directory: Path,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Know a key that exists by NAME: on a token, in a service, or (`--signer detached:`) on another machine.

    With `--public-key` alone it is another machine's key, which a key set may name and nobody signs with here.
    """
    out = Output(as_json)
    if place is None and public_key is None:
        raise click.UsageError("give --signer, --public-key, or both")
    if public_key is not None:
        public = key_files.named_public_key(directory, public_key)
    else:
        public = opening.read_public_key(parse_place(place or ""), directory, secret_of(passphrase_file))
    if dry_run:
        out.result({"dry_run": True, "public_key": key_files.embedded_text(public)}, f"would add {name}")
        return
    _told(out, key_files.add_key(directory, name, place or "", public))


@keys.command("sign-input")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--signer", "place", required=True, metavar="PLACE", help="The key: a PEM file, pkcs11:… or aws-kms:….")
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write the JWS here; else beside FILE, as .jws."
)
@click.option("--yes", is_flag=True, help="Do not ask: somebody has looked at what FILE says.")
@passphrase_option
@dry_run_option
@json_option
def sign_input(
    file: Path, place: str, output: Path | None, yes: bool, passphrase_file: Path | None, dry_run: bool, as_json: bool
) -> None:
    """Sign, on this machine, what another one exported to FILE. What it says is shown first. No project is needed."""
    out = Output(as_json)
    wanted = SigningInput.parse(read_bytes(file))
    target = output or file.with_suffix(".jws")
    shown = f"{wanted.summary}\n{json.dumps(wanted.payload, indent=2, ensure_ascii=False)}"
    members = {"what": wanted.kind, "summary": wanted.summary, "payload": dict(wanted.payload), "file": str(target)}
    if dry_run:
        out.result({**members, "dry_run": True}, f"{shown}\nwould write {target}")
        return
    if not yes:
        ask(shown, "Sign this?", str(file), asks=not as_json)
    signer = opening.open_signer(parse_place(place), Path(), None, secret_of(passphrase_file))
    write_atomically(target, f"{sign_the_input(wanted, signer)}\n")
    out.result(members, f"{wanted.summary}\nsigned: {target}")


@keys.command("list")
@project_options
@json_option
def list_(where: Where, as_json: bool) -> None:
    """List the signing keys; no passphrase is needed. With --server or --project, those that a server knows."""
    if where.server or where.project:
        _list_there(Output(as_json), on_server(where))
        return
    found = key_files.list_keys(where.directory)
    rows = [(one.name, one.kind, one.public_key) for one in found]
    text = table(rows, ("NAME", "KIND", "PUBLIC KEY")) or "no keys"
    Output(as_json).result({"keys": [_members(one) for one in found]}, text)


def _list_there(out: Output, project: ServerProject) -> None:
    """Of managed keys the server has the private half, of own ones the public half alone."""
    found = list(project.api.every(f"{project.path}/keys"))
    rows = [(one["kind"], one["use"], "retired" if "retired_at" in one else "", one["public_key"]) for one in found]
    text = table(rows, ("KIND", "USE", "", "PUBLIC KEY")) or "no keys"
    out.result({"server": project.api.url, "keys": found}, text)


def _members(key: key_files.KeyFile) -> dict[str, str]:
    return {
        "name": key.name,
        "file": str(key.path),
        "signer": key.signer,
        "kind": key.kind,
        "public_key": key.public_key,
        "thumbprint": key.thumbprint,
    }
