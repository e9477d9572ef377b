"""`livepin serve`: the server, from nothing to a running one."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from livepin.cli.installation import data_option, enter

if TYPE_CHECKING:
    from livepin.server.config import Config


@click.command()
@data_option
@click.option("--roles", metavar="ROLE,…", help="Which of web, api, jobs, origin run here; all of them if left out.")
@click.option("--listen", metavar="HOST:PORT", help="Where the dashboard and the API answer.")
@click.option("--origin-listen", metavar="HOST:PORT", help="Where documents are served for applications.")
def serve(data: Path | None, roles: str | None, listen: str | None, origin_listen: str | None) -> None:
    """Run the server. Its first start makes all that it needs in one folder.

    Everything else is a setting: LIVEPIN_SERVER_… in the environment, or a TOML file that LIVEPIN_SERVER_CONFIG names.
    """
    os.umask(0o077)
    given = {"ROLES": roles, "LISTEN": listen, "ORIGIN_LISTEN": origin_listen}
    os.environ.update({f"LIVEPIN_SERVER_{name}": value for name, value in given.items() if value is not None})
    config = enter(data, make=True)
    # What a plain installation has not got is imported when it is needed.
    from livepin.server import first_start, logs, supervisor
    from livepin.server.actions import accounts

    logs.configure(config, "parent")
    first_start.check_addresses(config)
    first_start.migrate(config)
    # Only where somebody can enter it.
    link = accounts.first_owner_link() if {"web", "api"} & set(config.roles) else None
    supervisor.Supervisor(config, os.environ).run(_greeter(config, link.secret if link else ""))


def _greeter(config: Config, code: str) -> Callable[[], bool]:
    """Says once where everything is, as soon as it answers; then it has nothing more to do."""

    def greet() -> bool:
        if not all(map(_answers, _addresses(config))):
            return False
        click.echo(_greeting(config, code))
        return True

    return greet


def _addresses(config: Config) -> list[str]:
    pages = [config.listen] if {"web", "api"} & set(config.roles) else []
    return pages + ([config.origin_listen] if "origin" in config.roles else [])


def _answers(listen: str) -> bool:
    from livepin.server.first_start import address

    host, port = address(listen)
    try:
        with socket.create_connection((_reachable(host), port), timeout=1):
            return True
    except OSError:
        return False


def _reachable(host: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # compared, not bound


def _greeting(config: Config, code: str) -> str:
    """Where everything is. `code`: makes the first account; it goes to standard output alone, never to the log."""
    lines = [f"Livepin is ready. Everything it keeps is in {config.data}"]
    if "web" in config.roles:
        lines.append(f"  dashboard  {config.public_url}/")
    if "api" in config.roles:
        lines.append(f"  API        {config.public_url}/api/v1/")
    if "origin" in config.roles:
        lines.append(f"  documents  {config.origin_url}")
    if code:
        place = "/welcome/" if "web" in config.roles else "/api/v1/accounts"
        lines.append("Nobody has an account yet. The first one is made with this code, once, in the next 24 hours:")
        lines.append(f"  at         {config.public_url}{place}")
        lines.append(f"  code       {code}")
    return "\n".join(lines)
