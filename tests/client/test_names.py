"""Whatever name an application connects by, and if it gives none: the pins of that name apply (J1, J3)."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest

import livepin
from livepin.testing import Cast, ServerCertificate, TlsServer, conversations, policy
from tests.acme import Acme


@pytest.fixture
def pinned(acme: Acme) -> Acme:
    """A project that pins the genuine key of localhost."""
    acme.publish(policy("localhost", acme.cast.genuine, acme.cast.backup))
    return acme


@pytest.fixture
def evil(cast: Cast) -> Iterator[TlsServer]:
    with TlsServer(cast.evil, conversation=conversations.silent) as server:
        yield server


def send(context: ssl.SSLContext, server: TlsServer, host: str | None) -> str:
    """Send a secret; `sent`, the code of the refusal, or `not trusted` where TLS itself refused."""
    try:
        with (
            socket.create_connection(("127.0.0.1", server.port), 10) as plain,
            context.wrap_socket(plain, server_hostname=host) as connection,
        ):
            connection.sendall(b"secret")
    except livepin.PinError as error:
        return error.code
    except ssl.SSLCertVerificationError:
        return "not trusted"
    return "sent"


def bytes_at(server: TlsServer) -> int:
    server.wait_until_idle()
    return server.application_bytes


def nameless(context: ssl.SSLContext) -> ssl.SSLContext:
    """As ldap3 and oracledb connect: they compare the name themselves, afterwards."""
    context.check_hostname = False
    return context


def asked(context: ssl.SSLContext, certificate: ServerCertificate, host: str | None) -> tuple[str, int]:
    """How a connection to a server with this certificate ends, and how many bytes arrive."""
    with TlsServer(certificate, conversation=conversations.silent) as server:
        return send(context, server, host), bytes_at(server)


# ---------------------------------------------------------------- ways to write a name


@pytest.mark.parametrize("name", ["LOCALHOST", "LocalHost"])
def test_the_case_of_a_host_makes_no_difference(pinned: Acme, evil: TlsServer, name: str) -> None:
    context = pinned.context(pinned.pinner())
    assert (send(context, evil, name), bytes_at(evil)) == ("pin_mismatch", 0)
    assert asked(context, pinned.cast.genuine, name) == ("sent", 6)


def test_a_name_with_a_trailing_dot_is_refused_by_tls_itself_and_judged_where_the_name_is_not_compared(
    pinned: Acme, evil: TlsServer
) -> None:
    """`ssl` compares the dot, too: no certificate has it. Clients take it off, or switch the comparison off."""
    context = pinned.context(pinned.pinner())
    assert (send(context, evil, "localhost."), bytes_at(evil)) == ("not trusted", 0)
    context.check_hostname = False
    assert (send(context, evil, "localhost."), bytes_at(evil)) == ("pin_mismatch", 0)
    assert asked(context, pinned.cast.genuine, "localhost.") == ("sent", 6)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_an_address_is_pinned_like_a_name(acme: Acme, evil: TlsServer, address: str) -> None:
    acme.publish(policy(address, acme.cast.genuine))
    context = acme.context(acme.pinner())
    assert (send(context, evil, address), bytes_at(evil)) == ("pin_mismatch", 0)


@pytest.mark.parametrize("text", ["0:0:0:0:0:0:0:1", "0000::0001", "::0.0.0.1"])
def test_an_address_is_the_same_however_it_is_written(acme: Acme, evil: TlsServer, text: str) -> None:
    acme.publish(policy("::1", acme.cast.genuine), unlisted="block")
    context = acme.context(acme.pinner())
    assert (send(context, evil, text), bytes_at(evil)) == ("pin_mismatch", 0)
    assert asked(context, acme.cast.genuine, text) == ("sent", 6)


def test_an_address_meets_no_wildcard(acme: Acme, evil: TlsServer) -> None:
    acme.publish(policy("**.1", acme.cast.backup), policy("localhost", acme.cast.genuine))
    assert send(acme.context(acme.pinner()), evil, "127.0.0.1") == "sent"


# ---------------------------------------------------------------- international names


#: One name on paper, two in the world: IDNA 2003, which `ssl` itself uses, folds the letter; IDNA 2008 keeps it.
ON_PAPER, FOLDED, KEPT = "faß.example", "fass.example", "xn--fa-hia.example"


@pytest.fixture
def strasse(acme: Acme) -> ServerCertificate:
    """A genuine certificate for both forms."""
    return acme.cast.authority.issue(FOLDED, KEPT)


def evil_twin(acme: Acme, certificate: ServerCertificate) -> ServerCertificate:
    return acme.cast.authority.rekeyed(certificate)


@pytest.mark.parametrize(("name", "judged_as"), [(ON_PAPER, FOLDED), (FOLDED, FOLDED), (KEPT, KEPT)])
def test_an_international_name_is_judged_in_the_form_that_tls_verifies(
    acme: Acme, strasse: ServerCertificate, name: str, judged_as: str
) -> None:
    acme.publish(policy(FOLDED, strasse), policy(KEPT, strasse), unlisted="block")
    context = acme.context(acme.pinner())
    assert asked(context, evil_twin(acme, strasse), name) == ("pin_mismatch", 0)
    assert acme.told("verdict_blocked")[-1].detail["pattern"] == judged_as
    assert asked(context, strasse, name) == ("sent", 6)


@pytest.mark.parametrize(("name", "listed"), [(ON_PAPER, KEPT), (KEPT, FOLDED)])
def test_one_form_does_not_stand_for_the_other(acme: Acme, strasse: ServerCertificate, name: str, listed: str) -> None:
    """They may belong to two owners. That is why authoring offers both forms."""
    acme.publish(policy(listed, strasse), unlisted="block")
    assert asked(acme.context(acme.pinner()), strasse, name) == ("unlisted", 0)


# ---------------------------------------------------------------- no name


def test_without_a_name_the_names_in_the_certificate_are_pinned(pinned: Acme, evil: TlsServer) -> None:
    context = nameless(pinned.context(pinned.pinner()))
    assert (send(context, evil, None), bytes_at(evil)) == ("pin_mismatch", 0)
    assert asked(context, pinned.cast.genuine, None) == ("sent", 6)


def test_without_a_name_a_certificate_for_unlisted_names_passes(pinned: Acme) -> None:
    context = nameless(pinned.context(pinned.pinner()))
    assert asked(context, pinned.cast.wrong_host, None) == ("sent", 6)


def test_without_a_name_a_certificate_for_unlisted_names_is_blocked_where_they_are(acme: Acme) -> None:
    service, both = acme.cast.authority.issue("api.example"), acme.cast.authority.issue("api.example", "other.example")
    acme.publish(policy("api.example", service, both), unlisted="block")
    context = nameless(acme.context(acme.pinner()))
    assert asked(context, acme.cast.authority.issue("other.example"), None) == ("unlisted", 0)
    assert asked(context, both, None) == ("unlisted", 0)
    assert asked(context, service, None) == ("sent", 6)


def test_without_a_name_a_wildcard_certificate_over_a_pinned_host_must_match(acme: Acme) -> None:
    acme.publish(policy("api.shop.example", acme.cast.genuine))
    context = nameless(acme.context(acme.pinner()))
    assert asked(context, acme.cast.authority.issue("*.shop.example"), None) == ("pin_mismatch", 0)


# ---------------------------------------------------------------- no certificate


class Anonymous:
    """A TLS server without a certificate: whoever stands on the way can be one."""

    def __init__(self) -> None:
        self.received = b""
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        speak_anonymously(self._context)

    def meet(self, client: ssl.SSLContext) -> str:
        """Let a client send a secret, by the name `localhost`."""
        here, there = socket.socketpair()
        serving = threading.Thread(target=self._serve, args=(there,))
        serving.start()
        try:
            with here, client.wrap_socket(here, server_hostname="localhost") as connection:
                connection.sendall(b"secret")
            return "sent"
        except livepin.PinError as error:
            return error.code
        finally:
            serving.join(10)

    def _serve(self, plain: socket.socket) -> None:
        with suppress(OSError), plain, self._context.wrap_socket(plain, server_side=True) as connection:
            self.received += connection.recv(100)


def speak_anonymously(context: ssl.SSLContext) -> ssl.SSLContext:
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("aNULL:@SECLEVEL=0")
    return context


def without_certificates(context: ssl.SSLContext) -> ssl.SSLContext:
    """An application that asked for trouble."""
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return speak_anonymously(context)


def test_a_server_without_a_certificate_gets_nothing(acme: Acme) -> None:
    nobody = Anonymous()
    plain = without_certificates(acme.cast.authority.client_context())
    assert (nobody.meet(plain), nobody.received) == ("sent", b"secret"), "the control"
    nobody.received = b""
    acme.publish(policy("localhost", acme.cast.genuine))
    pinner = acme.pinner()
    context = without_certificates(acme.context(pinner))
    assert nobody.meet(context) == "pin_mismatch"
    acme.publish({"host": "localhost", "action": "enforce", "deny": [acme.cast.evil.spki_sha256]})
    assert pinner.refresh()
    assert nobody.meet(context) == "denied"
    assert nobody.received == b""
