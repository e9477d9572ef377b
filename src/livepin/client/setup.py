"""Process-wide set-up: one pinner for every `ssl` client."""

from __future__ import annotations

from typing import Unpack

from livepin.client import context
from livepin.client.adapters import beside
from livepin.client.forks import fork_safe_lock
from livepin.client.pinner import Pinner
from livepin.client.settings import Arguments
from livepin.client.status import Status


class _Process:
    """The pinner that is installed, if any."""

    pinner: Pinner | None = None
    lock = fork_safe_lock()


def setup(**arguments: Unpack[Arguments]) -> Pinner:
    """Pin every TLS connection that this process makes through `ssl` or pyOpenSSL, contexts made earlier included.

    Takes what `Arguments` lists and returns the pinner. May be called again with other values: the new pinner takes the
    old one's place in one step, and connections are never unpinned in between.
    Raises `ConfigurationError`, and then whatever was set up before stays.
    """
    pinner = Pinner(**arguments)
    with _Process.lock:
        try:
            beside.install()
            context.install(pinner.check)
        except BaseException:
            if _Process.pinner is None:
                beside.uninstall()
            pinner.close()
            raise
        before, _Process.pinner = _Process.pinner, pinner
    pinner.installed()
    if before is not None:
        pinner.takes_over(before)
        before.close()
    return pinner


def uninstall() -> None:
    """Leave the process as it was before `setup`. Does nothing where nothing is set up."""
    with _Process.lock:
        context.uninstall()
        beside.uninstall()
        before, _Process.pinner = _Process.pinner, None
    if before is not None:
        before.removed()
        before.close()


def status() -> Status | None:
    """How the pinner of the process is doing; None where nothing is set up."""
    pinner = _Process.pinner
    return None if pinner is None else pinner.status()
