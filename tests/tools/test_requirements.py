"""The locks, the package's own dependencies and the tools that check them say the same."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
REQUIREMENTS = REPOSITORY / "requirements"
LOCKS = ["attacker", "bootstrap", "dev", "runtime", "server"]


def names(lines: list[str]) -> set[str]:
    found = (re.match(r"[A-Za-z0-9][\w.-]*", line) for line in lines)
    return {match[0].lower().replace("_", "-") for match in found if match}


def lines_of(name: str) -> list[str]:
    return (REQUIREMENTS / name).read_text(encoding="utf-8").splitlines()


def project() -> dict[str, list[str]]:
    table = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return {"": table["dependencies"], **table["optional-dependencies"]}


def test_what_the_package_asks_for_is_what_is_locked_and_tested() -> None:
    asked = project()
    assert names(asked[""]) == {"cryptography"}, "a plain install has one dependency"
    assert names(asked[""]) | names(asked["cli"]) | names(asked["idna"]) == names(lines_of("runtime.in"))
    # `server` asks for `livepin[cli]`, whose packages are in runtime.in.
    assert names(asked["server"]) | names(asked["postgres"]) <= names(lines_of("server.in")) | {"livepin"}


@pytest.mark.parametrize("name", LOCKS)
def test_whatever_is_installed_is_known_by_hash(name: str) -> None:
    lines = lines_of(f"{name}.txt")
    packages = [number for number, line in enumerate(lines) if re.match(r"[A-Za-z0-9]", line)]
    assert packages
    for number in packages:
        assert re.search(r"^[\w.-]+==\S+ .*\\$", lines[number]), lines[number]
        assert lines[number + 1].strip().startswith("--hash=sha256:"), lines[number]


@pytest.mark.parametrize("name", LOCKS)
def test_every_lock_has_what_its_input_asks_for(name: str) -> None:
    assert names(lines_of(f"{name}.in")) <= names(lines_of(f"{name}.txt"))


@pytest.mark.parametrize("name", ["runtime", "server"])
def test_the_tests_run_with_the_versions_that_are_shipped(name: str) -> None:
    # Up to the marker: it says where a package is wanted, and differs with what else is wanted.
    shipped, tested = ({line.split(" ")[0] for line in lines_of(f"{one}.txt") if "==" in line} for one in (name, "dev"))
    assert shipped <= tested
