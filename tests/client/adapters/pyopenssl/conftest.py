"""A process that is pinned, the service and the attacker, for programs that do TLS with pyOpenSSL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from OpenSSL import SSL

import livepin
from livepin.testing import Cast, TlsServer, Versions, conversations, policy
from tests.acme import Acme
from tests.client.adapters.pyopenssl.connections import trusting


@pytest.fixture(params=[Versions.TLS12, Versions.TLS13], ids=["TLS12", "TLS13"])
def evil(request: pytest.FixtureRequest, cast: Cast) -> Iterator[TlsServer]:
    with TlsServer(cast.evil, versions=request.param, conversation=conversations.echo) as server:
        yield server


@pytest.fixture
def genuine(cast: Cast) -> Iterator[TlsServer]:
    with TlsServer(cast.genuine, conversation=conversations.echo) as server:
        yield server


@pytest.fixture
def context(cast: Cast, tmp_path: Path) -> SSL.Context:
    return trusting(cast, tmp_path)


@pytest.fixture
def pinned(acme: Acme, installed: None) -> Acme:
    """A process that is pinned to other keys than the attacker's."""
    acme.publish(policy("localhost", acme.cast.genuine, acme.cast.backup))
    livepin.setup(**acme.embedded())
    return acme
