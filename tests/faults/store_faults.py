"""What can go wrong with the directory in which the last document is kept, and with the processes that share it."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from livepin.client.locking import exclusive
from livepin.testing import DocumentAuthority
from tests.faults.gate import Way
from tests.faults.table import Fault
from tests.faults.world import World

CROWD = 20


@dataclass(frozen=True)
class StoreIs(Fault):
    """The store is made something else before the application starts."""

    make: Callable[[World], object]
    needs_root: bool = False

    def throw(self, world: World) -> None:
        self.make(world)

    @property
    def missing(self) -> str:
        return "only root can give a file away" if self.needs_root and os.geteuid() else ""


def read_only(world: World) -> None:
    world.store.mkdir(mode=0o500)
    if os.geteuid() == 0:  # to whom modes mean nothing, unless that right is taken away
        world.prefix = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"]


def full(world: World) -> None:
    """A tiny file system without a free block where root can have one, else a limit for the size of files."""
    world.store.mkdir(mode=0o700)
    mount = ["mount", "-t", "tmpfs", "-o", "size=8k,mode=0700", "tmpfs", str(world.store)]
    if os.geteuid() == 0 and subprocess.run(mount, capture_output=True).returncode == 0:
        world.stack.callback(subprocess.run, ["umount", "--lazy", str(world.store)], check=True)
        (world.store / "ballast").write_bytes(bytes(8192))
    else:
        world.orders["file_size"] = 256


def corrupt(world: World) -> None:
    world.stored.write_text("not a document", "ascii")


def half_written(world: World) -> None:
    """What a power failure would leave on a file system that does not keep the order of writes."""
    text = world.stored.read_text("ascii")
    world.stored.write_text(text[: len(text) // 2], "ascii")


def foreign(world: World) -> None:
    os.chown(world.store, 12345, 12345)


def foreign_file(world: World) -> None:
    os.chown(world.stored, 12345, 12345)


def writable_by_group(world: World) -> None:
    world.store.chmod(0o770)


def link(world: World) -> None:
    world.store.rename(world.place / "elsewhere")
    world.store.symlink_to(world.place / "elsewhere")


def pipe(world: World) -> None:
    file = world.stored
    file.unlink()
    os.mkfifo(file, 0o600)


def becomes_pipe(world: World) -> None:
    shutil.rmtree(world.store)
    os.mkfifo(world.store, 0o600)


def shared_temporary(world: World) -> None:
    directory = Path("/tmp") / f"livepin-{uuid.uuid4().hex}"
    world.stack.callback(shutil.rmtree, directory, ignore_errors=True)
    world.orders["setup"]["store"] = str(directory)


def of_a_stranger(world: World) -> None:
    """Somebody who can write there, but has no anchor's key, puts a higher document into the file."""
    world.stored.write_text(DocumentAuthority().sign(world.hosts(), serial=9), "ascii")


class LeftOver(Fault):
    """A process was killed while it wrote."""

    def throw(self, world: World) -> None:
        new = world.stored.with_suffix(".new")
        new.write_text("half a docu", "ascii")
        world.notes["new"] = new

    def problems(self, world: World) -> list[str]:
        new = world.notes.get("new")
        if new is None:
            return ["nothing was left over"]
        found = ["what was left over is still there"] if new.exists() else []
        return found + _not_stored(world)


@dataclass(frozen=True)
class Locked(Fault):
    """Another process holds the locks of the store, and is stopped."""

    def throw(self, world: World) -> None:
        world.store.mkdir(mode=0o700, exist_ok=True)
        names = {file.name for file in world.store.glob("*.lock")} | {"installation.lock"}
        done = threading.Event()
        world.stack.callback(done.set)
        for name in sorted(names):
            held = threading.Event()
            threading.Thread(target=self._hold, args=(world.store / name, held, done), daemon=True).start()
            held.wait(10)

    def _hold(self, file: Path, held: threading.Event, done: threading.Event) -> None:
        with exclusive(file, 10):
            held.set()
            done.wait()


class Lost(Fault):
    """Somebody removes the directory while the application runs."""

    def throw(self, world: World) -> None:
        shutil.rmtree(world.store)
        world.notes["lost"] = True

    def problems(self, world: World) -> list[str]:
        return _not_stored(world) if "lost" in world.notes else ["nothing was lost"]


class FillsUp(Fault):
    """From now on no file of the application can grow beyond a few bytes; over when it can."""

    def throw(self, world: World) -> None:
        self._limit(world, 256)
        world.notes["full"] = True

    def heal(self, world: World) -> None:
        self._limit(world, resource.RLIM_INFINITY)

    def problems(self, world: World) -> list[str]:
        if "full" not in world.notes:
            return ["nothing was full"]
        return [] if world.stored_serial() == world.last[1] else ["the last document is not stored any more"]

    @staticmethod
    def _limit(world: World, size: int) -> None:
        resource.prlimit(world.application.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def _not_stored(world: World) -> list[str]:
    newest, found = world.newest[1], world.stored_serial()
    return [] if found == newest else [f"serial {found} is stored, not {newest}"]


class Crowd(Fault):
    """Twenty processes share the store; they learn of several documents at the same time, and some are killed."""

    def throw(self, world: World) -> None:
        crowd = [world.another(quiet=True) for _ in range(CROWD)]
        for member in crowd:
            member.wait_until_ready()
        for _ in range(3):
            with ThreadPoolExecutor(len(crowd)) as pool:
                asked = [pool.submit(member.ask, "refresh", wait=20.0) for member in crowd]
                world.publish_newest()
                for each in asked:
                    each.result()
        world.notes["crowd"] = crowd[:-5]
        for member in crowd[-5:]:
            member.kill()

    def problems(self, world: World) -> list[str]:
        crowd = world.notes.get("crowd")
        if crowd is None:
            return ["there was no crowd"]
        found = _not_stored(world)
        for member in crowd:
            member.ask("refresh", wait=20.0)
            status = member.ask("status")
            if tuple(status["held"]) != world.newest:
                found.append(f"a process of the crowd holds {status['held']}")
            found += [f"a process of the crowd: {event}" for event in status["events"] if "unus" in event["name"]]
        return found


class Forks(Fault):
    """A worker is forked after set-up. It must judge and refresh by itself."""

    def throw(self, world: World) -> None:
        world.notes["worker"] = world.application.ask("fork", port=world.first.gate.port)

    def problems(self, world: World) -> list[str]:
        worker = world.notes.get("worker")
        if worker is None:
            return ["nothing was forked"]
        expected = {"genuine": "answered", "evil": "pin_mismatch", "refreshed": True, "inherited": 0}
        expected["held"] = list(world.newest)
        return [f"the worker: {name} is {worker.get(name)}" for name in expected if worker.get(name) != expected[name]]


class ForksAmidFetch(Forks):
    """A worker is forked while a fetch of its parent hangs. It must not wait for it."""

    def throw(self, world: World) -> None:
        world.first.gate.lead(Way.SILENT)
        world.application.ask("refresh", wait=0.5)
        world.first.gate.lead(Way.OPEN)
        super().throw(world)


class ThreadsUsedUp(Fault):
    """While the application is set up, no thread can be started."""

    def throw(self, world: World) -> None:
        world.orders["threads_are_used_up"] = True


class LogsCarelessly(Fault):
    """A handler of the application's own log raises, each time."""

    def throw(self, world: World) -> None:
        world.orders["logs_carelessly"] = True

    def problems(self, world: World) -> list[str]:
        said = world.application.said()
        return [] if "the log is broken" in said else ["nothing was logged"]


class Careless(Fault):
    """The application's own `on_event` raises, each time."""

    def throw(self, world: World) -> None:
        world.orders["careless"] = True

    def problems(self, world: World) -> list[str]:
        said = world.application.said()
        return [] if "on_event failed" in said else ["nothing was said of a failing on_event"]
