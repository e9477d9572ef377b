"""Write the conformance vectors beside this file, or say with `--check` whether they are what would be written.

    python tests/vectors/make.py [--check]

The cases are in `making/`, by subject; they need `cryptography` and nothing else.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
if __name__ == "__main__":
    sys.path.insert(0, str(HERE.parents[1]))  # so that `tests` is importable when this file is run as a script

from tests.vectors.making import (  # noqa: E402
    ct_cases,
    document_cases,
    door_cases,
    fresh_cases,
    held_cases,
    host_cases,
    json_cases,
    judge_cases,
    jws_cases,
    keyset_cases,
    payload_cases,
    pin_cases,
    sct_cases,
    signature_cases,
    time_cases,
    verdict_cases,
)
from tests.vectors.making.cases import Case  # noqa: E402

SUBJECTS = (
    document_cases,
    signature_cases,
    keyset_cases,
    payload_cases,
    json_cases,
    time_cases,
    held_cases,
    jws_cases,
    host_cases,
    pin_cases,
    judge_cases,
    verdict_cases,
    sct_cases,
    ct_cases,
    door_cases,
    fresh_cases,
)


def all_cases() -> Iterator[Case]:
    for subject in SUBJECTS:
        yield from subject.all_cases()


def files() -> dict[str, str]:
    """Text of every vector by its path below this folder. Two cases of one name are a mistake."""
    written: dict[str, str] = {}
    for case in all_cases():
        if case.path in written:
            raise ValueError(f"two cases are called {case.id}")
        written[case.path] = case.text
    return written


def committed() -> dict[str, str]:
    """Text of every vector that is there now."""
    return {path.relative_to(HERE).as_posix(): path.read_text(encoding="ascii") for path in HERE.glob("*/*.json")}


def differences() -> list[str]:
    """What `write` would change, one line each."""
    wanted, found = files(), committed()
    changed = [f"differs: {path}" for path in sorted(wanted.keys() & found) if wanted[path] != found[path]]
    missing = [f"missing: {path}" for path in sorted(wanted.keys() - found)]
    return changed + missing + [f"made by no case: {path}" for path in sorted(found.keys() - wanted)]


def write() -> int:
    """Write all vectors, remove those of no case, and return how many there are."""
    wanted = files()
    for path in committed().keys() - wanted:
        (HERE / path).unlink()
    for path, text in wanted.items():
        (HERE / path).parent.mkdir(exist_ok=True)
        (HERE / path).write_text(text, encoding="ascii", newline="\n")
    return len(wanted)


def main(arguments: list[str]) -> int:
    if arguments == ["--check"]:
        found = differences()
        print("\n".join(found) or "the vectors are up to date")
        return 1 if found else 0
    if arguments:
        print(__doc__)
        return 2
    print(f"{write()} vectors written")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
