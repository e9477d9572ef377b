"""`livepin keys`: the keys that sign documents."""

from __future__ import annotations

from pathlib import Path

import click

from livepin.author import keys as key_files
from livepin.author.signers.pem import KeyKind
from livepin.cli.options import directory_option, dry_run_option, json_option, passphrase_option
from livepin.cli.output import Output, table
from livepin.cli.passphrase import given_passphrase
from livepin.errors import KeyUnusable

kind_option = click.option(
    "--kind",
    type=click.Choice([kind.value for kind in KeyKind]),
    default=KeyKind.P256.value,
    show_default=True,
    help="P-256 signs ES256, Ed25519 signs EdDSA.",
)


@click.group()
def keys() -> None:
    """Signing keys: encrypted PEM files under keys/."""


@keys.command()
@click.argument("name")
@kind_option
@passphrase_option
@directory_option
@dry_run_option
@json_option
def new(name: str, kind: str, passphrase_file: Path | None, directory: Path, dry_run: bool, as_json: bool) -> None:
    """Make the signing key keys/NAME.pem, encrypted, and its public half keys/NAME.pub.pem."""
    out = Output(as_json)
    path = directory / key_files.KEYS / f"{name}.pem"
    if path.exists():
        raise KeyUnusable("key_exists", "there is a key of this name already", where=str(path))
    if dry_run:
        out.result({"dry_run": True, "file": str(path), "kind": kind}, f"would make {path} ({kind})")
        return
    passphrase = given_passphrase(passphrase_file, str(path), new=True)
    made = key_files.new_key(directory, name, KeyKind(kind), passphrase)
    out.result(_members(made), f"{made.path}  {made.kind}\npublic key: {made.public_key}")


@keys.command("list")
@directory_option
@json_option
def list_(directory: Path, as_json: bool) -> None:
    """List the signing keys; no passphrase is needed."""
    found = key_files.list_keys(directory)
    rows = [(one.name, one.kind, one.public_key) for one in found]
    text = table(rows, ("NAME", "KIND", "PUBLIC KEY")) or "no keys"
    Output(as_json).result({"keys": [_members(one) for one in found]}, text)


def _members(key: key_files.KeyFile) -> dict[str, str]:
    return {
        "name": key.name,
        "file": str(key.path),
        "kind": key.kind,
        "public_key": key.public_key,
        "thumbprint": key.thumbprint,
    }
