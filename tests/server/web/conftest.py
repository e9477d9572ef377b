"""A real Chromium against the real pages. Screenshots of failures are kept in build/screenshots."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from livepin.server.settings import CONFIG
from tests.artefacts import SHOTS
from tests.server.web.visitor import Visitor
from tests.server.world import World

# Playwright runs an event loop in this thread; Django would refuse to ask its database from here.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"


# A module, no longer: while Playwright lives, an event loop seems to run in this thread, and other tests ask for one.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, headless; everything that would leave this machine is switched off."""
    program = shutil.which("chromium")
    if program is None:
        if os.environ.get("CI"):
            pytest.fail("there is no chromium")
        pytest.skip("there is no chromium")
    quiet = ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=[*quiet, "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture(autouse=True)
def _origin(tmp_path: Path) -> Iterator[None]:
    """An origin of this test's own: numbers that other tests took would be taken."""
    before = CONFIG.origin_folder
    object.__setattr__(CONFIG, "origin_folder", tmp_path / "origin")
    yield
    object.__setattr__(CONFIG, "origin_folder", before)


@pytest.fixture
def people(transactional_db: None) -> World:
    """The cast, in a database that the server's threads see too; everybody's password is their name, long enough."""
    world = World.make()
    for name in world.accounts:
        world.with_password(name, f"{name}'s password")
    return world


class Browsers:
    """Browsers of several people, each with its own cookies; when the test fails, what they showed last is kept."""

    def __init__(self, browser: Browser, address: str) -> None:
        self._browser, self._address = browser, address
        self._visitors: list[Visitor] = []

    def new(self, *, scripts: bool = True) -> Visitor:
        """Somebody in front of a browser of their own, which may run no scripts."""
        context = self._browser.new_context(
            locale="en-GB", timezone_id="Europe/Athens", java_script_enabled=scripts, accept_downloads=True
        )
        context.set_default_timeout(10_000)
        self._visitors.append(Visitor(context.new_page(), self._address))
        return self._visitors[-1]

    def end(self, keep: str) -> None:
        """Close all; `keep` names their pictures, and is empty where none is worth keeping."""
        for number, visitor in enumerate(self._visitors):
            if keep:
                SHOTS.mkdir(parents=True, exist_ok=True)
                visitor.page.screenshot(path=SHOTS / f"{keep}-{number}.png", full_page=True)
            visitor.page.context.close()


@pytest.fixture
def browsers(browser: Browser, live_server: Any, request: pytest.FixtureRequest) -> Iterator[Browsers]:
    """As many people as a test needs."""
    opened = Browsers(browser, live_server.url)
    yield opened
    report: Any = getattr(request.node, "report", None)
    opened.end(Path(request.node.name).name[:80] if report is not None and report.failed else "")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    """Let `browsers` know how the test ended."""
    report = yield
    if report.when == "call":
        item.report = report  # type: ignore[attr-defined]
    return report


@pytest.fixture
def visitor(browsers: Browsers, people: World) -> Visitor:
    """Somebody in front of a browser who has not signed in."""
    return browsers.new()
