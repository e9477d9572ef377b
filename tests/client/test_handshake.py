"""What the guard does for one connection: it stands aside after a match, and for ever in the way after a refusal."""

from __future__ import annotations

import _ssl
import copy
import ctypes
import gc
import socket
import ssl
import sys
import threading
import warnings
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

import livepin
from livepin.client.context import pinned_context
from livepin.client.handshake import Guard
from livepin.client.peer import OpenPeer
from livepin.testing import Cast, ServerCertificate, TlsServer, conversations, policy
from tests.acme import Acme


@pytest.fixture
def pinned(acme: Acme) -> ssl.SSLContext:
    """A context of a project that pins the genuine key."""
    acme.publish(policy("localhost", acme.cast.genuine, acme.cast.backup))
    return acme.context(acme.pinner())


@pytest.fixture
def evil(cast: Cast) -> Iterator[TlsServer]:
    with TlsServer(cast.evil, conversation=conversations.echo) as server:
        yield server


@pytest.fixture
def genuine(cast: Cast) -> Iterator[TlsServer]:
    with TlsServer(cast.genuine, conversation=conversations.echo) as server:
        yield server


def deferred(context: ssl.SSLContext, server: TlsServer, host: str | None = "localhost") -> ssl.SSLSocket:
    """A connected socket that has not shaken hands."""
    plain = socket.create_connection(("localhost", server.port), 10)
    return context.wrap_socket(plain, server_hostname=host, do_handshake_on_connect=False)


def bytes_at(server: TlsServer) -> int:
    server.wait_until_idle()
    return server.application_bytes + sum(len(connection.plaintext) for connection in server.connections)


# ---------------------------------------------------------------- stepping aside, staying in the way


def test_after_a_match_nothing_stands_between_ssl_and_openssl(pinned: ssl.SSLContext, genuine: TlsServer) -> None:
    with deferred(pinned, genuine) as connection:
        assert type(connection._sslobj) is Guard  # type: ignore[attr-defined]
        connection.do_handshake()
        assert type(connection._sslobj) is _ssl._SSLSocket  # type: ignore[attr-defined]
        connection.sendall(b"hello")
        assert connection.recv(5) == b"hello"


def test_after_a_match_in_memory_nothing_stands_between_ssl_and_openssl(cast: Cast, pinned: ssl.SSLContext) -> None:
    pair = Pair(pinned, cast.genuine)
    pair.shake()
    assert type(pair.client._sslobj) is _ssl._SSLSocket  # type: ignore[attr-defined]


def test_a_refused_connection_refuses_for_ever_with_errors_of_its_own(pinned: ssl.SSLContext, evil: TlsServer) -> None:
    errors = []
    with deferred(pinned, evil) as connection:
        for again in (connection.do_handshake, lambda: connection.send(b"secret"), lambda: connection.recv(1)):
            with pytest.raises(livepin.PinError) as caught:
                again()
            errors.append(caught.value)
    assert [error.verdict for error in errors] == [errors[0].verdict] * 3
    assert len({id(error) for error in errors}) == 3, "one error raised again would drag its first traceback along"
    assert bytes_at(evil) == 0


def test_a_failed_connect_leaves_no_socket_to_send_plaintext_over(pinned: ssl.SSLContext, evil: TlsServer) -> None:
    with pinned.wrap_socket(socket.socket(), server_hostname="localhost") as connection:
        with pytest.raises(livepin.PinError):
            connection.connect(("localhost", evil.port))
        with pytest.raises(OSError):  # noqa: PT011 - broken pipe, or reset, whichever comes first
            connection.send(b"secret")
    assert bytes_at(evil) == 0


@pytest.mark.parametrize("certificate", ["untrusted", "wrong_host"])
def test_nor_does_a_connect_that_failed_before_the_judgement(
    pinned: ssl.SSLContext, cast: Cast, certificate: str
) -> None:
    with (
        TlsServer(getattr(cast, certificate)) as server,
        pinned.wrap_socket(socket.socket(), server_hostname="localhost") as connection,
    ):
        with pytest.raises(ssl.SSLCertVerificationError):
            connection.connect(("localhost", server.port))
        with pytest.raises(OSError):  # noqa: PT011 - as above
            connection.send(b"secret")
        assert bytes_at(server) == 0


def test_nor_does_a_connect_whose_peer_was_silent(pinned: ssl.SSLContext) -> None:
    with (
        socket.create_server(("localhost", 0)) as silent,
        pinned.wrap_socket(socket.socket(), server_hostname="localhost") as connection,
    ):
        connection.settimeout(0.1)
        with pytest.raises(TimeoutError):
            connection.connect(silent.getsockname())
        with pytest.raises(OSError):  # noqa: PT011 - as above
            connection.send(b"secret")
        connection.close()
        peer, _ = silent.accept()
        with peer, peer.makefile("rb") as received:
            assert b"secret" not in received.read()


def test_a_handshake_of_its_own_that_took_too_long_may_be_gone_on_with(cast: Cast, pinned: ssl.SSLContext) -> None:
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    cast.genuine.load_into(serving)
    with (
        socket.create_server(("localhost", 0)) as late,
        socket.create_connection(late.getsockname(), 10) as plain,
        pinned.wrap_socket(plain, server_hostname="localhost", do_handshake_on_connect=False) as connection,
    ):
        connection.settimeout(0.1)
        with pytest.raises(TimeoutError):
            connection.do_handshake()
        peer, _ = late.accept()
        shaking = threading.Thread(target=lambda: serving.wrap_socket(peer, server_side=True).close())
        shaking.start()
        connection.settimeout(30)
        connection.do_handshake()
        shaking.join(30)
    assert not shaking.is_alive()


def test_the_same_failed_connect_sends_plaintext_without_livepin(cast: Cast) -> None:
    """The hazard of the standard library that the test above is about."""
    context = cast.authority.client_context()
    with (
        TlsServer(cast.untrusted) as server,
        context.wrap_socket(socket.socket(), server_hostname="localhost") as connection,
    ):
        with pytest.raises(ssl.SSLCertVerificationError):
            connection.connect(("localhost", server.port))
        connection.send(b"secret")
        server.wait_until(lambda: server.connections[0].plaintext == b"secret")


def test_a_peer_that_ordinary_validation_refuses_is_refused_as_ever(pinned: ssl.SSLContext, cast: Cast) -> None:
    """Pins never replace validation (J4), and a socket that failed it gets its second chance from nobody."""
    with TlsServer(cast.wrong_host) as server, deferred(pinned, server) as connection:
        for _ in range(2):
            with pytest.raises(ssl.SSLError) as caught:
                connection.send(b"secret")
            assert livepin.find_pin_error(caught.value) is None
        connection.close()
        assert bytes_at(server) == 0


@pytest.mark.parametrize("error", [RuntimeError("a bug"), KeyboardInterrupt()], ids=["bug", "interrupted"])
def test_a_judgement_that_did_not_end_counts_as_a_refusal(cast: Cast, evil: TlsServer, error: BaseException) -> None:
    def check(peer: OpenPeer) -> None:
        raise error

    context = pinned_context(check, cadata=cast.authority.root_pem)
    with deferred(context, evil) as connection:
        with pytest.raises(type(error)):
            connection.do_handshake()
        with pytest.raises(ConnectionAbortedError):
            connection.send(b"secret")
    assert bytes_at(evil) == 0


def test_another_thread_sends_nothing_while_the_judgement_goes_on(cast: Cast, evil: TlsServer) -> None:
    judging, go_on = threading.Event(), threading.Event()

    def check(peer: OpenPeer) -> None:
        judging.set()
        assert go_on.wait(30)
        raise RuntimeError("refused")

    with deferred(pinned_context(check, cadata=cast.authority.root_pem), evil) as connection:

        def use(call: Callable[[bytes], object]) -> None:
            with suppress(OSError, RuntimeError):
                call(b"secret")

        first = threading.Thread(target=use, args=(lambda _: connection.do_handshake(),))
        first.start()
        assert judging.wait(30)
        second = threading.Thread(target=use, args=(connection.sendall,))
        second.start()
        second.join(0.1)
        assert second.is_alive(), "it waits for a judgement of its own"
        go_on.set()
        first.join(10)
        second.join(10)
    assert bytes_at(evil) == 0


# ---------------------------------------------------------------- before the handshake


QUESTIONS: dict[str, Callable[[ssl.SSLSocket], object]] = {
    "cipher": lambda connection: connection.cipher(),
    "version": lambda connection: connection.version(),
    "getpeercert": lambda connection: connection.getpeercert(),
    "compression": lambda connection: connection.compression(),
    "shared_ciphers": lambda connection: connection.shared_ciphers(),
    "selected_alpn_protocol": lambda connection: connection.selected_alpn_protocol(),
    "get_channel_binding": lambda connection: connection.get_channel_binding("tls-unique"),
    "pending": lambda connection: connection.pending(),
    "session": lambda connection: connection.session,
    "session_reused": lambda connection: connection.session_reused,
    "server_hostname": lambda connection: connection.server_hostname,
    "unwrap": lambda connection: connection.unwrap(),
}


@pytest.mark.parametrize("question", list(QUESTIONS.values()), ids=list(QUESTIONS))
def test_a_question_before_the_handshake_is_answered_as_without_pins(
    pinned: ssl.SSLContext, cast: Cast, genuine: TlsServer, question: Callable[[ssl.SSLSocket], object]
) -> None:
    answers = []
    for context in (cast.authority.client_context(), pinned):
        with deferred(context, genuine) as connection:
            try:
                answers.append(repr(question(connection)))
            except (OSError, ValueError) as error:
                answers.append(f"{type(error).__name__}: {error.args[0]}")
    assert answers[0] == answers[1]
    genuine.wait_until_idle()
    assert genuine.handshakes == 0


def test_a_session_and_a_context_set_before_the_handshake_reach_openssl(
    pinned: ssl.SSLContext, cast: Cast, genuine: TlsServer
) -> None:
    with deferred(pinned, genuine) as first:
        first.sendall(b"hello")
        first.recv(5)
        session = first.session
    with deferred(pinned, genuine) as second:
        second.session = session
        second.do_handshake()
        assert second.session_reused


# ---------------------------------------------------------------- what is left behind


def test_a_refused_connection_is_freed_at_once_without_the_garbage_collector(
    pinned: ssl.SSLContext, evil: TlsServer
) -> None:
    def refuse() -> weakref.ref[ssl.SSLSocket]:
        """Connect, be refused, forget everything, as programs do."""
        connection = deferred(pinned, evil)
        with suppress(livepin.PinError):
            connection.do_handshake()
        connection.close()
        return weakref.ref(connection)

    with no_garbage_collection():
        assert refuse()() is None


def test_a_refused_connection_in_memory_is_freed_at_once(pinned: ssl.SSLContext, cast: Cast) -> None:
    def refuse() -> weakref.ref[ssl.SSLObject]:
        pair = Pair(pinned, cast.evil)
        with suppress(livepin.PinError):
            pair.shake()
        return weakref.ref(pair.client)

    with no_garbage_collection():
        assert refuse()() is None


def test_a_socket_that_refuses_in_its_constructor_is_closed_by_itself(pinned: ssl.SSLContext, evil: TlsServer) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        with no_garbage_collection():
            plain = socket.create_connection(("localhost", evil.port), 10)
            with pytest.raises(livepin.PinError):
                pinned.wrap_socket(plain, server_hostname="localhost")
            del plain
    assert bytes_at(evil) == 0


def test_an_accepted_connection_is_freed_at_once(pinned: ssl.SSLContext, genuine: TlsServer) -> None:
    def accept() -> weakref.ref[ssl.SSLSocket]:
        with deferred(pinned, genuine) as connection:
            connection.do_handshake()
        return weakref.ref(connection)

    with no_garbage_collection():
        assert accept()() is None


@contextmanager
def no_garbage_collection() -> Iterator[None]:
    """Only reference counting frees anything."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


# ---------------------------------------------------------------- renegotiation (TLS 1.2)


#: An option of OpenSSL that `ssl` has no name for. Renegotiations show a certificate, where otherwise they resume.
NO_RESUMPTION_ON_RENEGOTIATION = 1 << 16


class Pair:
    """Client and server of one connection, in memory."""

    def __init__(self, client: ssl.SSLContext, certificate: ServerCertificate) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.options |= NO_RESUMPTION_ON_RENEGOTIATION
        certificate.load_into(context)
        up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.client = client.wrap_bio(down, up, server_hostname="localhost")
        self.server = context.wrap_bio(up, down, server_side=True)

    def shake(self) -> None:
        """Let both sides do what they can until they rest. Raises what the client raises."""
        for _ in range(6):
            for side in (self.client, self.server):
                with suppress(ssl.SSLWantReadError):
                    side.do_handshake()


def renegotiate(pair: Pair, certificate: ServerCertificate) -> None:
    """As the server: shake hands again, and show another certificate. Python has no call for that, OpenSSL has.

    In `_ssl` the pointer to OpenSSL's object follows the head of a Python object and one pointer.
    """
    other = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.load_into(other)
    pair.server.context = other
    libssl = ctypes.CDLL(_ssl.__file__)
    place = id(pair.server._sslobj) + object.__basicsize__ + ctypes.sizeof(ctypes.c_void_p)  # type: ignore[attr-defined]
    pointer = ctypes.c_void_p.from_address(place)
    for function in (libssl.SSL_renegotiate, libssl.SSL_do_handshake):
        function.argtypes = [ctypes.c_void_p]
        function(pointer)
    for _ in range(6):
        for side in (pair.client, pair.server):
            with suppress(ssl.SSLError):
                side.read(1)


def shown(pair: Pair) -> bytes | None:
    """The certificate that the client believes to be talking to; None where the connection is broken."""
    try:
        return pair.client.getpeercert(True)
    except ValueError:
        return None


@pytest.mark.skipif(sys.implementation.name != "cpython", reason="looks into an object of CPython")
def test_a_certificate_is_not_exchanged_after_the_judgement_by_a_renegotiation(
    pinned: ssl.SSLContext, cast: Cast
) -> None:
    plain = cast.authority.client_context()
    seen = []
    for context in (plain, pinned):
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        pair = Pair(context, cast.genuine)
        pair.shake()
        assert shown(pair) == cast.genuine.der
        renegotiate(pair, cast.evil)
        seen.append(shown(pair))
    assert seen[0] == cast.evil.der, "the attack works without pins"
    assert seen[1] in (cast.genuine.der, None)


def test_the_error_is_the_end_of_its_chain_of_causes(pinned: ssl.SSLContext, evil: TlsServer) -> None:
    with deferred(pinned, evil) as connection:
        for _ in range(2):
            with pytest.raises(livepin.PinError) as caught:
                connection.send(b"secret")
            assert (caught.value.__cause__, caught.value.__context__) == (None, None)


def test_the_error_can_be_copied_for_each_new_attempt(pinned: ssl.SSLContext, evil: TlsServer) -> None:
    with deferred(pinned, evil) as connection, pytest.raises(livepin.PinError) as caught:
        connection.do_handshake()
    again = copy.copy(caught.value)
    assert (str(again), again.verdict, again.retryable) == (str(caught.value), caught.value.verdict, False)
    assert again.__traceback__ is None
