"""What a mismatch probably is, from what was seen before. A guess for whoever is paged, never part of a judgement."""

from __future__ import annotations

from livepin.core.pins import Certificate
from livepin.core.verdict import Likely


def likely(chain: tuple[Certificate, ...], accepted: tuple[Certificate, ...]) -> tuple[Likely, str]:
    """A guess and its reason. `accepted`: the last chain that matched the same pattern, leaf first; or empty.

    Services renew far more often than they change their authority, and an interceptor has an authority of its own.
    Raises `CertificateInvalid`.
    """
    if not accepted:
        return Likely.UNKNOWN, "no connection to this pattern was accepted before"
    authorities, known = _authorities(chain), _authorities(accepted)
    if not authorities or not known:
        return Likely.UNKNOWN, "the chain above the certificate is not known"
    if authorities[0] in known:
        return Likely.ROTATION, "the same authority issued the last accepted certificate"
    if not set(authorities) & set(known):
        return Likely.INTERCEPTION, "no authority of this chain was in the last accepted one"
    return Likely.UNKNOWN, "another authority issued it, under a root seen before"


def _authorities(chain: tuple[Certificate, ...]) -> list[str]:
    return [certificate.digest("spki_sha256") for certificate in chain[1:]]
