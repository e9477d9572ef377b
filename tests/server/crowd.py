"""People who use an installation from processes of their own: `python -m tests.server.crowd …`.

make COUNT         projects shop0, shop1 …, each with a first publish asked for
ask COUNT SEED     change the draft of some project and ask, again and again
warn               let a look have seen a certificate that ends soon
enqueue TASK JSON  a job
jobs               how the jobs stand, and which are dead, as JSON
"""

from __future__ import annotations

import json
import os
import random
import sys
import time

os.environ["DJANGO_SETTINGS_MODULE"] = "livepin.server.settings"

import django

django.setup()

from django.utils import timezone  # noqa: E402

from livepin.author.draft import HostEntry, PinEntry  # noqa: E402
from livepin.server import queue  # noqa: E402
from livepin.server.actions import hosts, organizations, projects, publishes  # noqa: E402
from livepin.server.actions.actor import Actor  # noqa: E402
from livepin.server.models import Account, Host, Look, Project  # noqa: E402

PIN = PinEntry("spki_sha256", "A" * 42 + "A=")


def _alice() -> Actor:
    return Actor(Account.objects.get(email="alice@example.com"))


def make(count: str) -> None:
    Account.objects.create_user("alice@example.com")
    organizations.create(_alice(), "acme")
    for number in range(int(count)):
        projects.create(_alice(), "acme", f"shop{number}")
        _publish(f"shop{number}", "first")


def _publish(project: str, name: str) -> None:
    hosts.put(_alice(), "acme", project, None, HostEntry(f"{name}.example.com", "report", (PIN,)))
    publishes.start(_alice(), "acme", project)


def ask(count: str, seed: str) -> None:
    chance, names = random.Random(int(seed)), list(Project.objects.values_list("identifier", flat=True))
    for number in range(int(count)):
        _publish(chance.choice(names), f"host{number}")
        time.sleep(chance.random() * 0.8)


def warn() -> None:
    now = int(timezone.now().timestamp())
    digests = {"spki_sha256": PIN.digest, "cert_sha256": PIN.digest}
    leaf = {"subject": "", "names": [], "not_before": now - 86 * 86_400, "not_after": now + 4 * 86_400}
    host = Host.objects.filter(project__identifier="shop0")[0]
    Look.objects.create(host=host, name="a look of ours", address="-", chain=[leaf | {"digests": digests}])


def enqueue(task: str, arguments: str) -> None:
    queue.enqueue(task, json.loads(arguments))


def jobs() -> None:
    print(json.dumps({"counts": queue.standing().counts, "dead": [one.task for one in queue.dead()]}))


if __name__ == "__main__":
    {"make": make, "ask": ask, "warn": warn, "enqueue": enqueue, "jobs": jobs}[sys.argv[1]](*sys.argv[2:])  # type: ignore[operator]
