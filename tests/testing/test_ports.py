"""Ports for servers that cannot choose one themselves."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from livepin.testing import ports
from livepin.testing.ports import free_port

_OUTGOING = Path("/proc/sys/net/ipv4/ip_local_port_range")


def test_no_outgoing_connection_can_take_it_first() -> None:
    first = int(_OUTGOING.read_text("ascii").split()[0]) if _OUTGOING.exists() else 49152
    assert all(1024 < free_port() < first for _ in range(20))


def test_a_port_on_which_somebody_listens_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    monkeypatch.setattr(ports, "_PORTS", range(port, port + 1))
    assert free_port() == port
    with socket.create_server(("127.0.0.1", port)), pytest.raises(OSError, match=f"no port from {port} to {port}"):
        free_port()
