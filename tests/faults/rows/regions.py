"""Two regions, each served by a real nginx."""

from __future__ import annotations

from livepin.client.events import EventName
from tests.faults.faults import RegionDown, RegionServes
from tests.faults.table import Held, Row, Servers, Start

TITLE = "Two regions behind nginx"

ROWS = (
    Row(
        key="region-down",
        fault="The first region's nginx is stopped",
        does=RegionDown(),
        urls=2,
        servers=Servers.NGINX,
        held=Held.NEW,
        code="source_unreachable",
    ),
    Row(
        key="region-old",
        fault="The first region serves an old document",
        does=RegionServes(lambda world: world.authority.rolled_back()),
        urls=2,
        servers=Servers.NGINX,
        held=Held.NEW,
        event=EventName.DOCUMENT_REFUSED,
        code="rolled_back",
    ),
    Row(
        key="region-foreign",
        fault="The first region serves the document of another project",
        does=RegionServes(lambda world: world.authority.wrong_audience()),
        urls=2,
        servers=Servers.NGINX,
        held=Held.NEW,
        event=EventName.DOCUMENT_REFUSED,
        code="wrong_audience",
    ),
    Row(
        key="region-down-first-start",
        fault="A first start while the first region's nginx is stopped",
        does=RegionDown(),
        start=Start.FIRST,
        urls=2,
        servers=Servers.NGINX,
        held=Held.NEW,
        code="source_unreachable",
    ),
)
