"""The page about clients says what the tests have shown, and nothing else."""

from __future__ import annotations

import inspect
import re
import sys

import pytest

from tests.clients.client import Client, keys, load
from tools.clients_table import PAGE, render


def sources(client: Client) -> str:
    """The code that the entry runs: its own module up to the entry itself, and what it has from beside it."""
    module = sys.modules[client.visit.__module__]
    beside = {getattr(value, "__module__", "") for value in vars(module).values()} - {"tests.clients.client"}
    found = [inspect.getsource(sys.modules[name]) for name in beside if name.startswith("tests.clients.")]
    return "\n".join(text.partition("\nCLIENT = ")[0] for text in found)


@pytest.mark.parametrize("key", keys())
def test_the_page_shows_how_a_client_is_really_given_a_context(key: str) -> None:
    client = load(key)
    code = ".*?".join(map(re.escape, client.explicit.split("…")))
    assert re.search(code, sources(client), re.DOTALL)


def test_the_page_is_up_to_date() -> None:
    page = PAGE.read_text("utf-8")
    assert render(page) == page, "run python -m tools.clients_table"


def test_every_client_is_listed_once() -> None:
    names = [load(key).name for key in keys()]
    assert len(set(names)) == len(names)
