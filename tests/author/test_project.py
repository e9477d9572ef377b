"""The project file as a person writes it, and what is said when it is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from livepin.author.files import names_a_file
from livepin.author.project import ProjectFile
from livepin.author.signers.places import PemPlace
from livepin.errors import ProjectInvalid
from livepin.testing.signing_key import SigningKey

KEY = SigningKey.generate().public_key
DIGEST = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

GOOD = f"""
# our shop
organization = "acme"
project = "shop"

[document]
life_days = 60
refresh_after = 300
unlisted = "report"
deny = ["{DIGEST}"]

[publish]
folder = "site"
url = "https://pins.example.com/"

[key]
file = "keys/anchor.pem"
public_key = "{KEY}"

[look]
ca = "ca.pem"
proxy = "http://proxy.example:3128"

[[host]]
host = "api.example.com"
action = "enforce"
rollout = 50
when_expired = "allow"
reason = "devices without a clock"
deny = ["{DIGEST}"]
look_at = ["api.example.com:8443"]
address = "192.0.2.1:8443"
ct = {{ action = "report", policy = "chrome", operators = ["Example"], logs = ["{DIGEST}"] }}

[[host.pins]]
spki_sha256 = "{DIGEST}"  # the blue one
position = "any"
from = 2026-11-23T12:00:00+01:00
until = 2027-01-31
note = "blue"
source = "live"

[[host]]
host = "legacy.example.com"
action = "off"
"""


def project_file(directory: Path, text: str = GOOD) -> ProjectFile:
    (directory / "livepin.toml").write_text(text, "utf-8")
    return ProjectFile.open(directory)


def test_everything_that_it_may_say(tmp_path: Path) -> None:
    project = project_file(tmp_path).read()
    assert (project.organization, project.project) == ("acme", "shop")
    assert (project.life_days, project.refresh_after, project.unlisted) == (60, 300, "report")
    assert (project.folder, project.url) == ("site", "https://pins.example.com/")
    assert project.signer == PemPlace("keys/anchor.pem", "keys/anchor.pem")
    assert (project.anchors, project.threshold, project.keyset_file) == ((project.public_key,), 1, "")
    assert (project.ca, project.proxy, project.deny) == ("ca.pem", "http://proxy.example:3128", (DIGEST,))
    assert project.path(project.folder) == tmp_path / "site"
    first, second = project.hosts
    assert (first.host, first.action, first.rollout, first.when_expired) == ("api.example.com", "enforce", 50, "allow")
    assert (first.look_at, first.address) == (("api.example.com:8443",), "192.0.2.1:8443")
    assert first.ct == {"action": "report", "policy": "chrome", "operators": ["Example"], "logs": [DIGEST]}
    assert first.pins is not None
    pin = first.pins[0]
    assert (pin.member, pin.digest, pin.position, pin.note, pin.source) == (
        "spki_sha256", DIGEST, "any", "blue", "live",
    )  # fmt: skip
    assert (pin.start, pin.end) == (1795431600, 1801353600)
    assert (second.host, second.action, second.pins) == ("legacy.example.com", "off", None)
    assert project.host("legacy.example.com") == second
    assert project.host("other.example.com") is None


def test_the_least_that_it_must_say(tmp_path: Path) -> None:
    project = project_file(tmp_path, f'organization = "a"\nproject = "b"\n[key]\npublic_key = "{KEY}"\n').read()
    assert (project.life_days, project.refresh_after, project.unlisted, project.folder) == (30, None, "allow", "public")
    assert project.hosts == ()


def test_saving_keeps_every_comment_and_every_byte(tmp_path: Path) -> None:
    file = project_file(tmp_path)
    file.save()
    assert (tmp_path / "livepin.toml").read_text("utf-8") == GOOD
    assert [path.name for path in tmp_path.iterdir()] == ["livepin.toml"]


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("rollout = 50", "rolout = 50", "host[0].rolout is unknown"),
        ("rollout = 50", "rollout = 101", "host[0].rollout is not an integer from 0 to 100"),
        ("rollout = 50", "rollout = true", "host[0].rollout is not an integer from 0 to 100"),
        ('action = "enforce"', 'action = "warn"', "host[0].action is not one of enforce, report, off"),
        ('action = "enforce"', "", "host[0].action is missing"),
        ('action = "enforce"', "action = 1", "host[0].action is not a string"),
        ('"api.example.com"\n', '"API.example.com"\n', "host[0].host ('API.example.com') is no pattern"),
        ('"legacy.example.com"', '"api.example.com"', "host has one pattern twice"),
        ("from = 2026-11-23T12:00:00+01:00", "from = 2026-11-23T12:00:00", "host[0].pins[0].from is not a date with"),
        ("until = 2027-01-31", 'until = "tomorrow"', "host[0].pins[0].until is not a date"),
        ("spki_sha256 =", "sha256 =", "host[0].pins[0] needs one of spki_sha256"),
        ('note = "blue"', f'note = "blue"\ncert_sha256 = "{DIGEST}"', "host[0].pins[0] needs one of spki_sha256"),
        ('organization = "acme"', 'organization = "ac me"', "organization is not an ID"),
        ('organization = "acme"', "", "organization is missing"),
        ("life_days = 60", "life_days = 0", "document.life_days is not an integer"),
        ("refresh_after = 300", "refresh_after = 86401", "document.refresh_after is not an integer"),
        (f'deny = ["{DIGEST}"]\n\n', "deny = 7\n\n", "document.deny is not an array of strings"),
        ('[look]\nca = "ca.pem"', "[look]\nca = 5", "look.ca is not a string"),
        (f'public_key = "{KEY}"', 'public_key = "secret"', "key.public_key is"),
        ("[publish]", "[publishing]", "publishing is unknown"),
        ("[[host]]", "[host]", "host"),
        ('ct = { action = "report"', 'ct = { action = "maybe"', "host[0].ct.action is not one of"),
        ("[key]\n", "[key]\nfil = 1\n", "key.fil is unknown"),
        ("[key]\n", '[key]\nsigner = "detached:"\n', "key.signer stands beside file"),
        ('file = "keys/anchor.pem"', 'signer = "token"\nfil = 1', "key.fil is unknown"),
        ('file = "keys/anchor.pem"', 'signer = "pkcs11:token=a"', "key.signer is no signer"),
        ("[key]\n", '[trust]\nanchors = ["x"]\n[key]\n', "trust.anchors is not a public key"),
        ("[key]\n", f'[trust]\nanchors = ["{KEY}", "{KEY}"]\n[key]\n', "trust.anchors has one key twice"),
        ("[key]\n", "[trust]\nthreshold = 2\n[key]\n", "trust.threshold is more than the 1 anchors"),
        ("[key]\n", "[trust]\nthreshold = 0\n[key]\n", "trust.threshold is not an integer from 1 to 8"),
        ("# our shop", "organization = [", "not TOML"),
    ],
)
def test_a_fault_is_told_with_its_place(tmp_path: Path, old: str, new: str, why: str) -> None:
    assert old in GOOD
    with pytest.raises(ProjectInvalid) as raised:
        project_file(tmp_path, GOOD.replace(old, new)).read()
    assert why in raised.value.message
    assert raised.value.where == str(tmp_path / "livepin.toml")
    assert raised.value.hint


def test_what_is_pasted_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text("")
    assert names_a_file(str(tmp_path / "key.pem"))
    assert not any(names_a_file(text) for text in (str(tmp_path), "x" * 5000, "a\0b", ""))


def test_a_folder_without_a_project(tmp_path: Path) -> None:
    with pytest.raises(ProjectInvalid) as raised:
        ProjectFile.open(tmp_path)
    assert raised.value.code == "project_missing"


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "livepin.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ProjectInvalid) as raised:
        ProjectFile.open(tmp_path)
    assert raised.value.code == "file_unreadable"


def test_what_cannot_be_staged_is_not_written(tmp_path: Path) -> None:
    file = project_file(tmp_path)
    file.toml["organization"] = "not an ID"
    with pytest.raises(ProjectInvalid):
        file.save()
    assert (tmp_path / "livepin.toml").read_text("utf-8") == GOOD


def test_a_folder_that_is_gone_when_it_is_written(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    file = project_file(home)
    home.rename(tmp_path / "moved")
    with pytest.raises(ProjectInvalid) as raised:
        file.save()
    assert raised.value.code == "file_unwritable"
