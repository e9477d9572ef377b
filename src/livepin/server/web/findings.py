"""What the guard says, for people: the rule in a sentence, why it is broken here, and where it is mended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from livepin.core.guard import Rule

#: What must hold (docs/rules.md has the whole of it).
SENTENCES: Mapping[Rule, str] = {
    Rule.G1: "an enforced host has two pins or more, and one of them is a backup that is not served",
    Rule.G2: "every address that answers serves what the draft demands",
    Rule.G3: "a key that is being served keeps its pin",
    Rule.G4: "nothing ends before the document does",
    Rule.G5: "a document lives 30 days at most, 90 where your own key signs",
    Rule.G6: "Certificate Transparency holds where it is enforced, and the list of logs is fresh",
    Rule.G7: "a host that lets failures through after expiry says why",
    Rule.G8: "no wildcard stands on a public suffix",
    Rule.J6: "a host that judges has pins, denied keys or a CT rule",
}


@dataclass(frozen=True, slots=True)
class Said:
    """One finding. `state`: open, overridden (with the `reason`) or warning. `mend`, `mend_at`: the way out, if any."""

    rule: str
    sentence: str
    host: str
    message: str
    hint: str
    state: str
    reason: str
    mend: str
    mend_at: str


def said(organization: str, project: str, findings: Iterable[Mapping[str, Any]]) -> list[Said]:
    """Findings as `checks.as_json` has them, explained."""
    return [_said((organization, project), one) for one in findings]


def _said(where: tuple[str, str], finding: Mapping[str, Any]) -> Said:
    rule, host = Rule(finding["rule"]), finding["host"]
    mend, mend_at = ("", "") if finding["state"] == "overridden" else _mend(where, rule, host)
    texts = (finding["message"], finding["hint"], finding["state"], finding.get("reason", ""))
    return Said(rule.value, SENTENCES[rule], host, *texts, mend, mend_at)


def _mend(where: tuple[str, str], rule: Rule, host: str) -> tuple[str, str]:
    if rule is Rule.G3:
        # The host itself may be gone from the draft: the list shows it, or offers to add it again.
        return "Look for it in the draft", f"{reverse('hosts', args=where)}?{urlencode({'like': host})}"
    if host and rule is Rule.G1:
        return "Add a backup pin", reverse("pin-new", args=(*where, host))
    if host:
        return "Change this host", reverse("host", args=(*where, host))
    if rule in (Rule.G4, Rule.G5):
        return "Change the document's life", reverse("draft-settings", args=where)
    return "", ""
