"""The clock of the machine is wrong, or too much time passes."""

from __future__ import annotations

from livepin.client.events import EventName
from livepin.testing.failures import Status
from tests.faults.faults import Answers, Both, FrozenUntilExpired, Leads, Publishes, Skew
from tests.faults.gate import Way
from tests.faults.table import DAY, MINUTE, Held, Row, Start, Traffic

TITLE = "Clocks and time"

ROWS = (
    Row(
        key="clock-behind",
        fault="The clock is set back by a day, to before the last document was issued",
        does=Skew(-DAY),
        held=Held.NEW,
        event=EventName.CLOCK_BEHIND,
        quick=True,
    ),
    Row(
        key="clock-behind-down",
        fault="The same, while the source is down",
        does=Both(Skew(-DAY), Leads(Way.REFUSED)),
        code="source_unreachable",
        also=(EventName.CLOCK_BEHIND,),
    ),
    Row(
        key="clock-ahead",
        fault="The clock is set 31 days ahead: whatever is served is out of date",
        does=Skew(31 * DAY),
        expired=True,
        event=EventName.DOCUMENT_REFUSED,
        code="expired",
    ),
    Row(
        key="clock-four-minutes-behind",
        fault="A first start with a clock that is four minutes behind the signer's",
        does=Skew(-4 * MINUTE),
        start=Start.FIRST,
        held=Held.NEW,
        event=EventName.CLOCK_BEHIND,
    ),
    Row(
        key="clock-behind-first",
        fault="A first start with a clock that is a day behind",
        does=Skew(-DAY),
        start=Start.FIRST,
        held=Held.NONE,
        traffic=Traffic.CLOSED,
        event=EventName.DOCUMENT_REFUSED,
        code="not_yet_valid",
    ),
    Row(
        key="clock-ahead-first",
        fault="A first start with a clock that is 31 days ahead",
        does=Skew(31 * DAY),
        start=Start.FIRST,
        held=Held.NONE,
        traffic=Traffic.CLOSED,
        event=EventName.DOCUMENT_REFUSED,
        code="expired",
    ),
    Row(
        key="clock-1970",
        fault="A restart without a battery: the clock stands in 1970",
        does=Skew(-56 * 365 * DAY),
        start=Start.RESTART,
        held=Held.NEW,
        event=EventName.CLOCK_BEHIND,
    ),
    Row(
        key="frozen-until-expired",
        fault="A freeze: for 31 days every source serves the last document",
        does=FrozenUntilExpired(),
        expired=True,
        event=None,
    ),
    Row(
        key="frozen-until-expired-allow",
        fault="The same, for a pattern with `when_expired: allow`",
        does=FrozenUntilExpired(),
        policy={"when_expired": "allow"},
        expired=True,
        traffic=Traffic.OPEN,
        event=None,
    ),
    Row(
        key="restart-expired",
        fault="A restart with a stored document that is out of date, while the source answers 503",
        does=Answers(Status(503)),
        start=Start.RESTART,
        age=31 * DAY,
        expired=True,
        code="source_status",
    ),
    Row(
        key="expired-first",
        fault="A first start, and what the source serves is out of date",
        does=Publishes(lambda world: world.authority.expired()),
        start=Start.FIRST,
        held=Held.NONE,
        traffic=Traffic.CLOSED,
        event=EventName.DOCUMENT_REFUSED,
        code="expired",
    ),
)
