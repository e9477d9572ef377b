"""The examples of docs/api.md, run as they stand against a live server."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from livepin.server.actions import tokens
from tests.server.world import World

PAGE = Path(__file__).resolve().parents[3] / "docs" / "api.md"
EXAMPLES = re.findall(r"^```sh\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


@pytest.mark.django_db(transaction=True)
def test_the_examples_of_the_page_do_what_it_says(live_server: Any) -> None:
    world = World.make()
    token = tokens.sign_in(world.accounts["alice"], "curl").text
    environment = {"API": f"{live_server.url}/api/v1", "TOKEN": token, "PATH": "/usr/bin:/bin"}
    answers = []
    for example in EXAMPLES:
        done = subprocess.run(["sh", "-ec", example], env=environment, capture_output=True, text=True, check=True)
        answers.append(json.loads(done.stdout))
    me, draft, publish, warnings, hosts, problem, export = answers
    assert me["account"]["email"] == "alice@example.com"
    assert [one["host"] for one in draft["hosts"]] == ["api.example.com"]
    assert (publish["state"], publish["note"]) == ("checking", "first")
    assert warnings == {"items": []}
    assert [one["host"] for one in hosts["items"]] == ["api.example.com"]
    assert (problem["status"], problem["code"], problem["where"]) == (404, "not_found", "nobodys")
    assert export["memberships"][0]["organization"] == "acme"
