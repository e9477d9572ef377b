"""`livepin push`: a project file's draft to the server, without overwriting what somebody else did there."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from livepin.author import draft_json, pulled, staging
from livepin.author.draft import Draft
from livepin.author.files import read_text
from livepin.author.project import Project, ProjectFile, Pulled
from livepin.cli.api import part
from livepin.cli.desk import Desk
from livepin.cli.findings import changes_text
from livepin.cli.options import dry_run_option, json_option
from livepin.cli.output import Output
from livepin.cli.project_server import ServerProject
from livepin.cli.where import Where, project_options, server_of
from livepin.core.base64s import b64
from livepin.errors import Conflict, InputInvalid, NotFound, ProjectInvalid


@click.command()
@click.option("--create", is_flag=True, help="Make the project on the server, with the key that signs here.")
@click.option("--replace", "force", is_flag=True, help="Overwrite the server's draft, whoever changed it.")
@click.option("--keyset", "with_keyset", is_flag=True, help="Bring the key set, too: it is in force there at once.")
@project_options
@dry_run_option
@json_option
def push(create: bool, force: bool, with_keyset: bool, where: Where, dry_run: bool, as_json: bool) -> None:
    """Bring the draft of the project file to the server. Nothing is published by that.

    What changed on the server since `livepin pull` is not overwritten. With --keyset what is published is signed again,
    saying the same, so that applications get the key set.
    """
    out, file = Output(as_json), ProjectFile.open(where.directory)
    here = file.read()
    project = _project(where, here)
    there = _there(project, here, create=create, dry_run=dry_run)
    version = project.version if there is not None else ""
    changes = staging.diff(None if there is None else _payload(there), _payload(here))
    if there is not None and not force:
        _refuse_overwriting(project, here, there)
    epoch = _bring_keyset(out, project, here, dry_run=dry_run) if with_keyset and there is not None else None
    if not dry_run:
        if there is None or pulled.digest_of(there) != pulled.digest_of(here):
            version = _put(project, here)
        digest = pulled.digest_of(here)
        pulled.put_mark(file, Pulled(project.api.url, int(version.strip('"')), digest))
        file.save()
    verb = "would push to" if dry_run else "pushed to"
    lines = [changes_text(changes) or "nothing changes"]
    lines += [] if epoch is None else [f"the key set of epoch {epoch} {'would be' if dry_run else 'is'} in force there"]
    members = {"changes": [asdict(one) for one in changes], "dry_run": dry_run, "server": project.api.url}
    out.result({**members, "keyset": epoch}, "\n".join([*lines, f"{verb} {project.name}"]))


def _project(where: Where, here: Project) -> ServerProject:
    name = f"{here.organization}/{here.project}"
    if where.project not in ("", name):
        message = f"the file is {name}: what applications embed is no other project's"
        raise InputInvalid("usage", message, where=where.project)
    profile = server_of(where, here.pulled.url if here.pulled else "")
    return ServerProject(profile.api(), here.organization, here.project, where.directory)


def _there(project: ServerProject, here: Project, *, create: bool, dry_run: bool) -> Draft | None:
    """The draft on the server; None where there is no project yet. Raises `NotFound`."""
    try:
        return project.draft()
    except NotFound as error:
        if not create:
            hint = "`livepin push --create` makes it."
            raise NotFound(error.code, error.message, where=project.name, hint=hint) from None
    if not dry_run:
        _create(project, here)
    return None


def _create(project: ServerProject, here: Project) -> None:
    """With our own key, whose private half stays here; then what applications embed, and how to look."""
    if not here.url and Desk(here).held().everything:
        # The server would give numbers again that are taken: a fork (V8).
        message = "something is published, and nothing tells the server where to find it"
        hint = "Set `url` under [publish] in livepin.toml."
        raise ProjectInvalid("configuration_url_missing", message, where=str(here.directory), hint=hint)
    if here.keyset_file == "" and len(here.anchors) > 1:
        message = "several anchors need a key set that they signed"
        raise ProjectInvalid("keyset_missing", message, where=str(here.directory))
    signed = Desk(here).keyset
    key = {"project": here.project, "public_key": b64(here.public_key.spki)}
    project.api.ask("POST", f"/organizations/{part(here.organization)}/projects", key)
    if signed is not None:
        anchors = [b64(anchor.spki) for anchor in here.anchors]
        body = {"keys": list(signed.texts), "anchors": anchors, "threshold": here.threshold}
        project.api.ask("PUT", f"{project.path}/keyset", body)
    settings: dict[str, Any] = {"url": here.url} if here.url else {}
    settings |= {"ca_pem": read_text(here.path(here.ca))} if here.ca else {}
    settings |= {"proxy": here.proxy} if here.proxy else {}
    if settings:
        project.api.ask("PATCH", project.path, settings)


def _bring_keyset(out: Output, project: ServerProject, here: Project, *, dry_run: bool) -> int | None:
    """The epoch of the key set that is brought; None where the server has it. Raises `ProjectInvalid`, `Conflict`."""
    signed = Desk(here).keyset
    if signed is None:
        raise ProjectInvalid("keyset_missing", "there is no key set here to bring", where=str(here.directory))
    said = project.api.get(f"{project.path}/keyset").members
    if set(said.get("keys") or ()) == set(signed.texts):
        return None
    if dry_run:
        return signed.keyset.epoch
    known = {one["thumbprint"] for one in project.api.every(f"{project.path}/keys")}
    own = here.public_key
    if own.thumbprint in signed.keyset.signing_keys and own.thumbprint not in known:
        project.api.ask("POST", f"{project.path}/keys", {"public_key": b64(own.spki)})
    anchors = [b64(anchor.spki) for anchor in here.anchors]
    body: dict[str, Any] = {"keys": list(signed.texts)}
    if (set(anchors), here.threshold) != (set(said["anchors"]), said["threshold"]):
        body |= {"anchors": anchors, "threshold": here.threshold}
    project.api.ask("PUT", f"{project.path}/keyset", body)
    out.note("what is published is signed again under it: where your own key signs, `livepin publish --signer` does it")
    return signed.keyset.epoch


def _refuse_overwriting(project: ServerProject, here: Project, there: Draft) -> None:
    """Raise where the server's draft says something that whoever wrote this file has not seen."""
    digest = pulled.digest_of(there)
    if digest == pulled.digest_of(here):
        return
    known = here.pulled if here.pulled is not None and here.pulled.url == project.api.url else None
    if known is None and there.hosts:
        message = "the server has a draft that this file does not come from"
        raise Conflict("draft_unknown", message, where=project.name)
    if known is not None and digest != known.draft_digest:
        message = f"the draft was changed on the server since version {known.draft_version} was pulled"
        hint = "Pull it into another folder and compare; --replace overwrites it."
        raise Conflict("draft_changed", message, where=project.name, hint=hint)


def _put(project: ServerProject, here: Project) -> str:
    """The version that the server's draft has then. Raises `Conflict` where somebody was faster."""
    reply = project.api.ask("PUT", f"{project.path}/draft", draft_json.draft_members(here), if_match=project.version)
    return reply.version


def _payload(draft: Draft) -> dict[str, Any]:
    return staging.payload_of(draft, 1, 0)
