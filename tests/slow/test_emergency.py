"""A night with everything in it: a server that is lost with its database, a stolen key, the emergency page followed
literally, an old backup that comes back in the middle, and an application that makes requests all along.

It is led astray every second time: to somebody with a certificate that it trusts, and with a key that is not pinned.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

from livepin.author.signers.managed import ManagedSigner, Owner
from livepin.cli.drills import thief
from livepin.cli.drills.running import ANSWERED, Running
from livepin.server import keyring
from livepin.server.config import load
from livepin.testing.cast import Cast
from livepin.testing.tls import TlsServer
from tests.cli.emergency_page import TEXT, Reader, copy_to_cdn
from tests.cli.remote.server import Server
from tests.cli.shell import Shell
from tests.server.installation import Installation, installed, left_over, wait_until
from tests.server.nginx import Nginx, nginx_before

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

HOST, NAME, POINTER = "api.example.com", "acme/shop", "acme/shop/pins.jws"
#: The shortest that clients follow, in seconds; and how long the test waits for what is not measured.
REFRESH_AFTER, PATIENCE = 10, 120.0


@dataclass
class World:
    """A service, somebody else, an origin behind nginx, a server that publishes to it, and whoever runs all this."""

    folder: Path
    cast: Cast
    service: TlsServer
    elsewhere: TlsServer
    stolen: TlsServer
    nginx: Nginx
    stack: ExitStack
    servers: list[Server] = field(default_factory=list)
    embedded: dict[str, str] = field(default_factory=dict)

    @property
    def origin(self) -> Path:
        return self.folder / "origin"

    @property
    def office(self) -> Shell:
        """Where people work by day, signed in to the server."""
        return Shell(self.folder / "office", {"XDG_CONFIG_HOME": str(self.folder / "config")})

    @property
    def pointer(self) -> str:
        """What the origin serves."""
        return (self.origin / POINTER).read_text("ascii")

    def settings(self) -> dict[str, str]:
        return {
            "LIVEPIN_SERVER_LOOK_PRIVATE": "true",
            "LIVEPIN_SERVER_REQUESTS_PER_MINUTE": "0",
            "LIVEPIN_SERVER_ORIGIN_FOLDER": str(self.origin),
            "LIVEPIN_SERVER_ORIGIN_URL": self.nginx.url,
            "SSL_CERT_FILE": str(self.folder / "ca.pem"),
        }

    def start(self, installation: Installation) -> Server:
        """Let a server run."""
        installation.serve("--roles", "api,jobs")
        self.servers.append(Server(installation, self.servers[-1].token if self.servers else ""))
        return self.servers[-1]

    def begin(self, *options: str) -> None:
        """A project of files, as the quickstart makes it, which then moves to the server with its own key."""
        office = self.office
        office.directory.mkdir()
        (office.directory / "public").symlink_to(self.origin)
        shutil.copy(self.folder / "ca.pem", office.directory)
        where = ["--address", f"127.0.0.1:{self.service.port}", "--ca", "ca.pem", "--url", self.nginx.url]
        office.livepin("init", NAME, HOST, *where, *options)
        file = office.directory / "livepin.toml"
        file.write_text(file.read_text().replace("[document]\n", f"[document]\nrefresh_after = {REFRESH_AFTER}\n"))
        server = self.start(self.stack.enter_context(installed(self.folder / "data", self.settings())))
        server.claim()
        (self.folder / "token").write_text(server.token)
        office.livepin("login", server.url, "--project", NAME, "--token-file", "../token")
        office.livepin("push", "--create")
        said = office.json("embed")
        names = ("organization_id", "project_id", "public_key", "configuration_url")
        self.embedded = {name: said[name] for name in names}

    def publish(self, *options: str, shell: Shell | None = None) -> str:
        """Publish on the server; the number."""
        done = (shell or self.office).json("publish", *options, LIVEPIN_SERVER="default")
        assert done["confirmed"] is True
        return f"{done['epoch']}.{done['serial']}"

    def refused(self, *options: str, shell: Shell | None = None) -> str:
        """Try to publish on the server; why it does not."""
        done = (shell or self.office).json("publish", *options, status=1, LIVEPIN_SERVER="default")
        return str(done["error"]["code"])

    def back_up(self) -> Path:
        """A backup of the server, and a copy of its keys in another place."""
        data = self.servers[-1].installation
        data.livepin("server", "backup", str(self.folder / "backup"))
        shutil.copytree(data.data / "keys", self.folder / "safe")
        return self.folder / "backup"

    def lose_the_server(self) -> None:
        """It is killed as a machine dies, and its folder is gone: database, keys and all."""
        running = self.servers[-1].installation
        for process in running.running:
            for one in (process.pid, *left_over(process.pid)):
                with suppress(ProcessLookupError):
                    os.kill(one, signal.SIGKILL)
            process.wait()
            wait_until(partial(gone, process.pid))
        shutil.rmtree(running.data)

    def restore(self, backup: Path) -> Server:
        """Another server, of the backup, on the same origin; whoever was signed in to the old one is to this."""
        other = Installation(self.folder / "restored", self.settings(), port=self.servers[-1].installation.port)
        self.stack.callback(other.close)
        other.livepin("server", "restore", str(backup), "--keys", str(self.folder / "safe"))
        return self.start(other)

    def application(self) -> Running:
        """Start the application; it gets an answer from its service, and refuses everybody else."""
        servers = {"service": self.service.port, "elsewhere": self.elsewhere.port, "stolen": self.stolen.port}
        told = {
            "ca": self.cast.authority.root_pem,
            "host": HOST,
            "servers": servers,
            "embedded": {**self.embedded, "ca_file": str(self.folder / "ca.pem")},
            "remote": "",
            "store": None,
        }
        running = Running(told)
        self.stack.callback(running.end)
        running.wait(lambda: running.lets_in("service"), PATIENCE, "the service answers")
        return running

    def reader(self, key: Path, cdn: str, **more: str) -> Reader:
        """Somebody on a machine that has the key file, and nothing else."""
        night = Shell(self.folder / "night", {"XDG_CONFIG_HOME": str(self.folder / "config-of-the-night")})
        night.directory.mkdir()
        shutil.copy(key, night.directory / "shop.pem")
        shutil.copy(self.folder / "ca.pem", night.directory)
        known = {"AUDIENCE": NAME, "PUBLIC_KEY": self.embedded["public_key"], "URL": self.nginx.url, "KEY": "shop.pem"}
        return Reader(night, {**known, "CDN": cdn, **more})


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    cast, names = Cast(HOST), Cast("localhost")
    with ExitStack() as stack:
        servers = [stack.enter_context(TlsServer(one)) for one in (cast.genuine, cast.evil, cast.genuine)]
        nginx = stack.enter_context(nginx_before(tmp_path / "origin", tmp_path / "nginx", names))
        (tmp_path / "ca.pem").write_text(cast.authority.root_pem + names.authority.root_pem, "ascii")
        yield World(tmp_path, cast, servers[0], servers[1], servers[2], nginx, stack)


def gone(server: int) -> bool:
    return not left_over(server)


def holds(running: Running, number: str) -> bool:
    epoch, serial = map(int, number.split("."))
    return running.held == (epoch, serial)


def follows(running: Running, number: str) -> None:
    """By itself: nobody tells the application to ask."""
    running.wait(partial(holds, running, number), PATIENCE, f"it takes up {number}")


def number_of(text: str) -> str:
    found = re.search(r"published (\d+\.\d+)", text)
    assert found is not None, text
    return found[1]


def listed(server: Server) -> list[tuple[str, str]]:
    """The revisions that a server knows, and where each came from."""
    ask = "from livepin.server.models import Revision; r = Revision.objects.order_by('epoch', 'serial')"
    said = server.installation.run(f"{ask}\nimport json; print(json.dumps([(str(one), one.source) for one in r]))")
    return [(number, source) for number, source in json.loads(said)]


def check_the_application(running: Running, since: int, last: str) -> None:
    """It never let anybody in but its service, is not shut out, and is where everybody else is."""
    follows(running, last)
    running.wait(lambda: running.lets_in("service"), PATIENCE, "the service answers")
    assert ANSWERED not in running.ever("elsewhere")
    refusals = {one for one in running.ever("service", since) if one == one.lower()} - {ANSWERED}
    assert refusals == set(), "since the emergency was published, its service was refused"


def test_a_server_is_lost_and_an_old_backup_comes_back_in_the_middle(world: World) -> None:
    """The key of the service is stolen. The project signs with its own key; the machine sees the CDN's folder."""
    world.begin()
    own = ("--signer", "keys/signing.pem")
    assert world.refused(*own) == "superseded", "what was published from files before it moved is found first"
    assert world.publish(*own) == "0.2"
    running = world.application()
    backup = world.back_up()
    world.office.livepin("host", "set", "www.example.com", "--action", "off", LIVEPIN_SERVER="default")
    assert world.publish(*own) == "0.3"
    world.office.livepin("deny", "add", "ab" * 32, LIVEPIN_SERVER="default")
    assert world.publish(*own) == "0.4"
    follows(running, "0.4")
    assert running.ever("service") == {ANSWERED}

    # The night. The service gets a key that was never pinned: its own is in somebody else's hands.
    reader = world.reader(world.office.directory / "keys" / "signing.pem", str(world.origin))
    world.lose_the_server()
    world.service.use(world.cast.backup)
    running.wait(lambda: running.visit("service") == "pin_mismatch", PATIENCE, "applications refuse the service")
    reader.follow(2, instead={'--folder "$CDN"': '--folder "$CDN" --ca ca.pem'})
    reader.shell.livepin("host", "set", HOST, "--address", f"127.0.0.1:{world.service.port}")
    # In the middle of it somebody starts the server again, from a backup that knows nothing of 0.3 and 0.4.
    server = world.restore(backup)
    assert [number for number, _ in listed(server)] == ["0.1", "0.2"]
    assert world.refused(*own, "--override", "G2=in a hurry", "--override", "G3=in a hurry") == "superseded"
    assert listed(server)[2:] == [("0.4", "adopted")]
    reader.follow(3)
    reader.shell.livepin("deny", "add", world.cast.genuine.spki_sha256)
    published = number_of(reader.follow(5))
    assert published == "0.5"
    assert f"revision {published}," in reader.follow(6)
    follows(running, published)
    running.wait(lambda: running.visit("stolen") == "denied", PATIENCE, "the thief of the service's key is refused")
    running.wait(lambda: running.lets_in("service"), PATIENCE, "the service answers")
    since = running.rounds - 1

    # The morning. The server's draft pins what nobody serves any more, and nobody has to remember the rest.
    assert world.refused(*own) == "guard_refused"
    reader.shell.livepin("login", server.url, "--token-file", "../token")
    reader.follow(7)
    mine = ("--signer", "shop.pem")
    assert listed(server)[2:] == [("0.4", "adopted"), ("0.5", "adopted")]
    assert world.publish(*mine, shell=reader.shell) == "0.6"
    assert world.publish(*mine, shell=reader.shell) == "0.7"
    check_the_application(running, since, "0.7")
    said = reader.shell.json("show", LIVEPIN_SERVER="default")["payload"]
    assert [one["host"] for one in said["hosts"]] == [HOST, "www.example.com"]
    assert len(said["deny"]) == 2
    assert {path.name for path in (world.origin / "acme/shop").glob("0.*.jws")} == {f"0.{n}.jws" for n in range(1, 8)}


def test_the_key_of_a_server_is_stolen_and_its_thief_is_at_the_cdn(world: World) -> None:
    """A key set names the server's key and our own. The machine does not see the CDN's folder: files are copied."""
    world.begin("--anchor", "../drawer/anchor.pem")
    office, server = world.office, world.servers[-1]
    project = "/organizations/acme/projects/shop"
    theirs = server.ask("POST", f"{project}/keys", {}).json
    name_it = ("--keep-key", "--signing-key", theirs["public_key"], "--anchor", "../drawer/anchor.pem")
    office.livepin("keyset", "rotate", *name_it)
    texts = (office.directory / "keyset.jws").read_text("ascii").split()
    server.ask("PUT", f"{project}/keyset", {"keys": texts, "anchors": [world.embedded["public_key"]]})
    assert world.refused() == "superseded", "what was published from files before it moved is found first"
    assert world.publish() == "2.1"
    running = world.application()
    backup = world.back_up()
    office.livepin("deny", "add", "ab" * 32, LIVEPIN_SERVER="default")
    assert world.publish() == "2.2"
    follows(running, "2.2")

    # The night. Whoever broke into the server has the key that it signs with, and what he will do is not known yet.
    hand = stolen_from(server)
    his = thief.document(world.pointer, hand, world.cast.evil.spki_sha256)
    values = {"STOLEN": theirs["thumbprint"], "ANCHOR": "anchor.pem"}
    reader = world.reader(office.directory / "keys" / "signing.pem", "public", **values)
    shutil.copy(world.folder / "drawer" / "anchor.pem", reader.shell.directory)
    world.lose_the_server()
    world.service.use(world.cast.backup)
    running.wait(lambda: running.visit("service") == "pin_mismatch", PATIENCE, "applications refuse the service")
    from_before = '"${URL}${AUDIENCE}/1.17.jws"'
    assert from_before in TEXT
    there = f'{from_before.replace("1.17", "2.2")} --url "$URL" --ca ca.pem'
    reader.follow(2, instead={'"$URL"': there})
    reader.shell.livepin("host", "set", HOST, "--address", f"127.0.0.1:{world.service.port}")
    reader.follow(3)
    reader.follow(4)
    published = number_of(reader.follow(5))
    assert published == "3.1"
    copy_to_cdn(reader.shell.directory / "public", world.origin, published)
    assert "revision 3.1," in reader.follow(6)
    follows(running, published)
    running.wait(lambda: running.lets_in("service"), PATIENCE, "the service answers")
    since = running.rounds - 1

    # Now he is at the CDN, with the highest serial that there is. An old backup comes back meanwhile.
    told = running.told
    put_at_the_cdn(world.origin / POINTER, his)
    running.wait_event("rolled_back", PATIENCE, since=told)
    restored = world.restore(backup)
    assert world.refused("--override", "G2=in a hurry", "--override", "G3=in a hurry") == "superseded"
    assert world.refused("--override", "G2=in a hurry", "--override", "G3=in a hurry") == "serials_exhausted"
    # Step 6 says so: begin with step 5 again. What was signed has not reached everybody, and is brought there again.
    assert number_of(reader.follow(5)) == published
    copy_to_cdn(reader.shell.directory / "public", world.origin, published)
    assert "revision 3.1," in reader.follow(6)

    # The morning.
    reader.shell.livepin("login", restored.url, "--token-file", "../token")
    reader.follow(7)
    assert listed(restored)[-1] == ("3.1", "adopted")
    assert world.publish("--signer", "shop.pem", shell=reader.shell) == "3.2"
    check_the_application(running, since, "3.2")
    assert len(reader.shell.json("show", LIVEPIN_SERVER="default")["payload"]["deny"]) == 1


def stolen_from(server: Server) -> thief.Hand:
    """The key that a server signs with, as somebody has it who has its database and its master key."""
    data = server.installation.data
    ask = "from livepin.server.models import Key\nprint(Key.objects.get(kind='managed').sealed)"
    masters = list(keyring.masters(load({"LIVEPIN_SERVER_DATA": str(data)}, data)))
    signer = ManagedSigner(server.installation.run(ask).strip(), Owner("acme", "shop"), masters)
    return thief.Hand(signer.public_key, signer.sign)


def put_at_the_cdn(pointer: Path, text: str) -> None:
    """As whoever may write there can: whole, and without the compressed copy."""
    pointer.with_name("pins.jws.gz").unlink(missing_ok=True)
    pointer.with_name("new").write_text(text, "ascii")
    pointer.with_name("new").replace(pointer)
