"""Pins in every Python process of an environment, without a line in it: children by `spawn` and `forkserver`, tools.

    python -m livepin.client.adapters.startup install     # writes one file; `remove` removes it
    LIVEPIN_AUTO=1 LIVEPIN_ORGANIZATION_ID=… LIVEPIN_PROJECT_ID=… LIVEPIN_PUBLIC_KEY=… LIVEPIN_CONFIGURATION_URL=… \
        python anything.py

Both are needed, the file and the variable. A process that was told to pin and cannot does not start (exit status 3): an
application that runs unpinned because of a misspelt variable is what this is to prevent.

This module is imported at the start of every such process, so it imports next to nothing itself.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from livepin.client.adapters.on_import import AfterImport

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

VARIABLE = "LIVEPIN_AUTO"
#: Such files are read in the order of their names, and others may be what makes livepin importable at all.
FILE_NAME = "zz-livepin-startup.pth"
#: As everywhere for input that cannot be used; see docs/cli.md.
EXIT_STATUS = 3

# `site` runs a line of a .pth file that begins with `import`, and goes on when it fails. This one must not go on.
_PROGRAM = f"""
if os.environ.get({VARIABLE!r}) == '1':
    try:
        from livepin.client.adapters.startup import begin
    except ImportError as error:
        os.write(2, f'livepin: {VARIABLE}=1, but livepin cannot be imported: {{error}}\\n'.encode())
        os._exit({EXIT_STATUS})
    begin()
"""
LINE = f"import os; exec({_PROGRAM!r})\n"


def begin() -> None:
    """Set up by the environment, as soon as this process imports `ssl`; processes without TLS pay nothing."""
    if "ssl" in sys.modules:
        _set_up()
    else:
        AfterImport("ssl", _set_up).wait()


def _set_up() -> None:
    try:
        from livepin.client.setup import setup  # lazily: see above

        # Not waiting: whoever imports `ssl` holds its import lock, which the refresher needs, too. The first handshake
        # waits instead (outside event loops), as after any mismatch.
        setup(wait=0)
    except Exception as error:
        os.write(2, f"livepin: {VARIABLE}=1, but this process cannot be pinned: {error}\n".encode())
        os._exit(EXIT_STATUS)


# ---------------------------------------------------------------------- the file


def place() -> Path:
    """Where the file is, or would be, for the environment of this interpreter."""
    import sysconfig  # lazily: see above
    from pathlib import Path

    return Path(sysconfig.get_path("purelib")) / FILE_NAME


def install() -> Path:
    """Write the file and return its path. Raises `ConfigurationError` (`file_unwritable`)."""
    path = place()
    try:
        path.write_text(LINE, "ascii")
    except OSError as error:
        raise _unwritable(path, error) from None
    return path


def remove() -> Path:
    """Remove the file, if it is there, and return its path. Raises `ConfigurationError` (`file_unwritable`)."""
    path = place()
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise _unwritable(path, error) from None
    return path


def _unwritable(path: Path, error: OSError) -> Exception:
    from livepin.errors import ConfigurationError  # lazily: see above

    return ConfigurationError("file_unwritable", error.strerror or str(error), where=str(path))


def main(arguments: Sequence[str]) -> int:
    """`install`, `remove` or `status`; the exit status."""
    from livepin.errors import LivepinError  # lazily: see above

    try:
        match arguments:
            case ["install"]:
                told = f"written: {install()}\nProcesses of this environment are pinned where {VARIABLE}=1."
            case ["remove"]:
                told = f"removed: {remove()}"
            case ["status"]:
                told = f"{'installed' if place().exists() else 'not installed'}: {place()}"
            case _:
                sys.stderr.write("usage: python -m livepin.client.adapters.startup install|remove|status\n")
                return 2
    except LivepinError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_status
    sys.stdout.write(f"{told}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
