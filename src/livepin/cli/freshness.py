"""`livepin freshness`: keep a published document alive with a refresh key, while the key that signed it rests."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from livepin.author import keys
from livepin.author.keys import KeyFile
from livepin.author.signers import opening
from livepin.author.signers.places import parse_place
from livepin.author.signers.signer import Signer
from livepin.cli.desk import Desk
from livepin.cli.exits import Exit
from livepin.cli.options import (
    directory_option,
    dry_run_option,
    json_option,
    no_confirm_option,
    passphrase_option,
    timeout_option,
)
from livepin.cli.output import Output, moment, table
from livepin.cli.passphrase import secret_of
from livepin.cli.project_server import ServerProject
from livepin.cli.projects import on_server
from livepin.cli.where import Where, profile_of, project_options
from livepin.core import freshness as statements
from livepin.core import jws
from livepin.core.document import serialize
from livepin.core.freshness import Statement
from livepin.core.jws import PublicKey
from livepin.core.trust import Revision
from livepin.errors import KeyUnusable, OriginFailed, PublishRefused
from livepin.publish import freshness as prolonging
from livepin.publish.deliver import published
from livepin.publish.freshness import Prolongation
from livepin.publish.places import statement_url

HOUR = 3600
#: As long as a frozen CDN goes unnoticed.
DEFAULT_LIFE_HOURS = 6
MAX_LIFE_HOURS = 90 * 24


@click.group()
def freshness() -> None:
    """Freshness statements: short document lives without the signing key at hand."""


@freshness.command()
@click.option("--key", "name", metavar="NAME", help="The refresh key, by its name; default the one that is there.")
@click.option(
    "--life-hours",
    type=click.IntRange(1, MAX_LIFE_HOURS),
    default=DEFAULT_LIFE_HOURS,
    show_default=True,
    help="How long the statement is good: as long a frozen CDN goes unnoticed.",
)
@passphrase_option
@no_confirm_option
@timeout_option
@directory_option
@dry_run_option
@json_option
def publish(
    name: str | None,
    life_hours: int,
    passphrase_file: Path | None,
    no_confirm: bool,
    timeout: float,
    directory: Path,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Say of the published document that it is still the newest, with a refresh key that its key set names.

    For a timer, every hour or so. The document ends as late as `extendable_until` and its key set allow.
    """
    out, desk, now = Output(as_json), Desk.open(directory), int(time.time())
    revision = _extendable(desk, now)
    payload = statements.payload_of(revision, now, now + life_hours * HOUR)
    key = _refresh_key(desk, revision, name)
    if dry_run:
        until = min(payload["expires_at"], statements.limit(revision))
        members = {"dry_run": True, **_about(revision), "until": until, "key": key.name}
        number = f"{revision.epoch}.{revision.serial}"
        out.result(members, f"{number} would be good until {moment(until)}, by the key {key.name}")
        return Exit.OK
    signer = _opened(desk, key, passphrase_file)
    statement = statements.verify(_signed(payload, signer), revision, now)
    given = Prolongation(statement, revision, desk.trust, [desk.origin], now)
    prolonging.deliver(given)
    if not desk.revisions.path(*revision.number).exists():
        desk.revisions.keep(revision)  # whatever is below it is never prolonged from here
    problem = None if no_confirm or not desk.url else _unconfirmed(out, desk, given, timeout)
    members = {**_members(revision, statement), "confirmed": None if no_confirm or not desk.url else problem is None}
    out.result(members, _text(revision, statement, desk, problem))
    return Exit.OK if problem is None else Exit(problem.exit_status)


@freshness.command()
@project_options
@json_option
def show(where: Where, as_json: bool) -> int:
    """Show until when the published document is good, and by which statement. Exit status 1: it is out of date."""
    standing = _here(Desk.open(where.directory)) if profile_of(where) is None else _there(on_server(where))
    return _tell(Output(as_json), standing, time.time())


@dataclass(frozen=True, slots=True)
class _Standing:
    """How a published document stands. `limit`: as far as statements can prolong it; `stated_at`: None for none."""

    about: Mapping[str, Any]
    number: str
    expires_at: int
    limit: int
    until: int
    stated_at: int | None


def _here(desk: Desk) -> _Standing:
    revision = _published(desk)
    statement = prolonging.on(desk.origin, revision, time.time())
    until, stated_at = (revision.expires_at, None) if statement is None else (statement.until, statement.issued_at)
    number, limit = f"{revision.epoch}.{revision.serial}", statements.limit(revision)
    return _Standing(_about(revision), number, revision.expires_at, limit, until, stated_at)


def _there(project: ServerProject) -> _Standing:
    """As the server says it. Raises `NotFound` where nothing is published."""
    said = project.api.get(f"{project.path}/freshness").members
    about = {"epoch": said["epoch"], "serial": said["serial"], "by_server": said["by_server"]}
    limit, number = said.get("extendable_until", said["expires_at"]), f"{said['epoch']}.{said['serial']}"
    return _Standing(about, number, said["expires_at"], limit, said["until"], said.get("stated_at"))


def _tell(out: Output, one: _Standing, now: float) -> int:
    statement = None if one.stated_at is None else {"issued_at": one.stated_at, "until": one.until}
    members = {"expires_at": one.expires_at, "extendable_until": one.limit, "until": one.until}
    rows = [
        ("revision", one.number),
        ("expires by itself", moment(one.expires_at)),
        ("extendable until", moment(one.limit) if one.limit > one.expires_at else "(not)"),
        ("statement", "(none that fits)" if one.stated_at is None else f"of {moment(one.stated_at)}"),
        ("good until", f"{moment(one.until)}{'' if now < one.until else '  OUT OF DATE'}"),
    ]
    out.result({**one.about, **members, "fresh": now < one.until, "statement": statement}, table(rows))
    return Exit.OK if now < one.until else Exit.NO


def _published(desk: Desk) -> Revision:
    revision = published(desk.origin, desk.trust, desk.revoked)
    if revision is None:
        raise PublishRefused("not_extendable", "nothing that verifies is published", where=desk.origin.name)
    return revision


def _extendable(desk: Desk, now: int) -> Revision:
    """What is published, if a statement can still do anything for it. Raises `PublishRefused`."""
    revision = _published(desk)
    limit, where = statements.limit(revision), f"{revision.epoch}.{revision.serial}"
    newest = max((one.number for one in desk.revisions.kept(desk.trust)), default=revision.number)
    if revision.number < newest:
        message = f"it is not the newest: {newest[0]}.{newest[1]} was there before, and somebody put this in its place"
    elif desk.by_revoked_key(revision):
        message = "the key set revokes the key that signed it"
    elif revision.keyset is None:
        message = "an anchor signed it directly: only a key set can name refresh keys"
    elif not revision.keyset.refresh_keys:
        message = "its key set names no refresh keys"
    elif limit <= revision.expires_at:
        message = "it has no extendable_until that is later than its expiry"
    elif limit <= now:
        message = f"it could be prolonged until {moment(limit)}: publish a new document"
    else:
        return revision
    raise PublishRefused("not_extendable", message, where=where)


def _refresh_key(desk: Desk, revision: Revision, name: str | None) -> KeyFile:
    """The key file to sign with: one that the key set of what is published names. Raises `KeyUnusable`."""
    assert revision.keyset is not None  # _extendable has seen it
    good = revision.keyset.refresh_keys.keys() - revision.keyset.revoked
    found = [one for one in keys.list_keys(desk.project.directory) if name in (None, one.name)]
    if name is not None and not found:
        raise KeyUnusable("key_missing", "there is no such key", where=f"keys/{name}.pem")
    fitting = [one for one in found if one.thumbprint in good and one.signer]
    if not fitting:
        which = f"the key {name}" if name is not None else "any key that is here"
        message = f"the key set of {revision.epoch}.{revision.serial} does not name {which} as a refresh key"
        raise KeyUnusable(
            "key_mismatch", message, where="keys", hint="`livepin keyset rotate --keep-key --refresh-key`"
        )
    return fitting[-1]


def _opened(desk: Desk, key: KeyFile, passphrase_file: Path | None) -> Signer:
    """The refresh key, wherever it is: a file, a token, a service. Raises `KeyUnusable`."""
    secret = secret_of(passphrase_file)
    public = PublicKey.from_text(key.public_key)
    return opening.open_signer(parse_place(key.signer), desk.project.directory, public, secret)


def _signed(payload: Mapping[str, Any], signer: Signer) -> str:
    key = signer.public_key
    signed = jws.signing_input({"alg": key.alg, "kid": key.thumbprint, "typ": statements.TYP}, serialize(payload))
    return jws.assemble(signed, signer.sign(signed))


def _unconfirmed(out: Output, desk: Desk, given: Prolongation, timeout: float) -> OriginFailed | None:
    url = statement_url(desk.url)
    out.progress(f"confirm: {url}")
    try:
        prolonging.confirm(url, given, ca_file=desk.ca_file, patience=timeout)
    except OriginFailed as error:
        return error
    return None


def _about(revision: Revision) -> dict[str, Any]:
    return {"epoch": revision.epoch, "serial": revision.serial, "digest": revision.digest}


def _members(revision: Revision, statement: Statement) -> dict[str, Any]:
    return {**_about(revision), "issued_at": statement.issued_at, "until": statement.until}


def _text(revision: Revision, statement: Statement, desk: Desk, problem: OriginFailed | None) -> str:
    said = f"{revision.epoch}.{revision.serial} is good until {moment(statement.until)}, on {desk.origin.name}"
    if statement.until == statements.limit(revision):
        said += "\nfurther than that no statement can prolong it: publish a new document before"
    return said if problem is None else f"{said}\nnot confirmed: {problem.message}"
