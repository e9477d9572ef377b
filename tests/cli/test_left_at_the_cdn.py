"""Somebody can write to the CDN, and has a key besides: one that was revoked, or one anchor of two.

What he leaves there is not taken over by whoever publishes from files, and holds nobody up.
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from livepin.cli.desk import Desk
from livepin.cli.drills import thief
from livepin.cli.drills.thief import HIGHEST, Hand
from livepin.core.trust import verify_held
from tests.cli.shell import ANCHOR_PASSPHRASE, PASSPHRASE, Shell

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
FOLDER, POINTER = Path("public/acme/shop"), Path("public/acme/shop/pins.jws")
HIS_PIN = "EhISEhISEhISEhISEhISEhISEhISEhISEhISEhISEhI="
FIRST, SECOND = "../drawer/shop.pem", "../drawer/second.pem"


@pytest.fixture
def two(keyed: Shell) -> Shell:
    """Two anchors, one is asked for; 1.2 is published under a key set that both have signed."""
    keyed.livepin("anchor", "new", SECOND)
    keyed.livepin("anchor", "add", "../drawer/second.pub.pem")
    keyed.livepin("keyset", "countersign", "--anchor", SECOND)
    keyed.livepin("publish")
    return keyed


def text_at(shell: Shell) -> str:
    return (shell.directory / POINTER).read_text("ascii")


def leave(shell: Shell, text: str) -> None:
    """What he does."""
    (shell.directory / POINTER).write_text(text, "ascii")
    (shell.directory / FOLDER / "pins.jws.gz").unlink(missing_ok=True)


def anchor_of(shell: Shell, place: str = FIRST) -> Hand:
    return thief.stolen(shell.directory / place, ANCHOR_PASSPHRASE)


def revoke_the_first_anchor(shell: Shell) -> str:
    """Another machine does it; here, both anchors are still what applications embed. The text that was published."""
    first, second = anchor_of(shell), anchor_of(shell, SECOND)
    before = (shell.directory / "livepin.toml").read_text()
    shell.livepin("keyset", "revoke", first.public.thumbprint, "--anchor", SECOND)
    assert len(Desk.open(shell.directory).trust.anchors) == 1
    (shell.directory / "livepin.toml").write_text(before)
    assert Desk.open(shell.directory).trust.anchors.keys() == {first.public.thumbprint, second.public.thumbprint}
    shell.livepin("publish")
    return text_at(shell)


def his_document(like: str, anchor: Hand, epoch: int) -> str:
    key = thief.own()
    return thief.document(like, key, HIS_PIN, keys=[thief.key_set(like, anchor, key, epoch)])


@pytest.mark.parametrize("epoch", [3, HIGHEST])
def test_a_revoked_anchor_holds_nobody_up(two: Shell, epoch: int) -> None:
    genuine = revoke_the_first_anchor(two)
    leave(two, his_document(genuine, anchor_of(two), epoch))
    two.livepin("deny", "add", "ab" * 32)
    assert HIS_PIN not in two.livepin("diff").out
    done = two.json("publish")
    assert (done["epoch"], done["serial"]) == (2, 2)
    assert HIS_PIN not in str(two.json("show")["payload"])
    # Nor does he decide on the next epoch, which has an end.
    leave(two, his_document(genuine, anchor_of(two), epoch))
    assert two.json("keyset", "rotate", "--anchor", SECOND)["epoch"] == 3
    assert two.json("publish")["serial"] == 1


@pytest.mark.parametrize("epoch", [1, 2, HIGHEST])
def test_one_anchor_of_two_holds_nobody_up(two: Shell, epoch: int) -> None:
    two.livepin("anchor", "threshold", "2")
    genuine = text_at(two)
    leave(two, his_document(genuine, anchor_of(two), epoch))
    two.livepin("deny", "add", "ab" * 32)
    done = two.json("publish")
    assert (done["epoch"], done["serial"]) == (1, 3)
    leave(two, his_document(genuine, anchor_of(two), epoch))
    both = ("--anchor", FIRST, "--anchor", SECOND)
    rotated = two.json("keyset", "rotate", *both)
    # What one anchor signed may be from before two were asked for, so it counts, within reason.
    assert rotated["epoch"] == {1: 2, 2: 3, HIGHEST: 2}[epoch]
    assert two.json("publish")["serial"] == 1


def test_a_key_set_of_a_lower_epoch_takes_nothing_back(keyed: Shell) -> None:
    stolen = thief.stolen(keyed.directory / "keys" / "signing.pem", PASSPHRASE)
    earlier = text_at(keyed)
    keyed.livepin("keyset", "revoke", "signing", "--anchor", FIRST)
    keyed.livepin("publish")
    for his in (thief.document(earlier, stolen, HIS_PIN), earlier):
        leave(keyed, his)
        keyed.livepin("deny", "add", f"{len(his):064x}")
        done = keyed.json("publish")
        assert done["epoch"] == 2
        assert verify_held(text_at(keyed), Desk.open(keyed.directory).trust).number == (2, done["serial"])
        assert HIS_PIN not in str(keyed.json("show")["payload"])


def test_a_stolen_key_under_the_new_key_set_is_not_believed(keyed: Shell) -> None:
    stolen = thief.stolen(keyed.directory / "keys" / "signing.pem", PASSPHRASE)
    keyed.livepin("keyset", "revoke", "signing", "--anchor", FIRST)
    keyed.livepin("publish")
    leave(keyed, thief.document(text_at(keyed), stolen, HIS_PIN))
    keyed.livepin("deny", "add", "ab" * 32)
    assert keyed.json("publish")["serial"] == 2


def test_what_a_revoked_key_signed_is_no_roll_back_unless_it_is_in_the_drawer(keyed: Shell) -> None:
    stolen = thief.stolen(keyed.directory / "keys" / "signing.pem", PASSPHRASE)
    genuine = text_at(keyed)
    keyed.livepin("keyset", "revoke", "signing", "--anchor", FIRST)
    keyed.livepin("publish")
    # Under a number that was never used, and over one that is lost here.
    his = thief.document(genuine, stolen, HIS_PIN, serial=7)
    (keyed.directory / FOLDER / "1.7.jws").write_text(his, "ascii")
    assert "revoked" in keyed.json("rollback", "1.7", status=3)["error"]["message"]
    assert keyed.json("rollback", "1.1")["serial"] == 2, "our own is in the drawer"
    (keyed.directory / "revisions" / "1.1.jws").unlink()
    assert keyed.json("rollback", "1.1", status=3)["error"]["code"] == "revision_missing"


def test_no_statement_prolongs_what_somebody_put_there(keyed: Shell) -> None:
    """A timer signs with a refresh key, whoever changed the pointer."""
    stolen = thief.stolen(keyed.directory / "keys" / "signing.pem", PASSPHRASE)
    keyed.livepin("keys", "new", "refresh")
    keyed.livepin("keyset", "rotate", "--keep-key", "--refresh-key", "refresh", "--anchor", FIRST)
    file = keyed.directory / "livepin.toml"
    file.write_text(file.read_text().replace("[document]\n", "[document]\nextendable_days = 60\n"))
    keyed.livepin("publish")
    older = text_at(keyed)
    keyed.livepin("deny", "add", "ab" * 32)
    keyed.livepin("publish")
    newer = text_at(keyed)
    keyed.livepin("freshness", "publish", "--life-hours", "800")
    leave(keyed, older)
    assert "not the newest" in keyed.json("freshness", "publish", status=1)["error"]["message"]
    # A machine that signs statements and nothing else knows what it has prolonged.
    drawer = keyed.directory / "revisions"
    for path in drawer.glob("*.jws"):
        path.unlink()
    leave(keyed, newer)
    keyed.livepin("freshness", "publish", "--life-hours", "900")
    leave(keyed, older)
    assert "not the newest" in keyed.json("freshness", "publish", "--life-hours", "999", status=1)["error"]["message"]
    # And what a revoked key signs, with a number above all others.
    keyed.livepin("keyset", "revoke", "signing", "--anchor", FIRST)
    now = int(time.time())
    his = thief.document(newer, stolen, HIS_PIN, expires_at=now + 60, extendable_until=now + 86_400)
    leave(keyed, his)
    assert "revokes" in keyed.json("freshness", "publish", status=1)["error"]["message"]
