"""`python -m infgram.service.openapi FILE` writes the OpenAPI document of the default settings."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from .app import create_app
from .settings import Settings


def text() -> str:
    """The document as it is committed; the environment plays no part in it."""
    document = create_app(Settings.model_construct()).openapi()
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def main() -> None:
    """Write the document."""
    if len(sys.argv) != 2:
        raise SystemExit("usage: python -m infgram.service.openapi FILE")
    Path(sys.argv[1]).write_text(text(), encoding="utf-8")


if __name__ == "__main__":
    main()
