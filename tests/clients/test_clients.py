"""An application is pinned, whichever client it uses: the genuine service answers, an attacker gets no byte.

The attacker has a certificate for the right name from an authority that the application trusts, and another key. Its
server counts decrypted bytes. Beside each pinned run there is one without pins that leaks: without it 0 would mean
nothing.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import livepin
from livepin.testing import Cast, ServerCertificate, TlsServer, Versions, policy
from tests.acme import Acme
from tests.clients import results
from tests.clients.client import SECRET, TIMEOUT, Client, Target, full_name, keys, load

ROOT = Path(__file__).resolve().parents[2]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every test of this page runs for each client, those that hand a context over for the clients that take one."""
    clients = {key: load(key) for key in keys()}
    if "handed" in metafunc.fixturenames:
        clients = {key: client for key, client in clients.items() if client.explicit}
    marks = {key: [pytest.mark.slow] if client.slow else [] for key, client in clients.items()}
    metafunc.parametrize("key", [pytest.param(key, id=key, marks=marks[key]) for key in clients])


@pytest.fixture
def handed() -> None:
    """Asked for by tests of clients that are given a context."""


@pytest.fixture
def client(key: str) -> Client:
    return load(key)


Running = Callable[[ServerCertificate, Versions], TlsServer]


@pytest.fixture
def running(client: Client) -> Iterator[Running]:
    """Starts servers that this client can talk to."""
    with contextlib.ExitStack() as stack:
        yield lambda certificate, versions: stack.enter_context(client.serve(certificate, versions=versions))


@pytest.fixture(params=[Versions.TLS12, Versions.TLS13], ids=["TLS12", "TLS13"])
def versions(request: pytest.FixtureRequest) -> Versions:
    found: Versions = request.param
    return found


def leaked(server: TlsServer) -> int:
    """How many bytes of the application a server has read, decrypted or in the clear, once all connections ended."""
    server.wait_until_idle()
    beside_tls = sum(SECRET in connection.plaintext for connection in server.connections)
    return server.application_bytes + beside_tls


def refusal(client: Client, tries: int) -> dict[str, object]:
    """What a client is to tell of an attacker, who saw so many connections."""
    assert tries > 0
    code = "pin_mismatch" if client.found else None
    expected = tries if client.tries is None else client.tries
    return {"leaked": 0, "error": client.error, "code": code, "tries": expected}


def test_a_client_that_is_given_a_context_without_pins_tells_the_attacker_its_secret(
    key: str, client: Client, cast: Cast, running: Running, versions: Versions, handed: None
) -> None:
    server = running(cast.evil, versions)
    reply = client.visit(Target(server.port), cast.authority.client_context())
    count = leaked(server)
    results.record(key, f"explicit {versions.name} unpinned", leaked=count)
    assert SECRET in reply
    assert count >= len(SECRET)


def test_a_client_that_is_given_a_pinned_context_talks_to_the_genuine_service(
    key: str, client: Client, acme: Acme, running: Running, versions: Versions, handed: None
) -> None:
    acme.publish(policy("localhost", acme.cast.genuine, acme.cast.backup))
    server = running(acme.cast.genuine, versions)
    reply = client.visit(Target(server.port), acme.context(acme.pinner()))
    results.record(key, f"explicit {versions.name} genuine", works=SECRET in reply)
    assert SECRET in reply
    assert acme.told("verdict_blocked") == []


def test_a_client_that_is_given_a_pinned_context_tells_the_attacker_nothing(
    key: str, client: Client, acme: Acme, running: Running, versions: Versions, handed: None
) -> None:
    acme.publish(policy("localhost", acme.cast.genuine, acme.cast.backup))
    server = running(acme.cast.evil, versions)
    with pytest.raises(Exception) as caught:  # noqa: PT011 - which one it is, is what is asked below
        client.visit(Target(server.port), acme.context(acme.pinner()))
    count = leaked(server)
    found = livepin.find_pin_error(caught.value)
    tries = len(server.connections)
    row = {"leaked": count, "error": full_name(caught.value), "code": found and found.code, "tries": tries}
    results.record(key, f"explicit {versions.name} evil", **row)
    assert row == refusal(client, tries)


# ---------------------------------------------------------------- pinned as a whole


def run_application(key: str, orders: dict[str, Any], root_file: Path) -> dict[str, Any]:
    trust = {"SSL_CERT_FILE": str(root_file), "REQUESTS_CA_BUNDLE": str(root_file), "AWS_CA_BUNDLE": str(root_file)}
    clean = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    done = subprocess.run(
        [sys.executable, "-m", "tests.clients.application", key],
        input=json.dumps(orders),
        env={**clean, **trust},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=6 * TIMEOUT,
    )
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def test_an_application_is_pinned_as_a_whole_without_touching_its_client(
    key: str, client: Client, acme: Acme, running: Running, tmp_path: Path
) -> None:
    acme.publish(policy("localhost", acme.cast.genuine, acme.cast.backup))
    servers = {
        "unpinned": running(acme.cast.evil, Versions.BOTH),
        "genuine": running(acme.cast.genuine, Versions.BOTH),
        "evil TLS12": running(acme.cast.evil, Versions.TLS12),
        "evil TLS13": running(acme.cast.evil, Versions.TLS13),
        "uninstalled": running(acme.cast.evil, Versions.BOTH),
    }
    setup = acme.embedded()
    del setup["on_event"]
    orders = {"setup": setup, "ports": {name: server.port for name, server in servers.items()}}
    report = run_application(key, orders, acme.cast.authority.write(tmp_path))
    measured = {
        name: {"leaked": leaked(server), "tries": len(server.connections), **report[name]}
        for name, server in servers.items()
    }
    for name, row in measured.items():
        results.record(key, f"process-wide {name}", **row)
    for name in ("unpinned", "genuine", "uninstalled"):
        assert measured[name].get("works"), measured[name]
        assert measured[name]["leaked"] >= len(SECRET)
    for name in ("evil TLS12", "evil TLS13"):
        assert measured[name] == refusal(client, measured[name]["tries"])
