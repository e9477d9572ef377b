"""`livepin conform`: the conformance door on standard input and output."""

from __future__ import annotations

import io
import sys

import click

from livepin.cli import conform as conformance
from livepin.cli.options import json_option


@click.command("conform")
@json_option
def door(as_json: bool) -> None:
    """Answer JSON lines on standard input with one JSON line each, and never stop on a bad one.

    This is how other implementations, and anyone's own test data, are held against this one. The answers are JSON
    with and without --json.
    """
    # Bytes that are not UTF-8 become lone surrogates, which are no JSON: the line is answered like any bad one.
    lines = io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8", errors="surrogateescape", newline="\n")
    conformance.run(lines, sys.stdout)
