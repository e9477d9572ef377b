"""One international name is two names to clients: some ask by IDNA 2003, some by IDNA 2008. Both forms are pinned."""

from __future__ import annotations

import socket
import ssl
from typing import Any

import pytest

import livepin
from livepin.testing import ServerCertificate, TlsServer, Versions, policy
from tests.acme import Acme
from tests.clients.client import SECRET, Target, load

ON_PAPER, FOLDED, KEPT = "faß.example", "fass.example", "xn--fa-hia.example"
#: What each client makes of the name on paper.
ASKED = {
    "http_client": FOLDED,
    "urllib_request": FOLDED,
    "asyncio_streams": FOLDED,
    "raw_socket": FOLDED,
    "raw_memory": FOLDED,
    "urllib3_pool": KEPT,
    "requests_session": KEPT,
    "httpx_sync": KEPT,
    "httpx_async": KEPT,
    "aiohttp_session": KEPT,
}


@pytest.fixture
def everything_is_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """A resolver that answers every name with this machine."""
    real = socket.getaddrinfo

    def resolve(host: Any, *arguments: Any, **named: Any) -> Any:
        return real("127.0.0.1", *arguments, **named)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


@pytest.fixture
def genuine(acme: Acme) -> ServerCertificate:
    """For both forms; both are pinned, and nothing else is listed."""
    certificate = acme.cast.authority.issue(FOLDED, KEPT)
    acme.publish(policy(FOLDED, certificate), policy(KEPT, certificate), unlisted="block")
    return certificate


@pytest.fixture(params=ASKED)
def key(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def visit(key: str, server: TlsServer, context: ssl.SSLContext) -> bytes:
    return load(key).visit(Target(server.port, ON_PAPER), context)


def refusal(key: str, server: TlsServer, context: ssl.SSLContext) -> livepin.PinError:
    """What is beneath the client's own error."""
    try:
        visit(key, server, context)
    except Exception as error:
        found = livepin.find_pin_error(error)
        if found is None:
            raise
        return found
    raise AssertionError("the attacker was answered")


def test_an_international_name_is_pinned_whichever_form_a_client_asks_by(
    key: str, acme: Acme, genuine: ServerCertificate, everything_is_here: None
) -> None:
    serve = load(key).serve
    evil = acme.cast.authority.rekeyed(genuine)
    with serve(evil, versions=Versions.BOTH) as control:
        assert SECRET in visit(key, control, acme.cast.authority.client_context())
        assert set(control.server_names) == {ASKED[key]}
    context = acme.context(acme.pinner())
    with serve(genuine, versions=Versions.BOTH) as server:
        assert SECRET in visit(key, server, context)
    with serve(evil, versions=Versions.BOTH) as attacker:
        found = refusal(key, attacker, context)
        attacker.wait_until_idle()
        assert (found.code, found.verdict.pattern) == ("pin_mismatch", ASKED[key])
        assert attacker.application_bytes == 0
