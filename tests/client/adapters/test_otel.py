"""An operator sees a pinner's numbers in the metrics of the application."""

from __future__ import annotations

import gc
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, NumberDataPoint

import livepin
from livepin.client.adapters import otel
from livepin.testing import Cast, HandTurnedClock, Origin, TlsServer, conversations, failures, policy
from tests.acme import Acme
from tests.visits import visit

Points = dict[str, dict[tuple[str, ...], float]]


class Collector:
    """The real SDK, read by hand."""

    def __init__(self) -> None:
        self._reader = InMemoryMetricReader()
        self.provider = MeterProvider([self._reader])

    def points(self) -> Points:
        """Name of each metric -> attribute values -> value."""
        data = self._reader.get_metrics_data()
        found: Points = {}
        for resource in data.resource_metrics if data else ():
            for metric in (metric for scope in resource.scope_metrics for metric in scope.metrics):
                for point in metric.data.data_points:
                    assert isinstance(point, NumberDataPoint)
                    attributes = tuple(str(value) for value in (point.attributes or {}).values())
                    found.setdefault(metric.name, {})[attributes] = point.value
        return found


@pytest.fixture
def collector() -> Iterator[Collector]:
    collector = Collector()
    yield collector
    collector.provider.shutdown()


@pytest.fixture
def server(cast: Cast) -> Iterator[TlsServer]:
    with TlsServer(cast.genuine, conversation=conversations.silent) as server:
        yield server


def test_verdicts_and_events_become_counters(acme: Acme, server: TlsServer, collector: Collector) -> None:
    acme.publish(policy("localhost", acme.cast.genuine))
    pinner = acme.pinner()
    otel.instrument(pinner, meter_provider=collector.provider)
    context = acme.context(pinner)
    visit(context, server)
    visit(context, server)
    server.use(acme.cast.evil)
    visit(context, server)
    points = collector.points()
    assert points["livepin.connections"] == {("allowed", "matched"): 2, ("blocked", "pin_mismatch"): 1}
    assert points["livepin.events"] == {("document_accepted",): 1, ("verdict_blocked",): 1}
    visit(context, server)
    assert collector.points()["livepin.connections"]["blocked", "pin_mismatch"] == 2


def test_the_document_and_its_sources_become_gauges(cast: Cast, collector: Collector) -> None:
    clock = HandTurnedClock(time.time())
    with Origin() as origin:
        acme = Acme(cast, origin, clock)
        pinner = acme.pinner()
        otel.instrument(pinner, meter_provider=collector.provider)
        assert "livepin.document.age" not in collector.points(), "there is none"
        acme.publish(policy("localhost", cast.genuine))
        pinner.refresh()
        clock.advance(3 * 86400)
        origin.fail(failures.Status(503))
        pinner.refresh()
        points = collector.points()
        acme.close()
    assert points["livepin.document.age"][()] == pytest.approx(3 * 86400, abs=1)
    assert points["livepin.document.remaining"][()] == pytest.approx(27 * 86400, abs=1)
    assert (points["livepin.sources.failing"], points["livepin.hosts.unseen"]) == ({(): 1}, {(): 1})


def test_nothing_in_the_metrics_names_a_host_or_a_project(acme: Acme, server: TlsServer, collector: Collector) -> None:
    acme.documents.organization, acme.documents.project = "distinctive-organization", "distinctive-project"
    acme.publish(policy("localhost", acme.cast.backup))
    pinner = acme.pinner()
    otel.instrument(pinner, meter_provider=collector.provider)
    visit(acme.context(pinner), server)
    told = repr(collector.points())
    assert "pin_mismatch" in told
    for secret in ("localhost", "distinctive", str(acme.origin.port), acme.cast.backup.spki_sha256):
        assert secret not in told


def test_without_a_pinner_the_metrics_follow_set_up(
    acme: Acme, server: TlsServer, collector: Collector, installed: None
) -> None:
    otel.instrument(meter_provider=collector.provider)
    assert collector.points() == {}
    acme.publish(policy("localhost", acme.cast.genuine))
    livepin.setup(**acme.embedded())
    visit(acme.cast.authority.client_context(), server)
    assert collector.points()["livepin.connections"] == {("allowed", "matched"): 1}
    livepin.uninstall()
    assert collector.points() == {}


def test_metrics_do_not_keep_a_pinner_alive(acme: Acme, collector: Collector) -> None:
    acme.publish(policy("localhost", acme.cast.genuine))
    with livepin.Pinner(**acme.embedded()) as pinner:
        otel.instrument(pinner, meter_provider=collector.provider)
        pinner.verify("localhost", [])
    del pinner
    deadline = time.monotonic() + 30
    while collector.points() and time.monotonic() < deadline:  # until the refresher's thread has ended
        gc.collect()
        time.sleep(0.05)
    assert collector.points() == {}


def test_without_the_extra_it_says_so_in_one_sentence() -> None:
    program = (
        "import sys; sys.modules['opentelemetry'] = None\n"
        "from livepin.client.adapters import otel\n"
        "try: otel.instrument()\n"
        "except Exception as error: print(error)"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert said == ("opentelemetry-api is not installed [extra_missing] Install it: pip install 'livepin[otel]'\n")
