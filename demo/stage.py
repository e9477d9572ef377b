"""What the scenes play with: everything that runs, and the folder in which it runs."""

from __future__ import annotations

import os
from pathlib import Path

from demo.application import Application, Applications, script
from demo.attacker import Attacker, find_mitmdump
from demo.origin import Origin, find_nginx, require_nginx
from demo.processes import Processes
from demo.project import Project
from demo.server import Server
from demo.shop import HOST, Shop
from demo.story import Story

#: Set by a test, to see claims fail: the application that is intercepted is not the pinned one.
UNPINNED = "LIVEPIN_DEMO_UNPINNED"


class Stage:
    """Everything of the story. Nothing of it runs before its scene starts it."""

    def __init__(self, folder: Path, processes: Processes, story: Story, *, use_nginx: bool) -> None:
        """Raises `DemoFailed` where a program is missing that the story cannot do without."""
        checkout = Path(__file__).parent.parent
        mitmdump = find_mitmdump(checkout)
        nginx = require_nginx(find_nginx(), dict(os.environ)) if use_nginx else None
        self.story = story
        self.shop = Shop(folder / "shop", processes)
        self.project = Project(folder / "project", processes, story)
        self.origin = Origin(self.project.folder, processes, nginx)
        self.server = Server(folder / "server", processes, self.origin)
        # A member's machine, which holds no project; and the folder that somebody pulls, in case.
        self.desk = Project(folder / "desk", processes, story, self.project.passphrase)
        self.emergency = Project(folder / "emergency", processes, story, self.project.passphrase)
        self.attacker = Attacker(folder / "attacker", processes, mitmdump)
        self.trusted = folder / "trusted-cas.pem"
        self.trusted.write_bytes(self.shop.ca_file.read_bytes())
        self.applications = Applications(folder / "application", processes, self.shop.token, self.trusted)
        self._running: Application | None = None

    @property
    def host(self) -> str:
        """The name that is pinned."""
        return HOST

    @property
    def running(self) -> Application:
        """The application that runs from the second scene to the last."""
        assert self._running is not None
        return self._running

    @running.setter
    def running(self, application: Application) -> None:
        self._running = application

    def pinned_script(self, snippet: str) -> Path:
        """Write the application with the lines of `livepin embed`."""
        return self.applications.write("application.py", script(self.shop.url, snippet))

    def unpinned_script(self) -> Path:
        """Write the same application without them."""
        return self.applications.write("unpinned.py", script(self.shop.url, None))

    def intercepted_script(self) -> Path:
        """The pinned application as it was written."""
        name = "unpinned.py" if os.environ.get(UNPINNED) else "application.py"
        return self.applications.folder / name
