"""`livepin pull`: a server's project as files, so that an emergency can be handled without the server."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from livepin.author import edit, keyset, pulled
from livepin.author.draft import Draft
from livepin.author.files import write_atomically
from livepin.author.keyset import SignedKeySet
from livepin.author.project import FILE_NAME, ProjectFile, Pulled
from livepin.author.recover import logs_of
from livepin.author.signers.places import DetachedPlace
from livepin.cli.desk import Desk
from livepin.cli.options import dry_run_option, json_option
from livepin.cli.output import Output
from livepin.cli.project_server import ServerProject
from livepin.cli.where import Where, audience, project_options, server_of
from livepin.core.jws import PublicKey
from livepin.core.trust import Revision, Trust, open_keyset, verify_held
from livepin.errors import CommandFailed, DocumentRefused, ProjectInvalid
from livepin.publish.revisions import FOLDER, Revisions

#: As many revisions are kept, so that an emergency can go back to one of them.
REVISIONS = 10
CA_FILE = "ca.pem"


@click.command()
@click.option("--signer", default="", metavar="PLACE", help="Your own key; else keys/signing.pem. For a new folder.")
@click.option("--folder", default="", help="The folder to publish to; else public. For a new folder.")
@click.option(
    "--replace", "force", is_flag=True, help="Throw away what the file here says and the server does not know."
)
@project_options
@dry_run_option
@json_option
def pull(signer: str, folder: str, force: bool, where: Where, dry_run: bool, as_json: bool) -> None:
    """Write a server's project to a folder: its draft, its key set, and what is published.

    In an emergency that folder publishes without the server, with your own key: the next number is above what is
    there. A folder that was pulled before is brought up to date.
    """
    out, directory = Output(as_json), where.directory
    file = ProjectFile.open(directory) if (directory / FILE_NAME).exists() else None
    project = _project(where, file)
    if file is not None:
        _refuse_losing(file, project, force=force)
    there = _There.read(project, None if file is None else Desk(file.read()))
    if file is None:
        file = pulled.new_file(directory, there.draft, there.settings(signer, folder))
    else:
        pulled.put_draft(file, there.draft)
        there.put_trust(file)
    version = int(project.version.strip('"'))
    pulled.put_mark(file, Pulled(project.api.url, version, pulled.digest_of(there.draft)))
    if not dry_run:
        _write(directory, file, there)
    _tell(out, file, there, version, dry_run=dry_run)


def _project(where: Where, file: ProjectFile | None) -> ServerProject:
    """The project on the server: what the folder holds already, else what the command line or the profile names."""
    if file is None:
        profile = server_of(where)
        return ServerProject(profile.api(), *audience(where, profile), where.directory)
    here = file.read()
    name = f"{here.organization}/{here.project}"
    if where.project not in ("", name):
        message = f"the folder holds {name}, not {where.project}"
        raise ProjectInvalid("project_exists", message, where=str(where.directory), hint="Give another folder with -C.")
    profile = server_of(where, here.pulled.url if here.pulled else "")
    return ServerProject(profile.api(), here.organization, here.project, where.directory)


def _refuse_losing(file: ProjectFile, project: ServerProject, *, force: bool) -> None:
    """Raise `CommandFailed` (`draft_unpushed`) where the file says something that nobody has kept."""
    here = file.read()
    digest = pulled.digest_of(here)
    known = {pulled.digest_of(project.draft()), here.pulled.draft_digest if here.pulled else ""}
    if digest not in known and not force:
        message = "the file was changed here, and pulling would lose that"
        raise CommandFailed("draft_unpushed", message, where=str(file.path))


@dataclass(frozen=True, slots=True)
class _There:
    """What the server has. `key`: the one that can sign here, else the server's own, which cannot (`own` False).

    `adopted_unseen`: what is published was made elsewhere, and the draft knows nothing of it.
    """

    draft: Draft
    about: Mapping[str, Any]
    trust: Trust
    keyset: SignedKeySet | None
    key: PublicKey
    own: bool
    revisions: tuple[Revision, ...]
    adopted_unseen: bool
    notes: tuple[str, ...]

    @classmethod
    def read(cls, project: ServerProject, here: Desk | None) -> _There:
        said = project.api.get(f"{project.path}/keyset").members
        anchors = tuple(PublicKey.from_text(text) for text in said["anchors"])
        trust = Trust(project.organization, project.project, anchors, int(said["threshold"]))
        numbers = project.api.get(f"{project.path}/revisions", limit=REVISIONS).members["items"]
        texts = [project.text(one["epoch"], one["serial"]) for one in numbers]
        unseen = bool(numbers) and numbers[0]["source"] == "adopted" and bool(project.compare().changes)
        rest = project.draft(), project.settings()
        if here is None:
            signed = SignedKeySet.open(said["keys"], trust) if said.get("keys") else None
            key, own = _key(project, trust, signed)
            return cls(*rest, trust, signed, key, own, tuple(verify_held(text, trust) for text in texts), unseen, ())
        signed, notes = _keyset_beside(here, tuple(said.get("keys") or ()))
        if (trust.anchors.keys(), trust.threshold) != (here.trust.anchors.keys(), here.trust.threshold):
            notes.append(
                "the server names other anchors than this folder, whose stay: `livepin anchor add` is for those "
                "that applications embed"
            )
        own = here.project.public_key.thumbprint in _allowed(here.trust, signed)
        own = own and not isinstance(here.project.signer, DetachedPlace)
        kept = _kept_beside(here, texts)
        return cls(*rest, here.trust, signed, here.project.public_key, own, kept, unseen, tuple(notes))

    def settings(self, signer: str, folder: str) -> dict[str, dict[str, Any]]:
        """The tables of a new project file."""
        url, proxy = str(self.about["configuration_url"]), str(self.about["proxy"])
        place = signer or ("keys/signing.pem" if self.own else DetachedPlace().text)
        settings: dict[str, dict[str, Any]] = {
            "publish": {"folder": folder or "public"} | ({"url": url} if url else {}),
            "key": edit.key_members(place, self.key),
        }
        if self.keyset is not None or len(self.trust.anchors) > 1:
            name = keyset.FILE_NAME if self.keyset is not None else ""
            settings["trust"] = edit.trust_members(self.trust.anchors.values(), self.trust.threshold, name)
        look = {"ca": CA_FILE} if self.about["ca_pem"] else {}
        look |= {"proxy": proxy} if proxy else {}
        return {**settings, "look": look} if look else settings

    def put_trust(self, file: ProjectFile) -> None:
        """What a folder that is there has to know of new anchors and key sets."""
        if self.keyset is not None:
            edit.set_trust(file, self.trust.anchors.values(), self.trust.threshold, keyset.FILE_NAME)


def _keyset_beside(here: Desk, texts: tuple[str, ...]) -> tuple[SignedKeySet | None, list[str]]:
    """The key set in force here: the server's where it is later and our anchors signed it; and what to say of it.

    A server that was restored from an old backup, or is somebody else's, takes no revocation back.
    """
    ours = here.keyset
    if not texts:
        return ours, ["the server has no key set; the one that is here stays"] if ours else []
    try:
        open_keyset(texts, here.trust, here.revoked)
        theirs = SignedKeySet.open(texts, here.trust)
    except DocumentRefused as error:
        return ours, [f"the server's key set is not one that applications accept ({error.code}): {error.message}"]
    if ours is None or theirs.keyset.epoch > ours.keyset.epoch:
        return theirs, []
    if theirs.keyset.digest == ours.keyset.digest:
        return ours, []
    epochs = f"epoch {theirs.keyset.epoch}, and epoch {ours.keyset.epoch} is here"
    return ours, [f"the server has another key set, of {epochs}: it stays. `livepin push --keyset` brings it"]


def _kept_beside(here: Desk, texts: Iterable[str]) -> tuple[Revision, ...]:
    """The server's revisions that this folder believes: none of a key, or an anchor, that was revoked here."""
    found = []
    for text in texts:
        with contextlib.suppress(DocumentRefused):
            revision = verify_held(text, here.trust, here.revoked)
            if not here.by_revoked_key(revision):
                found.append(revision)
    return tuple(found)


def _allowed(trust: Trust, signed: SignedKeySet | None) -> Collection[str]:
    """Thumbprints of the keys that may sign documents."""
    return trust.anchors.keys() if signed is None else signed.keyset.signing_keys.keys() - signed.keyset.revoked


def _key(project: ServerProject, trust: Trust, signed: SignedKeySet | None) -> tuple[PublicKey, bool]:
    """A key that may sign: one's own before the server's, the newest first; and whether it is one's own."""
    allowed = _allowed(trust, signed)
    listed = project.api.get(f"{project.path}/keys").members["items"]
    usable = [one for one in listed if one["thumbprint"] in allowed and "retired_at" not in one]
    usable.sort(key=lambda one: str(one["kind"]) != "own")
    if not usable:
        raise ProjectInvalid("key_missing", "no key of the project may sign", where=project.name)
    return PublicKey.from_text(usable[0]["public_key"]), usable[0]["kind"] == "own"


def _write(directory: Path, file: ProjectFile, there: _There) -> None:
    """The project file comes last: until it is there, the same command can be given again."""
    directory.mkdir(parents=True, exist_ok=True)
    if there.keyset is not None:
        keyset.write(directory / keyset.FILE_NAME, there.keyset)
    if there.about["ca_pem"]:
        write_atomically(directory / CA_FILE, str(there.about["ca_pem"]))
    drawer = Revisions(directory / FOLDER)
    for revision in there.revisions:
        if not drawer.path(revision.epoch, revision.serial).exists():
            drawer.keep(revision)
    logs = logs_of(directory, there.revisions[0].document.payload) if there.revisions else None
    if logs is not None and not logs.path.exists():
        logs.save()
    file.save()


def _tell(out: Output, file: ProjectFile, there: _There, version: int, *, dry_run: bool) -> None:
    for note in there.notes:
        out.note(note)
    if not there.own:
        out.note("the server alone can sign: without your own key in the key set, no emergency is handled without it")
    if there.draft.asks_for_ct:
        out.note("the log table (ct-logs.toml) is the operator's: what is here is what the last document carries of it")
    if there.adopted_unseen:
        out.note("what is published was found on an origin, and the draft says something else: `livepin adopt --draft`")
    latest = max((one.number for one in there.revisions), default=None)
    number = "nothing" if latest is None else f"{latest[0]}.{latest[1]}"
    verb = "would pull" if dry_run else "pulled"
    name = f"{there.draft.organization}/{there.draft.project}"
    text = f"{verb} {name} to {file.path}: version {version} of the draft; published is {number}"
    members = {"file": str(file.path), "draft_version": version, "dry_run": dry_run}
    out.result({**members, "published": None if latest is None else number, "signs_here": there.own}, text)
