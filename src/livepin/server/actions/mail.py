"""Mail to one person, sent at once or not at all.

Threats: what a mail says may let somebody in, so nothing of it, nor the address, is ever logged or left in a queue;
and a mail server that is away must not undo what the mail tells of, so a failure is an answer and no error.
"""

from __future__ import annotations

import smtplib
from collections.abc import Callable

import structlog
from django.core.mail import EmailMessage

_log = structlog.get_logger("livepin.mail")


def send(address: str, subject: str, text: str) -> bool:
    """Whether the mail server took it. To be called after the change that it tells of is committed."""
    return taken(EmailMessage(f"[Livepin] {subject}", text, to=[address]).send)


def taken(send: Callable[[], object]) -> bool:
    """Whether the mail server took what `send` sends."""
    try:
        send()
    except (OSError, smtplib.SMTPException) as error:
        _log.warning("mail failed", error=type(error).__name__)
        return False
    return True
