"""A thief who thinks: what he gets of a running application, and for how long. The table of docs/drills.md.

The answer is always the same: the next key set, and a publish. Then the application has to be safe within the bound
that drills have, whatever he said. What he does to answers alone (he has the CDN, and no key) must change nothing while
it lasts, and nothing must be left of it when it is over.
"""

from __future__ import annotations

import http.server
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from livepin.author.project import ProjectFile
from livepin.author.signers.places import PemPlace
from livepin.cli.drills import thief
from livepin.cli.drills.report import Report
from livepin.cli.drills.running import Running
from livepin.cli.drills.stage import HOST, MAX_AGE, POINTER, Stage
from tests.server.installation import wait_until

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "drills.md").read_text("utf-8")
_REFRESH_AFTER = 10
_ANCHOR = "../drawer/shop.pem"
_PIN = "q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s="
_DAY = 86_400


def _now() -> int:
    return int(time.time())


@dataclass(frozen=True)
class Lie:
    """A document that a stolen signing key makes. `let_in`: he himself; else the service is refused."""

    members: Callable[[], Mapping[str, Any]]
    let_in: bool = True


def _policy(**members: Any) -> list[dict[str, Any]]:
    return [{"host": HOST, "action": "enforce", "pins": [{"spki_sha256": _PIN}], **members}]


#: What he signs beside the highest serial, the longest `refresh_after` and a life of years.
LIES = {
    "his pin": Lie(dict),
    "report only": Lie(lambda: {"hosts": _policy(action="report")}),
    "no hosts": Lie(lambda: {"hosts": []}),
    "expired is allowed": Lie(lambda: {"hosts": _policy(when_expired="allow"), "expires_at": _now() + 12}),
    "from the future": Lie(lambda: {"issued_at": _now() + 295}),
    "a pin of nobody": Lie(lambda: {"hosts": _policy()}, let_in=False),
    "a CT rule that nothing meets": Lie(
        lambda: {
            "hosts": _policy(pins=[], ct={"action": "enforce", "policy": "chrome", "logs": []}),
            "ct_logs": {"issued_at": _now(), "logs": []},
        },
        let_in=False,
    ),
    "everything else blocked": Lie(lambda: {"hosts": [], "unlisted": "block"}, let_in=False),
}


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    report = Report("thief", "", lambda line: None)
    with Stage(tmp_path / "stage", report, _REFRESH_AFTER) as made:
        yield made
    assert report.failed == []


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_what_a_stolen_key_signs_is_over_with_the_next_key_set(stage: Stage) -> None:
    """One lie after the other, to one application. He steals the next key as soon as there is one."""
    stage.begin("--anchor", _ANCHOR)
    stage.start_pinned(**stage.embedded())
    running, first = stage.application, ""
    for epoch, (name, lie) in enumerate(LIES.items(), 1):
        place = ProjectFile.open(stage.work).read().signer
        assert isinstance(place, PemPlace)
        key = thief.stolen(stage.work / place.file, stage.passphrase)
        text = thief.document(stage.published(), key, stage.cast.evil.spki_sha256, **lie.members())
        first = first or text
        (stage.work / "public" / POINTER).write_text(text, "ascii")
        time.sleep(MAX_AGE)
        running.refresh()
        got = partial(running.lets_in, "thief") if lie.let_in else lambda: not running.lets_in("service")
        running.wait(got, stage.patience, f"he gets what he wants: {name}")
        assert running.held == (epoch, thief.HIGHEST), name
        stage.livepin("keyset", "revoke", key.public.thumbprint, "--anchor", _ANCHOR, remedy=True)
        stage.livepin("publish", remedy=True)
        stage.wait_until_safe()
        assert running.held == (epoch + 1, 1), name
    with stage.refused("his first document again", "rolled_back", "V8"):
        stage.cdn.hijack(POINTER, first)


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_two_documents_of_one_number_at_two_urls_are_over_with_the_next_key_set(stage: Stage) -> None:
    """Installations are split: each holds one, and calls the other one a fork."""
    stage.begin("--anchor", _ANCHOR)
    second = stage.another_cdn(stage.work / "public")
    embedded = {**stage.embedded(), "configuration_url": [stage.cdn.url, second.url]}
    stage.start_pinned(**embedded)
    key = thief.stolen(stage.work / "keys" / "signing.pem", stage.passphrase)
    genuine = stage.published()
    one, other = (thief.document(genuine, key, pin) for pin in (stage.cast.evil.spki_sha256, _PIN))
    running, told = stage.application, stage.application.told
    stage.cdn.hijack(POINTER, one)
    second.hijack(POINTER, other)
    running.refresh()
    running.wait(lambda: running.held == (1, thief.HIGHEST), stage.patience, "one of them is taken up")
    # He changes them about, as often as he likes.
    for first, then in ((other, one), (one, other), (other, one)):
        stage.cdn.hijack(POINTER, first)
        second.hijack(POINTER, then)
        running.refresh()
    running.wait_event("forked", stage.patience, since=told)
    stage.livepin("keyset", "revoke", "signing", "--anchor", _ANCHOR, remedy=True)
    stage.livepin("publish", "--no-confirm", remedy=True)
    second.release()  # one of the two accounts is enough
    stage.wait_until_safe()
    assert running.held == (2, 1)


# ---------------------------------------------------------------- the CDN, and no key


@dataclass
class Answer:
    """What he has the CDN answer; `document`: with the one that is out there. Without a status, an honest answer."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    document: bool = False


ANSWERS = {
    "304 for ever": Answer(304),
    "gone": Answer(410),
    "not for a year": Answer(503, {"Retry-After": "31536000"}),
    "the old one, good for a year": Answer(
        200, {"Cache-Control": "public, max-age=31536000, immutable", "Age": "0", "ETag": '"old"'}, document=True
    ),
    "an ETag that is everything": Answer(200, {"ETag": "*"}, document=True),
    "an ETag that is a list": Answer(200, {"ETag": ", ".join(f'"{epoch}"' for epoch in range(1, 15))}, document=True),
    "somewhere else": Answer(301, {"Location": "https://localhost:1/", "Cache-Control": "max-age=31536000"}),
    "nothing": Answer(200),
}


class Front:
    """A CDN that answers as the thief wants while he is there, and honestly after.

    An honest ETag is the epoch of the document, and `If-None-Match` is obeyed to the letter.
    """

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.lie: Answer | None = None
        self.before = b""
        self.epoch = 1
        self.asked = 0

    def reply(self, if_none_match: str) -> tuple[int, Mapping[str, str], bytes]:
        self.asked += 1
        if self.lie is not None:
            return self.lie.status, self.lie.headers, self.before if self.lie.document else b""
        tag = f'"{self.epoch}"'
        if if_none_match == "*" or tag in [one.strip() for one in if_none_match.split(",")]:
            return 304, {"ETag": tag}, b""
        return 200, {"ETag": tag}, self.stage.published().encode()


@contextmanager
def serving(front: Front) -> Iterator[str]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers, body = front.reply(self.headers.get("If-None-Match", ""))
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None: ...

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_what_a_cdn_answers_changes_nothing_and_leaves_nothing_behind(stage: Stage) -> None:
    """One answer after the other, to one application. It meets no key that is not pinned: after a mismatch it would ask
    without ETag, which helps."""
    stage.begin("--anchor", _ANCHOR)
    front = Front(stage)
    with serving(front) as url:
        running = stage.start(**{**stage.embedded(), "configuration_url": url}, led_astray=False)
        running.wait(lambda: running.lets_in("service"), stage.patience, "it is set up")
        assert running.held == (1, 2)
        for epoch, (name, lie) in enumerate(ANSWERS.items(), 2):
            held, asked, rounds = running.held, front.asked, running.rounds
            front.before, front.lie = stage.published().encode(), lie
            running.refresh()
            wait_until(lambda asked=asked: front.asked > asked, stage.patience)  # type: ignore[misc]
            stage.livepin("keyset", "rotate", "--keep-key", "--anchor", _ANCHOR)
            stage.livepin("publish", "--no-confirm")
            assert running.held == held, name
            assert running.ever("service", rounds) <= {"answered"}, name
            front.epoch, front.lie, began = epoch, None, time.monotonic()
            running.wait(partial(holds, running, epoch), stage.patience, f"it follows after: {name}")
            assert time.monotonic() - began <= stage.bound, name
        stage.stop()


def holds(running: Running, epoch: int) -> bool:
    return running.held == (epoch, 1)


def test_every_row_of_the_page_is_played_and_every_play_is_a_row() -> None:
    section = PAGE.partition("## A thief who thinks")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| ([^|]+) \| [^|]+ \| [^|]+ \|$", section, re.MULTILINE)
    assert [row for row in rows if row not in ("he does", "---")] == [*LIES, "two documents at two URLs", *ANSWERS]
