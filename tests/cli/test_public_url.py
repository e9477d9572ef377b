"""Publishing with a public URL: what applications get is what counts."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from livepin.testing.origin import Origin
from livepin.testing.publisher import DocumentAuthority
from tests.cli.conftest import Service
from tests.cli.shell import Shell

POINTER = "acme/shop/pins.jws"


@pytest.fixture
def cdn(shell: Shell) -> Iterator[Origin]:
    """Serves the project's folder."""
    with Origin(shell.directory / "public") as origin:
        yield origin


@pytest.fixture
def served(project: Shell, cdn: Origin) -> Shell:
    """A project whose file names the URL."""
    set_url(project, cdn.base_url)
    return project


def set_url(project: Shell, url: str) -> None:
    path = project.directory / "livepin.toml"
    lines = [line for line in path.read_text("utf-8").splitlines() if not line.startswith("url =")]
    lines.insert(lines.index('folder = "public"') + 1, f'url = "{url}"')
    path.write_text("\n".join(lines) + "\n", "utf-8")


def test_from_nothing_to_a_confirmed_document(shell: Shell, cdn: Origin, service: Service) -> None:
    arguments = ["--address", service.place, "--ca", str(service.ca), "--url", cdn.base_url]
    answer = shell.json("init", "acme/shop", "api.example.com", *arguments)
    assert answer["confirmed"] is True
    assert answer["configuration_url"] == cdn.base_url
    assert f'configuration_url="{cdn.base_url}"' in answer["python"]
    assert shell.livepin("verify", cdn.url(POINTER)).out.endswith("an application would use it\n")


def test_init_without_anybody_who_serves_the_folder_yet(shell: Shell, service: Service) -> None:
    """The folder is usually uploaded after the first command: what is not confirmed is told, and is no failure."""
    arguments = ["--address", service.place, "--ca", str(service.ca), "--url", "http://127.0.0.1:1/", "--timeout", "1"]
    answer = shell.json("init", "acme/shop", "api.example.com", *arguments)
    assert answer["confirmed"] is False
    assert answer["problem"]["code"] == "not_confirmed"
    assert (shell.directory / "public" / POINTER).exists()


def test_publish_waits_until_applications_get_it(served: Shell, cdn: Origin) -> None:
    answer = served.json("publish")
    assert (answer["serial"], answer["confirmed"], answer["url"]) == (2, True, cdn.url(POINTER))
    assert all(request.path.partition("?")[2] == "" for request in cdn.requests)


@pytest.mark.slow
def test_a_cdn_that_does_not_follow_is_told_and_the_same_bytes_are_confirmed_later(served: Shell) -> None:
    set_url(served, "http://127.0.0.1:1/")
    served.livepin("host", "set", "api.example.com", "--rollout", "50")
    answer = served.json("publish", "--timeout", "1", status=5)
    assert (answer["serial"], answer["confirmed"], answer["problem"]["code"]) == (2, False, "not_confirmed")
    before = served.files()
    # Again, and still nobody: the same bytes, without a further signature, hence without a passphrase.
    assert "NOT CONFIRMED" in served.livepin("publish", "--timeout", "1", status=5, LIVEPIN_PASSPHRASE="").out
    assert served.json("publish", "--no-confirm", LIVEPIN_PASSPHRASE="")["confirmed"] is None
    after = served.files()
    assert {name for name in after if after[name] != before.get(name)} == {"revisions/journal.jsonl"}


@pytest.fixture
def stubborn(served: Shell) -> Iterator[Origin]:
    """A CDN that serves what it was given once, whatever the folder says."""
    with Origin() as origin:
        origin.put(POINTER, (served.directory / "public" / POINTER).read_bytes())
        set_url(served, origin.base_url)
        yield origin


@pytest.mark.slow
def test_a_number_that_only_the_cdn_remembers_is_not_used_again(served: Shell, stubborn: Origin) -> None:
    """The whole machine was restored from a backup; the CDN still has what was published since (it must not fork)."""
    for rollout in ("10", "20"):
        served.livepin("host", "set", "api.example.com", "--rollout", rollout)
        served.livepin("publish", "--no-confirm")
    stubborn.put(POINTER, (served.directory / "public" / POINTER).read_bytes())
    for folder in ("public", "revisions"):
        shutil.rmtree(served.directory / folder)
    assert served.json("diff")["published"] == "0.3"
    assert served.json("publish", "--no-confirm")["serial"] == 4


def test_what_the_url_serves_instead_is_told(served: Shell, stubborn: Origin) -> None:
    stubborn.put(POINTER, DocumentAuthority("acme", "shop").sign())
    answer = served.json("diff")
    assert answer["published"] == "0.1"
    assert "unknown_key" in answer["notes"][0]
    problem = served.json("doctor", status=1)["examinations"][-1]
    assert (problem["name"], problem["ok"]) == ("public URL", False)
    assert "V3" in problem["detail"]


@pytest.mark.slow
def test_a_cdn_that_serves_an_old_revision(served: Shell, stubborn: Origin) -> None:
    assert served.json("publish", "--timeout", "1", status=5)["problem"]["message"].endswith("it still serves 0.1")
    detail = served.json("doctor", status=1)["examinations"][-1]["detail"]
    assert detail.endswith("serves 0.1, the folder holds 0.2")


def test_doctor_finds_a_project_in_good_health(served: Shell, cdn: Origin) -> None:
    answer = served.json("doctor")
    assert answer["healthy"] is True
    assert answer["examinations"][-1]["detail"] == f"{cdn.url(POINTER)} serves 0.1, fresh"


def test_a_url_that_is_the_document_itself(project: Shell, cdn: Origin) -> None:
    cdn.put("my/own.jws", (project.directory / "public" / POINTER).read_bytes())
    set_url(project, cdn.url("my/own.jws"))
    assert project.json("doctor")["healthy"] is True
    assert project.json("embed")["configuration_url"] == cdn.url("my/own.jws")


def test_the_folder_holds_nothing_but_documents(served: Shell) -> None:
    served.livepin("publish")
    names = sorted(path.name for path in (served.directory / "public").rglob("*") if path.is_file())
    assert names == ["0.1.jws", "0.2.jws", "pins.jws", "pins.jws.gz"]
    assert Path(served.directory / "public" / "acme" / "shop" / "pins.jws").stat().st_mode & 0o777 == 0o644
