"""docs/audit.md as an auditor works through it; and on a Livepin that was broken on purpose, where he must notice."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

import livepin

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "audit.md").read_text("utf-8")
STAGE = re.search(r"^## The stage\n.*?^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
STEP = re.compile(
    r"^## (\d+)\. [^\n]+\n(?:(?!^## ).)*?^```python\n(.*?)^```\n\n^```text\n(.*?)^```$", re.MULTILINE | re.DOTALL
)
STEPS = STEP.findall(PAGE)


@pytest.fixture
def folder() -> Iterator[Path]:
    """An empty folder below the checkout: the store refuses a shared temporary directory."""
    folder = ROOT / "build" / f"audit-{uuid.uuid4().hex}"
    folder.mkdir(parents=True, mode=0o700)
    yield folder
    shutil.rmtree(folder)


def audit(folder: Path, sabotage: str = "") -> tuple[list[str], str]:
    """Run the page; what each step printed (the last one may have failed), and how it ended."""
    assert STAGE
    script = [STAGE[1], sabotage]
    for number, code, _ in STEPS:
        script += [f"print('--- {number}', flush=True)", code]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LIVEPIN_")}
    environment["PYTHONPATH"] = str(Path(livepin.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", "\n".join(script)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    printed = re.split(r"^--- \d+\n", done.stdout, flags=re.MULTILINE)[1:]
    return printed, done.stderr if done.returncode else ""


def test_there_are_ten_steps_and_each_is_mapped() -> None:
    numbers = [str(number) for number in range(1, 11)]
    assert [number for number, _, _ in STEPS] == numbers
    assert PAGE.count("```python") == len(STEPS) + 1
    rows = re.findall(r"^\| (\d+) \| .* \| [^|]*MASVS-NETWORK-[12][^|]* \|$", PAGE, re.MULTILINE)
    assert rows == numbers
    assert all("assert " in code for _, code, _ in STEPS)


def test_an_auditor_works_through_the_page(folder: Path) -> None:
    printed, error = audit(folder)
    assert error == ""
    assert printed == [text for _, _, text in STEPS]


#: What is broken, by step: a line of Python that switches one protection off.
SABOTAGE = {
    2: "livepin.setup = lambda **values: livepin.Pinner(**values)  # set up, and not installed",
    3: (
        "from livepin.client import snapshot as broken; judging = broken.Snapshot.judge\n"
        "broken.Snapshot.judge = lambda self, peer, now: judging(self, peer, now) if peer.validated else "
        "broken.Verdict(broken.Outcome.ALLOWED, 'unlisted', 'localhost')"
    ),
    4: (
        "from livepin.client import peer as broken, pinner as judging; judge = judging.Pinner.check\n"
        "reused = broken.TlsPeer.__init__\n"
        "def noting(self, sslobj, *rest): reused(self, sslobj, *rest); resumed[id(self)] = sslobj.session_reused\n"
        "resumed = {}; broken.TlsPeer.__init__ = noting\n"
        "judging.Pinner.check = lambda self, peer: None if resumed.pop(id(peer), False) else judge(self, peer)"
    ),
    5: "from livepin.client import pinner as broken; broken.Pinner._review = lambda self: None",
    6: "from livepin.core import jws as broken; broken.PublicKey.verify = lambda self, data, signature: True",
    7: "from livepin.core import trust as broken; broken._check_audience = lambda parsed, trust: None",
    8: "from livepin.core import trust as broken; broken._check_order = lambda revision, held: None",
    9: (
        "from livepin.client import snapshot as broken; judging = broken.WithoutDocument.judge\n"
        "broken.WithoutDocument._covers = lambda self, host: False"
    ),
    10: (
        "from livepin.client import keeper as broken; from dataclasses import replace; verify = broken.verify\n"
        "broken.verify = lambda *arguments: replace(verify(*arguments), adopted=True)"
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("step", SABOTAGE)
def test_an_auditor_notices_what_is_broken(folder: Path, step: int) -> None:
    printed, error = audit(folder, SABOTAGE[step])
    assert len(printed) == step, error
    assert "AssertionError" in error
