"""A busy server, and every secret that was used: none of them is in its log."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.server.installation import Answer, Installation, installed, wait_until
from tests.server.visit import Visit

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

PASSWORD = "four random words here"
METRICS = "a token for the metrics alone"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Installation]:
    """A server that says as much as it can."""
    settings = {"LIVEPIN_SERVER_LOG_LEVEL": "debug", "LIVEPIN_SERVER_METRICS_TOKEN": METRICS}
    with installed(tmp_path / "data", settings) as installation:
        yield installation


def call(server: Installation, method: str, path: str, token: str, body: Any = None, **headers: str) -> Answer:
    data = b"" if body is None else json.dumps(body).encode()
    named = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", **headers}
    return server.ask(f"/api/v1{path}", method, data, **named)


def test_no_secret_that_was_used_is_in_the_log(server: Installation) -> None:
    server.serve()
    secrets = {"password": PASSWORD, "metrics": METRICS}
    secrets["code"] = re.findall(r"^  code +(\S+)$", server.out.read_text(), re.MULTILINE)[0]
    visit = Visit(server.port)
    person = {"email": "olga@zyxomma.example", "password": PASSWORD}
    visit.send("/welcome/", code="wrong", **person)
    visit.send("/welcome/", code=secrets["code"], **person)
    visit.send("/account/login/", login=person["email"], password="not the right password")
    visit.send("/account/login/", login=person["email"], password=PASSWORD)
    secrets |= {f"cookie {one.name}": one.value or "" for one in visit.jar}
    assert len(secrets) > 4
    visit.send("/new/", identifier="acme", name="Acme")
    link = json.loads(server.livepin("server", "account", "sign-in", person["email"], "--json").stdout)["code"]
    token = call(server, "POST", "/sign-ins/redeem", "", {"secret": link, "client": "tests"}).json["token"]
    secrets |= {"link": link, "sign-in": token, "address": person["email"]}
    made = call(server, "POST", "/organizations/acme/tokens", token, {"scope": "publish"})
    secrets["token"] = made.json["token"]
    invited = call(
        server, "POST", "/organizations/acme/invitations", token, {"email": "n@zyxomma.example", "role": "viewer"}
    )
    secrets["invitation"] = invited.json["secret"]
    begun = call(server, "POST", "/sign-ins", "", {"client": "tests"})
    secrets["device"] = begun.json["device_code"]
    assert call(server, "POST", "/organizations/acme/projects", token, {"project": "shop"}).status == 201
    host = "/organizations/acme/projects/shop/draft/hosts/api.zyxomma.example"
    assert call(server, "PUT", host, token, {"action": "off"}, If_Match="*").status == 204
    publishing = call(server, "POST", "/organizations/acme/projects/shop/publishes", secrets["token"], {})
    assert publishing.status == 202, publishing.body
    at = f"/organizations/acme/projects/shop/publishes/{publishing.json['id']}"
    wait_until(lambda: call(server, "GET", at, secrets["token"]).json["state"] in ("published", "failed"))
    # What is sent wrongly is a secret still.
    for path in (f"/organizations/{token}", f"/me?token={token}"):
        call(server, "GET", path, token)
    call(server, "POST", "/sign-ins/redeem", "", {"secret": [link], "client": token})
    call(server, "GET", "/me", token[:-1] + "x")
    call(server, "POST", "/organizations", token, {"organization": PASSWORD})
    server.ask("/metrics", Authorization=f"Bearer {METRICS}")
    closed = call(server, "DELETE", "/me/token", token)
    assert closed.status == 204
    keys = server.data / "keys"
    secrets |= {path.name: path.read_text().strip() for path in (keys / "master.keys", keys / "secret.key")}
    secrets["sealed"] = server.run("from livepin.server.models import Key; print(Key.objects.get().sealed)").strip()
    log = server.log.read_text()
    assert log.count("\n") > 20
    assert [name for name, secret in secrets.items() if secret and secret in log] == []
