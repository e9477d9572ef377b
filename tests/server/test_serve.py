"""A newcomer starts the server; processes die; the server ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.installation import Installation, ask, installed, left_over, roles_of, wait_until


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Installation]:
    """Nothing is there yet."""
    with installed(tmp_path / "data") as installation:
        yield installation


def test_the_first_start_makes_all_that_it_needs(server: Installation) -> None:
    server.serve()
    assert server.data.stat().st_mode & 0o777 == 0o700
    for name in ("keys/secret.key", "keys/master.keys", "livepin.sqlite3"):
        assert (server.data / name).stat().st_mode & 0o777 == 0o600, name
    assert f"dashboard  http://localhost:{server.port}/" in server.out.read_text()
    assert server.ask("/healthz").json == {"ok": True}
    ready = server.ask("/readyz")
    assert (ready.status, ready.json["ok"]) == (200, True), ready.body
    assert ask(server.origin_port, "/acme/shop/pins.jws").status == 404


@pytest.mark.slow
def test_another_start_finds_everything_as_it_was(server: Installation) -> None:
    server.serve()
    secrets = {path: path.read_bytes() for path in (server.data / "keys").iterdir()}
    server.close()
    server.serve()
    assert {path: path.read_bytes() for path in (server.data / "keys").iterdir()} == secrets


@pytest.mark.slow
def test_asked_to_end_it_ends_with_everybody(server: Installation) -> None:
    process = server.serve()
    assert set(roles_of(process.pid)) == {"http", "jobs", "origin"}
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0
    assert left_over(process.pid) == []


@pytest.mark.slow
@pytest.mark.parametrize("victim", ["http", "jobs", "origin"])
def test_a_killed_role_comes_back_and_hurts_no_other(server: Installation, victim: str) -> None:
    parent = server.serve().pid
    before = roles_of(parent)
    os.kill(before[victim], signal.SIGKILL)
    if victim != "http":
        assert server.answers()
    if victim != "origin":
        assert ask(server.origin_port, "/acme/shop/pins.jws").status == 404
    wait_until(lambda: roles_of(parent).get(victim, before[victim]) != before[victim])
    wait_until(server.answers)
    assert {role: pid for role, pid in roles_of(parent).items() if role != victim} == {
        role: pid for role, pid in before.items() if role != victim
    }


@pytest.mark.slow
def test_a_killed_parent_leaves_nobody_behind(server: Installation) -> None:
    process = server.serve()
    process.kill()
    process.wait()
    wait_until(lambda: left_over(process.pid) == [])


@pytest.mark.slow
def test_each_role_runs_by_itself_on_one_data_folder(server: Installation) -> None:
    jobs = server.serve("--roles", "jobs")
    api = server.serve("--roles", "api")
    assert set(roles_of(jobs.pid)) == {"jobs"}
    assert set(roles_of(api.pid)) == {"http"}
    jobs.kill()
    assert server.answers()


@pytest.mark.slow
def test_several_workers_count_together(server: Installation) -> None:
    server.settings["LIVEPIN_SERVER_WORKERS"] = "2"
    server.serve()
    for _ in range(20):
        assert server.answers()
    lines = server.ask("/metrics").body.decode().splitlines()
    counted = [line for line in lines if line.startswith("livepin_http_requests_total") and 'page="/healthz"' in line]
    assert sum(float(line.split()[-1]) for line in counted) == 20


WRONG: dict[str, tuple[dict[str, str], str]] = {
    "unknown": ({"LIVEPIN_SERVER_LISTENS": "127.0.0.1:1"}, "there is no setting 'listens'"),
    "value": ({"LIVEPIN_SERVER_WORKERS": "many"}, "whole number from 1 to 64"),
    "role": ({"LIVEPIN_SERVER_ROLES": "web,cook"}, "knows web, api, jobs, origin, not cook"),
    "proxy": ({"LIVEPIN_SERVER_TRUSTED_PROXIES": "nginx"}, "no address or network"),
    "file": ({"LIVEPIN_SERVER_CONFIG": "/nowhere.toml"}, "cannot be read"),
    "secret": ({"LIVEPIN_SERVER_SECRET_KEY_FILE": "/nowhere"}, "cannot be read"),
    "address": ({"LIVEPIN_SERVER_LISTEN": "203.0.113.1:80"}, "cannot be listened on"),
}


@pytest.mark.parametrize("fault", WRONG)
def test_a_setting_that_cannot_be_stops_it_with_a_sentence(server: Installation, fault: str) -> None:
    settings, sentence = WRONG[fault]
    server.settings |= settings
    done = server.livepin("serve", status=3)
    assert sentence in done.stderr
    assert "[configuration_invalid]" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_data_folder_that_others_can_read_is_refused(server: Installation) -> None:
    server.data.mkdir(mode=0o755)
    assert "mode 0700" in server.livepin("serve", status=3).stderr


def test_a_database_without_its_master_key_gets_no_new_one(server: Installation) -> None:
    """Nothing would be opened by it, and the loss would stay unseen until somebody publishes."""
    server.data.mkdir(mode=0o700)
    (server.data / "livepin.sqlite3").touch()
    done = server.livepin("serve", status=3)
    assert "put this file back" in done.stderr
    assert not (server.data / "keys" / "master.keys").exists()


@pytest.mark.parametrize(("missing", "extra"), [("granian", "cli,server"), ("django", "cli,server")])
def test_without_the_extra_one_sentence_says_what_to_install(tmp_path: Path, missing: str, extra: str) -> None:
    code = f"import sys; sys.modules[{missing!r}] = None; from livepin.cli.main import main; sys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-c", code, "serve", "--listen", "127.0.0.1:1"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 2
    assert f"{missing} is not installed" in done.stderr
    assert f"pip install 'livepin[{extra}]'" in done.stderr
    assert list(tmp_path.iterdir()) == []
