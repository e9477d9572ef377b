"""Secrets that are shown once: made from 256 random bits, kept as a hash.

There is nothing to guess in 256 random bits, so no slow hash is needed; and looking a hash up tells an attacker who
measures time nothing about the secret. What can be guessed, an address or a short code, is kept as a keyed hash.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

from livepin.core.base64s import b64url
from livepin.server.settings import SECRET_KEY


def new_secret() -> str:
    """43 characters that fit into a link."""
    return b64url(secrets.token_bytes(32))


def kept(secret: str) -> str:
    """What is kept of a secret: its SHA-256, in hexadecimal."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def keyed(text: str) -> str:
    """A name for a text which a copy of the database does not betray: an HMAC under the server's secret key."""
    return hmac.new(SECRET_KEY.encode(), text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()
