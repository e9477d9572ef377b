"""Scene 8: the dashboard is killed, and the service rotates its key all the same."""

from __future__ import annotations

from demo.scenes.served import SIGNER
from demo.stage import Stage


def play(stage: Stage) -> None:
    """A new key is pinned and published from the command line; a folder is pulled, for worse days."""
    story, server, desk = stage.story, stage.server, stage.desk
    server.kill("web")
    story.claim("nobody answers where the dashboard was", (server.answers("web"), server.answers("api")), (False, True))
    certificate = stage.shop.logged_certificate(stage.shop.new_certificate())
    (desk.folder / "next.pem").write_text(certificate.chain_pem, "ascii")
    desk.livepin("pin", "add", stage.host, "--pem", "next.pem")
    done = desk.livepin("publish", "--signer", SIGNER)
    story.claim("the command line pins and publishes, as 0.5", (done["serial"], done["confirmed"]), (5, True))
    answers = stage.running.refresh_and_order()
    stage.shop.rotate(certificate)
    answers += stage.running.order()
    story.claim("the service rotates; the application goes on", [one.ok for one in answers], [True] * 4)
    pulled = stage.emergency.livepin("pull", "--signer", SIGNER, "--folder", "../project/public")
    story.claim("the project is pulled to files, in case", (pulled["published"], pulled["signs_here"]), ("0.5", True))
