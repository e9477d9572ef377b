"""What anything that signs documents has to do.

The private key may be a file, a token or a service in another country; nothing else of Livepin ever sees it.
"""

from __future__ import annotations

from typing import Protocol

from livepin.core.jws import PublicKey


class Signer(Protocol):
    """One signing key."""

    @property
    def public_key(self) -> PublicKey:
        """The public half. Duties: it answers without a passphrase prompt and without a network, always the same."""
        ...

    def sign(self, signing_input: bytes) -> bytes:
        """The raw JWS signature over `signing_input`: r‖s for ES256 (RFC 7518 section 3.4), 64 bytes for EdDSA.

        Duties: it signs exactly these bytes, and nothing else on its own account. It may be called again with the
        same bytes and may then give another signature. It raises `KeyUnusable` and never a half signature; the
        message names the key, never a secret.
        """
        ...
