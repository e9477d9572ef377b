"""When pyOpenSSL is gated: at set-up, or when it is imported after it; and how that ends."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from OpenSSL import SSL

import livepin
from livepin.testing import policy
from tests.acme import Acme

ORIGINALS = dict(vars(SSL.Connection))


# ---------------------------------------------------------------- installed, removed, refused


def test_uninstalled_pyopenssl_is_what_it_was(pinned: Acme) -> None:
    assert vars(SSL.Connection)["send"] is not ORIGINALS["send"]
    livepin.setup(**pinned.embedded())
    livepin.uninstall()
    assert dict(vars(SSL.Connection)) == ORIGINALS


def test_a_pyopenssl_that_cannot_be_gated_stops_set_up(
    acme: Acme, installed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme.publish(policy("localhost", acme.cast.genuine))
    monkeypatch.delattr(SSL.Connection, "recv_into")
    with pytest.raises(livepin.ConfigurationError) as caught:
        livepin.setup(**acme.embedded())
    assert caught.value.code == "hook_unavailable"
    assert "recv_into" in str(caught.value)
    assert livepin.status() is None
    assert vars(SSL.Connection)["send"] is ORIGINALS["send"]


def run(program: str, folder: Path, acme: Acme) -> str:
    """A process of its own: what has been imported in this one cannot be imported later."""
    arguments = acme.embedded()
    del arguments["on_event"]
    head = f"import sys, livepin\nsys.path.insert(0, {str(folder)!r})\narguments = {arguments!r}\n"
    done = subprocess.run(
        [sys.executable, "-c", head + textwrap.dedent(program)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_pyopenssl_is_gated_when_it_is_imported_after_set_up(acme: Acme, tmp_path: Path) -> None:
    acme.publish(policy("localhost", acme.cast.genuine))
    program = """
        import importlib.util
        livepin.setup(**arguments)
        assert "OpenSSL" not in sys.modules
        importlib.util.find_spec("OpenSSL.SSL")  # a question is no import
        from OpenSSL import SSL
        print(SSL.Connection.send.__wrapped__.__name__)
        livepin.uninstall()
        print(hasattr(SSL.Connection.send, "__wrapped__"))
    """
    assert run(program, tmp_path, acme).split() == ["send", "False"]


def test_pyopenssl_is_not_imported_for_the_sake_of_gating_it(acme: Acme, tmp_path: Path) -> None:
    acme.publish(policy("localhost", acme.cast.genuine))
    program = """
        before = list(sys.meta_path)
        livepin.setup(**arguments)
        livepin.uninstall()
        print("OpenSSL" in sys.modules, sys.meta_path == before)
        from OpenSSL import SSL
        print(hasattr(SSL.Connection.send, "__wrapped__"))
    """
    assert run(program, tmp_path, acme).split() == ["False", "True", "False"]


def test_a_pyopenssl_that_cannot_be_gated_cannot_be_imported_after_set_up(acme: Acme, tmp_path: Path) -> None:
    acme.publish(policy("localhost", acme.cast.genuine))
    package = tmp_path / "OpenSSL"
    package.mkdir()
    (package / "__init__.py").write_text("from OpenSSL import SSL, crypto\n")
    (package / "SSL.py").write_text("class Error(Exception): ...\nclass Connection:\n    def send(self): ...\n")
    (package / "crypto.py").write_text("")
    program = """
        livepin.setup(**arguments)
        for _ in range(2):
            try:
                import OpenSSL.SSL
            except ImportError as error:
                print("hook_unavailable" in str(error))
    """
    assert run(program, tmp_path, acme).split() == ["True", "True"]
