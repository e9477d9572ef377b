"""A process that publishes on a real data folder, and that may be killed at a step: `python -m tests.server.killed …`.

make                   a project with a first revision
publish STEP           change the draft, ask, and work; SIGKILL when STEP begins
work                   the jobs of this installation, until no publish is under way
ask NUMBER             enqueue one publish of another host, and do not work at it
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time

os.environ["DJANGO_SETTINGS_MODULE"] = "livepin.server.settings"

import django

django.setup()

from django.core.management import call_command  # noqa: E402

from livepin.author.draft import HostEntry, PinEntry  # noqa: E402
from livepin.server.actions import delivery, hosts, organizations, projects, publishes  # noqa: E402
from livepin.server.actions.actor import Actor  # noqa: E402
from livepin.server.jobs.engine import open_engine  # noqa: E402
from livepin.server.models import Account, Publish  # noqa: E402

PIN = PinEntry("spki_sha256", "A" * 42 + "A=")


def make() -> None:
    call_command("migrate", verbosity=0)
    alice = Actor(Account.objects.create_user("alice@example.com"))
    organizations.create(alice, "acme")
    projects.create(alice, "acme", "shop")
    ask("first")
    delivery.run(str(Publish.objects.get().id))
    assert Publish.objects.get().state == "published"


def ask(name: str) -> Publish:
    alice = Actor(Account.objects.get(email="alice@example.com"))
    hosts.put(alice, "acme", "shop", None, HostEntry(f"{name}.example.com", "report", (PIN,)))
    return publishes.start(alice, "acme", "shop")


def publish(wanted: str) -> None:
    def told(step: delivery.Step, where: str) -> None:
        if step.value == wanted:
            os.kill(os.getpid(), signal.SIGKILL)

    delivery.run(str(ask("second").id), told)


def work() -> None:
    stop = threading.Event()

    def watch() -> None:
        deadline = time.monotonic() + 60
        while Publish.objects.exclude(state__in=publishes.AT_REST).exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        stop.set()

    threading.Thread(target=watch).start()
    open_engine(stop).run()


if __name__ == "__main__":
    {"make": make, "publish": publish, "work": work, "ask": ask}[sys.argv[1]](*sys.argv[2:])  # type: ignore[operator]
