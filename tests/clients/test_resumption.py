"""Sessions are resumed, and judged every time: pins may have changed since the session began."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import livepin
from livepin.client import peer
from livepin.testing import ServerCertificate, TlsServer, conversations, policy
from tests.acme import Acme
from tests.clients.client import SECRET
from tests.clients.talks import KINDS, TALKS, Talk


@pytest.fixture(params=TALKS, ids=[talk.__name__ for talk in TALKS])
def talk(request: pytest.FixtureRequest) -> Talk:
    found: Talk = request.param
    return found


@pytest.fixture(params=list(KINDS))
def server(request: pytest.FixtureRequest, acme: Acme) -> Iterator[TlsServer]:
    versions, resumption = KINDS[request.param]
    with TlsServer(
        acme.cast.genuine, versions=versions, resumption=resumption, conversation=conversations.echo
    ) as server:
        yield server


def last_of(server: TlsServer) -> tuple[int, bool]:
    """How many bytes of the last connection were decrypted, and whether it resumed a session."""
    server.wait_until_idle()
    connection = server.connections[-1]
    return len(connection.received), connection.resumed


def pin(acme: Acme, *certificates: ServerCertificate) -> None:
    acme.publish(policy("localhost", *certificates))


def test_a_resumed_session_is_allowed_while_its_key_is_pinned(talk: Talk, server: TlsServer, acme: Acme) -> None:
    pin(acme, acme.cast.genuine)
    context = acme.context(acme.pinner())
    first = talk(context, server.port, "localhost", None)
    second = talk(context, server.port, "localhost", first.session)
    assert (first.reply, second.reply, second.resumed) == (SECRET, SECRET, True)
    assert last_of(server) == (len(SECRET), True)


def test_a_resumed_session_is_refused_once_its_key_is_no_longer_pinned(
    talk: Talk, server: TlsServer, acme: Acme
) -> None:
    pin(acme, acme.cast.genuine)
    pinner = acme.pinner()
    context = acme.context(pinner)
    first = talk(context, server.port, "localhost", None)
    pin(acme, acme.cast.backup)
    assert pinner.refresh()
    with pytest.raises(livepin.PinError) as caught:
        talk(context, server.port, "localhost", first.session)
    assert caught.value.code == "pin_mismatch"
    assert last_of(server) == (0, True)


def test_a_resumed_session_is_refused_under_a_set_up_that_is_younger_than_the_session(
    talk: Talk, server: TlsServer, acme: Acme, installed: None
) -> None:
    pin(acme, acme.cast.backup)
    context = acme.cast.authority.client_context()
    first = talk(context, server.port, "localhost", None)
    livepin.setup(**acme.embedded())
    with pytest.raises(livepin.PinError):
        talk(context, server.port, "localhost", first.session)
    assert last_of(server) == (0, True)


def test_a_session_of_one_host_does_not_open_another_that_is_pinned(talk: Talk, server: TlsServer, acme: Acme) -> None:
    """`ssl` compares names in full handshakes only, so the name of a resumed session may be any."""
    acme.publish(policy("localhost", acme.cast.genuine), policy("pay.example", acme.cast.backup))
    context = acme.context(acme.pinner())
    first = talk(context, server.port, "localhost", None)
    with pytest.raises(livepin.PinError):
        talk(context, server.port, "pay.example", first.session)
    assert last_of(server)[0] == 0


# ---------------------------------------------------------------- pins above the leaf


def pin_authority(acme: Acme, **members: object) -> None:
    intermediate = {"spki_sha256": acme.cast.genuine.chain_spki_sha256[1], "position": "ca"}
    acme.publish(policy("localhost", intermediate), **members)


def test_a_resumed_session_has_the_chain_of_the_handshake_that_began_it(
    talk: Talk, server: TlsServer, acme: Acme
) -> None:
    pin_authority(acme)
    context = acme.context(acme.pinner())
    first = talk(context, server.port, "localhost", None)
    second = talk(context, server.port, "localhost", first.session)
    assert (second.reply, second.resumed) == (SECRET, True)


def test_a_resumed_session_whose_chain_is_not_known_any_more_is_refused(
    talk: Talk, server: TlsServer, acme: Acme
) -> None:
    pin_authority(acme)
    context = acme.context(acme.pinner())
    first = talk(context, server.port, "localhost", None)
    peer._chains.pop(context)
    with pytest.raises(livepin.PinError):
        talk(context, server.port, "localhost", first.session)
    assert last_of(server) == (0, True)


def test_a_resumed_session_is_refused_once_its_authority_is_denied(talk: Talk, server: TlsServer, acme: Acme) -> None:
    pin(acme, acme.cast.genuine)
    pinner = acme.pinner()
    context = acme.context(pinner)
    first = talk(context, server.port, "localhost", None)
    acme.publish(policy("localhost", acme.cast.genuine), deny=[acme.cast.genuine.chain_spki_sha256[1]])
    assert pinner.refresh()
    with pytest.raises(livepin.PinError) as caught:
        talk(context, server.port, "localhost", first.session)
    assert caught.value.code == "denied"
    assert last_of(server) == (0, True)
