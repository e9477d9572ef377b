"""Short ways to publish in tests of the server, and what applications get then."""

from __future__ import annotations

from django.utils import timezone

from livepin.author.draft import HostEntry, PinEntry
from livepin.core.trust import Revision, verify
from livepin.publish.origins.folder import FolderOrigin
from livepin.server.actions import hosts, keys, publishes
from livepin.server.actions.publishes import Wish
from livepin.server.models import Project, Publish
from tests.server.world import World

DIGESTS = ["".join((letter * 42, "A=")) for letter in "ABCDEFGH"]


def host(pattern: str = "api.example.com", *digests: str, action: str = "report") -> HostEntry:
    return HostEntry(pattern, action, tuple(PinEntry("spki_sha256", one) for one in digests or DIGESTS[:2]))


def seen(origin: FolderOrigin, project: Project, now: float | None = None) -> Revision:
    """What an application that starts now gets from the origin."""
    data = origin.read("acme/shop/pins.jws")
    project.refresh_from_db()
    arrival = verify(data or b"", keys.trust_of(project), now or timezone.now().timestamp())
    assert arrival.adopted
    return arrival.revision


def publish(world: World, wish: Wish | None = None, name: str = "paul") -> Publish:
    """Ask, and wait until it is at rest."""
    asked = publishes.start(world.actor(name), "acme", "shop", wish)
    return rest(world, asked)


def rest(world: World, asked: Publish) -> Publish:
    """A publish once it is at rest."""
    return publishes.wait(world.actor("paul"), "acme", "shop", str(asked.id))


def published(world: World, *patterns: str) -> Publish:
    """A published document with these hosts."""
    for pattern in patterns or ("api.example.com",):
        hosts.put(world.actor("bob"), "acme", "shop", None, host(pattern))
    done = publish(world)
    assert done.state == "published", done.problem
    return done
