"""Optional packages that only some readers need."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from types import ModuleType
from typing import Final

from infgram.errors import MissingExtraError


@dataclass(frozen=True)
class Extra:
    """An optional dependency.

    Attributes:
        name: the extra that installs the package.
        module: the module to import.
        purpose: what needs it, for messages: "Parquet".
    """

    name: str
    module: str
    purpose: str

    def load(self) -> ModuleType:
        """Import and return the module.

        Raises:
            MissingExtraError: the module cannot be imported.
        """
        try:
            return importlib.import_module(self.module)
        except ImportError as error:
            raise MissingExtraError(
                f"{self.purpose} cannot be read without the package {self.module.partition('.')[0]} ({error}); "
                f"install it with: pip install 'infgram[{self.name}]'"
            ) from error


ARROW: Final = Extra("parquet", "pyarrow", "Arrow")
PARQUET: Final = Extra("parquet", "pyarrow.parquet", "Parquet")
REMOTE: Final = Extra("remote", "fsspec.core", "an input with a URL")
