"""What holds for every command: JSON, dry runs, exit statuses, secrets, help."""

from __future__ import annotations

import json
import os
import pty
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from livepin import errors
from livepin.author import edit
from livepin.author.project import ProjectFile
from livepin.author.signers.detached import TEST_TYP
from livepin.cli.commands import COMMANDS, livepin
from livepin.cli.exits import Exit
from livepin.cli.main import main
from livepin.core import jws
from livepin.core.jws import PublicKey
from livepin.errors import CODES, LivepinError
from livepin.testing.cast import Cast
from tests.cli.conftest import Service
from tests.cli.ct_world import CtWorld
from tests.cli.fresh_world import Machine
from tests.cli.remote import table as remote
from tests.cli.shell import PASSPHRASE, Shell

DIGEST = "q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s="
LIVE = ["--address", "$PLACE"]
CT = CtWorld(Cast("api.example.com"))

#: A good call of every command, in a project. Those that change something have --dry-run.
CALLS: dict[str, list[str]] = {
    "init": ["init", "acme/other", "api.example.com", "--address", "$PLACE", "--ca", "$CA", "-C", "other"],
    "keys new": ["keys", "new", "second"],
    "keys list": ["keys", "list"],
    "keys add": ["keys", "add", "theirs", "--public-key", "strange.pub.pem"],
    "keys sign-input": ["keys", "sign-input", "test.input", "--signer", "keys/signing.pem", "--yes"],
    "signer test": ["signer", "test"],
    "keyset new": ["keyset", "new"],
    "keyset rotate": ["keyset", "rotate", "-C", "keyed", "--anchor", "drawer/shop.pem"],
    "keyset revoke": ["keyset", "revoke", "signing", "-C", "keyed", "--anchor", "drawer/shop.pem"],
    "keyset countersign": ["keyset", "countersign", "-C", "keyed", "--anchor", "drawer/shop.pem"],
    "keyset show": ["keyset", "show", "-C", "keyed"],
    "anchor new": ["anchor", "new", "second.pem"],
    "anchor restore": ["anchor", "restore", "drawer/shop.sheet.txt", "again.pem"],
    "anchor add": ["anchor", "add", "drawer/shop.pub.pem"],
    "anchor remove": ["anchor", "remove", "strange.pub.pem", "-C", "keyed"],
    "anchor threshold": ["anchor", "threshold", "1"],
    "decommission": ["decommission"],
    "withdraw": ["withdraw", "--reason", "the project is over"],
    "recover": ["recover", "public/acme/shop/pins.jws", "-C", "recovered"],
    "look": ["look", "api.example.com", "--address", "$PLACE"],
    "host set": ["host", "set", "www.example.com", "--action", "off"],
    "host remove": ["host", "remove", "api.example.com"],
    "host list": ["host", "list"],
    "pin add": ["pin", "add", "api.example.com", "--backup"],
    "pin remove": ["pin", "remove", "api.example.com", "$PIN"],
    "pin list": ["pin", "list"],
    "deny add": ["deny", "add", DIGEST],
    "deny remove": ["deny", "remove", DIGEST],
    "deny list": ["deny", "list"],
    "ct logs import": ["ct", "logs", "import", "log_list.json", "--unsigned", "--yes"],
    "ct logs compare": ["ct", "logs", "compare", "same.json"],
    "ct logs add": ["ct", "logs", "add", "mine", "--operator", "me", "--key", "strange.pub.pem"],
    "ct logs retire": ["ct", "logs", "retire", "one"],
    "ct logs review": ["ct", "logs", "review", "--yes"],
    "ct logs list": ["ct", "logs", "list"],
    "ct check": ["ct", "check", "chain.pem"],
    "check": ["check"],
    "diff": ["diff"],
    "sign": ["sign"],
    "publish": ["publish"],
    "freshness publish": ["freshness", "publish", "-C", "fresh"],
    "freshness show": ["freshness", "show"],
    "rollback": ["rollback", "1"],
    "show": ["show"],
    "timeline": ["timeline"],
    "verify": ["verify", "public/acme/shop/pins.jws"],
    "embed": ["embed", "--seed", "seed.jws"],
    "doctor": ["doctor"],
    "audit verify": ["audit", "verify", "trail.jsonl"],
    "conform": ["conform"],
}


def every_command() -> Iterator[tuple[str, click.Command]]:
    """Every command of the tree that does something, by its full name."""
    context = click.Context(livepin)
    for name in COMMANDS:
        command = livepin.get_command(context, name)
        assert command is not None
        yield from commands_below(name, command)


def commands_below(name: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    if not isinstance(command, click.Group):
        yield name, command
        return
    for sub, one in command.commands.items():
        yield from commands_below(f"{name} {sub}", one)


TREE = dict(every_command())

#: About an installation of the server, or about a stage of their own, not about a project: tests/server and
#: test_drills.py call them.
OPERATING = {name for name in TREE if name.split()[0] in ("serve", "server", "drill")}

REMOTE_NOUNS = {"login", "logout", "profile", "organization", "member", "invitation", "token", "project"}
REMOTE_NOUNS |= {"publishes", "pull", "push", "adopt"}
#: About a server, and those who sign in to it: tests/cli/remote calls them.
REMOTE = {name for name in TREE if name.split()[0] in REMOTE_NOUNS}


def options_of(command: click.Command) -> set[str]:
    return {name for option in command.params if isinstance(option, click.Option) for name in option.opts}


def call(name: str, project: Shell, service: Service) -> list[str]:
    """The arguments of a good call."""
    place = {"$PLACE": service.place, "$CA": str(service.ca), "$PIN": service.cast.genuine.spki_sha256}
    return [place.get(argument, argument) for argument in CALLS[name]]


def prepare(project: Shell, keyed_template: Path) -> None:
    """What some of the good calls need to be there."""
    (project.directory / "other").mkdir()
    (project.directory / "trail.jsonl").write_text("", "utf-8")
    CT.write(project.directory)
    shutil.copytree(keyed_template, project.directory / "keyed")
    shutil.copytree(keyed_template.parent / "drawer", project.directory / "drawer")
    strange = PublicKey.from_text((project.directory / "strange.pub.pem").read_text("ascii"))
    file = ProjectFile.open(project.directory / "keyed")
    edit.set_trust(file, [*file.read().anchors, strange], 1, "keyset.jws")
    file.save()
    key = PublicKey.from_text((project.directory / "keys" / "signing.pub.pem").read_text("ascii"))
    header = {"alg": key.alg, "kid": key.thumbprint, "typ": TEST_TYP}
    (project.directory / "test.input").write_bytes(jws.signing_input(header, b"{}"))
    Machine(project.directory / "fresh").publish()
    path = project.directory / "livepin.toml"
    path.write_text(path.read_text("utf-8").replace("life_days = 30", f'life_days = 30\ndeny = ["{DIGEST}"]'), "utf-8")


def test_the_calls_are_all_there_is() -> None:
    assert sorted(CALLS) == sorted(set(TREE) - OPERATING - REMOTE)


def test_it_is_decided_what_every_command_does_on_a_server() -> None:
    """A new command goes into one of the tables that tests/cli/remote/test_every_command.py plays."""
    operators = {name for name in TREE if name.startswith(remote.OPERATORS)}
    tables = [set(remote.WORKS), set(remote.REFUSED), remote.STATES, remote.HERE, operators]
    assert sorted(name for table in tables for name in table) == sorted(TREE)


@pytest.mark.parametrize("name", CALLS)
def test_every_command_answers_in_json(name: str, project: Shell, service: Service, keyed_template: Path) -> None:
    prepare(project, keyed_template)
    if name == "conform":
        done = project.livepin("conform", "--json", input='{"id": 1, "do": "pin", "pem": ""}\n')
        assert json.loads(done.out)["ok"] is False
        return
    answer = project.json(*call(name, project, service))
    assert answer["ok"] is True
    assert len(answer) > 1


CHANGING = [name for name in CALLS if "--dry-run" in options_of(TREE[name])]


def test_whatever_changes_something_has_a_dry_run() -> None:
    reading = {"keys list", "look", "host list", "pin list", "deny list", "check", "diff", "show", "verify", "doctor"}
    reading |= {
        "audit verify",
        "ct logs compare",
        "ct logs list",
        "ct check",
        "signer test",
        "keyset show",
        "timeline",
        "freshness show",
    }
    assert set(CHANGING) == set(CALLS) - reading - {"conform"}


@pytest.mark.slow
@pytest.mark.parametrize("name", CHANGING)
def test_a_dry_run_changes_nothing_and_asks_for_no_passphrase(
    name: str, project: Shell, service: Service, keyed_template: Path
) -> None:
    prepare(project, keyed_template)
    before = project.files()
    arguments = call(name, project, service)
    answer = project.json(*arguments, "--dry-run", LIVEPIN_PASSPHRASE="", LIVEPIN_ANCHOR_PASSPHRASE="")
    assert answer["dry_run"] is True
    assert project.files() == before
    project.livepin(*arguments)  # it would have worked, and then something changes
    assert project.files() != before


def test_every_error_in_json_too(project: Shell, shell: Shell, tmp_path: Path) -> None:
    answer = project.json("host", "remove", "x.example.com", status=3)
    assert answer["ok"] is False
    assert answer["exit_status"] == 3
    assert answer["error"]["code"] == "entry_missing"
    assert answer["error"]["docs"] == "errors.md#entry_missing"
    assert project.json("publish", "--nonsense", status=2)["error"]["code"] == "usage"
    refused = project.json("verify", "public/acme/shop/pins.jws", "--for", "a/b", status=1)
    assert refused["error"]["step"] == "V6"


def test_the_findings_of_the_guard_in_json(project: Shell, service: Service) -> None:
    project.livepin("pin", "remove", "api.example.com", service.cast.genuine.spki_sha256)
    rules = ["G1", "G2", "G3"]
    answer = project.json("check", status=1)
    assert [one["rule"] for one in answer["findings"]] == rules
    refused = project.json("publish", status=1)
    assert refused["error"]["code"] == "guard_refused"
    assert [one["rule"] for one in refused["error"]["findings"]] == rules
    overrides = [f"--override={rule}=because" for rule in rules]
    done = project.json("publish", *overrides)
    assert [(one["rule"], one["reason"]) for one in done["overridden"]] == [(rule, "because") for rule in rules]


class TestExitStatuses:
    def test_every_error_class_names_one(self) -> None:
        classes, found = [LivepinError], set()
        while classes:
            kind = classes.pop()
            classes += kind.__subclasses__()
            found.add(kind.exit_status)
        assert found <= {status.value for status in Exit}
        assert found >= {Exit.NO, Exit.INPUT, Exit.KEY, Exit.NETWORK}

    def test_every_code_that_the_command_line_raises_is_known(self) -> None:
        source = Path(errors.__file__).parent
        for room in ("author", "publish", "watch", "cli"):
            for path in (source / room).rglob("*.py"):
                for kind in ("KeyUnusable", "ProjectInvalid", "PublishRefused", "OriginFailed", "LookFailed"):
                    for part in path.read_text("utf-8").split(f'{kind}("')[1:]:
                        assert part.partition('"')[0] in CODES, path

    def test_a_bug_is_told_as_one(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        monkeypatch.delenv("LIVEPIN_DEBUG", raising=False)
        monkeypatch.setattr("livepin.cli.commands.run", lambda arguments: 1 // 0)
        assert main(["show"]) == Exit.INTERNAL
        assert capsys.readouterr().err.startswith("livepin: ZeroDivisionError: ")
        monkeypatch.setenv("LIVEPIN_DEBUG", "1")
        with pytest.raises(ZeroDivisionError):
            main(["show"])

    def test_interrupted(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def interrupt(arguments: list[str]) -> int:
            raise KeyboardInterrupt

        monkeypatch.setattr("livepin.cli.commands.run", interrupt)
        assert main(["show"]) == Exit.INTERRUPTED

    def test_whoever_read_the_output_went_away(self, project: Shell) -> None:
        done = project.line(
            "set -o pipefail; livepin show | true; livepin look api.example.com --address $PLACE | true"
        )
        assert "Traceback" not in done.out
        assert "BrokenPipe" not in done.out


class TestWithoutTheExtra:
    @pytest.mark.parametrize("missing", ["click", "tomlkit", "idna"])
    def test_one_sentence_says_what_to_install(self, project: Shell, missing: str) -> None:
        """A plain install has core and client: the command is there, what it needs is not."""
        code = f"import sys; sys.modules[{missing!r}] = None; from livepin.cli.main import main; sys.exit(main())"
        done = subprocess.run(
            [sys.executable, "-c", code, "host", "set", "bücher.example", "--action", "off"],
            cwd=project.directory,
            env=project.environment(),
            capture_output=True,
            text=True,
        )
        assert done.returncode == Exit.USAGE
        assert f"{missing} is not installed" in done.stderr
        assert "pip install 'livepin[cli]'" in done.stderr
        assert "Traceback" not in done.stderr


def answer_on_a_terminal(project: Shell, answers: list[str], *arguments: str) -> tuple[int, str]:
    """Run a command on a terminal of its own, and type."""
    environment = {**project.environment(), "LIVEPIN_PASSPHRASE": ""}
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(project.directory)
        os.execve(sys.executable, [sys.executable, "-m", "livepin", *arguments], environment)
    seen = b""
    while True:
        try:
            part = os.read(terminal, 4096)
        except OSError:
            break
        if not part:
            break
        seen += part
        if part.rstrip().endswith(b":") and answers:
            os.write(terminal, answers.pop(0).encode() + b"\n")
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), seen.decode()


class TestThePassphrase:
    def test_it_is_asked_for_on_a_terminal_and_not_shown(self, project: Shell) -> None:
        status, seen = answer_on_a_terminal(project, [PASSPHRASE], "publish")
        assert status == Exit.OK, seen
        assert "Passphrase for keys/signing.pem:" in seen
        assert PASSPHRASE not in seen

    def test_a_new_one_is_asked_for_twice(self, project: Shell) -> None:
        status, seen = answer_on_a_terminal(project, ["new passphrase", "new passphrase"], "keys", "new", "second")
        assert status == Exit.OK, seen
        assert (project.directory / "keys" / "second.pem").exists()

    def test_it_is_never_an_argument_and_never_printed(self, project: Shell) -> None:
        for command in TREE.values():
            assert not {"--passphrase", "--password"} & options_of(command)
        done = project.livepin("publish", LIVEPIN_PASSPHRASE="wrong horse battery", status=Exit.KEY)
        assert "wrong horse" not in done.out + done.err


class TestHelp:
    def test_the_list_of_commands_says_what_the_commands_say(self) -> None:
        assert list(COMMANDS) == livepin.list_commands(click.Context(livepin))
        for name, (_, text) in COMMANDS.items():
            assert text.endswith("."), name

    @pytest.mark.parametrize("name", TREE)
    def test_every_option_is_explained(self, name: str) -> None:
        assert TREE[name].help
        for option in TREE[name].params:
            if isinstance(option, click.Option):
                assert option.help, option.name

    def test_it_stays_quick(self, shell: Shell) -> None:
        """What `--help` loads is click and the list of names, and nothing that reads, signs or connects."""
        code = (
            "import sys; from livepin.cli.main import main; main(['--help']); "
            "print([name for name in sys.modules if name.startswith('livepin.cli.') or name in "
            "('tomlkit', 'idna', 'publicsuffixlist', 'cryptography')])"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        loaded = done.stdout.splitlines()[-1]
        assert loaded == "['livepin.cli.exits', 'livepin.cli.main', 'livepin.cli.commands']", loaded
