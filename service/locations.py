"""Where an index is: a folder, or a URL that `infgram.open` knows."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, TypeAlias

from pydantic import BeforeValidator


def location(value: Any) -> Any:
    """A URL as it stands, anything else as a path."""
    if not isinstance(value, str | os.PathLike):
        return value
    text = os.fspath(value)
    return text if "://" in text else Path(text)


Location: TypeAlias = Annotated[Path | str, BeforeValidator(location)]
