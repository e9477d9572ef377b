"""A server's draft as a project file: nothing is lost, and nothing of one's own either."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from livepin.author import edit, pulled
from livepin.author.draft import Draft, HostEntry, PinEntry
from livepin.author.project import ProjectFile, Pulled
from livepin.testing.signing_key import SigningKey
from tests.author.test_project import project_file

DIGEST, OTHER = "q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=", "zc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc0="
PINS = (
    PinEntry("spki_sha256", DIGEST, note="from the safe", source="typed", start=1_800_000_000, end=1_900_000_000),
    PinEntry("spki_sha256", OTHER, "ca", source="live"),
)
EVERYTHING = HostEntry(
    "**.example.com",
    "report",
    PINS,
    (OTHER,),
    25,
    "allow",
    "nobody depends on it",
    {"action": "report", "policy": "chrome", "operators": ["google"]},
    ("a.example.com:8443", "b.example.com"),
    "192.0.2.1:8443",
)
HOSTS = (
    EVERYTHING,
    HostEntry("api.example.com", "enforce", PINS),
    HostEntry("nothing.example.com", "enforce", ()),
    HostEntry("off.example.com", "off"),
)
DRAFT = Draft("acme", "shop", 14, 300, "report", (DIGEST,), HOSTS)


def settings() -> dict[str, dict[str, str]]:
    return {"publish": {"folder": "public"}, "key": {"public_key": SigningKey.generate().public_key}}


def test_everything_that_a_draft_says_is_in_the_file(tmp_path: Path) -> None:
    found = pulled.new_file(tmp_path, DRAFT, settings()).save()
    for name in ("organization", "project", "life_days", "refresh_after", "unlisted", "deny", "hosts"):
        assert getattr(found, name) == getattr(DRAFT, name), name
    assert pulled.digest_of(found) == pulled.digest_of(DRAFT)


def test_a_file_that_is_there_keeps_what_is_its_own(tmp_path: Path) -> None:
    file = pulled.new_file(tmp_path, DRAFT, settings())
    file.save()
    text = file.path.read_text("utf-8").replace(
        'host = "api.example.com"', 'host = "api.example.com"  # ask Carol before touching this'
    )
    file.path.write_text(text.replace('folder = "public"', 'folder = "/srv/origin"  # nginx'), "utf-8")
    file = ProjectFile.open(tmp_path)
    after = replace(
        DRAFT,
        refresh_after=None,
        unlisted="allow",
        deny=(),
        hosts=(replace(EVERYTHING, rollout=100), HOSTS[1], HostEntry("new.example.com", "off")),
    )
    pulled.put_draft(file, after)
    pulled.put_mark(file, Pulled("https://livepin.example.com", 17, pulled.digest_of(after)))
    found = file.save()
    assert pulled.digest_of(found) == pulled.digest_of(after)
    assert found.pulled == Pulled("https://livepin.example.com", 17, pulled.digest_of(after))
    said = file.path.read_text("utf-8")
    assert "# ask Carol before touching this" in said
    assert "# nginx" in said
    assert found.folder == "/srv/origin"


def test_drafts_are_told_apart_by_what_they_say_and_not_by_their_order(tmp_path: Path) -> None:
    assert pulled.digest_of(replace(DRAFT, hosts=HOSTS[::-1])) == pulled.digest_of(DRAFT)
    for other in (
        replace(DRAFT, life_days=15),
        replace(DRAFT, refresh_after=None),
        replace(DRAFT, deny=()),
        replace(DRAFT, hosts=HOSTS[1:]),
        replace(DRAFT, hosts=(replace(EVERYTHING, reason=""), *HOSTS[1:])),
        replace(DRAFT, hosts=(*HOSTS[:1], replace(HOSTS[1], pins=PINS[::-1]), *HOSTS[2:])),
    ):
        assert pulled.digest_of(other) != pulled.digest_of(DRAFT)


def test_a_mark_is_moved_on(tmp_path: Path) -> None:
    file = project_file(tmp_path)
    for version in (1, 2):
        pulled.put_mark(file, Pulled("https://livepin.example.com", version, "x"))
        assert file.save().pulled == Pulled("https://livepin.example.com", version, "x")
    edit.set_host(file, "later.example.com", {"action": "off"})
    assert file.save().host("later.example.com") is not None
