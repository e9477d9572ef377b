"""A newcomer: from an empty folder to a project, in a browser's words over real HTTP."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.installation import Installation, installed
from tests.server.visit import Visit

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

OLGA = {"email": "olga@example.com", "password": "four random words here"}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Installation]:
    """Nothing is there yet."""
    with installed(tmp_path / "data") as installation:
        yield installation


def codes(server: Installation) -> list[str]:
    """The one-time codes that this server printed, oldest first."""
    return re.findall(r"^  code +(\S+)$", server.out.read_text(), re.MULTILINE)


def test_a_newcomer_makes_the_first_account_with_the_printed_code_and_then_a_project(
    server: Installation,
) -> None:
    server.serve()
    (code,) = codes(server)
    assert f"http://localhost:{server.port}/welcome/" in server.out.read_text()
    visit = Visit(server.port)
    _, refused = visit.send("/welcome/", code="wrong" + code, **OLGA)
    assert "unknown, used or out of date" in refused
    assert visit.send("/welcome/", code=code, **OLGA)[0] == "/account/login/"
    assert visit.send("/account/login/", login=OLGA["email"], password=OLGA["password"])[0] == "/"
    assert visit.send("/new/", identifier="acme", name="Acme")[0] == "/o/acme/"
    assert visit.send("/o/acme/new/", identifier="shop", name="Shop")[0] == "/o/acme/p/shop/"
    assert code not in server.log.read_text()
    assert OLGA["password"] not in server.log.read_text()


def test_the_code_of_a_later_start_replaces_the_earlier_one_until_there_is_an_account(server: Installation) -> None:
    server.serve()
    server.close()
    server.serve("--roles", "web,origin")
    old, new = codes(server)
    visit = Visit(server.port)
    assert "unknown, used or out of date" in visit.send("/welcome/", code=old, **OLGA)[1]
    assert visit.send("/welcome/", code=new, **OLGA)[0] == "/account/login/"
    server.close()
    server.serve()
    assert codes(server) == [old, new]


def test_who_serves_no_pages_prints_no_code(server: Installation) -> None:
    server.serve("--roles", "jobs,origin")
    assert codes(server) == []
