"""pymongo where pyOpenSSL is installed: it prefers that to `ssl`, without a word.

It also wants `service_identity`, for comparing names, and does without pyOpenSSL where that is missing. A stand-in that
compares nothing has it use pyOpenSSL here; what is refused is refused before names are compared.
"""

from __future__ import annotations

import ssl
import sys
from types import ModuleType
from typing import Any

from tests.clients.client import Client, Target
from tests.clients.services import mongo


def visit(target: Target, context: ssl.SSLContext | None) -> bytes:
    _stand_in_for_service_identity()
    from pymongo import ssl_support  # lazily: after the stand-in

    from tests.clients.entries import pymongo_sync

    assert ssl_support.HAVE_PYSSL
    return pymongo_sync.visit(target, context)


def _stand_in_for_service_identity() -> None:
    def compare_nothing(*_: Any) -> None:
        """In place of a comparison."""

    top, part = ModuleType("service_identity"), ModuleType("service_identity.pyopenssl")
    top.CertificateError = top.VerificationError = ValueError  # type: ignore[attr-defined]
    part.verify_hostname = part.verify_ip_address = compare_nothing  # type: ignore[attr-defined]
    top.pyopenssl = part  # type: ignore[attr-defined]
    sys.modules.setdefault("service_identity", top)
    sys.modules.setdefault("service_identity.pyopenssl", part)


CLIENT = Client(
    "pymongo with pyOpenSSL",
    visit,
    error="pymongo.errors.ServerSelectionTimeoutError",
    tries=None,
    found=False,
    serve=mongo.serve,
    slow=True,
)
