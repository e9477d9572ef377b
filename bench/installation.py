"""An installation of the server in this process, on SQLite, with an origin that nginx serves."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from demo.origin import Origin, find_nginx
from demo.processes import Processes

HOSTS = 20


@dataclass(frozen=True)
class Installation:
    """Organization acme with project shop, whose hosts are off: nobody looks at what does not exist.

    `server`: what serves the folder `public` at `url`.
    """

    server: str
    url: str
    public: Path
    reading: str
    publishing: str

    def asks(self, method: str, path: str, token: str, status: int = 200) -> Callable[[], Any]:
        """A client that asks the same thing over and over, through all middleware."""
        from django.test import Client

        client = Client(headers={"Authorization": f"Bearer {token}"})

        def ask() -> Any:
            answer = client.generic(method, path, b"{}" if method == "POST" else b"", content_type="application/json")
            assert answer.status_code == status, answer.content
            return answer

        return ask


@contextmanager
def installation() -> Iterator[Installation]:
    """Django is set up once in a process, so this is entered once."""
    with TemporaryDirectory(prefix="livepin-bench-") as folder, Processes(Path(folder)) as processes:
        origin = Origin(Path(folder), processes, find_nginx())
        server = origin.start()
        _set_up(Path(folder), origin)
        yield Installation(server, origin.url, origin.public, *_fill())


def _set_up(folder: Path, origin: Origin) -> None:
    data = folder / "data"
    data.mkdir()
    settings = {
        "DATA": str(data),
        "MASTER_KEYS": "07" * 32,
        "SECRET_KEY": "bench" * 10,
        "REQUESTS_PER_MINUTE": "0",
        "LOG_LEVEL": "error",
        "ORIGIN_FOLDER": str(origin.public),
        "ORIGIN_URL": origin.url,
    }
    os.environ |= {f"LIVEPIN_SERVER_{name}": value for name, value in settings.items()}
    os.environ["DJANGO_SETTINGS_MODULE"] = "livepin.server.settings"
    import django

    django.setup()
    from django.conf import settings as live
    from django.core.management import call_command

    from livepin.server import logs
    from livepin.server.settings import CONFIG

    logs.configure(CONFIG, "http")
    live.ALLOWED_HOSTS = ["testserver"]
    call_command("migrate", verbosity=0)


def serve(**views: Callable[[Any], Any]) -> None:
    """Serve bare views beside the API and the dashboard."""
    from django.urls import include, path

    from livepin.server import urls

    bare = [path(name, view) for name, view in views.items()]
    ours = [path("api/", include("livepin.server.api.urls")), path("", include("livepin.server.web.urls"))]
    urls.urlpatterns[:] = [*bare, *ours]


def _fill() -> tuple[str, str]:
    """Everything that is asked for, and two tokens: one that reads, one that publishes."""
    from livepin.author.draft import HostEntry, PinEntry
    from livepin.core.base64s import b64
    from livepin.server.actions import drafts, organizations, projects, tokens
    from livepin.server.actions.actor import Actor
    from livepin.server.models import Account

    alice = Actor(Account.objects.create_user("alice@example.com"))
    organizations.create(alice, "acme")
    project = projects.create(alice, "acme", "shop")
    pins = tuple(PinEntry("spki_sha256", b64(bytes([number]) * 32)) for number in range(2))
    drafts.write_hosts(project, [HostEntry(f"h{number}.example.com", "off", pins) for number in range(HOSTS)])
    reading, publishing = (tokens.create(alice, "acme", scope, scope, 1).text for scope in ("read", "publish"))
    return reading, publishing
