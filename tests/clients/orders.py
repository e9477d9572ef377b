"""An application that is put together in a given order: `python -m tests.clients.orders STEP …`, its ports on stdin.

The steps are `truststore` and `gevent`, which put classes of their own into `ssl`, `clients`, which imports libraries
that keep what they found there, and `setup`. Then each client visits each port; one JSON object goes to stdout.
"""

from __future__ import annotations

import importlib
import json
import sys
import warnings
from collections.abc import Callable
from typing import Any

from tests.clients.application import attempt
from tests.clients.client import load

#: Ordinary programs use these, directly or not.
CLIENTS = ("raw_socket", "http_client", "urllib_request", "urllib3_pool", "requests_session", "httpx_sync")


def truststore(orders: dict[str, Any]) -> None:
    importlib.import_module("truststore").inject_into_ssl()


def gevent(orders: dict[str, Any]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it is late; that is the point
        importlib.import_module("gevent.monkey").patch_all()


def clients(orders: dict[str, Any]) -> None:
    for key in CLIENTS:
        load(key)


def setup(orders: dict[str, Any]) -> None:
    importlib.import_module("livepin").setup(**orders["setup"])


STEPS: dict[str, Callable[[dict[str, Any]], None]] = {
    step.__name__: step for step in (truststore, gevent, clients, setup)
}


def main(steps: list[str]) -> None:
    orders = json.load(sys.stdin)
    for step in steps:
        STEPS[step](orders)
    report = {key: {name: attempt(load(key), port) for name, port in orders["ports"][key].items()} for key in CLIENTS}
    print(json.dumps(report))


if __name__ == "__main__":
    main(sys.argv[1:])
