"""The end of a project, with real processes: what runs goes by its last document, and what starts anew refuses."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from shutil import rmtree
from typing import Any

import pytest

from livepin.cli.drills import thief
from livepin.cli.drills.report import Report
from livepin.cli.drills.server import Server
from livepin.cli.drills.stage import POINTER, Stage
from livepin.cli.drills.stolen_servers import project_on
from livepin.core import jws, strictjson

pytestmark = pytest.mark.slow
REPOSITORY = Path(__file__).resolve().parents[2]
SECONDS = 30.0


@pytest.fixture
def stage(empty: Stage) -> Stage:
    """A project of files, published."""
    empty.begin()
    return empty


@pytest.fixture
def empty() -> Iterator[Stage]:
    """A service, a thief and a CDN, in a place where applications may keep a store."""
    folder = REPOSITORY / "build" / f"withdrawal-{uuid.uuid4().hex}"
    folder.mkdir(parents=True)
    folder.chmod(0o700)
    with Stage(folder, Report("withdrawal", "nothing", print), 10) as stage:
        yield stage
    rmtree(folder)


def starts_anew(stage: Stage, embedded: dict[str, Any]) -> None:
    """An installation that has no document refuses its hosts, the genuine one too."""
    stage.stop()
    running = stage.start(**embedded)
    running.wait_event("withdrawn", SECONDS)
    running.wait(lambda: {running.visit("service"), running.visit("thief")} == {"no_document"}, SECONDS, "it refuses")


def test_a_decommissioned_project_judges_nothing_any_more_and_breaks_nothing(stage: Stage) -> None:
    embedded = stage.embedded()
    stage.start_pinned(**embedded, stored=True)
    stage.livepin("decommission")
    running = stage.application
    running.wait(lambda: running.held == (0, 3), SECONDS, "the last revision is held")
    running.wait(lambda: running.lets_in("thief") and running.lets_in("service"), SECONDS, "nothing is judged")

    stage.livepin("withdraw", "--reason", "the shop closed")
    running.refresh()
    running.wait_event("withdrawn", SECONDS)
    assert running.lets_in("service")
    assert running.held == (0, 3)

    # Whoever had the last revision starts with it again; whoever had none is not let loose.
    stage.stop()
    again = stage.start(**embedded, stored=True)
    again.wait(lambda: again.held == (0, 3) and again.lets_in("service"), SECONDS, "it starts with what it kept")
    again.wait_event("withdrawn", SECONDS)
    starts_anew(stage, embedded)


@pytest.mark.parametrize("when_expired", ["enforce", "allow"])
def test_a_compromised_project_is_withdrawn_and_its_last_document_is_used_until_it_expires_and_after(
    stage: Stage, when_expired: str
) -> None:
    embedded = stage.embedded()
    running = stage.start(**embedded)
    expires_at = int(time.time()) + 25
    _publish_short(stage, expires_at, when_expired)
    running.refresh()
    running.wait(lambda: running.held == (0, 3) and stage.is_safe(), SECONDS, "the short document is in force")

    stage.livepin("withdraw", "--reason", "the key may have been seen")
    assert not [path for path in (stage.work / "public").rglob("*") if path.is_file()]
    stage.cdn.release()
    running.refresh()
    running.wait_event("withdrawn", SECONDS)
    assert time.time() < expires_at, "the machine was too slow for this test"
    assert stage.is_safe(), "the last document is in force until it expires"

    running.wait_event("document_expired", SECONDS + expires_at - time.time())
    if when_expired == "allow":  # J8: whoever can withhold documents for long enough switches the pattern off
        running.wait(lambda: running.lets_in("thief"), SECONDS, "he is let in")
    else:
        time.sleep(1.0)
        assert stage.is_safe()
    assert running.lets_in("service")
    starts_anew(stage, embedded)


def _publish_short(stage: Stage, expires_at: int, when_expired: str) -> None:
    """The owner's own key signs a document that ends soon, and it is put where `livepin publish` puts it."""
    key, last = thief.stolen(stage.work / "keys" / "signing.pem", stage.passphrase), stage.published()
    hosts = [{**host, "when_expired": when_expired} for host in strictjson.loads(jws.split(last).payload)["hosts"]]
    members: dict[str, Any] = {"serial": 3, "refresh_after": 10, "expires_at": expires_at, "hosts": hosts}
    text = thief.document(last, key, "", **members)
    for name in ("0.3.jws", "pins.jws"):
        (stage.work / "public" / POINTER).with_name(name).write_text(text, "ascii")
    stage.cdn.release()


SHOP = "/organizations/acme/projects/shop"


@pytest.fixture
def server(empty: Stage) -> Iterator[Server]:
    """A server on which the project is published; the CDN serves its origin, and the application is pinned by it."""
    with Server(empty.folder) as server:
        project_on(empty, server, "shop")
        server.publish(f"{SHOP}/publishes")
        empty.cdn.move(server.origin)
        yield server


def embedded_of(stage: Stage, server: Server) -> dict[str, Any]:
    anchors = server.ask("GET", SHOP)["anchors"]
    names = {"organization_id": "acme", "project_id": "shop", "public_key": anchors}
    return {**names, "configuration_url": stage.cdn.url}


def test_a_server_withdraws_a_compromised_project(empty: Stage, server: Server) -> None:
    embedded = embedded_of(empty, server)
    empty.start_pinned(**embedded)
    assert server.ask("POST", f"{SHOP}/withdrawal", {"reason": "the key may have been seen"})["state"] == "withdrawn"
    _wait_until_gone(server)
    empty.cdn.release()
    empty.application.refresh()
    empty.application.wait_event("withdrawn", SECONDS)
    assert empty.is_safe(), "the last document is in force"
    refusal = server.refusal("POST", f"{SHOP}/publishes", {})
    assert refusal is not None, "nothing is signed any more"
    assert refusal.code == "state_wrong"
    starts_anew(empty, embedded)


def test_a_server_decommissions_a_project(empty: Stage, server: Server) -> None:
    embedded = embedded_of(empty, server)
    empty.start_pinned(**embedded)
    # Applications get the last revision before its objects go: here they are asked to, elsewhere they have three days.
    server.ask("POST", f"{SHOP}/decommissioning", {"reason": "the shop closed", "keep_hours": 1})
    running, pointer = empty.application, server.origin / POINTER
    before = pointer.read_bytes()
    _wait(lambda: pointer.read_bytes() != before, "the last revision is published")
    empty.cdn.release()
    running.refresh()
    running.wait(lambda: running.held == (0, 2) and running.lets_in("thief"), SECONDS, "nothing is judged any more")
    assert running.lets_in("service")


def _wait_until_gone(server: Server) -> None:
    _wait(lambda: not [one for one in server.origin.rglob("*.jws") if one.is_file()], "the documents are removed")


def _wait(true: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < end, what
        time.sleep(0.1)
