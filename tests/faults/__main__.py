"""Drive rows of the fault table and show what was observed: `python -m tests.faults KEY…` (default: all rows)."""

from __future__ import annotations

import sys
import time

from tests.faults.certificates import make_cast
from tests.faults.every_row import ROWS
from tests.faults.run import Failed, run


def main(keys: list[str]) -> int:
    cast, failed = make_cast(), 0
    for row in ROWS:
        if keys and row.key not in keys:
            continue
        began = time.monotonic()
        try:
            found = "\n    ".join(["as expected", *run(row, cast)])
        except Failed as error:
            failed += 1
            found = f"NOT AS EXPECTED: {error}"
        print(f"{row.key} ({time.monotonic() - began:.1f} s): {found}", flush=True)
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
