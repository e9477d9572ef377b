"""An operator writes settings: in the environment, in a file, in files of secrets."""

from __future__ import annotations

import json
import re
from dataclasses import MISSING, fields
from pathlib import Path

import pytest

from livepin.errors import ConfigurationError
from livepin.server.config import SECRETS, Config, load, masked

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "server.md").read_text("utf-8")
PAGE = PAGE.partition("## Settings\n")[2].partition("\n## ")[0]
ROWS = dict(re.findall(r"^\| `([a-z_]+)` \| (.*?) \|", PAGE, re.MULTILINE))
D = {"LIVEPIN_SERVER_DATA": "/srv/livepin"}


def test_every_setting_is_on_the_page_with_its_default() -> None:
    assert sorted(ROWS) == sorted(one.name for one in fields(Config))
    for one in fields(Config):
        default = "" if one.default in (MISSING, "", (), Path()) else one.default
        text = ", ".join(default) if isinstance(default, tuple) else json.dumps(default).strip('"')
        assert ROWS[one.name].startswith(f"`{text}`" if text else "–"), one.name


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "livepin.toml"
    file.write_text('data = "/srv/a"\nthreads = 3\nworkers = 2\nroles = ["api", "jobs"]\n')
    config = load({"LIVEPIN_SERVER_CONFIG": str(file), "LIVEPIN_SERVER_THREADS": "5", "UNRELATED": "1"})
    assert (config.data, config.threads, config.workers, config.roles) == (Path("/srv/a"), 5, 2, ("api", "jobs"))


def test_a_secret_comes_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("the secret\n")
    assert load({**D, "LIVEPIN_SERVER_SECRET_KEY_FILE": str(tmp_path / "secret")}).secret_key == "the secret"
    file = tmp_path / "livepin.toml"
    file.write_text(f'data = "/srv/a"\nmail_url_file = "{tmp_path}/secret"\n')
    assert load({"LIVEPIN_SERVER_CONFIG": str(file)}).mail_url == "the secret"


def test_a_server_on_loopback_knows_its_own_addresses() -> None:
    config = load({**D, "LIVEPIN_SERVER_LISTEN": "127.0.0.1:9000"})
    assert (config.public_url, config.origin_url) == ("http://localhost:9000", "http://127.0.0.1:8471/")
    assert load({**D, "LIVEPIN_SERVER_LISTEN": "0.0.0.0:9000"}).public_url == ""


REFUSED = {
    "no data": {},
    "unknown": {**D, "LIVEPIN_SERVER_COLOUR": "red"},
    "no file of a plain one": {**D, "LIVEPIN_SERVER_LISTEN_FILE": "/x"},
    "http": {**D, "LIVEPIN_SERVER_PUBLIC_URL": "http://pins.example.com"},
    "database": {**D, "LIVEPIN_SERVER_DATABASE_URL": "mysql://db/x"},
    "master key": {**D, "LIVEPIN_SERVER_MASTER_KEYS": "tooshort"},
    "grace": {**D, "LIVEPIN_SERVER_GRACE_DAYS": "30"},
    "truth": {**D, "LIVEPIN_SERVER_LOOK_PRIVATE": "maybe"},
}


@pytest.mark.parametrize("fault", REFUSED)
def test_what_cannot_be_is_refused(fault: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(REFUSED[fault])
    assert caught.value.code == "configuration_invalid"


def test_secrets_are_never_shown() -> None:
    texts = dict.fromkeys(SECRETS, "hush hush") | {
        "master_keys": "07" * 32,
        "database_url": "postgresql://u:hush@h/n",
    }
    config = load({**D, **{f"LIVEPIN_SERVER_{name.upper()}": text for name, text in texts.items()}})
    shown = json.dumps(masked(config)) + repr(config)
    assert "hush" not in shown
    assert "0707" not in shown
