"""Pins above the leaf: they are judged on the chain that this very handshake validated, and on no other (J4)."""

from __future__ import annotations

import socket
import ssl
from dataclasses import replace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

import livepin
from livepin.testing import CertificateAuthority, ServerCertificate, TlsServer, conversations, policy
from tests.acme import Acme


def pin(position: str, certificate: ServerCertificate, place: int) -> dict[str, str]:
    """A pin of the certificate at a place of a chain: 0 the leaf, -1 the root."""
    return {"spki_sha256": certificate.chain_spki_sha256[place], "position": position}


def context_for(acme: Acme, *pins: dict[str, str], **members: object) -> ssl.SSLContext:
    acme.publish(policy("localhost", *pins), **members)
    return acme.context(acme.pinner())


def connect(context: ssl.SSLContext, server: TlsServer) -> None:
    """A full handshake and one byte. Raises what the connection raises."""
    with (
        socket.create_connection(("localhost", server.port), 10) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as connection,
    ):
        connection.sendall(b"!")


def code_of(context: ssl.SSLContext, certificate: ServerCertificate) -> str:
    """`matched`, or the code of the refusal; a refused server has read nothing."""
    with TlsServer(certificate, conversation=conversations.silent) as server:
        try:
            connect(context, server)
        except livepin.PinError as error:
            server.wait_until_idle()
            assert server.application_bytes == 0
            return error.code
        return "matched"


# ---------------------------------------------------------------- the validated chain


@pytest.mark.parametrize("place", [1, 2], ids=["intermediate", "root"])
@pytest.mark.parametrize("position", ["ca", "any"])
def test_a_key_above_the_leaf_is_pinned(acme: Acme, place: int, position: str) -> None:
    context = context_for(acme, pin(position, acme.cast.genuine, place))
    assert code_of(context, acme.cast.genuine) == "matched"
    assert code_of(context, acme.cast.renewed) == "matched"


def test_a_pin_of_the_root_matches_though_servers_do_not_send_it(acme: Acme) -> None:
    """On Python 3.13 and later a default context may end a chain at a trusted intermediate; ours never does."""
    root = pin("ca", acme.cast.genuine, -1)
    acme.publish(policy("localhost", root))
    context = acme.context(acme.pinner())
    context.load_verify_locations(
        cadata=acme.cast.authority.intermediates[0].public_bytes(serialization.Encoding.PEM).decode()
    )
    assert code_of(context, acme.cast.genuine) == "matched"


def test_a_leaf_pin_does_not_match_above_the_leaf_nor_the_other_way_round(acme: Acme) -> None:
    context = context_for(acme, pin("leaf", acme.cast.genuine, 1), pin("ca", acme.cast.genuine, 0))
    assert code_of(context, acme.cast.genuine) == "pin_mismatch"


def test_a_pinned_certificate_that_an_attacker_only_sends_along_does_not_match(acme: Acme) -> None:
    for position in ("ca", "any"):
        context = context_for(acme, pin(position, acme.cast.genuine, 0))
        assert code_of(context, acme.cast.evil.sending(acme.cast.genuine)) == "pin_mismatch"


def test_a_denied_key_above_the_leaf_is_refused_whatever_matches(acme: Acme) -> None:
    context = context_for(acme, pin("leaf", acme.cast.genuine, 0), deny=[acme.cast.genuine.chain_spki_sha256[1]])
    assert code_of(context, acme.cast.genuine) == "denied"


# ---------------------------------------------------------------- chains that end early


def ending_early(acme: Acme) -> ssl.SSLContext:
    """An application's own context as Python 3.13 makes it, with the intermediate among the trusted certificates."""
    context = acme.cast.authority.client_context()
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    (intermediate,) = acme.cast.authority.intermediates
    context.load_verify_locations(cadata=intermediate.public_bytes(serialization.Encoding.PEM).decode())
    return context


def test_where_chains_may_end_at_a_trusted_intermediate_pins_count_up_to_there(acme: Acme, installed: None) -> None:
    """Nothing above was validated, so nothing above can match. Pinned contexts always go up to the root, see above."""
    context = ending_early(acme)
    leaf, intermediate, root = (pin("any", acme.cast.genuine, place) for place in range(3))
    acme.publish(policy("localhost", leaf))
    pinner = livepin.setup(**acme.embedded())
    assert code_of(context, acme.cast.genuine) == "matched"
    assert code_of(context, acme.cast.evil) == "pin_mismatch"
    answers = []
    for each in (intermediate, root):
        acme.publish(policy("localhost", each))
        assert pinner.refresh()
        answers.append(code_of(context, acme.cast.genuine))
    assert answers == ["matched", "pin_mismatch"]


# ---------------------------------------------------------------- validation switched off


def unvalidated(context: ssl.SSLContext) -> ssl.SSLContext:
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def test_without_validation_a_pin_of_the_leaf_still_binds(acme: Acme) -> None:
    context = unvalidated(context_for(acme, pin("leaf", acme.cast.genuine, 0)))
    assert code_of(context, acme.cast.genuine) == "matched"
    assert code_of(context, acme.cast.forged) == "pin_mismatch"


def test_optional_validation_is_validation(acme: Acme) -> None:
    """For a client OpenSSL knows no difference: a chain that does not validate ends the handshake."""
    context = context_for(acme, pin("ca", acme.cast.genuine, 1))
    context.check_hostname = False
    context.verify_mode = ssl.CERT_OPTIONAL
    assert code_of(context, acme.cast.genuine) == "matched"
    with pytest.raises(ssl.SSLCertVerificationError) as caught:
        code_of(context, acme.cast.forged)
    assert not isinstance(caught.value, livepin.PinError)


@pytest.mark.parametrize("position", ["ca", "any"])
def test_without_validation_a_forged_chain_does_not_match(acme: Acme, position: str) -> None:
    """The forged leaf only names the pinned intermediate, and OpenSSL reports a chain all the same."""
    context = unvalidated(context_for(acme, pin(position, acme.cast.genuine, 1)))
    assert code_of(context, acme.cast.forged) == "pin_mismatch"
    assert code_of(context, acme.cast.genuine) == "pin_mismatch"


def test_the_verdict_says_that_nothing_was_validated(acme: Acme) -> None:
    context = unvalidated(context_for(acme, pin("leaf", acme.cast.genuine, 0)))
    with TlsServer(acme.cast.evil) as server, pytest.raises(livepin.PinError) as caught:
        connect(context, server)
    assert caught.value.verdict.unvalidated


def test_validation_that_is_switched_on_after_the_connection_was_made_counts_for_nothing(acme: Acme) -> None:
    """OpenSSL copies the mode when the connection is made: that is the one that counts."""
    context = unvalidated(context_for(acme, pin("ca", acme.cast.genuine, 1)))
    with TlsServer(acme.cast.forged) as server, socket.create_connection(("localhost", server.port), 10) as plain:
        with context.wrap_socket(plain, server_hostname="localhost", do_handshake_on_connect=False) as connection:
            context.verify_mode = ssl.CERT_REQUIRED
            with pytest.raises(livepin.PinError):
                connection.sendall(b"secret")
        server.wait_until_idle()
        assert server.application_bytes == 0


# ---------------------------------------------------------------- the same leaf, another chain


def cross_signed(authority: CertificateAuthority, by: CertificateAuthority) -> x509.Certificate:
    """The intermediate of one authority, name and key, certified by the root of another."""
    (old,), root = authority.intermediates, by._path[0]
    builder = x509.CertificateBuilder(
        root.certificate.subject,
        old.subject,
        old.public_key(),
        x509.random_serial_number(),
        old.not_valid_before_utc,
        old.not_valid_after_utc,
    )
    for extension in old.extensions:
        if extension.oid != x509.AuthorityKeyIdentifier.oid:
            builder = builder.add_extension(extension.value, extension.critical)
    builder = builder.add_extension(root._identifier(), critical=False)
    return builder.sign(root.key, hashes.SHA256())


@pytest.fixture
def two_roots() -> tuple[ServerCertificate, ServerCertificate, str]:
    """One leaf below one intermediate key that two roots have certified; and the PEM of both roots."""
    old, new = CertificateAuthority("old", intermediates=1), CertificateAuthority("new")
    leaf = old.issue("localhost")
    chain = (leaf.certificate, cross_signed(old, new))
    return leaf, replace(leaf, chain=chain, root=new._path[0].certificate), old.root_pem + new.root_pem


def test_a_change_of_the_chain_above_one_leaf_is_noticed(
    acme: Acme, two_roots: tuple[ServerCertificate, ServerCertificate, str]
) -> None:
    by_old, by_new, roots = two_roots
    acme.publish(policy("localhost", pin("ca", by_new, -1)))
    context = acme.pinner().ssl_context(cadata=roots)
    assert code_of(context, by_old) == "pin_mismatch"
    assert code_of(context, by_new) == "matched"


def test_a_denied_root_is_noticed_though_the_leaf_was_seen_below_another(
    acme: Acme, two_roots: tuple[ServerCertificate, ServerCertificate, str]
) -> None:
    by_old, by_new, roots = two_roots
    acme.publish(policy("localhost", pin("leaf", by_old, 0)), deny=[by_new.chain_spki_sha256[-1]])
    context = acme.pinner().ssl_context(cadata=roots)
    assert code_of(context, by_old) == "matched"
    assert code_of(context, by_new) == "denied"
