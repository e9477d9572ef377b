"""Somebody else's code logs what it should not; the line that is written does not hold it."""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path

import pytest

from livepin.server.actions import tokens
from livepin.server.config import Config
from livepin.server.logs import LineFormatter
from livepin.testing.signing_key import SigningKey

PEM = "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49\n-----END PRIVATE KEY-----"


def config(form: str) -> Config:
    return Config(
        data=Path("/nowhere"),
        secret_key='a "quoted" secret',
        master_keys=("07" * 32, "08" * 32),
        database_url="postgresql://livepin:p%40ssword@db/livepin",
        mail_url="smtps://postman:delivery1@mail.example",
        oidc_client_secret="client secret",
        metrics_token="metrics token",
        log_format=form,
    )


def line(form: str, message: str) -> str:
    try:
        raise ValueError(message)
    except ValueError:
        record = logging.LogRecord("other", logging.ERROR, "f", 1, "it said %s", (message,), sys.exc_info())
    return LineFormatter(config(form), "http").format(record)


SECRETS = [
    'a "quoted" secret', "07" * 32, "08" * 32, "p@ssword", "p%40ssword", "delivery1", "client secret", "metrics token",
    "MIGHAgEAMBMGByqGSM49",
]  # fmt: skip


@pytest.mark.parametrize("form", ["json", "text"])
@pytest.mark.parametrize("number", range(len(SECRETS)))
def test_the_operators_secrets_are_hidden(form: str, number: int) -> None:
    secret = SECRETS[number]
    written = line(form, f"connecting with {PEM if secret in PEM else secret} now")
    assert secret not in written
    assert json.dumps(secret)[1:-1] not in written
    assert "(hidden)" in written
    assert "connecting with" in written


def test_tokens_are_hidden(db: None) -> None:
    text = tokens._new_text()
    assert text not in line("json", f"Authorization: Bearer {text}")


def test_a_line_is_one_line_of_json_with_its_role(caplog: pytest.LogCaptureFixture) -> None:
    written = line("json", "two\nlines")
    assert "\n" not in written
    parsed = json.loads(written)
    assert (parsed["role"], parsed["level"], parsed["logger"]) == ("http", "error", "other")
    assert "ValueError" in parsed["exception"]


def test_public_things_are_not_hidden() -> None:
    key = SigningKey.generate().public_key
    assert str(key) in line("json", f"published by {key}")
