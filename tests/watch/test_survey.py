"""Several endpoints at a time, and certificates in words."""

from __future__ import annotations

from livepin.core.pins import Certificate
from livepin.testing.cast import Cast
from livepin.testing.tls import TlsServer
from livepin.watch.address import Address
from livepin.watch.describe import describe
from livepin.watch.survey import Means, Sight, survey


def test_looks_come_back_in_the_order_of_the_sights() -> None:
    cast = Cast("a.example", "b.example")
    heard: list[str] = []
    with TlsServer(cast.genuine) as server:
        address = Address("127.0.0.1", server.port)
        sights = [Sight("*.example", "b.example", address=address), Sight("a.example", "a.example", address=address)]
        found = survey(sights, Means(timeout=3), lambda sight: heard.append(sight.host))
    assert [(sight.pattern, look.host) for sight, look in found] == [
        ("*.example", "b.example"),
        ("a.example", "a.example"),
    ]
    assert all(look.answers[0].served[0].der == cast.genuine.der for _, look in found)
    assert sorted(heard) == ["a.example", "b.example"]


def test_nothing_to_look_at() -> None:
    assert survey([], Means()) == ()


def test_a_certificate_in_words() -> None:
    certificate = Cast("a.example", "192.0.2.1").genuine
    words = describe(Certificate(certificate.der))
    assert words.names == ("a.example", "192.0.2.1")
    assert words.digests["spki_sha256"] == certificate.spki_sha256
    assert words.not_before is not None
    assert words.not_after is not None
    assert words.not_after - words.not_before == 90 * 86400


def test_a_strange_certificate_still_has_digests() -> None:
    der = bytearray(Cast("a.example").genuine.der)
    at = der.index(bytes.fromhex("0603551d11"))  # the names extension turns into one that nobody can read
    der[at + 5 : at + 12] = b"\xff" * 7
    words = describe(Certificate(bytes(der)))
    assert words.names == ()
    assert words.not_after is None
    assert len(words.digests) == 4
