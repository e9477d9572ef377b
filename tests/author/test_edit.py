"""What a person changes in a project: hosts, pins, denied keys; comments stay."""

from __future__ import annotations

from pathlib import Path

import pytest
import tomlkit

from livepin.author import edit
from livepin.author.draft import PinEntry
from livepin.author.project import Project, ProjectFile
from livepin.errors import ProjectInvalid
from livepin.testing.signing_key import SigningKey
from tests.author.test_project import DIGEST, GOOD, project_file

OTHER = "//////////////////////////////////////////8="
API = "api.example.com"


def saved(file: ProjectFile) -> Project:
    """What the next command will find."""
    file.save()
    return ProjectFile.open(file.path.parent).read()


def digests(project: Project, host: str = API) -> list[str]:
    entry = project.host(host)
    assert entry is not None
    return [pin.digest for pin in entry.pins or ()]


def test_a_new_project(tmp_path: Path) -> None:
    file = ProjectFile(tmp_path / "livepin.toml", tomlkit.document())
    key = {"file": "keys/signing.pem", "public_key": SigningKey.generate().public_key}
    edit.new_project(file, "acme", "shop", {"publish": {"folder": "public"}, "key": key})
    assert edit.set_host(file, API, {})
    assert edit.add_pin(file, API, PinEntry("spki_sha256", DIGEST, source="live"))
    project = saved(file)
    assert (project.organization, project.project, project.life_days) == ("acme", "shop", 30)
    assert digests(project) == [DIGEST]


def test_adding_a_host_and_its_first_pin(tmp_path: Path) -> None:
    file = project_file(tmp_path)
    assert edit.set_host(file, "*.example.org", {"action": "report", "look_at": ["www.example.org"]})
    assert edit.add_pin(file, "*.example.org", PinEntry("cert_sha512", "A" * 86 + "==", "ca"))
    entry = saved(file).host("*.example.org")
    assert entry is not None
    assert (entry.action, entry.look_at, entry.pins) == (
        "report", ("www.example.org",), (PinEntry("cert_sha512", "A" * 86 + "==", "ca"),),
    )  # fmt: skip
    assert "# the blue one" in file.text()


def test_changing_a_host_keeps_its_pins(tmp_path: Path) -> None:
    file = project_file(tmp_path)
    assert not edit.set_host(file, API, {"rollout": 100, "reason": None})
    entry = saved(file).host(API)
    assert entry is not None
    assert (entry.rollout, entry.reason, len(entry.pins or ())) == (100, "", 1)


def test_a_member_that_is_new_goes_before_the_pins_and_not_into_the_last_one(tmp_path: Path) -> None:
    file = project_file(tmp_path, GOOD.replace("rollout = 50\n", ""))
    edit.set_host(file, API, {"rollout": 7})
    entry = saved(file).host(API)
    assert entry is not None
    assert (entry.rollout, digests(file.read())) == (7, [DIGEST])


def test_removing_a_host(tmp_path: Path) -> None:
    file = project_file(tmp_path)
    edit.remove_host(file, API)
    assert [entry.host for entry in saved(file).hosts] == ["legacy.example.com"]
    edit.remove_host(file, "legacy.example.com")
    assert saved(file).hosts == ()
    edit.set_host(file, API, {})
    assert [entry.host for entry in saved(file).hosts] == [API]


def test_a_pin_with_a_window_and_a_note(tmp_path: Path) -> None:
    file = project_file(tmp_path)
    pin = PinEntry("spki_sha256", OTHER, "leaf", 1800000000, 1900000000, "ours, from the safe", "typed")
    assert edit.add_pin(file, API, pin)
    entry = saved(file).host(API)
    assert entry is not None
    assert entry.pins is not None
    assert entry.pins[1] == pin
    assert "2027-01-15T08:00:00Z" in file.text()


def test_the_same_pin_is_added_once_for_each_position(tmp_path: Path) -> None:
    file = project_file(tmp_path)
    assert not edit.add_pin(file, API, PinEntry("spki_sha256", DIGEST, "any"))
    assert edit.add_pin(file, API, PinEntry("spki_sha256", DIGEST, "leaf"))
    assert digests(saved(file)) == [DIGEST, DIGEST]


def test_pins_that_are_written_in_one_line(tmp_path: Path) -> None:
    key = SigningKey.generate().public_key
    inline = f'organization = "a"\nproject = "b"\n[key]\npublic_key = "{key}"\n[[host]]\nhost = "{API}"\n'
    file = project_file(tmp_path, inline + f'action = "enforce"\npins = [{{ spki_sha256 = "{DIGEST}" }}]\n')
    assert edit.add_pin(file, API, PinEntry("spki_sha256", OTHER))
    assert digests(saved(file)) == [DIGEST, OTHER]


def test_removing_a_pin_by_the_beginning_of_its_digest(tmp_path: Path) -> None:
    file = project_file(tmp_path)
    edit.add_pin(file, API, PinEntry("spki_sha256", OTHER))
    assert edit.remove_pin(file, API, "////") == OTHER
    assert digests(saved(file)) == [DIGEST]
    assert edit.remove_pin(file, API, DIGEST) == DIGEST
    entry = saved(file).host(API)
    assert entry is not None
    assert entry.pins is None


@pytest.mark.parametrize("prefix", ["BBBB", ""])
def test_a_beginning_that_fits_no_pin_or_several(tmp_path: Path, prefix: str) -> None:
    file = project_file(tmp_path)
    edit.add_pin(file, API, PinEntry("spki_sha256", OTHER))
    with pytest.raises(ProjectInvalid) as raised:
        edit.remove_pin(file, API, prefix)
    assert raised.value.code == "entry_missing"


def test_what_is_not_there_cannot_be_changed(tmp_path: Path) -> None:
    file = project_file(tmp_path)
    for change in (
        lambda: edit.remove_host(file, "x.example.com"),
        lambda: edit.add_pin(file, "x.example.com", PinEntry("spki_sha256", OTHER)),
        lambda: edit.change_deny(file, "x.example.com", add=[OTHER]),
        lambda: edit.change_deny(file, None, remove=OTHER),
    ):
        with pytest.raises(ProjectInvalid) as raised:
            change()
        assert raised.value.code == "entry_missing"


def test_denying_a_key_everywhere_and_for_one_host(tmp_path: Path) -> None:
    file = project_file(tmp_path)
    assert edit.change_deny(file, None, add=[OTHER])
    assert not edit.change_deny(file, None, add=[DIGEST])
    assert edit.change_deny(file, API, add=[OTHER, OTHER])
    project = saved(file)
    entry = project.host(API)
    assert entry is not None
    assert (project.deny, entry.deny) == ((DIGEST, OTHER), (DIGEST, OTHER))
    edit.change_deny(file, None, remove=DIGEST)
    edit.change_deny(file, None, remove=OTHER)
    assert saved(file).deny == ()


def test_denying_a_key_in_a_file_without_a_document_table(tmp_path: Path) -> None:
    key = SigningKey.generate().public_key
    file = project_file(tmp_path, f'organization = "a"\nproject = "b"\n[key]\npublic_key = "{key}"\n')
    assert edit.change_deny(file, None, add=[OTHER])
    assert saved(file).deny == (OTHER,)
