"""What can go wrong between an application and its document, outside of both of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from livepin.testing import Cast, Channel, ServerCertificate, TlsServer, conversations, http11
from livepin.testing.conversations import Conversation, Preamble
from livepin.testing.failures import Answer, Ending, Failure, Redirect
from tests.faults.gate import Way
from tests.faults.nginx import NginxRegion
from tests.faults.table import DAY, Fault
from tests.faults.world import World

Text = Callable[[World], str | bytes]
#: The highest serial that a document can have (format 1: integers within 2^53 - 1).
HIGHEST = 2**53 - 1


class Answers(Fault):
    """The first source answers otherwise than it should."""

    def __init__(self, *failures: Failure) -> None:
        self._failures = failures

    def throw(self, world: World) -> None:
        world.notes["met"] = met = _Met()
        world.first.origin.fail(*self._failures, met)

    def heal(self, world: World) -> None:
        world.first.origin.heal()

    def problems(self, world: World) -> list[str]:
        met = world.notes.get("met")
        return [] if met is not None and met.count else ["the source never gave the wrong answer"]


class _Met(Failure):
    """Changes nothing, and counts."""

    def __init__(self) -> None:
        self.count = 0

    def spoil(self, honest: Answer) -> Answer:
        self.count += 1
        return honest


@dataclass(frozen=True)
class Unannounced(Failure):
    """The right beginning, no Content-Length, and an orderly end `short` bytes too early: nothing looks wrong."""

    short: int

    def spoil(self, honest: Answer) -> Answer:
        return replace(honest, cut=len(honest.body) - self.short, announced=False, ending=Ending.CLOSE)


@dataclass(frozen=True)
class Body(Failure):
    """Status 200 and another body."""

    body: bytes

    def spoil(self, honest: Answer) -> Answer:
        return replace(honest, status=200, body=self.body)


class RedirectsToItself(Fault):
    """A redirect loop."""

    def throw(self, world: World) -> None:
        world.first.origin.fail(Redirect(f"{world.first.url}{world.authority.pointer}"))

    def heal(self, world: World) -> None:
        world.first.origin.heal()


@dataclass(frozen=True)
class Leads(Fault):
    """The way to the first source is blocked, below TLS."""

    way: Way

    def throw(self, world: World) -> None:
        world.first.gate.lead(self.way)

    def heal(self, world: World) -> None:
        world.first.gate.lead(Way.OPEN)


@dataclass(frozen=True)
class Impostor(Fault):
    """The way to the first source ends at another TLS server."""

    certificate: Callable[[Cast], ServerCertificate]
    conversation: Conversation = conversations.http
    preamble: Preamble | None = None

    def throw(self, world: World) -> None:
        certificate = self.certificate(world.cast)
        server = TlsServer(certificate, conversation=self.conversation, preamble=self.preamble)
        world.first.gate.target = world.stack.enter_context(server).port

    def heal(self, world: World) -> None:
        world.first.gate.target = world.first.origin.port


def alerts(channel: Channel) -> bool:
    """Answer the ClientHello with a fatal alert: handshake_failure."""
    channel.read()
    channel.write(bytes.fromhex("15 0303 0002 0228"))
    return False


def breaks_chunks(channel: Channel) -> None:
    """Answer in chunks, one of them of a size that is none."""
    channel.read()
    channel.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\neyJh\r\n-5\r\neyJi\r\n0\r\n\r\n")


def floods_chunks(channel: Channel) -> None:
    """Answer in chunks of one byte, each with 60,000 bytes of what nobody asked for (RFC 9112 section 7.1.1)."""
    channel.read()
    channel.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        channel.write(b"1;why=" + b"n" * 60_000 + b"\r\nA\r\n")


def drips_head(channel: Channel) -> None:
    """Answer with a head that never ends, a byte at a time."""
    channel.read()
    for byte in b"HTTP/1.1 200 OK\r\n" + b"X-Patience: please wait\r\n" * 100:
        channel.write(bytes([byte]))
        channel.wait(0.05)


def floods_head(channel: Channel) -> None:
    """Answer with a head that never ends, as fast as it goes."""
    channel.read()
    channel.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        channel.write(b"X-Flood: " + b"A" * 1000 + b"\r\n")


def floods_continue(channel: Channel) -> None:
    """Answer that the answer is going to follow, for ever."""
    channel.read()
    while True:
        channel.write(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)


class Hints(Fault):
    """The first source says something in advance, as CDNs do (RFC 8297), and then answers as it should."""

    def throw(self, world: World) -> None:
        world.notes["hinted"] = 0

        def hint(channel: Channel) -> None:
            world.notes["hinted"] += 1
            channel.read()
            channel.write(b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n" * 2)
            channel.write(http11.answer(200, world.authority.current.encode(), "application/jose"))

        server = TlsServer(world.cast.genuine, conversation=hint)
        world.first.gate.target = world.stack.enter_context(server).port

    def heal(self, world: World) -> None:
        world.first.gate.target = world.first.origin.port

    def problems(self, world: World) -> list[str]:
        return [] if world.notes.get("hinted") else ["nothing was said in advance"]


@dataclass(frozen=True)
class Publishes(Fault):
    """Every source serves something else in place of the newest document."""

    text: Text

    def prepare(self, world: World) -> None:
        world.notes["text"] = self.text(world)

    def throw(self, world: World) -> None:
        world.serve(world.notes["text"])
        world.notes["served"] = True

    def heal(self, world: World) -> None:
        world.serve(world.authority.current)

    def problems(self, world: World) -> list[str]:
        return [] if "served" in world.notes else ["nothing else was served"]


@dataclass(frozen=True)
class PublishesTaken(Publishes):
    """What every source serves instead is one that no reader could refuse, with this serial."""

    serial: int

    def throw(self, world: World) -> None:
        super().throw(world)
        world.notes["taken"] = [world.authority.epoch, self.serial]

    def heal(self, world: World) -> None:
        world.publish_newest(serial=self.serial + 1)


class DrivesSerialUp(PublishesTaken):
    """A thief of the signing key publishes the highest serial there is, so that no honest document can follow."""

    def heal(self, world: World) -> None:
        """A new epoch, in which serials start again."""
        world.authority.new_epoch()
        world.publish_newest(serial=1)


@dataclass(frozen=True)
class Withdrawn(Fault):
    """No source has the document any more."""

    def throw(self, world: World) -> None:
        for region in world.regions:
            region.origin.remove(world.authority.pointer)  # type: ignore[attr-defined]

    def heal(self, world: World) -> None:
        world.serve(world.authority.current)


@dataclass(frozen=True)
class Skew(Fault):
    """The clock of the machine is wrong by so many seconds."""

    seconds: float

    def throw(self, world: World) -> None:
        world.orders["skew"] = self.seconds
        if world.running:
            world.application.ask("skew", seconds=self.seconds)

    def heal(self, world: World) -> None:
        world.application.ask("skew", seconds=0)

    def problems(self, world: World) -> list[str]:
        return [] if "skew" in world.orders else ["the clock was right all the time"]


class Both(Fault):
    """Misfortunes never come singly."""

    def __init__(self, *faults: Fault) -> None:
        self._faults = faults

    def prepare(self, world: World) -> None:
        for fault in self._faults:
            fault.prepare(world)

    def throw(self, world: World) -> None:
        for fault in self._faults:
            fault.throw(world)

    def heal(self, world: World) -> None:
        for fault in self._faults:
            fault.heal(world)


class FrozenUntilExpired(Fault):
    """A cache is stuck, and so much time passes that the document is out of date."""

    def throw(self, world: World) -> None:
        world.serve(world.last_text)
        world.application.ask("skew", seconds=31 * DAY)

    def heal(self, world: World) -> None:
        world.publish_newest(issued_at=int(time.time()) + 31 * DAY)


class FirstRegionFrozenUntilExpired(Fault):
    """The same, but only the cache of the first region is stuck; and visits are made before anybody is asked again."""

    def throw(self, world: World) -> None:
        world.publish_newest(issued_at=int(time.time()) + 31 * DAY)
        world.regions[0].put(world.authority.pointer, world.last_text)
        world.application.ask("skew", seconds=31 * DAY)
        world.application.ask("observe", wait=20.0)


@dataclass(frozen=True)
class ResolverFails(Fault):
    """The name in the first URL leads nowhere; or the resolver never says so."""

    hangs: bool = False

    def throw(self, world: World) -> None:
        name = "livepin-source.invalid"
        world.orders["setup"]["configuration_url"][0] = f"https://{name}/"
        if self.hangs:
            world.orders["resolver_hangs_for"] = name


class Rests(Answers):
    """A source that failed is not asked in the next round."""

    def throw(self, world: World) -> None:
        super().throw(world)
        world.application.ask("refresh", wait=10.0)
        world.notes["asked"] = world.first.origin.count
        world.publish_newest()

    def problems(self, world: World) -> list[str]:
        if world.notes.get("asked") == world.first.origin.count:
            return []
        return ["the first source was asked again at once"]


class RegionDown(Fault):
    """The nginx of the first region is not there."""

    def throw(self, world: World) -> None:
        self._first(world).stop()

    def heal(self, world: World) -> None:
        self._first(world).start()

    @staticmethod
    def _first(world: World) -> NginxRegion:
        region = world.regions[0]
        assert isinstance(region, NginxRegion)
        return region


@dataclass(frozen=True)
class RegionServes(Fault):
    """One region, the first or another, serves something else."""

    text: Text
    number: int = 0

    def prepare(self, world: World) -> None:
        world.notes[f"text {self.number}"] = self.text(world)

    def throw(self, world: World) -> None:
        world.regions[self.number].put(world.authority.pointer, world.notes[f"text {self.number}"])

    def heal(self, world: World) -> None:
        world.regions[self.number].put(world.authority.pointer, world.authority.current)
