"""`livepin keyset show`: the key set in force, of files, of a document, or of a server's project."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from livepin.author import keyset as key_sets
from livepin.author.keys import list_keys
from livepin.author.keyset import SignedKeySet, texts_of_document
from livepin.cli.anchors import keyset_members
from livepin.cli.desk import Desk
from livepin.cli.options import json_option
from livepin.cli.output import Output, moment, table
from livepin.cli.project_server import ServerProject
from livepin.cli.projects import on_server
from livepin.cli.source import read_source
from livepin.cli.where import Where, profile_of, project_options
from livepin.errors import DocumentRefused, ProjectInvalid


def in_force(desk: Desk) -> SignedKeySet:
    """The key set in force. Raises `ProjectInvalid` (`keyset_missing`)."""
    if desk.keyset is None:
        raise ProjectInvalid("keyset_missing", "the anchor signs documents itself", where="livepin.toml")
    return desk.keyset


@click.command()
@click.argument("source", required=False, metavar="[FILE|URL]")
@project_options
@json_option
def show(source: str | None, where: Where, as_json: bool) -> None:
    """Show the key set in force, or that of a document; which keys it names, and which anchors signed it."""
    if source is None and profile_of(where) is not None:
        _show_there(Output(as_json), on_server(where))
        return
    _show_here(Output(as_json), source, where.directory)


def _show_there(out: Output, project: ServerProject) -> None:
    trust, said = project.trust, project.api.get(f"{project.path}/keyset").members
    if not said.get("keys"):
        raise ProjectInvalid("keyset_missing", "an anchor signs its documents itself", where=project.name)
    signed = SignedKeySet.open(said["keys"], trust)
    missing = [one.thumbprint for one in signed.missing(trust.anchors.values())]
    members = {"source": project.name, **keyset_members(signed), "not_signed_by": missing}
    out.result(members, table(_rows({}, signed, project.name, missing)))


def _show_here(out: Output, source: str | None, directory: Path) -> None:
    desk = Desk.open(directory)
    if source is None:
        signed, where = in_force(desk), desk.project.keyset_file
    else:
        text, where = read_source(source, directory)
        copies = texts_of_document(text) if "\n" not in text and not _is_keyset(text) else text.splitlines()
        if not copies:
            raise ProjectInvalid("keyset_missing", "an anchor signed this document itself", where=where)
        signed = SignedKeySet.open(copies, desk.trust)
    missing = [one.thumbprint for one in signed.missing(desk.project.anchors)]
    waiting = key_sets.read_pending(desk.project.path(key_sets.NEXT_NAME), desk.trust)
    members = {"source": where, **keyset_members(signed), "not_signed_by": missing}
    members["waiting"] = None if waiting is None else waiting.keyset.epoch
    names = {one.thumbprint: one.name for one in list_keys(desk.project.directory)}
    text = table(_rows(names, signed, where, missing))
    if waiting is not None:
        text += f"\n\nepoch {waiting.keyset.epoch} waits in {key_sets.NEXT_NAME} for the signatures of more anchors"
    out.result(members, text)


def _is_keyset(text: str) -> bool:
    try:
        key_sets.epoch_of(key_sets.payload_of(text))
    except DocumentRefused:
        return False
    return True


def _rows(names: Mapping[str, str], signed: SignedKeySet, where: str, missing: list[str]) -> list[tuple[str, str]]:
    said = signed.keyset

    def named(thumbprint: str) -> str:
        return f"{thumbprint} {names.get(thumbprint, '')}".strip()

    return [
        ("source", where),
        ("epoch", str(said.epoch)),
        ("issued", moment(said.issued_at)),
        ("expires", f"{moment(said.expires_at)}; rotate by {moment(signed.warn_at)}"),
        *(("signing key", named(one)) for one in said.signing_keys if one not in said.revoked),
        *(("refresh key", named(one)) for one in said.refresh_keys),
        *(("revoked", named(one)) for one in sorted(said.revoked)),
        *(("signed by", named(one)) for one in signed.signed_by),
        *(("NOT signed by", named(one)) for one in missing),
    ]
