"""What must hold on every Python: `python -m tests.versions.check`. It needs what Livepin needs, and no pytest.

Prints one JSON object: the name of each thing that was tried, with what was found and what was expected.
"""

from __future__ import annotations

import json
import os
import socket
import ssl
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from cryptography.hazmat.primitives.serialization import Encoding

import livepin
from livepin.testing import Cast, Origin, ServerCertificate, TlsServer, Versions, conversations, policy
from tests.acme import Acme
from tests.clients.client import SECRET
from tests.clients.talks import KINDS, TALKS
from tests.clients.ways import WAYS, Way

#: Found and expected, by name.
Findings = dict[str, tuple[object, object]]


def told(way: Way, context: ssl.SSLContext, server: TlsServer) -> int:
    """How many bytes of the application reach a server that way, decrypted or in the clear."""
    server.forget()
    way(context, server.port)
    server.wait_until_idle()
    return sum(len(connection.received) + len(connection.plaintext) for connection in server.connections)


def ways(acme: Acme, findings: Findings) -> None:
    """The control leaks, the genuine service is reached, the attacker gets nothing, however the bytes are sent."""
    acme.publish(policy("localhost", acme.cast.genuine, acme.cast.backup))
    pinner = acme.pinner()
    for versions in (Versions.TLS12, Versions.TLS13):
        with (
            TlsServer(acme.cast.evil, versions=versions, conversation=conversations.silent) as evil,
            TlsServer(acme.cast.genuine, versions=versions, conversation=conversations.silent) as genuine,
        ):
            for name, way in WAYS.items():
                leaks = told(way, acme.cast.authority.client_context(), evil) >= len(SECRET)
                reaches = told(way, acme.context(pinner), genuine) >= len(SECRET)
                leaked = told(way, acme.context(pinner), evil)
                earlier = acme.cast.authority.client_context()
                livepin.setup(**acme.embedded())
                leaked_installed = told(way, earlier, evil)
                livepin.uninstall()
                found = (leaks, reaches, leaked, leaked_installed)
                findings[f"{versions.name} {name}"] = (found, (True, True, 0, 0))


def resumption(acme: Acme, findings: Findings) -> None:
    """A resumed session is allowed while its key is pinned, and refused once it is not: leaf pins and pins above."""
    for kind, (versions, resuming) in KINDS.items():
        for talk in TALKS:
            for position, place in (("leaf", 0), ("ca", 1)):
                pin = {"spki_sha256": acme.cast.genuine.chain_spki_sha256[place], "position": position}
                acme.publish(policy("localhost", pin))
                pinner = acme.pinner()
                context = acme.context(pinner)
                with TlsServer(
                    acme.cast.genuine, versions=versions, resumption=resuming, conversation=conversations.echo
                ) as server:
                    session = talk(context, server.port, "localhost", None).session
                    resumed = talk(context, server.port, "localhost", session).resumed
                    acme.publish(policy("localhost", acme.cast.backup))
                    pinner.refresh()
                    server.wait_until_idle()
                    server.forget()
                    try:
                        talk(context, server.port, "localhost", session)
                        after = "sent"
                    except livepin.PinError as error:
                        after = error.code
                    server.wait_until_idle()
                    found = (resumed, after, server.application_bytes)
                findings[f"{kind} {talk.__name__}, pin of {position}"] = (found, (True, "pin_mismatch", 0))


def code_of(context: ssl.SSLContext, certificate: ServerCertificate) -> str:
    """`sent`, or why the server with this certificate was refused."""
    with TlsServer(certificate, conversation=conversations.silent) as server:
        try:
            with (
                socket.create_connection(("localhost", server.port), 10) as plain,
                context.wrap_socket(plain, server_hostname="localhost") as connection,
            ):
                connection.sendall(SECRET)
        except livepin.PinError as error:
            server.wait_until_idle()
            return error.code if server.application_bytes == 0 else "leaked"
        return "sent"


def chains(acme: Acme, findings: Findings) -> None:
    """From 3.13 on, a default context lets a chain end at a trusted intermediate. A pinned one never does."""
    pem = acme.cast.authority.intermediates[0].public_bytes(Encoding.PEM).decode()
    default = ssl.create_default_context(cadata=acme.cast.authority.root_pem + pem)
    partial = bool(default.verify_flags & ssl.VERIFY_X509_PARTIAL_CHAIN)
    findings["a default context lets chains end early"] = (partial, sys.version_info >= (3, 13))
    findings["a default context is strict"] = (
        bool(default.verify_flags & ssl.VERIFY_X509_STRICT),
        sys.version_info >= (3, 13),
    )
    for place, name in enumerate(("leaf", "intermediate", "root")):
        pin = {"spki_sha256": acme.cast.genuine.chain_spki_sha256[place], "position": "any"}
        acme.publish(policy("localhost", pin))
        with installed(acme) as pinner:
            own = pinner.ssl_context(cadata=acme.cast.authority.root_pem + pem)
            found = [code_of(context, acme.cast.genuine) for context in (default, own)]
        ends_early = partial and name == "root"
        findings[f"a pin of the {name}"] = (found, ["pin_mismatch" if ends_early else "sent", "sent"])


@contextmanager
def installed(acme: Acme) -> Iterator[livepin.Pinner]:
    """Pinned as a whole for a while."""
    try:
        yield livepin.setup(**acme.embedded())
    finally:
        livepin.uninstall()


def fork(acme: Acme, findings: Findings) -> None:
    """A forked child is pinned, and fetches by itself."""
    acme.publish(policy("localhost", acme.cast.genuine))
    with installed(acme) as pinner, tempfile.TemporaryFile() as file:
        context = acme.cast.authority.client_context()
        child = os.fork()
        if child == 0:
            with suppress(BaseException):
                said = [code_of(context, acme.cast.evil), code_of(context, acme.cast.genuine), pinner.refresh()]
                file.write(json.dumps(said).encode())
                file.flush()
            os._exit(0)
        os.waitpid(child, 0)
        file.seek(0)
        findings["a forked child"] = (json.loads(file.read() or b"null"), ["pin_mismatch", "sent", True])


def main() -> None:
    findings: Findings = {}
    for room in (ways, resumption, chains, fork):
        with Origin() as origin:
            acme = Acme(Cast(), origin)
            room(acme, findings)
            acme.close()
    print(json.dumps(findings))


if __name__ == "__main__":
    main()
