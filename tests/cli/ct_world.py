"""What the commands about Certificate Transparency are given: logs of our own, a list that names them, a chain."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from livepin.author.ct_logs import LogTableFile, Operator, Review, Source
from livepin.testing import Cast, CertificateAuthority, CtLog, ServerCertificate, logged
from tests.author.foreign import DAY, chrome, entry, listed, public_pem, signed

#: A log of each of two operators, and one that nobody knows.
ONE, TWO, STRANGE = CtLog("One"), CtLog("Two", static=True), CtLog("Three")
LIST_KEY = rsa.generate_private_key(65537, 2048)


def log_pem(log: CtLog) -> str:
    key = serialization.load_der_public_key(log.key_der)
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode("ascii")


@dataclass(frozen=True)
class CtWorld:
    """A service that serves one key in two certificates: with SCTs of both logs, and without any."""

    cast: Cast

    @property
    def authority(self) -> CertificateAuthority:
        return self.cast.authority

    @cached_property
    def proven(self) -> ServerCertificate:
        return logged(self.authority, self.cast.genuine, ONE, TWO)

    def write(self, directory: Path) -> None:
        """A table with both logs, lists that others publish, chains and keys."""
        write_table(directory, ONE, TWO)
        write_lists(directory)
        (directory / "chain.pem").write_text(self.proven.chain_pem, "ascii")
        (directory / "bare.pem").write_text(self.cast.genuine.chain_pem, "ascii")
        for name, log in (("one", ONE), ("two", TWO), ("strange", STRANGE)):
            (directory / f"{name}.pub.pem").write_text(log_pem(log), "ascii")


def write_table(directory: Path, *logs: CtLog, age: float = DAY, source: str = Source.HAND) -> None:
    """A table of this age with logs by the names of their operators; they take every certificate."""
    file = LogTableFile.open(directory)
    file.put_review(Review(source, int(time.time() - age)))
    for log in logs:
        file.put_operator(Operator(log.operator.lower()))
        file.put_log(entry(log, log.operator.lower(), log.operator.lower(), start=None, end=None, source=source))
    file.save()


def write_lists(directory: Path) -> None:
    """`log_list.json` of yesterday, signed; `same.json`, which names what the table has; `old.json`, of last week."""
    now = time.time()

    def named(*logs: CtLog) -> bytes:
        members = {log.operator: [(log, listed(log, log.operator, temporal_interval=None))] for log in logs}
        return chrome(members, issued_at=now - DAY, version="80.14")

    whole = named(ONE, TWO, STRANGE)
    (directory / "log_list.json").write_bytes(whole)
    (directory / "log_list.sig").write_bytes(signed(whole, LIST_KEY))
    (directory / "log_list_pubkey.pem").write_bytes(public_pem(LIST_KEY))
    (directory / "same.json").write_bytes(named(ONE, TWO))
    (directory / "old.json").write_bytes(chrome({}, issued_at=now - 7 * DAY, version="80.9"))
