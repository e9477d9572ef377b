"""Locks that a fork cannot leave held.

A fork copies locks but not the threads that hold them: in the child, a lock that the refresher held at that moment
would stay held for ever, and the first handshake would hang on it.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, TypeVar

T = TypeVar("T")


def in_children(things: Iterable[T], act: Callable[[T], None]) -> None:
    """In every child that is forked from now on, `act` on each of the `things` that there are then."""

    def act_on_all() -> None:
        for thing in list(things):
            act(thing)

    if hasattr(os, "register_at_fork"):  # there is no fork on Windows
        os.register_at_fork(after_in_child=act_on_all)


def fork_safe_lock() -> threading.Lock:
    """A mutex that a forked child finds open. What it guards must be whole between any two steps.

    It is the C object itself, and `with` takes it in one step. In a class of ours a signal handler that raises, a time
    limit of the application's say, could come between taking it and knowing so, and it would stay taken for ever.
    """
    lock = threading.Lock()
    _locks.add(lock)
    return lock


def _renew(lock: Any) -> None:
    """In a forked child: forget who held it. As the standard library does with its own locks."""
    lock._at_fork_reinit()


_locks: weakref.WeakSet[threading.Lock] = weakref.WeakSet()
in_children(_locks, _renew)


class _Whole:
    """Holds forks back while a block runs that a child must not find half done."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._forking = False

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.release()

    def before_fork(self) -> None:
        # Bounded: a fork that comes too early is better than one that never comes.
        self._forking = self._lock.acquire(timeout=5.0)

    def after_fork(self) -> None:
        if self._forking:
            self._forking = False
            self._lock.release()


#: ``with whole:`` around something short, in a thread of ours: no fork of the process begins inside the block. Imports
#: are such: a module that is half imported at that moment stays so in the child, for ever.
whole = _Whole()

if hasattr(os, "register_at_fork"):  # there is no fork on Windows
    os.register_at_fork(before=whole.before_fork, after_in_parent=whole.after_fork, after_in_child=whole.after_fork)
