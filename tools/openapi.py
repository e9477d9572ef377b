"""The API's description: ``python -m tools.openapi`` writes docs/openapi.json from the code. A test compares them."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

PATH = Path(__file__).resolve().parent.parent / "docs" / "openapi.json"


def text(document: dict[str, Any]) -> str:
    """The file's text."""
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def main() -> int:
    """Write the file."""
    os.environ.setdefault("LIVEPIN_SERVER_DATA", tempfile.gettempdir())
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "livepin.server.settings")
    import django

    django.setup()
    from livepin.server.api.application import api

    PATH.write_text(text(api.get_openapi_schema()), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
