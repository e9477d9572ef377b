"""`livepin ct logs`: the log table. What goes into it, a person has looked at; nothing here fetches anything."""

from __future__ import annotations

import time
from dataclasses import asdict, replace
from pathlib import Path

import click

from livepin.author.ct_logs import (
    FILE_NAME,
    LogEntry,
    LogTable,
    LogTableFile,
    Operator,
    Review,
    Source,
    log_id,
    why_not,
)
from livepin.author.draft import is_identifier
from livepin.author.files import read_text
from livepin.cli.ct_import import compare, import_
from livepin.cli.ct_log import confirm, members_of, need_table, said_of
from livepin.cli.options import MomentType, directory_option, dry_run_option, json_option, yes_option
from livepin.cli.output import Output, age, moment, table
from livepin.core.base64s import b64, b64_decode
from livepin.core.der import pem_blocks
from livepin.core.logs import MAX_AGE, Kind
from livepin.errors import CertificateInvalid, EncodingInvalid, InputInvalid, ProjectInvalid


@click.group()
def logs() -> None:
    """The log table ct-logs.toml: the logs of Certificate Transparency that somebody has reviewed."""


logs.add_command(import_)
logs.add_command(compare)


@logs.command()
@click.argument("name")
@click.option("--operator", required=True, help="Our ID of its operator; a new one is added.")
@click.option(
    "--key", required=True, metavar="PEM|BASE64", help="Its public key: a PEM file, or Base64 of the SPKI DER."
)
@click.option(
    "--kind",
    type=click.Choice([one.value for one in Kind]),
    default="rfc6962",
    show_default=True,
    help="Its interface.",
)
@click.option("--from", "start", type=MomentType(), help="Where its interval of certificates' ends begins.")
@click.option("--until", "end", type=MomentType(), help="Where that interval ends.")
@directory_option
@dry_run_option
@json_option
def add(
    name: str,
    operator: str,
    key: str,
    kind: str,
    start: int | None,
    end: int | None,
    directory: Path,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Add the log NAME by hand: one of your own, or a public one that you have looked at yourself."""
    if start is not None and end is not None and end <= start:
        raise click.UsageError("--until is not after --from")
    spki = _key(key)
    entry = LogEntry(name, log_id(spki), b64(spki), operator, kind, start=start, end=end)
    target = LogTableFile.open(directory)
    before = target.read()
    known = before.operator(operator)
    entry = replace(entry, operator=known.id if known else operator)
    _refuse_bad(before, entry)
    if known is None:
        target.put_operator(Operator(operator))
    _by_hand(target, entry, dry_run=dry_run)
    text = f"{name} ({entry.id}) of {entry.operator} {'would be ' if dry_run else ''}added"
    members = {"log": members_of(entry), "new_operator": known is None, "dry_run": dry_run}
    Output(as_json).result(members, text)


def _key(text: str) -> bytes:
    """SPKI of a key, typed as Base64 or in a PEM file. Raises `InputInvalid` (`key_invalid`)."""
    message = "neither a PEM file with a public key nor Base64 of one"
    try:
        if not Path(text).is_file():
            return b64_decode("".join(text.split()))
        for label, data in pem_blocks(read_text(Path(text))):
            if label == "PUBLIC KEY":
                return data
    except (EncodingInvalid, CertificateInvalid):
        pass
    hint = "A log's key is P-256, or RSA of 2048 bits and more."
    raise InputInvalid("key_invalid", message, where="--key", hint=hint)


def _refuse_bad(before: LogTable, entry: LogEntry) -> None:
    if not is_identifier(entry.operator):
        message = "an ID is 1 to 64 letters, digits, dots, hyphens or underscores"
        raise InputInvalid("usage", message, where=f"--operator {entry.operator!r}")
    if fault := why_not(entry):
        raise InputInvalid("ct_log_refused", f"it {fault}", where=entry.name)
    if ours := before.log(entry.id):
        message = f"the table has this log as {ours.name}, of {ours.operator}"
        hint = f"Edit it in {FILE_NAME}, or retire it with `livepin ct logs retire`."
        raise InputInvalid("ct_log_refused", message, where=entry.name, hint=hint)


def _by_hand(target: LogTableFile, entry: LogEntry, *, dry_run: bool) -> None:
    """Write what a person says of a log. Who adds one log has not looked at all others: their date stays."""
    if target.read().review(Source.HAND) is None:
        target.put_review(Review(Source.HAND, int(time.time())))
    target.put_log(entry)
    _ = target.read() if dry_run else target.save()


@logs.command()
@click.argument("log", metavar="LOG")
@click.option("--at", type=MomentType(), help="When; now if not given. SCTs from before go on counting.")
@directory_option
@dry_run_option
@json_option
def retire(log: str, at: int | None, directory: Path, dry_run: bool, as_json: bool) -> None:
    """Say that LOG (its name, or the beginning of its ID) is retired: no SCT from then on counts.

    What you say of a log by hand, no list that is imported later takes back.
    """
    need_table(directory)
    target = LogTableFile.open(directory)
    found = target.read().find(log)
    when = int(time.time()) if at is None else at
    entry = replace(found, state="retired", retired_at=when, source=Source.HAND)
    _by_hand(target, entry, dry_run=dry_run)
    text = f"{entry.name} {'would be ' if dry_run else ''}retired as of {moment(when)}"
    Output(as_json).result({"log": members_of(entry), "dry_run": dry_run}, text)


@logs.command()
@yes_option
@directory_option
@dry_run_option
@json_option
def review(yes: bool, directory: Path, dry_run: bool, as_json: bool) -> None:
    """Say that everything entered by hand is still right: from now on it ages anew."""
    ours = [one for one in need_table(directory).logs if one.source == Source.HAND]
    if not ours:
        message = "no log of the table was entered by hand"
        hint = "What lists answer for is brought up to date by `livepin ct logs import`."
        raise ProjectInvalid("entry_missing", message, where=FILE_NAME, hint=hint)
    text = table([(one.name, one.operator, said_of(one), one.id) for one in ours])
    if not (yes or dry_run):
        confirm(text, asks=not as_json)
    target, now = LogTableFile.open(directory), int(time.time())
    target.put_review(Review(Source.HAND, now))
    _ = target.read() if dry_run else target.save()
    members = {"reviewed": [members_of(one) for one in ours], "issued_at": now, "dry_run": dry_run}
    verb = "would be reviewed" if dry_run else "reviewed"
    Output(as_json).result(members, f"{text}\n{verb} as of {moment(now)}")


@logs.command("list")
@directory_option
@json_option
def list_(directory: Path, as_json: bool) -> None:
    """List the logs of the table, and how old what is said of them is."""
    ours, now = need_table(directory), time.time()
    heads = ("NAME", "OPERATOR", "SAID OF IT", "SOURCE", "ID")
    text = table([(one.name, one.operator, said_of(one), one.source, one.id) for one in ours.logs], heads)
    dates = table(
        [(f"{one.source} {one.version}".strip(), moment(one.issued_at), _age(one, now)) for one in ours.reviews]
    )
    members = {
        "logs": [members_of(one) for one in ours.logs],
        "operators": [asdict(one) for one in ours.operators],
        "lists": [asdict(one) for one in ours.reviews],
    }
    Output(as_json).result(members, f"{text or 'no logs'}\n\n{dates}")


def _age(review: Review, now: float) -> str:
    old = now - review.issued_at
    return f"{age(max(0.0, old))} old{', too old: CT is not evaluated' if old > MAX_AGE else ''}"
