"""What is counted for Prometheus. Labels are pages and states, never names: their number does not grow with tenants.

What requests do is counted in the process that answers them (with several workers in files that they share,
PROMETHEUS_MULTIPROC_DIR); what is in the database is asked of it at each scrape.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

from django.db.models import Count, Max
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from livepin.server import checks, queue
from livepin.server.models import Organization, Project, Publish, Revision

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_DAY = 86_400

_requests = Counter("livepin_http_requests", "Requests answered.", ("method", "page", "status"))
_seconds = Histogram("livepin_http_request_seconds", "Time to an answer, in seconds.", ("page",))


def count(method: str, page: str, status: int, seconds: float) -> None:
    """One request was answered. `page`: the pattern of its address."""
    _requests.labels(method, page, str(status)).inc()
    _seconds.labels(page).observe(seconds)


def exposed() -> bytes:
    """Everything, in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(_Database())
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)
    return generate_latest(registry) + generate_latest(REGISTRY)


class _Database(Collector):
    """What the database says at the moment of a scrape."""

    def collect(self) -> Iterator[Metric]:
        """All gauges."""
        ready = GaugeMetricFamily("livepin_ready", "1 where a check of /readyz passes.", labels=["check"])
        results = checks.all_checks()
        for check in results:
            ready.add_metric([check.name], float(check.ok))
        yield ready
        if results[0].ok:
            yield from _stored()


def _stored() -> Iterator[Metric]:
    yield GaugeMetricFamily("livepin_organizations", "Organizations.", value=Organization.objects.count())
    yield GaugeMetricFamily("livepin_projects", "Projects.", value=Project.objects.count())
    states = GaugeMetricFamily("livepin_publishes", "Publishes by state.", labels=["state"])
    for row in Publish.objects.values("state").annotate(count=Count("id")):
        states.add_metric([row["state"]], row["count"])
    yield states
    standing = queue.standing()
    jobs = GaugeMetricFamily("livepin_jobs", "Jobs by state; those that are dead want an operator.", labels=["state"])
    for state, count in {"dead": 0, **standing.counts}.items():
        jobs.add_metric([state], count)
    yield jobs
    newest = Revision.objects.filter(project__state="active").values("project").annotate(end=Max("expires_at"))
    ends = [row["end"] - time.time() for row in newest]
    expiring = GaugeMetricFamily(
        "livepin_documents_expiring", "Projects whose newest document ends within so many days.", labels=["days"]
    )
    for days in (0, 1, 3, 7):
        expiring.add_metric([str(days)], sum(end < days * _DAY for end in ends))
    yield expiring
    late = max(0.0, time.time() - standing.due_since.timestamp()) if standing.due_since else 0.0
    yield GaugeMetricFamily("livepin_jobs_late_seconds", "How long the oldest due job has waited.", value=late)
