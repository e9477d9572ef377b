"""The standard library's `imaplib`, which upgrades to TLS."""

from __future__ import annotations

import imaplib
import ssl
from contextlib import suppress

from tests.clients.client import SECRET, TIMEOUT, Client, Target
from tests.clients.services import mail


def visit(target: Target, context: ssl.SSLContext | None) -> bytes:
    client = imaplib.IMAP4(target.host, target.port, timeout=TIMEOUT)
    try:
        client.starttls(ssl_context=context)
        return bytes(client.login("orders", SECRET.decode())[1][0])
    finally:
        with suppress(OSError):  # one that was refused has been told about before
            client.shutdown()


CLIENT = Client(
    "imaplib, starttls",
    visit,
    explicit="client.starttls(ssl_context=context)",
    error="livepin.PinError",
    note="without a context it does not validate certificates. The pins hold all the same.",
    serve=mail.serve_imap,
)
