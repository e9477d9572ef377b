"""The recipes of docs/recipes.md in the servers that they are for: pinned, rotated under them, attacked."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from demo.processes import Process
from demo.waiting import wait_for
from livepin.testing import policy
from livepin.testing.ports import free_port
from tests.journeys.house import HOST, BackEnd, House
from tests.journeys.page import FILE, RECIPES, files

pytestmark = pytest.mark.slow

SECTIONS = {
    "Django": ["shop/apps.py", "shop/views.py"],
    "FastAPI": ["app.py"],
    "gunicorn": ["wsgi.py"],
    "Celery": ["tasks.py"],
    "Children that are started anew": ["pool.py"],
    "Moving to another project": ["remote.py"],
}

#: What surrounds the recipe in a Django project.
DJANGO = {
    "shop/__init__.py": "",
    "site_settings.py": (
        "import os\n"
        'SECRET_KEY = "for a test"\n'
        'ALLOWED_HOSTS = ["127.0.0.1"]\n'
        'INSTALLED_APPS = ["shop.apps.ShopConfig"]\n'
        'ROOT_URLCONF = "site_urls"\n'
        'ORDERS_URL = os.environ["ORDERS_URL"]\n'
    ),
    "site_urls.py": (
        "from django.urls import path\n"
        "from shop import views\n"
        'urlpatterns = [path("orders", views.orders), path("health", views.health)]\n'
    ),
}


def test_every_file_of_the_page_is_run_here_or_beside() -> None:
    assert {name: list(files(name)) for name in SECTIONS} == SECTIONS
    assert len(FILE.findall(RECIPES)) == sum(map(len, SECTIONS.values())) == RECIPES.count("```python")


def pinned_rotated_and_attacked(house: House, backend: BackEnd) -> None:
    """The life of every recipe: it works, a rotation passes unnoticed or is retried, an attacker learns nothing."""
    assert backend.orders() == {"status": 200}
    assert backend.get("/health").body["verdicts"] == {"allowed": {"matched": 1}}
    house.acme.publish(policy(HOST, house.cast.genuine, house.cast.backup))
    house.service.use(house.cast.backup)
    backend.wait_for_orders()
    house.attacked()
    refused = backend.orders()
    assert refused["refused"] == "pin_mismatch"
    assert house.learnt() == 0
    house.service.use(house.cast.backup)
    assert backend.orders() == {"status": 200}


def test_without_pins_the_attacker_reads_what_every_recipe_sends(house: House) -> None:
    """The control: the same calls, and the one line left out."""
    house.write(files("gunicorn"))
    text = (house.folder / "wsgi.py").read_text("utf-8")
    house.write({"wsgi.py": text.replace("livepin.setup()\n", "").replace("livepin.status().as_json()", "{}")})
    with gunicorn(house) as backend:
        house.attacked()
        assert backend.orders() == {"status": 200}
        assert house.learnt() > 0


def test_django(house: House) -> None:
    house.write({**files("Django"), **DJANGO})
    port = free_port()
    command = ("-m", "django", "runserver", "--noreload", f"127.0.0.1:{port}")
    backend = BackEnd(house.start("django", *command, DJANGO_SETTINGS_MODULE="site_settings"), port)
    backend.wait()
    pinned_rotated_and_attacked(house, backend)


def test_django_under_gunicorn_with_preload(house: House) -> None:
    wsgi = "from django.core.wsgi import get_wsgi_application\napplication = get_wsgi_application()\n"
    house.write({**files("Django"), **DJANGO, "wsgi.py": wsgi})
    with gunicorn(house, "--preload", "--workers", "1", DJANGO_SETTINGS_MODULE="site_settings") as backend:
        pinned_rotated_and_attacked(house, backend)


@pytest.mark.parametrize("workers", [1, 2])
def test_fastapi(house: House, workers: int) -> None:
    house.write(files("FastAPI"))
    port = free_port()
    command = ("-m", "uvicorn", "app:app", "--port", str(port), "--workers", str(workers), "--log-level", "warning")
    backend = BackEnd(house.start("fastapi", *command), port)
    backend.wait()
    if workers == 1:
        pinned_rotated_and_attacked(house, backend)
        assert backend.get("/health").body["installed"]
        return
    assert backend.orders() == {"status": 200}
    house.attacked()
    for _ in range(10):
        assert backend.orders()["refused"] == "pin_mismatch"
    assert house.learnt() == 0


def test_fastapi_says_that_a_rotation_is_worth_a_second_try(house: House) -> None:
    """Inside the loop nothing is waited for: the first request after an unannounced rotation fails, and says why."""
    house.write(files("FastAPI"))
    port = free_port()
    backend = BackEnd(house.start("fastapi", "-m", "uvicorn", "app:app", "--port", str(port)), port)
    backend.wait()
    house.acme.publish(policy(HOST, house.cast.backup))
    house.service.use(house.cast.backup)
    assert backend.orders() == {"refused": "pin_mismatch", "retryable": True}
    backend.wait_for_orders()


# ---------------------------------------------------------------- gunicorn


@contextmanager
def gunicorn(house: House, *options: str, **environment: str) -> Iterator[BackEnd]:
    """A gunicorn that serves `wsgi.py`."""
    port = free_port()
    command = ("-m", "gunicorn", "--bind", f"127.0.0.1:{port}", *options, "wsgi:application")
    process = house.start("gunicorn", *command, **environment)
    backend = BackEnd(process, port)
    backend.wait()
    yield backend
    process.signal(signal.SIGTERM)
    process.wait(20)


def of_every_worker(backend: BackEnd, workers: int, **expected: object) -> set[str]:
    """Ask until each worker has answered, each time as expected; their process IDs."""
    seen: set[str] = set()

    def asked() -> bool:
        answer = backend.get("/orders")
        assert answer.body == expected
        seen.add(answer.worker)
        return len(seen) == workers

    wait_for(asked, 30, f"{workers} workers to answer")
    return seen


@pytest.mark.parametrize("options", [(), ("--preload",)], ids=["each by itself", "preload"])
def test_every_worker_of_gunicorn_enforces_and_follows_by_itself(house: House, options: tuple[str, ...]) -> None:
    house.write(files("gunicorn"))
    with gunicorn(house, "--workers", "3", *options) as backend:
        workers = of_every_worker(backend, 3, status=200)
        assert str(backend.process.pid) not in workers
        house.acme.publish(policy(HOST, house.cast.genuine, house.cast.backup))
        house.service.use(house.cast.backup)
        assert of_every_worker(backend, 3, status=200) == workers, "each refreshed in its own first handshake"
        house.attacked()
        assert of_every_worker(backend, 3, refused="pin_mismatch") == workers
        assert house.learnt() == 0


def test_a_worker_that_gunicorn_starts_later_is_pinned_too(house: House) -> None:
    """After a crash, a timeout, or `--max-requests`: it is forked from a master that set up long ago."""
    house.write(files("gunicorn"))
    with gunicorn(house, "--preload", "--workers", "1", "--max-requests", "1") as backend:
        first = backend.get("/orders")
        assert first.body == {"status": 200}
        house.attacked()
        wait_for(lambda: backend.get("/health").worker != first.worker, 20, "another worker")
        assert backend.orders()["refused"] == "pin_mismatch"
        assert house.learnt() == 0


# ---------------------------------------------------------------- Celery

BROKER = """
from pathlib import Path
for name in ("queue", "control", "results"):
    Path(name).mkdir(exist_ok=True)
broker_url = "filesystem://"
broker_transport_options = {"data_folder_in": "queue", "data_folder_out": "queue", "control_folder": "control"}
result_backend = f"file://{Path('results').resolve()}"
"""

SEND = """
import json
import sys
import tasks

for line in sys.stdin:
    waiting = [tasks.orders.delay() for _ in range(6)]
    print(json.dumps([each.get(timeout=20) for each in waiting]), flush=True)
"""


def ask(sender: Process) -> list[dict[str, object]]:
    """Six tasks, and what came of them."""
    said = len(sender.lines())
    sender.say("go")
    sender.wait_for(lambda: len(sender.lines()) > said, 40, "to get its results")
    found: list[dict[str, object]] = json.loads(sender.lines()[said])
    return found


@pytest.mark.parametrize("pool", ["prefork", "threads"])
def test_a_celery_worker_enforces_in_its_pool_and_follows(house: House, pool: str) -> None:
    house.write({**files("Celery"), "celeryconfig.py": BROKER, "send.py": SEND})
    worker = house.start(
        *("worker", "-m", "celery", "-A", "tasks", "worker", "-l", "info", "--pool", pool, "--concurrency", "2"),
        C_FORCE_ROOT="1",
    )
    worker.wait_for(lambda: "ready." in worker.log.read_text("utf-8"), 30, "to be ready")
    sender = house.start("sender", "send.py")
    first = ask(sender)
    assert [each["status"] for each in first] == [200] * 6
    in_children = {each["worker"] for each in first} - {worker.pid}
    assert bool(in_children) == (pool == "prefork")
    house.acme.publish(policy(HOST, house.cast.genuine, house.cast.backup))
    house.service.use(house.cast.backup)
    assert [each.get("status") for each in ask(sender)] == [200] * 6
    house.attacked()
    assert [each.get("refused") for each in ask(sender)] == ["pin_mismatch"] * 6
    assert house.learnt() == 0


# ---------------------------------------------------------------- children


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_children_that_are_started_anew_are_pinned_by_their_initializer(house: House, method: str) -> None:
    house.write({"pool.py": files("Children that are started anew")["pool.py"].replace('"spawn"', f'"{method}"')})
    assert house.run("genuine", "pool.py").split() == ["200", "200"]
    house.attacked()
    assert house.run("attacked", "pool.py").split() == ["pin_mismatch", "pin_mismatch"]
    assert house.learnt() == 0


def test_children_without_the_initializer_are_not(house: House) -> None:
    """The control: this is why the recipe says it."""
    text = files("Children that are started anew")["pool.py"]
    house.write({"pool.py": text.replace(", initializer=livepin.setup", "")})
    house.attacked()
    assert house.run("attacked", "pool.py").split() == ["200", "200"]
    assert house.learnt() > 0
