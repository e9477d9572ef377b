"""Mallory tries again and again, from everywhere: what is counted stays counted."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from django.test import Client

from livepin.errors import RateLimited
from livepin.server.actions import invitations, rates
from livepin.server.models import Invitation
from tests.server.world import World

PASSWORD = "something to prove it with"


def spent(*addresses: str) -> int:
    """How many attempts are answered before the first that is not."""
    for number, address in enumerate(addresses):
        try:
            rates.spend_address(address)
        except RateLimited:
            return number
    return len(addresses)


def test_all_addresses_of_one_line_are_one_client(world: World) -> None:
    assert spent(*(f"2001:db8:1:2:{number:x}::1" for number in range(200))) <= rates.ANONYMOUS_PER_MINUTE
    assert spent("2001:db8:1:3::1") == 1
    # The same machine by its IPv4 address, written in two ways.
    assert spent(*(("192.0.2.1", "::ffff:192.0.2.1") * 100)) <= rates.ANONYMOUS_PER_MINUTE
    assert spent("192.0.2.2") == 1


def test_a_guesser_does_not_have_failures_forgotten_by_making_others(world: World) -> None:
    alice = world.with_password("alice", PASSWORD)
    client = Client()
    for _ in range(5):
        client.post("/account/login/", {"login": alice.email, "password": "a guess"})
    # What attempts for other names from other addresses leave behind: more than some caches hold.
    for number in range(350):
        cache.set(f"another-attempt-{number}", [1.0], 300)
    answer = Client().post("/account/login/", {"login": alice.email, "password": PASSWORD})
    assert answer.status_code == 200
    assert "too many" in answer.content.decode().lower()


def test_a_guesser_does_not_begin_anew_at_another_port(world: World) -> None:
    alice = world.with_password("alice", PASSWORD)
    for number in range(5):
        Client().post(
            "/account/login/",
            {"login": alice.email, "password": "a guess"},
            headers={"Host": f"localhost:{number + 1}"},
        )
    right = {"login": alice.email.upper(), "password": PASSWORD}
    answer = Client().post("/account/login/", right, headers={"Host": "localhost:7"})
    assert answer.status_code == 200
    assert "too many" in answer.content.decode().lower()


def test_nobody_is_buried_in_invitations(world: World) -> None:
    mallory = world.actor("mallory")
    for _ in range(invitations.PER_MINUTE):
        made = invitations.create(mallory, "malice", "victim@example.com", "viewer")
        invitations.revoke(mallory, "malice", str(made.invitation.id))
    for name, organization in (("mallory", "malice"), ("ada", "acme")):
        with pytest.raises(RateLimited):
            invitations.create(world.actor(name), organization, "Victim@example.com", "viewer")
    assert not Invitation.objects.exists()
