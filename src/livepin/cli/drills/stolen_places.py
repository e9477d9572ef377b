"""Drills of stolen places: the account of the CDN, and the disk of the application."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from livepin.cli.drills import thief
from livepin.cli.drills.stage import HOST, MAX_AGE, POINTER, Stage

_NOT_CONFIRMED = 5


def cdn(stage: Stage) -> None:
    """He serves what he likes at the URL that applications ask; he has no key."""
    stage.begin("--anchor", "../drawer/shop.pem")
    embedded, genuine = stage.embedded(), stage.published()
    older = stage.work.joinpath("public", POINTER).with_name("1.1.jws").read_text("ascii")
    stage.start_pinned(**embedded)
    forged = thief.document(genuine, thief.own(), stage.cast.evil.spki_sha256)
    with stage.refused("a document by a key of his own", "unknown_key", "V3"):
        stage.cdn.hijack(POINTER, forged)
    with stage.refused("the revision before the last", "rolled_back", "V8"):
        stage.cdn.hijack(POINTER, older)
    with stage.refused("nothing at all: the last document stays in force", "withdrawn", "404"):
        stage.cdn.hijack(POINTER, None)
    stage.cdn.release()
    stage.stop()
    _frozen(stage, embedded, genuine)


def _frozen(stage: Stage, embedded: dict[str, Any], genuine: str) -> None:
    """He goes on serving what is out there now. A second CDN is what helps when the service has to change its key."""
    second = stage.another_cdn(stage.work / "public")
    running = stage.start(**{**embedded, "configuration_url": [stage.cdn.url, second.url]}, led_astray=False)
    running.wait(lambda: running.lets_in("service"), stage.patience, "the service answers")
    stage.report.tell("he freezes the first CDN; the service gets another key, which is published first")
    stage.cdn.hijack(POINTER, genuine)
    stage.folder.joinpath("new.pem").write_text(stage.cast.backup.chain_pem, "ascii")
    stage.livepin("pin", "add", HOST, "--pem", "../new.pem", remedy=True)
    said = stage.livepin("publish", "--timeout", "1", status=_NOT_CONFIRMED, remedy=True)
    stage.report.claim("the operator is told that the public URL does not follow", said["confirmed"] is False)
    time.sleep(MAX_AGE)
    stage.service.use(stage.cast.backup)
    seconds = running.wait(lambda: running.held == (1, 3) and running.lets_in("service"), stage.patience, "goes on")
    stage.report.claim(f"the other CDN is asked when the new key is met: {seconds:.1f} s", seconds <= stage.bound)


def store(stage: Stage) -> None:
    """He writes into the directory where the application keeps its document, and waits for the next start."""
    stage.begin("--anchor", "../drawer/shop.pem")
    embedded, genuine = stage.embedded(), stage.published()
    stage.start_pinned(**embedded, stored=True)
    stage.stop()
    forged = thief.document(genuine, thief.own(), stage.cast.evil.spki_sha256)
    for what, text in (("a document by a key of his own", forged), ("what is no document", "poison")):
        _kept(stage).write_text(text, "ascii")
        stage.start_pinned(**embedded, stored=True)
        stage.application.wait_event("store_unusable", stage.patience)
        stage.report.refuses(what, "store_unusable", "verified again, V1 to V6")
        stage.stop()
    _without_cdn(stage, embedded, forged)
    _kept(stage).parent.chmod(0o770)
    stage.start_pinned(**embedded, stored=True)
    stage.application.wait_event("store_unusable", stage.patience)
    stage.report.refuses("a directory that others can write to", "store_unusable", "not used at all")


def _kept(stage: Stage) -> Path:
    """The file with the document."""
    (found,) = (stage.folder / "store").glob("*.jws")
    return found


def _without_cdn(stage: Stage, embedded: dict[str, Any], forged: str) -> None:
    """The same while the CDN is out of reach, so that there is nothing but what he wrote."""
    older = stage.work.joinpath("public", POINTER).with_name("1.1.jws").read_text("ascii")
    stage.cdn.hijack(POINTER, None)
    _kept(stage).write_text(forged, "ascii")
    running = stage.start(**embedded, stored=True)
    running.wait(lambda: running.visit("thief") == running.visit("service") == "no_document", stage.patience, "refused")
    stage.report.refuses("his document, and no CDN: everybody is refused", "no_document", "fail closed")
    stage.stop()
    _kept(stage).write_text(older, "ascii")
    stage.start_pinned(**embedded, stored=True)
    stage.report.claim("an earlier revision, properly signed, is believed", stage.application.held == (1, 1))
    stage.cdn.release()
    stage.application.refresh()
    stage.application.wait(lambda: stage.application.held == (1, 2), stage.patience, "the newest is fetched")
    stage.report.claim("until the CDN is asked", stage.is_safe())
    stage.stop()
