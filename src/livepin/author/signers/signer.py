"""What anything that signs documents has to do.

The private key may be a file, a token or a service in another country; nothing else of Livepin ever sees it.
tests/author/test_signers.py is the contract as code; it runs over every implementation.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from livepin.core.jws import PublicKey


class Signer(Protocol):
    """One signing key. Several threads may use it at once, and so may a child after a fork."""

    @property
    def public_key(self) -> PublicKey:
        """The public half. Duties: it answers without a passphrase prompt and without a network, always the same."""
        ...

    @property
    def properties(self) -> Mapping[str, str]:
        """How the key is kept, for people: `kind` first, then what the implementation knows. Never a secret."""
        ...

    def sign(self, signing_input: bytes) -> bytes:
        """The raw JWS signature over `signing_input`: r‖s for ES256 (RFC 7518 section 3.4), 64 bytes for EdDSA.

        Duties: it signs exactly these bytes, and nothing else on its own account. It may be called again with the
        same bytes and may then give another signature. It raises `KeyUnusable` and never a half signature, nor one
        that its public key does not verify; the message names the key, never a secret.
        """
        ...
