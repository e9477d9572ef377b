"""Livepin: dynamic certificate pinning. Pins change from outside, signed, without a release.

    import livepin

    livepin.setup(organization_id="…", project_id="…", public_key="…", configuration_url="https://…/")

From then on every TLS connection that this process makes through `ssl` is judged by the project's document.

(PYTEST_DONT_REWRITE: there is a plugin for pytest in this package, and pytest would complain of whoever imported it
earlier, such as the start-up hook.)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from livepin.client.events import Event as Event
    from livepin.client.pinner import Pinner as Pinner
    from livepin.client.refusal import PinError as PinError
    from livepin.client.refusal import find_pin_error as find_pin_error
    from livepin.client.setup import setup as setup
    from livepin.client.setup import status as status
    from livepin.client.setup import uninstall as uninstall
    from livepin.client.status import Status as Status
    from livepin.core.verdict import Outcome as Outcome
    from livepin.core.verdict import Verdict as Verdict
    from livepin.errors import ConfigurationError as ConfigurationError
    from livepin.errors import DocumentRefused as DocumentRefused
    from livepin.errors import LivepinError as LivepinError

#: Where each public name lives. Loaded when first asked for: the command line, and tools that only verify documents,
#: do without the client.
_HOMES = {
    "ConfigurationError": "errors",
    "DocumentRefused": "errors",
    "Event": "client.events",
    "LivepinError": "errors",
    "Outcome": "core.verdict",
    "PinError": "client.refusal",
    "Pinner": "client.pinner",
    "Status": "client.status",
    "Verdict": "core.verdict",
    "find_pin_error": "client.refusal",
    "setup": "client.setup",
    "status": "client.setup",
    "uninstall": "client.setup",
}

__all__ = [*_HOMES]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'livepin' has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(f"livepin.{home}"), name)
    return found


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
