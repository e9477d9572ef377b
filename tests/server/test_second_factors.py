"""Seeds of one-time passwords and recovery codes: whoever reads the database has no second factor of anybody."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, generate_totp_secret, hotp_value
from django.contrib.sessions.models import Session
from django.core import signing
from django.db import connection
from django.test import Client

from livepin.author.signers.managed import MasterKey
from livepin.errors import KeyUnusable
from livepin.server import inspection, keyring, sealed_text
from livepin.server.actions import second_factors
from livepin.server.models import Account
from livepin.server.settings import CONFIG
from tests.server.web.test_hosts import visit
from tests.server.web.test_members import proved
from tests.server.world import World

PASSWORD = "four random words here"


def code(seed: str) -> str:
    return str(format_hotp_value(hotp_value(seed, int(time.time()) // 30)))


def stored() -> str:
    """What the table of second factors holds."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT data FROM mfa_authenticator")
        return str(cursor.fetchall())


@pytest.fixture
def bob(world: World) -> Account:
    return world.with_password("bob", PASSWORD)


def signs_in(with_code: str) -> bool:
    client = Client()
    client.post("/account/login/", {"login": "bob@example.com", "password": PASSWORD})
    return bool(client.post("/account/2fa/authenticate/", {"code": with_code}).headers.get("Location") == "/")


def test_neither_seed_nor_code_is_in_the_database_and_both_let_their_owner_in(bob: Account, settings: Any) -> None:
    settings.MFA_TOTP_TOLERANCE = 1  # a period may end in between
    seed = generate_totp_secret()
    TOTP.activate(bob, seed)
    recovery = RecoveryCodes.activate(bob)
    codes = recovery.generate_codes()
    kept = stored()
    assert kept.count("livepin-text.1.") == 2
    for secret in (seed, second_factors.unseal(recovery.instance.data["seed"]), *codes):
        assert secret not in kept
    assert signs_in(code(seed))
    assert signs_in(codes[3])
    assert not signs_in(codes[3]), "a recovery code is good once"


def test_whoever_knows_the_password_guesses_five_codes_of_whatever_kind_from_wherever(bob: Account) -> None:
    seed = generate_totp_secret()
    TOTP.activate(bob, seed)
    codes = RecoveryCodes.activate(bob).generate_codes()
    mallory = Client()
    mallory.post("/account/login/", {"login": "bob@example.com", "password": PASSWORD})
    for guess in ("00000000", "000000", "11111111", "111111", "22222222"):
        assert mallory.post("/account/2fa/authenticate/", {"code": guess}).status_code == 200
    # Not even the right ones help then, nor another browser.
    assert mallory.post("/account/2fa/authenticate/", {"code": codes[0]}).status_code == 200
    assert not signs_in(code(seed))


def test_what_is_said_of_a_wrong_code_tells_nothing_of_what_somebody_has(bob: Account, world: World) -> None:
    ada = world.with_password("ada", PASSWORD)
    TOTP.activate(ada, generate_totp_secret())
    TOTP.activate(bob, generate_totp_secret())
    RecoveryCodes.activate(bob)
    said = []
    for email in ("ada@example.com", "bob@example.com"):
        client = Client()
        client.post("/account/login/", {"login": email, "password": PASSWORD})
        page = client.post("/account/2fa/authenticate/", {"code": "00000000"}).content.decode()
        said.append(re.sub(r"(value=|\"challenge\": )\"[^\"]+\"", "", page))
    assert said[0] == said[1]
    assert "ncorrect code" in said[0]


def test_while_one_time_passwords_are_set_up_their_seed_is_not_in_the_database_either(world: World) -> None:
    client = proved(visit(world, "carol"))
    client.get("/account/2fa/totp/activate/")
    seed = client.session["mfa.totp.secret"]
    assert len(seed) == 32
    for session in Session.objects.all():
        text = signing.loads(session.session_data, salt="django.contrib.sessions.SessionStore", serializer=Plain)
        assert text.startswith("livepin-text.1.")
        assert seed not in text


class Plain:
    """What is stored of a session, before it is unsealed."""

    def dumps(self, obj: Any) -> bytes:
        raise NotImplementedError

    def loads(self, data: bytes) -> str:
        return data.decode()


def test_a_secret_that_is_not_sealed_or_is_something_else_is_no_second_factor(bob: Account) -> None:
    seed = generate_totp_secret()
    factor = TOTP.activate(bob, seed).instance
    foreign = sealed_text.seal(seed, "session", keyring.masters(CONFIG)[0])
    damaged = factor.data["secret"][:-2] + ("AA" if factor.data["secret"][-2:] != "AA" else "BA")
    for planted in (seed, foreign, damaged, "livepin-text.1.x"):
        factor.data = {"secret": planted}
        factor.save()
        with pytest.raises(KeyUnusable) as caught:
            TOTP(factor).validate_code(code(seed))
        assert seed not in str(caught.value)
        assert [whose for whose, _ in second_factors.unusable()] == [f"account {bob.id}"]
    assert any(one.where == f"account {bob.id}" for one in inspection._keys(CONFIG))


def test_another_master_key_seals_every_factor_and_the_old_one_opens_none(bob: Account, world: World) -> None:
    seed, old = generate_totp_secret(), keyring.masters(CONFIG)[0]
    factor = TOTP.activate(bob, seed).instance
    RecoveryCodes.activate(bob)
    Authenticator.objects.create(user=world.accounts["ada"], type="webauthn", data={"name": "a key", "credential": {}})
    new = MasterKey.generate("new")
    assert second_factors.reseal((new, old)) == 2
    assert second_factors.reseal((new, old)) == 0
    factor.refresh_from_db()
    assert sealed_text.unseal(factor.data["secret"], second_factors.PURPOSE, (new,)) == seed
    with pytest.raises(KeyUnusable, match="not given"):
        second_factors.unseal(factor.data["secret"])
    with pytest.raises(KeyUnusable):
        second_factors.reseal((MasterKey.generate("newest"),))


def test_codes_that_were_brought_from_elsewhere_are_sealed_each(bob: Account) -> None:
    data: dict[str, Any] = {"migrated_codes": ["one", "two"], "used_mask": 0, "viewed_at": 1.5}
    sealed = second_factors.change(data, second_factors.seal)
    assert "one" not in str(sealed)
    assert (sealed["used_mask"], sealed["viewed_at"]) == (0, 1.5)
    assert second_factors.change(sealed, second_factors.unseal) == data


@pytest.mark.parametrize("step", [-2, -1, 2])
def test_a_code_of_another_half_minute_is_refused(bob: Account, step: int) -> None:
    seed = generate_totp_secret()
    made = TOTP.activate(bob, seed)
    # Should half a minute end in between, -1 is -2 and 2 is 1: not good either.
    strange = format_hotp_value(hotp_value(seed, int(time.time()) // 30 + step))
    assert not made.validate_code(strange)
