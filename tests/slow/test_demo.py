"""`make demo`, as somebody sees it who has just cloned the repository."""

from __future__ import annotations

import os
import re
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.attacker import find_mitmdump
from demo.origin import find_nginx, require_nginx
from demo.stage import UNPINNED
from demo.waiting import DemoFailed

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

CHECKOUT = Path(__file__).parents[2]
BUILD = CHECKOUT / "build"


class Demo:
    """Runs the demo, and knows what it leaves behind."""

    def __init__(self) -> None:
        self._before = self._folders()

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Start it, in a process group of its own and ready to be interrupted, as a terminal does."""
        # A shell that starts these tests in its background lets them, and what they start, ignore SIGINT.
        interruptible = "import os, signal, sys; signal.signal(2, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])"
        demo = [sys.executable, "-m", "demo", "--plain", *arguments]
        command = [sys.executable, "-c", interruptible, *demo]
        return subprocess.Popen(
            command,
            cwd=CHECKOUT,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def tell(self, *arguments: str, **environment: str) -> tuple[int, str]:
        """Run it to its end; exit status and everything it said."""
        with self.start(*arguments, **environment) as process:
            said, _ = process.communicate(timeout=280)
            return process.returncode, said

    def processes(self) -> list[str]:
        """Processes that work in a folder of the demo, whether or not that is still there."""
        found = []
        for path in Path("/proc").glob("[0-9]*/cwd"):
            try:
                if str(path.readlink()).startswith(f"{BUILD}/demo-"):
                    found.append((path.parent / "cmdline").read_text())
            except OSError:  # ended meanwhile, or somebody else's
                continue
        return found

    def folders(self) -> set[Path]:
        """Folders that were left since the test began."""
        return self._folders() - self._before

    def _folders(self) -> set[Path]:
        return set(BUILD.glob("demo-*"))


@pytest.fixture
def demo() -> Iterator[Demo]:
    try:
        find_mitmdump(CHECKOUT)
    except DemoFailed as missing:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(missing))
    run = Demo()
    yield run
    for folder in run.folders():
        shutil.rmtree(folder)


def test_the_story_is_told_in_a_minute_and_every_claim_holds(demo: Demo) -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    status, said = demo.tell()
    assert status == 0, said
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    # Of processor time: how long a busy machine makes it wait is not the story's doing.
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 60
    token = re.search(
        r"^ +GET https://localhost:\d+/orders  Authorization: Bearer (shop_[0-9a-f]{12})$", said, re.MULTILINE
    )
    assert token, "the attacker's log is shown, with the token of the unpinned application"
    for line in (
        r"  ok  requests is allowed, and gets its answer ",
        r"  ok  httpx is allowed, and gets its answer ",
        r"  ok  with pins: requests is refused ",
        r"  ok  with pins: httpx is refused ",
        r"  ok  and its log is empty: not one request decrypted ",
        r"  ok  every request succeeds: the backup was pinned ",
        r"  ok  the first handshake fetched 0\.2 before it decided ",
        r"  ok  process \d+ never noticed: no failed request ",
        r"  ok  an old one, revision 0\.1: refused ",
        r"  ok  one signed by a stranger: refused ",
        r"  ok  one of another project, by the same key: refused ",
        r"  ok  the right key, but requests is refused ",
        r"  ok  the right key, but httpx is refused ",
        r"  ok  with its SCTs it is allowed again ",
        r"  ok  the server has the public half of the key alone ",
        r"  ok  the application takes up 0\.4, and goes on ",
        r"  ok  nobody answers where the dashboard was ",
        r"  ok  the command line pins and publishes, as 0\.5 ",
        r"  ok  the server is unreachable ",
        r"  ok  it is denied from files, without a server, as 0\.6 ",
        r"  ok  the thief is refused by the running application ",
        r"  ok  the server's own origin serves it, too ",
        r"  ok  0\.6 was adopted, not overwritten ",
        r"  ok  process \d+ was never restarted, in \d+ s ",
        r"(\d+) of \1 claims held, in \d+ s\.$",
        r"  docs/quickstart\.md ",
    ):
        assert re.search(f"^{line}", said, re.MULTILINE), f"{line}\n{said}"
    assert "FAILED" not in said
    # Nothing of it is left: neither files nor processes.
    assert (demo.folders(), demo.processes()) == (set(), [])


def test_it_does_without_nginx_and_says_so_and_keeps_its_folder_when_asked_to(demo: Demo) -> None:
    status, said = demo.tell("--without-nginx", KEEP="1")
    assert status == 0, said
    assert "a static server for the document: Python's own static server" in said
    (folder,) = demo.folders()
    assert f"everything that was made is in {folder}" in said
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "project" / "public" / "acme" / "shop" / "pins.jws").exists()
    assert (folder / "attacker" / "mitmproxy-ca.pem").exists()
    assert f"livepin serve --data {folder / 'server'}" in said
    assert demo.processes() == []


def test_a_claim_that_does_not_hold_is_explained_and_fails_the_demo(demo: Demo) -> None:
    status, said = demo.tell(**{UNPINNED: "1"})
    assert status == 1, said
    assert re.search(r"FAILED +with pins: requests is refused .*\n +expected: pin_mismatch\n +found: +answered", said)
    assert re.search(r"FAILED +and its log is empty.*\n +expected: \[\]\n +found: +\['GET https://localhost", said)
    assert "A claim failed, so the story ends here." in said
    assert re.search(r"^10 of 14 claims held", said, re.MULTILINE)
    assert "Two rotations" not in said
    assert (demo.folders(), demo.processes()) == (set(), [])


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_whoever_interrupts_it_finds_nothing_left(demo: Demo, number: signal.Signals, status: int) -> None:
    with demo.start() as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "it stays until the end" in line:
                break
        assert len(demo.processes()) >= 3, "the shop, the origin and the application"
        assert len(demo.folders()) == 1
        process.send_signal(number)
        process.communicate(timeout=60)
    assert process.returncode == status
    assert (demo.folders(), demo.processes()) == (set(), [])


def test_a_build_machine_without_nginx_is_told_to_install_it(tmp_path: Path) -> None:
    missing = find_nginx(str(tmp_path))
    assert missing is None
    assert require_nginx(missing, {}) is None
    with pytest.raises(DemoFailed, match="nginx is not installed"):
        require_nginx(missing, {"CI": "true"})


def test_a_missing_mitmproxy_is_named_with_the_command_that_installs_it(tmp_path: Path) -> None:
    with pytest.raises(DemoFailed, match="`make attacker`"):
        find_mitmdump(tmp_path)
