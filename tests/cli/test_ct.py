"""Certificate Transparency on the command line, against a service whose certificate was logged."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from livepin.author.ct_logs import FILE_NAME, LogTableFile, Operator, Review, Source, open_table
from livepin.cli.scts import examine
from livepin.core.pins import certificates_of_pem
from livepin.testing.cast import Cast
from livepin.testing.tls import TlsServer
from tests.author.foreign import DAY
from tests.cli.ct_world import ONE, STRANGE, TWO, CtWorld, write_table
from tests.cli.shell import Shell
from tests.cli.test_commands import answer_on_a_terminal
from tests.cli.transcript import play

HOST = "api.example.com"
TRANSCRIPTS = sorted((Path(__file__).parent / "transcripts" / "ct").glob("*.txt"))


@pytest.fixture(scope="module")
def world() -> CtWorld:
    return CtWorld(Cast(HOST))


@pytest.fixture(scope="module")
def server(world: CtWorld) -> Iterator[TlsServer]:
    with TlsServer(world.proven) as running:
        yield running


@pytest.fixture(scope="module")
def ct_template(tmp_path_factory: pytest.TempPathFactory, world: CtWorld, server: TlsServer) -> Path:
    """A project that pins the service, with a log table; made once."""
    directory = tmp_path_factory.mktemp("ct") / "work"
    directory.mkdir()
    world.authority.write(directory).rename(directory / "ca.pem")
    place = f"127.0.0.1:{server.port}"
    Shell(directory).livepin("init", "acme/shop", HOST, "--address", place, "--ca", "ca.pem")
    world.write(directory)
    return directory


@pytest.fixture
def project(tmp_path: Path, ct_template: Path, server: TlsServer) -> Shell:
    directory = tmp_path / "work"
    shutil.copytree(ct_template, directory)
    return Shell(directory, {"PLACE": f"127.0.0.1:{server.port}", "CA": "ca.pem"})


@pytest.mark.slow
@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_transcript(path: Path, project: Shell) -> None:
    play(path, project)


def live(project: Shell) -> list[str]:
    return ["--address", project.variables["PLACE"], "--ca", "ca.pem"]


class TestForPrograms:
    def test_every_sct_and_every_policy(self, project: Shell) -> None:
        answer = project.json("ct", "check", HOST, *live(project))
        assert answer["satisfied"] is True
        assert answer["rule"] == {"policy": "chrome", "operators": None, "logs": None}
        chain = answer["chains"][0]
        assert [(one["log_id"], one["log"], one["operator"], one["verdict"]) for one in chain["scts"]] == [
            (ONE.id, "one", "one", "ok"), (TWO.id, "two", "two", "ok"),
        ]  # fmt: skip
        assert [one["leaf_index"] is None for one in chain["scts"]] == [True, False]
        assert {name: one["satisfied"] for name, one in chain["policies"].items()} == {
            "chrome": True, "apple": True, "any": True,
        }  # fmt: skip

    def test_why_not(self, project: Shell) -> None:
        answer = project.json("ct", "check", "bare.pem", status=1)
        assert answer["ok"] is True
        assert answer["satisfied"] is False
        assert [one["code"] for one in answer["chains"][0]["reasons"]] == ["no_sct"]

    def test_a_look_says_the_same(self, project: Shell) -> None:
        seen = project.json("look", HOST, *live(project))["answers"][0]["ct"]
        assert seen == {name: value for name, value in project.json("ct", "check", HOST, *live(project))["chains"][0].items() if name in seen}  # fmt: skip  # noqa: E501
        assert seen.keys() == {"list_issued_at", "scts", "policies"}

    def test_a_look_where_there_is_no_table(self, project: Shell) -> None:
        (project.directory / FILE_NAME).unlink()
        assert "ct" not in project.json("look", HOST, *live(project))["answers"][0]

    def test_what_an_import_changes(self, project: Shell) -> None:
        (project.directory / FILE_NAME).unlink()
        arguments = ["ct", "logs", "import", "log_list.json", "--unsigned"]
        assert project.json(*arguments, status=3)["error"]["code"] == "confirmation_missing"
        answer = project.json(*arguments, "--yes")
        assert (answer["source"], answer["version"], answer["changed"]) == ("chrome", "80.14", True)
        assert {(one["what"], one["log"]["id"]) for one in answer["changes"]} == {
            ("added", log.id) for log in (ONE, TWO, STRANGE)
        }
        assert any("permission" in note for note in answer["notes"])

    def test_warnings_are_apart_from_findings(self, project: Shell) -> None:
        project.livepin("host", "set", HOST, "--ct-log", "one", "--ct", "report")
        answer = project.json("check")
        assert (answer["passed"], answer["findings"]) == (True, [])
        assert [(one["rule"], one["host"]) for one in answer["warnings"]] == [("G6", HOST)]


class TestWhatIsPublished:
    def published(self, project: Shell) -> dict[str, Any]:
        project.livepin("publish")
        payload: dict[str, Any] = project.json("show")["payload"]
        return payload

    def test_only_the_logs_that_the_project_needs(self, project: Shell) -> None:
        project.livepin("host", "set", HOST, "--ct", "report", "--ct-operator", "one")
        payload = self.published(project)
        assert [one["id"] for one in payload["ct_logs"]["logs"]] == [ONE.id]
        assert payload["hosts"][0]["ct"] == {"action": "report", "policy": "chrome", "operators": ["one"]}

    def test_the_date_is_the_tables_and_not_the_publishers(self, project: Shell) -> None:
        table = open_table(project.directory)
        assert table is not None
        project.livepin("host", "set", HOST, "--ct", "report")
        payload = self.published(project)
        assert payload["ct_logs"]["issued_at"] == table.issued_at()
        assert payload["issued_at"] - payload["ct_logs"]["issued_at"] >= DAY

    def test_without_a_rule_no_log_goes_out(self, project: Shell) -> None:
        assert "ct_logs" not in self.published(project)

    @pytest.mark.slow
    def test_a_roll_back_brings_back_the_logs_of_then(self, project: Shell) -> None:
        project.livepin("host", "set", HOST, "--ct", "report")
        before = self.published(project)["ct_logs"]
        project.livepin("host", "set", HOST, "--ct", "off")
        assert "ct_logs" not in self.published(project)
        project.livepin("rollback", "2")
        assert project.json("show")["payload"]["ct_logs"] == before


@pytest.mark.parametrize(
    ("days", "refuses", "says"),
    [(49, False, ""), (50, False, "the list of logs is 50 days old"), (71, True, "the list of logs is 71 days old")],
)
def test_a_list_that_grows_old(project: Shell, days: int, refuses: bool, says: str) -> None:
    write_table(project.directory, ONE, TWO, age=days * DAY)
    project.livepin("host", "set", HOST, "--ct", "enforce")
    answer = project.json("check", status=int(refuses))
    told = answer["findings" if refuses else "warnings"]
    assert [one["rule"] for one in told] == ["G6"] * bool(says)
    assert all(says in one["message"] for one in told)
    assert answer["warnings" if refuses else "findings"] == []


class TestOnATerminal:
    def test_a_person_is_shown_what_changes_names_operators_and_says_yes(self, project: Shell) -> None:
        (project.directory / FILE_NAME).unlink()
        answers = ["uno", "", "no good", "drei", "y"]
        status, seen = answer_on_a_terminal(project, answers, "ct", "logs", "import", "log_list.json", "--unsigned")
        assert status == 0, seen
        assert "Our ID for the operator 'One' [one]" in seen
        assert seen.index("permission") < seen.index("+ operator uno") < seen.index("Have you reviewed this")
        table = open_table(project.directory)
        assert table is not None
        assert [one.id for one in table.operators] == ["uno", "two", "drei"]

    def test_a_person_says_no(self, project: Shell) -> None:
        before = project.files()
        status, seen = answer_on_a_terminal(project, ["n"], "ct", "logs", "review")
        assert (status, project.files()) == (1, before)
        assert "the answer was no, so nothing changed" in seen


REAL = os.environ.get("LIVEPIN_REALDATA", "")


@pytest.mark.skipif(not REAL, reason="LIVEPIN_REALDATA is not set: real data was not tested")
class TestRealChains:
    def test_every_sct_of_every_real_chain(self, tmp_path: Path) -> None:
        """With every log that is known, each chain judged as of when it was issued."""
        folder = Path(REAL) / "ct"
        file = LogTableFile.open(tmp_path)
        file.put_review(Review(Source.HAND, 0))
        for operator in sorted({one["operators"][0] for one in known_logs(folder)}):
            file.put_operator(Operator(operator_id(operator), (operator,)))
        for one in known_logs(folder):
            file.toml.setdefault("log", []).append(one_log(one))
        table = file.read()
        number = 0
        for chain in json.loads((folder / "chains.json").read_text("utf-8")):
            certificates = certificates_of_pem((folder / chain["file"]).read_text("ascii"))
            last = max(one["timestamp_ms"] for one in chain["scts"]) / 1000
            evidence = examine(certificates, table, last + DAY)
            assert [(one.log_id, one.timestamp, str(one.verdict)) for one in evidence.scts] == [
                (
                    one["log_id"],
                    one["timestamp_ms"],
                    "bad_signature" if chain["expect"] == "rejected" else one["verdict"],
                )
                for one in chain["scts"]
            ], chain["file"]
            assert len(evidence.lines()) == len(evidence.scts) + 3
            number += len(evidence.scts)
        assert number > 200


def known_logs(folder: Path) -> list[dict[str, Any]]:
    logs = json.loads((folder / "loglists" / "union.json").read_text("utf-8"))
    return [one for one in logs if one["operators"]]


def operator_id(name: str) -> str:
    return "".join(letter if letter.isalnum() and letter.isascii() else "-" for letter in name)[:64].strip("-.")


def one_log(one: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": one["names"][0], "id": one["log_id"], "key": one["key"], "operator": operator_id(one["operators"][0]),
        "kind": "static" if one["tiled"] else "rfc6962", "state": "usable",
    }  # fmt: skip
