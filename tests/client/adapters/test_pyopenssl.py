"""Programs that do TLS with pyOpenSSL are pinned by `livepin.setup`, however they move their bytes.

Each test of a refusal stands beside one without pins, or the same call against the genuine service.
"""

from __future__ import annotations

import pickle
import socket
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
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

SECRET = b"bearer-token-of-the-application"
ORIGINALS = dict(vars(SSL.Connection))

Way = Callable[[SSL.Connection], None]


def trusting(cast: Cast, folder: Path, callback: Callable[..., bool] | None = None) -> SSL.Context:
    """A context that trusts the cast's authority."""
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.load_verify_locations(str(cast.authority.write(folder)))
    context.set_verify(SSL.VERIFY_PEER, callback)
    return context


def unshaken(context: SSL.Context, port: int, host: str | None = "localhost") -> SSL.Connection:
    """A connected pyOpenSSL connection that has not shaken hands."""
    plain = socket.create_connection(("localhost", port), 10)
    plain.settimeout(None)
    connection = SSL.Connection(context, plain)
    if host is not None:
        connection.set_tlsext_host_name(host.encode())
    connection.set_connect_state()
    return connection


def close(connection: SSL.Connection) -> None:
    with suppress(SSL.Error, OSError):
        connection.shutdown()
    connection.close()


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


def told(server: TlsServer) -> int:
    server.wait_until_idle()
    return server.application_bytes + sum(len(connection.plaintext) for connection in server.connections)


# ---------------------------------------------------------------- every way in which bytes are moved


def shaken_then_sent(connection: SSL.Connection) -> None:
    connection.do_handshake()
    connection.send(SECRET)


def sent_at_once(connection: SSL.Connection) -> None:
    connection.send(SECRET)


def written_at_once(connection: SSL.Connection) -> None:
    connection.write(SECRET)


def all_sent_at_once(connection: SSL.Connection) -> None:
    connection.sendall(SECRET)


def _reading_first(read: Callable[[SSL.Connection], object], connection: SSL.Connection) -> None:
    """A read that finds nothing in time, then a send: the handshake happened inside the read."""
    plain: Any = connection._socket
    plain.settimeout(0.3)
    for _ in range(20):
        with suppress(SSL.WantReadError):
            read(connection)
        if connection.get_state_string().endswith(b"successfully"):
            break
        with suppress(OSError):
            plain.recv(1, socket.MSG_PEEK)
    plain.settimeout(None)
    connection.sendall(SECRET)


def received_then_sent(connection: SSL.Connection) -> None:
    _reading_first(lambda each: each.recv(1), connection)


def read_then_sent(connection: SSL.Connection) -> None:
    _reading_first(lambda each: each.read(1), connection)


def received_into_then_sent(connection: SSL.Connection) -> None:
    _reading_first(lambda each: each.recv_into(bytearray(1)), connection)


def caught_and_sent(connection: SSL.Connection) -> None:
    for _ in range(3):
        with suppress(SSL.Error, OSError):
            connection.do_handshake()
        with suppress(SSL.Error, OSError):
            connection.sendall(SECRET)


def caught_and_sent_in_the_clear(connection: SSL.Connection) -> None:
    """What pyOpenSSL does not know it asks the socket beneath."""
    try:
        connection.sendall(SECRET)
    except (SSL.Error, OSError):
        connection.sendmsg([SECRET])


def asked_by_the_base_class(connection: SSL.Connection) -> None:
    """As subclasses do that override a method."""
    SSL.Connection.send(connection, SECRET)


WAYS: list[Way] = [
    *(shaken_then_sent, sent_at_once, written_at_once, all_sent_at_once, received_then_sent, read_then_sent),
    *(received_into_then_sent, caught_and_sent, caught_and_sent_in_the_clear, asked_by_the_base_class),
]
ways = pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)


def go(way: Way, connection: SSL.Connection) -> None:
    with suppress(SSL.Error, OSError):
        way(connection)
    close(connection)


@ways
def test_every_way_leads_to_the_attacker_without_pins(way: Way, context: SSL.Context, evil: TlsServer) -> None:
    go(way, unshaken(context, evil.port))
    assert told(evil) >= len(SECRET)


@ways
def test_no_way_leads_to_the_attacker_with_pins(way: Way, context: SSL.Context, evil: TlsServer, pinned: Acme) -> None:
    go(way, unshaken(context, evil.port))
    assert told(evil) == 0
    assert evil.server_names == ("localhost",)
    assert pinned.told("verdict_blocked") != []


@ways
def test_no_way_leads_to_the_attacker_from_a_connection_made_before_set_up(
    way: Way, context: SSL.Context, evil: TlsServer, acme: Acme, installed: None
) -> None:
    connection = unshaken(context, evil.port)
    acme.publish(policy("localhost", acme.cast.genuine))
    livepin.setup(**acme.embedded())
    go(way, connection)
    assert told(evil) == 0


@ways
def test_every_way_leads_to_the_genuine_service(
    way: Way, context: SSL.Context, genuine: TlsServer, pinned: Acme
) -> None:
    go(way, unshaken(context, genuine.port))
    assert told(genuine) >= len(SECRET)
    assert pinned.told("verdict_blocked") == []


def test_over_memory_buffers_nothing_leaves_towards_the_attacker(
    context: SSL.Context, cast: Cast, pinned: Acme
) -> None:
    def talk(certificate: ServerCertificate) -> bytes:
        with TlsServer(certificate, conversation=conversations.echo) as server:
            connection = SSL.Connection(context, None)
            connection.set_tlsext_host_name(b"localhost")
            connection.set_connect_state()
            with socket.create_connection(("localhost", server.port), 10) as plain, suppress(SSL.Error):
                _drive(connection, plain, lambda: connection.send(SECRET))
            return b"" if told(server) == 0 else server.received

    assert talk(cast.genuine) == SECRET
    assert talk(cast.evil) == b""


def _drive(connection: SSL.Connection, plain: socket.socket, step: Callable[[], object]) -> None:
    """Move the bytes of a connection over memory buffers until `step` is done."""
    for _ in range(10):
        try:
            step()
            done = True
        except SSL.WantReadError:
            done = False
        finally:
            with suppress(SSL.WantReadError):
                plain.sendall(connection.bio_read(65536))
        if done:
            return
        connection.bio_write(plain.recv(65536))


def test_the_error_is_ours_and_pyopenssls_and_stays_the_answer(
    context: SSL.Context, evil: TlsServer, pinned: Acme
) -> None:
    connection = unshaken(context, evil.port)
    with pytest.raises(SSL.Error) as first:
        connection.do_handshake()
    with pytest.raises(livepin.PinError) as second:
        connection.send(SECRET)
    close(connection)
    assert isinstance(first.value, livepin.PinError)
    assert first.value.code == second.value.code == "pin_mismatch"
    assert first.value.args == ([("livepin", "", "pin_mismatch")],), "the shape of pyOpenSSL's own errors"
    assert first.value.verdict.host == "localhost"
    assert pickle.loads(pickle.dumps(first.value)).verdict == first.value.verdict


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


# ---------------------------------------------------------------- installed, removed, refused


def test_uninstalled_pyopenssl_is_what_it_was(pinned: Acme) -> None:
    assert vars(SSL.Connection)["send"] is not ORIGINALS["send"]
    livepin.setup(**pinned.embedded())
    livepin.uninstall()
    assert dict(vars(SSL.Connection)) == ORIGINALS


def test_a_pyopenssl_that_cannot_be_gated_stops_set_up(
    acme: Acme, installed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme.publish(policy("localhost", acme.cast.genuine))
    monkeypatch.delattr(SSL.Connection, "recv_into")
    with pytest.raises(livepin.ConfigurationError) as caught:
        livepin.setup(**acme.embedded())
    assert caught.value.code == "hook_unavailable"
    assert "recv_into" in str(caught.value)
    assert livepin.status() is None
    assert vars(SSL.Connection)["send"] is ORIGINALS["send"]


def run(program: str, folder: Path, acme: Acme) -> str:
    """A process of its own: what has been imported in this one cannot be imported later."""
    arguments = acme.embedded()
    del arguments["on_event"]
    head = f"import sys, livepin\nsys.path.insert(0, {str(folder)!r})\narguments = {arguments!r}\n"
    done = subprocess.run(
        [sys.executable, "-c", head + textwrap.dedent(program)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_pyopenssl_is_gated_when_it_is_imported_after_set_up(acme: Acme, tmp_path: Path) -> None:
    acme.publish(policy("localhost", acme.cast.genuine))
    program = """
        import importlib.util
        livepin.setup(**arguments)
        assert "OpenSSL" not in sys.modules
        importlib.util.find_spec("OpenSSL.SSL")  # a question is no import
        from OpenSSL import SSL
        print(SSL.Connection.send.__wrapped__.__name__)
        livepin.uninstall()
        print(hasattr(SSL.Connection.send, "__wrapped__"))
    """
    assert run(program, tmp_path, acme).split() == ["send", "False"]


def test_pyopenssl_is_not_imported_for_the_sake_of_gating_it(acme: Acme, tmp_path: Path) -> None:
    acme.publish(policy("localhost", acme.cast.genuine))
    program = """
        before = list(sys.meta_path)
        livepin.setup(**arguments)
        livepin.uninstall()
        print("OpenSSL" in sys.modules, sys.meta_path == before)
        from OpenSSL import SSL
        print(hasattr(SSL.Connection.send, "__wrapped__"))
    """
    assert run(program, tmp_path, acme).split() == ["False", "True", "False"]


def test_a_pyopenssl_that_cannot_be_gated_cannot_be_imported_after_set_up(acme: Acme, tmp_path: Path) -> None:
    acme.publish(policy("localhost", acme.cast.genuine))
    package = tmp_path / "OpenSSL"
    package.mkdir()
    (package / "__init__.py").write_text("from OpenSSL import SSL, crypto\n")
    (package / "SSL.py").write_text("class Error(Exception): ...\nclass Connection:\n    def send(self): ...\n")
    (package / "crypto.py").write_text("")
    program = """
        livepin.setup(**arguments)
        for _ in range(2):
            try:
                import OpenSSL.SSL
            except ImportError as error:
                print("hook_unavailable" in str(error))
    """
    assert run(program, tmp_path, acme).split() == ["True", "True"]
