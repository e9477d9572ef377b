"""truststore and gevent put classes of their own into `ssl`: before set-up or after it, the attacker gets no byte.

Each order has a process of its own, and beside it one of the same order without set-up, which leaks.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from livepin.testing import Handshake, TlsServer, Versions, conversations, policy
from tests.acme import Acme
from tests.clients.client import SECRET, load
from tests.clients.orders import CLIENTS

ROOT = Path(__file__).resolve().parents[2]

ORDERS = [
    ("truststore", "setup"),
    ("setup", "truststore"),
    ("clients", "truststore", "setup"),
    ("clients", "setup", "truststore"),
    ("gevent", "setup"),
    ("setup", "gevent"),
    ("gevent", "clients", "setup"),
    ("gevent", "setup", "clients"),
]  # not both: truststore and gevent do not get along with each other, with pins or without


@pytest.mark.slow
@pytest.mark.parametrize("order", ORDERS, ids="-".join)
def test_an_application_is_pinned_in_whichever_order_it_is_put_together(
    order: tuple[str, ...], acme: Acme, tmp_path: Path
) -> None:
    acme.publish(policy("localhost", acme.cast.genuine, acme.cast.backup))
    root_file = acme.cast.authority.write(tmp_path)
    with ExitStack() as stack:
        without = {key: _servers(stack, acme, key) for key in CLIENTS}
        pinned = {key: _servers(stack, acme, key) for key in CLIENTS}
        control = _run([step for step in order if step != "setup"], acme, without, root_file)
        report = _run(list(order), acme, pinned, root_file)
        for key in CLIENTS:
            for name in ("evil TLS12", "evil TLS13"):
                assert control[key][name] == {"works": True}, (key, name)
                assert _told(without[key][name]) >= len(SECRET), (key, name)
                assert report[key][name]["code"] == "pin_mismatch", (key, name)
                assert _told(pinned[key][name]) == 0, (key, name)
            assert report[key]["genuine"] == {"works": True}, key


CONTEXT_UNDER_GEVENT = """
import gevent.monkey
gevent.monkey.patch_all()
import json, socket, sys
import gevent, livepin
orders = json.load(sys.stdin)
pinner = livepin.Pinner(**orders["setup"])
context = pinner.ssl_context()
ticks = 0

def tick():
    global ticks
    while True:
        gevent.sleep(0.01)
        ticks += 1

def visit(port):
    plain = socket.create_connection(("localhost", port), 1)
    with plain, context.wrap_socket(plain, server_hostname="localhost") as connection:
        connection.sendall(b"bearer-token-of-the-application")
        return connection.recv(100).decode()

gevent.spawn(tick)
report = {"genuine": visit(orders["ports"]["genuine"])}
try:
    visit(orders["ports"]["evil"])
except livepin.PinError as error:
    report["evil"] = error.code
before = ticks
try:
    visit(orders["ports"]["silent"])
except OSError as error:
    report["silent"] = type(error).__name__
report["ticks"] = ticks - before
print(json.dumps(report))
"""


def test_a_pinned_context_in_an_application_that_gevent_has_patched_keeps_nobody_waiting(
    acme: Acme, tmp_path: Path
) -> None:
    acme.publish(policy("localhost", acme.cast.genuine))
    with (
        TlsServer(acme.cast.genuine, conversation=conversations.echo) as genuine,
        TlsServer(acme.cast.evil, conversation=conversations.echo) as evil,
        TlsServer(acme.cast.genuine, handshake=Handshake.SILENT) as silent,
    ):
        ports = {"genuine": genuine.port, "evil": evil.port, "silent": silent.port}
        report = _process(["-c", CONTEXT_UNDER_GEVENT], acme, ports, acme.cast.authority.write(tmp_path))
        told = _told(evil)
    assert (report["genuine"], report["evil"], told) == (SECRET.decode(), "pin_mismatch", 0)
    assert report["silent"] == "TimeoutError"
    assert report["ticks"] > 20, "other greenlets went on while one waited for its handshake"


def _servers(stack: ExitStack, acme: Acme, key: str) -> dict[str, TlsServer]:
    """Servers that this client can talk to."""
    kinds = {
        "genuine": (acme.cast.genuine, Versions.BOTH),
        "evil TLS12": (acme.cast.evil, Versions.TLS12),
        "evil TLS13": (acme.cast.evil, Versions.TLS13),
    }
    serve = load(key).serve
    return {
        name: stack.enter_context(serve(certificate, versions=versions))
        for name, (certificate, versions) in kinds.items()
    }


def _run(steps: list[str], acme: Acme, servers: dict[str, dict[str, TlsServer]], root_file: Path) -> dict[str, Any]:
    ports = {key: {name: server.port for name, server in found.items()} for key, found in servers.items()}
    return _process(["-m", "tests.clients.orders", *steps], acme, ports, root_file)


def _process(arguments: list[str], acme: Acme, ports: dict[str, Any], root_file: Path) -> dict[str, Any]:
    setup = acme.embedded()
    del setup["on_event"]
    clean = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    done = subprocess.run(
        [sys.executable, *arguments],
        input=json.dumps({"setup": setup, "ports": ports}),
        env={**clean, "SSL_CERT_FILE": str(root_file), "REQUESTS_CA_BUNDLE": str(root_file)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def _told(server: TlsServer) -> int:
    server.wait_until_idle()
    return server.application_bytes + sum(len(each.plaintext) for each in server.connections)
