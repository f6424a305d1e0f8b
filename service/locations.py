"""Where an index is: a folder, or a URL that `infgram.open` knows."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, TypeAlias

from pydantic import BeforeValidator


def location(value: Any) -> Any:
    """A URL as it is, anything else as an absolute path, so that a later reload finds the same place."""
    if not isinstance(value, str | os.PathLike):
        return value
    text = os.fspath(value)
    return text if "://" in text else Path(text).absolute()


Location: TypeAlias = Annotated[Path | str, BeforeValidator(location)]
