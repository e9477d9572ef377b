"""What a mismatch probably is, from what was seen before. A guess for whoever is paged, never part of a judgement."""

from __future__ import annotations

from livepin.core.pins import Certificate
from livepin.core.verdict import Likely


def authorities(chain: tuple[Certificate, ...]) -> frozenset[str]:
    """Digests of the keys above the leaf: what a later mismatch of the same pattern is compared with.

    Raises `CertificateInvalid`.
    """
    return frozenset(certificate.digest("spki_sha256") for certificate in chain[1:])


def likely(chain: tuple[Certificate, ...], accepted: frozenset[str]) -> tuple[Likely, str]:
    """A guess and its reason. `accepted`: the `authorities` of the last chain that matched this pattern.

    Services renew far more often than they change their authority, and an interceptor has an authority of its own.
    Raises `CertificateInvalid`.
    """
    if not accepted:
        return Likely.UNKNOWN, "no connection to this pattern was accepted before"
    if len(chain) < 2:
        return Likely.UNKNOWN, "the chain above the certificate is not known"
    if chain[1].digest("spki_sha256") in accepted:
        return Likely.ROTATION, "the same authority issued the last accepted certificate"
    if not authorities(chain) & accepted:
        return Likely.INTERCEPTION, "no authority of this chain was in the last accepted one"
    return Likely.UNKNOWN, "another authority issued it, under a root seen before"
