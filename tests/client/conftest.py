"""What the tests of this room share."""

from __future__ import annotations

import os
import shutil
import ssl
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from livepin.client.directory import private_directory
from livepin.errors import StoreUnusable
from livepin.testing import HandTurnedClock
from livepin.testing.authority import CertificateAuthority

REPOSITORY = Path(__file__).parents[2]


@dataclass(frozen=True)
class PrivateCdn:
    """A source whose certificate is from a CA that only its operator trusts."""

    ca_file: str
    server: ssl.SSLContext
    elsewhere: ssl.SSLContext


@pytest.fixture(scope="session")
def private_cdn(tmp_path_factory: pytest.TempPathFactory) -> PrivateCdn:
    """Server contexts for `localhost`, and for a name that is not asked for."""
    authority = CertificateAuthority()
    contexts = []
    for name in ("localhost", "elsewhere.example"):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue(name).load_into(context)
        contexts.append(context)
    return PrivateCdn(str(authority.write(tmp_path_factory.mktemp("cdn"))), *contexts)


@pytest.fixture
def clock() -> HandTurnedClock:
    """A clock that starts now, because certificates are validated by the computer's."""
    return HandTurnedClock(time.time())


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests say themselves which proxy there is."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture
def private_place() -> Iterator[Path]:
    """An empty directory where a store may be: a temporary directory is one of those that it refuses."""
    for parent in (REPOSITORY / "build", Path.home()):
        place = parent / f"livepin-test-{uuid.uuid4().hex}"
        try:
            private_directory(place)
        except StoreUnusable:
            continue
        yield place
        shutil.rmtree(place, ignore_errors=True)
        return
    pytest.skip("neither the repository nor the home directory is a place that only this user can write to")
