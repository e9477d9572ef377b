"""What the server says to its database and to its mail server: not to whoever answers in their place."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from django.core.mail import EmailMessage, get_connection

from livepin.errors import ConfigurationError, FetchFailed
from livepin.publish import public
from livepin.server import settings as ours
from livepin.server.config import load
from livepin.server.settings import CONFIG
from livepin.testing import Cast, TlsServer

SSL_REQUEST = bytes.fromhex("0000000804d2162f")


@contextmanager
def impostor() -> Iterator[tuple[int, list[bytes]]]:
    """Somebody who answers in place of the database, and says that TLS is not spoken here; what they were told."""
    told: list[bytes] = []

    def answer() -> None:
        with listening.accept()[0] as peer:
            told.append(peer.recv(8))
            peer.sendall(b"N")
            peer.settimeout(5)
            told.append(peer.recv(1000))

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        yield listening.getsockname()[1], told
        thread.join(10)


@pytest.mark.parametrize(
    ("query", "says_more"), [("?sslmode=require", False), ("?sslmode=verify-full", False), ("", True)]
)
def test_who_asks_for_tls_says_nothing_to_a_database_that_speaks_none(query: str, says_more: bool) -> None:
    psycopg = pytest.importorskip("psycopg")
    with impostor() as (port, told):
        config = replace(CONFIG, database_url=f"postgresql://livepin:secret@127.0.0.1:{port}/livepin{query}")
        made = ours._database(config)
        names = {"HOST": "host", "PORT": "port", "USER": "user", "PASSWORD": "password", "NAME": "dbname"}
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(**{to: made[name] for name, to in names.items()}, **made["OPTIONS"])
    assert told[0] == SSL_REQUEST
    assert (b"livepin" in told[1]) is says_more


def test_a_part_of_the_databases_address_that_is_not_understood_stops_the_start(tmp_path: Path) -> None:
    environment = {
        "LIVEPIN_SERVER_DATA": str(tmp_path),
        "LIVEPIN_SERVER_DATABASE_URL": "postgresql://u@db/livepin?ssl_mode=verify-full",
    }
    with pytest.raises(ConfigurationError, match="not ssl_mode"):
        load(environment)


def test_no_mail_is_handed_to_a_server_with_a_certificate_that_nobody_vouches_for() -> None:
    cast = Cast("localhost")
    with TlsServer(cast.genuine) as server:
        made = ours._mail(replace(CONFIG, mail_url=f"smtps://livepin:secret@localhost:{server.port}"))
        names = {"EMAIL_HOST": "host", "EMAIL_PORT": "port", "EMAIL_USE_SSL": "use_ssl", "EMAIL_TIMEOUT": "timeout"}
        connection = get_connection(
            "django.core.mail.backends.smtp.EmailBackend", **{to: made[name] for name, to in names.items()}
        )
        with pytest.raises(ssl.SSLCertVerificationError):
            EmailMessage("hello", "a code", to=["alice@example.com"], connection=connection).send()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_public_url_that_leads_elsewhere_is_not_followed(status: int) -> None:
    asked: list[str] = []

    class Leads(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(status)
            self.send_header("Location", "/inside")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Leads) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        with pytest.raises(FetchFailed) as caught:
            public.read(f"http://127.0.0.1:{server.server_port}/pins.jws")
        server.shutdown()
    assert (caught.value.code, asked) == ("source_redirect_refused", ["/pins.jws"])
