"""The shop: the live service that is pinned, and the little CA that stands for a public one."""

from __future__ import annotations

import secrets
import signal
import ssl
import sys
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
    load_pem_private_key,
)

from demo.processes import Process, Processes
from demo.waiting import DemoFailed
from livepin.testing import CertificateAuthority, CtLog, ServerCertificate, logged

HOST = "localhost"

_PROGRAM = Path(__file__).with_name("programs") / "shop_server.py"


@dataclass(frozen=True, slots=True)
class Traffic:
    """Requests that the shop answered: with its token, and without."""

    authorized: int
    strangers: int


class Shop:
    """The service. Started by `start`; `rotate` gives it another key while it runs."""

    def __init__(self, folder: Path, processes: Processes) -> None:
        """Make the CA and the first certificate in `folder`."""
        self.token = f"shop_{secrets.token_hex(6)}"
        self._folder = folder
        self._processes = processes
        self._process: Process | None = None
        self._authority = CertificateAuthority("A public CA, for one minute")
        self._logs = (CtLog("north"), CtLog("south", static=True))
        folder.mkdir()
        self.ca_file = self._authority.write(folder)
        self._install(self._authority.issue(HOST))

    def start(self) -> None:
        """Start the process and wait until it listens."""
        command = [sys.executable, str(_PROGRAM), str(self._folder)]
        self._process = self._processes.start("shop", command, environment={"SHOP_TOKEN": self.token})
        self._process.wait_for(lambda: self.process.lines()[:1], 10, "to listen")

    @property
    def process(self) -> Process:
        """The process. It was started."""
        assert self._process is not None
        return self._process

    @property
    def port(self) -> int:
        """Its port."""
        return int(self.process.lines()[0].split()[1])

    @property
    def url(self) -> str:
        """What applications ask for."""
        return f"https://{HOST}:{self.port}/orders"

    def traffic(self) -> Traffic:
        """What was asked of it so far."""
        lines = [line for line in self.process.lines() if line.startswith("request ")]
        authorized = sum(line.endswith(" authorized") for line in lines)
        return Traffic(authorized, len(lines) - authorized)

    def certificate_for(self, key_file: Path, passphrase: str) -> ServerCertificate:
        """What the CA answers to the CSR of a backup key, with that key."""
        key = load_pem_private_key(key_file.read_bytes(), passphrase.encode())
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise DemoFailed(f"{key_file.name} is not the P-256 key that `livepin init` makes")
        return self._authority.issue(HOST, key=key)

    def new_certificate(self) -> ServerCertificate:
        """A certificate with a key that nobody has heard of yet."""
        return self._authority.issue(HOST)

    def write_log_keys(self, folder: Path) -> None:
        """The public keys of the two logs of this little world, as `north.pem` and `south.pem`."""
        for log in self._logs:
            pem = load_der_public_key(log.key_der).public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
            (folder / f"{log.operator}.pem").write_bytes(pem)

    def logged_certificate(self, unlogged: ServerCertificate) -> ServerCertificate:
        """The same certificate, with the same key, after the CA wrote it into both logs."""
        return logged(self._authority, unlogged, *self._logs)

    def rotate(self, certificate: ServerCertificate) -> None:
        """Serve another certificate from now on: returns when new connections get it."""
        self._install(certificate)
        self.process.signal(signal.SIGHUP)
        self.process.wait_for(lambda: self._served() == certificate.der, 5, "to serve its new certificate")

    def _install(self, certificate: ServerCertificate) -> None:
        self.certificate = certificate  # what it serves
        certificate.write(self._folder)

    def _served(self) -> bytes:
        pem = ssl.get_server_certificate(("127.0.0.1", self.port), timeout=5)
        return ssl.PEM_cert_to_DER_cert(pem)
