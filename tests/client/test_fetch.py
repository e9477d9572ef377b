"""An application fetches its document from sources that are honest, broken or hostile."""

from __future__ import annotations

import gzip
import socket
import subprocess
import sys
import time
import zlib

import pytest

from livepin.client import attempt
from livepin.client.attempt import Answer, Fetched
from livepin.client.fetch import HttpFetcher
from livepin.errors import ConfigurationError, FetchFailed
from tests.client.faulty import Conversation, Talk, faulty

DOCUMENT = "eyJh.eyJi.c2ln"
#: What a machine that does other things beside the tests may take longer, in seconds.
SLACK = 6.0


def ask(url: str, *, etag: str | None = None, deadline: float = 10.0, max_bytes: int = 8 << 20) -> Fetched:
    return HttpFetcher().fetch(url, etag=etag, deadline=deadline, max_bytes=max_bytes)


def refusal(*conversations: Conversation, etag: str | None = None, max_bytes: int = 8 << 20) -> FetchFailed:
    with faulty(*conversations) as source, pytest.raises(FetchFailed) as caught:
        ask(source.url, etag=etag, max_bytes=max_bytes)
    return caught.value


def timed(conversation: Conversation, *, greet: bool = True) -> FetchFailed:
    with faulty(conversation, greet=greet) as source:
        started = time.monotonic()
        with pytest.raises(FetchFailed) as caught:
            ask(source.url, deadline=0.4)
        assert time.monotonic() - started < 0.4 + SLACK
    return caught.value


# ---------------------------------------------------------------- what is asked


def test_a_document_is_fetched_byte_by_byte_with_its_etag() -> None:
    with faulty(lambda talk: talk.answer(DOCUMENT, "200 OK", 'ETag: "v7"', "Content-Type: text/plain")) as source:
        fetched = ask(source.url)
    assert (fetched.answer, fetched.body, fetched.etag, fetched.url) == ("document", DOCUMENT, '"v7"', source.url)
    assert 0 < fetched.elapsed < 10


def test_every_installation_asks_in_the_same_words_and_says_nothing_about_itself() -> None:
    def sets_a_cookie(talk: Talk) -> None:
        talk.answer(DOCUMENT, "200 OK", "Set-Cookie: id=42", 'ETag: "v7"')

    with faulty(sets_a_cookie) as source:
        fetcher = HttpFetcher()
        for _ in range(2):
            fetcher.fetch(source.url, etag=None, deadline=10)
        port = source.port
    expected = (
        "GET /acme/shop/pins.jws HTTP/1.1\r\n"
        f"Host: localhost:{port}\r\n"
        "User-Agent: livepin/1\r\n"
        "Accept: application/jose, */*\r\n"
        "Accept-Encoding: gzip\r\n"
        "Connection: close\r\n\r\n"
    )
    assert source.heads == [expected.encode()] * 2


def test_a_held_etag_is_sent_and_not_modified_is_an_answer() -> None:
    with faulty(lambda talk: talk.answer("", "304 Not Modified", length=False)) as source:
        fetched = ask(source.url, etag='"v7"')
    assert (fetched.answer, fetched.body, fetched.etag) == (Answer.NOT_MODIFIED, "", '"v7"')
    assert b'If-None-Match: "v7"\r\n' in source.heads[0]


def test_not_modified_is_an_error_when_nothing_is_held() -> None:
    error = refusal(lambda talk: talk.answer("", "304 Not Modified", length=False))
    assert (error.code, error.status) == ("source_status", 304)


@pytest.mark.parametrize("etag", ['"%s"' % ("x" * 129), 'W/"caf\xe9"', "*", '"a", "b"', "bare", '"a"b"', 'w/"a"', ""])
def test_an_etag_that_could_tell_installations_apart_or_cannot_be_sent_is_forgotten(etag: str) -> None:
    raw = f"HTTP/1.1 200 OK\r\nETag: {etag}\r\n\r\n{DOCUMENT}".encode("latin-1")
    with faulty(lambda talk: talk.send(raw)) as source:
        assert ask(source.url).etag is None


def test_a_query_that_the_operator_wrote_is_sent_and_stays_out_of_errors() -> None:
    with faulty(lambda talk: talk.answer("", "403 Forbidden")) as source, pytest.raises(FetchFailed) as caught:
        ask(source.url + "?token=hunter2")
    assert b"GET /acme/shop/pins.jws?token=hunter2 HTTP/1.1" in source.heads[0]
    assert "hunter2" not in str(caught.value)


def test_a_url_against_the_rules_is_refused_before_anything_is_sent() -> None:
    with pytest.raises(ConfigurationError) as caught:
        ask("http://cdn.example.com/pins.jws")
    assert caught.value.code == "configuration_url_invalid"


# ---------------------------------------------------------------- what is answered


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4;x=y\r\neyJh\r\na\r\n.eyJi.c2ln\r\n0\r\nA: b\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\ne\r\neyJh.eyJi.c2ln\r\n0\r\n\xff\0 no trailer\r\nA: b",
        b"HTTP/1.1 200 OK\r\n\r\n" + DOCUMENT.encode(),
        b"HTTP/1.0 200 OK\r\n\r\n" + DOCUMENT.encode(),
        b"HTTP/1.0 200 Fine\r\nContent-Length: 14\r\n\r\n" + DOCUMENT.encode() + b" and what follows",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n" + DOCUMENT.encode(),
    ],
    ids=["chunked", "chunked, bad trailers", "until-the-end", "http-1.0, until-the-end", "http-1.0", "continue"],
)
def test_every_framing_of_http_gives_the_same_document(raw: bytes) -> None:
    with faulty(lambda talk: talk.send(raw)) as source:
        assert ask(source.url).body == DOCUMENT


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "x-gzip", " gzip "])
def test_a_gzipped_document_is_unpacked(encoding: str) -> None:
    body = gzip.compress(DOCUMENT.encode(), mtime=0)
    with faulty(lambda talk: talk.answer(body, "200 OK", f"Content-Encoding: {encoding}")) as source:
        assert ask(source.url).body == DOCUMENT


def test_bytes_that_are_no_text_are_handed_on_for_step_v1_to_refuse() -> None:
    with faulty(lambda talk: talk.answer(b"\xff\xfe\x00")) as source:
        assert ask(source.url).body == "\xff\xfe\x00"


def test_a_captive_portal_is_handed_on_for_verification_whatever_it_calls_itself() -> None:
    with faulty(lambda talk: talk.answer("<html>Log in", "200 OK", "Content-Type: text/html")) as source:
        assert ask(source.url).body == "<html>Log in"


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("404 Not Found", "withdrawn"),
        ("410 Gone", "withdrawn"),
        ("403 Forbidden", "source_status"),
        ("500 Oops", "source_status"),
        ("503 Later", "source_status"),
        ("204 No Content", "source_status"),
        ("206 Partial Content", "source_status"),
        ("300 Multiple Choices", "source_status"),
        ("511 Network Authentication Required", "source_status"),
    ],
)
def test_a_status_is_told_and_a_document_that_is_gone_is_told_apart(status: str, code: str) -> None:
    error = refusal(lambda talk: talk.answer(DOCUMENT, status))
    assert (error.code, error.status) == (code, int(status[:3]))


# ---------------------------------------------------------------- broken answers


def cut_gzip() -> bytes:
    return gzip.compress(DOCUMENT.encode() * 50, mtime=0)[:-9]


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n" + DOCUMENT.encode(), "source_truncated"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\neyJh\r\n", "source_truncated"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\neyJh", "source_truncated"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "source_truncated"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\neyJh.eyJi\r\n0\r\n\r\n", "source_truncated"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + cut_gzip(), "source_truncated"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n", "source_truncated"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + DOCUMENT.encode(), "source_encoding"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + zlib.compress(b"x"), "source_encoding"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(b"x", mtime=0) + b"y", "source_encoding"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\n\r\nxyz", "source_encoding"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip, gzip\r\n\r\nxyz", "source_encoding"),
        (b"", "source_unreachable"),
        (b"HTTP/1.1 200 OK\r\nContent-Le", "source_truncated"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "source_unreachable"),
        (b"HTTP/1.1 abc\r\n\r\n", "source_unreachable"),
        (b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200 + b"\r\n", "source_unreachable"),
        (b"HTTP/1.1 200 OK\r\nA: " + b"b" * 70_000 + b"\r\n\r\n", "source_unreachable"),
    ],
)
def test_an_answer_that_is_cut_short_or_is_not_what_it_says_is_refused(raw: bytes, code: str) -> None:
    assert refusal(lambda talk: talk.send(raw)).code == code


# ---------------------------------------------------------------- too much


def test_an_answer_that_announces_too_much_is_refused_before_it_is_read() -> None:
    def answer(talk: Talk) -> None:
        talk.send("HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n")
        talk.hang()

    started = time.monotonic()
    assert refusal(answer).code == "source_too_large"
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("framing", ["", "Transfer-Encoding: chunked\r\n"])
def test_an_answer_that_never_ends_is_refused_at_the_limit(framing: str) -> None:
    sent = 0

    def answer(talk: Talk) -> None:
        nonlocal sent
        talk.send(f"HTTP/1.1 200 OK\r\n{framing}\r\n")
        while not talk.stopping.is_set():
            talk.send(b"1000\r\n" + b"x" * 0x1000 + b"\r\n")
            sent += 0x1000

    assert refusal(answer, max_bytes=100_000).code == "source_too_large"
    assert sent < 20_000_000  # what the kernel's buffers take on loopback, and not what memory takes


@pytest.mark.parametrize(
    ("head", "over_and_over"),
    [
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1;why=" + b"n" * 60_000 + b"\r\nA\r\n"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"X-Trailer: " + b"t" * 60_000 + b"\r\n"),
        ("", b"HTTP/1.1 100 Continue\r\n\r\n" * 1000),
        ("", b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 1000),
    ],
)
def test_what_is_no_document_is_bounded_however_it_is_wrapped(
    monkeypatch: pytest.MonkeyPatch, head: str, over_and_over: bytes
) -> None:
    monkeypatch.setattr(attempt, "MAX_RECEIVED", 1_000_000)

    def answer(talk: Talk) -> None:
        talk.send(head)
        while not talk.stopping.is_set():
            talk.send(over_and_over)

    assert refusal(answer).code == "source_too_large"


def test_what_a_source_says_in_advance_is_passed_over() -> None:
    def answer(talk: Talk) -> None:
        talk.send("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nContent-Length: 3\r\n\r\n")
        talk.answer(DOCUMENT, "200 OK", 'ETag: "1"')

    with faulty(answer) as source:
        fetched = ask(source.url)
    assert (fetched.body, fetched.etag) == (DOCUMENT, '"1"')


def test_an_answer_of_exactly_the_limit_passes_and_one_byte_more_does_not() -> None:
    with faulty(lambda talk: talk.answer("x" * 1000)) as source:
        assert len(ask(source.url, max_bytes=1000).body) == 1000
    packed = gzip.compress(b"x" * 1000)
    with faulty(lambda talk: talk.answer(packed, "200 OK", "Content-Encoding: gzip")) as source:
        assert len(ask(source.url, max_bytes=1000).body) == 1000
    for body, header in ((b"x" * 1001, "A: b"), (gzip.compress(b"x" * 1001), "Content-Encoding: gzip")):
        error = refusal(lambda talk, b=body, h=header: talk.answer(b, "200 OK", h), max_bytes=1000)  # type: ignore[misc]
        assert error.code == "source_too_large"


def test_a_gzip_bomb_is_refused_and_never_unpacked() -> None:
    script = (
        "import re, sys\n"
        "from livepin.client.fetch import HttpFetcher\n"
        "from livepin.errors import FetchFailed\n"
        "try: HttpFetcher().fetch(sys.argv[1], etag=None, deadline=20)\n"
        "except FetchFailed as error:\n"
        "    peak = re.search(r'VmHWM:\\s+(\\d+) kB', open('/proc/self/status').read())\n"
        "    print(error.code, int(peak[1]) // 1024)\n"
    )
    packer = zlib.compressobj(wbits=31)
    bomb = b"".join([packer.compress(bytes(1 << 20)) for _ in range(400)]) + packer.flush()
    assert len(bomb) < 500_000
    with faulty(lambda talk: talk.answer(bomb, "200 OK", "Content-Encoding: gzip")) as source:
        ran = subprocess.run([sys.executable, "-c", script, source.url], capture_output=True, text=True, timeout=30)
    code, megabytes = ran.stdout.split()
    assert code == "source_too_large"
    assert int(megabytes) < 150  # the bomb has 400


# ---------------------------------------------------------------- too slow


def test_a_source_that_accepts_and_is_silent_costs_the_deadline_and_no_more() -> None:
    assert "waiting for the answer" in timed(lambda talk: talk.hang()).message


def test_a_source_that_drips_its_head_costs_the_deadline_and_no_more() -> None:
    error = timed(lambda talk: talk.drip(b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 99))
    assert error.code == "source_timeout"


def test_a_source_that_drips_its_body_costs_the_deadline_and_no_more() -> None:
    def answer(talk: Talk) -> None:
        talk.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        talk.drip(b"x" * 1000)

    error = timed(answer)
    assert error.code == "source_timeout"
    assert "within 0.4 s" in error.message
    assert "reading the answer" in error.message


def test_a_source_that_drips_chunk_trailers_costs_the_deadline_and_no_more() -> None:
    def answer(talk: Talk) -> None:
        talk.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n")
        talk.drip(b"A: b\r\n" * 1000)

    assert timed(answer).code == "source_timeout"


def test_a_slow_redirect_does_not_start_the_time_again() -> None:
    def answer(talk: Talk) -> None:
        talk.stopping.wait(0.25)
        talk.answer("", "302 Found", "Location: /again")

    assert timed(answer).code == "source_timeout"


# ---------------------------------------------------------------- led somewhere else


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
def test_redirects_are_followed_with_the_same_question(status: str) -> None:
    def redirect(talk: Talk) -> None:
        talk.answer("", status, "Location: ../pins/v2.jws#part")

    with faulty(redirect, lambda talk: talk.answer(DOCUMENT)) as source:
        fetched = ask(source.url, etag='"v1"')
    assert (fetched.body, fetched.url) == (DOCUMENT, source.url)
    assert b"GET /acme/pins/v2.jws HTTP/1.1" in source.heads[1]
    assert b'If-None-Match: "v1"' in source.heads[1]


def test_three_redirects_are_followed_and_a_fourth_is_not() -> None:
    def redirect(talk: Talk) -> None:
        talk.answer("", "302 Found", "Location: /again")

    with faulty(redirect, redirect, redirect, lambda talk: talk.answer(DOCUMENT)) as source:
        assert ask(source.url).body == DOCUMENT
    with faulty(redirect) as source, pytest.raises(FetchFailed) as caught:
        ask(source.url)
    assert caught.value.code == "source_redirect_refused"
    assert len(source.heads) == 4


@pytest.mark.parametrize(
    "location",
    [
        "http://example.com/pins.jws",
        "ftp://localhost/pins.jws",
        "file:///etc/passwd",
        "https://user:hunter2@localhost/",
        "//user:hunter2@localhost/",
        "http://[::1/",
        "/with blank",
        "javascript:alert(1)",
        "",
    ],
)
def test_a_redirect_to_where_no_fetch_may_go_is_refused(location: str) -> None:
    error = refusal(lambda talk: talk.answer("", "302 Found", f"Location: {location}"))
    assert error.code == "source_redirect_refused"
    assert "hunter2" not in str(error)


def test_a_redirect_without_a_target_is_refused() -> None:
    assert refusal(lambda talk: talk.answer("", "302 Found")).code == "source_redirect_refused"


# ---------------------------------------------------------------- nobody there


def test_a_port_that_nobody_listens_on_is_told_with_what_was_tried() -> None:
    with faulty(lambda talk: None) as source:
        pass
    with pytest.raises(FetchFailed) as caught:
        ask(source.url)
    assert caught.value.code == "source_unreachable"
    assert "connecting" in caught.value.message
    assert source.url in str(caught.value)


def test_a_name_that_does_not_exist_is_told_within_the_deadline() -> None:
    started = time.monotonic()
    with pytest.raises(FetchFailed) as caught:
        ask("https://no-such-host.invalid/", deadline=2)
    assert caught.value.code in {"source_unreachable", "source_timeout"}
    assert "resolving the name" in caught.value.message
    assert time.monotonic() - started < 2 + SLACK


def test_a_failed_fetch_is_chained_to_its_cause_for_who_must_debug_it() -> None:
    with faulty(lambda talk: None) as source:
        pass
    with pytest.raises(FetchFailed) as caught:
        ask(source.url)
    assert isinstance(caught.value.__cause__, OSError)


# ---------------------------------------------------------------- what it costs


def test_an_application_that_only_imports_the_fetcher_does_not_pay_for_http() -> None:
    heavy = ["urllib.request", "http.client", "email", "cryptography", "asyncio", "tempfile"]
    script = (
        "import sys; before = set(sys.modules); import livepin.client.fetch\n"
        f"print([name for name in {heavy} if name in set(sys.modules) - before])"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30)
    assert ran.stdout.strip() == "[]", ran.stderr


# ---------------------------------------------------------------- the application's own ways


DEADLY_SIGPIPE = """
import signal, socket
signal.signal(signal.SIGPIPE, signal.SIG_DFL)
from livepin.client.attempt import Bounds
from livepin.client.transport import TcpStream
here, there = socket.socketpair()
there.close()
try:
    TcpStream(here, Bounds("https://a.example/", 10)).send(b"x")
except BrokenPipeError:
    print("goes on")
"""


@pytest.mark.skipif(not hasattr(socket, "MSG_NOSIGNAL"), reason="signals cannot be left out here")
def test_a_source_that_is_gone_does_not_end_an_application_that_sigpipe_would_end() -> None:
    """Filters and other command-line tools want it so for their own pipes."""
    done = subprocess.run([sys.executable, "-c", DEADLY_SIGPIPE], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "goes on\n")
