"""The files of the web page, and the headers they are sent with."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from fastapi import Request
from fastapi.responses import Response

FOLDER: Final = Path(__file__).parent / "web"
MEDIA_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}
NAMES: Final = (
    *("index.html", "app.mjs", "api.mjs", "key.mjs", "view.mjs", "dom.mjs", "answer.css", "style.css", "favicon.svg"),
)


@dataclass(frozen=True)
class Asset:
    """One file, read on first use."""

    name: str

    @cached_property
    def content(self) -> bytes:
        """The bytes of the file."""
        return (FOLDER / self.name).read_bytes()

    @cached_property
    def etag(self) -> str:
        """A hash of the content."""
        return f'"{hashlib.sha256(self.content).hexdigest()[:32]}"'

    def response(self, request: Request, vary: str | None = None) -> Response:
        """Return the file, or 304 if the browser's copy is current."""
        headers = {"ETag": self.etag, "Cache-Control": "no-cache", **({"Vary": vary} if vary else {})}
        if request.headers.get("if-none-match") == self.etag:
            return Response(status_code=304, headers=headers)
        return Response(self.content, headers=headers, media_type=MEDIA_TYPES[Path(self.name).suffix])


ASSETS: Final[Mapping[str, Asset]] = {name: Asset(name) for name in NAMES}


def wants_html(accept: str) -> bool:
    """Return whether an Accept header names text/html itself, not by a wildcard and not with q=0."""
    for part in accept.split(","):
        media_type, *parameters = (piece.strip().lower() for piece in part.split(";"))
        if media_type == "text/html":
            return not any(re.fullmatch(r"q=0(\.0*)?", parameter) for parameter in parameters)
    return False
