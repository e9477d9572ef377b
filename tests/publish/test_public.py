"""Reading through the public URL, as applications do."""

from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from livepin.core.jws import PublicKey
from livepin.core.trust import Revision, Trust, verify_held
from livepin.errors import CertificateInvalid, FetchFailed, OriginFailed
from livepin.publish import public
from livepin.testing.authority import CertificateAuthority
from livepin.testing.listener import Listener, TcpChannel
from livepin.testing.origin import Origin
from livepin.testing.publisher import DocumentAuthority


@pytest.fixture
def authority() -> DocumentAuthority:
    return DocumentAuthority("acme", "shop")


@pytest.fixture
def trust(authority: DocumentAuthority) -> Trust:
    return Trust("acme", "shop", (PublicKey.from_text(authority.public_key),))


@pytest.fixture
def origin() -> Iterator[Origin]:
    with Origin() as origin:
        yield origin


def test_the_document_as_it_is(origin: Origin, authority: DocumentAuthority) -> None:
    origin.put(authority.pointer, authority.sign())
    assert public.read(origin.url(authority.pointer)) == authority.current
    headers = {name.lower(): value for name, value in origin.requests[0].headers}
    assert headers["user-agent"] == "livepin"
    assert "cookie" not in headers


def answering(head: bytes, body: bytes = b"") -> Listener:
    def serve(tcp: TcpChannel) -> None:
        tcp.read()
        tcp.write(head + b"\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body)

    return Listener(serve)


GZIPPED = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip"


@pytest.mark.parametrize(
    ("head", "body", "code"),
    [
        (b"HTTP/1.1 404 Not Found", b"", "withdrawn"),
        (b"HTTP/1.1 410 Gone", b"", "withdrawn"),
        (b"HTTP/1.1 503 Busy", b"", "source_status"),
        (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/", b"", "source_redirect_refused"),
        (b"HTTP/1.1 200 OK", b"x" * (8 * 1024 * 1024 + 1), "source_too_large"),
        (GZIPPED, gzip.compress(b"x" * (8 * 1024 * 1024 + 1), mtime=0), "source_too_large"),
        (GZIPPED, b"not gzip", "source_encoding"),
        (GZIPPED, gzip.compress(b"text" * 100, mtime=0)[:-9], "source_truncated"),
        (b"nonsense", b"", "source_unreachable"),
    ],
)
def test_what_is_no_document(head: bytes, body: bytes, code: str) -> None:
    with answering(head, body) as server, pytest.raises(FetchFailed) as raised:
        public.read(f"http://127.0.0.1:{server.port}/a/b/pins.jws", timeout=5)
    assert raised.value.code == code


def test_an_answer_without_end() -> None:
    def serve(tcp: TcpChannel) -> None:
        tcp.read()
        tcp.write(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (9 * 1024 * 1024))
        tcp.wait(10)

    with Listener(serve) as server, pytest.raises(FetchFailed) as raised:
        public.read(f"http://127.0.0.1:{server.port}/", timeout=3)
    assert raised.value.code == "source_too_large"


def test_a_gzipped_answer() -> None:
    with answering(GZIPPED, gzip.compress(b"text", mtime=0)) as server:
        assert public.read(f"http://127.0.0.1:{server.port}/") == "text"


def test_nobody_answers() -> None:
    with Listener(lambda tcp: tcp.wait(3)) as server, pytest.raises(FetchFailed) as raised:
        public.read(f"http://127.0.0.1:{server.port}/", timeout=0.3)
    assert raised.value.code == "source_timeout"
    with pytest.raises(FetchFailed) as raised:
        public.read(f"http://127.0.0.1:{server.port}/", timeout=0.3)
    assert raised.value.code == "source_unreachable"


@pytest.mark.parametrize("url", ["http://pins.example.com/", "ftp://127.0.0.1/", "https://", "file:///etc/passwd", "x"])
def test_a_url_that_is_not_used(url: str) -> None:
    with pytest.raises(FetchFailed) as raised:
        public.read(url)
    assert raised.value.code == "configuration_url_invalid"


def test_over_tls_with_a_private_ca(authority: DocumentAuthority, tmp_path: Path) -> None:
    ca = CertificateAuthority()
    with Origin(certificate=ca.issue("localhost")) as origin:
        origin.put(authority.pointer, authority.sign())
        url = f"https://localhost:{origin.port}/{authority.pointer}"
        assert public.read(url, ca_file=str(ca.write(tmp_path))) == authority.current
        with pytest.raises(FetchFailed):
            public.read(url)


@pytest.mark.parametrize("text", [None, "nonsense"])
def test_a_ca_file_that_is_none(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "ca.pem"
    if text is not None:
        path.write_text(text)
    with pytest.raises(CertificateInvalid) as raised:
        public.read("https://localhost:1/", ca_file=str(path))
    assert raised.value.where == str(path)


class TestConfirming:
    @pytest.fixture
    def revision(self, authority: DocumentAuthority, trust: Trust) -> Revision:
        authority.sign()
        return verify_held(authority.next(), trust)

    def test_it_is_there(self, origin: Origin, authority: DocumentAuthority, revision: Revision, trust: Trust) -> None:
        origin.put(authority.pointer, revision.text)
        public.confirm(origin.url(authority.pointer), revision, trust, patience=0)

    def test_something_higher_is_there(
        self, origin: Origin, authority: DocumentAuthority, revision: Revision, trust: Trust
    ) -> None:
        origin.put(authority.pointer, authority.next())
        public.confirm(origin.url(authority.pointer), revision, trust, patience=0)

    def test_the_cdn_is_slow(
        self, origin: Origin, authority: DocumentAuthority, revision: Revision, trust: Trust
    ) -> None:
        origin.put(authority.pointer, authority.rolled_back())

        def served_at_last() -> None:
            origin.wait_for_requests(1)
            origin.put(authority.pointer, revision.text)

        thread = threading.Thread(target=served_at_last)
        thread.start()
        public.confirm(origin.url(authority.pointer), revision, trust, patience=5)
        thread.join()

    @pytest.mark.parametrize("what", ["rolled_back", "forked", "by_unknown_key", "nothing"])
    def test_something_else_is_there(
        self, origin: Origin, authority: DocumentAuthority, revision: Revision, trust: Trust, what: str
    ) -> None:
        if what != "nothing":
            origin.put(authority.pointer, getattr(authority, what)())
        with pytest.raises(OriginFailed) as raised:
            public.confirm(origin.url(authority.pointer), revision, trust, patience=0)
        assert raised.value.code == "not_confirmed"


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n"])
def test_a_server_that_sends_a_byte_now_and_then_holds_nobody_up(head: bytes) -> None:
    def drip(tcp: TcpChannel) -> None:
        tcp.read()
        tcp.write(head)
        while True:
            tcp.write(b"x")
            tcp.wait(0.05)

    with Listener(drip) as server:
        began = time.monotonic()
        with pytest.raises(FetchFailed) as caught:
            public.read(f"http://127.0.0.1:{server.port}/pins.jws", timeout=0.4)
        assert caught.value.code == "source_timeout"
        assert time.monotonic() - began < 8


def test_a_password_in_a_url_is_refused_and_not_repeated() -> None:
    with pytest.raises(FetchFailed, match="without user name") as raised:
        public.read("https://ada:secret@cdn.example.com/pins.jws")
    assert raised.value.code == "configuration_url_invalid"
    assert "secret" not in str(raised.value) + str(raised.value.where)
