"""An operator gives the store a directory, and an attacker on the same machine would like a say in it."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from livepin.client.directory import default_directory, private_directory
from livepin.errors import StoreUnusable

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="modes and owners are POSIX")
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can make files that belong to others")


def refusal(path: Path) -> str:
    with pytest.raises(StoreUnusable) as caught:
        private_directory(path)
    assert caught.value.code == "store_unusable"
    return caught.value.message


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# ---------------------------------------------------------------- which one


@pytest.mark.skipif(sys.platform == "win32", reason="other variables there")
def test_the_directory_is_where_the_environment_says() -> None:
    assert default_directory({"LIVEPIN_STORE": "/srv/pins", "XDG_STATE_HOME": "/x"}) == Path("/srv/pins")
    assert default_directory({"XDG_STATE_HOME": "/x"}) == Path("/x/livepin")
    at_home = Path.home() / ".local" / "state" / "livepin"
    assert default_directory({}) == at_home
    assert default_directory({"LIVEPIN_STORE": "", "XDG_STATE_HOME": "relative"}) == at_home


def test_a_user_without_a_home_is_told_to_name_a_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr("pwd.getpwuid", _no_such_user)
    with pytest.raises(StoreUnusable, match="LIVEPIN_STORE"):
        default_directory({})
    assert "~" in refusal(Path("~/store"))


def _no_such_user(number: int) -> object:
    raise KeyError(number)


# ---------------------------------------------------------------- what is made


def test_the_directory_and_those_above_it_are_made_for_this_user_alone(private_place: Path) -> None:
    wanted = private_place / "state" / "livepin"
    assert private_directory(wanted) == wanted.resolve()
    assert [mode(wanted), mode(wanted.parent)] == [0o700, 0o700]


def test_a_directory_that_others_could_read_is_closed(private_place: Path) -> None:
    store = private_place / "store"
    store.mkdir()
    store.chmod(0o755)
    private_directory(store)
    assert mode(store) == 0o700


def test_a_relative_path_and_one_with_dots_lead_where_they_say(
    private_place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(private_place)
    assert private_directory(Path("a/../b")) == private_place.resolve() / "b"


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize("open_to", [0o770, 0o707, 0o777, 0o1777, 0o720, 0o702])
def test_a_directory_that_others_can_write_to_is_not_used_and_not_repaired(private_place: Path, open_to: int) -> None:
    store = private_place / "store"
    store.mkdir()
    store.chmod(open_to)
    assert "others can write" in refusal(store)
    assert mode(store) == open_to


@pytest.mark.parametrize(("open_to", "why"), [(0o777, "others can write"), (0o1777, "shared temporary")])
def test_a_directory_above_that_others_can_write_to_is_enough(private_place: Path, open_to: int, why: str) -> None:
    (private_place / "above").mkdir()
    (private_place / "above").chmod(open_to)
    wanted = private_place / "above" / "mine" / "store"
    assert why in refusal(wanted)
    assert not wanted.parent.exists()


@pytest.mark.parametrize("shared", ["/tmp/livepin-store", "/var/tmp/livepin-store", "/dev/shm/livepin-store", "/tmp"])
def test_a_shared_temporary_directory_is_never_used(shared: str) -> None:
    if not Path(shared).parent.is_dir():
        pytest.skip("there is none on this system")
    existed = Path(shared).exists()
    refusal(Path(shared))
    assert Path(shared).exists() == existed


def test_a_private_directory_below_a_shared_temporary_directory_is_not_used_either(tmp_path: Path) -> None:
    if not str(tmp_path.resolve()).startswith(("/tmp/", "/var/tmp/")):
        pytest.skip("temporary directories are elsewhere here")
    (tmp_path / "store").mkdir(mode=0o700)
    assert "shared temporary directory" in refusal(tmp_path / "store")


def test_a_symbolic_link_is_not_used_as_the_directory(private_place: Path) -> None:
    (private_place / "real").mkdir(mode=0o700)
    (private_place / "store").symlink_to("real")
    assert "symbolic link" in refusal(private_place / "store")


def test_a_link_above_is_followed_and_everything_on_its_way_is_looked_at(private_place: Path, tmp_path: Path) -> None:
    (private_place / "disk" / "state").mkdir(parents=True)
    (private_place / "link").symlink_to("./disk/../disk/state")
    assert private_directory(private_place / "link" / "store") == (private_place / "disk/state/store").resolve()

    (private_place / "absolute").symlink_to(private_place.resolve() / "disk")
    private_directory(private_place / "absolute" / "store")

    (tmp_path / "back").symlink_to(private_place.resolve() / "disk")
    (private_place / "through").symlink_to(tmp_path / "back")
    if str(tmp_path.resolve()).startswith("/tmp/"):
        assert "shared temporary directory" in refusal(private_place / "through" / "store")


def test_links_that_go_in_circles_are_refused(private_place: Path) -> None:
    (private_place / "a").symlink_to("b")
    (private_place / "b").symlink_to("a")
    assert "too many symbolic links" in refusal(private_place / "a" / "store")


def test_a_file_in_the_place_of_a_directory_is_refused(private_place: Path) -> None:
    (private_place / "file").touch(mode=0o600)
    assert refusal(private_place / "file")
    assert refusal(private_place / "file" / "store")


@as_root
def test_a_directory_of_another_user_is_not_used(private_place: Path) -> None:
    for foreign in ("store", "above"):
        (private_place / foreign).mkdir(mode=0o700)
        os.chown(private_place / foreign, 65534, 65534)
    assert "belongs to user 65534" in refusal(private_place / "store")
    assert "belongs to user 65534" in refusal(private_place / "above" / "store")


@as_root
def test_a_link_of_another_user_is_not_followed(private_place: Path) -> None:
    (private_place / "real").mkdir()
    (private_place / "link").symlink_to("real")
    os.chown(private_place / "link", 65534, 65534, follow_symlinks=False)
    assert "belongs to user 65534" in refusal(private_place / "link" / "store")


@pytest.mark.skipif(os.geteuid() == 0, reason="the system's directories belong to root")
def test_a_directory_of_the_system_is_not_used() -> None:
    assert "belongs to user 0" in refusal(Path("/usr"))


def test_a_home_that_the_users_own_group_can_write_to_is_fine(private_place: Path) -> None:
    import grp
    import pwd

    user = pwd.getpwuid(os.geteuid())
    if grp.getgrgid(user.pw_gid).gr_name != user.pw_name or grp.getgrgid(user.pw_gid).gr_mem not in (
        [],
        [user.pw_name],
    ):
        pytest.skip("this user has no group of its own")
    (private_place / "home").mkdir()
    os.chown(private_place / "home", -1, user.pw_gid)
    (private_place / "home").chmod(0o775)
    private_directory(private_place / "home" / "store")


@as_root
def test_a_home_that_another_group_can_write_to_is_not(private_place: Path) -> None:
    (private_place / "home").mkdir()
    os.chown(private_place / "home", -1, 65534)
    (private_place / "home").chmod(0o770)
    assert "others can write" in refusal(private_place / "home" / "store")
    os.chown(private_place / "home", -1, 4_000_000)
    assert "others can write" in refusal(private_place / "home" / "store")
