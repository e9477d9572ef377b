"""The objects of a project are removed from an origin."""

from __future__ import annotations

from pathlib import Path

import pytest

from livepin.core.strictjson import MAX_INTEGER
from livepin.publish import withdrawal
from livepin.publish.origins.folder import FolderOrigin
from livepin.publish.places import pointer_key, revision_key, statement_key


@pytest.fixture
def origin(tmp_path: Path) -> FolderOrigin:
    """Two projects; `shop` has revisions that nobody here knows, below one that is known."""
    origin = FolderOrigin(tmp_path)
    for project in ("shop", "other"):
        for key in (pointer_key("acme", project), statement_key("acme", project)):
            origin.replace(key, b"text", lambda _: None)
        for serial in (1, 2, 3):
            origin.create(revision_key("acme", project, 0, serial), b"text")
    return origin


def test_everything_of_a_project_goes_and_nothing_of_another(origin: FolderOrigin, tmp_path: Path) -> None:
    assert withdrawal.remove([origin], "acme", "shop", [(0, 3)]) == 3
    left = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.jws"))
    assert left == [f"acme/other/{name}" for name in ("0.1.jws", "0.2.jws", "0.3.jws", "fresh.jws", "pins.jws")]
    assert withdrawal.remove([origin], "acme", "shop", [(0, 3)]) == 0


def test_a_serial_that_a_thief_drove_to_the_maximum_is_removed_too(
    origin: FolderOrigin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(withdrawal, "MOST_SERIALS", 10)
    origin.create(revision_key("acme", "shop", 0, MAX_INTEGER), b"his")
    assert withdrawal.remove([origin], "acme", "shop", [(0, MAX_INTEGER)]) == 4
