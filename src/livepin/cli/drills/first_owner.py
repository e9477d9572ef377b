"""Prints the secret that makes an installation's first account: for somebody with a shell on the server."""

from __future__ import annotations

import sys
from pathlib import Path

from livepin.cli.installation import enter

if __name__ == "__main__":
    enter(Path(sys.argv[1]))
    from livepin.server.actions import accounts

    link = accounts.first_owner_link()
    sys.stdout.write(link.secret if link is not None else "")
