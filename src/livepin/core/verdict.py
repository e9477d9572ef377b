"""The outcome of judging one TLS peer, with the evidence."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from livepin.core.pins import Pin
from livepin.core.sct import Delivery, SctVerdict


class Outcome(StrEnum):
    """What becomes of the connection. The same code judges for all three; only the shell raises."""

    ALLOWED = "allowed"
    REPORTED = "reported"
    BLOCKED = "blocked"


class Likely(StrEnum):
    """What a mismatch probably is."""

    ROTATION = "rotation"
    INTERCEPTION = "interception"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class SctEvidence:
    """One SCT as a verdict shows it (J7). `log_id` in Base64, `timestamp` in milliseconds; None where unreadable.

    `leaf_index`: the place in a static-CT log. `ignored`: why it does not count, which is its verdict or an
    `Ignored`; empty for one that the policy was applied to.
    """

    log_id: str | None
    timestamp: int | None
    leaf_index: int | None
    verdict: SctVerdict
    operator: str = ""
    delivery: Delivery = Delivery.EMBEDDED
    ignored: str = ""

    @property
    def counts(self) -> bool:
        """Whether the policy was applied to it."""
        return not self.ignored

    def __str__(self) -> str:
        """For logs and events, in one line."""
        who = " ".join(filter(None, (self.operator, self.log_id or "a log that cannot be read")))
        return f"SCT of {who} at {self.timestamp}: {self.ignored or 'counts'}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Returned on success too.

    `code` is one of the verdict codes of docs/rules.md. `host` is the host as it was given; `pattern` the pattern
    that covered it; `pin` the pin that matched. `epoch`, `serial` and `digest` name the revision. `unvalidated`:
    the application had switched validation off, only the leaf is known (J4). `expired`: the document was out of date.
    `ct_evaluated` is None where the policy has no CT rule, else whether there was a list of logs to judge by; `scts` is
    what was found then. `reasons` are sentences for people.
    """

    outcome: Outcome
    code: str
    host: str
    pattern: str = ""
    pin: Pin | None = None
    epoch: int = 0
    serial: int = 0
    digest: str = ""
    unvalidated: bool = False
    expired: bool = False
    ct_evaluated: bool | None = None
    likely: Likely | None = None
    reasons: tuple[str, ...] = ()
    scts: tuple[SctEvidence, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Members for JSON, those without a value left out."""
        return {name: value for name, value in asdict(self).items() if value not in (None, "", ())}
