"""A project whose keys are on a token: made there, named by the anchor, and an application is pinned by them."""

from __future__ import annotations

from pathlib import Path

import pytest

import livepin
from livepin.testing import Origin
from tests.author.tokens import PIN, make_token, module
from tests.cli.conftest import HOST, Service
from tests.cli.shell import Shell
from tests.cli.transcript import play

pytestmark = pytest.mark.slow
TRANSCRIPT = Path(__file__).parent / "transcripts" / "token" / "end-to-end.txt"


@pytest.fixture
def with_token(keyed: Shell, tmp_path: Path) -> Shell:
    """A project with a key set, beside an empty token whose PIN is in a file."""
    keyed.variables |= make_token(tmp_path, "acme")
    keyed.variables |= {"TOKEN": "pkcs11:token=acme", "MODULE": f"?module-path={module()}&pin-source=file:pin.txt"}
    (keyed.directory / "pin.txt").write_text(f"{PIN}\n", "ascii")
    return keyed


def test_from_an_empty_token_to_a_pinned_application(with_token: Shell, service: Service) -> None:
    play(TRANSCRIPT, with_token)
    embedded = with_token.json("embed")
    with (
        Origin(with_token.directory / "public") as origin,
        livepin.Pinner(
            organization_id="acme",
            project_id="shop",
            public_key=embedded["public_key"],
            configuration_url=origin.base_url,
            store=None,
        ) as pinner,
    ):
        status = pinner.status()
        assert (status.epoch, status.serial, status.prolonged) == (2, 1, True)
        assert pinner.verify(HOST, service.cast.genuine.chain_der).outcome is livepin.Outcome.ALLOWED
        refused = pinner.verify(HOST, service.cast.evil.chain_der)
        assert (refused.outcome, refused.code) == (livepin.Outcome.BLOCKED, "pin_mismatch")
