"""An application restarts, shares its store with other processes, and finds it broken by all that happens to disks."""

from __future__ import annotations

import json
import os
import re
import resource
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

from livepin.client import store as store_module
from livepin.client.store import DiskStore, MemoryStore, Store
from livepin.errors import StoreUnusable
from tests.client.conftest import REPOSITORY
from tests.client.store_writer import number_of

NOBODY = 65534


def disk(
    place: Path, *, organization: str = "acme", anchors: tuple[str, ...] = ("a", "b"), threshold: int = 1
) -> DiskStore:
    return DiskStore(place, organization, "shop", anchors, threshold)


def always(kept: str | None) -> bool:
    return True


def longer_than_kept(text: str) -> Callable[[str | None], bool]:
    """Stands in for the comparison of revisions: a longer text is a higher one."""
    return lambda kept: len(text) > len(kept or "")


def document_file(place: Path) -> Path:
    (file,) = place.glob("*.jws")
    return file


@pytest.fixture(params=["disk", "memory"])
def store(request: pytest.FixtureRequest) -> Store:
    """Every test that takes it runs over every store."""
    if request.param == "memory":
        return MemoryStore()
    place: Path = request.getfixturevalue("private_place")
    return disk(place)


# ---------------------------------------------------------------- every store


def test_nothing_is_kept_at_first(store: Store) -> None:
    kept = store.load()
    assert (kept.text, kept.reason) == (None, "")


def test_what_is_kept_comes_back_byte_by_byte(store: Store) -> None:
    assert store.save("eyJh.eyJi.c2ln", longer_than_kept("eyJh.eyJi.c2ln"))
    assert store.load().text == "eyJh.eyJi.c2ln"


def test_a_lower_document_never_replaces_a_higher_one(store: Store) -> None:
    asked: list[str | None] = []

    def is_higher(kept: str | None) -> bool:
        asked.append(kept)
        return kept is None

    assert store.save("first", is_higher)
    assert not store.save("second", is_higher)
    assert store.load().text == "first"
    assert asked == [None, "first"]


def test_an_error_in_the_comparison_changes_nothing_and_locks_nothing(store: Store) -> None:
    def broken(kept: str | None) -> bool:
        raise ZeroDivisionError

    store.save("first", always)
    with pytest.raises(ZeroDivisionError):
        store.save("second", broken)
    assert store.load().text == "first"
    assert store.save("third", always)


def test_an_installation_has_one_number_that_says_nothing(store: Store) -> None:
    number = store.installation()
    assert re.fullmatch("[0-9a-f]{32}", number)
    assert store.installation() == number


def test_threads_that_save_at_once_leave_the_highest(store: Store) -> None:
    def offer(number: int) -> None:
        text = "x" * number
        store.save(text, longer_than_kept(text))

    threads = [threading.Thread(target=offer, args=(number,)) for number in range(1, 21)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert store.load().text == "x" * 20


# ---------------------------------------------------------------- across restarts


def test_the_document_and_the_number_survive_a_restart(private_place: Path) -> None:
    before = disk(private_place)
    before.save("eyJh.eyJi.c2ln", always)
    number = before.installation()
    after = disk(private_place)
    assert (after.load().text, after.installation()) == ("eyJh.eyJi.c2ln", number)


def test_every_project_and_every_set_of_anchors_has_its_own_floor_and_all_share_the_number(private_place: Path) -> None:
    disk(private_place).save("kept", always)
    same = disk(private_place, anchors=("b", "a", "a"))
    others = [
        disk(private_place, organization="other"),
        disk(private_place, anchors=("a",)),
        disk(private_place, anchors=("a", "b", "c")),
        disk(private_place, threshold=2),
        DiskStore(private_place, "acme", "other", ("a", "b")),
    ]
    assert same.load().text == "kept"
    assert [other.load().text for other in others] == [None] * 5
    assert len({one.installation() for one in (same, *others)}) == 1


def test_names_in_the_directory_reveal_nothing_and_files_belong_to_the_user_alone(private_place: Path) -> None:
    store = disk(private_place, organization="secret-customer")
    store.save("kept", always)
    store.installation()
    names = sorted(path.name for path in private_place.iterdir())
    assert not [name for name in names if not re.fullmatch(r"[0-9a-f]{64}\.(jws|lock)|installation(\.lock)?", name)]
    assert {path.stat().st_mode & 0o777 for path in private_place.iterdir()} == {0o600}


def test_without_a_usable_store_the_number_lasts_as_long_as_the_process() -> None:
    assert MemoryStore().installation() == MemoryStore().installation()
    script = "from livepin.client.store import MemoryStore; print(MemoryStore().installation())"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=20)
    assert ran.stdout.strip() != MemoryStore().installation()


def test_all_who_start_at_the_same_moment_agree_on_the_number(private_place: Path) -> None:
    numbers: list[str] = []
    together = threading.Barrier(8)

    def start() -> None:
        store = disk(private_place)
        together.wait(10)
        numbers.append(store.installation())

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert numbers == [disk(private_place).installation()] * 8


# ---------------------------------------------------------------- broken files


def put(place: Path, data: bytes) -> Path:
    store = disk(place)
    store.save("kept", always)
    file = document_file(place)
    file.write_bytes(data)
    return file


@pytest.mark.parametrize(
    ("data", "why"),
    [(b"", "empty"), (b"eyJh\x00\xff", "ASCII"), ("eyJhé".encode(), "ASCII"), (b"x" * (8 * 1024 * 1024 + 1), "bytes")],
)
def test_a_corrupt_file_is_absent_with_a_reason_and_is_replaced(private_place: Path, data: bytes, why: str) -> None:
    put(private_place, data)
    kept = disk(private_place).load()
    assert kept.text is None
    assert why in kept.reason
    assert disk(private_place).save("better", lambda now: now is None)
    assert disk(private_place).load().text == "better"


def test_a_document_of_the_largest_size_is_kept(private_place: Path) -> None:
    disk(private_place).save("x" * (8 * 1024 * 1024), always)
    assert len(disk(private_place).load().text or "") == 8 * 1024 * 1024


def make_link(file: Path) -> None:
    file.symlink_to(file.parent / "elsewhere")


def make_pipe(file: Path) -> None:
    os.mkfifo(file, 0o600)


@pytest.mark.parametrize("make", [make_link, make_pipe])
def test_a_link_or_a_pipe_in_the_place_of_the_file_is_absent_with_a_reason_and_is_replaced(
    private_place: Path, make: Callable[[Path], None]
) -> None:
    file = put(private_place, b"kept")
    target = private_place / "elsewhere"
    target.write_text("planted")
    file.unlink()
    make(file)
    kept = disk(private_place).load()
    assert kept.text is None
    assert kept.reason
    assert disk(private_place).save("better", always)
    assert disk(private_place).load().text == "better"
    assert target.read_text() == "planted"


def test_a_directory_in_the_place_of_the_file_is_absent_with_a_reason_and_nothing_can_be_kept(
    private_place: Path,
) -> None:
    file = put(private_place, b"kept")
    file.unlink()
    file.mkdir()
    assert disk(private_place).load().reason
    with pytest.raises(StoreUnusable):
        disk(private_place).save("better", always)
    assert not list(private_place.glob("*.new"))


def test_a_file_that_others_could_have_written_is_absent_with_a_reason(private_place: Path) -> None:
    file = put(private_place, b"kept")
    file.chmod(0o622)
    assert "others can write" in disk(private_place).load().reason
    file.chmod(0o600)
    if os.geteuid() == 0:
        os.chown(file, NOBODY, NOBODY)
        assert f"belongs to user {NOBODY}" in disk(private_place).load().reason


@pytest.mark.parametrize("text", ["", "0" * 31, "0" * 33, "G" * 32, "A" * 32, "0" * 32 + "\n", "٣" * 32])
def test_an_installation_number_that_is_none_is_made_again(private_place: Path, text: str) -> None:
    store = disk(private_place)
    (private_place / "installation").write_text(text)
    number = store.installation()
    assert re.fullmatch("[0-9a-f]{32}", number)
    assert disk(private_place).installation() == number


def test_what_a_killed_process_left_behind_is_swept(private_place: Path) -> None:
    store = disk(private_place)
    store.save("kept", always)
    left = document_file(private_place).with_suffix(".new")
    left.write_text("half a docu")
    assert store.save("better", always)
    assert not left.exists()
    assert store.load().text == "better"


# ---------------------------------------------------------------- broken disks and directories


def test_a_directory_that_is_opened_to_others_later_is_not_used_any_more(private_place: Path) -> None:
    store = disk(private_place)
    store.save("kept", always)
    private_place.chmod(0o777)
    for use in (store.load, store.installation, lambda: store.save("x", always)):
        with pytest.raises(StoreUnusable):
            use()
    private_place.chmod(0o700)
    assert store.load().text == "kept"


def test_a_directory_that_was_removed_is_made_again(private_place: Path) -> None:
    store = disk(private_place)
    private_place.rmdir()
    assert store.save("kept", always)
    assert store.load().text == "kept"


def in_a_child(work: Callable[[], None], user: int | None = None) -> None:
    """Run `work` in a forked child (as `user`), and fail if it fails. The child's limits and identity are its own."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # threads of earlier tests do not matter to the child
        child = os.fork()
    if child == 0:
        status = 1
        try:
            if user is not None:
                os.setgid(user)
                os.setuid(user)
            work()
            status = 0
        except BaseException as error:
            os.write(2, repr(error).encode())
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_full_disk_keeps_the_old_document_and_leaves_no_half_file(private_place: Path) -> None:
    disk(private_place).save("kept", always)

    def fill() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
        with pytest.raises(StoreUnusable, match="large"):
            disk(private_place).save("x" * 1000, always)

    in_a_child(fill)
    assert disk(private_place).load().text == "kept"
    assert not list(private_place.glob("*.new"))


def test_a_daemoniser_that_closes_every_descriptor_in_between_is_an_unusable_store(private_place: Path) -> None:
    def close_all(kept: str | None) -> bool:
        os.closerange(3, 1024)
        return True

    def save() -> None:
        with pytest.raises(StoreUnusable, match="Bad file descriptor"):
            disk(private_place).save("x", close_all)

    in_a_child(save)


def test_a_store_that_can_only_be_read_is_read(private_place: Path) -> None:
    store = disk(private_place)
    store.save("kept", always)
    number = store.installation()
    user = NOBODY if os.geteuid() == 0 else None
    if user is not None:
        for path in (private_place, *private_place.iterdir()):
            os.chown(path, user, user)
        if not _reachable_by_others(private_place):
            pytest.skip("the way to the directory is closed to others")
    for file in private_place.iterdir():
        file.chmod(0o400)
    private_place.chmod(0o500)

    def use() -> None:
        only_read = disk(private_place)
        assert only_read.load().text == "kept"
        assert only_read.installation() == number
        with pytest.raises(StoreUnusable):
            only_read.save("better", always)

    in_a_child(use, user)
    private_place.chmod(0o700)


def _reachable_by_others(place: Path) -> bool:
    return all(parent.stat().st_mode & 0o001 for parent in place.resolve().parents)


# ---------------------------------------------------------------- many processes


def test_twenty_processes_share_a_store_and_nothing_is_lost_lowered_or_torn(private_place: Path) -> None:
    disk(private_place)
    count, rounds = 20, 10
    writers = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.client.store_writer", private_place, str(n + 1), str(count), str(rounds)],
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for n in range(count)
    ]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:  # they meet: the last one was ready before the first one begins
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    reports = []
    for writer in writers:
        out, err = writer.communicate(timeout=60)
        assert writer.returncode == 0, err
        reports.append(json.loads(out))
    saved = [number for report in reports for number in report["saved"]]
    assert len(saved) == len(set(saved))
    assert all(report["seen"] == sorted(report["seen"]) for report in reports)
    last = DiskStore(private_place, "acme", "shop", ["thumbprint"], 1)
    assert number_of(last.load().text) == max(saved) == count * rounds
    assert {report["installation"] for report in reports} == {last.installation()}


HOLDER = (
    "import sys, time\n"
    "from livepin.client.store import DiskStore\n"
    "def hold(kept): print('held', flush=True); time.sleep(60)\n"
    "DiskStore(sys.argv[1], 'acme', 'shop', ('a', 'b'), 1).save('x', hold)\n"
)


def hold_the_lock(place: Path) -> subprocess.Popen[str]:
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, place], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    return holder


def test_a_process_that_is_killed_lets_go_of_the_lock(private_place: Path) -> None:
    holder = hold_the_lock(private_place)
    holder.send_signal(signal.SIGKILL)
    holder.communicate(timeout=10)
    assert disk(private_place).save("kept", always)


def test_a_process_that_is_stopped_cannot_stop_the_others(private_place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "PATIENCE", 0.3)
    store = disk(private_place)
    store.save("kept", always)
    holder = hold_the_lock(private_place)
    holder.send_signal(signal.SIGSTOP)
    try:
        started = time.monotonic()
        with pytest.raises(StoreUnusable, match="held the lock"):
            store.save("better", always)
        assert time.monotonic() - started < 8
        assert store.load().text == "kept"  # reading needs no lock
    finally:
        holder.kill()
        holder.communicate(timeout=10)


def test_a_child_forked_while_the_lock_is_held_does_not_keep_it(private_place: Path) -> None:
    store = disk(private_place)
    held, go_on = threading.Event(), threading.Event()

    def hold(kept: str | None) -> bool:
        held.set()
        return go_on.wait(10)

    saving = threading.Thread(target=store.save, args=("first", hold))
    saving.start()
    assert held.wait(30)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        time.sleep(30)
        os._exit(0)
    try:
        go_on.set()
        saving.join(10)
        started = time.monotonic()
        assert store.save("second", always)
        assert time.monotonic() - started < 8
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
