"""Forms of a host's policy and of its pins, and what they mean as a draft's entries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms

from livepin.author.digests import typed_digest
from livepin.author.draft import HostEntry, PinEntry
from livepin.core.pins import DIGEST_MEMBERS, digests_of_pem
from livepin.errors import CertificateInvalid, InputInvalid
from livepin.server.web.forms import Lines, Versioned

ACTIONS = (
    ("enforce", "enforce: a peer that fails is refused"),
    ("report", "report: a peer that fails is let through and told of"),
    ("off", "off: nothing is judged"),
)
POSITIONS = (("leaf", "leaf: the certificate itself"), ("ca", "ca: an authority above it"), ("any", "any"))
#: What a choice holds that nobody touched; other fields are empty then.
_UNTOUCHED = {"when_expired": "enforce", "ct_action": "off", "ct_policy": "any"}
#: A pasted chain is short; anything longer is something else.
MAX_PEM = 200_000
#: How the page groups the fields: what it is about, what is to be known, its fields, and whether most hosts need it.
_GROUPS = (
    ("What happens to a peer that fails", "", ("action", "rollout"), True),
    (
        "Certificate Transparency",
        "Which public logs must have promised to log the certificate. The guard asks for a fresh list of logs (G6).",
        ("ct_action", "ct_policy", "ct_operators", "ct_logs"),
        False,
    ),
    ("Denied keys", "They are refused whatever the pins say: for a key that was stolen.", ("deny",), False),
    (
        "After expiry",
        "Letting failures through then is a way around pinning for whoever can block the fetch; the guard asks (G7).",
        ("when_expired", "reason"),
        False,
    ),
    (
        "Where the server looks",
        "Before a publish the server connects as an application would. A pattern names no host: say which to look at.",
        ("look_at", "address"),
        False,
    ),
)


@dataclass(frozen=True, slots=True)
class Group:
    """Fields that belong together. `open`: shown at once, not only when asked for."""

    title: str
    help: str
    fields: tuple[forms.BoundField, ...]
    open: bool


class Policy(Versioned):
    """Everything about a host but its pins."""

    action = forms.ChoiceField(choices=ACTIONS)
    rollout = forms.IntegerField(
        min_value=0,
        max_value=100,
        initial=100,
        label="Rollout in percent",
        help_text="The share of installations that enforce while the others report.",
    )
    when_expired = forms.ChoiceField(
        choices=(("enforce", "enforce: nothing changes"), ("allow", "allow: a failure is let through")),
        label="When the document has expired",
    )
    reason = forms.CharField(
        max_length=500, required=False, help_text="Why it allows when expired; the guard asks (G7)."
    )
    ct_action = forms.ChoiceField(
        choices=(("off", "off"), ("report", "report"), ("enforce", "enforce")), label="Certificate Transparency"
    )
    ct_policy = forms.ChoiceField(
        choices=(("any", "any"), ("chrome", "chrome"), ("apple", "apple")), label="CT policy", required=False
    )
    ct_operators = Lines(label="CT operators", help_text="One a line; none: any operator.")
    ct_logs = Lines(label="CT logs", help_text="Log IDs, one a line; none: any log.")
    deny = Lines(label="Denied keys", help_text="SPKI SHA-256 digests that are refused for this host, one a line.")
    look_at = Lines(
        label="Places to look at",
        help_text="HOST or HOST:PORT, one a line; needed for patterns such as *.example.com.",
    )
    address = forms.CharField(
        max_length=260, required=False, help_text="HOST:PORT to connect to, whatever the name resolves to."
    )

    @classmethod
    def of(cls, entry: HostEntry, version: int) -> Policy:
        """The form that shows a host."""
        rule = entry.ct or {}
        return cls(
            initial={
                "version": version,
                "action": entry.action,
                "rollout": entry.rollout,
                "when_expired": entry.when_expired,
                "reason": entry.reason,
                "ct_action": rule.get("action", "off"),
                "ct_policy": rule.get("policy", "any"),
                "ct_operators": rule.get("operators", []),
                "ct_logs": rule.get("logs", []),
                "deny": list(entry.deny),
                "look_at": list(entry.look_at),
                "address": entry.address,
            }
        )

    def groups(self) -> list[Group]:
        """The fields in groups; what most hosts leave alone is open where something is set or wrong."""
        return [self._group(*one) for one in _GROUPS]

    def _group(self, title: str, about: str, names: tuple[str, ...], common: bool) -> Group:
        fields = tuple(self[name] for name in names)
        used = any(one.errors or one.value() not in (None, "", [], _UNTOUCHED.get(one.name)) for one in fields)
        return Group(title, about, fields, common or used)

    def entry(self, host: str, pins: tuple[PinEntry, ...] | None) -> HostEntry:
        """The host that the filled-in form describes."""
        given = self.cleaned_data
        return HostEntry(
            host=host,
            action=given["action"],
            pins=pins,
            deny=tuple(given["deny"]),
            rollout=given["rollout"],
            when_expired=given["when_expired"],
            reason=given["reason"],
            ct=self._rule(),
            look_at=tuple(given["look_at"]),
            address=given["address"],
        )

    def _rule(self) -> dict[str, Any] | None:
        given = self.cleaned_data
        if given["ct_action"] == "off":
            return None
        rule: dict[str, Any] = {"action": given["ct_action"], "policy": given["ct_policy"] or "any"}
        for member in ("operators", "logs"):
            if given[f"ct_{member}"]:
                rule[member] = given[f"ct_{member}"]
        return rule


class NewPin(Versioned):
    """A pin by its digest, or by a certificate or public key that is pasted or uploaded."""

    member = forms.ChoiceField(choices=[(one, one) for one in DIGEST_MEMBERS], label="Kind of digest")
    digest = forms.CharField(max_length=200, required=False, help_text="In Base64 or hexadecimal.")
    pem = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 5, "spellcheck": "false"}),
        required=False,
        max_length=MAX_PEM,
        label="… or a certificate or public key (PEM)",
    )
    file = forms.FileField(required=False, label="… or a file with one")
    position = forms.ChoiceField(choices=POSITIONS)
    start = forms.DateTimeField(required=False, label="Active from (UTC)", help_text="2027-01-31 or 2027-01-31 12:00")
    end = forms.DateTimeField(required=False, label="Active until (UTC)")
    note = forms.CharField(max_length=200, required=False)

    def clean(self) -> dict[str, Any]:
        """Find the one digest that is meant."""
        given = super().clean() or {}
        ways = [name for name in ("digest", "pem", "file") if given.get(name)]
        if len(ways) != 1:
            raise forms.ValidationError("Give a digest, or paste a certificate, or name a file: one of the three.")
        try:
            given["found"] = self._digest(ways[0], given)
        except InputInvalid as error:
            self.add_error(ways[0], error.message)
        return given

    def _digest(self, way: str, given: dict[str, Any]) -> str:
        member = given.get("member", DIGEST_MEMBERS[0])
        if way == "digest":
            return typed_digest(given["digest"], member)
        text = given["pem"] if way == "pem" else given["file"].read(MAX_PEM).decode("latin-1")
        return digest_of(text, member)

    def entry(self) -> PinEntry:
        """The pin that the filled-in form describes."""
        given = self.cleaned_data
        source = "typed" if given["digest"] else "pem"
        return PinEntry(
            given["member"],
            given["found"],
            given["position"],
            _seconds(given["start"]),
            _seconds(given["end"]),
            given["note"],
            source,
        )


def digest_of(text: str, member: str) -> str:
    """The digest of the first certificate or public key in a PEM. Raises `CertificateInvalid`."""
    digests = digests_of_pem(text)
    if member not in digests:
        raise CertificateInvalid("certificate_invalid", f"a public key alone has no {member}")
    return digests[member]


def _seconds(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp())
