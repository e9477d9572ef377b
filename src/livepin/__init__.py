"""Livepin: dynamic certificate pinning. Pins change from outside, signed, without a release.

    import livepin

    livepin.setup(organization_id="…", project_id="…", public_key="…", configuration_url="https://…/")

From then on every TLS connection that this process makes through `ssl` is judged by the project's document.
"""

from __future__ import annotations

from livepin.client import setup as _setup
from livepin.client.events import Event
from livepin.client.pinner import Pinner
from livepin.client.refusal import PinError, find_pin_error
from livepin.client.status import Status
from livepin.core.verdict import Outcome, Verdict
from livepin.errors import ConfigurationError, DocumentRefused, LivepinError

setup = _setup.setup
uninstall = _setup.uninstall
status = _setup.status

__all__ = [
    "ConfigurationError",
    "DocumentRefused",
    "Event",
    "LivepinError",
    "Outcome",
    "PinError",
    "Pinner",
    "Status",
    "Verdict",
    "find_pin_error",
    "setup",
    "status",
    "uninstall",
]
