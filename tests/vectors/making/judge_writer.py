"""What judge cases are written with: policies, chains, verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.vectors.making.cases import Case, Json
from tests.vectors.making.writer import NOW, PAYLOAD, changed
from tests.vectors.making.x509 import HONEST, ISSUING, LEAF, MALLORY_LEAF, ROOT, Certificate

NAME = "api.example.com"

LEAF_PIN: Json = {"spki_sha256": LEAF.spki_sha256}
MALLORY_PIN: Json = {"spki_sha256": MALLORY_LEAF.spki_sha256}
ISSUING_PIN: Json = {"spki_sha256": ISSUING.spki_sha256}
ROOT_PIN: Json = {"spki_sha256": ROOT.spki_sha256}


def policy(host: str = NAME, action: str = "enforce", **members: Any) -> Json:
    """A host with its policy; with the leaf's pin unless `pins` says otherwise (`ABSENT`: no such member)."""
    return changed({"host": host, "action": action, "pins": [LEAF_PIN]}, members)


def allowed(code: str = "matched", **members: Any) -> Json:
    return {"outcome": "allowed", "code": code, **members}


def reported(code: str = "pin_mismatch", **members: Any) -> Json:
    return {"outcome": "reported", "code": code, **members}


def blocked(code: str = "pin_mismatch", **members: Any) -> Json:
    return {"outcome": "blocked", "code": code, **members}


def judged(
    name: str,
    about: str,
    rule: str,
    policies: Json | Sequence[Json],
    expect: Json,
    *,
    host: str = NAME,
    chain: Sequence[Certificate] = HONEST,
    now: int = NOW,
    hostile: bool = False,
    payload: Json | None = None,
    **members: Any,
) -> Case:
    """A case of `do: judge`; `payload` changes members of the usual payload beside `hosts`."""
    hosts = [policies] if isinstance(policies, dict) else list(policies)
    request: Json = {"do": "judge", "payload": changed({**PAYLOAD, "hosts": hosts}, payload or {}), "host": host}
    request |= {"chain": [certificate.pem for certificate in chain], "now": now, **members}
    return Case(f"judge-{name}", f"{about}.", rule, expect, hostile, request)
