"""The project, as its owner sees it: a folder, and the `livepin` command."""

from __future__ import annotations

import json
import secrets
import sys
from pathlib import Path
from typing import Any

from demo.processes import Processes
from demo.story import Story
from demo.waiting import DemoFailed

_SECONDS = 30


class Project:
    """Runs `livepin` in `folder`. The passphrase is in the environment, never among the arguments."""

    def __init__(self, folder: Path, processes: Processes, story: Story) -> None:
        """`folder`: made here if it is not there."""
        self.folder = folder
        self.passphrase = secrets.token_urlsafe(16)
        self._processes = processes
        self._story = story
        self._runs = 0
        folder.mkdir(exist_ok=True)

    @property
    def backup_key(self) -> Path:
        """The key that `livepin init` made for the day on which the first one is lost."""
        return self.folder / "backup" / "localhost.key.pem"

    def livepin(self, *arguments: str) -> dict[str, Any]:
        """Show a command and run it with --json; its answer. Raises `DemoFailed` with what it said."""
        self._story.command(["livepin", *arguments])
        self._runs += 1
        process = self._processes.start(
            f"livepin-{self.folder.name}-{self._runs}",
            [sys.executable, "-m", "livepin", *arguments, "--json"],
            folder=self.folder,
            environment={"LIVEPIN_PASSPHRASE": self.passphrase},
        )
        status = process.wait(_SECONDS)
        said = process.out.read_text("utf-8")
        if status != 0:
            raise DemoFailed(f"`livepin {arguments[0]}` ended with exit status {status}: {said.strip()}")
        answer: dict[str, Any] = json.loads(said)
        return answer
