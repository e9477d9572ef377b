"""OpenTelemetry metrics of a pinner. Needs the extra `otel`; the application brings the SDK and its exporter.

Nothing in them names anybody: no host, no URL, no organization or project, and so no series per host either. What
happened to whom stands in the events.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from livepin.client import setup
from livepin.client.pinner import Pinner
from livepin.client.status import Status
from livepin.errors import ConfigurationError

if TYPE_CHECKING:
    from opentelemetry.metrics import CallbackOptions, MeterProvider, Observation

#: Reads one instrument off a status: values, each with its attributes.
Reading = Callable[[Status], Iterator[tuple[float, dict[str, str]]]]


def instrument(pinner: Pinner | None = None, *, meter_provider: MeterProvider | None = None) -> None:
    """Register the metrics of docs/events.md. Call it once.

    `pinner`: default whichever is set up process-wide at the moment of each reading, so that set-up may come later and
    again. `meter_provider`: default the global one. Nothing is done in handshakes: the numbers are there anyway, and
    are read when the SDK collects. Raises `ConfigurationError` (`extra_missing`).
    """
    try:
        from opentelemetry import metrics  # lazily: an extra
    except ImportError:
        hint = "Install it: pip install 'livepin[otel]'"
        raise ConfigurationError("extra_missing", "opentelemetry-api is not installed", hint=hint) from None
    status = setup.status if pinner is None else _of(weakref.ref(pinner))
    meter = metrics.get_meter("livepin", meter_provider=meter_provider)
    for name, unit, description, reading in _COUNTERS:
        meter.create_observable_counter(name, [_callback(status, reading)], unit, description)
    for name, unit, description, reading in _GAUGES:
        meter.create_observable_gauge(name, [_callback(status, reading)], unit, description)


def _of(pinner: weakref.ref[Pinner]) -> Callable[[], Status | None]:
    """A pinner that nobody uses any more is not kept alive for the sake of its numbers."""

    def status() -> Status | None:
        alive = pinner()
        return None if alive is None else alive.status()

    return status


def _callback(
    status: Callable[[], Status | None], reading: Reading
) -> Callable[[CallbackOptions], Iterable[Observation]]:
    from opentelemetry.metrics import Observation  # lazily: an extra

    def observe(options: CallbackOptions) -> Iterable[Observation]:
        now = status()
        return [] if now is None else [Observation(value, attributes) for value, attributes in reading(now)]

    return observe


def _connections(status: Status) -> Iterator[tuple[float, dict[str, str]]]:
    for outcome, codes in status.verdicts.items():
        for code, count in codes.items():
            yield count, {"livepin.outcome": outcome, "livepin.code": code}


def _events(status: Status) -> Iterator[tuple[float, dict[str, str]]]:
    for name, count in status.events.items():
        yield count, {"livepin.event": name}


def _age(status: Status) -> Iterator[tuple[float, dict[str, str]]]:
    if status.age is not None:
        yield status.age, {}


def _remaining(status: Status) -> Iterator[tuple[float, dict[str, str]]]:
    if status.age is not None and status.expires_at is not None and status.issued_at is not None:
        yield status.expires_at - status.issued_at - status.age, {}


def _failing(status: Status) -> Iterator[tuple[float, dict[str, str]]]:
    yield sum(bool(report.problem) for report in status.reports), {}


def _unseen(status: Status) -> Iterator[tuple[float, dict[str, str]]]:
    yield len(status.unseen), {}


_COUNTERS: tuple[tuple[str, str, str, Reading], ...] = (
    ("livepin.connections", "{connection}", "Connections that were judged", _connections),
    ("livepin.events", "{event}", "Events, told or not", _events),
)
_GAUGES: tuple[tuple[str, str, str, Reading], ...] = (
    ("livepin.document.age", "s", "Time since the document in force was issued", _age),
    ("livepin.document.remaining", "s", "Time until it expires; negative afterwards", _remaining),
    ("livepin.sources.failing", "{source}", "Configuration URLs whose last answer was of no use", _failing),
    ("livepin.hosts.unseen", "{host}", "Listed patterns under which no peer was judged yet", _unseen),
)
