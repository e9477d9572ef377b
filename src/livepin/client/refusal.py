"""The error that a blocked connection raises, in a shape that every client of `ssl` already knows how to wrap."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

from livepin.core.verdict import Verdict
from livepin.errors import CODES, PeerRefused


class PinError(PeerRefused, ssl.SSLCertVerificationError):
    """A TLS peer was blocked before the first application byte.

    Attributes beside those of every Livepin error: `verdict`, the evidence; `retryable`, whether a refresh is under
    way that may change the answer (the check ran inside an event loop, where nothing is waited for). It is an
    `ssl.SSLCertVerificationError`, so clients wrap and retry it just as they do an untrusted certificate.
    """

    # What the ssl module sets on its own errors, and clients read. On the class, because `OSError` would take the code
    # for the number, and loses both when an error is copied.
    errno = ssl.SSL_ERROR_SSL
    library = "LIVEPIN"
    verify_code = 0

    def __init__(self, verdict: Verdict, *, retryable: bool = False, hint: str = "") -> None:
        reasons = "; ".join(verdict.reasons) or verdict.code
        super().__init__(verdict.code, reasons, where=verdict.host or "peer", hint=hint or CODES[verdict.code])
        self.verdict = verdict
        self.retryable = retryable
        self.reason = verdict.code.upper()
        self.verify_message = reasons

    @property
    def strerror(self) -> str:  # type: ignore[override]
        """What `OSError` has under this name: the reasons."""
        return self.message

    def __str__(self) -> str:
        return PeerRefused.__str__(self) + (" A refresh is under way: try again." if self.retryable else "")


def find_pin_error(error: BaseException | None) -> PinError | None:
    """The `PinError` inside whatever a client made of it, or None.

    Looks at causes, contexts, arguments, `reason` and `reasons` attributes and exception groups; each object once.
    """
    seen: set[int] = set()
    pending: list[object] = [error]
    while pending:
        found = pending.pop()
        if isinstance(found, PinError):
            return found
        if isinstance(found, BaseException) and id(found) not in seen:
            seen.add(id(found))
            pending.extend(_inside(found))
    return None


def _inside(error: BaseException) -> Iterator[object]:
    yield error.__cause__
    yield error.__context__
    yield getattr(error, "reason", None)
    yield from error.args
    failures = getattr(error, "reasons", None)  # Twisted's, each with an error as its value
    if isinstance(failures, list):
        yield from (getattr(failure, "value", failure) for failure in failures)
    if isinstance(error, BaseExceptionGroup):
        yield from error.exceptions
