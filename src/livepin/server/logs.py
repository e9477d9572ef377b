"""One log for everything that a server process says: JSON or text, a line an event, on standard error.

Threat: a secret in a log is a secret of everybody who may read logs. What this code logs holds none; but exceptions
and other people's libraries say what they like, so every finished line is searched for the operator's secrets, for
tokens and for private keys before it is written.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote, urlsplit

import structlog
from structlog.types import Processor

from livepin.server import keyring
from livepin.server.config import SECRETS, Config

_HIDDEN = "(hidden)"
#: Shorter ones would blacken words that have nothing to do with them.
_LEAST = 6
_FORMS = re.compile(
    r"lvp_[A-Za-z0-9_-]{20,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)"
    r"|(?<=://)[^/@\s\"':]*:[^/@\s\"']*(?=@)",
    re.DOTALL,
)


def configure(config: Config, role: str) -> None:
    """Log from here on as the operator wishes; every line names the role of its process."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LineFormatter(config, role))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(config.log_level.upper())
    # It writes the address of a request into its lines; requests.py says what there is to say.
    logging.getLogger("django.request").addFilter(_without_addresses)
    structlog.configure(
        processors=[*_shared(role), structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def _shared(role: str) -> list[Processor]:
    def named(logger: Any, method: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
        return {"role": role, **event}

    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        named,
    ]


def _without_addresses(record: logging.LogRecord) -> bool:
    if record.levelno < logging.ERROR:
        return False
    record.msg, record.args = "a request failed", None
    return True


class LineFormatter(structlog.stdlib.ProcessorFormatter):
    """Renders an event, and takes out what must not be in it."""

    def __init__(self, config: Config, role: str) -> None:
        renderer: Processor = (
            structlog.processors.JSONRenderer(ensure_ascii=False)
            if config.log_format == "json"
            # The prettier tracebacks show the values of variables.
            else structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
        )
        chain: list[Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
        if config.log_format == "json":
            chain.append(structlog.processors.format_exc_info)
        super().__init__(processors=[*chain, renderer], foreign_pre_chain=_shared(role))
        self._secrets = sorted(set(_forms(_secrets(config))), key=len, reverse=True)

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line = _FORMS.sub(_HIDDEN, super().format(record))
        for secret in self._secrets:
            line = line.replace(secret, _HIDDEN)
        return line


def _secrets(config: Config) -> Iterable[str]:
    yield keyring.secret_key(config)
    for name in SECRETS:
        value = getattr(config, name)
        yield from value if isinstance(value, tuple) else [value]
    for url in (config.database_url, config.mail_url):
        password = urlsplit(url).password or ""
        yield from (password, unquote(password))


def _forms(texts: Iterable[str]) -> Iterable[str]:
    """A text as it is, and as it looks inside JSON."""
    for text in texts:
        if len(text) >= _LEAST:
            yield from (text, json.dumps(text, ensure_ascii=False)[1:-1])
