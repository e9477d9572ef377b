"""Scene 4: the service rotates twice under the running application."""

from __future__ import annotations

from demo.application import Answer, Counters
from demo.stage import Stage

_TIMES = 5
_CACHE = 600


def play(stage: Stage) -> None:
    """To the pinned backup key; then to a key that was published only after the application started."""
    before = stage.running.counters()
    _to_backup(stage)
    _to_new_key(stage)
    now = stage.running.counters()
    stage.story.claim(
        f"process {stage.running.process.pid} never noticed: no failed request",
        Counters(now.answered - before.answered, now.failed),
        Counters(6 * _TIMES, 0),
    )


def _to_backup(stage: Stage) -> None:
    story, shop = stage.story, stage.shop
    shop.rotate(shop.certificate_for(stage.project.backup_key, stage.project.passphrase))
    story.did("the key is lost: the service changes to its backup key")
    answers = stage.running.order(_TIMES)
    story.claim("every request succeeds: the backup was pinned", _wrong(answers), [])


def _to_new_key(stage: Stage) -> None:
    story, shop, project = stage.story, stage.shop, stage.project
    certificate = shop.new_certificate()
    (project.folder / "new.pem").write_text(certificate.chain_pem, "ascii")
    project.livepin("pin", "add", stage.host, "--pem", "new.pem")
    published = project.livepin("publish")
    story.claim("another key is pinned and published, as 0.2", published["serial"], 2)
    answers = stage.running.order(_TIMES)
    held = stage.running.accepted(2)
    story.claim("the application still goes by 0.1, for 10 minutes", (_wrong(answers), held), ([], False))
    shop.rotate(certificate)
    story.did("the service changes to the new key")
    answers = stage.running.order(_TIMES)
    story.claim("every request succeeds", _wrong(answers), [])
    story.claim("the first handshake fetched 0.2 before it decided", stage.running.accepted(2))
    age = stage.running.age
    story.claim(f"{age:.0f} s after the start, well inside the 10 minutes", age < _CACHE / 2)


def _wrong(answers: list[Answer]) -> list[str]:
    return [answer.text for answer in answers if not answer.ok]
