"""Certificate Transparency: verifying SCTs against the one thing that cannot be spared, an ECDSA verification."""

from __future__ import annotations

import gc
import hashlib
import itertools
import statistics
import time
from collections.abc import Iterator
from functools import cached_property

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key
from urllib3.util.ssl_ import assert_fingerprint

import livepin
from bench.handshake import _forget, _share
from bench.judging import _check
from bench.ratio import Row, Work, side_by_side
from livepin.core import ct_policy, sct
from livepin.core.document import Action, CtRule
from livepin.core.logs import LogList
from livepin.core.pins import Certificate
from livepin.testing import Cast, CtLog, DocumentAuthority, Origin, ServerCertificate, ct_logs, logged, policy

LOGS = (CtLog("One"), CtLog("Two", static=True), CtLog("Three"))
RULE = CtRule(Action.ENFORCE, "chrome", None, None)


class _Logged(Cast):
    """A cast whose genuine certificate carries SCTs."""

    @cached_property
    def genuine(self) -> ServerCertificate:
        return logged(self.authority, self.authority.issue("localhost"), *LOGS)


def rows() -> Iterator[Row]:
    """First time and remembered, alone and inside a handshake."""
    cast = _Logged("localhost")
    # Real certificates carry 2.7 SCTs on average: the fewer share what is done once, the dearer is each.
    for number, target in ((2, None), (3, 1.3)):
        certificate = logged(cast.authority, cast.backup, *LOGS[:number])
        bare = _bare(certificate)
        whole, one = _in_turns(_cold(certificate), bare)
        yield Row(f"SCT, first time, one of {number}", "ECDSA verification", whole / number, one, target)
    chain, logs = _chain(cast.genuine.chain_der), LogList.of(ct_logs(*LOGS))
    now = float(logs.issued_at)
    yield Row("CT rule, SCTs remembered", "ECDSA verification",
              *side_by_side(lambda: ct_policy.evaluate(RULE, logs, chain, now), bare), 0.5)  # fmt: skip
    with Origin() as origin, _pinner(cast, origin) as pinner:
        fingerprint = hashlib.sha256(cast.genuine.der).hexdigest()
        leaf = cast.genuine.der
        check = _check(pinner, cast.genuine.chain_der)
        ours = side_by_side(check, lambda: assert_fingerprint(bytes(memoryview(leaf)), fingerprint))
        yield Row("leaf pin and CT rule, remembered", "urllib3 assert_fingerprint", *ours)
        yield Row("check, leaf pin and CT rule, remembered", "TLS 1.3 handshake", *_share(cast, pinner.check))
        share = _share(cast, pinner.check, lambda: _forget_scts(pinner))
        yield Row("check, leaf pin and CT rule, first time", "TLS 1.3 handshake", *share)


def _in_turns(ours: Work, theirs: Work, turns: int = 3000) -> tuple[float, float]:
    """Microseconds of both, one call after the other: so both meet the same caches, and the same noise.

    Of so long a work the fastest tenth is steadier than the best of a few long turns.
    """
    spent: tuple[list[float], list[float]] = ([], [])
    gc.collect()
    for _ in range(turns):
        started = time.perf_counter()
        theirs()
        between = time.perf_counter()
        ours()
        spent[0].append(time.perf_counter() - between)
        spent[1].append(between - started)
    first, second = (statistics.quantiles(values, n=10)[0] * 1e6 for values in spent)
    return first, second


def _chain(der: tuple[bytes, ...]) -> tuple[Certificate, ...]:
    """The chain as the TLS layer hands it out: nothing of it is known yet."""
    return tuple(Certificate(bytes(memoryview(one))) for one in der)


def _cold(certificate: ServerCertificate) -> Work:
    """Verifying all SCTs of a certificate that was never seen, under a document that is in use."""
    logs, der = LogList.of(ct_logs(*LOGS)), certificate.chain_der

    def check() -> object:
        logs.checked.clear()
        leaf, issuer, *_ = _chain(der)
        return sct.check(leaf, issuer, logs)

    return check


def _bare(certificate: ServerCertificate) -> Work:
    """Nothing but the signatures, one after the other: of each SCT, over what its log signed."""
    logs = LogList.of(ct_logs(*LOGS))
    leaf, issuer, *_ = _chain(certificate.chain_der)
    given = sct.check(leaf, issuer, logs)
    issuer_hash = hashlib.sha256(issuer.spki).digest()
    tbs = certificate.certificate.tbs_precertificate_bytes
    entry = b"\0\1" + issuer_hash + len(tbs).to_bytes(3, "big") + tbs
    works = []
    for one in given.scts:
        assert one.verdict is sct.SctVerdict.OK
        assert one.log is not None
        key = load_der_public_key(one.log.key)
        assert isinstance(key, ec.EllipticCurvePublicKey)
        works.append((key, one.sct.signature, one.sct.signed_data(entry)))
    turns = itertools.cycle(works)
    algorithm = ec.ECDSA(hashes.SHA256())

    def verify() -> None:
        key, signature, data = next(turns)
        key.verify(signature, data, algorithm)

    return verify


def _forget_scts(pinner: livepin.Pinner) -> None:
    _forget(pinner)
    revision = pinner._keeper.snapshot.revision
    assert revision is not None
    assert revision.document.ct_logs is not None
    revision.document.ct_logs.checked.clear()


def _pinner(cast: Cast, origin: Origin) -> livepin.Pinner:
    document = DocumentAuthority(project="bench-ct")
    rule = {"action": "enforce", "policy": "chrome"}
    document.sign([policy("localhost", cast.genuine, ct=rule)], ct_logs=ct_logs(*LOGS))
    origin.put(document.pointer, document.current)
    return livepin.Pinner(
        organization_id=document.organization,
        project_id=document.project,
        public_key=document.public_key,
        configuration_url=origin.base_url,
        store=None,
    )
