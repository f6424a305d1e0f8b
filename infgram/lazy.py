"""A package whose public names are imported on first use: `import infgram` takes a millisecond."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import Any


class Package(ModuleType):
    """A package with a table `_HOMES` of modules and the public names that each defines, and public `_SUBMODULES`.

    A public name wins over a submodule of that name: `infgram.build` is the function, whichever was imported first.
    """

    def __getattr__(self, name: str) -> Any:
        """Import a public name; called only while the package lacks it."""
        for module, names in self._homes().items():
            if name in names:
                value = getattr(import_module(module), name)
                super().__setattr__(name, value)
                return value
        if name in self.__dict__.get("_SUBMODULES", ()):
            return import_module(f"{self.__name__}.{name}")
        raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}", name=name, obj=self)

    def __setattr__(self, name: str, value: object) -> None:
        """Set an attribute; the import system sets one for each submodule."""
        is_public = any(name in names for names in self._homes().values())
        if not (is_public and isinstance(value, ModuleType)):
            super().__setattr__(name, value)

    def __dir__(self) -> list[str]:
        """All names, whether used yet or not."""
        return sorted({*super().__dir__(), *self.__all__})

    def _homes(self) -> dict[str, tuple[str, ...]]:
        homes: dict[str, tuple[str, ...]] = self.__dict__["_HOMES"]
        return homes
