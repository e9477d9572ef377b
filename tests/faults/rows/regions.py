"""Two regions, each served by a real nginx."""

from __future__ import annotations

from livepin.client.events import EventName
from tests.faults.faults import Both, RegionDown, RegionServes
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
    Row(
        key="region-down-other-old",
        fault="The first region's nginx is stopped, and the second serves an old document",
        does=Both(RegionDown(), RegionServes(lambda world: world.authority.rolled_back(), 1)),
        urls=2,
        servers=Servers.NGINX,
        code="source_unreachable",
        also=(EventName.DOCUMENT_REFUSED,),
        second="rolled_back",
    ),
    Row(
        key="region-down-other-foreign",
        fault="The first region's nginx is stopped, and the second serves the document of another project",
        does=Both(RegionDown(), RegionServes(lambda world: world.authority.wrong_audience(), 1)),
        urls=2,
        servers=Servers.NGINX,
        code="source_unreachable",
        also=(EventName.DOCUMENT_REFUSED,),
        second="wrong_audience",
    ),
    Row(
        key="regions-old-and-foreign",
        fault="The first region serves an old document, the second that of another project",
        does=Both(
            RegionServes(lambda world: world.authority.rolled_back()),
            RegionServes(lambda world: world.authority.wrong_audience(), 1),
        ),
        urls=2,
        servers=Servers.NGINX,
        event=EventName.DOCUMENT_REFUSED,
        code="rolled_back",
        second="wrong_audience",
    ),
    Row(
        key="regions-restart",
        fault="A restart while the first region's nginx is stopped and the second serves an old document",
        does=Both(RegionDown(), RegionServes(lambda world: world.authority.rolled_back(), 1)),
        start=Start.RESTART,
        urls=2,
        servers=Servers.NGINX,
        code="source_unreachable",
        also=(EventName.DOCUMENT_REFUSED,),
        second="rolled_back",
    ),
)
