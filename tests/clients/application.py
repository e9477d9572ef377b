"""An application that is pinned as a whole: `python -m tests.clients.application CLIENT`, its orders on standard input.

It imports its client first and sets Livepin up later, so contexts that the client made at import time are older than
the hook. Beside the set-up nothing in it knows of Livepin. One JSON object goes to standard output.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import livepin
from tests.clients.client import SECRET, Client, Target, full_name, load


def attempt(client: Client, port: int) -> dict[str, Any]:
    """One visit, and how it ended."""
    try:
        reply = client.visit(Target(port), None)
    except Exception as error:
        found = livepin.find_pin_error(error)
        return {"error": full_name(error), "code": found and found.code}
    return {"works": SECRET in reply}


def main(key: str) -> None:
    orders = json.load(sys.stdin)
    client = load(key)
    ports = orders["ports"]
    report = {"unpinned": attempt(client, ports["unpinned"])}
    livepin.setup(**orders["setup"])
    for name in ("genuine", "evil TLS12", "evil TLS13"):
        report[name] = attempt(client, ports[name])
    livepin.uninstall()
    report["uninstalled"] = attempt(client, ports["uninstalled"])
    print(json.dumps(report))


if __name__ == "__main__":
    main(sys.argv[1])
