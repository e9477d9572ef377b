"""Mallory tries at one process, then at another: limits are common to all, and what was used is used everywhere."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value

from livepin.testing.ports import free_port
from tests.server import postgres
from tests.server.installation import Installation, installed
from tests.server.visit import Visit

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

EMAIL, PASSWORD = "olga@example.com", "four random words here"
PERIOD = 30
MAKE = f"""
from allauth.account.models import EmailAddress
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from livepin.server.models import Account
account = Account.objects.create_user({EMAIL!r}, {PASSWORD!r})
EmailAddress.objects.create(user=account, email=account.email, verified=True, primary=True)
"""
WITH_TOTP = """
secret = generate_totp_secret()
TOTP.activate(account, secret)
print(secret)
"""


@dataclass(frozen=True, slots=True)
class Two:
    """Two machines, as far as the server can tell: two `livepin serve` that share a database and nothing else."""

    server: Installation
    ports: tuple[int, int]

    def start(self) -> None:
        for port in self.ports:
            self.server.serve("--roles", "web", "--listen", f"127.0.0.1:{port}")


@pytest.fixture(params=["sqlite", "postgres"])
def two(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Two]:
    settings = {}
    if request.param == "postgres":
        settings["LIVEPIN_SERVER_DATABASE_URL"] = postgres.start(Path(tempfile.mkdtemp(prefix="livepin-processes-")))
    with installed(tmp_path / "data", settings) as server:
        yield Two(server, (free_port(), free_port()))


def signs_in(port: int, password: str = PASSWORD) -> tuple[str, str]:
    return Visit(port).send("/account/login/", login=EMAIL, password=password)


def test_wrong_passwords_at_any_process_count_at_every_other(two: Two) -> None:
    two.server.run(MAKE, make=True)
    two.start()
    here, there = two.ports
    for number, port in enumerate((here, there, here, there)):
        signs_in(port, f"guess {number}")
    assert signs_in(here)[0] == "/", "four failures are not too many"
    signs_in(there, "guess 4")
    for port in two.ports:
        where, said = signs_in(port)
        assert where == "/account/login/"
        assert "too many" in said.lower()


def test_a_one_time_password_that_was_used_at_one_process_is_refused_by_the_other(two: Two) -> None:
    secret = two.server.run(MAKE + WITH_TOTP, make=True).strip()
    two.start()
    visits = [Visit(port) for port in two.ports]
    for visit in visits:
        assert visit.send("/account/login/", login=EMAIL, password=PASSWORD)[0] == "/account/2fa/authenticate/"
    # Both tries fall into one period, else the second would be refused for being late: again, should one be slow.
    for _ in range(10):
        left = PERIOD - time.time() % PERIOD
        time.sleep(left if left < PERIOD / 2 else 0)
        period = int(time.time()) // PERIOD
        code = str(format_hotp_value(hotp_value(secret, period)))
        ends = [visit.send("/account/2fa/authenticate/", code=code)[0] for visit in visits]
        if int(time.time()) // PERIOD == period:
            break
    assert ends == ["/", "/account/2fa/authenticate/"]


RACE = """
import sys, time
from django.core.cache import cache
while time.time() < {start}: time.sleep(0.001)
print(sum(cache.add(f"code {{number}}", "y", 60) for number in range(300)))
"""


def test_of_two_processes_that_use_a_code_at_once_one_does(two: Two) -> None:
    two.server.make()
    before = "from livepin.cli.installation import enter\nenter(None)\n"
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", before + RACE.format(start=time.time() + 4)],
            env=two.server.environment(),
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    told = [int(racer.communicate(timeout=100)[0]) for racer in racers]
    assert sum(told) == 300
