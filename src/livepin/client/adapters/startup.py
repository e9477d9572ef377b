"""Pins in every Python process of an environment, without a line in it: children by `spawn` and `forkserver`, tools.

    python -m livepin.client.adapters.startup install     # writes one file; `remove` removes it
    LIVEPIN_AUTO=1 LIVEPIN_ORGANIZATION_ID=… LIVEPIN_PROJECT_ID=… LIVEPIN_PUBLIC_KEY=… LIVEPIN_CONFIGURATION_URL=… \
        python anything.py

Both are needed, the file and the variable. A process that was told to pin and cannot does not start (exit status 3): an
application that runs unpinned because of a misspelt variable is what this is to prevent.

This module is imported at the start of every such process, so it imports next to nothing itself.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from contextlib import suppress
from importlib.machinery import ModuleSpec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.abc import Loader
    from pathlib import Path
    from types import ModuleType

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
        sys.meta_path.insert(0, _AfterSsl())


class _AfterSsl:
    """Stands in front of the import system until `ssl` is imported; then it has done its work."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != "ssl":
            return None
        with suppress(ValueError):
            sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.loader is not None:
            spec.loader = _SettingUp(spec.loader)  # type: ignore[assignment]
        return spec


class _SettingUp:
    """Loads `ssl` as its own loader does, and sets up when that is done."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        _set_up()


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
