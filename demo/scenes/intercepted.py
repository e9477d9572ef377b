"""Scene 3: mitmproxy sits in between, with a CA that the application trusts."""

from __future__ import annotations

from demo.application import CLIENTS, Answer, Application
from demo.stage import Stage


def play(stage: Stage) -> None:
    """First without pins, which is how a token is lost; then with them."""
    story, attacker = stage.story, stage.attacker
    attacker.start(upstream_ca=stage.shop.ca_file)
    with stage.trusted.open("ab") as trusted:
        trusted.write(attacker.ca_file.read_bytes())
    story.did("mitmproxy is on the way, and its CA is trusted on this machine")
    _without_pins(stage)
    attacker.forget()
    _with_pins(stage)


def _without_pins(stage: Stage) -> None:
    story, attacker = stage.story, stage.attacker
    answers = _order(stage, stage.applications.start("unpinned", stage.unpinned_script(), attacker.environment))
    story.claim("without pins: nothing looks wrong", [answer.ok for answer in answers], [True, True])
    attacker.wait_until_alone()
    log = attacker.decrypted()
    story.say("     The attacker's log:")
    story.quote(log)
    token = f"Authorization: Bearer {stage.shop.token}"
    stolen = sum(line.endswith(token) for line in log)
    story.claim("but the attacker has the bearer token, twice", stolen, len(CLIENTS))


def _with_pins(stage: Stage) -> None:
    story, attacker = stage.story, stage.attacker
    before = stage.shop.traffic()
    answers = _order(stage, stage.applications.start("intercepted", stage.intercepted_script(), attacker.environment))
    for client, answer in zip(CLIENTS, answers, strict=True):
        story.claim(f"with pins: {client} is refused", _refusal(answer), "pin_mismatch")
    story.quote([answers[0].text])
    handshakes = attacker.wait_until_alone()
    story.claim("the attacker did get as far as TLS, twice", handshakes, len(CLIENTS))
    story.claim("and its log is empty: not one request decrypted", attacker.decrypted(), [])
    story.claim("nothing reached the service", stage.shop.traffic(), before)


def _order(stage: Stage, application: Application) -> list[Answer]:
    answers = application.order()
    application.finish()
    return answers


def _refusal(answer: Answer) -> str:
    """The code of a refusal; the whole answer where it is none."""
    return "pin_mismatch" if answer.text.startswith("failed ") and "[pin_mismatch]" in answer.text else answer.text
