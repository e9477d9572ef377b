"""What CT cases are written with: logs that sign, certificates that carry what they signed (RFC 6962 section 3)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from tests.vectors.making.cases import Case, Json
from tests.vectors.making.keys import P256Key, b64
from tests.vectors.making.writer import DAY, NOW, changed
from tests.vectors.making.x509 import (
    ISSUING,
    ROOT,
    Certificate,
    certificate,
    extension,
    rsa_key,
    rsa_spki,
    tlv,
)

SCT_LIST, POISON = "1.3.6.1.4.1.11129.2.4.2", "1.3.6.1.4.1.11129.2.4.3"
#: The time of most SCTs, in seconds: an hour before they are judged.
LOGGED = NOW - 3_600
#: Lives, as X.509 writes them: what lies between notBefore and notAfter.
LIFE_90_DAYS = ("260901000000Z", "261130000000Z")
LIFE_180_DAYS_LESS_1_S = ("260901000000Z", "270227235959Z")
LIFE_180_DAYS = ("260901000000Z", "270228000000Z")
LIFE_180_DAYS_AND_1_S = ("260901000000Z", "270228000001Z")
#: notAfter of the life of 90 days, in Unix seconds.
END_OF_90_DAYS = 1_795_996_800
ECDSA, RSA = b"\4\3", b"\4\1"


def sized(content: bytes, octets: int = 2) -> bytes:
    """A vector of TLS: its length, then itself."""
    return len(content).to_bytes(octets, "big") + content


def leaf_index(index: int) -> bytes:
    """The extension of static-CT logs (c2sp.org/static-ct-api)."""
    return b"\0" + sized(index.to_bytes(5, "big"))


@dataclass(frozen=True)
class Log:
    """A log by its label, with the SPKI of its key."""

    label: str
    operator: str
    kind: str = "rfc6962"
    is_rsa: bool = False

    @property
    def key(self) -> bytes:
        return rsa_spki(self.label) if self.is_rsa else P256Key(self.label).spki

    @property
    def id(self) -> str:
        return b64(sha256(self.key).digest())

    def entry(self, **changes: Any) -> Json:
        """The log in `ct_logs`."""
        usual = {"id": self.id, "key": b64(self.key), "operator": self.operator, "kind": self.kind, "state": "usable"}
        return changed(usual, changes)

    def sign(self, data: bytes) -> bytes:
        if self.is_rsa:
            return rsa_key(self.label).sign(data, padding.PKCS1v15(), hashes.SHA256())
        return P256Key(self.label).sign_der(data)

    def sct(
        self,
        entry: bytes,
        *,
        at: int = LOGGED,
        extensions: bytes | None = None,
        sign: Callable[[bytes], bytes] | None = None,
        algorithm: bytes | None = None,
    ) -> bytes:
        """An SCT over a log entry (its type, and what is signed of a certificate), at a time in seconds."""
        if extensions is None:
            extensions = leaf_index(1234) if self.kind == "static" else b""
        signed = b"\0\0" + (at * 1000).to_bytes(8, "big") + entry + sized(extensions)
        if algorithm is None:
            algorithm = RSA if self.is_rsa else ECDSA
        own = sha256(self.key).digest()
        return b"\0" + own + signed[2:10] + sized(extensions) + algorithm + sized((sign or self.sign)(signed))


NORTH, SOUTH = Log("CT North", "Compass"), Log("CT South", "Compass")
OAK = Log("CT Oak", "Forest")
SLATE, TILE = Log("CT Slate", "Roof", "static"), Log("CT Tile", "Roof", "static")
GRANITE = Log("CT Granite", "Quarry", is_rsa=True)
ALL_LOGS = (NORTH, SOUTH, OAK, SLATE, TILE, GRANITE)
#: A log that no list names.
STRANGER = Log("CT Stranger", "Stranger")

_LEAF_KEY, _ISSUING_KEY = P256Key("api.example.com"), P256Key("issuing")


def leaf(*extensions: bytes, life: tuple[str, str] = LIFE_90_DAYS, name: str = "api.example.com") -> Certificate:
    """The service's certificate, with more extensions."""
    issuer = "Vectors Issuing"
    return certificate(name, _LEAF_KEY.spki, issuer, _ISSUING_KEY, names=[name], life=life, extensions=extensions)


def precertificate_entry(tbs: bytes, issuer_spki: bytes = ISSUING.spki) -> bytes:
    """What a log signs of a certificate before it is issued."""
    return b"\0\1" + sha256(issuer_spki).digest() + sized(tbs, 3)


def certificate_entry(der: bytes) -> bytes:
    """What a log signs of a certificate that is issued."""
    return b"\0\0" + sized(der, 3)


def sct_list(scts: Sequence[bytes]) -> bytes:
    return sized(b"".join(map(sized, scts)))


def list_extension(scts: Sequence[bytes], *, critical: bool = False) -> bytes:
    return extension(SCT_LIST, tlv(0x04, sct_list(scts)), critical=critical)


def with_list(value: bytes, **members: Any) -> Certificate:
    """A leaf with any bytes where its list of SCTs should be."""
    return leaf(extension(SCT_LIST, tlv(0x04, value)), **members)


def with_scts(scts: Sequence[bytes], **members: Any) -> Certificate:
    """A leaf with these SCTs."""
    return leaf(list_extension(scts), **members)


def entry_of(**members: Any) -> bytes:
    """What the logs sign of the usual leaf."""
    return precertificate_entry(leaf(**members).tbs)


def logged(*logs: Log, at: int = LOGGED, **members: Any) -> Certificate:
    """A leaf with an SCT of each of these logs."""
    entry = entry_of(**members)
    return with_scts([log.sct(entry, at=at) for log in logs], **members)


def chain_of(leaf: Certificate) -> list[Certificate]:
    return [leaf, ISSUING, ROOT]


def shown(log: Log, verdict: str = "ok", *, at: int = LOGGED, index: int | None = None) -> Json:
    """An SCT as the door answers it."""
    if index is None and log.kind == "static":
        index = 1234
    return {"log_id": log.id, "timestamp": at * 1000, "leaf_index": index, "verdict": verdict}


#: An SCT of which nothing can be read.
UNREADABLE: Json = {"log_id": None, "timestamp": None, "leaf_index": None, "verdict": "malformed"}


def sct_case(
    name: str,
    about: str,
    found: Certificate,
    scts: Sequence[Json],
    *,
    hostile: bool = False,
    chain: Sequence[Certificate] | None = None,
    logs: Sequence[Json] | None = None,
    now: int | None = NOW,
    **members: Any,
) -> Case:
    """A case of `do: sct`."""
    request: Json = {"do": "sct", "chain": [one.pem for one in (chain_of(found) if chain is None else chain)]}
    request["logs"] = [log.entry() for log in ALL_LOGS] if logs is None else list(logs)
    request |= ({} if now is None else {"now": now}) | members
    return Case(f"sct-{name}", f"{about}.", "J7", {"ok": True, "scts": list(scts)}, hostile, request)


def ct_list(*entries: Json, issued_at: int = NOW - DAY) -> Json:
    """The member `ct_logs`: all logs, unless some are given."""
    return {"issued_at": issued_at, "logs": list(entries or (log.entry() for log in ALL_LOGS))}


def ct_case(
    name: str,
    about: str,
    found: Certificate,
    rule: Json | str,
    satisfied: bool,
    *,
    evaluated: bool = True,
    hostile: bool | None = None,
    logs: Json | None = None,
    now: int = NOW,
    reasons: Sequence[str] | None = None,
    **members: Any,
) -> Case:
    """A case of `do: ct`; a rule may be given by its policy alone. What is to be refused counts as hostile."""
    request: Json = {"do": "ct", "chain": [one.pem for one in chain_of(found)], "now": now}
    request["ct"] = {"action": "enforce", "policy": rule} if isinstance(rule, str) else rule
    request |= {"ct_logs": ct_list() if logs is None else logs, **members}
    expect: Json = {"ok": True, "satisfied": satisfied, "evaluated": evaluated}
    if reasons is not None:
        expect["reasons"] = list(reasons)
    return Case(f"ct-{name}", f"{about}.", "J7", expect, not satisfied if hostile is None else hostile, request)
