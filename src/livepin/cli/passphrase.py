"""Where a passphrase comes from: a file, the environment, or a prompt. Never an argument: those are public."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from livepin.author.files import read_text
from livepin.author.signers.pem import check_strength
from livepin.errors import KeyUnusable

VARIABLE = "LIVEPIN_PASSPHRASE"


def given_passphrase(file: Path | None, key: str, *, new: bool = False) -> str:
    """The passphrase for `key` (its name, for the prompt). `new`: asked twice, and weak ones are refused.

    Raises `KeyUnusable` (`passphrase_missing`, `passphrase_weak`).
    """
    passphrase = _given(file, key, new)
    if new:
        check_strength(passphrase)
    return passphrase


def _given(file: Path | None, key: str, new: bool) -> str:
    if file is not None:
        return read_text(file).partition("\n")[0].rstrip("\r")
    if os.environ.get(VARIABLE):
        return os.environ[VARIABLE]
    if not sys.stdin.isatty():
        raise KeyUnusable("passphrase_missing", "there is nobody to ask for the passphrase", where=key)
    answer: str = click.prompt(f"Passphrase for {key}", hide_input=True, confirmation_prompt=new, err=True)
    return answer
