"""The source cannot be reached, or only slowly."""

from __future__ import annotations

from livepin.client.events import EventName
from livepin.testing.failures import Delay, Stale, Status
from tests.faults.faults import (
    Answers,
    FirstRegionFrozenUntilExpired,
    Impostor,
    Leads,
    ResolverFails,
    Rests,
    alerts,
)
from tests.faults.gate import Way
from tests.faults.table import Held, Row, Start

TITLE = "The source cannot be reached"

ROWS = (
    Row(
        key="refused",
        fault="Nobody listens: connections are refused",
        does=Leads(Way.REFUSED),
        code="source_unreachable",
        quick=True,
    ),
    Row(
        key="reset",
        fault="Connections are accepted and reset",
        does=Leads(Way.RESET),
        code="source_unreachable",
    ),
    Row(
        key="silent",
        fault="Connections are accepted, and then nothing: the TLS handshake hangs",
        does=Leads(Way.SILENT),
        code="source_timeout",
        within=12.0,
    ),
    Row(
        key="handshake-drips",
        fault="Every byte of the TLS handshake takes 50 ms",
        does=Leads(Way.DRIP),
        code="source_timeout",
        within=12.0,
    ),
    Row(
        key="tls-alert",
        fault="The source refuses the TLS handshake with an alert",
        does=Impostor(lambda cast: cast.genuine, preamble=alerts),
        code="source_unreachable",
    ),
    Row(
        key="untrusted",
        fault="TLS by somebody whose certificate nobody trusts, as in a hotel",
        does=Impostor(lambda cast: cast.untrusted),
        code="source_unreachable",
    ),
    Row(
        key="certificate-expired",
        fault="The source's own certificate is out of date",
        does=Impostor(lambda cast: cast.expired),
        code="source_unreachable",
    ),
    Row(
        key="wrong-host",
        fault="A trusted certificate, for another host",
        does=Impostor(lambda cast: cast.wrong_host),
        code="source_unreachable",
    ),
    Row(
        key="no-such-name",
        fault="The name of the only URL is not known",
        does=ResolverFails(),
        start=Start.RESTART,
        code="source_unreachable",
        after=None,
    ),
    Row(
        key="no-such-name-two",
        fault="The name of the first of two URLs is not known",
        does=ResolverFails(),
        start=Start.RESTART,
        urls=2,
        held=Held.NEW,
        code="source_unreachable",
        after=None,
    ),
    Row(
        key="resolver-hangs",
        fault="The resolver never comes back for the only URL",
        does=ResolverFails(hangs=True),
        start=Start.RESTART,
        code="source_timeout",
        after=None,
    ),
    Row(
        key="resolver-hangs-two",
        fault="The resolver never comes back for the first of two URLs",
        does=ResolverFails(hangs=True),
        start=Start.RESTART,
        urls=2,
        held=Held.NEW,
        code="source_timeout",
        within=4.0,
        after=None,
    ),
    Row(
        key="first-fails",
        fault="The first of two URLs answers 503",
        does=Answers(Status(503)),
        urls=2,
        held=Held.NEW,
        code="source_status",
    ),
    Row(
        key="first-rests",
        fault="The first of two URLs answered 503 a moment ago, and again something newer is published",
        does=Rests(Status(503)),
        urls=2,
        held=Held.NEW,
        code="source_status",
    ),
    Row(
        key="first-slow",
        fault="The first of two URLs takes 5 s to answer: after one second the second is asked beside it",
        does=Answers(Delay(5)),
        urls=2,
        held=Held.NEW,
        code="source_timeout",
        within=3.0,
        quick=True,
    ),
    Row(
        key="first-silent",
        fault="The first of two URLs hangs in the TLS handshake",
        does=Leads(Way.SILENT),
        urls=2,
        held=Held.NEW,
        code="source_timeout",
        within=3.0,
    ),
    Row(
        key="first-stuck",
        fault="The cache of the first of two URLs is stuck, and no handshake mismatches",
        does=Answers(Stale()),
        urls=2,
        event=None,
    ),
    Row(
        key="first-stuck-until-expired",
        fault="The same, until the last document is out of date: then the second URL is asked, too",
        does=FirstRegionFrozenUntilExpired(),
        urls=2,
        held=Held.NEW,
        event=EventName.DOCUMENT_EXPIRED,
        after=None,
    ),
)
