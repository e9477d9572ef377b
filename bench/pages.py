"""The first pages of a large project against the least that either must do: verify its document once, and read it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from bench.ratio import Row, side_by_side
from livepin.core.base64s import b64
from livepin.core.trust import verify_held

MANY = 10_000
TARGET = 3.5


def rows() -> Iterator[Row]:
    """As a person on call opens them again and again; Django is set up, and the dashboard served."""
    project = _large()
    theirs = _verifying(project)
    for what, path in (("a project's first page", ""), ("its warnings", "warnings/")):
        ours = _looking(f"/o/large/p/shop/{path}")
        measured = side_by_side(ours, theirs, rounds=15, seconds=0)
        yield Row(f"dashboard: {what}, {MANY:,} hosts", "its document verified once", *measured, TARGET)


def _large() -> Any:
    """A published project, and a look at every host of it."""
    from django.utils import timezone

    from livepin.author.draft import HostEntry, PinEntry
    from livepin.server.actions import delivery, drafts, organizations, projects, publishes
    from livepin.server.actions.actor import Actor
    from livepin.server.models import Account, Look, Publish

    alice = Actor(Account.objects.get(email="alice@example.com"))
    organizations.create(alice, "large")
    project = projects.create(alice, "large", "shop")
    keys = [[b64(number.to_bytes(32, "big")) for number in (2 * one, 2 * one + 1)] for one in range(MANY)]
    hosts = [
        HostEntry(f"h{one:05}.example.com", "report", tuple(PinEntry("spki_sha256", key) for key in keys[one]))
        for one in range(MANY)
    ]
    drafts.write_hosts(project, hosts)
    asked = publishes.start(alice, "large", "shop")
    # Nobody looks at ten thousand hosts for this.
    Publish.objects.filter(id=asked.id).update(state="waiting", checked_at=timezone.now())
    delivery.run(str(asked.id))
    now = int(time.time())
    looks = [
        Look(
            host=row, name=f"{row.pattern}:443", address="192.0.2.1", validated=True, not_after=now + 90 * 86_400,
            chain=[_certificate(key, now), _certificate(keys[0][0], now), _certificate(keys[0][1], now)],
        )
        for row, (key, _) in zip(project.hosts.order_by("pattern"), keys, strict=True)
    ]  # fmt: skip
    Look.objects.bulk_create(looks, batch_size=500)
    return project


def _certificate(key: str, now: int) -> dict[str, Any]:
    digests = {"spki_sha256": key, "spki_sha512": 2 * key, "cert_sha256": key, "cert_sha512": 2 * key}
    names = {"subject": "CN=api.example.com", "issuer": "CN=authority", "names": ["api.example.com"]}
    return {**names, "not_before": now - 86_400, "not_after": now + 90 * 86_400, "digests": digests}


def _verifying(project: Any) -> Callable[[], object]:
    from livepin.server.actions import keys, revisions

    row, trust = revisions.current(project), keys.trust_of(project)
    assert row is not None
    return lambda: verify_held(row.text, trust)


def _looking(path: str) -> Callable[[], object]:
    from django.test import Client

    from livepin.server.models import Account

    client = Client()
    client.force_login(Account.objects.get(email="alice@example.com"))

    def look() -> object:
        answer = client.get(path)
        assert answer.status_code == 200, answer.content
        return answer

    return look
