"""Reads of the API against a bare Django view that makes the same queries and answers with the same JSON."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from typing import Any

from bench.ratio import Row, side_by_side

HOSTS = 20
TARGET = 1.5


def rows() -> Iterator[Row]:
    """A page of hosts, and a whole draft, on SQLite, through all middleware on both sides."""
    with tempfile.TemporaryDirectory(prefix="livepin-bench-") as folder:
        _set_up(folder)
        token = _fill()
        project = "/api/v1/organizations/acme/projects/shop"
        for what, path in ((f"a page of {HOSTS} hosts", "draft/hosts"), (f"a draft of {HOSTS} hosts", "draft")):
            ours, theirs = _asked(f"{project}/{path}", token), _asked("/bare", token)
            yield Row(f"API: {what}", "bare Django view, same queries", *side_by_side(ours, theirs), TARGET)


def _set_up(folder: str) -> None:
    settings = {"DATA": folder, "MASTER_KEYS": "07" * 32, "SECRET_KEY": "bench" * 10, "REQUESTS_PER_MINUTE": "0"}
    os.environ |= {f"LIVEPIN_SERVER_{name}": value for name, value in settings.items()}
    os.environ |= {"LIVEPIN_SERVER_LOG_LEVEL": "error", "DJANGO_SETTINGS_MODULE": "livepin.server.settings"}
    import django

    django.setup()
    from django.conf import settings as live
    from django.core.management import call_command
    from django.urls import include, path

    from livepin.server import logs, urls
    from livepin.server.settings import CONFIG

    logs.configure(CONFIG, "http")
    live.ALLOWED_HOSTS = ["testserver"]
    call_command("migrate", verbosity=0)
    urls.urlpatterns[:] = [path("bare", _bare), path("api/", include("livepin.server.api.urls"))]


def _fill() -> str:
    from livepin.author.draft import HostEntry, PinEntry
    from livepin.core.base64s import b64
    from livepin.server.actions import drafts, organizations, projects, tokens
    from livepin.server.actions.actor import Actor
    from livepin.server.models import Account

    alice = Actor(Account.objects.create_user("alice@example.com"))
    organizations.create(alice, "acme")
    project = projects.create(alice, "acme", "shop")
    pins = tuple(PinEntry("spki_sha256", b64(bytes([number]) * 32)) for number in range(2))
    drafts.write_hosts(project, [HostEntry(f"h{number}.example.com", "report", pins) for number in range(HOSTS)])
    return tokens.create(alice, "acme", "bench", "read", 1).text


def _asked(path: str, token: str) -> Callable[[], object]:
    from django.test import Client

    client, headers = Client(), {"Authorization": f"Bearer {token}"}

    def ask() -> None:
        assert client.get(path, headers=headers).status_code == 200

    return ask


def _bare(request: Any) -> Any:
    """What anybody would write in one go: no schema, no roles, no rate limit, no cursors."""
    from django.http import HttpResponse

    from livepin.server.models import ApiToken, Membership, Project

    secret = request.headers["Authorization"].partition(" ")[2]
    kept = hashlib.sha256(secret.encode()).hexdigest()
    token = ApiToken.objects.select_related("account").get(secret_hash=kept)
    project = Project.objects.select_related("organization").get(organization__identifier="acme", identifier="shop")
    Membership.objects.filter(organization=project.organization, account=token.account).first()
    hosts = [
        {
            "host": host.pattern,
            "action": host.action,
            "pins": [
                {pin.member: pin.digest, "position": pin.position, "note": pin.note, "source": pin.source}
                for pin in host.pins.all()
            ],
            "deny": host.deny,
            "rollout": host.rollout,
            "when_expired": host.when_expired,
            "reason": host.reason,
            "look_at": host.look_at,
            "address": host.address,
        }
        for host in project.hosts.order_by("pattern").prefetch_related("pins")
    ]
    return HttpResponse(json.dumps({"items": hosts}), content_type="application/json")
