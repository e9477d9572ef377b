"""An installation of the server, as the commands about it find it: by its data folder and its settings."""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from livepin.errors import ConfigurationError

if TYPE_CHECKING:
    from livepin.server.config import Config

#: Asked for before anything is made or started: who misses one is told so at once.
_NEEDED = ("django", "granian", "prometheus_client", "structlog")
_DEFAULT = Path("livepin-data")

data_option = click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    help="The server's data folder; else LIVEPIN_SERVER_DATA, else ./livepin-data.",
)


def settings(data: Path | None) -> Config:
    """The settings in force, which this process's environment then describes. Raises `ConfigurationError`."""
    from livepin.server.config import load

    if data is not None:
        os.environ["LIVEPIN_SERVER_DATA"] = str(data.absolute())
    config = load(os.environ, _DEFAULT)
    os.environ["LIVEPIN_SERVER_DATA"] = str(config.data)
    return config


def enter(data: Path | None, *, make: bool = False, found: bool = True) -> Config:
    """The settings in force, with Django set up on them. `make`: on a first start, make what is missing.

    `found` False: there need not be an installation yet. Raises `ConfigurationError`, also where there is none.
    """
    for name in _NEEDED:
        importlib.import_module(name)
    config = settings(data)
    from livepin.server import first_start

    if make:
        first_start.make_folders(config)
    elif found and not config.data.is_dir():
        message = "there is no such data folder: name it with --data, or make one with `livepin serve`"
        raise ConfigurationError("configuration_invalid", message, where=str(config.data))
    os.environ["DJANGO_SETTINGS_MODULE"] = "livepin.server.settings"
    import django

    django.setup()
    return config
