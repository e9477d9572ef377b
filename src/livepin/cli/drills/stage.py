"""The stage of a drill: a service, a thief's server, an origin behind a CDN, and an operator who types."""

from __future__ import annotations

import json
import os
import secrets
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from livepin.cli.drills.cdn import Cdn
from livepin.cli.drills.report import DrillFailed, Report
from livepin.cli.drills.running import Running
from livepin.cli.passphrase import ANCHOR_VARIABLE, VARIABLE
from livepin.client.schedule import JITTER
from livepin.publish.places import pointer_key
from livepin.testing.cast import Cast
from livepin.testing.tls import TlsServer

HOST = "api.example.com"
ORGANIZATION, PROJECT = "acme", "shop"
POINTER = pointer_key(ORGANIZATION, PROJECT)
#: Seconds for which the CDN keeps the pointer.
MAX_AGE = 2.0
#: What the application's own rounds of visits and one fetch take at most, on a machine that has much to do.
SLACK = 3.0
_COMMAND_SECONDS = 60


class Stage:
    """Everything that one drill plays with. A context manager; all of it is gone afterwards."""

    def __init__(self, folder: Path, report: Report, refresh_after: int) -> None:
        """`refresh_after` in seconds, as documents of this drill say it."""
        self.folder = folder
        self.report = report
        self.refresh_after = refresh_after
        self.work = folder / "work"
        self.work.mkdir(parents=True)
        self.cast = Cast(HOST)
        self.passphrase, self._anchor_passphrase = secrets.token_urlsafe(18), secrets.token_urlsafe(18)
        #: What else the operator's shell has: the server that is meant, in the drill of a server that stands.
        self.variables: dict[str, str] = {}
        self._running: Running | None = None
        self._stack = ExitStack()

    def __enter__(self) -> Stage:
        self.service = self._stack.enter_context(TlsServer(self.cast.genuine))
        self.thief = self._stack.enter_context(TlsServer(self.cast.evil))
        self.cdn = self._stack.enter_context(Cdn(self.work / "public", MAX_AGE))
        self.folder.joinpath("ca.pem").write_text(self.cast.authority.root_pem, "ascii")
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._stack.close()

    def another_cdn(self, folder: Path) -> Cdn:
        """A CDN in front of another folder, or a second one in front of the same."""
        return self._stack.enter_context(Cdn(folder, MAX_AGE))

    @property
    def bound(self) -> float:
        """Seconds within which every application has seen what was published: by then it has asked again, and the
        CDN's copy is no older than its `max-age`."""
        return self.refresh_after * (1 + JITTER) + MAX_AGE + SLACK

    @property
    def patience(self) -> float:
        """Seconds that a drill waits for what is not measured: a busy machine is no failure."""
        return 4 * self.bound

    # ------------------------------------------------------------------ the operator

    def livepin(self, *words: str, remedy: bool = False, status: int = 0, folder: Path | None = None) -> dict[str, Any]:
        """Type a command; its JSON. `remedy`: it is part of what ends the attack. Raises `DrillFailed`."""
        began = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-m", "livepin", *words, "--json"],
            cwd=folder or self.work,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_COMMAND_SECONDS,
        )
        seconds = time.monotonic() - began
        (self.report.count if remedy else self.report.typed)(f"livepin {shlex.join(words)}", seconds)
        if done.returncode != status:
            raise DrillFailed(f"livepin {' '.join(words)} ended with {done.returncode}: {done.stdout}{done.stderr}")
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.upper().startswith("LIVEPIN_")}
        return {**kept, VARIABLE: self.passphrase, ANCHOR_VARIABLE: self._anchor_passphrase, **self.variables}

    @property
    def anchor_passphrase(self) -> str:
        """What opens the anchors."""
        return self._anchor_passphrase

    def init(self, *options: str, project: str = PROJECT, url: str = "", **typed: Any) -> None:
        """A project that pins the service, published. `typed`: as for `livepin`."""
        where = ["--address", f"127.0.0.1:{self.service.port}", "--ca", "../ca.pem", "--url", url or self.cdn.url]
        self.livepin("init", f"{ORGANIZATION}/{project}", HOST, *where, *options, **typed)

    def begin(self, *options: str) -> None:
        """The project of the drill, with its `refresh_after`; its second revision is published."""
        self.init(*options)
        file = self.work / "livepin.toml"
        text = file.read_text("utf-8").replace("[document]\n", f"[document]\nrefresh_after = {self.refresh_after}\n")
        file.write_text(text, "utf-8")
        self.livepin("publish")

    def published(self) -> str:
        """The text of the pointer at the origin."""
        return self.work.joinpath("public", POINTER).read_text("ascii")

    def embedded(self, folder: Path | None = None, *, remedy: bool = False) -> dict[str, Any]:
        """What the application embeds: arguments of set-up."""
        said = self.livepin("embed", folder=folder, remedy=remedy)
        names = ("organization_id", "project_id", "public_key", "threshold", "configuration_url")
        return {name: said[name] for name in names if name in said}

    # ------------------------------------------------------------------ the application

    @property
    def application(self) -> Running:
        """The application that runs."""
        assert self._running is not None
        return self._running

    def start(self, *, remote: str = "", stored: bool = False, led_astray: bool = True, **embedded: Any) -> Running:
        """Start the application. `remote`: URL of its own remote configuration; `stored`: it keeps its document.

        `led_astray`: half of its connections end at the thief's server.
        """
        servers = {"service": self.service.port} | ({"thief": self.thief.port} if led_astray else {})
        told = {
            "ca": self.cast.authority.root_pem,
            "host": HOST,
            "servers": servers,
            "embedded": embedded,
            "remote": remote,
            "store": str(self.folder / "store") if stored else None,
        }
        self._running = Running(told)
        return self._running

    def stop(self) -> None:
        """End the application, if it runs."""
        running, self._running = self._running, None
        if running is not None:
            running.end()

    def start_pinned(self, **told: Any) -> None:
        """Start it, and see that the service answers and the thief is refused."""
        self.start(**told).wait(self.is_safe, self.patience, "the service answers, the thief is refused")
        self.report.claim("the application talks to its service and refuses the thief", self.is_safe())

    def is_safe(self) -> bool:
        """Whether the service answers and the thief is refused by his pins."""
        return self.application.lets_in("service") and self.application.visit("thief") == "pin_mismatch"

    def let_thief_in(self, text: str, origin: Path | None = None) -> None:
        """He puts a document of his own where the pointer is: what he can do who has the machine that publishes.

        The application takes it up: that is what was stolen.
        """
        (origin or self.work / "public").joinpath(POINTER).write_text(text, "ascii")
        time.sleep(MAX_AGE)
        self.application.refresh()
        self.application.wait(lambda: self.application.lets_in("thief"), self.patience, "the thief is let in")
        self.report.claim("the thief publishes first: the application lets him in", self.application.lets_in("thief"))

    def wait_until_safe(self) -> None:
        """Measure how long it takes from now until the application refuses the thief."""
        seconds = self.application.wait(self.is_safe, self.patience, "the thief is refused")
        self.report.measured(seconds, self.bound)

    @contextmanager
    def refused(self, what: str, code: str, rule: str) -> Iterator[None]:
        """The block does something of the thief's: the application has to say that it refused it, and why."""
        told, held = self.application.told, self.application.held
        yield
        self.application.refresh()
        self.application.wait_event(code, self.patience, since=told)
        self.report.refuses(what, code, rule)
        if not self.is_safe() or self.application.held != held:
            self.report.claim("and nothing changed", False)
