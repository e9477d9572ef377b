"""Judging a peer against what HTTP libraries offer for pinning: comparing one fingerprint."""

from __future__ import annotations

import hashlib
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import aiohttp
from urllib3.util.ssl_ import assert_fingerprint

import livepin
from bench.ratio import Row, side_by_side
from livepin.client.peer import GivenPeer
from livepin.client.snapshot import Snapshot
from livepin.core.sct import Delivered
from livepin.errors import LivepinError
from livepin.testing import Cast, DocumentAuthority, Origin, policy


class _Transport:
    """What `aiohttp.Fingerprint` asks of a transport."""

    def __init__(self, leaf: bytes) -> None:
        self._leaf = leaf

    def get_extra_info(self, name: str) -> Any:
        return {"sslcontext": True, "ssl_object": self}.get(name)

    def getpeercert(self, *, binary_form: bool) -> bytes:
        return _copy(self._leaf)


def rows() -> Iterator[Row]:
    """Memoised, cold, and with a pin on an authority."""
    cast = Cast()
    leaf = cast.genuine.der
    fingerprint = hashlib.sha256(leaf).hexdigest()
    theirs = aiohttp.Fingerprint(hashlib.sha256(leaf).digest())
    transport: Any = _Transport(leaf)
    with Origin() as origin:
        for what, position, target in (("leaf pin", "leaf", 2.0), ("pin on an authority", "ca", None)):
            with _pinner(cast, origin, position) as pinner:
                peer = GivenPeer("localhost", cast.genuine.chain_der, validated=True)
                check = _check(pinner, cast.genuine.chain_der)
                ours = side_by_side(check, lambda: assert_fingerprint(_copy(leaf), fingerprint))
                yield Row(f"{what}, remembered", "urllib3 assert_fingerprint", *ours, target)
                ours = side_by_side(check, lambda: theirs.check(transport))
                yield Row(f"{what}, remembered", "aiohttp.Fingerprint", *ours)
                cold = _cold(pinner, peer)
                ours = side_by_side(cold, lambda: assert_fingerprint(leaf, fingerprint))
                yield Row(f"{what}, first time", "urllib3 assert_fingerprint", *ours)


def _pinner(cast: Cast, origin: Origin, position: str) -> livepin.Pinner:
    document = DocumentAuthority(project=f"bench-{position}")
    pin = cast.genuine.chain_spki_sha256[0 if position == "leaf" else 1]
    document.sign([policy("localhost", {"spki_sha256": pin, "position": position})])
    origin.put(document.pointer, document.current)
    return livepin.Pinner(
        organization_id=document.organization,
        project_id=document.project,
        public_key=document.public_key,
        configuration_url=origin.base_url,
        store=None,
    )


def _copy(leaf: bytes) -> bytes:
    """A certificate as the TLS layer hands it out: a new object each time, whose hash is not known yet."""
    return bytes(memoryview(leaf))


class _Connection:
    """Stands for the application's socket."""


class _Peer:
    """The other side of a connection, as the hook describes it."""

    __slots__ = ("host", "leaf", "owner", "refuse", "validated", "whole")
    delivered: tuple[Delivered, ...] = ()

    def __init__(self, whole: tuple[bytes, ...], owner: Callable[[], Any]) -> None:
        self.host, self.validated, self.owner, self.whole = "localhost", True, owner, whole
        self.refuse: Callable[[Any, LivepinError], None] = lambda owner, refusal: None
        self.leaf = _copy(whole[0])

    def chain(self) -> tuple[bytes, ...]:
        return self.whole


def _check(pinner: livepin.Pinner, chain: tuple[bytes, ...]) -> Callable[[], None]:
    connection = _Connection()
    owner = weakref.ref(connection)
    pinner.check(_Peer(chain, lambda: connection))  # keeps the connection alive
    return lambda: pinner.check(_Peer(chain, owner))


def _cold(pinner: livepin.Pinner, peer: GivenPeer) -> Any:
    """Judging by a snapshot that has never seen the peer."""
    snapshot: Snapshot = pinner._keeper.snapshot
    assert snapshot.revision is not None
    revision = snapshot.revision

    def judge() -> object:
        return snapshot.with_revision(revision, seeded=False).judge(peer, revision.issued_at)

    return judge
