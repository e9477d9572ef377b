"""The page about emergencies as what it is: commands, which are run as they stand there."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.cli.shell import Shell

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "emergency.md").read_text("utf-8")
_VARIABLE = re.compile(r"^([A-Z_]+)=.*\n", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """Commands of one section, and what the page says that they print; `…` is any text."""

    section: int
    commands: str
    expected: str

    @property
    def variables(self) -> list[str]:
        """What a reader has to change in it."""
        return _VARIABLE.findall(self.commands)


def blocks(section: int | None = None) -> list[Block]:
    """All of them in order, or those of one section."""
    found: list[Block] = []
    for number, text in re.findall(r"^## (\d+)\. .*?\n(.*?)(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL):
        for kind, code in re.findall(r"^```(sh|text)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
            if kind == "sh":
                found.append(Block(int(number), code, "…"))
            else:
                found[-1] = Block(int(number), found[-1].commands, code)
    return [one for one in found if section in (None, one.section)]


@dataclass
class Reader:
    """Somebody who follows the page. `values`: what he writes in place of the page's examples."""

    shell: Shell
    values: Mapping[str, str]

    def follow(self, section: int, *, instead: Mapping[str, str] | None = None) -> str:
        """Run the commands of a section; what they printed. `instead`: what is typed in place of some of its words."""
        return "".join(self._run(block, instead or {}) for block in blocks(section))

    def _run(self, block: Block, instead: Mapping[str, str]) -> str:
        typed = _VARIABLE.sub("", block.commands)
        for given, other in instead.items():
            typed = typed.replace(given, other)
        known = "\n".join(f"{name}={shlex.quote(value)}" for name, value in self.values.items())
        done = subprocess.run(
            ["bash", "-euc", f"{known}\n{typed}"],
            cwd=self.shell.directory,
            env=self.shell.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )
        where = f"section {block.section}: {typed}"
        assert done.returncode == 0, f"{where}\n{done.stdout}{done.stderr}"
        pattern = ".*".join(re.escape(part.strip()) for part in block.expected.split("…"))
        assert re.search(pattern, done.stdout, re.DOTALL), f"{where} printed\n{done.stdout}\nnot\n{block.expected}"
        return done.stdout


def copy_to_cdn(public: Path, cdn: Path, number: str) -> None:
    """What section 6 says of a CDN that is reached in another way, in its order; all of it is one project's.

    Raises `FileExistsError` where somebody else has published under this number.
    """
    (pointer,) = public.rglob("pins.jws")
    there = cdn / pointer.parent.relative_to(public)
    numbered = pointer.with_name(f"{number}.jws").read_bytes()
    present = there / f"{number}.jws"
    if not present.exists() or present.read_bytes() != numbered:
        with present.open("xb") as file:
            file.write(numbered)
    (there / "pins.jws.gz").unlink(missing_ok=True)
    (there / "pins.jws.new").write_bytes(pointer.read_bytes())
    (there / "pins.jws.new").replace(there / "pins.jws")
