"""What `import livepin` adds to an application that uses `ssl` already."""

from __future__ import annotations

import subprocess
import sys

_PROGRAM = """
import ssl, sys, time
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4
before, memory, started = len(sys.modules), resident(), time.perf_counter()
{imports}
seconds = time.perf_counter() - started
print(len(sys.modules) - before, round(seconds * 1000, 1), resident() - memory)
"""


def lines() -> list[tuple[str, str, str, str]]:
    """(what, modules, milliseconds, KiB of memory) for Livepin and, to compare, others."""
    found = []
    for name in ("livepin.client.setup", "urllib.request", "cryptography.x509", "requests", "httpx"):
        runs = [_run(f"import {name}") for _ in range(5)]
        modules, milliseconds, memory = min(runs, key=lambda run: run[1])
        found.append((f"import {name}", str(int(modules)), f"{milliseconds:.1f}", f"{memory:.0f}"))
    return found


def _run(imports: str) -> tuple[float, float, float]:
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM.format(imports=imports)], capture_output=True, text=True, check=True
    )
    modules, milliseconds, memory = map(float, done.stdout.split())
    return modules, milliseconds, memory
