"""What the server remembers of a visit, sealed: a copy of the database tells nothing of it.

While somebody sets one-time passwords up, their seed lies in the session; so do mailed codes that were not typed yet.
The key is made from the server's secret key, which signs sessions anyhow: with another one, everybody signs in again.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from livepin.author.signers.managed import MasterKey
from livepin.server import sealed_text
from livepin.server.settings import SECRET_KEY

_PURPOSE = "session"


class SealedSerializer:
    """Django's serializer of sessions. One that does not open is answered by Django as an empty one."""

    def dumps(self, obj: Any) -> bytes:
        """What is stored."""
        return sealed_text.seal(json.dumps(obj, separators=(",", ":")), _PURPOSE, _key()).encode("ascii")

    def loads(self, data: bytes) -> Any:
        """What is remembered. Raises `ValueError`."""
        return json.loads(sealed_text.unseal(data.decode("ascii"), _PURPOSE, (_key(),)))


def _key() -> MasterKey:
    return MasterKey("sessions", hashlib.sha256(b"livepin sessions\n" + SECRET_KEY.encode()).digest())
