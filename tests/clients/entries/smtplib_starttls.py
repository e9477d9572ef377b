"""The standard library's `smtplib`, which upgrades to TLS."""

from __future__ import annotations

import smtplib
import ssl

from tests.clients.client import SECRET, TIMEOUT, Client, Target
from tests.clients.services import mail


def visit(target: Target, context: ssl.SSLContext | None) -> bytes:
    with smtplib.SMTP(target.host, target.port, timeout=TIMEOUT) as client:
        client.starttls(context=context)
        return client.docmd("NOOP", SECRET.decode())[1]


CLIENT = Client(
    "smtplib, starttls",
    visit,
    explicit="client.starttls(context=context)",
    error="livepin.PinError",
    note="without a context it does not validate certificates. The pins hold all the same.",
    serve=mail.serve_smtp,
)
