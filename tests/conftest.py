"""What several rooms share: one cast of certificates, because keys take a moment to make, and a project."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import livepin
from livepin.testing import Cast, Origin
from tests.acme import Acme


@pytest.fixture(scope="session")
def cast() -> Cast:
    """Certificates for localhost, below one intermediate."""
    return Cast()


@pytest.fixture
def acme(cast: Cast) -> Iterator[Acme]:
    """A project of which nothing is published yet."""
    with Origin() as origin:
        acme = Acme(cast, origin)
        yield acme
        acme.close()


@pytest.fixture
def installed() -> Iterator[None]:
    """For tests that call `livepin.setup`: whatever happens, the process is left as it was."""
    yield
    livepin.uninstall()
