"""The cast of a pinning test: every certificate that a server of one name may come along with."""

from __future__ import annotations

from functools import cached_property

from livepin.testing.authority import CertificateAuthority, KeyKind, ServerCertificate


class Cast:
    """Certificates for one set of names, each made when it is first asked for and the same from then on.

    The application trusts `authority` and no other. Pin `genuine` and `backup`; ordinary validation accepts
    `genuine`, `renewed`, `backup` and `evil`; pinning refuses `evil` alone of these.
    """

    def __init__(self, *names: str, intermediates: int = 1, key: KeyKind = KeyKind.P256) -> None:
        """`names` as in `CertificateAuthority.issue`; `key` is the kind of the genuine key."""
        self._names = names
        self._key = key
        self.authority = CertificateAuthority(intermediates=intermediates)
        #: Another authority of the same name, which the application does not trust.
        self.rogue = CertificateAuthority(intermediates=intermediates)

    @cached_property
    def genuine(self) -> ServerCertificate:
        """The service's own certificate."""
        return self.authority.issue(*self._names, key=self._key)

    @cached_property
    def renewed(self) -> ServerCertificate:
        """The service's next certificate, with the key of `genuine`."""
        return self.authority.renewed(self.genuine)

    @cached_property
    def backup(self) -> ServerCertificate:
        """The service's certificate after a rotation to the backup key, which is pinned beforehand."""
        return self.authority.rekeyed(self.genuine)

    @cached_property
    def evil(self) -> ServerCertificate:
        """The attacker's: the right names, from the authority that the application trusts, with another key."""
        return self.authority.rekeyed(self.genuine)

    @cached_property
    def wrong_host(self) -> ServerCertificate:
        """Trusted, but for ``wrong-host.example``. Its key is the genuine one: pins alone would not notice (J4)."""
        return self.authority.issue("wrong-host.example", key=self.genuine.key)

    @cached_property
    def expired(self) -> ServerCertificate:
        """The right names, but it ended yesterday."""
        return self.authority.expired(*self._names)

    @cached_property
    def untrusted(self) -> ServerCertificate:
        """The right names, from an authority that the application does not trust."""
        return self.rogue.issue(*self._names)

    @cached_property
    def forged(self) -> ServerCertificate:
        """The right names and the trusted authority as its issuer, but not signed by it."""
        return self.authority.forged(*self._names)
