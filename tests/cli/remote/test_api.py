"""The API's client in front of servers that are slow, strange, or somebody else's."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from livepin.cli.api import Api
from livepin.errors import Conflict, LivepinError, NotFound, RateLimited, ServerFailed, Unauthenticated
from livepin.testing.cast import Cast
from livepin.testing.tls import TlsServer

TOKEN = "lvp_" + "s" * 49


@dataclass
class Stranger:
    """An HTTP server that answers what it is told to: (status, headers, body), one after the other."""

    answers: list[tuple[int, dict[str, str], bytes]] = field(default_factory=list)
    asked: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    port: int = 0

    @property
    def api(self) -> Api:
        return Api(f"http://127.0.0.1:{self.port}", TOKEN, timeout=5)

    def answer(self, status: int, body: Any = b"", **headers: str) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.answers.append((status, {name.replace("_", "-"): value for name, value in headers.items()}, data))


@pytest.fixture
def stranger() -> Iterator[Stranger]:
    found = Stranger()

    class Handler(http.server.BaseHTTPRequestHandler):
        def handle_one(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            found.asked.append((self.command, self.path, dict(self.headers)))
            status, headers, body = found.answers.pop(0)
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_DELETE = handle_one

        def log_message(self, *_: Any) -> None: ...

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield found
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def _quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("livepin.cli.api.PAUSES", (0.01, 0.01))


def refused(asking: Callable[[], object]) -> LivepinError:
    with pytest.raises(LivepinError) as caught:
        asking()
    assert TOKEN not in str(caught.value) + repr(caught.value)
    return caught.value


def test_a_token_goes_in_a_header_and_nowhere_else(stranger: Stranger) -> None:
    stranger.answer(200, {"items": []}, ETag='"17"')
    reply = stranger.api.get("/organizations", limit=2)
    assert (reply.members, reply.version) == ({"items": []}, '"17"')
    [(method, path, headers)] = stranger.asked
    assert (method, path) == ("GET", "/api/v1/organizations?limit=2")
    assert [name for name, value in headers.items() if TOKEN in value] == ["Authorization"]


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(stranger: Stranger, status: int) -> None:
    stranger.answer(status, Location=f"http://127.0.0.1:{stranger.port}/elsewhere")
    error = refused(lambda: stranger.api.get("/me"))
    assert (error.code, len(stranger.asked)) == ("server_strange", 1)


@pytest.mark.parametrize("body", [b"<html>Sign in to the network</html>", b"[]", b'{"a": 1, "a": 2}', b"\xff"])
def test_what_is_no_answer_of_ours_is_told_as_such(stranger: Stranger, body: bytes) -> None:
    stranger.answer(200, body)
    assert refused(lambda: stranger.api.get("/me")).code == "server_strange"


def test_an_error_without_words_of_ours(stranger: Stranger) -> None:
    stranger.answer(404, b"<html>not here</html>")
    assert refused(lambda: stranger.api.get("/me")).code == "server_strange"


@pytest.mark.parametrize(
    ("status", "code", "kind", "exit_status"),
    [
        (401, "unauthenticated", Unauthenticated, 4),
        (403, "forbidden", LivepinError, 4),
        (404, "not_found", NotFound, 3),
        (409, "state_wrong", Conflict, 1),
        (412, "draft_changed", Conflict, 1),
        (409, "limit_reached", LivepinError, 1),
        (422, "value_invalid", LivepinError, 3),
        (500, "internal", ServerFailed, 5),
    ],
)
def test_the_servers_refusals_keep_their_code(
    stranger: Stranger, status: int, code: str, kind: type[LivepinError], exit_status: int
) -> None:
    said = {"code": code, "message": "no", "where": "hosts[1]", "hint": "Do something else."}
    stranger.answer(status, said, X_Request_ID="request-17")
    error = refused(lambda: stranger.api.ask("PUT", "/x", {}, if_match='"1"'))
    assert isinstance(error, kind)
    assert error.exit_status == exit_status
    if status < 500:
        assert (error.code, error.message, error.where) == (code, "no", "hosts[1]")
    else:
        assert (error.code, "request-17" in error.message) == ("server_failed", True)


def test_a_strangers_words_bring_no_control_characters(stranger: Stranger) -> None:
    stranger.answer(409, {"code": "state_wrong", "message": "no\x1b[2J\r\nlivepin: all is well", "where": "\x07"})
    error = refused(lambda: stranger.api.ask("DELETE", "/x"))
    assert error.message == "no [2J  livepin: all is well"
    assert error.where == " "


def test_reading_is_tried_again_and_so_is_a_publish_with_its_key(stranger: Stranger) -> None:
    for _ in range(2):
        stranger.answer(503, b"starting")
        stranger.answer(200, {"id": "1"})
    assert stranger.api.get("/me").members == {"id": "1"}
    assert stranger.api.ask("POST", "/publishes", {}, key="one").members == {"id": "1"}
    keys = [headers.get("Idempotency-Key") for _, _, headers in stranger.asked]
    assert keys == [None, None, "one", "one"]


def test_a_change_is_sent_once(stranger: Stranger) -> None:
    stranger.answer(503, b"starting")
    assert refused(lambda: stranger.api.ask("PUT", "/x", {}, if_match='"1"')).code == "server_failed"
    assert len(stranger.asked) == 1


def test_a_busy_server_is_waited_for(stranger: Stranger) -> None:
    stranger.answer(429, {"code": "rate_limited", "message": "slowly"}, Retry_After="0")
    stranger.answer(200, {})
    assert stranger.api.ask("PUT", "/x", {}).status == 200
    stranger.answer(429, {"code": "rate_limited", "message": "slowly"}, Retry_After="3600")
    error = refused(lambda: stranger.api.ask("PUT", "/x", {}))
    assert isinstance(error, RateLimited)
    assert error.seconds == 3600


def test_nobody_there(stranger: Stranger) -> None:
    error = refused(lambda: Api("http://127.0.0.1:1", TOKEN, timeout=1).get("/me"))
    assert (error.code, error.exit_status) == ("server_unreachable", 5)


def test_a_certificate_that_is_not_trusted_gets_no_token(cast: Cast, tmp_path: Any) -> None:
    with TlsServer(cast.genuine) as server:
        error = refused(lambda: Api(f"https://localhost:{server.port}", TOKEN, timeout=5).get("/me"))
        assert error.code == "server_unreachable"
        assert "certificate" in error.message.lower()


def test_a_file_that_holds_no_ca(tmp_path: Any) -> None:
    (tmp_path / "ca.pem").write_text("nothing")
    error = refused(lambda: Api("https://localhost", TOKEN, str(tmp_path / "ca.pem")).get("/me"))
    assert error.code == "certificate_invalid"
