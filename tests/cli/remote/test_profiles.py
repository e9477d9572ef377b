"""Profiles: where they are, who may read them, and which project a command works on."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from livepin.cli import profiles
from livepin.cli.api import checked_url
from livepin.cli.profiles import Profile, Profiles
from livepin.cli.where import Where, audience, profile_of
from livepin.errors import InputInvalid, Unauthenticated

WORK = Profile("work", "https://livepin.example.com", "acme/shop", token="lvp_work")
HOME = Profile("home", "https://home.example.com", token="lvp_home")


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration folder of its own, and no settings of whoever runs the tests."""
    for name in ("LIVEPIN_SERVER", "LIVEPIN_TOKEN", "LIVEPIN_PROJECT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "config" / "livepin" / "profiles.toml"


class TestTheFile:
    def test_what_is_kept_is_found_again(self, config: Path) -> None:
        Profiles().with_profile(WORK).with_profile(HOME).save()
        assert profiles.load() == Profiles("work", {"work": WORK, "home": HOME})

    def test_nobody_else_can_read_it_from_its_first_moment(self, config: Path) -> None:
        before = os.umask(0)
        try:
            Profiles().with_profile(WORK).save()
        finally:
            os.umask(before)
        assert config.stat().st_mode & 0o777 == 0o600
        assert config.parent.stat().st_mode & 0o777 == 0o700

    @pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
    def test_one_that_others_can_read_or_write_is_not_used(self, config: Path, mode: int) -> None:
        Profiles().with_profile(WORK).save()
        config.chmod(mode)
        with pytest.raises(InputInvalid, match="profiles_unusable"):
            profiles.load()

    @pytest.mark.parametrize(
        "text",
        [
            "default = ",
            "default = 1",
            "strange = 1",
            '[profiles.work]\nproject = "a/b"',
            '[profiles.work]\nurl = "http://example.com"',
            '[profiles.work]\nurl = "https://example.com"\npassword = "x"',
        ],
    )
    def test_a_broken_one_is_told_and_shows_no_token(self, config: Path, text: str) -> None:
        Profiles().with_profile(WORK).save()
        config.write_text(f'{text}\n[profiles.other]\nurl = "https://example.com"\ntoken = "lvp_secret"\n')
        with pytest.raises(InputInvalid, match="profiles_unusable") as refused:
            profiles.load()
        assert "lvp_secret" not in str(refused.value)

    def test_a_profile_shows_its_token_to_nobody(self) -> None:
        assert "lvp_work" not in repr(WORK)
        assert "lvp_work" not in repr(WORK.api())


class TestUrls:
    @pytest.mark.parametrize(
        ("given", "kept"),
        [
            ("https://livepin.example.com", "https://livepin.example.com"),
            ("https://livepin.example.com/", "https://livepin.example.com"),
            ("https://example.com:8443/pins/", "https://example.com:8443/pins"),
            ("https://example.com/api/v1", "https://example.com"),
            ("http://127.0.0.1:8470", "http://127.0.0.1:8470"),
            ("http://localhost:8470/", "http://localhost:8470"),
        ],
    )
    def test_what_a_token_may_be_sent_to(self, given: str, kept: str) -> None:
        assert checked_url(given) == kept

    @pytest.mark.parametrize(
        "url",
        [
            "http://livepin.example.com",
            "http://localhost.evil.example",
            "http://127.evil.example",
            "ftp://example.com",
            "example.com",
            "https://",
            "https://alice:hunter2@example.com",
            "https://@example.com",
            "https://example.com?token=hunter2",
            "https://example.com#hunter2",
            "https://example.com:port",
            "https://exa mple.com",
            "https://example.com/\n",
            "https://exämple.com",
        ],
    )
    def test_what_it_may_not_be_sent_to(self, url: str) -> None:
        with pytest.raises(InputInvalid, match="server_url_invalid") as refused:
            checked_url(url)
        assert "hunter2" not in str(refused.value)


class TestWhich:
    """The table of docs/cli.md, row by row."""

    @pytest.fixture(autouse=True)
    def _known(self, config: Path) -> None:
        Profiles().with_profile(WORK).with_profile(HOME).save()

    def test_a_named_server(self) -> None:
        assert profile_of(Where(Path(), server="home")) == HOME

    def test_a_named_project_is_on_the_default_server(self) -> None:
        found = profile_of(Where(Path(), project="acme/other"))
        assert found == WORK
        assert audience(Where(Path(), project="acme/other"), WORK) == ("acme", "other")

    def test_a_named_folder_whatever_the_environment_says(self) -> None:
        assert profile_of(Where(Path("there"), named=True), {"LIVEPIN_SERVER": "home"}) is None

    def test_the_server_of_the_environment(self) -> None:
        Path("livepin.toml").touch()
        assert profile_of(Where(Path()), {"LIVEPIN_SERVER": "home"}) == HOME
        variables = {"LIVEPIN_SERVER": "https://ci.example.com/", "LIVEPIN_TOKEN": "lvp_ci\n", "LIVEPIN_PROJECT": "a/b"}
        assert profile_of(Where(Path()), variables) == Profile("", "https://ci.example.com", "a/b", token="lvp_ci")

    def test_the_token_of_the_environment_is_for_no_other_server(self) -> None:
        assert profile_of(Where(Path(), server="home"), {"LIVEPIN_TOKEN": "lvp_ci"}) == HOME

    def test_a_project_file_here(self) -> None:
        Path("livepin.toml").touch()
        assert profile_of(Where(Path())) is None

    def test_else_the_default_profile_if_it_has_a_project(self) -> None:
        assert profile_of(Where(Path())) == WORK
        profiles.load().with_profile(HOME, default=True).save()
        assert profile_of(Where(Path())) is None

    def test_who_has_no_profiles_notices_nothing(self, config: Path) -> None:
        config.unlink()
        assert profile_of(Where(Path())) is None

    def test_a_profile_without_a_project_asks_for_one(self) -> None:
        with pytest.raises(InputInvalid, match="project_unnamed"):
            audience(Where(Path()), HOME)

    def test_signed_out(self) -> None:
        profiles.load().with_profile(Profile("work", WORK.url, WORK.project)).save()
        found = profile_of(Where(Path()))
        assert found is not None
        with pytest.raises(Unauthenticated, match="signed_out"):
            found.api()

    def test_a_profile_that_nobody_knows(self) -> None:
        with pytest.raises(InputInvalid, match="profile_missing"):
            profile_of(Where(Path(), server="nobody"))
