"""The journey of somebody who has never pinned anything: from an empty organization to a published document."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from livepin.core.trust import verify_held
from livepin.server.actions import keys
from livepin.server.models import Project
from livepin.server.settings import CONFIG
from livepin.testing import CertificateAuthority, TlsServer
from livepin.testing.cast import Cast
from tests.server.web.conftest import Browsers
from tests.server.web.visitor import Visitor
from tests.server.world import World

pytestmark = pytest.mark.slow


class Clicks:
    """Counts what somebody clicks."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self.count = 0

    def button(self, name: str) -> None:
        self._page.locator("main").get_by_role("button", name=name).click()
        self.count += 1

    def link(self, name: str) -> None:
        self._page.locator("main").get_by_role("link", name=name, exact=True).first.click()
        self.count += 1


@pytest.fixture
def service(cast: Cast) -> Iterator[TlsServer]:
    """A live HTTPS service for localhost, below a private authority."""
    with TlsServer(cast.genuine) as server:
        yield server


def trust(cast: Cast, project: str) -> None:
    """The project's looks trust the private authority; a public service would need no such thing."""
    Project.objects.filter(organization__identifier="acme", identifier=project).update(ca_pem=cast.authority.root_pem)


def document(project: str) -> str:
    return (Path(CONFIG.origin_folder) / "acme" / project / "pins.jws").read_text()


@pytest.mark.parametrize("scripts", [True, False])
def test_a_newcomer_publishes_a_first_document_in_under_ten_clicks(
    browsers: Browsers, service: TlsServer, cast: Cast, people: World, *, scripts: bool
) -> None:
    visitor = browsers.new(scripts=scripts)
    visitor.signs_in("alice")
    visitor.goes_to("/o/acme/")
    page, clicks = visitor.page, Clicks(visitor.page)
    clicks.link("New project")
    page.get_by_label("Identifier").fill("first")
    clicks.button("Make it")
    trust(cast, "first")
    clicks.link("Add a host")
    page.get_by_label("Host").fill("localhost")
    page.get_by_label("Look at").fill(f"localhost:{service.port}")
    page.get_by_label("Action").select_option("enforce")
    clicks.button("Look at it")
    assert visitor.sees("serves")
    assert page.get_by_role("checkbox").first.is_checked()
    assert not scripts or visitor.violations() == []
    page.get_by_label("Public key of a backup").fill(CertificateAuthority().issue("localhost").chain_pem)
    clicks.button("Stage it")
    assert visitor.sees("localhost")
    clicks.button("Check it against what is live")
    assert visitor.sees("Nothing speaks against publishing")
    assert not scripts or visitor.violations() == []
    clicks.button("Sign and publish")
    visitor.proves("alice")
    published(visitor, scripts=scripts)
    assert clicks.count < 10
    project = Project.objects.get(organization__identifier="acme", identifier="first")
    held = verify_held(document("first"), keys.trust_of(project))
    assert held.number == (0, 1)
    visitor.goes_to("/o/acme/p/first/")
    assert visitor.sees("serves 0.1")
    assert not scripts or visitor.violations() == []
    visitor.goes_to("/o/acme/p/first/history/0.1/")
    assert not scripts or visitor.violations() == []


def published(visitor: Visitor, *, scripts: bool = True) -> None:
    """The page follows by itself; without scripts one looks again."""
    visitor.page.wait_for_selector("#progress")
    for _ in range(10):
        if not scripts and not visitor.sees("published"):
            visitor.page.get_by_role("link", name="Look again").click()
    visitor.page.wait_for_selector("#progress .tag.good")


def test_the_guard_refuses_and_a_reason_overrides_it(
    visitor: Visitor, service: TlsServer, cast: Cast, people: World
) -> None:
    visitor.signs_in("alice")
    visitor.goes_to("/o/acme/new/")
    page, clicks = visitor.page, Clicks(visitor.page)
    page.get_by_label("Identifier").fill("second")
    clicks.button("Make it")
    trust(cast, "second")
    visitor.goes_to("/o/acme/p/second/hosts/new/")
    page.get_by_label("Host").fill("localhost")
    page.get_by_label("Look at").fill(f"localhost:{service.port}")
    page.get_by_label("Action").select_option("enforce")
    clicks.button("Look at it")
    clicks.button("Stage it")
    clicks.button("Check it against what is live")
    assert visitor.sees("active pins: 1, needed: 2")
    assert not page.get_by_role("button", name="Sign and publish").count()
    page.get_by_label("Reason to override G1").fill("a backup key follows next week")
    clicks.button("Check again with these reasons")
    assert visitor.sees("overridden: a backup key follows next week")
    clicks.button("Sign and publish")
    visitor.proves("alice")
    published(visitor)
    assert visitor.sees("a backup key follows next week")
    assert visitor.violations() == []
