"""Which host and which chain of a pyOpenSSL connection are judged, on resumed sessions and ever after."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from OpenSSL import SSL, crypto

import livepin
from livepin.core.pins import certificates_of_pem
from livepin.testing import Cast, ServerCertificate, TlsServer, Versions, conversations, policy
from tests.acme import Acme
from tests.client.adapters.pyopenssl.connections import SECRET, close, go, sent_at_once, told, trusting, unshaken

# ---------------------------------------------------------------- which host, which chain


def test_a_client_that_sends_no_name_is_judged_by_the_names_of_the_certificate(
    context: SSL.Context, evil: TlsServer, genuine: TlsServer, pinned: Acme
) -> None:
    for server in (genuine, evil):
        go(sent_at_once, unshaken(context, server.port, host=None))
    assert told(genuine) == len(SECRET)
    assert told(evil) == 0


def test_an_authority_is_pinned_on_the_chain_that_was_validated(
    cast: Cast, context: SSL.Context, acme: Acme, installed: None
) -> None:
    acme.publish({"host": "localhost", "action": "enforce", "pins": [ca_pin(cast)]})
    livepin.setup(**acme.embedded())
    with TlsServer(cast.renewed, conversation=conversations.echo) as server:
        go(sent_at_once, unshaken(context, server.port))
        assert told(server) == len(SECRET)


def test_a_callback_that_lets_everything_pass_does_not_make_a_forged_chain_a_validated_one(
    cast: Cast, tmp_path: Path, acme: Acme, installed: None
) -> None:
    acme.publish({"host": "localhost", "action": "enforce", "pins": [ca_pin(cast)]})
    careless = trusting(cast, tmp_path, lambda *_: True)
    with TlsServer(cast.forged, conversation=conversations.echo) as server:
        go(sent_at_once, unshaken(careless, server.port))
        assert told(server) == len(SECRET)
    livepin.setup(**acme.embedded())
    with TlsServer(cast.forged, conversation=conversations.echo) as server:
        go(sent_at_once, unshaken(careless, server.port))
        assert told(server) == 0


def test_without_validation_no_authority_counts(cast: Cast, acme: Acme, installed: None) -> None:
    acme.publish({"host": "localhost", "action": "enforce", "pins": [ca_pin(cast)]})
    livepin.setup(**acme.embedded())
    with TlsServer(cast.genuine, conversation=conversations.echo) as server:
        go(sent_at_once, unshaken(SSL.Context(SSL.TLS_CLIENT_METHOD), server.port))
        assert told(server) == 0


def ca_pin(cast: Cast) -> dict[str, str]:
    intermediate = certificates_of_pem(cast.genuine.chain_pem)[1]
    return {"spki_sha256": intermediate.digest("spki_sha256"), "position": "ca"}


# ---------------------------------------------------------------- sessions, renegotiation, open connections


@pytest.mark.parametrize("versions", [Versions.TLS12, Versions.TLS13], ids=["TLS12", "TLS13"])
@pytest.mark.parametrize("position", ["leaf", "ca"])
def test_a_resumed_session_is_judged_again(
    versions: Versions, position: str, cast: Cast, context: SSL.Context, acme: Acme, installed: None
) -> None:
    pin = ca_pin(cast) if position == "ca" else None
    listed: Any = (
        {"host": "localhost", "action": "enforce", "pins": [pin]} if pin else policy("localhost", cast.genuine)
    )
    acme.publish(listed)
    pinner = livepin.setup(**acme.embedded())

    def talk(session: SSL.Session | None) -> SSL.Session | None:
        connection = unshaken(context, server.port)
        if session is not None:
            connection.set_session(session)
        try:
            connection.sendall(SECRET)
            assert connection.recv(len(SECRET)) == SECRET
            return connection.get_session()
        finally:
            close(connection)

    with TlsServer(cast.genuine, versions=versions, conversation=conversations.echo) as server:
        session = talk(talk(None))
        server.wait_until_idle()
        assert [each.resumed for each in server.connections] == [False, True]
        acme.publish(policy("localhost", cast.backup))
        pinner.refresh()
        before = told(server)
        with pytest.raises(livepin.PinError):
            talk(session)
        assert told(server) == before
        assert server.connections[-1].resumed


def test_a_certificate_is_not_exchanged_after_the_judgement_by_a_renegotiation(
    cast: Cast, context: SSL.Context, tmp_path: Path, pinned: Acme
) -> None:
    client, server = _in_memory(context, cast.genuine, tmp_path)
    _shake(client, server)
    _present(server, cast.evil, tmp_path)
    server.renegotiate()
    with suppress(SSL.Error):
        _shake(client, server)
    with suppress(SSL.Error):
        client.send(SECRET)
    _carry(client, server)
    assert client.get_peer_certificate().digest("sha256") == _digest(cast.genuine)


def test_without_pins_a_renegotiation_does_exchange_the_certificate(
    cast: Cast, context: SSL.Context, tmp_path: Path
) -> None:
    client, server = _in_memory(context, cast.genuine, tmp_path)
    _shake(client, server)
    _present(server, cast.evil, tmp_path)
    server.renegotiate()
    _shake(client, server)
    assert client.get_peer_certificate().digest("sha256") == _digest(cast.evil)


def _digest(certificate: ServerCertificate) -> bytes:
    return crypto.load_certificate(crypto.FILETYPE_PEM, certificate.chain_pem.encode()).digest("sha256")


def _present(server: Any, certificate: ServerCertificate, folder: Path) -> None:
    files = certificate.write(folder)
    server.use_certificate(x509.load_pem_x509_certificates(Path(files.chain).read_bytes())[0])
    server.use_privatekey(load_pem_private_key(Path(files.key).read_bytes(), None))


def _in_memory(context: SSL.Context, certificate: ServerCertificate, folder: Path) -> tuple[Any, Any]:
    """A client and a server of TLS 1.2, over memory buffers."""
    serving = SSL.Context(SSL.TLS_SERVER_METHOD)
    serving.set_max_proto_version(SSL.TLS1_2_VERSION)
    files = certificate.write(folder)
    serving.use_certificate_chain_file(str(files.chain))
    serving.use_privatekey_file(str(files.key))
    serving.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    serving.set_options(SSL.OP_NO_TICKET)  # a resumed session would keep its certificate
    client, server = SSL.Connection(context, None), SSL.Connection(serving, None)
    client.set_tlsext_host_name(b"localhost")
    client.set_connect_state()
    server.set_accept_state()
    return client, server


def _carry(client: Any, server: Any) -> None:
    for here, there in ((client, server), (server, client)):
        with suppress(SSL.WantReadError):
            there.bio_write(here.bio_read(65536))


def _shake(client: Any, server: Any) -> None:
    for _ in range(8):
        for side in (client, server):
            with suppress(SSL.WantReadError):
                side.do_handshake()
            with suppress(SSL.WantReadError, SSL.ZeroReturnError):
                side.recv(1)
            _carry(client, server)


def test_an_open_connection_ends_when_its_key_is_denied(
    cast: Cast, context: SSL.Context, genuine: TlsServer, acme: Acme, installed: None
) -> None:
    acme.publish(policy("localhost", cast.genuine, cast.backup))
    pinner = livepin.setup(**acme.embedded())
    connection = unshaken(context, genuine.port)
    connection.sendall(SECRET)
    assert connection.recv(len(SECRET)) == SECRET
    acme.publish(policy("localhost", cast.backup), deny=[cast.genuine.spki_sha256])
    pinner.refresh()
    with pytest.raises(livepin.PinError) as caught:
        connection.sendall(SECRET)
    close(connection)
    assert caught.value.code == "denied"
    assert told(genuine) == len(SECRET)


def test_a_connection_that_was_established_before_set_up_goes_on(
    context: SSL.Context, evil: TlsServer, acme: Acme, installed: None
) -> None:
    connection = unshaken(context, evil.port)
    connection.do_handshake()
    acme.publish(policy("localhost", acme.cast.genuine))
    livepin.setup(**acme.embedded())
    connection.sendall(SECRET)
    assert connection.recv(len(SECRET)) == SECRET
    close(connection)


def test_servers_are_left_alone(cast: Cast, context: SSL.Context, tmp_path: Path, acme: Acme, installed: None) -> None:
    acme.publish(policy("localhost", cast.genuine), unlisted="block")
    livepin.setup(**acme.embedded())
    client, server = _in_memory(context, cast.genuine, tmp_path)
    _shake(client, server)
    client.send(SECRET)
    _carry(client, server)
    assert server.recv(100) == SECRET
