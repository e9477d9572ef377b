"""The shop's web service: HTTPS, one list of orders, for those who carry its token. A process of its own.

Usage: shop_server.py FOLDER, which holds `chain.pem` and `key.pem`. SIGHUP loads them again, as a rotation does.
SHOP_TOKEN is the bearer token it asks for. Prints its port, then one line for each request.
"""

from __future__ import annotations

import os
import signal
import ssl
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import FrameType


class Orders(BaseHTTPRequestHandler):
    """Answers one request. A connection without one (a look, a refused handshake) leaves no line."""

    timeout = 10

    def do_GET(self) -> None:
        """The list, or 401."""
        known = self.headers.get("Authorization") == f"Bearer {os.environ['SHOP_TOKEN']}"
        body = b'{"orders": 3}' if known else b'{"error": "who are you?"}'
        sys.stdout.write(f"request {self.path} {'authorized' if known else 'stranger'}\n")
        sys.stdout.flush()
        self.send_response(200 if known else 401)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def handle(self) -> None:
        """TLS fails here where it fails: the handshake is done by whichever thread serves the connection."""
        try:
            super().handle()
        except (ssl.SSLError, ConnectionError) as error:
            self.log_message("no request: %s", error)


def main(folder: Path) -> None:
    """Serve until the process is ended."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)

    def load(number: int = 0, frame: FrameType | None = None) -> None:
        context.load_cert_chain(folder / "chain.pem", folder / "key.pem")

    load()
    signal.signal(signal.SIGHUP, load)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Orders)
    server.daemon_threads = True
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    sys.stdout.write(f"port {server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
