"""Mallory types what no page expects: an answer, whatever it is, and never an error of the server's own."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from livepin.author.draft import HostEntry, PinEntry
from livepin.server.actions import drafts, hosts, publishes
from livepin.server.actions.publishes import Wish
from tests.server.web.test_hosts import visit
from tests.server.web.test_members import proved
from tests.server.world import World

SHOP = "/o/acme/p/shop/"
PIN = "A" * 43 + "="
HUGE = "9" * 30
STRANGE = [
    SHOP + f"history/{HUGE}.1/",
    SHOP + f"history/0.{2**63}/",
    SHOP + f"history/?before={HUGE}.1",
    SHOP + f"history/?before={'9' * 5000}.1",
    SHOP + "history/?before=٣.١",
    SHOP + "publishes/?before=0001-01-01T00:00:00%2B23:59",
    SHOP + "publishes/?before=9999-12-31T23:59:59-23:59",
    SHOP + "hosts/?after=%00",
    SHOP + "hosts/?like=%00&after=%ff",
    SHOP + "hosts/%00/",
    SHOP + "hosts/%ED%A0%80/",
    SHOP + "keys/%00/retire/",
    f"/o/acme/audit/?before={'9' * 5000}",
    f"/o/acme/audit/?before={2**63}",
    "/o/acme/audit/?before=٣&like=%00",
    "/o/acme/members/?after=%00",
    "/o/%00/",
    "/o/acme/p/%00/",
    "/static/livepin",
    "/static/livepin/",
    "/static/",
    "/static/%00",
    "/static/../settings.py",
    "/static/..%2f..%2fsettings.py",
]


def careful(world: World, name: str = "alice") -> Client:
    """Signed in, proved a moment ago; errors of the server are answers, as they are for a browser."""
    client = proved(visit(world, name))
    client.raise_request_exception = False
    return client


@pytest.mark.parametrize("address", STRANGE)
def test_no_address_breaks_the_server(world: World, address: str) -> None:
    assert careful(world).get(address).status_code < 500


@pytest.mark.parametrize("charset", ["hex", "unicode_escape", "utf-7", "idna", "nothing"])
def test_no_charset_breaks_the_server_or_smuggles_half_a_letter_in(world: World, charset: str) -> None:
    client = careful(world)
    kind = f"text/plain; charset={charset}"
    for address in (SHOP + "hosts/?like=\\ud800", "/api/v1/me?x=\\ud800", "/account/login/?next=\\ud800"):
        assert client.generic("GET", address, content_type=kind).status_code < 500
    boundary = "--x\r\nContent-Disposition: form-data; name=name\r\n\r\n\\ud800\r\n--x--\r\n"
    answer = client.generic(
        "POST", "/o/acme/settings/", boundary, content_type=f"multipart/form-data; boundary=x; charset={charset}"
    )
    assert answer.status_code < 500


POSTS: dict[str, dict[str, Any]] = {
    SHOP + "draft/": {"override-G1": "why\0not"},
    SHOP + "draft/publish/": {"version": "9" * 5000, "key": "k"},
    SHOP + "hosts/new/": {"pattern": "a.example.com", "action": "x\0", "chosen": "1", "pin": ["leaf \0", "\0 A"]},
    SHOP + "hosts/api.example.com/": {"version": HUGE, "action": "report", "rollout": HUGE, "ct_action": "off"},
    SHOP + "hosts/api.example.com/remove/": {"version": HUGE},
    SHOP + "hosts/api.example.com/pins/new/": {"version": "1", "pem": "-----BEGIN " * 10_000, "position": "leaf"},
    SHOP + "hosts/api.example.com/pins/remove/": {"version": HUGE, "digest": "\0"},
    SHOP + "settings/": {"name": "x", "url": "https://[", "approvals_required": "1", "proxy": "http://[::1"},
    SHOP + "draft/settings/": {"version": "1", "life_days": HUGE, "refresh_after": HUGE, "unlisted": "allow"},
    "/o/acme/members/": {"email": "a\r\nBcc: b@example.com", "role": "viewer"},
    "/o/acme/tokens/new/": {"name": "x\ny", "scope": "read", "days": HUGE},
    "/invitation/": {"code": "\ud7ff" * 100},
    "/account/command-line/": {"code": "\u0130" * 12},
    "/new/": {"identifier": "\u0661" * 3, "name": "\u202e"},
}


@pytest.mark.parametrize("address", POSTS)
def test_no_form_breaks_the_server(world: World, address: str) -> None:
    hosts.put(world.actor("bob"), "acme", "shop", None, HostEntry("api.example.com", "report", ()))
    assert careful(world).post(address, POSTS[address]).status_code < 500


LAST = 2**53 - 1


def test_a_pin_that_never_ends_breaks_no_page(world: World) -> None:
    """Documents can say times that no calendar has."""
    pins = (PinEntry("spki_sha256", PIN, end=LAST), PinEntry("spki_sha256", "B" + PIN[1:], start=LAST - 1))
    hosts.put(world.actor("bob"), "acme", "shop", None, HostEntry("api.example.com", "report", pins))
    asked = publishes.start(world.actor("paul"), "acme", "shop", Wish({"G3": "never mind", "G1": "never mind"}))
    publishes.wait(world.actor("paul"), "acme", "shop", str(asked.id))
    client = careful(world)
    for page in ("", "hosts/", "hosts/api.example.com/", "draft/", "history/", "history/0.1/", "publishes/", "keys/"):
        assert client.get(SHOP + page).status_code == 200, page


EVIL = """"><script src="//evil.example/x.js"></script><img src=x onerror=alert(1)>'{{ 7|add:7 }}"""


def test_what_members_write_stays_text_on_every_page(world: World) -> None:
    alice = world.actor("alice")
    entry = HostEntry(
        "api.example.com", "report", (PinEntry("spki_sha256", PIN, note=EVIL, source=EVIL[:16]),), reason=EVIL
    )
    hosts.put(world.actor("bob"), "acme", "shop", None, entry)
    drafts.set_settings(alice, "acme", "shop", None, life_days=20)
    asked = publishes.start(alice, "acme", "shop", Wish({"G1": EVIL}, note=EVIL))
    publishes.wait(alice, "acme", "shop", str(asked.id))
    client = careful(world)
    client.post("/o/acme/settings/", {"name": EVIL})
    client.post(SHOP + "settings/", {"name": EVIL[:100], "approvals_required": "1"})
    client.post("/o/acme/tokens/new/", {"name": EVIL, "scope": "read", "days": "1"})
    pages = [
        "/",
        "/o/acme/",
        "/o/acme/settings/",
        "/o/acme/tokens/",
        "/o/acme/members/",
        "/o/acme/audit/",
        f"/o/acme/audit/?like={EVIL}",
        f"{SHOP}hosts/?like={EVIL}",
        f"{SHOP}publishes/{asked.id}/",
        *(SHOP + one for one in ("", "hosts/api.example.com/", "draft/", "history/", "publishes/", "settings/")),
    ]
    seen = 0
    for page in pages:
        answer = client.get(page)
        assert answer.status_code == 200, page
        body = answer.content.decode()
        assert '<script src="//evil' not in body, page
        assert "<img src=x" not in body, page
        assert "'14" not in body
        assert "script-src 'self';" in answer.headers["Content-Security-Policy"]
        assert answer.headers["Cache-Control"] == "no-store"
        seen += "&lt;script" in body
    assert seen >= 6
