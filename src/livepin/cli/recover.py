"""`livepin recover`: a project's folder out of the last published document, on a machine that has nothing else."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from livepin.author import edit, keyset
from livepin.author.draft import is_identifier
from livepin.author.files import read_text
from livepin.author.keys import named_public_key, public_path
from livepin.author.keyset import SignedKeySet, texts_of_document
from livepin.author.project import FILE_NAME
from livepin.author.recover import Recovered, unseen
from livepin.author.recover import recover as recovered_from
from livepin.author.signers import opening
from livepin.author.signers.places import PemPlace, Place, parse_place
from livepin.cli.findings import changes_text, revision_members
from livepin.cli.look import ca_option
from livepin.cli.options import directory_option, dry_run_option, json_option, passphrase_option
from livepin.cli.output import Output, moment
from livepin.cli.passphrase import secret_of
from livepin.core import jws
from livepin.core.document import TYP, Document
from livepin.core.jws import PublicKey
from livepin.core.trust import Revision, Trust, verify_held
from livepin.errors import InputInvalid, KeyUnusable, ProjectInvalid
from livepin.publish import public
from livepin.publish.places import document_url
from livepin.publish.revisions import FOLDER, Revisions


@dataclass(frozen=True, slots=True)
class _Wish:
    """The options, by their names."""

    audience: str | None
    public_keys: tuple[str, ...]
    threshold: int
    signer: str
    url: str
    folder: str
    ca: Path | None
    passphrase_file: Path | None


@click.command()
@click.argument("source", metavar="URL|FILE")
@click.option("--for", "audience", metavar="ORG/PROJECT", help="Whose document it has to be, as applications embed it.")
@click.option(
    "--public-key", "public_keys", multiple=True, help="Anchor that applications embed: Base64 or PEM file. Repeatable."
)
@click.option("--threshold", type=click.IntRange(1), default=1, show_default=True, help="Anchors that must sign.")
@click.option("--signer", default="keys/signing.pem", show_default=True, metavar="PLACE", help="Your key.")
@click.option("--url", default="", help="Public URL of the folder, where SOURCE is a file, or not the pointer.")
@click.option("--folder", default="public", show_default=True, help="The folder to publish to.")
@ca_option
@passphrase_option
@directory_option
@dry_run_option
@json_option
def recover(source: str, directory: Path, dry_run: bool, as_json: bool, **options: Any) -> None:
    """Make a project's folder out of its last published document, and of your own key.

    Nothing else is needed: no server, no dashboard, no old folder. What applications embed (--for, --public-key)
    decides whether the document is genuine. Edit, then `livepin publish`: the next number is above this one.
    """
    out, wish = Output(as_json), _Wish(**options)
    if (directory / FILE_NAME).exists():
        raise ProjectInvalid("project_exists", f"there is a {FILE_NAME} already", where=str(directory))
    text, url = _read(source, wish)
    place = parse_place(wish.signer)
    trust = _trust(text, wish, place)
    revision = verify_held(text, trust)
    key = _own_key(revision, text, trust, place, wish)
    if key not in _may_sign(revision, trust):
        raise KeyUnusable("key_mismatch", "your key may not sign for this project", where=wish.signer)
    signed = SignedKeySet.open(texts_of_document(text), trust) if revision.keyset else None
    made = recovered_from(directory, revision, _settings(wish, url, place, key, trust, signed, directory))
    if not dry_run:
        _write(directory, made, signed, revision)
    _tell(out, directory, made, revision, dry_run=dry_run)


def _read(source: str, wish: _Wish) -> tuple[str, str]:
    """The document, and the URL that the project will have."""
    if "://" not in source:
        return read_text(Path(source)).rstrip("\r\n"), wish.url
    organization, _, project = (wish.audience or "").partition("/")
    if source.endswith("/") and not wish.audience:
        raise InputInvalid("usage", "below a base URL --for says which document", where=source)
    at = document_url(source, organization, project)
    # A numbered file is no place to look for what comes after it.
    return public.read(at, ca_file=None if wish.ca is None else str(wish.ca)), wish.url or source


def _trust(text: str, wish: _Wish, place: Place) -> Trust:
    """What applications embed: as it was given, else the document's own audience and the key beside the file."""
    said = Document.parse(jws.split(text).payload)
    organization, _, project = (wish.audience or f"{said.organization}/{said.project}").partition("/")
    if not (is_identifier(organization) and is_identifier(project)):
        raise InputInvalid("usage", "not ORG/PROJECT", where="--for")
    anchors = tuple(named_public_key(Path(), one) for one in wish.public_keys)
    if not anchors and (beside := _beside(place)) is not None and not texts_of_document(text):
        anchors = (beside,)
    if not anchors:
        message = "nothing says which key this document has to be signed by"
        raise InputInvalid("usage", message, where="--public-key", hint="Give what applications embed.")
    return Trust(organization, project, anchors, wish.threshold)


def _may_sign(revision: Revision, trust: Trust) -> list[PublicKey]:
    """The keys that may sign the next document after this one."""
    if revision.keyset is None:
        return list(trust.anchors.values())
    return [key for kid, key in revision.keyset.signing_keys.items() if kid not in revision.keyset.revoked]


def _beside(place: Place) -> PublicKey | None:
    """The public half that lies beside a key file."""
    if not isinstance(place, PemPlace):
        return None
    path = public_path(Path(place.file))
    return PublicKey.from_text(read_text(path)) if path.exists() else None


def _own_key(revision: Revision, text: str, trust: Trust, place: Place, wish: _Wish) -> PublicKey:
    """The public half of the operator's key. A document may have been signed by another one of its key set."""
    if (beside := _beside(place)) is not None:
        return beside
    named = trust.anchors if revision.keyset is None else revision.keyset.signing_keys
    if revision.keyset is None or len(named) == 1:
        return named[jws.read_header(jws.split(text).header, TYP).kid]
    return opening.read_public_key(place, Path(), secret_of(wish.passphrase_file))


def _settings(
    wish: _Wish,
    url: str,
    place: Place,
    key: PublicKey,
    trust: Trust,
    signed: SignedKeySet | None,
    directory: Path,
) -> dict[str, dict[str, Any]]:
    signer = wish.signer
    if isinstance(place, PemPlace):
        signer = os.path.relpath(Path(place.file).resolve(), directory.resolve())
    settings: dict[str, dict[str, Any]] = {
        "publish": {"folder": wish.folder} | ({"url": url} if url else {}),
        "key": edit.key_members(signer, key),
    }
    if signed is not None or len(trust.anchors) > 1:
        file = keyset.FILE_NAME if signed is not None else ""
        settings["trust"] = edit.trust_members(trust.anchors.values(), trust.threshold, file)
    if wish.ca is not None:
        settings["look"] = {"ca": os.path.relpath(wish.ca.resolve(), directory.resolve())}
    return settings


def _write(directory: Path, made: Recovered, signed: SignedKeySet | None, revision: Revision) -> None:
    """The project file comes last: until it is there, the same command can be given again."""
    steps: Sequence[Callable[[], object]] = (
        lambda: directory.mkdir(parents=True, exist_ok=True),
        lambda: keyset.write(directory / keyset.FILE_NAME, signed) if signed else None,
        lambda: made.logs.save() if made.logs else None,
        lambda: _keep(Revisions(directory / FOLDER), revision),
        made.file.save,
    )
    for step in steps:
        step()


def _keep(drawer: Revisions, revision: Revision) -> None:
    if not drawer.path(revision.epoch, revision.serial).exists():
        drawer.keep(revision)


def _tell(out: Output, directory: Path, made: Recovered, revision: Revision, *, dry_run: bool) -> None:
    project, now = made.file.read(), time.time()
    if now >= revision.expires_at:
        out.note(f"the document EXPIRED {moment(revision.expires_at)}")
    if revision.keyset is not None and now >= revision.keyset.expires_at:
        out.note("its key set is out of date: an anchor has to sign the next one (`livepin keyset rotate`)")
    for pattern in unseen(revision.document.payload):
        out.note(f"say where to look for {pattern}: `livepin host set '{pattern}' --look-at HOST`")
    number = f"{revision.epoch}.{revision.serial}"
    verb = "would make" if dry_run else "made"
    lines = [f"{verb} {directory / FILE_NAME} from revision {number} of {project.organization}/{project.project}"]
    lines.append(f"{len(project.hosts)} hosts; documents are signed by {project.signer.text}")
    if made.lost:
        lines.append(f"a project file has no words for this; the next publish changes it:\n{changes_text(made.lost)}")
    lines.append("next: edit, `livepin diff`, `livepin publish`")
    members = {"file": str(directory / FILE_NAME), "dry_run": dry_run, **revision_members(revision)}
    members |= {"hosts": [one.host for one in project.hosts], "lost": [one.where for one in made.lost]}
    out.result(members, "\n".join(lines))
