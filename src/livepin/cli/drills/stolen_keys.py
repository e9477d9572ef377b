"""Drills of stolen keys: a signing key, an anchor, and the only key of a project that has no key set."""

from __future__ import annotations

import json
from typing import Any

from livepin.cli.drills import thief
from livepin.cli.drills.stage import POINTER, Stage

_ANCHOR, _SECOND = "../drawer/shop.pem", "../safe/second.pem"


def signing_key(stage: Stage) -> None:
    """He has the key, its passphrase and the machine that publishes; he is first, with the highest serial there is."""
    stage.begin("--anchor", _ANCHOR)
    earlier = stage.published()
    stage.start_pinned(**stage.embedded())
    key = thief.stolen(stage.work / "keys" / "signing.pem", stage.passphrase)
    his = thief.document(earlier, key, stage.cast.evil.spki_sha256)
    stage.let_thief_in(his)
    stage.report.tell(f"his serial is {thief.HIGHEST}, his refresh_after {thief.LONGEST_REFRESH}: nothing can follow")
    stage.livepin("publish", status=1)
    stage.livepin("keyset", "revoke", "signing", "--anchor", _ANCHOR, remedy=True)
    stage.livepin("publish", remedy=True)
    stage.wait_until_safe()
    with stage.refused("his document again", "rolled_back", "V8"):
        stage.cdn.hijack(POINTER, his)
    again = thief.document(stage.published(), key, stage.cast.evil.spki_sha256)
    with stage.refused("the stolen key under the new key set", "key_revoked", "V3"):
        stage.cdn.hijack(POINTER, again)
    stage.cdn.release()


def anchor(stage: Stage) -> None:
    """One of two anchors, where applications ask for one: he makes key sets of his own."""
    _two_anchors(stage)
    embedded, genuine = stage.embedded(), stage.published()
    stage.start_pinned(**embedded, stored=True)
    his_anchor, his_key = (
        thief.stolen(stage.folder / "drawer" / "shop.pem", stage.anchor_passphrase),
        thief.own(),
    )

    def his(epoch: int) -> str:
        made = thief.key_set(genuine, his_anchor, his_key, epoch)
        return thief.document(genuine, his_key, stage.cast.evil.spki_sha256, keys=[made])

    stage.let_thief_in(his(2))
    stage.livepin("keyset", "revoke", his_anchor.public.thumbprint, "--anchor", _SECOND, remedy=True)
    stage.livepin("publish", remedy=True)
    stage.wait_until_safe()
    with stage.refused("his next key set", "threshold_unmet", "V3"):
        stage.cdn.hijack(POINTER, his(thief.HIGHEST))
    stage.stop()
    _release(stage, embedded)


def _release(stage: Stage, embedded: dict[str, Any]) -> None:
    """Where the revocation was not seen only a release helps, and it undoes whatever he did."""
    stage.start(**embedded)
    stage.application.wait(lambda: stage.application.lets_in("thief"), stage.patience, "the thief is let in")
    stage.report.claim("who has not seen the revocation lets him in", stage.application.lets_in("thief"))
    stage.stop()
    stage.report.tell("released again, with what `livepin embed` prints now: the other anchor alone")
    stage.start(**stage.embedded())
    stage.application.wait_event("threshold_unmet", stage.patience)
    stage.report.refuses("his key set, by that release", "threshold_unmet", "V3")
    stage.cdn.release()
    stage.application.refresh()
    stage.application.wait(stage.is_safe, stage.patience, "the service answers")
    stage.report.claim("the CDN is the owner's again, and the release talks to its service", stage.is_safe())


def _two_anchors(stage: Stage) -> None:
    stage.begin("--anchor", _ANCHOR)
    stage.livepin("anchor", "new", _SECOND)
    stage.livepin("anchor", "add", "../safe/second.pub.pem")
    stage.livepin("keyset", "countersign", "--anchor", _SECOND)
    stage.livepin("publish")


def anchor_of_two(stage: Stage) -> None:
    """One of two anchors, where applications ask for both: he can do nothing, and there is no hurry."""
    _two_anchors(stage)
    stage.livepin("anchor", "threshold", "2")
    genuine = stage.published()
    stage.start_pinned(**stage.embedded())
    his_anchor, his_key = (
        thief.stolen(stage.folder / "drawer" / "shop.pem", stage.anchor_passphrase),
        thief.own(),
    )
    made = thief.key_set(genuine, his_anchor, his_key, thief.HIGHEST)
    with stage.refused("his key set", "threshold_unmet", "V3"):
        stage.cdn.hijack(POINTER, thief.document(genuine, his_key, stage.cast.evil.spki_sha256, keys=[made]))
    with stage.refused("a document by the anchor itself", "threshold_unmet", "V3"):
        stage.cdn.hijack(POINTER, thief.document(genuine, his_anchor, stage.cast.evil.spki_sha256, keys=()))
    stage.cdn.release()


def without_key_set(stage: Stage) -> None:
    """The key that signs is the one that is embedded: a new project, brought by the application's own configuration."""
    stage.begin()
    remote, anew = stage.folder / "remote", stage.folder / "anew"
    remote.mkdir()
    anew.mkdir()
    own, other = stage.another_cdn(remote), stage.another_cdn(anew / "public")
    embedded = stage.embedded()
    (remote / "pins.json").write_text(json.dumps(embedded), "utf-8")
    stage.start_pinned(**embedded, remote=f"{own.url}pins.json")
    key = thief.stolen(stage.work / "keys" / "signing.pem", stage.passphrase)
    his = thief.document(stage.published(), key, stage.cast.evil.spki_sha256)
    stage.let_thief_in(his)
    stage.init("--anchor", _ANCHOR, project="shop-2", url=other.url, folder=anew, remedy=True)
    new = stage.embedded(anew, remedy=True)
    stage.report.tell("these strings go into the application's own remote configuration, and nowhere else")
    (remote / "pins.json").write_text(json.dumps(new), "utf-8")
    stage.wait_until_safe()
    stage.report.claim("the same process has been set up again", stage.application.project == "shop-2")
    with stage.refused("his document in the new project's place", "unknown_key", "V3"):
        other.hijack(POINTER.replace("/shop/", "/shop-2/"), his)
