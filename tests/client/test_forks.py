"""An application forks while another thread of it holds a lock."""

from __future__ import annotations

import os
import threading
import warnings

import pytest

from livepin.client.forks import fork_safe_lock
from livepin.client.schedule import Schedule, Source

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")


def test_a_lock_that_a_thread_holds_is_open_in_a_forked_child_and_still_held_in_the_parent() -> None:
    lock = fork_safe_lock()
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with lock:
            held.set()
            done.wait(10)

    holder = threading.Thread(target=hold)
    holder.start()
    assert held.wait(30)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # 3.12 warns of forks beside threads: that is the test
        child = os.fork()
    if child == 0:
        taken = threading.Thread(target=lambda: lock.__enter__(), daemon=True)
        taken.start()
        taken.join(30)
        os._exit(1 if taken.is_alive() else 0)
    _, status = os.waitpid(child, 0)
    waiting = threading.Thread(target=lambda: lock.__enter__(), daemon=True)
    waiting.start()
    waiting.join(0.1)
    still_held = waiting.is_alive()
    done.set()
    holder.join(10)
    waiting.join(10)
    assert os.waitstatus_to_exitcode(status) == 0
    assert still_held


def test_two_threads_exclude_each_other() -> None:
    lock = fork_safe_lock()
    inside, most = 0, 0

    def work() -> None:
        nonlocal inside, most
        for _ in range(200):
            with lock:
                inside += 1
                most = max(most, inside)
                threading.Event().wait(0)
                inside -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert most == 1


def test_workers_of_one_parent_do_not_all_ask_at_the_same_moments() -> None:
    schedule = Schedule([Source("https://a.example/")])
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # as above
        child = os.fork()
    schedule.succeeded(0.0)
    if child == 0:
        os.write(writing, str(schedule.due).encode())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(writing)
    with os.fdopen(reading) as said:
        assert float(said.read()) != schedule.due
