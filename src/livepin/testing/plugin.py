"""A pytest plugin: hold your own application against an attacker. docs/testing.md shows how.

It is there in every pytest of an environment that has Livepin, so it does nothing unless one of its fixtures is asked
for, and imports nothing before that. `pytest -p no:livepin` leaves it out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from livepin.testing.cast import Cast
    from livepin.testing.stage import Pins
    from livepin.testing.tls import TlsServer

#: Where clients look for the CAs that they trust, unless they are told otherwise.
_CA_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "AWS_CA_BUNDLE")
_PROXY_VARIABLES = ("HTTPS_PROXY", "https_proxy")
_NO_PROXY_VARIABLES = ("NO_PROXY", "no_proxy")


@pytest.fixture(scope="session")
def livepin_hosts() -> tuple[str, ...]:
    """The names of your services. Override this fixture to have others than `localhost`."""
    return ("localhost",)


@pytest.fixture(scope="session")
def livepin_cast(livepin_hosts: tuple[str, ...]) -> Cast:
    """A certificate of every kind for `livepin_hosts`: `genuine`, `backup`, `evil`, and more."""
    from livepin.testing.cast import Cast  # lazily: see above

    return Cast(*livepin_hosts)


@pytest.fixture
def livepin_ca(livepin_cast: Cast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The root that certified both the service and the attacker, as a file. Clients that go by the environment trust
    it during the test; to others, and to contexts that were made before, you give it yourself."""
    path = livepin_cast.authority.write(tmp_path)
    for variable in _CA_VARIABLES:
        monkeypatch.setenv(variable, str(path))
    return path


@pytest.fixture
def livepin_service(livepin_cast: Cast, livepin_ca: Path) -> Iterator[TlsServer]:
    """Your service: an HTTPS server on loopback with the genuine certificate, which echoes what it is asked."""
    from livepin.testing.tls import TlsServer  # lazily: see above

    with TlsServer(livepin_cast.genuine) as server:
        yield server


@pytest.fixture
def livepin_attacker(livepin_cast: Cast, livepin_ca: Path) -> Iterator[TlsServer]:
    """The attacker: the right names, and a certificate from the authority that everybody trusts. Another key."""
    from livepin.testing.tls import TlsServer  # lazily: see above

    with TlsServer(livepin_cast.evil) as server:
        yield server


@pytest.fixture
def livepin_pins(livepin_hosts: tuple[str, ...], livepin_cast: Cast) -> Iterator[Pins]:
    """A published document that pins the genuine and the backup key of `livepin_hosts`, set up for the whole process
    and taken down after the test. What the application had set up before is not put back."""
    from livepin.testing.stage import Pins  # lazily: see above

    with Pins(livepin_cast, livepin_hosts) as pins:
        yield pins


@pytest.fixture
def livepin_detour(monkeypatch: pytest.MonkeyPatch) -> Callable[[TlsServer], None]:
    """`livepin_detour(server)`: from now on, whoever calls any host over HTTPS ends at `server`, as if it sat in
    between. It is an ordinary proxy in `HTTPS_PROXY`, for clients that heed it."""
    import urllib.request  # lazily: see above

    from livepin.testing import conversations

    def detour(server: TlsServer) -> None:
        server.preamble = conversations.intercepted_connect
        for variable in _PROXY_VARIABLES:
            monkeypatch.setenv(variable, f"http://{server.address}:{server.port}")
        for variable in _NO_PROXY_VARIABLES:
            monkeypatch.delenv(variable, raising=False)
        # `urlopen` reads the environment once and remembers; this is how it starts over (install_opener).
        monkeypatch.setattr(urllib.request, "_opener", None)

    return detour
