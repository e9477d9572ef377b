"""Scene 7: the project moves to a server, whose API and dashboard a team shares. Its key does not move."""

from __future__ import annotations

import shutil

from demo.stage import Stage
from livepin.author.ct_logs import FILE_NAME

#: The key that signs, as the member's machine has it.
SIGNER = "../project/keys/signing.pem"
_PROJECT = "/organizations/acme/projects/shop"


def play(stage: Stage) -> None:
    """Three processes of `livepin serve`, an owner, a project, and a publish with the commands of before."""
    story, server, project, desk = stage.story, stage.server, stage.project, stage.desk
    server.folder.mkdir(mode=0o700)
    shutil.copy(project.folder / FILE_NAME, server.folder)  # the operator's table of CT logs
    server.start("api", "origin")
    server.claim()
    server.begin("web")
    story.did("livepin serve: the API with its jobs, an origin; and an owner")
    (desk.folder / "token").write_text(f"{server.token}\n", "ascii")
    signed_in = desk.livepin("login", server.url, "--token-file", "token", "--project", "acme/shop")
    story.claim("a member's command line is signed in", signed_in["ok"])
    project.livepin("push", "--create")
    keys = [key["kind"] for key in server.ask("GET", f"{_PROJECT}/keys")["items"]]
    story.claim("the server has the public half of the key alone", keys, ["own"])
    server.wait("web")
    story.claim("the dashboard is a process of its own", server.answers("web"))
    desk.livepin("deny", "add", "ab" * 32)
    story.claim("it finds 0.3, and undoes nothing unseen", desk.refused("publish", "--signer", SIGNER), "superseded")
    done = desk.livepin("publish", "--signer", SIGNER)
    story.claim("the same commands publish there, as 0.4", (done["serial"], done["confirmed"]), (4, True))
    answers = stage.running.refresh_and_order()
    held = stage.running.accepted(4)
    story.claim("the application takes up 0.4, and goes on", ([one.ok for one in answers], held), ([True, True], True))
