"""A live service, and a project that pins it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from livepin.testing.cast import Cast
from livepin.testing.tls import TlsServer
from tests.cli.shell import Shell

HOST = "api.example.com"


@dataclass(frozen=True)
class Service:
    """A TLS server that every test of this room may look at, and none changes."""

    cast: Cast
    server: TlsServer
    ca: Path

    @property
    def place(self) -> str:
        """HOST:PORT."""
        return f"127.0.0.1:{self.server.port}"


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    cast = Cast(HOST, "www.example.com")
    with TlsServer(cast.genuine) as server:
        yield Service(cast, server, cast.authority.write(tmp_path_factory.mktemp("ca")))


@pytest.fixture
def shell(tmp_path: Path, service: Service) -> Shell:
    """An empty folder. `$PLACE` and `$CA` are what `init` is told of the service."""
    directory = tmp_path / "work"
    directory.mkdir()
    return Shell(directory, {"PLACE": service.place, "CA": str(service.ca)})


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory, service: Service) -> Path:
    """What `init` leaves behind, made once."""
    directory = tmp_path_factory.mktemp("template") / "work"
    directory.mkdir()
    shutil.copy(service.ca, directory / "ca.pem")
    Shell(directory).livepin("init", "acme/shop", HOST, "--address", service.place, "--ca", "ca.pem")
    return directory


@pytest.fixture(scope="session")
def keyed_template(tmp_path_factory: pytest.TempPathFactory, service: Service) -> Path:
    """What `init --anchor` leaves behind, made once; the anchor lies in a drawer beside the project's folder."""
    directory = tmp_path_factory.mktemp("keyed") / "work"
    directory.mkdir()
    shutil.copy(service.ca, directory / "ca.pem")
    place = ["--address", service.place, "--ca", "ca.pem"]
    Shell(directory).livepin("init", "acme/shop", HOST, *place, "--anchor", "../drawer/shop.pem")
    return directory


@pytest.fixture
def keyed(shell: Shell, keyed_template: Path) -> Shell:
    """A shell in a project with a key set; `../drawer/shop.pem` is its anchor."""
    shutil.copytree(keyed_template, shell.directory, dirs_exist_ok=True)
    shutil.copytree(keyed_template.parent / "drawer", shell.directory.parent / "drawer")
    return shell


@pytest.fixture
def project(shell: Shell, template: Path) -> Shell:
    """A shell in a project that pins the service and has published its first revision."""
    shutil.copytree(template, shell.directory, dirs_exist_ok=True)
    return shell
