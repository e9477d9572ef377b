"""A shell in a folder of its own, where `livepin` is the command under test: real processes, real files."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PASSPHRASE = "correct horse battery"
ANCHOR_PASSPHRASE = "staple in a drawer"


SECRETS = {"LIVEPIN_PASSPHRASE": PASSPHRASE, "LIVEPIN_ANCHOR_PASSPHRASE": ANCHOR_PASSPHRASE}


@dataclass(frozen=True)
class Done:
    """How a command ended. `both` is what a person sees: standard output and error, in the order of writing."""

    status: int
    out: str
    err: str


@dataclass
class Shell:
    """Commands run in `directory` with `variables` on top of this process's environment."""

    directory: Path
    variables: dict[str, str] = field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        """The variables of a command: no proxies, no settings of whoever runs the tests."""
        kept = {name: value for name, value in os.environ.items() if not name.upper().startswith(("LIVEPIN_", "HTTP"))}
        command = self.directory.parent / "bin"
        command.mkdir(exist_ok=True)
        shim = command / "livepin"
        shim.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m livepin "$@"\n')
        shim.chmod(0o755)
        path = f"{command}{os.pathsep}{os.environ['PATH']}"
        return {**kept, "PATH": path, "COLUMNS": "120", "PYTHON": sys.executable, **SECRETS, **self.variables}

    def livepin(
        self, *arguments: str, status: int = 0, input: str | None = None, timeout: float = 60, **variables: str
    ) -> Done:
        """Run `livepin`; its exit status must be `status`."""
        done = subprocess.run(
            [sys.executable, "-m", "livepin", *arguments],
            cwd=self.directory,
            env={**self.environment(), **variables},
            input="" if input is None else input,
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        assert "Traceback" not in done.stderr, done.stderr
        assert done.returncode == status, (
            f"livepin {shlex.join(arguments)}: {done.returncode}\n{done.stdout}{done.stderr}"
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def json(self, *arguments: str, status: int = 0, timeout: float = 60, **variables: str) -> dict[str, Any]:
        """Run `livepin … --json`: exactly one JSON object on standard output."""
        answer = json.loads(self.livepin(*arguments, "--json", status=status, timeout=timeout, **variables).out)
        assert isinstance(answer, dict)
        return answer

    def line(self, command: str) -> Done:
        """Run one line of shell, both outputs as one."""
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=self.directory,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
        )
        return Done(done.returncode, done.stdout, "")

    def files(self) -> dict[str, bytes]:
        """Every file below the folder with its content."""
        return {
            str(path.relative_to(self.directory)): path.read_bytes()
            for path in sorted(self.directory.rglob("*"))
            if path.is_file()
        }
