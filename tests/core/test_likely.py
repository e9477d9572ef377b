"""A guess at what a mismatch is."""

from __future__ import annotations

import pytest

from livepin.core.likely import likely
from livepin.core.pins import Certificate
from livepin.core.verdict import Likely
from livepin.testing.authority import CertificateAuthority, ServerCertificate


def chain(issued: ServerCertificate) -> tuple[Certificate, ...]:
    return tuple(map(Certificate, issued.chain_der))


OURS, THEIRS = CertificateAuthority("ours", intermediates=1), CertificateAuthority("theirs", intermediates=1)
ACCEPTED, RENEWED, FOREIGN = (chain(authority.issue("a.example")) for authority in (OURS, OURS, THEIRS))


@pytest.mark.parametrize(
    ("shown", "accepted", "guess"),
    [
        (RENEWED, ACCEPTED, Likely.ROTATION),
        (FOREIGN, ACCEPTED, Likely.INTERCEPTION),
        (RENEWED, (), Likely.UNKNOWN),
        (RENEWED[:1], ACCEPTED, Likely.UNKNOWN),
        (RENEWED, ACCEPTED[:1], Likely.UNKNOWN),
        ((), ACCEPTED, Likely.UNKNOWN),
        ((FOREIGN[0], FOREIGN[1], ACCEPTED[2]), ACCEPTED, Likely.UNKNOWN),
        ((RENEWED[0], ACCEPTED[2]), ACCEPTED, Likely.ROTATION),
    ],
    ids=[
        "renewed",
        "foreign",
        "nothing before",
        "leaf only",
        "leaf only before",
        "nothing",
        "new intermediate",
        "root",
    ],
)
def test_an_interceptor_has_an_authority_of_its_own(
    shown: tuple[Certificate, ...], accepted: tuple[Certificate, ...], guess: Likely
) -> None:
    found, reason = likely(shown, accepted)
    assert found is guess
    assert reason
