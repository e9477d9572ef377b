"""Every page: readable by everybody, at every width, in both themes, and asking nobody else for anything."""

from __future__ import annotations

import pytest

from livepin.server.actions import hosts
from tests.server.test_drafts import host
from tests.server.web.visitor import Visitor
from tests.server.world import World

pytestmark = pytest.mark.slow

ENTRANCE = (
    "/welcome/",
    "/invitation/",
    "/account/login/",
    "/account/password/reset/",
    "/account/signup/",
    "/account/reopen/",
)
INSIDE = (
    "/",
    "/new/",
    "/account/",
    "/account/email/",
    "/account/password/change/",
    "/account/2fa/",
    "/account/2fa/totp/activate/",
    "/account/2fa/webauthn/add/",
    "/account/sessions/",
    "/account/close/",
    "/account/logout/",
    "/o/acme/",
    "/o/acme/new/",
    "/o/acme/settings/",
    "/o/acme/end/",
    "/o/acme/members/",
    "/o/acme/mail/",
    "/o/acme/tokens/",
    "/o/acme/tokens/new/",
    "/o/acme/audit/",
    "/account/command-line/",
    "/o/acme/p/shop/",
    "/o/acme/p/shop/settings/",
    "/o/acme/p/shop/draft/settings/",
    "/o/acme/p/shop/draft/",
    "/o/acme/p/shop/publishes/",
    "/o/acme/p/shop/history/",
    "/o/acme/p/shop/keys/",
    "/o/acme/p/shop/keys/new/",
    "/o/acme/p/shop/keys/keyset/",
    "/o/acme/p/shop/end/",
    "/o/acme/p/shop/warnings/",
    "/o/acme/p/shop/embed/",
    "/o/acme/p/shop/hosts/new/",
    "/o/acme/p/shop/hosts/",
    "/o/acme/p/shop/hosts/api.example.com/",
    "/o/acme/p/shop/hosts/api.example.com/pins/new/",
    "/no/such/page/",
)


def check(visitor: Visitor, path: str) -> None:
    asked: list[str] = []
    visitor.page.on("request", lambda request: asked.append(request.url))
    problems: list[str] = []
    visitor.page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    visitor.goes_to(path)
    visitor.proves("alice")
    assert visitor.violations() == []
    assert (path, visitor.overflows()) == (path, [])
    assert [url for url in asked if not url.startswith((visitor.address, "data:"))] == []
    assert [text for text in problems if "404" not in text] == []


@pytest.mark.parametrize("path", ENTRANCE)
def test_a_page_before_signing_in_is_clean(visitor: Visitor, path: str) -> None:
    check(visitor, path)


def test_the_pages_behind_the_entrance_are_clean(visitor: Visitor, people: World) -> None:
    hosts.put(people.actor("bob"), "acme", "shop", 1, host())
    visitor.signs_in("alice")
    for path in INSIDE:
        check(visitor, path)
