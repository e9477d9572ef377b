"""An application fetches its document over TLS: trusted and untrusted sources, proxies, and Livepin's own hook."""

from __future__ import annotations

import _ssl
import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from livepin.client.attempt import Bounds, Fetched
from livepin.client.fetch import HttpFetcher, trusting_context
from livepin.client.transport import connect
from livepin.errors import ConfigurationError, FetchFailed
from tests.client.conftest import PrivateCdn
from tests.client.faulty import Talk, faulty, relay

DOCUMENT = "eyJh.eyJi.c2ln"


def honest(talk: Talk) -> None:
    talk.answer(DOCUMENT)


def ask(cdn: PrivateCdn, url: str, *, deadline: float = 10.0) -> Fetched:
    return HttpFetcher(ca_file=cdn.ca_file).fetch(url, etag=None, deadline=deadline)


def failing(cdn: PrivateCdn, url: str, *, deadline: float = 10.0) -> FetchFailed:
    with pytest.raises(FetchFailed) as caught:
        ask(cdn, url, deadline=deadline)
    return caught.value


# ---------------------------------------------------------------- who is trusted


def test_a_private_cdn_is_fetched_from_with_its_ca(private_cdn: PrivateCdn) -> None:
    with faulty(honest, tls=private_cdn.server) as source:
        assert ask(private_cdn, source.url).body == DOCUMENT


def test_a_private_cdn_is_fetched_from_with_a_context_of_the_applications_own(private_cdn: PrivateCdn) -> None:
    context = ssl.create_default_context(cafile=private_cdn.ca_file)
    with faulty(honest, tls=private_cdn.server) as source:
        assert HttpFetcher(context=lambda: context).fetch(source.url, etag=None, deadline=10).body == DOCUMENT


def test_a_source_that_the_system_does_not_trust_is_refused_before_anything_is_asked(private_cdn: PrivateCdn) -> None:
    with faulty(honest, tls=private_cdn.server) as source, pytest.raises(FetchFailed) as caught:
        HttpFetcher().fetch(source.url, etag=None, deadline=10)
    assert caught.value.code == "source_unreachable"
    assert "not trusted" in caught.value.message
    assert source.heads == []


def test_a_source_with_a_certificate_for_another_name_is_refused(private_cdn: PrivateCdn) -> None:
    with faulty(honest, tls=private_cdn.elsewhere) as source:
        assert "not trusted" in failing(private_cdn, source.url).message
    assert source.heads == []


@pytest.mark.parametrize("content", [None, "", "no PEM at all"])
def test_a_ca_file_that_cannot_be_used_is_told_at_set_up(content: str | None, tmp_path: Any) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    with pytest.raises(ConfigurationError) as caught:
        HttpFetcher(ca_file=str(file))
    assert caught.value.code == "configuration_invalid"
    assert caught.value.where == str(file)


# ---------------------------------------------------------------- cut off and led astray


def test_a_body_without_length_counts_only_if_the_source_said_goodbye(private_cdn: PrivateCdn) -> None:
    def without_goodbye(talk: Talk) -> None:
        talk.answer(DOCUMENT, length=False)

    def with_goodbye(talk: Talk) -> None:
        talk.answer(DOCUMENT, length=False)
        assert isinstance(talk.connection, ssl.SSLSocket)
        talk.connection.unwrap()

    with faulty(without_goodbye, tls=private_cdn.server) as source:
        assert failing(private_cdn, source.url).code == "source_truncated"
    with faulty(with_goodbye, tls=private_cdn.server) as source:
        assert ask(private_cdn, source.url).body == DOCUMENT


def test_a_large_document_comes_through_tls_whole(private_cdn: PrivateCdn) -> None:
    body = "0123456789" * 500_000
    with faulty(lambda talk: talk.answer(body), tls=private_cdn.server) as source:
        assert ask(private_cdn, source.url).body == body


def test_a_redirect_from_https_to_http_is_refused_even_on_loopback(private_cdn: PrivateCdn) -> None:
    with faulty(honest) as plain:

        def downgrade(talk: Talk) -> None:
            talk.answer("", "302 Found", f"Location: {plain.url}")

        with faulty(downgrade, tls=private_cdn.server) as source:
            error = failing(private_cdn, source.url)
    assert error.code == "source_redirect_refused"
    assert plain.heads == []


def test_a_redirect_from_http_on_loopback_to_https_is_followed(private_cdn: PrivateCdn) -> None:
    with faulty(honest, tls=private_cdn.server) as source:

        def upgrade(talk: Talk) -> None:
            talk.answer("", "302 Found", f"Location: {source.url}")

        with faulty(upgrade) as plain:
            assert ask(private_cdn, plain.url).body == DOCUMENT


def test_a_source_that_never_answers_the_handshake_costs_the_deadline(private_cdn: PrivateCdn) -> None:
    with faulty(lambda talk: talk.hang(), tls=private_cdn.server, greet=False) as source:
        error = failing(private_cdn, source.url, deadline=0.3)
    assert error.code == "source_timeout"
    assert "TLS handshake" in error.message


def test_a_port_that_does_not_speak_tls_is_told_as_such(private_cdn: PrivateCdn) -> None:
    with faulty(lambda talk: talk.send("220 mail ready\r\n"), tls=private_cdn.server, greet=False) as source:
        error = failing(private_cdn, source.url)
    assert error.code == "source_unreachable"
    assert "TLS handshake" in error.message


# ---------------------------------------------------------------- Livepin's own hook (J3)


@pytest.mark.parametrize("own_context", [False, True])
def test_a_hook_on_every_context_of_the_process_does_not_see_livepins_own_fetches(
    private_cdn: PrivateCdn, own_context: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def judged(context: ssl.SSLContext, one: object, other: object, *rest: Any, **named: Any) -> object:
        if rest[:1] == (True,) or other is True:  # the server is of this process, too
            return _ssl._SSLContext._wrap_socket(context, one, other, *rest, **named)  # type: ignore[attr-defined]
        raise AssertionError("a client connection was judged")

    context = ssl.create_default_context(cafile=private_cdn.ca_file)
    fetcher = HttpFetcher(context=lambda: context) if own_context else HttpFetcher(ca_file=private_cdn.ca_file)
    monkeypatch.setattr(ssl.SSLContext, "_wrap_bio", judged, raising=False)
    monkeypatch.setattr(ssl.SSLContext, "_wrap_socket", judged, raising=False)
    with pytest.raises(AssertionError, match="was judged"):
        context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname="localhost")
    with faulty(honest, tls=private_cdn.server) as source:
        assert fetcher.fetch(source.url, etag=None, deadline=10).body == DOCUMENT


def test_a_library_that_replaced_the_context_class_does_not_get_in_the_way(
    private_cdn: PrivateCdn, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Replacement(ssl.SSLContext):
        def wrap_bio(self, *arguments: Any, **named: Any) -> Any:
            raise AssertionError("not the standard library's class")

    with faulty(honest, tls=private_cdn.server) as source:
        monkeypatch.setattr(ssl, "SSLContext", Replacement)
        assert type(trusting_context()) is not Replacement
        assert ask(private_cdn, source.url).body == DOCUMENT


# ---------------------------------------------------------------- proxies


def test_a_proxy_of_the_environment_is_asked_for_a_tunnel_with_its_password(
    private_cdn: PrivateCdn, monkeypatch: pytest.MonkeyPatch
) -> None:
    with faulty(honest, tls=private_cdn.server) as source, faulty(lambda talk: relay(talk, source.port)) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://us%40er:p%3Aw@127.0.0.1:{proxy.port}")
        assert ask(private_cdn, source.url).body == DOCUMENT
    assert proxy.heads == [
        f"CONNECT localhost:{source.port} HTTP/1.1\r\nHost: localhost:{source.port}\r\nUser-Agent: livepin/1\r\n"
        "Proxy-Authorization: Basic dXNAZXI6cDp3\r\n\r\n".encode()
    ]
    assert len(source.heads) == 1
    assert b"Proxy-Authorization" not in source.heads[0]


def test_a_proxy_without_a_scheme_works_as_in_other_programs(
    private_cdn: PrivateCdn, monkeypatch: pytest.MonkeyPatch
) -> None:
    with faulty(honest, tls=private_cdn.server) as source, faulty(lambda talk: relay(talk, source.port)) as proxy:
        monkeypatch.setenv("https_proxy", f"127.0.0.1:{proxy.port}")
        assert ask(private_cdn, source.url).body == DOCUMENT
    assert len(proxy.heads) == 1


def test_a_proxy_that_speaks_tls_itself_is_verified_like_a_source(
    private_cdn: PrivateCdn, monkeypatch: pytest.MonkeyPatch
) -> None:
    def tunnel(talk: Talk) -> None:
        relay(talk, source.port)

    with faulty(honest, tls=private_cdn.server) as source:
        with faulty(tunnel, tls=private_cdn.server) as proxy:
            monkeypatch.setenv("HTTPS_PROXY", f"https://localhost:{proxy.port}")
            assert ask(private_cdn, source.url).body == DOCUMENT
        assert len(proxy.heads) == 1
        with faulty(tunnel, tls=private_cdn.elsewhere) as stranger:
            monkeypatch.setenv("HTTPS_PROXY", f"https://user:hunter2@localhost:{stranger.port}")
            assert failing(private_cdn, source.url).code == "source_unreachable"
        assert stranger.heads == []


def test_no_proxy_is_respected(private_cdn: PrivateCdn, monkeypatch: pytest.MonkeyPatch) -> None:
    with faulty(honest, tls=private_cdn.server) as source, faulty(lambda talk: None) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        for exception in ("localhost", f"localhost:{source.port}", "*"):
            monkeypatch.setenv("NO_PROXY", exception)
            assert ask(private_cdn, source.url).body == DOCUMENT
    assert proxy.heads == []


def test_plain_http_on_loopback_never_goes_to_a_proxy(private_cdn: PrivateCdn, monkeypatch: pytest.MonkeyPatch) -> None:
    with faulty(honest) as source, faulty(lambda talk: None) as proxy:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert ask(private_cdn, source.url).body == DOCUMENT
    assert proxy.heads == []


@pytest.mark.parametrize("status", ["407 Proxy Authentication Required", "404 Not Found", "302 Found"])
def test_what_a_proxy_refuses_is_not_taken_for_the_sources_answer(
    private_cdn: PrivateCdn, monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    with faulty(lambda talk: talk.answer("no", status)) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://user:hunter2@127.0.0.1:{proxy.port}")
        error = failing(private_cdn, "https://localhost/pins.jws")
    assert (error.code, error.status) == ("source_unreachable", int(status[:3]))
    assert f"127.0.0.1:{proxy.port}" in error.message
    assert "hunter2" not in str(error)


@pytest.mark.parametrize(
    "proxy", ["socks5://127.0.0.1:1080", "http://", "http://u:hunter2@h:port", "http://[::1", "ftp://u:hunter2@h"]
)
def test_a_proxy_that_cannot_be_used_is_told_without_its_password(
    private_cdn: PrivateCdn, monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    error = failing(private_cdn, "https://localhost:1/pins.jws")
    assert error.code == "source_unreachable"
    assert "proxy" in error.message
    assert "hunter2" not in str(error)


def test_a_proxy_that_is_down_is_named(private_cdn: PrivateCdn, monkeypatch: pytest.MonkeyPatch) -> None:
    with faulty(lambda talk: None) as proxy:
        pass
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
    error = failing(private_cdn, "https://localhost:1/pins.jws")
    assert f"the proxy 127.0.0.1:{proxy.port} cannot be reached" in error.message


def test_a_proxy_that_is_silent_costs_the_deadline(private_cdn: PrivateCdn, monkeypatch: pytest.MonkeyPatch) -> None:
    with faulty(lambda talk: talk.hang()) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        error = failing(private_cdn, "https://localhost:1/pins.jws", deadline=0.3)
    assert error.code == "source_timeout"
    assert "asking the proxy" in error.message


# ---------------------------------------------------------------- addresses


@contextmanager
def dead_end(family: socket.AddressFamily, address: str) -> Iterator[Any]:
    """The address of a listener that is full: who connects hears nothing, as from an address that leads nowhere."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket(family))
        listener.bind((address, 0))
        listener.listen(0)
        for _ in range(4):
            guest = stack.enter_context(socket.socket(family))
            guest.setblocking(False)
            guest.connect_ex(listener.getsockname())
        yield listener.getsockname()


def entry(family: int, address: Any) -> Any:
    """As `getaddrinfo` answers."""
    return family, socket.SOCK_STREAM, 6, "", address


def resolve_to(monkeypatch: pytest.MonkeyPatch, *entries: Any) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: list(entries))


def time_to_connect(port: int) -> float:
    """Seconds until there is a connection that works; the best of three, because the machine does other things too."""
    times = []
    for _ in range(3):
        bounds = Bounds("http://localhost/", 10)
        stream = connect("localhost", port, bounds)
        times.append(bounds.elapsed)
        stream.send(b"GET / HTTP/1.1\r\n\r\n")
        assert stream.receive(4096).startswith(b"HTTP/1.1 200")
        stream.close()
    return min(times)


def test_an_address_that_leads_nowhere_does_not_eat_the_time_of_one_that_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with faulty(honest) as source, dead_end(socket.AF_INET, "127.0.0.2") as nowhere:
        resolve_to(monkeypatch, entry(socket.AF_INET, nowhere), entry(socket.AF_INET, ("127.0.0.1", source.port)))
        assert 0.2 < time_to_connect(source.port) < 1


def test_a_family_that_leads_nowhere_is_waited_for_once_and_not_for_each_of_its_addresses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with faulty(honest) as source, ExitStack() as stack:
        try:
            nowhere = stack.enter_context(dead_end(socket.AF_INET6, "::1"))
        except OSError:
            pytest.skip("this machine has no IPv6")
        dead = [entry(socket.AF_INET6, nowhere)] * 4
        resolve_to(monkeypatch, *dead, entry(socket.AF_INET, ("127.0.0.1", source.port)))
        assert 0.2 < time_to_connect(source.port) < 0.5


def test_an_address_that_fails_at_once_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    with faulty(honest) as source:
        resolve_to(
            monkeypatch,
            entry(999, ("127.0.0.1", source.port)),
            entry(socket.AF_INET, ("255.255.255.255", source.port)),
            entry(socket.AF_INET, ("127.0.0.1", 1)),
            entry(socket.AF_INET, ("127.0.0.1", source.port)),
        )
        assert time_to_connect(source.port) < 0.24


def test_when_no_address_answers_the_last_reason_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_to(monkeypatch, entry(socket.AF_INET, ("127.0.0.1", 1)), entry(999, ("", 1)))
    with pytest.raises(FetchFailed) as caught:
        HttpFetcher().fetch("http://localhost:1/", etag=None, deadline=10)
    assert caught.value.code == "source_unreachable"


def test_localhost_that_resolves_to_another_machine_gets_no_plain_http(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_to(monkeypatch, entry(socket.AF_INET, ("192.0.2.1", 80)))
    with pytest.raises(FetchFailed, match="loopback"):
        HttpFetcher().fetch("http://localhost/pins.jws", etag=None, deadline=2)
