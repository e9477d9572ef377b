"""Opening anchors for one command, and putting a key set into force; what the key set commands have in common."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from livepin.author import edit, keyset
from livepin.author.files import write_atomically
from livepin.author.keys import key_by_thumbprint
from livepin.author.keyset import SignedKeySet
from livepin.author.project import Project, ProjectFile
from livepin.author.signers import opening
from livepin.author.signers.places import parse_place
from livepin.author.signers.signer import Signer
from livepin.cli.desk import Desk
from livepin.cli.passphrase import ANCHOR_VARIABLE, secret_of
from livepin.core.jws import PublicKey
from livepin.core.trust import Trust
from livepin.errors import KeyUnusable


def open_anchors(places: Sequence[str], files: Sequence[Path], trust: Trust) -> list[Signer]:
    """Anchors that sign now; their places start in the current folder. Raises `KeyUnusable`.

    All are opened before any of them signs: a wrong passphrase leaves nothing half done.
    """
    opened = []
    for number, place in enumerate(places):
        secret = secret_of(files[min(number, len(files) - 1)] if files else None, ANCHOR_VARIABLE)
        signer = opening.open_signer(parse_place(place), Path(), None, secret)
        if signer.public_key.thumbprint not in trust.anchors:
            message = "applications of this project do not embed this key"
            raise KeyUnusable("anchor_unknown", message, where=place)
        opened.append(signer)
    return opened


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a key set. `in_force`: enough anchors signed; `exported`: what other machines have to sign."""

    signed: SignedKeySet | None
    in_force: bool
    path: Path
    exported: tuple[Path, ...] = ()


def settle(desk: Desk, signed: SignedKeySet) -> Outcome:
    """Keep a key set: in force if enough anchors signed it, else waiting for more. Raises `ProjectInvalid`.

    It is written beside the old one first. Whatever interrupts this, `livepin keyset countersign` goes on from there.
    """
    waiting = desk.project.path(keyset.NEXT_NAME)
    if not keyset.enough(signed, desk.trust):
        keyset.write(waiting, signed)
        return Outcome(signed, False, waiting)
    path = desk.project.path(desk.project.keyset_file or keyset.FILE_NAME)
    keyset.write(waiting, signed)
    _name_key(desk.project, signed)
    waiting.replace(path)
    revoked = sorted(signed.keyset.revoked)
    desk.revisions.record(
        {
            "at": int(time.time()),
            "what": "keyset",
            "epoch": signed.keyset.epoch,
            "digest": signed.keyset.digest,
            "signing_keys": sorted(signed.keyset.signing_keys),
            "revoked": revoked,
            "signed_by": sorted(signed.signed_by),
        }
    )
    return Outcome(signed, True, path)


def _name_key(project: Project, signed: SignedKeySet) -> None:
    """Say in the project file which key signs from now on, and drop revoked anchors from what is embedded."""
    file = ProjectFile.open(project.directory)
    named = signed.keyset.signing_keys.keys() - signed.keyset.revoked
    if project.public_key.thumbprint not in named:
        key = key_by_thumbprint(project.directory, named)
        if key is not None:
            edit.set_key(file, key.signer, PublicKey.from_text(key.public_key))
    anchors = [one for one in project.anchors if one.thumbprint not in signed.keyset.revoked]
    edit.set_trust(file, anchors, project.threshold, project.keyset_file or keyset.FILE_NAME)
    file.save()


def export(desk: Desk, payload: bytes, directory: Path, done: Iterable[str] = ()) -> tuple[Path, ...]:
    """Write what each anchor that has not signed (`done`: thumbprints) has to sign elsewhere; one file for each."""
    epoch = keyset.epoch_of(payload)
    directory.mkdir(parents=True, exist_ok=True)
    written = []
    for anchor in desk.project.anchors:
        if anchor.thumbprint not in done:
            path = directory / f"keyset-{epoch}.{anchor.thumbprint[:8]}.input"
            write_atomically(path, f"{keyset.signing_input(payload, anchor).decode('ascii')}\n")
            written.append(path)
    return tuple(written)


def members(outcome: Outcome) -> dict[str, Any]:
    """An outcome for JSON."""
    said: dict[str, Any] = {"in_force": outcome.in_force, "exported": [str(path) for path in outcome.exported]}
    if outcome.signed is None:
        return said
    return {**said, "file": str(outcome.path), **keyset_members(outcome.signed)}


def keyset_members(signed: SignedKeySet) -> dict[str, Any]:
    """A key set for JSON."""
    said = signed.keyset
    return {
        "epoch": said.epoch,
        "issued_at": said.issued_at,
        "expires_at": said.expires_at,
        "rotate_by": signed.warn_at,
        "signing_keys": list(said.signing_keys),
        "refresh_keys": list(said.refresh_keys),
        "revoked": sorted(said.revoked),
        "signed_by": list(signed.signed_by),
    }
