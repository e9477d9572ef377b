"""The end of a project, with real processes: what runs goes by its last document, and what starts anew refuses."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from shutil import rmtree
from typing import Any

import pytest

from livepin.cli.drills import thief
from livepin.cli.drills.report import Report
from livepin.cli.drills.stage import POINTER, Stage
from livepin.core import jws, strictjson

pytestmark = pytest.mark.slow
REPOSITORY = Path(__file__).resolve().parents[2]
SECONDS = 30.0


@pytest.fixture
def stage() -> Iterator[Stage]:
    """A published project and its CDN, in a place where applications may keep a store."""
    folder = REPOSITORY / "build" / f"withdrawal-{uuid.uuid4().hex}"
    folder.mkdir(parents=True)
    folder.chmod(0o700)
    with Stage(folder, Report("withdrawal", "nothing", print), 10) as stage:
        stage.begin()
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
