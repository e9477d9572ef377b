"""The fault is there when the application starts."""

from __future__ import annotations

from livepin.client.events import EventName
from livepin.testing.failures import CaptivePortal, Status
from tests.faults.faults import Answers, Leads, Publishes, RegionServes
from tests.faults.gate import Way
from tests.faults.table import DAY, Held, Row, Start, Traffic

TITLE = "Starting amid a fault"

ROWS = (
    Row(
        key="first-start-down",
        fault="The source is down",
        does=Leads(Way.REFUSED),
        start=Start.FIRST,
        held=Held.NONE,
        traffic=Traffic.CLOSED,
        code="source_unreachable",
        quick=True,
    ),
    Row(
        key="first-start-silent",
        fault="The source hangs; set-up is called inside an event loop",
        does=Leads(Way.SILENT),
        start=Start.FIRST,
        inside_loop=True,
        held=Held.NONE,
        traffic=Traffic.CLOSED,
        code="source_timeout",
    ),
    Row(
        key="first-start-portal",
        fault="A captive portal answers",
        does=Answers(CaptivePortal()),
        start=Start.FIRST,
        held=Held.NONE,
        traffic=Traffic.CLOSED,
        event=EventName.DOCUMENT_REFUSED,
        code="malformed",
    ),
    Row(
        key="first-start-304",
        fault="The source answers 304 to who has nothing",
        does=Answers(Status(304)),
        start=Start.FIRST,
        held=Held.NONE,
        traffic=Traffic.CLOSED,
        code="source_status",
    ),
    Row(
        key="first-start-foreign",
        fault="The source serves the document of another project",
        does=Publishes(lambda world: world.authority.wrong_audience()),
        start=Start.FIRST,
        held=Held.NONE,
        traffic=Traffic.CLOSED,
        event=EventName.DOCUMENT_REFUSED,
        code="wrong_audience",
    ),
    Row(
        key="first-start-allow",
        fault='The source is down, and set-up says `without_document="allow"`',
        does=Leads(Way.REFUSED),
        start=Start.FIRST,
        setup={"without_document": "allow"},
        held=Held.NONE,
        traffic=Traffic.OPEN,
        code="source_unreachable",
        also=(EventName.VERDICT_REPORTED,),
    ),
    Row(
        key="first-start-seed",
        fault="The source is down, and a document is bundled",
        does=Leads(Way.REFUSED),
        start=Start.FIRST,
        seeded=True,
        code="source_unreachable",
        quick=True,
    ),
    Row(
        key="first-start-old-seed",
        fault="The source is down, and the bundled document is out of date",
        does=Leads(Way.REFUSED),
        start=Start.FIRST,
        seeded=True,
        age=31 * DAY,
        expired=True,
        code="source_unreachable",
    ),
    Row(
        key="first-start-old-seed-allow",
        fault="The same, and its pattern has `when_expired: allow`: a bundled document can switch nothing off",
        does=Leads(Way.REFUSED),
        start=Start.FIRST,
        seeded=True,
        age=31 * DAY,
        policy={"when_expired": "allow"},
        expired=True,
        code="source_unreachable",
    ),
    Row(
        key="first-start-one-silent",
        fault="The first of two URLs hangs",
        does=Leads(Way.SILENT),
        start=Start.FIRST,
        urls=2,
        held=Held.NEW,
        code="source_timeout",
    ),
    Row(
        key="first-start-one-behind",
        fault="The first of two URLs serves an older document: all are asked, the highest wins",
        does=RegionServes(lambda world: world.last_text),
        start=Start.FIRST,
        urls=2,
        held=Held.NEW,
        event=None,
        tolerated=True,
    ),
    Row(
        key="restart-down",
        fault="A restart while the source is down: the stored document is used",
        does=Leads(Way.REFUSED),
        start=Start.RESTART,
        code="source_unreachable",
        quick=True,
    ),
    Row(
        key="restart-rolled-back",
        fault="A restart, and the source serves an older document than the stored one",
        does=Publishes(lambda world: world.authority.rolled_back()),
        start=Start.RESTART,
        event=EventName.DOCUMENT_REFUSED,
        code="rolled_back",
    ),
)
