"""Scene 9: the API is killed too, and a stolen key is denied from files."""

from __future__ import annotations

from demo.application import Answer
from demo.stage import Stage

_CODE = "denied"


def play(stage: Stage) -> None:
    """What was pulled publishes without the server; the origins never stop."""
    story, server, emergency = stage.story, stage.server, stage.emergency
    server.kill("api")
    story.claim("the server is unreachable", stage.desk.refused("host", "list"), "server_unreachable")
    genuine = stage.shop.certificate
    stolen = stage.shop.logged_certificate(
        stage.shop.certificate_for(stage.project.backup_key, stage.project.passphrase)
    )
    (emergency.folder / "stolen.pem").write_text(stolen.chain_pem, "ascii")
    stage.shop.rotate(stolen)
    answers = stage.running.order()
    story.claim("a thief has the backup key, and is believed", [one.ok for one in answers], [True, True])
    emergency.livepin("deny", "add", "stolen.pem")
    done = emergency.livepin("publish", "--override", "G2=it is the thief who answers there now")
    story.claim("it is denied from files, without a server, as 0.6", (done["serial"], done["confirmed"]), (6, True))
    refused = [_refusal(answer) for answer in stage.running.refresh_and_order()]
    story.claim("the thief is refused by the running application", refused, [_CODE, _CODE])
    stage.shop.rotate(genuine)
    answers = stage.running.order()
    story.claim("and the service is not", [one.ok for one in answers], [True, True])
    same = server.document() == (stage.origin.public / "acme" / "shop" / "pins.jws").read_bytes()
    story.claim("the server's own origin serves it, too", same)


def _refusal(answer: Answer) -> str:
    """The code of a refusal; the whole answer where it is none."""
    return _CODE if answer.text.startswith("failed ") and f"[{_CODE}]" in answer.text else answer.text
