"""The cast of the fault table."""

from __future__ import annotations

from livepin.testing import Cast


def make_cast() -> Cast:
    """A cast with everybody in it made already: rows run side by side, and must not each make their own."""
    cast = Cast()
    for certificate in ("genuine", "backup", "evil", "untrusted", "expired", "wrong_host"):
        getattr(cast, certificate)
    return cast
