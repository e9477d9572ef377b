"""One role in a process of its own: `python -m livepin.server.roles ROLE PARENT`, as supervisor.py starts it.

    http     web, api or both, on granian's threads (WSGI: under ASGI, Django loses most of its speed)
    jobs     what happens without anybody asking
    origin   documents for applications

No process outlives its parent, granian's workers included: when the parent is gone, however it ended, the child ends
itself.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from typing import Any

from livepin.server import logs
from livepin.server.config import Config, load
from livepin.server.first_start import address

_TARGETS = {"http": "livepin.server.roles:http_application", "origin": "livepin.server.roles:origin_application"}
_LOOK_EVERY = 0.5
#: How long requests that are under way have when a process is asked to end, in seconds.
PATIENCE = 15


def main(role: str, parent: int) -> None:
    """Run one role until it is asked to end. `parent`: number of the process that started this one."""
    config = load(os.environ)
    logs.configure(config, role)
    end_with_parent(parent)
    if role == "jobs":
        _work()
    else:
        _serve(config, role)


def end_with_parent(parent: int) -> None:
    """Ask this process to end as soon as it has another parent."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_LOOK_EVERY)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(PATIENCE)
        os._exit(1)

    threading.Thread(target=watch, name="end with parent", daemon=True).start()


def _serve(config: Config, role: str) -> None:
    from granian.constants import HTTPModes, Interfaces
    from granian.log import LogLevels
    from granian.server import Server

    host, port = address(config.listen if role == "http" else config.origin_listen)
    server = Server(
        _TARGETS[role],
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=config.workers if role == "http" else 1,
        blocking_threads=config.threads,
        websockets=False,
        # Proxies and browsers speak HTTP/1.1 to a port without TLS; what else could be spoken is one more way in.
        http=HTTPModes.http1,
        log_level=LogLevels.error,
        log_dictconfig=_granian_logs(config, role),
        respawn_failed_workers=True,
        workers_kill_timeout=PATIENCE - 5,
        factory=True,
    )
    server.serve()


def http_application() -> Any:
    """What granian's workers serve as web and api."""
    end_with_parent(os.getppid())
    from livepin.server.wsgi import application

    return application


def origin_application() -> Any:
    """What granian's workers serve as origin."""
    end_with_parent(os.getppid())
    from livepin.server.origin import OriginServer

    return OriginServer(load(os.environ).origin_folder)


def _granian_logs(config: Config, role: str) -> dict[str, Any]:
    """Granian's errors in the form of all other lines. It writes none about requests: requests.py does."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": logs.LineFormatter, "config": config, "role": role}},
        "handlers": {"line": {"class": "logging.StreamHandler", "stream": "ext://sys.stderr", "formatter": "line"}},
        "loggers": {"_granian": {"handlers": ["line"], "level": "ERROR", "propagate": False}},
    }


def _work() -> None:
    import django

    os.environ["DJANGO_SETTINGS_MODULE"] = "livepin.server.settings"
    django.setup()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    from livepin.server.jobs.engine import open_engine  # after Django is set up

    open_engine(stop).run()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
