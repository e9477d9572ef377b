"""Open connections when a document denies their key."""

from __future__ import annotations

import gc
import socket
import ssl
from collections.abc import Iterator
from typing import Any

import pytest

import livepin
from livepin.client.connections import Connections
from livepin.client.peer import OpenPeer
from livepin.testing import Cast, DocumentAuthority, Origin, TlsServer, policy


class Scene:
    """An application with an open connection to the genuine service."""

    def __init__(self, origin: Origin, server: TlsServer, cast: Cast) -> None:
        self.owner = DocumentAuthority()
        self.origin, self.server, self.cast = origin, server, cast
        self.publish(self.owner.sign([policy("localhost", cast.genuine)]))

    def publish(self, text: str) -> None:
        self.origin.put(self.owner.pointer, text)

    def deny(self, key: str) -> None:
        self.publish(self.owner.next(deny=[key]))

    @property
    def embedded(self) -> Any:
        return {
            "organization_id": self.owner.organization,
            "project_id": self.owner.project,
            "public_key": self.owner.public_key,
            "configuration_url": self.origin.base_url,
            "store": None,
            "wait": 20.0,
        }

    def pinner(self, on_denied: str = "drop") -> livepin.Pinner:
        return livepin.Pinner(on_denied=on_denied, **self.embedded)

    def connect(self, pinner: livepin.Pinner) -> ssl.SSLSocket:
        context = pinner.ssl_context(cadata=self.cast.authority.root_pem)
        tcp = socket.create_connection(("127.0.0.1", self.server.port), timeout=5)
        return context.wrap_socket(tcp, server_hostname="localhost")


@pytest.fixture
def scene() -> Iterator[Scene]:
    cast = Cast()
    with Origin() as origin, TlsServer(cast.genuine) as server:
        yield Scene(origin, server, cast)


def ask(connection: ssl.SSLSocket) -> bytes:
    connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    return connection.recv(12)


def test_an_open_connection_ends_when_its_key_is_denied(scene: Scene) -> None:
    with scene.pinner() as pinner, scene.connect(pinner) as connection:
        assert ask(connection) == b"HTTP/1.1 200"
        before = scene.server.application_bytes
        scene.deny(scene.cast.genuine.spki_sha256)
        assert pinner.refresh()
        with pytest.raises(livepin.PinError) as refused:
            connection.sendall(b"secret")
        assert refused.value.code == "denied"
        assert scene.server.application_bytes == before


def test_a_connection_ends_whose_key_was_denied_between_its_verdict_and_its_being_listed(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = Connections.add

    def add(connections: Connections, peer: OpenPeer) -> None:
        scene.deny(scene.cast.genuine.spki_sha256)
        assert pinner.refresh()
        listed(connections, peer)

    with scene.pinner() as pinner:
        monkeypatch.setattr(Connections, "add", add)
        with pytest.raises(livepin.PinError) as refused:
            scene.connect(pinner)
        assert refused.value.code == "denied"


@pytest.mark.parametrize("late", [False, True], ids=["by the first document", "by a later one"])
def test_an_open_connection_ends_when_a_set_up_that_came_after_it_denies_its_key(scene: Scene, late: bool) -> None:
    try:
        with scene.connect(livepin.setup(**scene.embedded)) as connection:
            if late:
                pinner = livepin.setup(**scene.embedded)
                assert ask(connection) == b"HTTP/1.1 200"
                scene.deny(scene.cast.genuine.spki_sha256)
                assert pinner.refresh()
            else:
                scene.deny(scene.cast.genuine.spki_sha256)
                livepin.setup(**scene.embedded)
            with pytest.raises(livepin.PinError):
                connection.sendall(b"secret")
    finally:
        livepin.uninstall()


def test_a_key_high_in_the_chain_counts_too(scene: Scene) -> None:
    with scene.pinner() as pinner, scene.connect(pinner) as connection:
        scene.deny(scene.cast.genuine.chain_spki_sha256[1])
        pinner.refresh()
        with pytest.raises(livepin.PinError):
            connection.recv(1)


def test_an_open_connection_stays_when_its_key_is_only_no_longer_pinned(scene: Scene) -> None:
    with scene.pinner() as pinner, scene.connect(pinner) as connection:
        scene.publish(scene.owner.next([policy("localhost", scene.cast.backup)]))
        pinner.refresh()
        assert pinner.status().serial == 2
        assert ask(connection) == b"HTTP/1.1 200"


def test_an_application_may_keep_them(scene: Scene) -> None:
    with scene.pinner("keep") as pinner, scene.connect(pinner) as connection:
        scene.deny(scene.cast.genuine.spki_sha256)
        pinner.refresh()
        assert ask(connection) == b"HTTP/1.1 200"


def test_being_listed_keeps_nothing_alive(scene: Scene) -> None:
    with scene.pinner() as pinner:
        connection = scene.connect(pinner)
        assert len(pinner._connections) == 1
        connection.close()
        del connection
        gc.collect()
        assert len(pinner._connections) == 0


def test_a_word_that_is_neither_is_refused(scene: Scene) -> None:
    with pytest.raises(livepin.ConfigurationError, match="on_denied"):
        scene.pinner("perhaps")
