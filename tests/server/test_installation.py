"""An operator looks after an installation: backups, restoring, checks, another master key, ways in."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from livepin.author.signers import pem
from livepin.core.base64s import b64
from tests.cli.shell import PASSPHRASE, Shell
from tests.cli.test_commands import OPERATING
from tests.server import postgres
from tests.server.installation import Installation, installed

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

#: Nobody serves the origin here, so nothing is confirmed through a public URL.
QUIET = {"LIVEPIN_SERVER_ORIGIN_LISTEN": "0.0.0.0:8471"}
#: Alice's organization, with a project whose first revision is published.
FILL = """
from livepin.server.actions import organizations, projects
from livepin.server.actions.actor import Actor
from livepin.server.models import Account
alice = Actor(Account.objects.create_user("alice@example.com", "a good long password", name="Alice"))
organizations.create(alice, "acme")
projects.create(alice, "acme", "shop")
"""
PUBLISH = """
from livepin.author.draft import HostEntry, PinEntry
from livepin.server.actions import hosts, publishes
from livepin.server.actions.actor import Actor
from livepin.server.models import Account
alice = Actor(Account.objects.get(email="alice@example.com"))
pins = tuple(PinEntry("spki_sha256", letter * 42 + "A=") for letter in "AB")
hosts.put(alice, "acme", "shop", None, HostEntry("api{number}.example.com", "off", pins))
done = publishes.wait(alice, "acme", "shop", str(publishes.start(alice, "acme", "shop").id))
print(done.state, done.revision, done.findings, done.problem)
"""
#: Alice gets one-time passwords; what is printed is their seed.
FACTOR = """
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from livepin.server.models import Account
seed = generate_totp_secret()
TOTP.activate(Account.objects.get(email="alice@example.com"), seed)
print(seed)
"""
#: Whether she gets in with a code of the seed that is sent.
PROVE = """
import time
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
now = int(time.time()) // 30
codes = [str(format_hotp_value(hotp_value("{seed}", now + step))) for step in (0, 1)]
print(any(Authenticator.objects.get(type="totp").wrap().validate_code(code) for code in codes))
"""


@pytest.fixture(params=["sqlite", "postgres"])
def acme(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Installation]:
    """An installation in which something was published, on either engine."""
    settings = dict(QUIET)
    if request.param == "postgres":
        settings["LIVEPIN_SERVER_DATABASE_URL"] = request.getfixturevalue("postgres_url")
    with installed(tmp_path / "data", settings) as installation:
        fill(installation)
        yield installation


@pytest.fixture
def one(tmp_path: Path) -> Iterator[Installation]:
    """The same, on SQLite."""
    with installed(tmp_path / "data", QUIET) as installation:
        fill(installation)
        yield installation


@pytest.fixture
def postgres_url(monkeypatch: pytest.MonkeyPatch) -> str:
    """A database of this test's own, with PostgreSQL's programs on the PATH."""
    monkeypatch.setenv("PATH", f"{postgres.programs()}{os.pathsep}{os.environ['PATH']}")
    return postgres.start(Path(tempfile.mkdtemp(prefix="livepin-backup-")))


def fill(installation: Installation) -> None:
    installation.run(FILL, make=True)
    assert publish(installation, 1).startswith("published 0.1 ")


def publish(installation: Installation, number: int) -> str:
    """Publish one more host; what became of it."""
    return installation.run(PUBLISH.replace("{number}", str(number)))


def answer(installation: Installation, *arguments: str, status: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(installation.livepin(*arguments, "--json", status=status).stdout)
    return found


def pointer(installation: Installation) -> Path:
    return installation.data / "origin" / "acme" / "shop" / "pins.jws"


def findings(installation: Installation, status: int = 1) -> list[tuple[str, str]]:
    told = answer(installation, "server", "check", status=status)
    return [(one["part"], one["what"]) for one in told["findings"]]


def test_the_commands_are_all_there_is() -> None:
    assert {
        "serve",
        "server settings",
        "server check",
        "server backup",
        "server restore",
        "server rotate-master-key",
        "server account new",
        "server account sign-in",
        "server account reopen",
        "server account sign-out",
        "server purge",
        "server jobs list",
        "server jobs retry",
        "server jobs drop",
    } == {name for name in OPERATING if name.startswith("serve")}


# ---------------------------------------------------------------- backups


def restored(acme: Installation, file: Path, folder: Path, database: str = "") -> Installation:
    """Another installation, made of a backup and the copy of the keys; its origin is the one that went on."""
    settings = {**QUIET, "LIVEPIN_SERVER_ORIGIN_FOLDER": str(acme.data / "origin")}
    if database:
        settings["LIVEPIN_SERVER_DATABASE_URL"] = database
    other = Installation(folder, settings)
    other.livepin("server", "restore", str(file), "--keys", str(acme.data / "keys"))
    return other


def test_a_restored_server_goes_on_where_the_origin_is_and_does_not_fork(acme: Installation, tmp_path: Path) -> None:
    file = tmp_path / "backup"
    seed = acme.run(FACTOR).strip()
    answer(acme, "server", "backup", str(file))
    assert publish(acme, 2).startswith("published 0.2 ")
    database = ""
    if "LIVEPIN_SERVER_DATABASE_URL" in acme.settings:
        database = postgres.another(acme.settings["LIVEPIN_SERVER_DATABASE_URL"])
    other = restored(acme, file, tmp_path / "restored", database)
    assert ("origin", "it serves 0.2, which is newer than 0.1: the next publish adopts it") in findings(other)
    # Whoever asks first is told of it, and looks; whoever asks then knows.
    assert "'code': 'superseded'" in publish(other, 3)
    assert publish(other, 3).startswith("published 0.3 ")
    assert findings(other, status=0) == []
    assert other.run(PROVE.replace("{seed}", seed)) == "True\n"
    numbers = "from livepin.server.models import Revision; print(*Revision.objects.order_by('serial'))"
    assert other.run(numbers).split() == ["0.1", "0.2", "0.3"]


#: One more host, signed by a key that is on no server.
PUBLISH_OWN = """
from pathlib import Path
from livepin.author.draft import HostEntry, PinEntry
from livepin.author.signers import pem
from livepin.author.signers.detached import SigningInput, sign_input
from livepin.server.actions import hosts, publishes
from livepin.server.actions.actor import Actor
from livepin.server.models import Account
alice = Actor(Account.objects.get(email="alice@example.com"))
pins = tuple(PinEntry("spki_sha256", letter * 42 + "A=") for letter in "AB")
hosts.put(alice, "acme", "own", None, HostEntry("api{number}.example.com", "off", pins))
asked = str(publishes.start(alice, "acme", "own").id)
done = publishes.wait(alice, "acme", "own", asked)
if done.state != "unsigned":
    raise SystemExit(print(done.state, done.problem["code"]))
wanted = SigningInput.parse(publishes.signing_input(alice, "acme", "own", asked).encode())
signer = pem.open_signer(Path({key!r}), {passphrase!r})
publishes.bring(alice, "acme", "own", asked, sign_input(wanted, signer).encode())
done = publishes.wait(alice, "acme", "own", asked)
print(done.state, done.revision, done.findings, done.problem)
"""


def test_what_was_published_from_files_in_an_emergency_is_adopted(one: Installation, tmp_path: Path) -> None:
    """The server is gone; its operator publishes from files; an old backup comes back, and goes on above that."""
    key = pem.generate(pem.KeyKind.P256)
    pem.write(tmp_path / "own.pem", key, PASSPHRASE)
    public = b64(pem.public_der(key))
    one.run(
        "from livepin.server.actions import projects\nfrom livepin.server.actions.actor import SERVER\n"
        f"projects.create(SERVER, 'acme', 'own', public_key={public!r})"
    )
    own = PUBLISH_OWN.replace("{key!r}", repr(str(tmp_path / "own.pem"))).replace("{passphrase!r}", repr(PASSPHRASE))
    assert one.run(own.replace("{number}", "1")).startswith("published 0.1 ")
    answer(one, "server", "backup", str(tmp_path / "backup"))
    shell = Shell(tmp_path / "files")
    shell.directory.mkdir()
    origin = one.data / "origin"
    known = ["--for", "acme/own", "--public-key", public, "--signer", str(tmp_path / "own.pem")]
    shell.livepin(
        "recover", str(origin / "acme/own/pins.jws"), *known, "--folder", str(origin), "--url", "http://localhost/"
    )
    shell.livepin("host", "set", "emergency.example.com", "--action", "off")
    assert "0.2" in shell.livepin("publish", "--no-confirm").out
    other = restored(one, tmp_path / "backup", tmp_path / "restored")
    # Whoever asks first is told of it, and looks; whoever asks then knows.
    assert other.run(own.replace("{number}", "3")).strip() == "failed superseded"
    assert other.run(own.replace("{number}", "3")).startswith("published 0.3 ")
    listed = "from livepin.server.models import Revision; rows = Revision.objects.filter(project__identifier='own')"
    shown = other.run(f"{listed}\nprint([(str(one), one.source) for one in rows.order_by('serial')])")
    assert shown.strip() == "[('0.1', 'server'), ('0.2', 'adopted'), ('0.3', 'server')]"
    assert findings(other, status=0) == []


def test_a_backup_is_whole_while_others_write(one: Installation, tmp_path: Path) -> None:
    """A writer that never stops; each of its transactions moves one unit from one row to another."""
    one.run(
        "from django.db import connection\n"
        "with connection.cursor() as c:\n"
        "    c.execute('CREATE TABLE bank (name TEXT, amount INTEGER)')\n"
        "    c.execute(\"INSERT INTO bank VALUES ('a', 1000), ('b', 1000)\")\n"
    )
    database = sqlite3.connect(one.data / "livepin.sqlite3", isolation_level=None, timeout=20)
    process = one_writer(one)
    try:
        for number in range(3):
            answer(one, "server", "backup", str(tmp_path / f"backup{number}"))
    finally:
        process.kill()
        process.wait()
        database.close()
    for number in range(3):
        other = restored(one, tmp_path / f"backup{number}", tmp_path / f"restored{number}")
        with sqlite3.connect(other.data / "livepin.sqlite3") as copy:
            assert copy.execute("SELECT sum(amount) FROM bank").fetchone() == (2000,)
            assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def one_writer(installation: Installation) -> Any:
    import subprocess
    import sys

    code = (
        "import sqlite3, sys\n"
        "d = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=20)\n"
        "while True:\n"
        "    d.execute('BEGIN IMMEDIATE')\n"
        "    d.execute(\"UPDATE bank SET amount = amount - 1 WHERE name = 'a'\")\n"
        "    d.execute(\"UPDATE bank SET amount = amount + 1 WHERE name = 'b'\")\n"
        "    d.execute('COMMIT')\n"
    )
    return subprocess.Popen([sys.executable, "-c", code, str(installation.data / "livepin.sqlite3")])


def test_a_backup_holds_no_master_key_and_nobody_reads_it(one: Installation, tmp_path: Path) -> None:
    answer(one, "server", "backup", str(tmp_path / "backup"))
    text = (tmp_path / "backup").read_bytes()
    assert (tmp_path / "backup").stat().st_mode & 0o777 == 0o600
    for word in (b"acme", b"alice", b"SQLite format"):
        assert word not in text
    other = restored(one, tmp_path / "backup", tmp_path / "restored")
    stored = (other.data / "livepin.sqlite3").read_bytes()
    assert b"alice@example.com" in stored
    for name in ("master.keys", "secret.key"):
        assert (one.data / "keys" / name).read_bytes().strip() not in stored


@pytest.mark.parametrize("damage", ["cut", "changed", "header", "swapped", "other key"])
def test_a_damaged_backup_restores_nothing(one: Installation, tmp_path: Path, damage: str) -> None:
    file, keys = tmp_path / "backup", tmp_path / "keys"
    answer(one, "server", "backup", str(file))
    shutil.copytree(one.data / "keys", keys)
    head, _, body = file.read_bytes().partition(b"\n")
    changed = {
        "cut": head + b"\n" + body[:-10],
        "changed": head + b"\n" + body[:-1] + bytes([body[-1] ^ 1]),
        "header": head.replace(b'"sqlite"', b'"sqlite" ') + b"\n" + body,
        "swapped": head + b"\n" + body[4:] + body[:4],
        "other key": file.read_bytes(),
    }[damage]
    file.write_bytes(changed)
    if damage == "other key":
        next((keys / "backups").iterdir()).write_text("00" * 32)
    other = Installation(tmp_path / "restored")
    done = other.livepin("server", "restore", str(file), "--keys", str(keys), status=3)
    assert "[backup_invalid]" in done.stderr
    assert not other.data.exists() or list(other.data.iterdir()) == []


def test_restoring_never_overwrites(one: Installation, tmp_path: Path) -> None:
    answer(one, "server", "backup", str(tmp_path / "backup"))
    before = (one.data / "livepin.sqlite3").read_bytes()
    done = one.livepin("server", "restore", str(tmp_path / "backup"), "--keys", str(one.data / "keys"), status=3)
    assert "[restore_refused]" in done.stderr
    assert (one.data / "livepin.sqlite3").read_bytes() == before
    assert "[file_unwritable]" in one.livepin("server", "backup", str(tmp_path / "backup"), status=3).stderr


def test_an_old_backup_cannot_be_opened_any_more(one: Installation, tmp_path: Path) -> None:
    one.settings["LIVEPIN_SERVER_GRACE_DAYS"] = "14"
    answer(one, "server", "backup", str(tmp_path / "backup"))
    assert answer(one, "server", "purge")["backups"] == []
    key = next((one.data / "keys" / "backups").iterdir())
    key.rename(key.with_name(f"20200101T000000Z-{key.name.partition('-')[2]}"))
    assert len(answer(one, "server", "purge")["backups"]) == 1
    assert list((one.data / "keys" / "backups").iterdir()) == []
    other = Installation(tmp_path / "restored")
    done = other.livepin("server", "restore", str(tmp_path / "backup"), "--keys", str(one.data / "keys"), status=3)
    assert "[backup_expired]" in done.stderr


# ---------------------------------------------------------------- checks


def test_a_healthy_installation_has_no_findings(acme: Installation) -> None:
    assert findings(acme, status=0) == []


def change(installation: Installation, code: str) -> None:
    installation.run(f"from livepin.server.models import *\n{code}")


FAULTS: dict[str, tuple[str, str]] = {
    "audit entry changed": (
        "e = AuditEntry.objects.filter(organization__identifier='acme', number=2)\ne.update(target='other')",
        "entry 2 does not follow",
    ),
    "audit entry removed": (
        "AuditEntry.objects.filter(organization__identifier='acme', number=2).delete()",
        "entry 2 does not follow",
    ),
    "audit end cut off": ("AuditEntry.objects.order_by('-number').first().delete()", "it ends at"),
    "revision changed": (
        "r = Revision.objects.get()\nr.text = r.text[:-4] + ('AAAA' if r.text[-4:] != 'AAAA' else 'BBBB')\nr.save()",
        "it does not verify (V",
    ),
    "revision renumbered": ("Revision.objects.update(serial=7)", "a number or digest that is not its own"),
    "key of another": (
        "k = Key.objects.get()\nk.sealed = k.sealed[:-4] + 'AAAA'\nk.save()",
        "the key does not open",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_was_changed_in_the_database_is_found(one: Installation, fault: str) -> None:
    code, told = FAULTS[fault]
    change(one, code)
    assert any(told in what for _, what in findings(one)), findings(one)


def test_an_origin_that_is_not_up_to_date_is_found(one: Installation) -> None:
    text = pointer(one).read_bytes()
    publish(one, 2)
    pointer(one).write_bytes(text)
    assert findings(one) == [("origin", "it serves 0.1; the newest is 0.2")]
    pointer(one).unlink()
    assert findings(one) == [("origin", "it serves no document of this project; the newest is 0.2")]


def test_a_damaged_database_is_found(one: Installation) -> None:
    with sqlite3.connect(one.data / "livepin.sqlite3") as database:
        database.execute("PRAGMA foreign_keys=OFF")
        database.execute("DELETE FROM livepin_organization WHERE identifier = 'acme'")
    assert any(part == "database" for part, _ in findings(one))


# ---------------------------------------------------------------- master keys


def master_keys(installation: Installation) -> list[str]:
    return (installation.data / "keys" / "master.keys").read_text().split()


def test_another_master_key_seals_everything_and_the_old_one_is_gone(one: Installation) -> None:
    (old,) = master_keys(one)
    seed = one.run(FACTOR).strip()
    assert answer(one, "server", "rotate-master-key")["moved"] == 2
    (new,) = master_keys(one)
    assert new != old
    assert one.run(PROVE.replace("{seed}", seed)) == "True\n"
    assert findings(one, status=0) == []
    assert publish(one, 2).startswith("published 0.2 ")


def test_an_interrupted_rotation_is_gone_on_with(one: Installation) -> None:
    one.run("from livepin.server import keyring; keyring.add_master(config)")
    new, _ = master_keys(one)
    assert findings(one, status=0) == []
    assert publish(one, 2).startswith("published 0.2 ")
    assert answer(one, "server", "rotate-master-key")["moved"] == 1
    assert master_keys(one) == [new]
    assert findings(one, status=0) == []


def test_with_the_operators_own_master_keys_the_first_one_seals(one: Installation) -> None:
    (old,) = master_keys(one)
    one.settings["LIVEPIN_SERVER_MASTER_KEYS"] = f"{'08' * 32} {old}"
    assert answer(one, "server", "rotate-master-key")["moved"] == 1
    one.settings["LIVEPIN_SERVER_MASTER_KEYS"] = "08" * 32
    assert findings(one, status=0) == []


# ---------------------------------------------------------------- settings and ways in


def test_settings_are_shown_without_secrets(one: Installation) -> None:
    one.settings["LIVEPIN_SERVER_METRICS_TOKEN"] = "hush hush"
    done = one.livepin("server", "settings")
    assert "hush" not in done.stdout
    assert '"(set)"' in done.stdout
    assert str(one.data) in done.stdout


def test_the_commands_want_an_installation(tmp_path: Path) -> None:
    done = Installation(tmp_path / "nowhere").livepin("server", "check", status=3)
    assert "there is no such data folder" in done.stderr


def test_somebody_is_let_in_again(one: Installation) -> None:
    code = answer(one, "server", "account", "new")["code"]
    claim = f"accounts.claim({code!r}, 'bob@example.com', 'another good password')"
    one.run(f"from livepin.server.actions import accounts\n{claim}")
    code = answer(one, "server", "account", "sign-in", "bob@example.com")["code"]
    redeem = f"accounts.redeem({code!r}, 'cli').text"
    assert one.run(f"from livepin.server.actions import accounts\nprint({redeem})").startswith("lvp_")
    done = answer(one, "server", "account", "sign-out", "bob@example.com", "--forget-second-factors")
    assert done["factors_forgotten"] is True
