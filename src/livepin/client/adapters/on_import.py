"""Acting at the moment when a module is imported, wherever and whenever that is. Imports next to nothing itself."""

from __future__ import annotations

import importlib.util
import sys
from contextlib import suppress
from importlib.machinery import ModuleSpec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.abc import Loader
    from types import ModuleType


class AfterImport:
    """Stands in front of the import system until `name` is imported, acts once, and has done its work.

    What `action` raises comes out of the import.
    """

    def __init__(self, name: str, action: Callable[[], None]) -> None:
        self.name = name
        self._action = action
        self._looking = False

    def wait(self) -> None:
        """From now on. A module that is imported already is no longer waited for."""
        sys.meta_path.insert(0, self)

    def stop(self) -> None:
        """Wait no longer."""
        with suppress(ValueError):
            sys.meta_path.remove(self)

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != self.name or self._looking:
            return None
        self._looking = True
        try:
            spec = importlib.util.find_spec(name)
        finally:
            self._looking = False
        if spec is not None and spec.loader is not None:
            spec.loader = _Acting(spec.loader, self._act)  # type: ignore[assignment]
        return spec

    def _act(self) -> None:
        # In this order: an import that failed may be tried again, and who asks for a spec alone imports nothing yet.
        self._action()
        self.stop()


class _Acting:
    """Loads a module as its own loader does, and acts when that is done."""

    def __init__(self, loader: Loader, action: Callable[[], None]) -> None:
        self._loader = loader
        self._action = action

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        self._action()
