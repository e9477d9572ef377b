"""`livepin keyset`: which keys may sign documents, in the words of the anchors. Applications need no release for it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from livepin.author import keyset as key_sets
from livepin.author.files import read_bytes
from livepin.author.keys import KEYS, KeyFile, list_keys, named_public_key, new_key
from livepin.author.keyset import DAY, DEFAULT_LIFE_DAYS, MAX_LIFE_DAYS, Change, SignedKeySet
from livepin.author.signers.pem import KeyKind
from livepin.author.signers.places import PemPlace
from livepin.author.signers.signer import Signer
from livepin.cli import anchors as anchor_room
from livepin.cli.anchors import Outcome, open_anchors, settle
from livepin.cli.desk import Desk
from livepin.cli.keys import kind_option
from livepin.cli.keyset_show import in_force, show
from livepin.cli.options import (
    KeyCommand,
    anchor_option,
    anchor_passphrase_option,
    directory_option,
    dry_run_option,
    json_option,
    passphrase_option,
)
from livepin.cli.output import Output, moment
from livepin.cli.passphrase import given_passphrase
from livepin.cli.publishing import signer_of
from livepin.core.jws import PublicKey
from livepin.core.keyset import KeySet
from livepin.errors import InputInvalid, KeyUnusable, ProjectInvalid

_THUMBPRINT = 43


@click.group()
def keyset() -> None:
    """Key sets: the anchors' signed statement of which keys sign documents now."""


@dataclass(frozen=True, slots=True)
class _Wishes:
    """The options that commands have which make a key set, by their names."""

    anchors: tuple[str, ...]
    anchor_passphrase_files: tuple[Path, ...]
    export: Path | None
    key: str | None
    signing_keys: tuple[str, ...]
    refresh_keys: tuple[str, ...]
    no_refresh_keys: bool
    life_days: int
    kind: str
    passphrase_file: Path | None
    dry_run: bool


def making_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """All options of a command that makes a key set."""
    for option in (
        json_option,
        dry_run_option,
        directory_option,
        passphrase_option,
        kind_option,
        click.option(
            "--life-days",
            type=click.IntRange(1, MAX_LIFE_DAYS),
            default=DEFAULT_LIFE_DAYS,
            show_default=True,
            help="How long it is good: the longest that a stolen key works where the next key set is withheld.",
        ),
        click.option("--no-refresh-keys", is_flag=True, help="Name no refresh keys, whatever the present one names."),
        click.option("--refresh-key", "refresh_keys", multiple=True, metavar="KEY", help=_REFRESH),
        click.option("--signing-key", "signing_keys", multiple=True, metavar="KEY", help=_OTHERS),
        click.option("--key", metavar="NAME", help="The key that signs from now on, instead of a new file."),
        click.option("--export", type=click.Path(file_okay=False, path_type=Path), metavar="DIR", help=_EXPORT),
        anchor_passphrase_option,
        anchor_option,
    ):
        command = option(command)
    return command


_REFRESH = "Public half of a key that may sign freshness statements, instead of the present ones. Repeatable."
_OTHERS = "Public half of another machine's key that may sign as well. Repeatable."
_EXPORT = "Write what anchors on other machines have to sign here."


@keyset.command("new")
@making_options
def new(directory: Path, as_json: bool, **options: Any) -> None:
    """Make the first key set. The key that signed until now becomes an anchor, and rests.

    Documents are signed by a new key from then on. Applications need no release: they embed the anchor already.
    """
    out, desk, wishes = Output(as_json), Desk.open(directory), _Wishes(**options)
    if desk.project.keyset_file:
        raise ProjectInvalid("keyset_exists", "the project has a key set", where=desk.project.keyset_file)
    own: Callable[[], Sequence[Signer]] | None = None
    if not wishes.anchors and wishes.export is None and desk.project.public_key in desk.project.anchors:
        signer = signer_of(desk, wishes.passphrase_file)  # its passphrase is the project's, until it is moved away
        own = lambda: [signer()]  # noqa: E731
        out.note(f"{desk.project.signer.text} is an anchor from now on: `livepin anchor new --from` takes it elsewhere")
    _make(out, desk, wishes, None, (), own=own)


@keyset.command("rotate")
@click.option("--keep-key", is_flag=True, help="Only begin a new epoch and a new life; the key stays.")
@making_options
def rotate(keep_key: bool, directory: Path, as_json: bool, **options: Any) -> None:
    """Replace the signing key: a new key and the next epoch, at once and without touching applications.

    Keys of other machines stay in the key set. `livepin publish` brings it to applications.
    """
    out, desk, wishes = Output(as_json), Desk.open(directory), _Wishes(**options)
    present = in_force(desk)
    without = () if keep_key else (desk.project.public_key.thumbprint,)
    _make(out, desk, wishes, present, without)


@keyset.command("revoke", cls=KeyCommand)
@click.argument("stolen", metavar="KEY")
@making_options
def revoke(stolen: str, directory: Path, as_json: bool, **options: Any) -> None:
    """Revoke KEY: a name, a public key or a thumbprint. The next epoch refuses it; a new key signs if it was ours.

    Serials start again at 1, whatever a thief has published. An anchor is revoked where installations see it; for all
    others a release without it is what helps.
    """
    out, desk, wishes = Output(as_json), Desk.open(directory), _Wishes(**options)
    present = in_force(desk)
    thumbprint = _thumbprint(stolen, desk)
    left = [one for one in desk.project.anchors if one.thumbprint != thumbprint]
    if len(left) < desk.project.threshold:
        message = f"applications ask for {desk.project.threshold} anchors, and {len(left)} would be left"
        hint = "Only a release with another anchor helps: see docs/keys.md."
        raise KeyUnusable("anchor_missing", message, where=stolen, hint=hint)
    _make(out, desk, wishes, present, (thumbprint,), revoked=frozenset({thumbprint}))


def _thumbprint(text: str, desk: Desk) -> str:
    known = {*desk.trust.anchors, *(desk.keyset.keyset.signing_keys if desk.keyset else ())}
    if text in known or (len(text) == _THUMBPRINT and "/" not in text and "." not in text):
        return text
    return named_public_key(desk.project.directory, text).thumbprint


def _make(
    out: Output,
    desk: Desk,
    wishes: _Wishes,
    present: SignedKeySet | None,
    without: Sequence[str],
    revoked: frozenset[str] = frozenset(),
    own: Callable[[], Sequence[Signer]] | None = None,
) -> None:
    """The next key set, signed by the anchors that were named, or exported for others."""
    held = desk.held()
    for note in held.notes:
        out.note(note)
    epoch = desk.next_epoch(held)
    if not (wishes.anchors or own or wishes.export is not None or wishes.dry_run):
        raise KeyUnusable("anchor_missing", "no anchor was named that signs it", where=f"key set of epoch {epoch}")
    before = None if present is None else present.keyset
    kept = () if before is None else key_sets.kept_keys(before, without)
    gone = revoked | (frozenset() if before is None else before.revoked)
    replaced = desk.project.public_key.thumbprint not in {one.thumbprint for one in kept} | gone
    replaced = replaced or desk.project.public_key.thumbprint in without
    others = tuple(named_public_key(desk.project.directory, one) for one in wishes.signing_keys)
    if wishes.dry_run:
        out.result({"dry_run": True, "epoch": epoch, "new_key": replaced}, f"would make the key set of epoch {epoch}")
        return
    opened = own() if own else open_anchors(wishes.anchors, wishes.anchor_passphrase_files, desk.trust)
    ours = (_next_key(desk, wishes, epoch, gone),) if replaced or wishes.key else ()
    change = Change(
        tuple({one.thumbprint: one for one in (*ours, *kept, *others)}.values()),
        _refresh_keys(desk, wishes, before),
        gone,
        wishes.life_days * DAY,
    )
    payload = key_sets.next_payload(desk.trust, epoch, change, int(time.time()))
    texts = [key_sets.sign(payload, anchor) for anchor in opened]
    outcome = Outcome(None, False, desk.project.path(key_sets.NEXT_NAME))
    if texts:
        outcome = settle(desk, key_sets.combine((), texts, desk.trust))
    _tell(out, desk, outcome, payload, wishes.export)


def _next_key(desk: Desk, wishes: _Wishes, epoch: int, gone: frozenset[str]) -> PublicKey:
    """The key that signs from now on: the one that was named, else a new file under keys/."""
    directory, known = desk.project.directory, {one.name: one for one in list_keys(desk.project.directory)}
    if wishes.key is not None:
        if wishes.key not in known or not known[wishes.key].signer:
            message = "the project has no key of this name that can sign here"
            raise KeyUnusable("key_missing", message, where=wishes.key, hint="`livepin keys list`, `livepin keys new`")
        found = known[wishes.key]
        if found.thumbprint in gone:
            raise KeyUnusable("key_revoked", "this key is revoked", where=wishes.key)
        return PublicKey.from_text(found.public_key)
    if not isinstance(desk.project.signer, PemPlace):
        message = "the present key is not a file, and a file would be a step back"
        hint = "Make its successor with `livepin keys new NAME --signer …`, and name it with --key."
        raise KeyUnusable("key_missing", message, where=desk.project.signer.text, hint=hint)
    name = _free_name(f"signing-{epoch}", known, gone | {desk.project.public_key.thumbprint})
    if name not in known:
        passphrase = given_passphrase(wishes.passphrase_file, f"{KEYS}/{name}.pem", new=True)
        known[name] = new_key(directory, name, KeyKind(wishes.kind), passphrase)
    return PublicKey.from_text(known[name].public_key)


def _free_name(wanted: str, known: dict[str, KeyFile], used: frozenset[str]) -> str:
    """A name for the next key. One that an interrupted try made and nothing used is used again."""
    name, number = wanted, 1
    while name in known and (known[name].thumbprint in used or not known[name].signer):
        number += 1
        name = f"{wanted}-{number}"
    return name


def _refresh_keys(desk: Desk, wishes: _Wishes, before: KeySet | None) -> tuple[PublicKey, ...]:
    if wishes.no_refresh_keys:
        return ()
    if wishes.refresh_keys:
        return tuple(named_public_key(desk.project.directory, one) for one in wishes.refresh_keys)
    return () if before is None else tuple(before.refresh_keys.values())


def _tell(out: Output, desk: Desk, outcome: Outcome, payload: bytes, directory: Path | None) -> None:
    """Say what came of it, after exporting what is left to sign elsewhere."""
    signed_by = outcome.signed.signed_by if outcome.signed else ()
    exported = anchor_room.export(desk, payload, directory, signed_by) if directory is not None else ()
    outcome = Outcome(outcome.signed, outcome.in_force, outcome.path, exported)
    lines = [f"to be signed elsewhere: {path}" for path in exported]
    if outcome.signed is not None:
        lines = [*_state(desk, outcome, outcome.signed), *lines]
    elif not outcome.in_force:
        lines.append("`livepin keyset countersign --import FILE` takes what comes back")
    out.result(anchor_room.members(outcome), "\n".join(lines))


def _state(desk: Desk, outcome: Outcome, signed: SignedKeySet) -> list[str]:
    epoch, wanted = signed.keyset.epoch, desk.project.threshold
    if not outcome.in_force:
        have = len(set(signed.signed_by) & desk.trust.anchors.keys())
        return [
            f"epoch {epoch} waits in {outcome.path}: {have} of {wanted} anchors signed",
            "`livepin keyset countersign` adds another; until then the present key set stays in force",
        ]
    project = Desk.open(desk.project.directory).project
    lines = [f"epoch {epoch} in force: {outcome.path}, expires {moment(signed.keyset.expires_at)}"]
    lines.append(f"documents are signed by {project.signer.text}; rotate by {moment(signed.warn_at)}")
    missing = [one.thumbprint for one in signed.missing(project.anchors)]
    lines += [f"NOT signed by {one}: applications that embed it alone refuse it" for one in missing]
    lines.append("next: `livepin publish` brings it to applications")
    return lines


@keyset.command("countersign")
@anchor_option
@anchor_passphrase_option
@click.option(
    "--import",
    "imports",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A JWS that an anchor made on another machine. Repeatable.",
)
@click.option("--export", type=click.Path(file_okay=False, path_type=Path), metavar="DIR", help=_EXPORT)
@directory_option
@dry_run_option
@json_option
def countersign(
    anchors: tuple[str, ...],
    anchor_passphrase_files: tuple[Path, ...],
    imports: tuple[Path, ...],
    export: Path | None,
    directory: Path,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Have further anchors sign the key set that waits, or else the one in force.

    All copies have the same payload, so applications that embed different anchors read the same file. A key set that
    other machines signed from an export comes in here, too.
    """
    out, desk = Output(as_json), Desk.open(directory)
    brought = [read_bytes(path).decode("latin-1").strip() for path in imports]
    texts = _to_countersign(desk, brought)
    if not texts and not brought:
        raise ProjectInvalid("keyset_missing", "there is no key set to sign", where=str(directory))
    payload = key_sets.payload_of((*brought, *texts)[0])
    if dry_run:
        epoch = key_sets.epoch_of(payload)
        out.result({"dry_run": True, "epoch": epoch}, f"would sign the key set of epoch {epoch}")
        return
    opened = open_anchors(anchors, anchor_passphrase_files, desk.trust)
    made = [key_sets.sign(payload, anchor) for anchor in opened]
    signed = key_sets.combine(texts, [*brought, *made], desk.trust)
    _tell(out, desk, settle(desk, signed), payload, export)


def _to_countersign(desk: Desk, brought: Sequence[str]) -> tuple[str, ...]:
    """The copies that there are: of the key set that waits, else of the one in force; none where a later one comes."""
    waiting = key_sets.read_pending(desk.project.path(key_sets.NEXT_NAME), desk.trust)
    present = waiting or desk.keyset
    if present is None or not brought:
        return () if present is None else present.texts
    epochs = {key_sets.epoch_of(key_sets.payload_of(text)) for text in brought}
    if max(epochs) > present.keyset.epoch:
        return ()
    if min(epochs) < present.keyset.epoch:
        raise InputInvalid(
            "signing_input_invalid",
            f"it is the key set of epoch {min(epochs)}, and epoch {present.keyset.epoch} is here",
            where="--import",
        )
    return present.texts


keyset.add_command(show)
