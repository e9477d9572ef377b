"""A customer's company inspects TLS: refused at first, allowed when its CA is pinned, also after that CA is renewed.

Applications, service, origin and proxy are processes of their own; nothing is started again but the proxy.
"""

from __future__ import annotations

import io
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.application import Application, Applications, script
from demo.attacker import find_mitmdump
from demo.origin import Origin, find_nginx, require_nginx
from demo.processes import Process, Processes, complete_lines
from demo.project import Project
from demo.shop import HOST, Shop
from demo.story import Story, Style
from demo.waiting import DemoFailed, wait_for

pytestmark = pytest.mark.slow

CHECKOUT = Path(__file__).parents[2]
ADD_ON = CHECKOUT / "demo" / "programs" / "eavesdropper.py"


class CompanyProxy:
    """mitmproxy, as a company runs it: always at the same address, with a CA of its own that is renewed one day."""

    def __init__(self, folder: Path, processes: Processes, program: Path, upstream_ca: Path) -> None:
        self._folder = folder
        self._processes = processes
        self._command: list[str | Path] = [
            program,
            "--set",
            f"ssl_verify_upstream_trusted_ca={upstream_ca}",
            "-s",
            ADD_ON,
        ]
        self._process: Process | None = None
        self._starts = 0
        self.port = 0
        folder.mkdir()

    def start(self) -> None:
        """Start it, the first time and after `renew_ca`."""
        self._starts += 1
        place = self._folder / str(self._starts)
        place.mkdir()
        listen = ["--listen-host", "127.0.0.1", "--listen-port", str(self.port)]
        command = [*self._command, *listen, "--set", f"confdir={place}"]
        self._process = process = self._processes.start(f"proxy-{self._starts}", command, folder=place)
        said = process.wait_for(
            lambda: next((line for line in process.lines() if "proxy listening at" in line), None), 30, "to listen"
        )
        self.port = int(said.rpartition(":")[2].rstrip("."))

    def renew_ca(self) -> None:
        """The company makes a new CA, and its proxy goes on with that."""
        assert self._process is not None
        self._process.signal(signal.SIGTERM)
        self._process.wait(10)
        self.start()

    @property
    def ca_file(self) -> Path:
        """The certificate of its present CA."""
        return self._folder / str(self._starts) / "mitmproxy-ca-cert.pem"

    def decrypted(self) -> list[str]:
        """What it could read, with its present CA."""
        connections = self.ca_file.with_name("connections.log")
        wait_for(lambda: _alone(complete_lines(connections)), 10, "the proxy's connections to end")
        return complete_lines(self.ca_file.with_name("decrypted.log"))


def _alone(lines: list[str]) -> bool:
    return lines.count("came") > 0 and lines.count("came") == lines.count("left")


class Company:
    """Everything that runs in this journey."""

    def __init__(self, folder: Path, processes: Processes) -> None:
        story = Story(io.StringIO(), Style(plain=True, colour=False))
        self.shop = Shop(folder / "shop", processes)
        self.project = Project(folder / "project", processes, story)
        nginx = require_nginx(find_nginx(), dict(os.environ))
        self.origin = Origin(self.project.folder, processes, nginx)
        self.proxy = CompanyProxy(folder / "proxy", processes, find_mitmdump(CHECKOUT), self.shop.ca_file)
        self._trusted = folder / "trusted-cas.pem"
        self.applications = Applications(folder / "application", processes, self.shop.token, self._trusted)

    def begin(self) -> None:
        """A pinned service, and a proxy that everybody here trusts."""
        self.shop.start()
        self.origin.start()
        self.proxy.start()
        self.trust_proxy()
        self.project.livepin(
            *("init", "acme/shop", HOST, "--address", f"127.0.0.1:{self.shop.port}"),
            *("--ca", "../shop/root.pem", "--url", self.origin.url),
        )

    def trust_proxy(self) -> None:
        """The company installs its present CA on its machines, in place of the one before."""
        self._trusted.write_bytes(self.shop.ca_file.read_bytes() + self.proxy.ca_file.read_bytes())

    def start(self, *, pinned: bool) -> Application:
        """An application behind the proxy."""
        snippet = str(self.project.livepin("embed")["python"]) if pinned else None
        name = "pinned" if pinned else "unpinned"
        program = self.applications.write(f"{name}.py", script(self.shop.url, snippet))
        environment = {"HTTPS_PROXY": f"http://127.0.0.1:{self.proxy.port}"}
        return self.applications.start(name, program, environment)

    def allow_inspection(self) -> None:
        """What docs/recipes.md says."""
        shutil.copy(self.proxy.ca_file, self.project.folder / "company-ca.pem")
        self.project.livepin("pin", "add", HOST, "--pem", "company-ca.pem", "--position", "ca", "--note", "inspection")
        self.project.livepin("publish")


@pytest.fixture
def company() -> Iterator[Company]:
    try:
        find_mitmdump(CHECKOUT)
    except DemoFailed as missing:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(missing))
    build = CHECKOUT / "build"
    build.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="journey-", dir=build))
    try:
        with Processes(folder) as processes:
            company = Company(folder, processes)
            company.begin()
            yield company
    finally:
        shutil.rmtree(folder)


def refusals(application: Application) -> list[bool]:
    return ["[pin_mismatch]" in answer.text for answer in application.order()]


def test_inspection_is_refused_until_its_ca_is_pinned_and_outlives_a_renewal_of_that_ca(company: Company) -> None:
    unpinned = company.start(pinned=False)
    assert [answer.ok for answer in unpinned.order()] == [True, True]
    unpinned.finish()
    assert len(company.proxy.decrypted()) == 2, "the control: the proxy reads along, and nothing looks wrong"

    application = company.start(pinned=True)
    assert refusals(application) == [True, True]
    assert len(company.proxy.decrypted()) == 2

    company.allow_inspection()
    assert [answer.ok for answer in application.refresh_and_order()] == [True, True]
    assert len(company.proxy.decrypted()) == 4

    company.proxy.renew_ca()
    company.trust_proxy()
    assert refusals(application) == [True, True]
    assert company.proxy.decrypted() == []
    assert "likely interception" in application.events()[-1]

    company.allow_inspection()
    assert [answer.ok for answer in application.refresh_and_order()] == [True, True]
    assert len(company.proxy.decrypted()) == 2
    assert application.accepted(3)
    assert application.process.running, "the same process, from the first refusal to the last answer"
    application.finish()
