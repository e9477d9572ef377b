"""An application forks at a bad moment: while the refresher is at something that a child must not find half done."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import warnings

import pytest

from livepin.client.forks import whole
from livepin.testing import policy
from tests.acme import Acme

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")

PROGRAM = """
import os, sys, time
import livepin

pinner = livepin.Pinner(
    organization_id="acme", project_id="shop", public_key=sys.argv[1], configuration_url=sys.argv[2], store=None, wait=0
)
children = []
for _ in range(12):  # while the refresher imports what it needs for the first fetch
    child = os.fork()
    if child == 0:
        pinner.refresh(5)
        os._exit(0 if pinner.status().serial == 1 else 1)
    children.append(child)
    time.sleep(0.01)
print([os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children])
"""


def test_children_that_are_forked_right_after_set_up_get_their_document(acme: Acme) -> None:
    acme.publish(policy("localhost", acme.cast.genuine))
    command = [sys.executable, "-c", PROGRAM, acme.documents.public_key, acme.origin.base_url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.stdout == f"{[0] * 12}\n", done.stderr


def test_a_fork_waits_for_what_must_be_whole_and_the_child_may_go_on_with_it() -> None:
    entered, done = threading.Event(), threading.Event()

    def work() -> None:
        with whole:
            entered.set()
            threading.Event().wait(0.3)
            done.set()

    thread = threading.Thread(target=work)
    thread.start()
    assert entered.wait(30)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # 3.12 warns of forks beside threads: that is the test
        child = os.fork()
    if child == 0:
        finished = done.is_set()
        other = threading.Thread(target=work)  # the lock is free in the child, for every thread
        other.start()
        other.join(30)
        os._exit(0 if finished and not other.is_alive() else 1)
    thread.join(30)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    with whole:
        pass
