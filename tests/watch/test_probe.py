"""A look at a live endpoint: what it serves, whether a client would like it, and how long it may take."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from livepin.errors import CertificateInvalid, HostInvalid
from livepin.testing.authority import CertificateAuthority, ServerCertificate
from livepin.testing.cast import Cast
from livepin.testing.conversations import intercepted_connect
from livepin.testing.listener import Listener, TcpChannel
from livepin.testing.tls import Handshake, TlsServer, Versions
from livepin.watch.address import Address, Proxy
from livepin.watch.probe import Answer, look

HOST = "api.example.com"


@pytest.fixture(scope="module")
def cast() -> Cast:
    return Cast(HOST)


@pytest.fixture(scope="module")
def ca_file(cast: Cast, tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(cast.authority.write(tmp_path_factory.mktemp("ca")))


@pytest.fixture
def server(cast: Cast) -> Iterator[TlsServer]:
    with TlsServer(cast.genuine) as server:
        yield server


def place(server: Listener) -> Address:
    return Address("127.0.0.1", server.port)


def one_look(server: Listener, ca_file: str | None, **given: Any) -> Answer:
    seen = look(HOST, address=place(server), ca_file=ca_file, timeout=given.pop("timeout", 5.0), **given)
    assert len(seen.answers) == 1
    return seen.answers[0]


def test_the_chain_as_sent_and_as_validated(server: TlsServer, cast: Cast, ca_file: str) -> None:
    answer = one_look(server, ca_file)
    chain = cast.genuine.chain_der
    assert [one.der for one in answer.served] == list(chain[:-1])
    assert [one.der for one in answer.verified] == list(chain)
    assert (answer.protocol, answer.invalid, answer.error) == ("TLSv1.3", "", "")
    server.wait_until_idle()
    assert server.server_names == (HOST,)
    assert server.application_bytes == 0


@pytest.mark.parametrize(
    ("which", "why"),
    [
        ("expired", "expired"),
        ("wrong_host", "Hostname mismatch"),
        ("untrusted", "unable to get local issuer certificate"),
        ("forged", "signature failure"),
    ],
)
def test_what_a_client_refuses_is_seen_all_the_same(
    server: TlsServer, cast: Cast, ca_file: str, which: str, why: str
) -> None:
    bad: ServerCertificate = getattr(cast, which)
    server.use(bad)
    answer = one_look(server, ca_file)
    assert answer.served[0].der == bad.der
    assert answer.verified == ()
    assert why in answer.invalid


def test_without_the_private_ca_it_is_untrusted(server: TlsServer) -> None:
    answer = one_look(server, None)
    assert answer.reachable
    assert "local issuer" in answer.invalid


def test_an_old_protocol_is_named(cast: Cast, ca_file: str) -> None:
    with TlsServer(cast.genuine, versions=Versions.TLS12) as server:
        assert one_look(server, ca_file).protocol == "TLSv1.2"


def test_a_server_that_asks_for_a_client_certificate_is_still_looked_at(cast: Cast, ca_file: str) -> None:
    def serve(tcp: TcpChannel) -> None:
        """TLS 1.2, where the refusal comes before the handshake has ended."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.verify_mode = ssl.CERT_REQUIRED
        cast.genuine.load_into(context)
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(incoming, outgoing, server_side=True)
        while True:
            try:
                tls.do_handshake()
            except ssl.SSLWantReadError:
                tcp.write(outgoing.read())
                incoming.write(tcp.read())
            except ssl.SSLError:
                tcp.write(outgoing.read())
                return

    with Listener(serve) as server:
        answer = one_look(server, ca_file)
    assert answer.served[0].der == cast.genuine.der
    assert answer.verified
    assert answer.invalid == ""


@pytest.mark.parametrize("behaviour", [Handshake.SILENT, Handshake.HALFWAY])
def test_a_server_that_hangs_costs_no_more_than_the_timeout(
    server: TlsServer, ca_file: str, behaviour: Handshake
) -> None:
    server.handshake = behaviour
    start = time.monotonic()
    answer = one_look(server, ca_file, timeout=0.6)
    assert time.monotonic() - start < 6
    assert (answer.reachable, answer.error) == (False, "timed out")


def test_a_reset_and_a_closed_port_are_told_apart(server: TlsServer, ca_file: str) -> None:
    server.handshake = Handshake.RESET
    assert "reset" in one_look(server, ca_file).error.lower()
    closed = place(server)
    server.stop()
    assert look(HOST, address=closed, timeout=2).answers[0].error == "Connection refused"


def test_something_that_is_no_tls(ca_file: str) -> None:
    with Listener(lambda tcp: tcp.write(b"220 mail.example.com ESMTP\r\n")) as server:
        answer = one_look(server, ca_file)
    assert not answer.reachable
    assert answer.error


def test_every_address_of_a_name_is_looked_at(
    server: TlsServer, cast: Cast, ca_file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve = socket.getaddrinfo

    def resolved(name: str, port: int, *arguments: Any, **given: Any) -> list[Any]:
        if name != HOST:
            return resolve(name, port, *arguments, **given)
        kinds = socket.AF_INET, socket.SOCK_STREAM, 6, ""
        return [(*kinds, (address, port)) for address in ("127.0.0.1", "127.0.0.2", "127.0.0.1")]

    monkeypatch.setattr(socket, "getaddrinfo", resolved)
    seen = look(HOST, server.port, ca_file=ca_file, timeout=3)
    assert [one.address for one in seen.answers] == [f"127.0.0.1:{server.port}", f"127.0.0.2:{server.port}"]
    assert [one.reachable for one in seen.answers] == [True, False]
    found = seen.served_for("**.example.com")
    assert [(one.pattern, one.host, one.validated, bool(one.chain)) for one in found] == [
        ("**.example.com", HOST, True, True),
        ("**.example.com", HOST, True, False),
    ]
    assert found[1].problem == "Connection refused"


def test_a_name_without_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> list[Any]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    seen = look("nowhere.invalid", timeout=2)
    assert (seen.answers, seen.error) == ((), "Name or service not known")
    assert [one.problem for one in seen.served_for("nowhere.invalid")] == ["Name or service not known"]


def test_a_resolver_that_never_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    def stuck(*_: Any, **__: Any) -> list[Any]:
        time.sleep(5)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", stuck)
    start = time.monotonic()
    seen = look(HOST, timeout=0.3)
    assert time.monotonic() - start < 4
    assert (seen.answers, seen.error) == ((), "timed out")


class TestThroughAProxy:
    def test_connect_and_then_the_service_itself(self, cast: Cast, ca_file: str) -> None:
        with TlsServer(cast.genuine, preamble=intercepted_connect) as server:
            seen = look(HOST, 8443, proxy=Proxy(place(server)), ca_file=ca_file, timeout=5)
            server.wait_until_idle()
            asked = server.connections[0].plaintext
        assert seen.answers[0].address == f"{HOST}:8443 through http://127.0.0.1:{server.port}"
        assert seen.answers[0].served[0].der == cast.genuine.der
        assert asked.startswith(b"CONNECT api.example.com:8443 HTTP/1.1\r\nHost: api.example.com:8443\r\n")

    @pytest.mark.parametrize(
        ("answer", "why"),
        [
            (b"HTTP/1.1 403 Forbidden\r\n\r\n", "answered CONNECT with 403 Forbidden"),
            (b"SSH-2.0-OpenSSH_9\r\n\r\n", "does not speak HTTP"),
            (b"HTTP/1.1 200 OK\r\n", "closed the connection"),
            (b"x" * 20_000, "does not speak HTTP"),
        ],
    )
    def test_a_proxy_that_refuses_or_is_none(self, answer: bytes, why: str) -> None:
        def refuse(tcp: TcpChannel) -> None:
            tcp.read()
            tcp.write(answer)
            if len(answer) > 1000:
                tcp.wait(5)  # it does not end, so the reader has to

        with Listener(refuse) as server:
            seen = look(HOST, proxy=Proxy(place(server)), timeout=3)
        assert why in seen.answers[0].error

    def test_a_proxy_that_hangs(self) -> None:
        with Listener(lambda tcp: tcp.wait(5)) as server:
            seen = look(HOST, proxy=Proxy(place(server)), timeout=0.4)
        assert seen.answers[0].error == "timed out"


def test_a_process_wide_hook_is_never_met(server: TlsServer, ca_file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    original = ssl.SSLContext._wrap_bio  # type: ignore[attr-defined]
    judged: list[str] = []

    def hooked(context: ssl.SSLContext, *arguments: Any, **given: Any) -> Any:
        if not given["server_side"]:
            judged.append(given["server_hostname"])
        return original(context, *arguments, **given)

    monkeypatch.setattr(ssl.SSLContext, "_wrap_bio", hooked, raising=False)
    monkeypatch.setattr(ssl.SSLContext, "_wrap_socket", hooked, raising=False)
    ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname="control.example")
    assert one_look(server, ca_file).verified
    assert judged == ["control.example"]


def test_a_host_that_is_none_and_a_ca_file_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(HostInvalid):
        look("two..dots.example")
    nonsense = tmp_path / "ca.pem"
    nonsense.write_text("nothing")
    for path in (nonsense, tmp_path / "missing.pem"):
        with pytest.raises(CertificateInvalid) as raised:
            look(HOST, address=Address("127.0.0.1", 1), ca_file=str(path))
        assert raised.value.where == str(path)


def test_an_address_is_asked_for_by_its_own_name(ca_file: str, cast: Cast) -> None:
    by_address = CertificateAuthority().issue("127.0.0.1")
    with TlsServer(by_address) as server:
        seen = look("127.0.0.1", server.port, timeout=3)
        server.wait_until_idle()
    assert seen.answers[0].served[0].der == by_address.der
    assert server.server_names == ("", "")
