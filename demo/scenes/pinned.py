"""Scene 1: a live service is pinned, and the signed document lies behind a static server."""

from __future__ import annotations

from demo.stage import Stage


def play(stage: Stage) -> None:
    """From nothing to a published document with `livepin init`."""
    story, shop, origin, project = stage.story, stage.shop, stage.origin, stage.project
    shop.start()
    story.did(f"a live HTTPS service: {shop.url} (process {shop.process.pid})")
    story.did(f"a static server for the document: {origin.start()}")
    made = project.livepin(
        *("init", "acme/shop", stage.host, "--address", f"127.0.0.1:{shop.port}"),
        *("--ca", "../shop/root.pem", "--url", origin.url),
    )
    story.did("looked, made a signing key and a backup key, signed, published")
    story.claim("the document is at its public URL, as 0.1", (made["epoch"], made["serial"]), (0, 1))
    seen = project.livepin("verify", f"{origin.url}acme/shop/pins.jws")
    story.claim("a reader accepts it: signature, audience, time", seen["ok"])
    pins = project.livepin("pin", "list", stage.host)["pins"]
    story.claim("two keys are pinned: the one in use and a backup", [pin["source"] for pin in pins], ["live", "backup"])
