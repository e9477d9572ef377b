"""A real Chromium against the real pages. Screenshots of failures are kept in build/screenshots."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.server.web.visitor import SHOTS, Visitor
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


@pytest.fixture
def people(transactional_db: None) -> World:
    """The cast, in a database that the server's threads see too; everybody's password is their name, long enough."""
    world = World.make()
    for name, account in world.accounts.items():
        account.set_password(f"{name}'s password")
        account.save()
        EmailAddress.objects.create(user=account, email=account.email, verified=True, primary=True)
    return world


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """One visitor's browser: its own cookies."""
    context = browser.new_context(locale="en-GB", timezone_id="Europe/Athens")
    context.set_default_timeout(10_000)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext, request: pytest.FixtureRequest) -> Iterator[Page]:
    """One tab; when the test fails, what it showed last is kept."""
    page = context.new_page()
    yield page
    report: Any = getattr(request.node, "report", None)
    if report is not None and report.failed:
        SHOTS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=SHOTS / f"{Path(request.node.name).name[:80]}.png", full_page=True)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    """Let `page` know how the test ended."""
    report = yield
    if report.when == "call":
        item.report = report  # type: ignore[attr-defined]
    return report


@pytest.fixture
def visitor(page: Page, live_server: Any, people: World) -> Visitor:
    """Somebody in front of a browser who has not signed in."""
    return Visitor(page, live_server.url)
