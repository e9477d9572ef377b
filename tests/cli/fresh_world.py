"""A machine that holds a refresh key and no other: what is published in its folder was signed elsewhere."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from livepin.author.signers import pem
from livepin.testing import DocumentAuthority, SigningKey, policy
from tests.cli.shell import PASSPHRASE, Shell

HOUR = 3600


class Machine:
    """A folder with a project file and an encrypted refresh key."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(exist_ok=True)
        self.directory = directory
        self.shell = Shell(directory)
        self.authority = DocumentAuthority("acme", "shop")
        self.now = int(time.time())
        self.write_project()
        self.shell.livepin("keys", "new", "refresh")
        self.key = SigningKey(pem.load(directory / "keys" / "refresh.pem", PASSPHRASE))
        self.authority.new_epoch(refresh_keys=[self.key])

    def write_project(self, url: str = "") -> None:
        lines = ['organization = "acme"', 'project = "shop"', "[publish]", f'url = "{url}"', "[key]"]
        text = "\n".join([*lines, f'public_key = "{self.authority.public_key}"', ""])
        (self.directory / "livepin.toml").write_text(text, "utf-8")

    def publish(self, hours: int = 6, **members: Any) -> None:
        """Whoever holds the signing key publishes a document that lives for some hours and is extendable for days."""
        sign = self.authority.next if self.authority.serial else self.authority.sign
        times = {"expires_at": self.now + hours * HOUR, "extendable_until": self.now + 240 * HOUR}
        text = sign([policy("localhost", "A" * 43 + "=")], **{**times, **members})
        place = self.directory / "public" / self.authority.pointer
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, "ascii")
