"""A process ends while its connections, its threads and its refreshing are in full swing: in silence, with status 0."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from livepin.testing import TlsServer, conversations, policy
from livepin.testing.failures import Hang
from tests.acme import Acme

ROOT = Path(__file__).resolve().parents[2]

BEGIN = """
import atexit, json, os, socket, ssl, sys, threading, time
import livepin

orders = json.load(sys.stdin)
context = ssl.create_default_context(cadata=orders["ca"])

def visit(port):
    try:
        with socket.create_connection(("127.0.0.1", port), 10) as plain:
            with context.wrap_socket(plain, server_hostname="localhost") as tls:
                tls.sendall(b"secret")
        return "sent"
    except livepin.PinError as error:
        return error.code
"""

ENDINGS = {
    "busy threads": """
pinner = livepin.setup(**orders["setup"])

def for_ever(port):
    while True:
        visit(port)

for port in (orders["genuine"], orders["evil"]) * 4:
    threading.Thread(target=for_ever, args=(port,), daemon=True).start()
time.sleep(0.5)
print(visit(orders["genuine"]), visit(orders["evil"]))
""",
    "a connection at exit": """
pinner = livepin.setup(**orders["setup"])
atexit.register(lambda: print(visit(orders["genuine"]), visit(orders["evil"])))
""",
    "set up at exit": """
def late():
    livepin.setup(**orders["setup"])
    print(visit(orders["genuine"]), visit(orders["evil"]))

atexit.register(late)
""",
    "a connection in an object's last breath": """
class Last:
    def __del__(self):
        print(visit(orders["genuine"]), visit(orders["evil"]))

pinner = livepin.setup(**orders["setup"])
last = Last()
atexit.register(lambda: globals().pop("last"))
""",
    "closed and set up again": """
for _ in range(3):
    pinner = livepin.setup(**orders["setup"])
    livepin.uninstall()
pinner = livepin.setup(**orders["setup"])
print(visit(orders["genuine"]), visit(orders["evil"]))
""",
}

#: Before livepin is imported: what is registered first is called last.
LAST = """
import atexit, threading

def last():
    print(sorted(thread.name for thread in threading.enumerate() if "livepin" in thread.name))

atexit.register(last)
"""


def run(acme: Acme, ending: str, before: str = "", **other: object) -> tuple[str, str]:
    """What a process with this ending prints, and what it complains about; the attacker must have got nothing."""
    setup = acme.embedded(**other)
    del setup["on_event"]
    with (
        TlsServer(acme.cast.genuine, conversation=conversations.silent) as genuine,
        TlsServer(acme.cast.evil, conversation=conversations.silent) as evil,
    ):
        orders = {"setup": setup, "genuine": genuine.port, "evil": evil.port, "ca": acme.cast.authority.root_pem}
        done = subprocess.run(
            [sys.executable, "-X", "dev", "-c", before + BEGIN + ENDINGS[ending]],
            input=json.dumps(orders),
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
        )
        evil.wait_until_idle()
        assert evil.handshakes > 0
        assert evil.application_bytes == 0
        assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_process_ends_in_order(acme: Acme, ending: str, private_place: Path) -> None:
    acme.publish(policy("localhost", acme.cast.genuine))
    said, complaints = run(acme, ending, seed=acme.documents.current)
    assert said == "sent pin_mismatch\n"
    # The attacker is logged, and from Python 3.12 on that nothing can be fetched so late. Nothing crashes.
    assert [line for line in complaints.splitlines() if not line.startswith(("verdict_blocked", "source_down"))] == []


@pytest.mark.parametrize("ending", ["busy threads", "a connection at exit"])
def test_a_process_ends_while_its_source_hangs(acme: Acme, ending: str) -> None:
    acme.publish(policy("localhost", acme.cast.genuine))
    acme.origin.fail(Hang())
    said, _ = run(acme, ending, seed=acme.documents.current, wait=0.1)
    assert said == "sent pin_mismatch\n"


@pytest.mark.parametrize("wait", [5.0, 0.1])
def test_no_thread_of_ours_is_left_when_the_interpreter_ends(acme: Acme, wait: float) -> None:
    """Stopped inside an extension module, a thread takes the process down: seen with gevent, brought in late."""
    acme.publish(policy("localhost", acme.cast.genuine))
    if wait < 1:
        acme.origin.fail(Hang())
    said, _ = run(acme, "a connection at exit", LAST, seed=acme.documents.current, wait=wait)
    assert said == "sent pin_mismatch\n[]\n"
