"""Scene 6: a certificate with the right key, which no log of Certificate Transparency has seen, is refused."""

from __future__ import annotations

from demo.application import CLIENTS, Answer
from demo.stage import Stage

_CODE = "ct_failed"


def play(stage: Stage) -> None:
    """The service is in the logs and says so; then somebody who has stolen its key is not."""
    unlogged = stage.shop.certificate
    proven = stage.shop.logged_certificate(unlogged)
    stage.shop.rotate(proven)
    stage.story.did("the CA writes the certificate into two logs: now it carries their SCTs")
    _demand(stage)
    before = stage.shop.traffic()
    stage.shop.rotate(unlogged)
    stage.story.did("somebody has the key, and a certificate for it that nobody logged")
    known = len(stage.running.events())
    answers = stage.running.order()
    for client, answer in zip(CLIENTS, answers, strict=True):
        stage.story.claim(f"the right key, but {client} is refused", _refusal(answer), _CODE)
    told = [event for event in stage.running.events()[known:] if event.startswith("verdict_blocked: ")]
    stage.story.claim("an event says why, once in a minute", len(told), 1)
    stage.story.quote(told)
    stage.story.claim("no request reached it", stage.shop.traffic(), before)
    stage.shop.rotate(proven)
    answers = stage.running.order()
    stage.story.claim("with its SCTs it is allowed again", [answer.ok for answer in answers], [True, True])


def _demand(stage: Stage) -> None:
    """A log table, a rule that names the operators in use, a new revision."""
    story, project = stage.story, stage.project
    stage.shop.write_log_keys(project.folder)
    project.livepin("ct", "logs", "add", "North", "--operator", "north", "--key", "north.pem")
    project.livepin("ct", "logs", "add", "South", "--operator", "south", "--key", "south.pem", "--kind", "static")
    project.livepin("host", "set", stage.host, "--ct-from-live", "--ct", "enforce")
    story.claim("the rule is published, as 0.3", project.livepin("publish")["serial"], 3)
    answers = stage.running.refresh_and_order()
    held = stage.running.accepted(3)
    story.claim("both clients see the proof, and go on", ([one.ok for one in answers], held), ([True, True], True))


def _refusal(answer: Answer) -> str:
    """The code of a refusal; the whole answer where it is none."""
    return _CODE if answer.text.startswith("failed ") and f"[{_CODE}]" in answer.text else answer.text
