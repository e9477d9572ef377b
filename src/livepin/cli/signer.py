"""`livepin signer`: whether the key signs, and how it is kept, before anything depends on it."""

from __future__ import annotations

import json
import secrets
import time
from pathlib import Path

import click

from livepin.author.keys import embedded_text
from livepin.author.signers import opening
from livepin.author.signers.detached import TEST_TYP
from livepin.author.signers.places import parse_place
from livepin.cli.desk import Desk
from livepin.cli.options import directory_option, json_option, passphrase_option
from livepin.cli.output import Output, table
from livepin.cli.passphrase import secret_of
from livepin.cli.publishing import signer_of
from livepin.core import jws
from livepin.errors import KeyUnusable


@click.group()
def signer() -> None:
    """Whatever signs: a file, a token, a service."""


@signer.command()
@click.option("--signer", "place", metavar="PLACE", help="This one, instead of the project's.")
@passphrase_option
@directory_option
@json_option
def test(place: str | None, passphrase_file: Path | None, directory: Path, as_json: bool) -> None:
    """Sign a text that no reader accepts as a document, verify it, and say how long it took and how the key is kept."""
    out = Output(as_json)
    if place is not None:
        opened = opening.open_signer(parse_place(place), Path(), None, secret_of(passphrase_file))
    else:
        opened = signer_of(Desk.open(directory), passphrase_file)()
    key = opened.public_key
    header = {"alg": key.alg, "kid": key.thumbprint, "typ": TEST_TYP}
    payload = json.dumps({"test": secrets.token_urlsafe(32), "at": int(time.time())}).encode("ascii")
    wanted = jws.signing_input(header, payload)
    start = time.perf_counter()
    signature = opened.sign(wanted)
    took = time.perf_counter() - start
    if not key.verify(wanted, signature):
        raise KeyUnusable("signature_refused", "its signature does not verify", where=place or "the project's key")
    said = {**opened.properties, "algorithm": key.alg, "fingerprint": key.thumbprint, "public key": embedded_text(key)}
    rows = [*said.items(), ("took", f"{took * 1000:.1f} ms")]
    members = {"signer": dict(said), "milliseconds": round(took * 1000, 3), "verified": True}
    out.result(members, f"{table(rows)}\n\nit signs, and the signature verifies")
