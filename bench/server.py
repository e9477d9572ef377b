"""A TLS 1.3 server in a process of its own, so that it does not share the interpreter with what is measured."""

from __future__ import annotations

import socket
import ssl
import sys


def main(chain: str, key: str) -> None:
    """Shake hands with whoever connects, for ever. The port is the first line of the output."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(listener.getsockname()[1], flush=True)
        while True:
            tcp = listener.accept()[0]
            try:
                with context.wrap_socket(tcp, server_side=True) as tls:
                    tls.recv(1)
            except OSError:
                tcp.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
