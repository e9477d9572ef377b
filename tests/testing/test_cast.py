from __future__ import annotations

import ssl

import pytest

from livepin.testing import Cast, KeyKind, TlsServer
from tests.testing.plain_clients import post


@pytest.mark.parametrize("role", ["genuine", "renewed", "backup", "evil"])
def test_ordinary_validation_accepts_these_so_an_unpinned_client_talks_to_all_of_them(cast: Cast, role: str) -> None:
    with TlsServer(getattr(cast, role)) as server:
        post(server, cast, b"bearer token")
        assert b"bearer token" in server.received


@pytest.mark.parametrize(
    ("role", "why"),
    [
        ("wrong_host", "Hostname mismatch"),
        ("expired", "has expired"),
        ("untrusted", "unable to get local issuer"),
        ("forged", "signature failure"),
    ],
)
def test_ordinary_validation_refuses_these_for_one_reason_each(cast: Cast, role: str, why: str) -> None:
    with TlsServer(getattr(cast, role)) as server:
        with pytest.raises(ssl.SSLCertVerificationError, match=why):
            post(server, cast)
        server.wait_until_idle()
        assert server.application_bytes == 0


def test_pins_of_the_genuine_and_the_backup_key_fit_all_of_the_service_and_nothing_of_the_attacker(cast: Cast) -> None:
    pinned = {cast.genuine.spki_sha256, cast.backup.spki_sha256}
    assert cast.renewed.spki_sha256 in pinned
    assert cast.wrong_host.spki_sha256 in pinned  # the right key for the wrong name: pins alone do not see it
    assert not pinned & {
        certificate.spki_sha256 for certificate in (cast.evil, cast.untrusted, cast.forged, cast.expired)
    }


def test_a_role_keeps_its_certificate() -> None:
    own = Cast("api.example.com", intermediates=0, key=KeyKind.ED25519)
    assert own.genuine is own.genuine
    assert own.evil.names == own.backup.names == ("api.example.com",)
    assert len(own.genuine.chain) == 1
