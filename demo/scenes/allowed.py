"""Scene 2: an application embeds three strings and a URL, and works as before."""

from __future__ import annotations

from demo.application import CLIENTS
from demo.stage import Stage


def play(stage: Stage) -> None:
    """Start the application that will run to the end of the story, and let it order."""
    story = stage.story
    embedded = stage.project.livepin("embed")
    pinned, unpinned = stage.pinned_script(embedded["python"]), stage.unpinned_script()
    story.say("     The application; + marks what pinning added, most of it printed by `livepin embed`:")
    old = unpinned.read_text("utf-8").splitlines()
    new = pinned.read_text("utf-8").splitlines()
    story.listing(new, added=[line for line in new if line not in old])
    stage.running = stage.applications.start("application", pinned)
    answers = stage.running.order()
    story.did(f"started as process {stage.running.process.pid}; it stays until the end")
    story.claim("it goes by 0.1, which it fetched when it started", stage.running.accepted(1))
    for client, answer in zip(CLIENTS, answers, strict=True):
        story.claim(f"{client} is allowed, and gets its answer", answer.text, 'answered {"orders": 3}')
    story.claim("the service saw both, with the bearer token", stage.shop.traffic().authorized, len(CLIENTS))
