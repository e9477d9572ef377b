"""Scene 10: the server is back, and goes on from what was published without it."""

from __future__ import annotations

from demo.scenes.served import SIGNER
from demo.stage import Stage

_REVISIONS = "/organizations/acme/projects/shop/revisions"


def play(stage: Stage) -> None:
    """The emergency's revision is adopted, its draft is pushed, and the application has noticed nothing."""
    story, server = stage.story, stage.server
    server.start("api")
    story.did("livepin serve: the API is started again")
    stage.emergency.livepin("push")
    code = stage.desk.refused("publish", "--signer", SIGNER)
    story.claim("it finds 0.6, and undoes nothing unseen", code, "superseded")
    done = stage.desk.livepin("publish", "--signer", SIGNER)
    story.claim("the next publish is 0.7", (done["serial"], done["confirmed"]), (7, True))
    known = {one["serial"]: one["source"] for one in server.ask("GET", _REVISIONS)["items"]}
    story.claim("0.6 was adopted, not overwritten", [known.get(number) for number in (5, 6, 7)], _SOURCES)
    denied = stage.desk.livepin("deny", "list")["deny"]
    story.claim("the stolen key is denied in the team's draft", len(denied), 2)
    answers = stage.running.refresh_and_order()
    held = stage.running.accepted(7)
    story.claim("the application takes up 0.7, and goes on", ([one.ok for one in answers], held), ([True, True], True))
    pid, age = stage.running.process.pid, stage.running.age
    story.claim(f"process {pid} was never restarted, in {age:.0f} s", stage.running.process.running)
    stage.running.finish()


_SOURCES = ["server", "adopted", "server"]
