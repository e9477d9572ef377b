"""The project, as its owner sees it: a folder, and the `livepin` command."""

from __future__ import annotations

import json
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from demo.processes import Processes
from demo.story import Story
from demo.waiting import DemoFailed

_SECONDS = 30


class Project:
    """Runs `livepin` in `folder`. The passphrase is in the environment, never among the arguments."""

    def __init__(self, folder: Path, processes: Processes, story: Story, passphrase: str = "") -> None:
        """`folder`: made here if it is not there. `passphrase`: of keys that are there already; else a new one."""
        self.folder = folder
        self.passphrase = passphrase or secrets.token_urlsafe(16)
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
        status, answer = self._run(arguments)
        if status != 0:
            raise DemoFailed(f"`livepin {arguments[0]}` ended with exit status {status}: {json.dumps(answer)}")
        return answer

    def refused(self, *arguments: str) -> str:
        """Show a command that is meant to fail, and run it; the code of its error. Raises `DemoFailed` if it works."""
        status, answer = self._run(arguments)
        if status == 0:
            raise DemoFailed(f"`livepin {arguments[0]}` should not have worked: {json.dumps(answer)}")
        code: str = answer["error"]["code"]
        return code

    def _run(self, arguments: Sequence[str]) -> tuple[int, dict[str, Any]]:
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
        try:
            answer: dict[str, Any] = json.loads(said)
        except json.JSONDecodeError:
            raise DemoFailed(f"`livepin {arguments[0]}` ended with exit status {status}: {said.strip()}") from None
        return status, answer
