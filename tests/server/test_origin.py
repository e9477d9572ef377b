"""An application asks the origin that the server serves itself, and an attacker does."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from livepin.publish.origins.folder import FolderOrigin
from livepin.server.origin import OriginServer

POINTER, REVISION = "acme/shop/pins.jws", "acme/shop/0.1.jws"


class Asked:
    """One request to the origin, without a socket."""

    def __init__(self, folder: Path, path: str, method: str = "GET", **headers: str) -> None:
        environ = {"REQUEST_METHOD": method, "PATH_INFO": path, **{f"HTTP_{k.upper()}": v for k, v in headers.items()}}
        self.body = b"".join(OriginServer(folder)(environ, self._respond))

    def _respond(self, status: str, headers: list[tuple[str, str]]) -> None:
        self.status = int(status.split()[0])
        self.headers = dict(headers)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "origin"
    origin = FolderOrigin(folder)
    origin.create(REVISION, b"the first revision")
    origin.replace(POINTER, b"the first revision", lambda present: None)
    (tmp_path / "secret").write_text("not for you")
    return folder


def test_a_document_is_served_as_what_it_is(folder: Path) -> None:
    pointer, revision = Asked(folder, f"/{POINTER}"), Asked(folder, f"/{REVISION}")
    assert (pointer.status, pointer.body) == (200, b"the first revision")
    assert pointer.headers["Content-Type"] == "application/jose"
    assert pointer.headers["Cache-Control"].startswith("public, max-age=60, stale-while-revalidate")
    assert revision.headers["Cache-Control"] == "public, max-age=31536000, immutable"


def test_a_freshness_statement_is_served_and_asked_for_as_often_as_the_pointer(folder: Path) -> None:
    assert Asked(folder, "/acme/shop/fresh.jws").status == 404
    FolderOrigin(folder).replace("acme/shop/fresh.jws", b"still the newest", lambda present: None)
    statement, pointer = Asked(folder, "/acme/shop/fresh.jws"), Asked(folder, f"/{POINTER}")
    assert (statement.status, statement.body) == (200, b"still the newest")
    assert statement.headers["Cache-Control"] == pointer.headers["Cache-Control"]


def test_head_says_the_same_without_the_document(folder: Path) -> None:
    got, head = Asked(folder, f"/{POINTER}"), Asked(folder, f"/{POINTER}", "HEAD")
    assert (head.status, head.headers, head.body) == (200, got.headers, b"")


def test_what_did_not_change_is_not_sent_again(folder: Path) -> None:
    tag = Asked(folder, f"/{POINTER}").headers["ETag"]
    for header in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = Asked(folder, f"/{POINTER}", if_none_match=header)
        assert (again.status, again.body, again.headers["ETag"]) == (304, b"", tag), header
    assert Asked(folder, f"/{POINTER}", if_none_match='"other"').status == 200


def test_another_content_of_one_size_and_time_is_another_document(folder: Path) -> None:
    path = folder / POINTER
    tag, times = Asked(folder, f"/{POINTER}").headers["ETag"], path.stat()
    path.write_bytes(b"the other revision")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    again = Asked(folder, f"/{POINTER}", if_none_match=tag)
    assert (again.status, again.body) == (200, b"the other revision")


def test_who_takes_gzip_gets_it_with_a_tag_of_its_own(folder: Path) -> None:
    plain, packed = Asked(folder, f"/{POINTER}"), Asked(folder, f"/{POINTER}", accept_encoding="br, GZIP;q=0.8")
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body
    assert packed.headers["ETag"] != plain.headers["ETag"]
    assert packed.headers["Vary"] == "Accept-Encoding"
    for header in ("gzip;q=0", "gzip; q=0.0", "identity", "notgzip"):
        assert "Content-Encoding" not in Asked(folder, f"/{POINTER}", accept_encoding=header).headers


ELSEWHERE = [
    "/", "", "/acme", "/acme/shop/", "/acme/shop", "/acme/shop/pins.jws.gz", "/acme/shop/.pins.jws.new",
    "//acme/shop/pins.jws", "/acme/../secret", "/acme/shop/../../../secret", "/../secret/pins.jws",
    "/acme/shop/..%2f..%2fsecret", "/./shop/pins.jws", "/acme/shop/00.1.jws", "/acme/shop/0.0.jws",
    "/acme/shop/0.1.jws\n", "/acme/shop/pins.jws/", "/acme/shop\0/pins.jws", "/acme/shop/PINS.JWS",
    "/acme/shop/٠.1.jws", "/acme/" + "a" * 65 + "/pins.jws",
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(ELSEWHERE)))
def test_nothing_else_can_be_read(folder: Path, number: int) -> None:
    answer = Asked(folder, ELSEWHERE[number])
    assert (answer.status, answer.body) == (404, b"")


def test_a_link_is_not_followed(folder: Path, tmp_path: Path) -> None:
    (folder / "acme" / "linked").symlink_to(folder / "acme" / "shop")
    (folder / "acme" / "shop" / "0.2.jws").symlink_to(tmp_path / "secret")
    (folder / "acme" / "shop" / "0.3.jws").mkdir()
    os.mkfifo(folder / "acme" / "shop" / "0.4.jws")
    for path in ("/acme/linked/pins.jws", "/acme/shop/0.2.jws", "/acme/shop/0.3.jws", "/acme/shop/0.4.jws"):
        assert Asked(folder, path).status == 404, path


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PROPFIND"])
def test_it_only_reads(folder: Path, method: str) -> None:
    answer = Asked(folder, f"/{POINTER}", method)
    assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")
