"""Processes that nobody wrote a line into are pinned, where their operator says so."""

from __future__ import annotations

import os
import subprocess
import sysconfig
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest

import livepin
from livepin.client.adapters import startup
from livepin.testing import Cast, TlsServer, conversations, policy
from tests.acme import Acme

SRC = Path(livepin.__file__).parents[1]

VISIT = """
import socket, ssl, sys

def visit(port, ca):
    try:
        with socket.create_connection(("127.0.0.1", port), 10) as plain:
            with ssl.create_default_context(cafile=ca).wrap_socket(plain, server_hostname="localhost") as tls:
                tls.sendall(b"secret")
        return "sent"
    except Exception as error:
        return getattr(error, "code", repr(error))
"""


class Environment:
    """A virtual environment of its own, with Livepin in it."""

    def __init__(self, folder: Path, variables: dict[str, str]) -> None:
        self.folder = folder
        venv.create(folder / "venv", with_pip=False, symlinks=True)
        self.python = folder / "venv" / "bin" / "python"
        (self.site,) = (folder / "venv" / "lib").glob("python*/site-packages")
        (self.site / "livepin.pth").write_text(f"{SRC}\n{sysconfig.get_path('purelib')}\n", "utf-8")
        self.variables = variables

    def run(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("LIVEPIN_")}
        environment = {**environment, "HOME": str(self.folder), **self.variables, **variables}
        return subprocess.run(
            [str(self.python), *arguments],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def startup(self, what: str) -> str:
        done = self.run("-m", "livepin.client.adapters.startup", what)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def script(self, text: str) -> str:
        """A script in a file: multiprocessing imports it again in its children."""
        path = self.folder / "script.py"
        path.write_text(f"{VISIT}\n{text}", "utf-8")
        return str(path)


@pytest.fixture
def evil(cast: Cast) -> Iterator[TlsServer]:
    with TlsServer(cast.evil, conversation=conversations.silent) as server:
        yield server


@pytest.fixture
def environment(acme: Acme, evil: TlsServer, private_place: Path) -> Environment:
    acme.publish(policy("localhost", acme.cast.genuine))
    variables = {
        "LIVEPIN_AUTO": "1",
        "LIVEPIN_ORGANIZATION_ID": "acme",
        "LIVEPIN_PROJECT_ID": "shop",
        "LIVEPIN_PUBLIC_KEY": acme.documents.public_key,
        "LIVEPIN_CONFIGURATION_URL": acme.origin.base_url,
        "PORT": str(evil.port),
        "CA": str(acme.cast.authority.write(private_place)),
    }
    return Environment(private_place, variables)


ASK = 'import os\nif __name__ == "__main__":\n    print(visit(int(os.environ["PORT"]), os.environ["CA"]))'


def test_a_program_without_a_line_of_livepin_is_pinned_while_the_file_and_the_variable_are_there(
    environment: Environment, evil: TlsServer
) -> None:
    script = environment.script(ASK)
    assert environment.run(script).stdout == "sent\n", "the control: no file yet"
    assert environment.startup("status").startswith("not installed: ")
    assert environment.startup("install").startswith(f"written: {environment.site / startup.FILE_NAME}\n")
    evil.wait_until_idle()
    evil.forget()
    assert environment.run(script).stdout == "pin_mismatch\n"
    evil.wait_until_idle()
    assert (evil.handshakes, evil.application_bytes) == (1, 0)
    assert environment.startup("status").startswith("installed: ")
    for variable in ("", "0"):
        assert environment.run(script, LIVEPIN_AUTO=variable).stdout == "sent\n"
    environment.startup("remove")
    environment.startup("remove")
    assert not (environment.site / startup.FILE_NAME).exists()
    assert environment.run(script).stdout == "sent\n"


@pytest.mark.parametrize("method", ["spawn", "forkserver", "fork"])
def test_children_are_pinned_however_they_are_started(environment: Environment, evil: TlsServer, method: str) -> None:
    script = environment.script(
        f"""
import multiprocessing, os

if __name__ == "__main__":
    with multiprocessing.get_context({method!r}).Pool(2) as pool:
        print(pool.starmap(visit, [(int(os.environ["PORT"]), os.environ["CA"])] * 4))
"""
    )
    environment.startup("install")
    done = environment.run(script)
    assert done.stdout == f"{['pin_mismatch'] * 4}\n", done.stderr
    evil.wait_until_idle()
    assert evil.application_bytes == 0


def test_a_program_in_an_event_loop_is_pinned_by_what_another_process_has_stored(
    environment: Environment, evil: TlsServer, acme: Acme, cast: Cast
) -> None:
    """Nothing may be waited for inside the loop, so there must be something to go by: a store, or a seed."""
    environment.startup("install")
    with TlsServer(cast.genuine, conversation=conversations.silent) as genuine:
        assert environment.run(environment.script(ASK), PORT=str(genuine.port)).stdout == "sent\n"
        acme.origin.remove(acme.documents.pointer)
        script = environment.script(
            """
import asyncio, os

async def main():
    try:
        context = ssl.create_default_context(cafile=os.environ["CA"])
        await asyncio.open_connection("localhost", int(os.environ["PORT"]), ssl=context)
        print("connected")
    except Exception as error:
        print(error.code)

asyncio.run(main())
"""
        )
        assert environment.run(script, PORT=str(genuine.port)).stdout == "connected\n"
        assert environment.run(script).stdout == "pin_mismatch\n"


def test_a_process_without_tls_pays_next_to_nothing_and_ssl_looks_as_always(environment: Environment) -> None:
    environment.startup("install")
    loaded = "sorted(name for name in sys.modules if name.split('.')[0] in ('livepin', 'cryptography', 'ssl'))"
    done = environment.run("-c", f"import sys; print({loaded})")
    ours = ["livepin", "livepin.client", "livepin.client.adapters"]
    ours += ["livepin.client.adapters.on_import", "livepin.client.adapters.startup"]
    assert done.stdout == f"{ours}\n", done.stderr
    look = "import ssl, sys; print(type(ssl.__loader__).__name__, ssl.__spec__.loader is ssl.__loader__, "
    look += "[finder.name for finder in sys.meta_path if 'livepin' in type(finder).__module__])"
    assert environment.run("-c", look).stdout == "SourceFileLoader True ['OpenSSL.SSL']\n"


def test_a_process_that_cannot_be_pinned_does_not_go_on(environment: Environment, evil: TlsServer) -> None:
    environment.startup("install")
    script = environment.script(ASK)
    done = environment.run(script, LIVEPIN_PUBLIC_KEY="misspelt")
    assert (done.returncode, done.stdout) == (3, "")
    assert "livepin: LIVEPIN_AUTO=1, but this process cannot be pinned: public_key: " in done.stderr
    (environment.site / "livepin.pth").unlink()
    done = environment.run(script)
    assert (done.returncode, done.stdout) == (3, "")
    assert "livepin: LIVEPIN_AUTO=1, but livepin cannot be imported" in done.stderr
    evil.wait_until_idle()
    assert evil.application_bytes == 0


def test_a_file_that_cannot_be_written_or_a_misspelt_command_is_explained(environment: Environment) -> None:
    (environment.site / startup.FILE_NAME).mkdir()
    done = environment.run("-m", "livepin.client.adapters.startup", "install")
    assert done.returncode == 3
    assert f"{startup.FILE_NAME}: Is a directory [file_unwritable]" in done.stderr
    done = environment.run("-m", "livepin.client.adapters.startup", "instal")
    assert (done.returncode, done.stderr.split(":")[0]) == (2, "usage")
