"""The right key is not enough: a certificate that was never logged is refused, on new and resumed connections (J7)."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable
from typing import Any

import pytest

import livepin
from livepin.client.peer import GivenPeer
from livepin.client.snapshot import Snapshot, WithoutDocument
from livepin.core.jws import PublicKey
from livepin.core.trust import Trust, verify_held
from livepin.testing import (
    Cast,
    CtLog,
    DocumentAuthority,
    HandTurnedClock,
    Resumption,
    SctFault,
    ServerCertificate,
    TlsServer,
    conversations,
    ct_logs,
    logged,
    policy,
)
from livepin.testing.clock import DEFAULT_NOW
from livepin.testing.ct_log import sct_list
from tests.acme import Acme

NOW, DAY = DEFAULT_NOW, 86_400
ONE, TWO = CtLog("One"), CtLog("Two", static=True)
RULE = {"action": "enforce", "policy": "chrome"}


def connect(context: ssl.SSLContext, server: TlsServer, session: ssl.SSLSession | None = None) -> ssl.SSLSession:
    """One connection with an echo on it; the session that it leaves behind."""
    with (
        socket.create_connection(("localhost", server.port), 10) as plain,
        context.wrap_socket(plain, server_hostname="localhost", session=session) as connection,
    ):
        connection.sendall(b"hello")
        assert connection.recv(5) == b"hello"
        assert connection.session_reused is (session is not None)
        found = connection.session
        assert found is not None
        return found


def refusal(context: ssl.SSLContext, certificate: ServerCertificate) -> livepin.PinError | None:
    """What a connection to a server with this certificate ends with; a refused server has read nothing."""
    with TlsServer(certificate, conversation=conversations.echo) as server:
        try:
            connect(context, server)
        except livepin.PinError as error:
            server.wait_until_idle()
            assert server.application_bytes == 0
            return error
    return None


@pytest.fixture
def genuine(cast: Cast) -> ServerCertificate:
    return logged(cast.authority, cast.genuine, ONE, TWO)


@pytest.mark.parametrize("with_pins", [True, False])
def test_the_right_key_without_proof_of_logging_is_refused(
    acme: Acme, genuine: ServerCertificate, with_pins: bool
) -> None:
    pins = (genuine,) if with_pins else ()
    acme.publish(policy("localhost", *pins, ct=RULE), ct_logs=ct_logs(ONE, TWO))
    context = acme.context(acme.pinner())
    assert refusal(context, genuine) is None
    error = refusal(context, acme.cast.genuine)  # the same key, and the same names
    assert error is not None
    assert (error.code, error.verdict.ct_evaluated) == ("ct_failed", True)
    assert error.verdict.reasons == ("the certificate came with no SCT",)


@pytest.mark.parametrize("fault", SctFault)
def test_an_sct_that_is_worth_nothing_does_not_help(acme: Acme, fault: SctFault) -> None:
    acme.publish(policy("localhost", acme.cast.genuine, ct=RULE), ct_logs=ct_logs(ONE, TWO))
    error = refusal(acme.context(acme.pinner()), logged(acme.cast.authority, acme.cast.genuine, ONE, TWO.faulty(fault)))
    assert error is not None
    assert [one.verdict for one in error.verdict.scts] == ["ok", fault.value]


def test_a_resumed_session_is_judged_by_the_chain_of_the_handshake_that_began_it(
    acme: Acme, genuine: ServerCertificate
) -> None:
    acme.publish(policy("localhost", genuine, ct=RULE), ct_logs=ct_logs(ONE, TWO))
    pinner = acme.pinner()
    context = acme.context(pinner)
    with TlsServer(genuine, conversation=conversations.echo, resumption=Resumption.TICKETS) as server:
        session = connect(context, server)
        session = connect(context, server, session)
        # One of its logs is gone: the session is as old as its certificate.
        acme.publish(policy("localhost", genuine, ct=RULE), ct_logs=ct_logs(ONE))
        pinner.refresh()
        with pytest.raises(livepin.PinError, match="ct_failed"):
            connect(context, server, session)


def test_reporting_lets_it_pass_and_tells(acme: Acme, genuine: ServerCertificate) -> None:
    rule = {**RULE, "action": "report"}
    acme.publish(policy("localhost", genuine, ct=rule), ct_logs=ct_logs(ONE, TWO))
    assert refusal(acme.context(acme.pinner()), acme.cast.genuine) is None
    (event,) = acme.told("verdict_reported")
    assert (event.detail["code"], event.detail["scts"]) == ("ct_failed", ())


def test_an_event_carries_the_scts_that_came_along(acme: Acme) -> None:
    acme.publish(policy("localhost", acme.cast.genuine, ct=RULE), ct_logs=ct_logs(ONE, TWO))
    faulty = logged(acme.cast.authority, acme.cast.genuine, ONE, TWO.faulty(SctFault.BAD_SIGNATURE))
    assert refusal(acme.context(acme.pinner()), faulty) is not None
    (event,) = acme.told("verdict_blocked")
    scts: Any = event.detail["scts"]
    good, bad = scts
    assert (good.partition(" at ")[0], good.rpartition(" ")[2]) == (f"SCT of {ONE.operator} {ONE.id}", "counts")
    assert (bad.partition(" at ")[0], bad.rpartition(" ")[2]) == (f"SCT of {TWO.operator} {TWO.id}", "bad_signature")


def test_of_a_blocked_peer_it_is_told_too_that_ct_was_not_evaluated(acme: Acme) -> None:
    old = ct_logs(ONE, TWO, issued_at=time.time() - 71 * DAY)
    acme.publish(policy("localhost", acme.cast.genuine, ct=RULE), ct_logs=old)
    context = acme.context(acme.pinner())
    assert refusal(context, acme.cast.evil) is not None
    assert (len(acme.told("verdict_blocked")), len(acme.told("ct_not_evaluated"))) == (1, 1)


def test_a_list_that_is_too_old_is_told_and_pins_are_enforced_all_the_same(
    acme: Acme, genuine: ServerCertificate
) -> None:
    old = ct_logs(ONE, TWO, issued_at=time.time() - 71 * DAY)
    acme.publish(policy("localhost", acme.cast.genuine, ct=RULE), ct_logs=old)
    context = acme.context(acme.pinner())
    assert refusal(context, acme.cast.genuine) is None
    assert len(acme.told("ct_not_evaluated")) == 1
    error = refusal(context, acme.cast.evil)
    assert error is not None
    assert error.code == "pin_mismatch"


def test_without_pins_a_list_that_is_too_old_blocks(acme: Acme, genuine: ServerCertificate) -> None:
    acme.publish(policy("localhost", ct=RULE), ct_logs=ct_logs(ONE, TWO, issued_at=time.time() - 71 * DAY))
    error = refusal(acme.context(acme.pinner()), genuine)
    assert error is not None
    assert (error.code, error.verdict.ct_evaluated) == ("ct_failed", False)


def test_where_validation_is_off_enforcing_refuses(acme: Acme, genuine: ServerCertificate) -> None:
    acme.publish(policy("localhost", genuine, ct=RULE), ct_logs=ct_logs(ONE, TWO))
    context = acme.pinner().ssl_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    error = refusal(context, genuine)
    assert error is not None
    assert (error.code, error.verdict.unvalidated) == ("ct_failed", True)


def test_scts_that_came_by_tls_are_judged_where_the_caller_hands_them_over(acme: Acme) -> None:
    plain = acme.cast.genuine
    acme.publish(policy("localhost", plain, ct=RULE), ct_logs=ct_logs(ONE, TWO))
    pinner = acme.pinner()
    handed_over = {"tls": sct_list(*(log.sct_of_certificate(plain.der) for log in (ONE, TWO)))}
    assert pinner.verify("localhost", plain.chain_der).code == "ct_failed"
    assert pinner.verify("localhost", plain.chain_der, scts=handed_over).code == "matched"
    assert pinner.verify("localhost", plain.chain_der).code == "ct_failed"  # what is remembered is not mixed up
    assert pinner.verify("localhost", plain.chain_der, scts={"tls": b"nonsense"}).code == "ct_failed"
    with pytest.raises(ValueError, match="pigeon"):
        pinner.verify("localhost", plain.chain_der, scts={"pigeon": b""})


# ---------------------------------------------------------------- what is remembered


class Turned:
    """A snapshot at times that a test chooses."""

    def __init__(self, *hosts: dict[str, object], **members: Any) -> None:
        documents = DocumentAuthority(clock=HandTurnedClock(NOW))
        text = documents.sign(hosts, **members)
        trust = Trust("acme", "shop", (PublicKey.from_text(documents.public_key),))
        self.snapshot = Snapshot(verify_held(text, trust), False, "0" * 32, WithoutDocument())

    @property
    def verified(self) -> int:
        """How many certificates were verified so far."""
        assert self.snapshot.revision is not None
        logs = self.snapshot.revision.document.ct_logs
        assert logs is not None
        return len(logs.checked)

    def code(self, certificate: ServerCertificate, now: float, host: str = "localhost") -> str:
        verdict = self.snapshot.judge(GivenPeer(host, certificate.chain_der, validated=True), now)
        return f"{verdict.code}{' (not evaluated)' if verdict.ct_evaluated is False else ''}"


@pytest.fixture
def make(cast: Cast) -> Callable[[], tuple[ServerCertificate, dict[str, Any]]]:
    """A certificate that was logged at `NOW`, and the list of its logs."""

    def logged_now() -> tuple[ServerCertificate, dict[str, Any]]:
        clock = HandTurnedClock(NOW)
        one, two = CtLog("One", clock=clock), CtLog("Two", clock=clock)
        entries = [one.entry(), two.entry(retired_at=int(NOW) + 5 * DAY)]
        return logged(cast.authority, cast.genuine, one, two), {"issued_at": int(NOW), "logs": entries}

    return logged_now


def test_a_certificate_is_verified_once_for_all_hosts_and_moments(
    make: Callable[[], tuple[ServerCertificate, dict[str, Any]]],
) -> None:
    certificate, logs = make()
    turned = Turned(policy("localhost", ct=RULE), policy("127.0.0.1", ct=RULE), ct_logs=logs)
    for now in (NOW, NOW + 1, NOW + 6 * DAY):
        for host in ("localhost", "127.0.0.1"):
            assert turned.code(certificate, now, host) == "matched"
    assert turned.verified == 1


def test_a_remembered_verdict_ends_where_time_changes_the_answer(
    make: Callable[[], tuple[ServerCertificate, dict[str, Any]]],
) -> None:
    certificate, logs = make()
    logs["logs"][0]["retired_at"] = int(NOW) + 8 * DAY
    turned = Turned(policy("localhost", certificate, ct=RULE), ct_logs=logs, expires_at=int(NOW) + 90 * DAY)
    answers = [(days, turned.code(certificate, NOW + days * DAY)) for days in (0, 4, 6, 7.9, 8, 9, 70, 70.1, 80, 9, 0)]
    assert answers == [
        (0, "matched"),
        (4, "matched"),
        (6, "matched"),
        (7.9, "matched"),
        (8, "ct_failed"),
        (9, "ct_failed"),
        (70, "ct_failed"),
        (70.1, "matched (not evaluated)"),
        (80, "matched (not evaluated)"),
        (9, "ct_failed"),
        (0, "matched"),
    ]
    assert turned.verified == 1


def test_an_sct_of_tomorrow_counts_tomorrow(make: Callable[[], tuple[ServerCertificate, dict[str, Any]]]) -> None:
    certificate, logs = make()
    logs["issued_at"] -= 2 * DAY
    turned = Turned(policy("localhost", ct=RULE), ct_logs=logs, issued_at=int(NOW) - 2 * DAY)
    answers = [turned.code(certificate, NOW + seconds) for seconds in (-DAY, -301, -300, 0, -301)]
    assert answers == ["ct_failed", "ct_failed", "matched", "matched", "ct_failed"]
