"""Looks at live hosts from the server, and certificates that people paste: where pins come from.

The threat is in watch/reachable.py: an editor of some organization names a host, and the server connects to it. So
names are resolved once, addresses of private ranges are refused unless the operator allows them, and connections go
to the addresses that were checked. A proxy is connected to under the same rule, unless the operator named it himself;
what lies behind an operator's proxy is the proxy's business, but addresses that are refused are not asked of it.
A proxy resolves names itself: one that stands inside has to refuse private addresses too (docs/server.md).
"""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from ipaddress import ip_network
from typing import Any

from django.db import transaction

from livepin.author.draft import PinEntry
from livepin.core import der
from livepin.core.pins import Certificate
from livepin.errors import CertificateInvalid, HostInvalid, NotFound, ValueInvalid
from livepin.server.actions import drafts, rates, turns
from livepin.server.actions.actor import Actor, May, reach_project
from livepin.server.models import Host, Look, Project
from livepin.server.settings import CONFIG
from livepin.watch import probe
from livepin.watch.address import Address, Proxy, parse_address, parse_proxy
from livepin.watch.describe import describe, plain
from livepin.watch.reachable import PROXY_PORTS, Bounds, reach
from livepin.watch.sights import sights_of_host
from livepin.watch.survey import Sight

#: How long one look may take, and all looks of one check together, in seconds.
LOOK_TIMEOUT, SURVEY_TIMEOUT = 8.0, 120.0
#: Looks that people ask for, in an organization.
LOOKS_PER_MINUTE = 60
#: Certificates in one file: a chain, not a store of all authorities.
MAX_CERTIFICATES, MAX_BYTES = 20, 256 * 1024
_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Proposed:
    """A certificate as people see it (watch/describe.py), and the pin that is made of it. `position`: leaf or ca."""

    certificate: dict[str, Any]
    pin: PinEntry


@dataclass(frozen=True, slots=True)
class Seen:
    """What one address served. `problem`: why there is nothing, or why ordinary validation refuses it."""

    address: str
    validated: bool
    problem: str
    chain: tuple[Proposed, ...]


def bounds() -> Bounds:
    """How far the operator lets connections go that users ask for."""
    return Bounds(CONFIG.look_private, tuple(map(ip_network, CONFIG.look_networks)))


# ---------------------------------------------------------------- what people ask for


def discover(actor: Actor, organization: str, project: str, place: str) -> tuple[Seen, ...]:
    """Look at `HOST[:PORT]` now, and propose pins. Nothing is stored. Takes the right to stage.

    Raises `NotFound`, `Forbidden`, `RateLimited`, `ValueInvalid`; whatever the network does is told in the answer.
    """
    reached, found = reach_project(actor, organization, project, May.STAGE)
    try:
        address = parse_address(place)
    except HostInvalid as error:
        raise ValueInvalid("host_invalid", error.message, where=place[:80]) from None
    rates.spend(f"looks of {reached.organization.id}", LOOKS_PER_MINUTE)
    with turns.looking(reached.organization.id):
        [(_, look)] = survey(found, [Sight(address.host, address.host, address.port)])
    if not look.answers:
        return (Seen("-", False, look.error, ()),)
    return tuple(map(_seen, look.answers))


def _seen(answer: probe.Answer) -> Seen:
    chain = answer.verified or answer.served
    proposed = tuple(_proposed(one, number, "live") for number, one in enumerate(chain))
    return Seen(answer.address, bool(answer.verified), answer.invalid or answer.error, proposed)


def certificates(actor: Actor, organization: str, project: str, data: bytes) -> tuple[Proposed, ...]:
    """Pins for certificates that somebody pasted or uploaded, as PEM or DER, the leaf first. Takes the right to stage.

    Raises `NotFound`, `Forbidden`, `ValueInvalid` (`certificate_invalid`).
    """
    reach_project(actor, organization, project, May.STAGE)
    if len(data) > MAX_BYTES:
        raise ValueInvalid("certificate_invalid", f"it is larger than {MAX_BYTES // 1024} KiB", where="certificates")
    try:
        ders = _ders(data)
        return tuple(_proposed(Certificate(one), number, "pem") for number, one in enumerate(ders))
    except CertificateInvalid as error:
        raise ValueInvalid("certificate_invalid", error.message, where="certificates") from None


def _ders(data: bytes) -> list[bytes]:
    if b"-----BEGIN" not in data:
        return [data]
    blocks = [block for label, block in der.pem_blocks(data.decode("latin-1")) if label == "CERTIFICATE"]
    if not 1 <= len(blocks) <= MAX_CERTIFICATES:
        message = f"there are {len(blocks)} certificates in it, not 1 to {MAX_CERTIFICATES}"
        raise CertificateInvalid("certificate_invalid", message)
    return blocks


def _proposed(certificate: Certificate, number: int, source: str) -> Proposed:
    pin = PinEntry("spki_sha256", certificate.digest("spki_sha256"), "ca" if number else "leaf", source=source)
    return Proposed(asdict(describe(certificate)), pin)


def listed(actor: Actor, organization: str, project: str, pattern: str) -> list[Look]:
    """The last look at each address of a host of the draft. Raises `NotFound`."""
    _, found = reach_project(actor, organization, project, May.READ)
    return list(_host(found, pattern).looks.order_by("name", "address"))


def of_hosts(actor: Actor, organization: str, project: str, patterns: Iterable[str]) -> dict[str, list[Look]]:
    """The last look at every address of some hosts, by pattern. Raises `NotFound`."""
    _, found = reach_project(actor, organization, project, May.READ)
    rows = Look.objects.filter(host__project=found, host__pattern__in=list(patterns)).select_related("host")
    seen: dict[str, list[Look]] = {}
    for row in rows.order_by("name", "address"):
        seen.setdefault(row.host.pattern, []).append(row)
    return seen


def refresh(actor: Actor, organization: str, project: str, pattern: str) -> list[Look]:
    """Look at a host of the draft now. Takes the right to stage. Raises `NotFound`, `Forbidden`, `RateLimited`."""
    reached, found = reach_project(actor, organization, project, May.STAGE)
    host = _host(found, pattern)
    rates.spend(f"looks of {reached.organization.id}", LOOKS_PER_MINUTE)
    with turns.looking(reached.organization.id):
        keep(found, survey(found, sights_of_host(drafts.draft_of(found), pattern)))
    return list(host.looks.order_by("name", "address"))


def _host(project: Project, pattern: str) -> Host:
    host = project.hosts.filter(pattern=pattern).first()
    if host is None:
        raise NotFound("not_found", "the draft has no such host", where=pattern)
    return host


# ---------------------------------------------------------------- what the server does by itself


def refresh_all(project: Project) -> int:
    """Look at every host of a draft; how many looks were stored."""
    draft = drafts.draft_of(project)
    patterns = [entry.host for entry in draft.hosts if entry.action != "off"]
    return keep(project, survey(project, [sight for one in patterns for sight in sights_of_host(draft, one)]))


def keep(project: Project, seen: Sequence[tuple[Sight, probe.Look]]) -> int:
    """Store looks in place of those before at the same hosts; how many.

    A pattern that the draft has not is passed over, and so is a look for which there was no time: what was seen before
    says more.
    """
    seen = [(sight, look) for sight, look in seen if look.error != _NO_TIME]
    hosts = {host.pattern: host for host in project.hosts.filter(pattern__in={sight.pattern for sight, _ in seen})}
    rows = {}
    for sight, look in seen:
        if (host := hosts.get(sight.pattern)) is None:
            continue
        for row in _rows(host, look):
            rows[host.id, row.name, row.address] = row
    with transaction.atomic():
        Look.objects.filter(host__in=list(hosts.values())).delete()
        Look.objects.bulk_create(rows.values(), batch_size=500, ignore_conflicts=True)
    return len(rows)


def _rows(host: Host, look: probe.Look) -> Iterator[Look]:
    name, at = str(Address(look.host, look.port)), datetime.fromtimestamp(look.looked_at, UTC)
    if not look.answers:
        yield Look(host=host, name=name, address="-", at=at, problem=plain(look.error)[:500])
    for answer in look.answers:
        chain = [asdict(describe(one)) for one in answer.verified or answer.served]
        yield Look(
            host=host,
            name=name,
            address=answer.address[:100],
            at=at,
            validated=bool(answer.verified),
            not_after=chain[0]["not_after"] if chain else None,
            chain=chain,
            problem=plain(answer.invalid or answer.error)[:500],
        )


_NO_TIME = "not looked at: there was no time left for all looks of this check"


def survey(
    project: Project, sights: Sequence[Sight], told: Callable[[Sight], None] = lambda sight: None
) -> tuple[tuple[Sight, probe.Look], ...]:
    """One look at each sight, in their order, within SURVEY_TIMEOUT. Never raises for what the network does."""
    end = time.monotonic() + SURVEY_TIMEOUT
    with _Means.of(project) as means:

        def one(sight: Sight) -> probe.Look:
            if time.monotonic() > end:
                return _nothing(sight, _NO_TIME)
            return means.look(sight)

        with ThreadPoolExecutor(_AT_ONCE) as pool:
            waiting = [pool.submit(one, sight) for sight in sights]
            seen = []
            for sight, future in zip(sights, waiting, strict=True):
                told(sight)
                seen.append((sight, future.result()))
            return tuple(seen)


def _nothing(sight: Sight, why: str) -> probe.Look:
    return probe.Look(sight.host, sight.port, int(time.time()), (), why)


@dataclass(frozen=True, slots=True)
class _Means:
    """How the server looks for one project. `problem`: why it cannot look at all. `own`: the operator's proxy."""

    proxy: Proxy | None = None
    own: bool = False
    ca_file: str | None = None
    problem: str = ""

    @classmethod
    @contextlib.contextmanager
    def of(cls, project: Project) -> Iterator[_Means]:
        proxy, own, problem = _proxy_of(project)
        if not project.ca_pem:
            yield cls(proxy, own, None, problem)
            return
        # `ssl` reads a file; it is gone when the looks are over.
        with tempfile.NamedTemporaryFile("w", suffix=".pem", encoding="utf-8") as file:
            file.write(project.ca_pem)
            file.flush()
            yield cls(proxy, own, file.name, problem)

    def look(self, sight: Sight) -> probe.Look:
        if self.problem:
            return _nothing(sight, self.problem)
        try:
            return self._directly(sight) if self.proxy is None else self._by_proxy(sight)
        except CertificateInvalid as error:
            return _nothing(sight, f"the project's CA certificates cannot be used: {error.message}")

    def _by_proxy(self, sight: Sight) -> probe.Look:
        if self.own and (why := _refused_behind(sight.address or Address(sight.host, sight.port))):
            return _nothing(sight, why)
        return probe.look(
            sight.host,
            sight.port,
            address=sight.address,
            proxy=self.proxy,
            ca_file=self.ca_file,
            timeout=LOOK_TIMEOUT,
        )

    def _directly(self, sight: Sight) -> probe.Look:
        target = sight.address or Address(sight.host, sight.port)
        reached = reach(target.host, target.port, bounds=bounds(), timeout=LOOK_TIMEOUT)
        if reached.error:
            return _nothing(sight, reached.error)
        look = probe.look(
            sight.host, sight.port, addresses=reached.addresses, ca_file=self.ca_file, timeout=LOOK_TIMEOUT
        )
        refused = tuple(probe.Answer(address, error=why) for address, why in reached.refused)
        return probe.Look(look.host, look.port, look.looked_at, look.answers + refused)


def _refused_behind(target: Address) -> str:
    """Why an operator's proxy is not asked for a target: it stands where private addresses can be reached."""
    if CONFIG.look_private:
        return ""
    reached = reach(target.host, target.port, bounds=bounds(), timeout=LOOK_TIMEOUT)
    # A name that only the proxy can resolve is left to it.
    return next((why for _, why in reached.refused), "")


def _proxy_of(project: Project) -> tuple[Proxy | None, bool, str]:
    """The proxy of a project, else the operator's; whether it is the operator's; why it cannot be used."""
    text = project.proxy or CONFIG.look_proxy
    if not text:
        return None, False, ""
    try:
        proxy = parse_proxy(text)
    except HostInvalid as error:
        return None, False, f"the proxy cannot be used: {error.message}"
    if CONFIG.look_proxy and str(proxy) == str(parse_proxy(CONFIG.look_proxy)):
        return proxy, True, ""
    host, port = proxy.address.host, proxy.address.port
    reached = reach(host, port, bounds=bounds(), timeout=LOOK_TIMEOUT, ports=PROXY_PORTS)
    if not reached.addresses:
        why = reached.error or next((why for _, why in reached.refused), "it has no address")
        return None, False, f"the proxy is not connected to: {why}"
    return Proxy(reached.addresses[0]), False, ""
