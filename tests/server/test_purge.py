"""After a purge, nothing that was planted can be read: not in the database, on the origin, in mail, or in a backup."""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from livepin.core.base64s import b64url_decode
from tests.server import postgres
from tests.server.installation import Installation, installed
from tests.server.test_installation import QUIET, restored

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

#: In every text that people can give.
MARKER = "Zyxomma"
PLANT = """
from django.contrib.sessions.backends.db import SessionStore
from allauth.account.models import EmailAddress
from allauth.usersessions.models import UserSession
from livepin.author.draft import HostEntry, PinEntry
from livepin.server.actions import deletions, hosts, invitations, organizations, projects, publishes, sign_ins, tokens
from livepin.server.actions.actor import Actor
from livepin.server.actions.publishes import Wish
from livepin.server.models import Account, Membership
def person(name):
    account = Account.objects.create_user(f"{name}@zyxomma.example", "a good long password", name="Zyxomma")
    EmailAddress.objects.create(user=account, email=account.email, verified=True, primary=True)
    session = SessionStore()
    session["seen"] = "Zyxomma"
    session.create()
    UserSession.objects.create(user=account, session_key=session.session_key, ip="192.0.2.1", user_agent="Zyxomma")
    tokens.sign_in(account, "Zyxomma's laptop")
    return Actor(account)
owner, editor = person("owner"), person("editor")
organizations.create(owner, "Zyxomma-Inc", "Zyxomma")
invitations.create(owner, "Zyxomma-Inc", "invited@zyxomma.example", "viewer")
founded = organizations.read(owner, "Zyxomma-Inc").organization
Membership.objects.create(organization=founded, account=editor.account, role="editor")
tokens.create(editor, "Zyxomma-Inc", "Zyxomma's token", "stage", 30)
for number in range(6):
    project = projects.create(owner, "Zyxomma-Inc", f"Zyxomma-{number}", "Zyxomma")
    pins = tuple(PinEntry("spki_sha256", letter * 42 + "A=", note="Zyxomma's pin " * 9) for letter in "AB")
    for one in range(5):
        host = HostEntry(f"a{one}.zyxomma.example", "off", pins)
        hosts.put(editor, "Zyxomma-Inc", project.identifier, None, host)
    if number < 2:
        asked = publishes.start(owner, "Zyxomma-Inc", project.identifier, Wish(note="Zyxomma's publish"))
        done = publishes.wait(owner, "Zyxomma-Inc", project.identifier, str(asked.id))
        assert done.state == "published", done.problem
deletions.delete_organization(owner, "Zyxomma-Inc")
deletions.close_account(editor)
deletions.close_account(owner)
"""
DUE = """
from django.utils import timezone
from livepin.server.models import Account, Organization
for model in (Account, Organization):
    model.objects.exclude(purge_after=None).update(purge_after=timezone.now())
"""


@pytest.fixture(params=["sqlite", "postgres"])
def server(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    """An installation with somebody's data in every table, all of it asked to be deleted."""
    settings = dict(QUIET)
    if request.param == "postgres":
        monkeypatch.setenv("PATH", f"{postgres.programs()}{os.pathsep}{os.environ['PATH']}")
        settings["LIVEPIN_SERVER_DATABASE_URL"] = postgres.start(Path(tempfile.mkdtemp(prefix="livepin-purge-")))
    with installed(tmp_path / "data", settings) as installation:
        installation.run(PLANT, make=True)
        yield installation


def answer(installation: Installation, *arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(installation.livepin(*arguments, "--json").stdout)
    return found


def planted_in(folder: Path) -> set[str]:
    """The files in which the marker is, in a name or in what documents say, too."""
    found = set()
    for path in folder.rglob("*"):
        texts = [str(path.relative_to(folder)).encode()]
        if path.is_file():
            texts.append(path.read_bytes())
        if path.suffix == ".jws":
            texts.append(b64url_decode(path.read_text("ascii").split(".")[1]))
        if any(MARKER.lower().encode() in text.lower() for text in texts):
            found.add(path.relative_to(folder).parts[0])
    return found


def said_by(installation: Installation) -> str:
    """Everything that the database says, whatever keeps it."""
    return installation.run(
        "from django.apps import apps\nfrom django.core import serializers\n"
        "for model in apps.get_models():\n"
        "    print(serializers.serialize('json', model._base_manager.all()))\n"
    )


def test_nothing_that_was_planted_is_left(server: Installation, tmp_path: Path) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    answer(server, "server", "backup", str(before))
    assert MARKER in said_by(server)
    assert planted_in(server.data) >= {"origin", "mail"}
    assert answer(server, "server", "purge")["purged"] == {"organizations": 0, "projects": 0, "accounts": 0}
    server.run(DUE)
    assert answer(server, "server", "purge")["purged"] == {"organizations": 1, "projects": 0, "accounts": 2}
    assert MARKER.lower() not in said_by(server).lower()
    # Mail that lies in files, and the keys of backups, go when they are as old as a backup may be.
    old = time.time() - 16 * 86_400
    for path in (server.data / "mail").iterdir():
        os.utime(path, (old, old))
    key = next((server.data / "keys" / "backups").iterdir())
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(old))
    key.rename(key.with_name(f"{stamp}-{key.name.partition('-')[2]}"))
    assert len(answer(server, "server", "purge")["backups"]) == 1
    assert planted_in(server.data) == set()
    refused = Installation(tmp_path / "refused", dict(server.settings))
    done = refused.livepin("server", "restore", str(before), "--keys", str(server.data / "keys"), status=3)
    assert "[backup_expired]" in done.stderr
    # And a backup that is made now holds nothing of it.
    answer(server, "server", "backup", str(after))
    database = server.settings.get("LIVEPIN_SERVER_DATABASE_URL", "")
    other = restored(server, after, tmp_path / "restored", postgres.another(database) if database else "")
    assert planted_in(other.data) == set()
    assert MARKER.lower() not in said_by(other).lower()
