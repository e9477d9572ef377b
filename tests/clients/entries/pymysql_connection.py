"""PyMySQL."""

from __future__ import annotations

import ssl
from typing import Any

import pymysql

from tests.clients.client import SECRET, TIMEOUT, Client, Target
from tests.clients.services import mysql


def visit(target: Target, context: ssl.SSLContext | None) -> bytes:
    options: dict[str, Any] = {"host": target.host, "port": target.port, "user": "orders"}
    seconds = int(TIMEOUT)
    with (
        pymysql.connect(**options, ssl=context or ssl.create_default_context(), connect_timeout=seconds) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(f"SELECT '{SECRET.decode()}'")
        (found,) = cursor.fetchone() or ("",)
        return str(found).encode()


CLIENT = Client(
    "PyMySQL",
    visit,
    explicit="pymysql.connect(…ssl=context…)",
    error="pymysql.err.OperationalError",
    serve=mysql.serve,
)
