"""Where a passphrase comes from: a file, the environment, or a prompt. Never an argument: those are public."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import click

from livepin.author.files import read_text
from livepin.author.signers.pem import check_strength
from livepin.errors import KeyUnusable

VARIABLE = "LIVEPIN_PASSPHRASE"
#: An anchor has a passphrase of its own: what opens the key of every day must not open this one.
ANCHOR_VARIABLE = "LIVEPIN_ANCHOR_PASSPHRASE"


def given_passphrase(file: Path | None, key: str, *, new: bool = False, variable: str = VARIABLE) -> str:
    """The passphrase for `key` (its name, for the prompt). `new`: asked twice, and weak ones are refused.

    Raises `KeyUnusable` (`passphrase_missing`, `passphrase_weak`).
    """
    passphrase = _given(file, key, new, variable)
    if new:
        check_strength(passphrase)
    return passphrase


def secret_of(file: Path | None, variable: str = VARIABLE) -> Callable[[str], str]:
    """What asks for the passphrase or PIN of whatever is named; nobody is asked twice for one thing."""
    given: dict[str, str] = {}

    def secret(name: str) -> str:
        if name not in given:
            given[name] = given_passphrase(file, name, variable=variable)
        return given[name]

    return secret


def _given(file: Path | None, key: str, new: bool, variable: str) -> str:
    if file is not None:
        return read_text(file).partition("\n")[0].rstrip("\r")
    if os.environ.get(variable):
        return os.environ[variable]
    if not sys.stdin.isatty():
        hint = "" if variable == VARIABLE else f"Pass --anchor-passphrase-file FILE, or set {variable}."
        raise KeyUnusable("passphrase_missing", "there is nobody to ask for the passphrase", where=key, hint=hint)
    answer: str = click.prompt(f"Passphrase for {key}", hide_input=True, confirmation_prompt=new, err=True)
    return answer
