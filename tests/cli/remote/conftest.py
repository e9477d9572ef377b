"""A server, and a shell that is signed in to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Service
from tests.cli.remote.server import Server, serving
from tests.cli.shell import Shell

HOST = "api.example.com"


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests of this room; each has a project of its own. Nobody here needs the dashboard."""
    with serving(tmp_path_factory.mktemp("server") / "data", "--roles", "api,jobs,origin") as running:
        yield running


@pytest.fixture
def stranger(shell: Shell, server: Server) -> Shell:
    """An empty folder on a machine where nobody has signed in. `$SERVER` is the server."""
    shell.variables |= {"XDG_CONFIG_HOME": str(shell.directory.parent / "config"), "SERVER": server.url}
    return shell


@pytest.fixture
def remote(stranger: Shell, server: Server, service: Service) -> Shell:
    """An empty folder, signed in; `$PROJECT` is a new project on the server, and the profile's."""
    project = server.new_project(service.ca)
    (stranger.directory.parent / "token").write_text(f"{server.token}\n")
    stranger.livepin("login", server.url, "--project", project, "--token-file", "../token")
    stranger.variables["PROJECT"] = project
    return stranger


@pytest.fixture
def published(remote: Shell, service: Service) -> Shell:
    """The same, and its first revision is published."""
    remote.livepin("host", "set", HOST, "--address", service.place)
    remote.livepin("pin", "add", HOST)
    remote.livepin("pin", "add", HOST, "--backup")
    remote.livepin("publish")
    return remote


@pytest.fixture
def own(stranger: Shell, server: Server, service: Service) -> Shell:
    """A project with a key of one's own, and a draft that could be published."""
    stranger.livepin("keys", "new", "signing")
    public = (stranger.directory / "keys" / "signing.pub.pem").read_text("ascii")
    project = server.new_project(service.ca, public_key=public)
    (stranger.directory.parent / "token").write_text(server.token)
    stranger.livepin("login", server.url, "--project", project, "--token-file", "../token")
    stranger.livepin("host", "set", HOST, "--address", service.place)
    stranger.livepin("pin", "add", HOST)
    stranger.livepin("pin", "add", HOST, "--backup")
    stranger.variables["PROJECT"] = project
    return stranger


@pytest.fixture
def moved(stranger: Shell, server: Server, service: Service) -> Shell:
    """A project of files, with its own key, that was moved to the server. Applications read the server's origin."""
    server.projects += 1
    name = f"acme/moved{server.projects}"
    folder = server.installation.data / "origin"
    text = ("init", name, HOST, "--address", service.place, "--ca", str(service.ca), "--url", server.origin_url)
    stranger.livepin(*text)
    # From now on the files' folder is the origin's: what was published there is where applications read.
    path = stranger.directory / "livepin.toml"
    path.write_text(path.read_text().replace('folder = "public"', f'folder = "{folder}"'))
    stranger.livepin("publish")
    token = stranger.directory.parent / "token"
    token.write_text(server.token)
    stranger.livepin("login", server.url, "--token-file", str(token), "--project", name)
    stranger.livepin("push", "--create")
    stranger.variables["PROJECT"] = name
    return stranger


def secret_file(path: Path, text: str) -> Path:
    path.write_text(f"{text}\n")
    path.chmod(0o600)
    return path
