"""What lies beside `ssl` and can be gated all the same, when the application uses it: pyOpenSSL.

Clients choose it by themselves where it is installed, and whoever calls `livepin.setup` may never have heard of it. So
there is no extra line: it is gated when it is imported, or at set-up where that is later.
"""

from __future__ import annotations

import sys
from importlib import import_module

from livepin.client.adapters.on_import import AfterImport
from livepin.errors import ConfigurationError

_MODULE = "OpenSSL.SSL"


def _gate() -> None:
    from livepin.client.adapters import pyopenssl  # lazily: it imports what the application may not have

    pyopenssl.install()


def _gate_at_import() -> None:
    """Clients that can do without pyOpenSSL catch `ImportError`, use `ssl` instead, and are judged there."""
    try:
        _gate()
    except ConfigurationError as error:
        raise ImportError(str(error), name=_MODULE) from error


_waiting = AfterImport(_MODULE, _gate_at_import)


def install() -> None:
    """Gate what is there, and what comes later. Raises `ConfigurationError` (`hook_unavailable`)."""
    _waiting.stop()
    _waiting.wait()
    if _MODULE in sys.modules:
        _waiting.stop()
        import_module(_MODULE)  # another thread may be in the middle of it
        _gate()


def uninstall() -> None:
    """Leave the process as it was before `install`."""
    _waiting.stop()
    gate = sys.modules.get("livepin.client.adapters.pyopenssl")
    if gate is not None:
        gate.uninstall()
