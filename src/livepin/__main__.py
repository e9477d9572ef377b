"""`python -m livepin`: the same as the `livepin` command."""

from __future__ import annotations

import sys

from livepin.cli.main import main

sys.exit(main())
