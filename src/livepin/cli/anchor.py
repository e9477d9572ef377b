"""`livepin anchor`: the keys that applications embed. They rest elsewhere, and sign key sets when they are asked."""

from __future__ import annotations

import time
from pathlib import Path

import click

from livepin.author import edit
from livepin.author.files import PRIVATE, PUBLIC, read_text, write_once
from livepin.author.keys import embedded_text, named_public_key, public_path, public_pem, write_pair
from livepin.author.project import FILE_NAME, MAX_ANCHORS, ProjectFile
from livepin.author.sheet import Sheet, typed_in
from livepin.author.signers import pem
from livepin.author.signers.pem import KeyKind
from livepin.cli.desk import Desk
from livepin.cli.keys import kind_option
from livepin.cli.options import KeyCommand, anchor_passphrase_option, directory_option, dry_run_option, json_option
from livepin.cli.output import Output, moment
from livepin.cli.passphrase import ANCHOR_VARIABLE, given_passphrase
from livepin.core.jws import PublicKey
from livepin.errors import KeyUnusable, ProjectInvalid

path_argument = click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
file_type = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def anchor() -> None:
    """Anchors: keys that applications embed, kept outside the project's folder."""


@anchor.command()
@path_argument
@click.option("--from", "source", type=file_type, help="Take this key there, under a new passphrase, instead.")
@click.option(
    "--passphrase-file", type=file_type, help="Passphrase of --from on its first line; else LIVEPIN_PASSPHRASE."
)
@anchor_passphrase_option
@kind_option
@dry_run_option
@json_option
def new(
    file: Path,
    source: Path | None,
    passphrase_file: Path | None,
    anchor_passphrase_files: tuple[Path, ...],
    kind: str,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Make an anchor: FILE (encrypted PEM), its public half, and a recovery sheet to print.

    Keep FILE where no computer reaches it by itself: on a stick in a drawer. `livepin anchor add` tells a project of
    its public half.
    """
    out = Output(as_json)
    if file.exists():
        raise KeyUnusable("key_exists", "there is a key of this name already", where=str(file))
    if dry_run:
        out.result({"dry_run": True, "file": str(file)}, f"would make {file}")
        return
    if (file.resolve().parent / FILE_NAME).exists():
        out.note("this is a project's folder: keep an anchor elsewhere, so that both are not stolen together")
    key = None if source is None else pem.load(source, given_passphrase(passphrase_file, str(source)))
    given = anchor_passphrase_files[0] if anchor_passphrase_files else None
    public, sheet = make_anchor(file, key or pem.generate(KeyKind(kind)), given)
    text = (
        f"{file}  {public.alg}\nfingerprint: {public.thumbprint}\npublic key: {embedded_text(public)}\n"
        f"recovery sheet: {sheet} (print it, then delete it)"
    )
    members = {"file": str(file), "public_key": embedded_text(public), "thumbprint": public.thumbprint}
    out.result({**members, "sheet": str(sheet)}, text)


def make_anchor(file: Path, key: pem.PrivateKey, passphrase_file: Path | None) -> tuple[PublicKey, Path]:
    """Write an anchor under a new passphrase, with its public half and its sheet. Raises `KeyUnusable`."""
    passphrase = given_passphrase(passphrase_file, str(file), new=True, variable=ANCHOR_VARIABLE)
    public = write_pair(file, key, passphrase)
    sheet = file.with_suffix(".sheet.txt")
    text = Sheet(file.stem, read_text(file), public, moment(int(time.time()))[:10]).text()
    write_once(sheet, text, PRIVATE)
    return public, sheet


@anchor.command()
@click.argument("sheet", type=file_type)
@path_argument
@anchor_passphrase_option
@dry_run_option
@json_option
def restore(sheet: Path, file: Path, anchor_passphrase_files: tuple[Path, ...], dry_run: bool, as_json: bool) -> None:
    """Make FILE again from a recovery SHEET that was typed in, or saved. The passphrase is that of the anchor."""
    out = Output(as_json)
    text = typed_in(read_text(sheet))
    if file.exists():
        raise KeyUnusable("key_exists", "there is a key of this name already", where=str(file))
    if dry_run:
        out.result({"dry_run": True, "file": str(file)}, f"would make {file}")
        return
    given = anchor_passphrase_files[0] if anchor_passphrase_files else None
    passphrase = given_passphrase(given, str(sheet), variable=ANCHOR_VARIABLE)
    public = PublicKey.from_spki(pem.public_der(pem.load_text(text, passphrase, str(sheet))))
    write_once(file, text, PRIVATE)
    write_once(public_path(file), public_pem(public), PUBLIC)
    members = {"file": str(file), "public_key": embedded_text(public), "thumbprint": public.thumbprint}
    out.result(members, f"{file}  {public.alg}\nfingerprint: {public.thumbprint}")


@anchor.command(cls=KeyCommand)
@click.argument("key", metavar="KEY")
@directory_option
@dry_run_option
@json_option
def add(key: str, directory: Path, dry_run: bool, as_json: bool) -> None:
    """Add an anchor to what new releases of the application embed. KEY: its public half.

    Releases that embed it refuse documents until it has signed the key set: `livepin keyset countersign` first, then
    `livepin publish`, then the release.
    """
    file = ProjectFile.open(directory)
    project, added = file.read(), named_public_key(directory, key)
    if added in project.anchors:
        raise KeyUnusable("key_exists", "this is an anchor of the project already", where=added.thumbprint)
    anchors = (*project.anchors, added)
    edit.set_trust(file, anchors, project.threshold, project.keyset_file)
    _save(Output(as_json), file, added, "added", dry_run=dry_run)


@anchor.command(cls=KeyCommand)
@click.argument("key", metavar="KEY")
@directory_option
@dry_run_option
@json_option
def remove(key: str, directory: Path, dry_run: bool, as_json: bool) -> None:
    """Leave an anchor out of what new releases embed. KEY: its public half, or its thumbprint.

    Its signature stays in the key set, for the releases that still embed it, until the key set is rotated without it.
    """
    file = ProjectFile.open(directory)
    project = file.read()
    known = {one.thumbprint: one for one in project.anchors}
    gone = known.get(key) or named_public_key(directory, key)
    if gone.thumbprint not in known:
        raise ProjectInvalid("entry_missing", "this is no anchor of the project", where=gone.thumbprint)
    anchors = [one for one in project.anchors if one != gone]
    if not anchors or (not project.keyset_file and gone == project.public_key):
        message = "without this anchor nothing that is signed here would be accepted"
        raise KeyUnusable("anchor_missing", message, where=gone.thumbprint)
    edit.set_trust(file, anchors, project.threshold, project.keyset_file)
    _save(Output(as_json), file, gone, "removed", dry_run=dry_run)


@anchor.command()
@click.argument("number", type=click.IntRange(1, MAX_ANCHORS), metavar="NUMBER")
@directory_option
@dry_run_option
@json_option
def threshold(number: int, directory: Path, dry_run: bool, as_json: bool) -> None:
    """Say how many of the anchors applications ask for, before the release that asks for them.

    The key set in force has to have that many signatures: nothing is published that the release would refuse.
    """
    file = ProjectFile.open(directory)
    desk = Desk(file.read())
    signed = set(desk.keyset.signed_by) & desk.trust.anchors.keys() if desk.keyset else set(desk.trust.anchors)
    if number > len(signed):
        message = f"{len(signed)} anchors of this project signed the key set"
        hint = "`livepin anchor add`, then `livepin keyset countersign`, then this."
        raise KeyUnusable("anchor_missing", message, where=f"threshold {number}", hint=hint)
    edit.set_trust(file, desk.project.anchors, number, desk.project.keyset_file)
    _save(Output(as_json), file, None, "", dry_run=dry_run)


def _save(out: Output, file: ProjectFile, key: PublicKey | None, verb: str, *, dry_run: bool) -> None:
    project = file.read() if dry_run else file.save()
    anchors = [one.thumbprint for one in project.anchors]
    members = {"anchors": anchors, "threshold": project.threshold, "dry_run": dry_run}
    would = "would be " if dry_run else ""
    embedded = f"applications embed {len(anchors)}, and ask for {project.threshold}: `livepin embed`"
    out.result(members, embedded if key is None else f"{key.thumbprint} {would}{verb}\n{embedded}")
