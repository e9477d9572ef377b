"""`livepin look`: what a live endpoint serves, at every address, whether a client would like it or not."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from livepin.author.ct_logs import LogTable, open_table
from livepin.cli.options import AddressType, address_option, json_option, timeout_option
from livepin.cli.output import Output, moment
from livepin.cli.project import Seen
from livepin.cli.projects import on_server
from livepin.cli.scts import Evidence, examine
from livepin.cli.where import Where, project_options
from livepin.errors import LookFailed
from livepin.watch import probe
from livepin.watch.address import Address, parse_proxy
from livepin.watch.describe import Description, describe
from livepin.watch.probe import Answer

ca_option = click.option(
    "--ca",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="PEM file with a private CA that clients of this host trust.",
)
proxy_option = click.option("--proxy", help="Connect by HTTP CONNECT through http://HOST:PORT.")


@click.command()
@click.argument("host", type=AddressType(), metavar="HOST[:PORT]")
@address_option
@proxy_option
@ca_option
@timeout_option
@project_options
@json_option
def look(
    host: Address,
    address: Address | None,
    proxy: str | None,
    ca: Path | None,
    timeout: float,
    where: Where,
    as_json: bool,
) -> None:
    """Look at HOST: the chain that each of its addresses serves, with all digests, and its SCTs where there is a
    log table (ct-logs.toml).

    What is served is shown also where a client would refuse it (expired, untrusted, another name), and why. With
    --server or --project it is the server that looks.
    """
    out = Output(as_json)
    if where.server or where.project:
        if address or proxy or ca:
            raise click.UsageError("--address, --proxy and --ca are for looks from this machine")
        _from_server(out, where, host)
        return
    known = open_table(where.directory)
    out.progress(f"looking at {host}")
    seen = probe.look(
        host.host,
        host.port,
        address=address,
        proxy=parse_proxy(proxy) if proxy else None,
        ca_file=str(ca) if ca else None,
        timeout=timeout,
    )
    if not any(answer.reachable for answer in seen.answers):
        why = "; ".join(f"{one.address}: {one.error}" for one in seen.answers) or seen.error
        raise LookFailed("look_failed", f"nothing to look at: {why}", where=str(host))
    found = [_evidence(answer, known) for answer in seen.answers]
    answers = [_members(answer, one) for answer, one in zip(seen.answers, found, strict=True)]
    members = {"host": seen.host, "port": seen.port, "looked_at": seen.looked_at, "answers": answers}
    out.result(members, "\n\n".join(_text(answer, one) for answer, one in zip(seen.answers, found, strict=True)))


def _from_server(out: Output, where: Where, host: Address) -> None:
    """What the server sees, which the guard will see as well."""
    project = on_server(where)
    out.progress(f"{project.api.url} looks at {host}")
    seen = list(project.discover(str(host)))
    if not any(one.chain for one in seen):
        why = "; ".join(f"{one.address}: {one.problem}" for one in seen)
        raise LookFailed("look_failed", f"nothing to look at: {why}", where=str(host))
    answers = [
        {
            "address": one.address,
            "valid": not one.problem,
            "invalid": one.problem,
            "chain": list(map(asdict, one.chain)),
        }
        for one in seen
    ]
    out.result({"host": host.host, "port": host.port, "answers": answers}, "\n\n".join(map(_seen_text, seen)))


def _seen_text(seen: Seen) -> str:
    judged = f"NOT VALID: {seen.problem}" if seen.problem else "valid"
    return "\n".join([f"{seen.address}  {judged}", *_chain_lines(seen.chain)])


def _evidence(answer: Answer, known: LogTable | None) -> Evidence | None:
    """What the SCTs are worth. Of a chain that was not validated, what came second is taken for the issuer."""
    chain = answer.verified or answer.served
    return examine(chain, known, time.time()) if known is not None and chain else None


def _members(answer: Answer, evidence: Evidence | None) -> dict[str, Any]:
    ct = {} if evidence is None else {"ct": evidence.members()}
    return {
        "address": answer.address,
        "reachable": answer.reachable,
        "error": answer.error,
        "protocol": answer.protocol,
        "valid": bool(answer.verified),
        "invalid": answer.invalid,
        "served": [asdict(describe(one)) for one in answer.served],
        "verified": [asdict(describe(one)) for one in answer.verified],
        **ct,
    }


def _text(answer: Answer, evidence: Evidence | None) -> str:
    if not answer.reachable:
        return f"{answer.address}  {answer.error}"
    judged = "valid" if answer.verified else f"NOT VALID: {answer.invalid}"
    chain = answer.verified or answer.served
    lines = [f"{answer.address}  {answer.protocol}  {judged}".replace("    ", "  ")]
    lines += _chain_lines(list(map(describe, chain)))
    if evidence is not None:
        lines += ["  Certificate Transparency", *(f"    {line}" for line in evidence.lines())]
    return "\n".join(lines)


def _chain_lines(chain: Sequence[Description]) -> list[str]:
    lines = []
    for number, one in enumerate(chain):
        position = "leaf" if number == 0 else "ca"
        lines += [f"  {number} {position}", *(f"    {line}" for line in _lines(one))]
    return lines


def _lines(one: Description) -> list[str]:
    lines = [f"subject      {one.subject}"] if one.subject else []
    lines += [f"names        {', '.join(one.names)}"] if one.names else []
    lines += [f"issuer       {one.issuer}", f"valid        {moment(one.not_before)} to {moment(one.not_after)}"]
    return lines + [f"{member:<12} {digest}" for member, digest in one.digests.items()]
