"""What a certificate says, for people: names, dates, issuer, and all digests that a pin may hold.

The threat: a host that is looked at says what it likes. A zero byte in a name, which databases do not keep, would have
cost a project all its looks; a control character would be obeyed by a terminal.
"""

from __future__ import annotations

from dataclasses import dataclass

from cryptography import x509

from livepin.core import der
from livepin.core.pins import DIGEST_MEMBERS, Certificate
from livepin.errors import CertificateInvalid


@dataclass(frozen=True, slots=True)
class Description:
    """A certificate in words. Times in Unix seconds, None where the certificate is too strange to be read."""

    subject: str
    issuer: str
    names: tuple[str, ...]
    not_before: int | None
    not_after: int | None
    digests: dict[str, str]


def describe(certificate: Certificate) -> Description:
    """Describe a certificate whose key can be read; what else is wrong with it is left blank."""
    digests = {member: certificate.digest(member) for member in DIGEST_MEMBERS}
    try:
        parsed = x509.load_der_x509_certificate(certificate.der)
        return Description(
            plain(parsed.subject.rfc4514_string()),
            plain(parsed.issuer.rfc4514_string()),
            tuple(map(plain, der.san_names(certificate.der))),
            int(parsed.not_valid_before_utc.timestamp()),
            int(parsed.not_valid_after_utc.timestamp()),
            digests,
        )
    except (ValueError, CertificateInvalid):  # a look shows strange certificates too
        return Description("", "", (), None, None, digests)


def plain(text: str) -> str:
    """A text of somebody else's in which what cannot be seen is written out, as `\\x00`."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)
