"""`livepin server`: what an operator does besides letting it run. For who has a shell on the machine."""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict
from pathlib import Path

import click

from livepin.cli.exits import Exit
from livepin.cli.installation import data_option, enter, settings
from livepin.cli.options import json_option
from livepin.cli.output import Output, moment, table
from livepin.cli.server_jobs import jobs


@click.group()
def server() -> None:
    """An installation of the server: its settings, backups, checks, keys, jobs and ways in."""
    os.umask(0o077)


@server.command("settings")
@data_option
@json_option
def settings_(data: Path | None, as_json: bool) -> None:
    """Print the settings in force; of secrets only whether they are set."""
    from livepin.server.config import masked

    shown = masked(settings(data))
    rows = [(name, json.dumps(value, ensure_ascii=False)) for name, value in shown.items()]
    Output(as_json).result({"settings": shown}, table(rows))


@server.command()
@data_option
@json_option
def check(data: Path | None, as_json: bool) -> int:
    """Check what is stored: database, audit trails, every revision, the origin, and that keys can be opened.

    Exit status 1 where something is not as it should be.
    """
    config = enter(data)
    from livepin.server.inspection import inspect

    findings = list(inspect(config))
    rows = [(one.part, one.where, one.what) for one in findings]
    members = {"findings": [asdict(one) for one in findings]}
    Output(as_json).result(members, table(rows) or "All is well.")
    return Exit.NO if findings else Exit.OK


@server.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@data_option
@json_option
def backup(file: Path, data: Path | None, as_json: bool) -> None:
    """Write a backup of the database to FILE, while the server runs.

    Its key is in keys/backups/ in the data folder, and is thrown away after some days: copy keys/ to another place.
    Neither the secret key nor the master keys are in a backup.
    """
    config = enter(data)
    from livepin.server import backup as backups

    header = backups.take(config, file)
    days = backups.kept_days(config)
    text = f"{file} can be restored for {days} days, with keys/backups/{header['key']}.key and the master keys."
    Output(as_json).result({"file": str(file), "days": days, **header}, text)


@server.command()
@click.argument("file", type=click.Path(dir_okay=False, exists=True, path_type=Path))
@click.option(
    "--keys",
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    required=True,
    help="The copy of the keys/ folder: master keys, secret key, and the key of this backup.",
)
@data_option
@json_option
def restore(file: Path, keys: Path, data: Path | None, as_json: bool) -> None:
    """Fill an empty data folder (or an empty PostgreSQL database) from the backup FILE.

    What origins hold stays as it is: the next publish of a project adopts what is newer there.
    """
    config = enter(data, found=False)
    from livepin.server import backup as backups

    header = backups.restore(config, file, keys)
    text = f"Restored to {config.data}, as of {moment(header['created_at'])}. Now: livepin serve"
    Output(as_json).result({"data": str(config.data), **header}, text)


@server.command("rotate-master-key")
@data_option
@json_option
def rotate_master_key(data: Path | None, as_json: bool) -> None:
    """Seal signing keys and second factors under a new master key; forget the old one. The server may run meanwhile.

    May be interrupted and run again. Take a backup afterwards: what is in older ones needs the old master key.
    """
    config = enter(data)
    from livepin.server.rotation import rotate

    moved = rotate(config)
    text = f"{moved} signing keys and second factors are sealed under the new master key."
    if config.master_keys:
        text += " Now take the old one out of the settings."
    Output(as_json).result({"moved": moved}, text)


@server.group()
def account() -> None:
    """Ways in for people, when the dashboard cannot help them."""


@account.command("new")
@data_option
@json_option
def new(data: Path | None, as_json: bool) -> None:
    """Print a code that makes one more account, once, within 24 hours, whatever the settings say about signing up."""
    config = enter(data)
    from livepin.server.actions import accounts

    link = accounts.account_link()
    text = f"An account is made with this code at {config.public_url}/welcome/\n{link.secret}"
    Output(as_json).result({"code": link.secret, "use": link.use}, text)


@account.command("sign-in")
@click.argument("email")
@data_option
@json_option
def sign_in(email: str, data: Path | None, as_json: bool) -> None:
    """Print a code that signs an account in on a command line, once: for when the dashboard is away."""
    enter(data)
    from livepin.server.actions import accounts

    link = accounts.sign_in_link(email)
    Output(as_json).result({"code": link.secret, "use": link.use}, link.secret)


@account.command("reopen")
@click.argument("email")
@data_option
@json_option
def reopen(email: str, data: Path | None, as_json: bool) -> None:
    """Take back the closing of an account, before it is purged."""
    enter(data)
    from livepin.server.actions import deletions

    found = deletions.reopen_account_of(email)
    Output(as_json).result({"account": str(found.id)}, f"{found.email} may sign in again.")


@account.command("sign-out")
@click.argument("email")
@click.option(
    "--forget-second-factors", is_flag=True, help="Remove passkeys, one-time passwords and recovery codes, too."
)
@data_option
@json_option
def sign_out(email: str, forget_second_factors: bool, data: Path | None, as_json: bool) -> None:
    """End every session and command line of an account; for who lost their second factors, remove those, too."""
    enter(data)
    from livepin.server.actions import accounts

    found = accounts.sign_out_everywhere(email, forget_factors=forget_second_factors)
    text = f"{found.email} is signed out everywhere."
    if forget_second_factors:
        text += " Signing in takes the password alone, or single sign-on, until new second factors are set up."
    Output(as_json).result({"account": str(found.id), "factors_forgotten": forget_second_factors}, text)


@server.command()
@data_option
@json_option
def purge(data: Path | None, as_json: bool) -> None:
    """Do now what the jobs do hourly: purge what is due, and throw away the keys of old backups."""
    config = enter(data)
    from livepin.server import backup as backups
    from livepin.server.actions import deletions

    forgotten = backups.forget_old(config, time.time())
    gone = deletions.purge_due()
    text = (
        f"Gone: {gone.organizations} organizations, {gone.projects} projects, {gone.accounts} accounts. "
        f"{len(forgotten)} backups cannot be opened any more."
    )
    Output(as_json).result({"purged": asdict(gone), "backups": forgotten}, text)


server.add_command(jobs)
