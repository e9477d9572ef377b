"""What several rooms share: one cast of certificates, because keys take a moment to make, and a project."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

import livepin
from livepin.testing import Cast, Origin
from tests.acme import Acme
from tests.artefacts import pytest_configure, pytest_terminal_summary

__all__ = ["pytest_configure", "pytest_terminal_summary"]  # hooks: they say where pictures of failures are


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


_BASE64 = "[A-Za-z0-9+/_-]"
_MADE_ANEW = re.compile(rf"(?={_BASE64}*[0-9])(?={_BASE64}*[A-Z])(?={_BASE64}*[a-z]){_BASE64}{{20,}}")


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Keys, digests and bytes are made anew in each process, and may not be part of a test's name: workers that run
    side by side compare the names."""
    if isinstance(val, bytes) or (isinstance(val, str) and _MADE_ANEW.search(val)):
        return argname
    return None
