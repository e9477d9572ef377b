"""Scene 5: whoever owns the origin serves an old document, then foreign ones."""

from __future__ import annotations

import re

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from demo.stage import Stage
from livepin.testing import DocumentAuthority, SigningKey

#: How Livepin's log lines name the reason.
_CODE = re.compile(r"\[([a-z_]+)\]")


def play(stage: Stage) -> None:
    """Three documents, each signed by somebody, none of them adopted."""
    story, origin = stage.story, stage.origin
    story.say("     Somebody can write to the origin, and has signed documents of all kinds.")
    current = origin.revision(2)
    _serve(stage, "an old one, revision 0.1", origin.revision(1), "rolled_back")
    _serve(stage, "one signed by a stranger", _by_a_stranger(), "unknown_key")
    _serve(stage, "one of another project, by the same key", _of_another_project(stage), "wrong_audience")
    origin.replace_pointer(current)
    answers = stage.running.refresh_and_order()
    story.claim("the owner mends it; all is as before", [answer.ok for answer in answers], [True, True])


def _serve(stage: Stage, what: str, text: str, code: str) -> None:
    story, running = stage.story, stage.running
    known = len(running.events())
    stage.origin.replace_pointer(text)
    answers = running.refresh_and_order()
    refusals = [event for event in running.events()[known:] if event.startswith("document_refused: ")]
    codes = [found for event in refusals for found in _CODE.findall(event)]
    story.claim(f"{what}: refused", codes, [code])
    story.quote(refusals)
    story.claim("the application works on, by what it holds", [answer.ok for answer in answers], [True, True])


def _by_a_stranger() -> str:
    stranger = DocumentAuthority("acme", "shop")
    return stranger.sign(serial=99)


def _of_another_project(stage: Stage) -> str:
    """What the owner might publish with one key for two projects."""
    pem = (stage.project.folder / "keys" / "signing.pem").read_bytes()
    key = load_pem_private_key(pem, stage.project.passphrase.encode())
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    blog = DocumentAuthority("acme", "blog", anchors=[SigningKey(key)])
    return blog.sign(serial=99)
