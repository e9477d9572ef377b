"""The contract of an origin, for every implementation; and what is special about a folder."""

from __future__ import annotations

import gzip
import multiprocessing
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from livepin.errors import OriginFailed, PublishRefused
from livepin.publish.origins.folder import FolderOrigin
from livepin.publish.origins.origin import Origin
from tests.publish.broken import BrokenOrigin

KEY = "acme/shop/pins.jws"
IMMUTABLE = "acme/shop/0.1.jws"

#: Every implementation, made in an empty directory.
ORIGINS: dict[str, Callable[[Path], Origin]] = {
    "folder": FolderOrigin,
    "broken, but not now": lambda path: BrokenOrigin(FolderOrigin(path)),
}


def always(present: bytes | None) -> None:
    """Anything may be replaced."""


@pytest.fixture(params=list(ORIGINS))
def origin(request: pytest.FixtureRequest, tmp_path: Path) -> Origin:
    return ORIGINS[request.param](tmp_path / "public")


class TestEveryOrigin:
    def test_nothing_is_there_at_first(self, origin: Origin) -> None:
        assert origin.read(KEY) is None
        assert origin.name

    def test_an_object_is_created_once(self, origin: Origin) -> None:
        assert origin.create(IMMUTABLE, b"first")
        assert not origin.create(IMMUTABLE, b"second")
        assert origin.read(IMMUTABLE) == b"first"

    def test_of_many_at_once_exactly_one_creates(self, origin: Origin) -> None:
        start, won = threading.Barrier(8), []

        def create(number: int) -> None:
            start.wait()
            if origin.create(IMMUTABLE, b"%d" % number * 1000):
                won.append(number)

        threads = [threading.Thread(target=create, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(won) == 1
        assert origin.read(IMMUTABLE) == b"%d" % won[0] * 1000

    def test_the_pointer_is_replaced(self, origin: Origin) -> None:
        seen: list[bytes | None] = []
        origin.replace(KEY, b"one", seen.append)
        origin.replace(KEY, b"two", seen.append)
        assert origin.read(KEY) == b"two"
        assert seen == [None, b"one"]

    def test_a_refusal_changes_nothing(self, origin: Origin) -> None:
        origin.replace(KEY, b"one", always)

        def refuse(present: bytes | None) -> None:
            raise PublishRefused("origin_ahead", f"{present!r} is newer")

        with pytest.raises(PublishRefused):
            origin.replace(KEY, b"two", refuse)
        assert origin.read(KEY) == b"one"

    def test_replacing_by_the_same_is_safe(self, origin: Origin) -> None:
        for _ in range(3):
            origin.replace(KEY, b"one", always)
        assert origin.read(KEY) == b"one"

    def test_what_is_removed_is_gone_and_removing_it_again_is_safe(self, origin: Origin) -> None:
        origin.create(IMMUTABLE, b"first")
        origin.replace(KEY, b"one", always)
        for key in (KEY, IMMUTABLE, KEY, "acme/shop/0.7.jws"):
            origin.remove(key)
        assert origin.read(KEY) is None
        assert origin.read(IMMUTABLE) is None

    def test_what_is_not_removed_stays(self, origin: Origin) -> None:
        origin.create(IMMUTABLE, b"first")
        origin.create("acme/shop/0.2.jws", b"second")
        origin.remove(IMMUTABLE)
        assert origin.read("acme/shop/0.2.jws") == b"second"


class TestFolder:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        return tmp_path / "public"

    @pytest.fixture
    def origin(self, folder: Path) -> FolderOrigin:
        return FolderOrigin(folder, clock=lambda: 1_795_000_000.9)

    def files(self, folder: Path) -> list[str]:
        return sorted(path.name for path in (folder / KEY).parent.iterdir())

    def test_nothing_but_the_objects_is_left_lying(self, origin: FolderOrigin, folder: Path) -> None:
        origin.create(IMMUTABLE, b"one")
        origin.create(IMMUTABLE, b"two")
        origin.replace(KEY, b"one", always)
        origin.replace(KEY, b"two", always)
        assert self.files(folder) == ["0.1.jws", "pins.jws", "pins.jws.gz"]

    def test_everybody_may_read_and_only_the_owner_write(self, folder: Path) -> None:
        before = os.umask(0o077)
        try:
            FolderOrigin(folder).create(IMMUTABLE, b"one")
            FolderOrigin(folder).replace(KEY, b"one", always)
        finally:
            os.umask(before)
        assert {path.stat().st_mode & 0o777 for path in folder.rglob("*") if path.is_file()} == {0o644}
        assert {path.stat().st_mode & 0o777 for path in (folder, *folder.rglob("*")) if path.is_dir()} == {0o755}

    def test_contents_of_one_size_in_one_second_differ_in_time(self, origin: FolderOrigin, folder: Path) -> None:
        times, copies = [], []
        for number in range(4):
            origin.replace(KEY, b"%d" % number, always)
            times.append((folder / KEY).stat().st_mtime_ns)
            copies.append((folder / f"{KEY}.gz").stat().st_mtime_ns)
        assert times == copies == [(1_795_000_000 + number) * 10**9 for number in range(4)]

    def test_a_clock_that_was_wound_back(self, origin: FolderOrigin, folder: Path) -> None:
        origin.replace(KEY, b"one", always)
        FolderOrigin(folder, clock=lambda: 5.0).replace(KEY, b"two", always)
        assert (folder / KEY).stat().st_mtime == 1_795_000_001

    def test_the_same_content_keeps_its_time(self, origin: FolderOrigin, folder: Path) -> None:
        origin.replace(KEY, b"one", always)
        origin.replace(KEY, b"one", always)
        assert (folder / KEY).stat().st_mtime == 1_795_000_000

    def test_the_gzipped_copy_is_the_same_everywhere(self, origin: FolderOrigin, folder: Path, tmp_path: Path) -> None:
        origin.replace(KEY, b"one" * 100, always)
        FolderOrigin(tmp_path / "elsewhere", clock=lambda: 7.0).replace(KEY, b"one" * 100, always)
        copies = [(base / f"{KEY}.gz").read_bytes() for base in (folder, tmp_path / "elsewhere")]
        assert copies[0] == copies[1]
        assert gzip.decompress(copies[0]) == b"one" * 100

    def test_a_copy_that_is_missing_or_old_is_repaired(self, origin: FolderOrigin, folder: Path) -> None:
        origin.replace(KEY, b"one", always)
        copy = folder / f"{KEY}.gz"
        for damage in (copy.unlink, lambda: copy.write_bytes(gzip.compress(b"old"))):
            damage()
            origin.replace(KEY, b"one", always)
            assert gzip.decompress((folder / f"{KEY}.gz").read_bytes()) == b"one"

    def test_at_no_instant_does_the_copy_say_something_else(
        self, origin: FolderOrigin, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Every change of a name in the folder is an instant at which a reader may come, or the power go."""
        origin.replace(KEY, b"one", always)
        pointer, copy = folder / KEY, folder / f"{KEY}.gz"
        instants: list[tuple[bytes, bytes | None]] = []

        def look() -> None:
            instants.append((pointer.read_bytes(), gzip.decompress(copy.read_bytes()) if copy.exists() else None))

        def watched(name: str) -> None:
            original = getattr(Path, name)

            def then_look(self: Path, *arguments: object, **given: object) -> object:
                result = original(self, *arguments, **given)
                look()
                return result

            monkeypatch.setattr(Path, name, then_look)

        for name in ("replace", "unlink"):
            watched(name)
        origin.replace(KEY, b"two", always)
        assert instants == [(b"one", None), (b"two", None), (b"two", b"two")]

    def test_a_crash_between_any_two_steps_is_repaired_by_the_next_publish(
        self, origin: FolderOrigin, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for crash_at in range(20):
            origin.replace(KEY, b"old %d" % crash_at, always)
            calls = 0

            def sync(descriptor: int, crash_at: int = crash_at) -> None:
                nonlocal calls
                calls += 1
                if calls > crash_at:
                    raise KeyboardInterrupt  # what a crash looks like from inside: nothing more is done

            with monkeypatch.context() as patch:
                patch.setattr(os, "fsync", sync)
                try:
                    origin.replace(KEY, b"new %d" % crash_at, always)
                    assert calls <= crash_at
                    return
                except KeyboardInterrupt:
                    pass
            copy = folder / f"{KEY}.gz"
            assert not copy.exists() or gzip.decompress(copy.read_bytes()) == (folder / KEY).read_bytes()
            origin.replace(KEY, b"new %d" % crash_at, always)
            assert gzip.decompress(copy.read_bytes()) == (folder / KEY).read_bytes() == b"new %d" % crash_at
        raise AssertionError("it never ran to its end")

    def test_publishers_of_one_machine_wait_for_each_other(self, folder: Path) -> None:
        """Each adds one to what is there: without the lock two would add to the same."""
        FolderOrigin(folder).replace(KEY, b"0", always)
        context = multiprocessing.get_context("fork")
        workers = [context.Process(target=_add_one_many_times, args=(folder,)) for _ in range(3)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        assert int((folder / KEY).read_bytes()) == 30

    def test_nothing_is_left_of_a_project_that_was_removed(self, origin: FolderOrigin, folder: Path) -> None:
        origin.create(IMMUTABLE, b"one")
        origin.replace(KEY, b"one", always)
        origin.create("acme/other/0.1.jws", b"other")
        for key in (KEY, IMMUTABLE):
            origin.remove(key)
        assert [path.name for path in folder.rglob("*")] == ["acme", "other", "0.1.jws"]
        origin.remove("acme/other/0.1.jws")
        assert list(folder.rglob("*")) == []

    def test_a_folder_that_cannot_be_written(self, tmp_path: Path) -> None:
        (tmp_path / "public").write_text("a file where the folder belongs")
        origin = FolderOrigin(tmp_path / "public")
        for act in (
            lambda: origin.create(IMMUTABLE, b""),
            lambda: origin.replace(KEY, b"", always),
            lambda: origin.read(KEY),
        ):
            with pytest.raises(OriginFailed) as raised:
                act()
            assert raised.value.where.startswith(str(tmp_path / "public"))


def _add_one_many_times(folder: Path) -> None:
    origin, done = FolderOrigin(folder), 0
    while done < 10:
        before = origin.read(KEY)

        def unchanged(present: bytes | None, before: bytes | None = before) -> None:
            if present != before:
                raise PublishRefused("origin_ahead", "somebody was faster")

        try:
            origin.replace(KEY, b"%d" % (int(before or b"0") + 1), unchanged)
        except PublishRefused:
            continue
        done += 1
