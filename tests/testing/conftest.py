"""One cast of certificates for all tests of this room: keys take a moment to make."""

from __future__ import annotations

import pytest

from livepin.testing import Cast


@pytest.fixture(scope="session")
def cast() -> Cast:
    """Certificates for localhost, below one intermediate."""
    return Cast()
