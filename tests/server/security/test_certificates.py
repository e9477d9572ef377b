"""A host that is looked at shows a certificate whose names break databases, pages and logs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from livepin.author.draft import HostEntry, PinEntry
from livepin.server.actions import hosts, looks, overview
from livepin.server.models import Look
from livepin.testing.authority import ServerCertificate
from livepin.testing.tls import TlsServer
from tests.server.api.caller import Caller
from tests.server.web.test_hosts import visit
from tests.server.world import World

HOST = "api.example.com"
PINS = (PinEntry("spki_sha256", "A" * 43 + "="),)
STRANGE = {
    "a zero byte": "bank.example\0.evil.example",
    "half a letter": "bank.example\x7f\x1b[31m",
    "the other direction": "bank\u202eelpmaxe",
    "the last letter": "bank\U0010ffff\ufffe",
    "a page": "<script>alert(1)</script>",
    "lines": "bank\r\nSet-Cookie: a=b",
}


def strange(text: str) -> ServerCertificate:
    """A certificate of its own that says `text` wherever it may."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, text), x509.NameAttribute(NameOID.COMMON_NAME, text[:64])]
    )
    now = datetime.now(UTC)
    ascii_text = text if text.isascii() else HOST
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(ascii_text)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return ServerCertificate((ascii_text,), key, (made,), made)


@pytest.mark.parametrize("fault", STRANGE)
def test_a_strange_certificate_is_looked_at_kept_and_shown(world: World, fault: str) -> None:
    made = strange(STRANGE[fault])
    with TlsServer(made) as server:
        entry = HostEntry(HOST, "report", PINS, address=f"127.0.0.1:{server.port}")
        hosts.put(world.actor("bob"), "acme", "shop", None, entry)
        (seen,) = looks.refresh(world.actor("bob"), "acme", "shop", HOST)
        found = looks.discover(world.actor("bob"), "acme", "shop", f"127.0.0.1:{server.port}")
    assert found
    kept = Look.objects.get(id=seen.id)
    assert len(kept.chain) == 1
    assert "\0" not in str(kept.chain)
    visitor = visit(world, "bob")
    for address in ("/o/acme/p/shop/", f"/o/acme/p/shop/hosts/{HOST}/", "/o/acme/p/shop/warnings/"):
        answer = visitor.get(address)
        assert answer.status_code == 200
        assert "<script>alert(1)" not in answer.content.decode()
        assert "Set-Cookie" not in answer.headers
    assert overview.read(world.actor("bob"), "acme", "shop").hosts == 1
    pem = made.certificate.public_bytes(serialization.Encoding.PEM).decode()
    answer = Caller.of(world, "bob").call("looks_certificates", {"pem": pem}, organization="acme", project="shop")
    assert answer.status_code == 200
    assert "\0" not in answer.content.decode()
    assert "\\u0000" not in answer.content.decode()
