"""Nothing but a keyboard: where the focus goes, that it is seen, and that everything is done with it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from livepin.author.draft import HostEntry
from livepin.server.actions import hosts, publishes, warnings
from livepin.server.models import Look, Publish
from tests.server.test_drafts import DIGESTS, host
from tests.server.web.conftest import Browsers
from tests.server.web.test_glance import leaf
from tests.server.web.visitor import Visitor
from tests.server.world import World

pytestmark = pytest.mark.slow

SHOP = "/o/acme/p/shop/"
_FOCUSED = """() => {
    const one = document.activeElement, style = getComputedStyle(one), box = one.getBoundingClientRect();
    window.passed = window.passed || [];
    const last = window.passed[window.passed.length - 1];
    const ordered = !last || Boolean(last.compareDocumentPosition(one) & Node.DOCUMENT_POSITION_FOLLOWING);
    const round = window.passed.includes(one);
    if (one !== document.body) window.passed.push(one);
    return {
        tag: one.tagName, html: one.outerHTML.slice(0, 160), ordered, round,
        seen: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
        there: box.width > 0 && box.height > 0 && box.right > 0,
    };
}"""
_FOCUSABLE = """() => [...document.querySelectorAll(
    "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']"
)].filter((one) => one.checkVisibility({ visibilityProperty: true }) && !one.matches(":disabled")
    && !(one.type === "radio" && !one.checked)).length"""

_NAME = """() => { const one = document.activeElement;
    return (one.getAttribute("aria-label") || one.getAttribute("name") || one.innerText).trim(); }"""


@pytest.fixture
def troubled(people: World) -> World:
    """A project with everything that a page shows: live, staged, warnings, a publish that failed."""
    pins = host().pins
    hosts.put(people.actor("bob"), "acme", "shop", None, HostEntry("api.example.com", "report", pins))
    done = publishes.start(people.actor("paul"), "acme", "shop")
    assert publishes.wait(people.actor("paul"), "acme", "shop", str(done.id)).state == "published"
    ends = int((timezone.now() + timedelta(days=2)).timestamp())
    row = people.project.hosts.get()
    seen: dict[str, Any] = {"host": row, "name": "api.example.com:443", "not_after": ends, "validated": True}
    Look.objects.create(**seen, address="192.0.2.1", chain=[leaf(ends)])
    Look.objects.create(**seen, address="192.0.2.2", chain=[leaf(ends, DIGESTS[5])])
    hosts.put(people.actor("bob"), "acme", "shop", None, HostEntry("b.example.com", "report", pins))
    failed = publishes.start(people.actor("paul"), "acme", "shop")
    problem = {"code": "origin_failed", "message": "the origin does not answer", "hint": "Try again."}
    Publish.objects.filter(id=failed.id).update(state="failed", problem=problem)
    return people


def tabs(visitor: Visitor) -> list[dict[str, Any]]:
    """What has the focus after each Tab, until it comes round."""
    found: list[dict[str, Any]] = []
    for _ in range(400):
        visitor.page.keyboard.press("Tab")
        now = visitor.page.evaluate(_FOCUSED)
        if now["round"] or now["tag"] == "BODY":
            return found
        found.append(now)
    raise AssertionError("the focus does not come round")


PATHS = ("/", "/o/acme/", SHOP, f"{SHOP}warnings/", f"{SHOP}hosts/", f"{SHOP}hosts/api.example.com/", f"{SHOP}draft/",
         f"{SHOP}history/", f"{SHOP}history/0.1/", f"{SHOP}publishes/", f"{SHOP}keys/", "/o/acme/members/",
         "/o/acme/mail/", "/account/")  # fmt: skip


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_focus_reaches_everything_in_order_and_is_seen(visitor: Visitor, troubled: World, theme: Any) -> None:
    visitor.page.emulate_media(color_scheme=theme)
    visitor.signs_in("alice")
    for path in PATHS:
        visitor.goes_to(path)
        passed = tabs(visitor)
        assert (path, [one["html"] for one in passed if not one["ordered"]]) == (path, [])
        assert (path, [one["html"] for one in passed if not one["seen"] or not one["there"]]) == (path, [])
        assert (path, len(passed)) == (path, visitor.page.evaluate(_FOCUSABLE))
        assert 'class="skip"' in passed[0]["html"]


def test_the_skip_link_is_seen_and_leads_past_the_navigation(visitor: Visitor, troubled: World) -> None:
    visitor.signs_in("bob")
    visitor.goes_to(SHOP)
    visitor.page.keyboard.press("Tab")
    skip = visitor.page.get_by_role("link", name="To the content")
    box = skip.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    visitor.page.keyboard.press("Enter")
    assert visitor.page.evaluate("document.activeElement.id") == "main"


def test_somebody_signs_in_and_acknowledges_a_warning_by_keyboard_alone(browsers: Browsers, troubled: World) -> None:
    visitor = browsers.new(scripts=False)
    visitor.goes_to("/account/login/")
    keys = visitor.page.keyboard

    def moves_to(what: str) -> None:
        for _ in range(80):
            keys.press("Tab")
            if str(visitor.page.evaluate(_NAME)).startswith(what):
                return
        raise AssertionError(f"no Tab leads to {what}")

    moves_to("login")
    keys.type("bob@example.com")
    moves_to("password")
    keys.type("bob's password")
    keys.press("Enter")
    visitor.page.wait_for_url(f"{visitor.address}/")
    for link, place in (("acme", "/o/acme/"), ("shop", SHOP)):
        moves_to(link)
        keys.press("Enter")
        visitor.page.wait_for_url(f"{visitor.address}{place}")
    moves_to("Acknowledge: ")
    keys.press("Enter")
    visitor.page.wait_for_url(f"{visitor.address}{SHOP}warnings/")
    noted = [one for one in warnings.listed(troubled.actor("bob"), "acme", "shop") if one.acknowledged_at]
    assert len(noted) == 1


@pytest.mark.parametrize(("scripts", "zone"), [(True, "Europe/Athens"), (False, "UTC")])
def test_times_are_the_readers_and_exact_on_hover(
    browsers: Browsers, troubled: World, *, scripts: bool, zone: str
) -> None:
    visitor = browsers.new(scripts=scripts)
    visitor.signs_in("carol")
    visitor.goes_to(f"{SHOP}history/")
    shown = visitor.page.locator("td time").first
    exact = shown.get_attribute("datetime")
    assert exact is not None
    assert shown.get_attribute("title") == exact
    when = f"new Date('{exact}').toLocaleTimeString('en-GB', {{timeZone: '{zone}', timeStyle: 'short'}})"
    said = browsers.new().page.evaluate(when)
    assert said in shown.inner_text()
    assert ("UTC" in shown.inner_text()) is not scripts


def test_the_pages_of_a_project_in_trouble_are_clean(visitor: Visitor, troubled: World) -> None:
    visitor.signs_in("alice")
    failed = Publish.objects.get(state="failed").id
    for path in (*PATHS, f"{SHOP}publishes/{failed}/"):
        visitor.goes_to(path)
        assert visitor.violations() == []
        assert (path, visitor.overflows()) == (path, [])
