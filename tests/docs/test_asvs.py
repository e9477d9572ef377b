"""The security table names tests that exist, and pages that say what it claims."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROWS = re.findall(
    r"^\| (\d+\.\d+\.\d+) \| (\w+) \| (.+?) \| (.+?) \|$", (ROOT / "docs/asvs.md").read_text(), re.MULTILINE
)
DASHBOARD = (ROOT / "docs/dashboard.md").read_text()


def test_every_requirement_stands_once() -> None:
    names = [name for name, *_ in ROWS]
    assert len(set(names)) == len(names) > 80


@pytest.mark.parametrize(("name", "state", "how", "tests"), ROWS, ids=[name for name, *_ in ROWS])
def test_a_row_names_tests_that_exist(name: str, state: str, how: str, tests: str) -> None:
    named = re.findall(r"`([\w/]+\.py)::(\w+)`", tests)
    assert state in ("met", "partly", "operator")
    assert how
    assert named or state != "met", f"{name} is met, and nothing proves it"
    for file, test in named:
        assert re.search(rf"^def {test}\(", (ROOT / file).read_text(), re.MULTILINE), (
            f"{name}: there is no {file}::{test}"
        )


def test_the_page_about_the_dashboard_lists_the_ways_in() -> None:
    section = DASHBOARD.split("## Ways in")[1].split("\n## ")[0]
    for way in ("password", "passkey", "single sign-on", "invitation", "command line", "first owner"):
        assert f"| {way} |" in section


def test_the_page_about_the_dashboard_says_what_may_be_uploaded() -> None:
    section = DASHBOARD.split("### What may be uploaded")[1].split("\n## ")[0]
    assert "200 KB" in section
    assert "512 KB" in section


def test_the_page_about_the_server_says_whom_it_connects_to() -> None:
    section = (ROOT / "docs/server.md").read_text().split("## What the server connects to")[1].split("\n## ")[0]
    for whom in ("hosts", "proxy", "public URL", "database", "mail server", "OpenID Connect"):
        assert whom in " ".join(section.split())


#: What may be imported to compute with, and as which name it stands in the inventory.
COMPUTED = {
    "sha256": "SHA-256",
    "AESGCM": "AES-256-GCM",
    "ed25519": "Ed25519",
    "ec": "P-256",
    # Forms, sizes and errors; nothing is computed with them.
    "serialization": "",
    "hashes": "",
    "utils": "",
    "InvalidTag": "",
    "InvalidSignature": "",
    "UnsupportedAlgorithm": "",
}


def test_what_is_computed_with_is_in_the_inventory() -> None:
    table = (ROOT / "docs/data.md").read_text().split("### Keys, and what they are for")[1].split("\n### ")[0]
    for algorithm in ("Argon2id", "HMAC-SHA-256", "HMAC-SHA-1", *filter(None, COMPUTED.values())):
        assert algorithm in table
    for path in sorted((ROOT / "src/livepin/server").rglob("*.py")):
        text = path.read_text()
        used = set(re.findall(r"hashlib\.(\w+)", text))
        for names in re.findall(r"^ *from cryptography\.(?:hazmat|exceptions)\S* import (.+)$", text, re.MULTILINE):
            used |= set(names.split(", "))
        assert used <= COMPUTED.keys(), path
        # What shall not be guessed comes from the system's generator.
        assert not re.search(r"^\s*(?:import random|from random )", text, re.MULTILINE), path


def test_our_script_makes_nothing_of_what_it_reads() -> None:
    for script in (ROOT / "src/livepin/server/web/static").rglob("*.js"):
        text = script.read_text()
        for word in ("JSON.parse", "Object.assign", "__proto__", "prototype", "eval(", "Function(", "localStorage"):
            assert word not in text, script
        assert not re.search(r"\w\[[^\]\"]+\] *=[^=]", text), f"{script} sets a member by a name that it read"
