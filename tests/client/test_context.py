"""An application sets Livepin up for the whole process, or makes a pinned context of its own, and takes it back."""

from __future__ import annotations

import _ssl
import errno
import json
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import livepin
from livepin import ConfigurationError
from livepin.client import context as contexts
from livepin.testing import Cast, TlsServer, conversations, policy
from tests.acme import Acme

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def pinned(acme: Acme) -> Acme:
    """A project that pins the genuine key of localhost."""
    acme.publish(policy("localhost", acme.cast.genuine, acme.cast.backup))
    return acme


@pytest.fixture
def evil(cast: Cast) -> Iterator[TlsServer]:
    with TlsServer(cast.evil, conversation=conversations.silent) as server:
        yield server


def send(context: ssl.SSLContext, server: TlsServer, host: str | None = "localhost") -> str:
    """Send a secret; `sent`, or the code of the refusal."""
    plain = socket.create_connection(("localhost", server.port), 10)
    try:
        with plain, context.wrap_socket(plain, server_hostname=host) as connection:
            connection.sendall(b"secret")
    except livepin.PinError as error:
        return error.code
    return "sent"


def lenient(pinned: Acme) -> Acme:
    """Another project, on the same origin, that pins the attacker's key."""
    other = Acme(pinned.cast, pinned.origin)
    other.documents.project = "other"
    other.publish(policy("localhost", pinned.cast.evil))
    return other


def bytes_at(server: TlsServer) -> int:
    server.wait_until_idle()
    return server.application_bytes


# ---------------------------------------------------------------- the whole process


def test_a_context_made_before_set_up_is_pinned_and_free_again_after_uninstall(
    pinned: Acme, evil: TlsServer, installed: None
) -> None:
    context = pinned.cast.authority.client_context()
    livepin.setup(**pinned.embedded())
    assert (send(context, evil), bytes_at(evil)) == ("pin_mismatch", 0)
    livepin.uninstall()
    assert (send(context, evil), bytes_at(evil)) == ("sent", len(b"secret"))


def test_uninstall_leaves_the_class_as_it_was(pinned: Acme, installed: None) -> None:
    before = dict(vars(ssl.SSLContext))
    livepin.setup(**pinned.embedded())
    assert dict(vars(ssl.SSLContext)) != before
    livepin.uninstall()
    assert dict(vars(ssl.SSLContext)) == before
    livepin.uninstall()
    assert dict(vars(ssl.SSLContext)) == before


def test_uninstall_leaves_alone_what_somebody_else_put_in_its_place(
    pinned: Acme, installed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    livepin.setup(**pinned.embedded())

    def theirs(self: ssl.SSLContext, *arguments: Any, **named: Any) -> Any:
        return contexts._wrap_socket(self, *arguments, **named)

    monkeypatch.setattr(ssl.SSLContext, "_wrap_socket", theirs, raising=False)
    livepin.uninstall()
    assert vars(ssl.SSLContext)["_wrap_socket"] is theirs


def test_set_up_again_with_other_values_takes_effect_on_every_context(
    pinned: Acme, evil: TlsServer, installed: None
) -> None:
    context = pinned.cast.authority.client_context()
    first = livepin.setup(**pinned.embedded())
    second = livepin.setup(**lenient(pinned).embedded())
    assert first is not second
    assert send(context, evil) == "sent"
    status = livepin.status()
    assert status is not None
    assert status.project == "other"


def test_set_up_that_fails_leaves_what_was_set_up_before(pinned: Acme, evil: TlsServer, installed: None) -> None:
    context = pinned.cast.authority.client_context()
    livepin.setup(**pinned.embedded())
    with pytest.raises(ConfigurationError):
        livepin.setup(**pinned.embedded(project_id="no such/id"))
    assert (send(context, evil), bytes_at(evil)) == ("pin_mismatch", 0)


def test_the_status_of_the_process_is_none_while_nothing_is_set_up(pinned: Acme, installed: None) -> None:
    assert livepin.status() is None
    livepin.setup(**pinned.embedded())
    status = livepin.status()
    assert status is not None
    assert (status.organization, status.project, status.serial) == ("acme", "shop", 1)
    livepin.uninstall()
    assert livepin.status() is None


def test_servers_of_the_process_are_left_alone(pinned: Acme, installed: None) -> None:
    """A server that asks for client certificates validates peers too, and their keys are in no document."""
    livepin.setup(**pinned.embedded(hosts=None))
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cadata=pinned.cast.authority.root_pem)
    pinned.cast.genuine.load_into(server)
    server.verify_mode = ssl.CERT_OPTIONAL
    before = server.options
    here, there = socket.socketpair()
    with here, there:
        accepted = server.wrap_socket(here, server_side=True, do_handshake_on_connect=False)
        with accepted:
            assert type(accepted._sslobj) is _ssl._SSLSocket  # type: ignore[attr-defined]
    in_memory = server.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_side=True)
    assert type(in_memory._sslobj) is _ssl._SSLSocket  # type: ignore[attr-defined]
    assert server.options == before


def test_renegotiation_is_forbidden_on_every_context_that_connects(
    pinned: Acme, evil: TlsServer, installed: None
) -> None:
    old = pinned.cast.authority.client_context()
    assert not old.options & ssl.OP_NO_RENEGOTIATION
    livepin.setup(**pinned.embedded())
    send(old, evil)
    assert old.options & ssl.OP_NO_RENEGOTIATION


# ---------------------------------------------------------------- several pinners


def test_pinners_of_two_projects_in_one_process_judge_by_their_own_documents(pinned: Acme, evil: TlsServer) -> None:
    other = lenient(pinned)
    ours, theirs = pinned.context(pinned.pinner()), other.context(other.pinner())
    assert (send(ours, evil), bytes_at(evil)) == ("pin_mismatch", 0)
    assert send(theirs, evil) == "sent"
    other.close()


def test_a_context_of_ones_own_must_please_the_whole_process_too(
    pinned: Acme, evil: TlsServer, installed: None
) -> None:
    other = lenient(pinned)
    context = other.context(other.pinner())
    livepin.setup(**pinned.embedded())
    assert (send(context, evil), bytes_at(evil)) == ("pin_mismatch", 0)
    livepin.uninstall()
    assert send(context, evil) == "sent"
    other.close()


def test_the_process_does_not_loosen_a_context_of_ones_own(pinned: Acme, evil: TlsServer, installed: None) -> None:
    strict = pinned.context(pinned.pinner())
    livepin.setup(**lenient(pinned).embedded())
    assert (send(strict, evil), bytes_at(evil)) == ("pin_mismatch", 0)


def test_a_context_of_ones_own_stays_pinned_after_uninstall(pinned: Acme, evil: TlsServer, installed: None) -> None:
    pinner = livepin.setup(**pinned.embedded())
    context = pinned.context(pinner)
    livepin.uninstall()
    assert (send(context, evil), bytes_at(evil)) == ("pin_mismatch", 0)


def test_a_pinner_of_ones_own_does_not_touch_the_process(pinned: Acme, evil: TlsServer) -> None:
    before = dict(vars(ssl.SSLContext))
    pinned.context(pinned.pinner())
    assert dict(vars(ssl.SSLContext)) == before
    assert send(pinned.cast.authority.client_context(), evil) == "sent"


def test_a_pinned_context_has_the_defaults_of_the_standard_library(pinned: Acme) -> None:
    """But for chains: they always go up to the root, see `pinned_context`."""
    ours, theirs = pinned.context(pinned.pinner()), pinned.cast.authority.client_context()
    partial = getattr(ssl, "VERIFY_X509_PARTIAL_CHAIN", 0) if sys.version_info >= (3, 13) else 0
    assert ours.verify_flags == theirs.verify_flags & ~partial
    assert ours.options == theirs.options | ssl.OP_NO_RENEGOTIATION
    for name in ("check_hostname", "verify_mode", "protocol", "minimum_version", "maximum_version"):
        assert getattr(ours, name) == getattr(theirs, name), name
    assert ours.get_ciphers() == theirs.get_ciphers()
    assert len(ours.get_ca_certs()) == 1


def test_a_pinned_context_without_a_ca_trusts_the_system(
    pinned: Acme, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(pinned.cast.authority.write(tmp_path)))
    with TlsServer(pinned.cast.genuine, conversation=conversations.silent) as server:
        assert send(pinned.pinner().ssl_context(), server) == "sent"


def test_a_pinned_context_takes_a_ca_from_a_file(pinned: Acme, tmp_path: Path) -> None:
    context = pinned.pinner().ssl_context(cafile=str(pinned.cast.authority.write(tmp_path)))
    with TlsServer(pinned.cast.genuine, conversation=conversations.silent) as server:
        assert send(context, server) == "sent"
    with pytest.raises(FileNotFoundError):
        pinned.pinner().ssl_context(cafile=str(tmp_path / "absent.pem"))


# ---------------------------------------------------------------- an ssl module of another shape


class NewObject(ssl.SSLObject):
    """As a Python might make it one day: past the methods that the hook is put on."""

    @classmethod
    def _create(cls, incoming: Any, outgoing: Any, context: Any = None, **named: Any) -> NewObject:
        self = cls.__new__(cls)
        make: Any = vars(_ssl._SSLContext)["_wrap_bio"]
        self._sslobj = make(context, incoming, outgoing, server_side=False, owner=self)  # type: ignore[attr-defined]
        return self


class NewSocket(ssl.SSLSocket):
    """The same for sockets."""

    @classmethod
    def _create(cls, sock: Any, *arguments: Any, context: Any = None, **named: Any) -> NewSocket:
        made = super(ssl.SSLSocket, cls).__new__(cls)
        socket.socket.__init__(made, family=sock.family, type=sock.type, fileno=sock.detach())
        make: Any = vars(_ssl._SSLContext)["_wrap_socket"]
        made._sslobj = make(context, made, False)  # type: ignore[attr-defined]
        return made


class TalkativeObject(ssl.SSLObject):
    """The methods are there, but are told more than today."""

    @classmethod
    def _create(cls, incoming: Any, outgoing: Any, context: Any = None, **named: Any) -> TalkativeObject:
        self = cls.__new__(cls)
        self._sslobj = context._wrap_bio(incoming, outgoing, False, None, owner=self, early_data=b"")  # type: ignore[attr-defined]
        return self


@pytest.mark.parametrize(
    ("kind", "new"),
    [("sslobject_class", NewObject), ("sslsocket_class", NewSocket), ("sslobject_class", TalkativeObject)],
    ids=["objects", "sockets", "arguments"],
)
def test_set_up_refuses_loudly_where_the_hook_is_never_asked(
    pinned: Acme, installed: None, monkeypatch: pytest.MonkeyPatch, kind: str, new: type
) -> None:
    before = dict(vars(ssl.SSLContext))
    with monkeypatch.context() as changed:
        changed.setattr(ssl.SSLContext, kind, new)
        for attempt in (lambda: livepin.setup(**pinned.embedded()), lambda: pinned.pinner().ssl_context()):
            with pytest.raises(ConfigurationError) as caught:
                attempt()
            assert caught.value.code == "hook_unavailable"
    assert dict(vars(ssl.SSLContext)) == before
    assert livepin.status() is None


class NoObject(ssl.SSLObject):
    """The process has no descriptor left."""

    @classmethod
    def _create(cls, *arguments: Any, **named: Any) -> NoObject:
        raise OSError(errno.EMFILE, "Too many open files")


@pytest.mark.parametrize(
    ("new", "error"), [(NewObject, ConfigurationError), (NoObject, OSError)], ids=["unavailable", "descriptors"]
)
def test_set_up_that_cannot_hook_keeps_the_one_before(
    pinned: Acme,
    evil: TlsServer,
    installed: None,
    monkeypatch: pytest.MonkeyPatch,
    new: type,
    error: type[Exception],
) -> None:
    context = pinned.cast.authority.client_context()
    pinner = livepin.setup(**pinned.embedded())
    before = set(threading.enumerate())
    with monkeypatch.context() as changed:
        changed.setattr(ssl.SSLContext, "sslobject_class", new)
        with pytest.raises(error):
            livepin.setup(**lenient(pinned).embedded())
    assert pinner.status().installed
    assert (send(context, evil), bytes_at(evil)) == ("pin_mismatch", 0)
    left = [thread for thread in threading.enumerate() if "refresh" in thread.name and thread not in before]
    for thread in left:
        thread.join(30)
    assert not any(thread.is_alive() for thread in left), "the pinner that was not installed refreshes no more"


WITHOUT_THE_METHODS = """
import _ssl

class Renamed(_ssl._SSLContext):
    _wrap_socket = None
    _wrap_bio = None

_ssl._SSLContext = Renamed
import livepin
pinner = livepin.Pinner(
    organization_id="acme", project_id="shop", public_key=KEY,
    configuration_url="http://localhost:9/", store=None, wait=0,
)
try:
    pinner.ssl_context()
except livepin.ConfigurationError as error:
    print(error.code)
"""


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_python_without_the_methods_can_import_livepin_and_is_told_what_is_wrong(acme: Acme) -> None:
    assert run(WITHOUT_THE_METHODS.replace("KEY", repr(acme.documents.public_key))) == "hook_unavailable\n"


# ---------------------------------------------------------------- what an import costs


def test_importing_livepin_loads_nothing_heavy() -> None:
    everything = "[getattr(livepin, name) for name in livepin.__all__]"
    loaded = set(json.loads(run(f"import sys, json, livepin; {everything}; print(json.dumps(sorted(sys.modules)))")))
    heavy = {"cryptography", "urllib.request", "http.client", "asyncio", "livepin.testing", "email.parser", "idna"}
    assert loaded & heavy == set()
    assert "livepin.client.handshake" in loaded
