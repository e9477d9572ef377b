"""Every conformance vector, through the door as another implementation would use it: one process, a line per case."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.vectors.door import HERE, Json, ask, cases, disagreements, line_of
from tests.vectors.making.keys import ANNA, b64url
from tests.vectors.making.writer import arrival, compact, document, document_payload, header

CASES = cases()
NAMES = [case["id"] for case in CASES]

#: Design section 4: the codes of each step. (V1 `too_large` has a test of its own below.)
CODES = {
    "V1": {"malformed"},
    "V2": {"header_invalid", "algorithm_refused"},
    "V3": {"unknown_key", "keyset_invalid", "keyset_expired", "keyset_not_yet_valid", "threshold_unmet", "key_revoked"},
    "V4": {"bad_signature"},
    "V5": {"payload_invalid", "critical_unknown", "unsupported_format", "too_large"},
    "V6": {"wrong_audience"},
    "V7": {"not_yet_valid"},
    "V8": {"rolled_back", "forked"},
}


@pytest.fixture(scope="session")
def answers() -> dict[str, Json]:
    """The door's answer to every case; one process answers them all, bad lines among them."""
    return dict(zip(NAMES, ask([line_of(case) for case in CASES]), strict=True))


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_the_door_answers_as_the_case_says(case: Json, answers: dict[str, Json]) -> None:
    answer = answers[case["id"]]
    wrong = disagreements(case, answer)
    assert not wrong, f"{case['about']} ({case['rule']})\nexpected {case['expect']}\nanswered {answer}"


def test_there_are_150_vectors_and_half_of_them_are_hostile() -> None:
    assert len(set(NAMES)) == len(CASES) >= 150
    assert 2 * sum(case["hostile"] for case in CASES) >= len(CASES)


@pytest.mark.parametrize(("step", "code"), [(step, code) for step, codes in CODES.items() for code in sorted(codes)])
def test_every_refusal_has_a_vector_of_its_own(step: str, code: str) -> None:
    expected = [case["expect"] for case in CASES]
    assert any(expect.get("step") == step and expect["code"] == code for expect in expected)


def test_a_text_of_8_mib_is_read_and_a_longer_one_is_too_large() -> None:
    """No file to commit, so it is made here: V1, the limit of 8 MiB, with a payload that is mostly white space."""
    limit = 8 * 2**20
    texts = [document_of_length(length) for length in (limit, limit + 1)]
    made = [arrival(f"document-v1-{len(text)}", "", "V1", text, {"ok": True}) for text in texts]
    assert [len(text) for text in texts] == [limit, limit + 1]
    read, refused = ask([json.dumps(case.request) for case in made])
    assert (read["ok"], read.get("serial")) == (True, 7)
    assert (refused["ok"], refused["step"], refused["code"]) == (False, "V1", "too_large")


def document_of_length(length: int) -> str:
    """A good document whose text has this many characters."""
    for spaces in range(4):  # some lengths of a segment do not exist
        head = compact(header(ANNA)) + b" " * spaces
        room = length - len(b64url(head)) - len("..") - len(b64url(bytes(64)))
        if room % 4 != 1:
            return document(document_payload().ljust(room * 3 // 4), protected=head).text
    raise AssertionError("unreachable")


def test_the_committed_vectors_are_what_the_script_writes() -> None:
    command = [sys.executable, str(HERE / "make.py"), "--check"]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=100, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_script_that_writes_the_vectors_does_not_know_livepin() -> None:
    program = "import sys, tests.vectors.make; print(*(name for name in sys.modules if name.startswith('livepin')))"
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, cwd=HERE.parents[1], encoding="utf-8", timeout=100, check=True)
    assert done.stdout.split() == []
