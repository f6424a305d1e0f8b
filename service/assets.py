"""The files of the web page, and the headers they are sent with.

The page names its files by paths that contain their version, so browsers keep them without asking again.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Final

from fastapi import Request
from fastapi.responses import Response

FOLDER: Final = Path(__file__).parent / "web"
FOREVER: Final = "public, max-age=31536000, immutable"
MEDIA_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True)
class Asset:
    """One file, read on first use."""

    name: str

    @cached_property
    def content(self) -> bytes:
        """The bytes that are sent."""
        content = (FOLDER / self.name).read_bytes()
        return content.replace(b'"web/', b'"web/%b/' % version().encode()) if self.name == "index.html" else content

    @cached_property
    def compressed(self) -> bytes:
        """The content, compressed by gzip."""
        return gzip.compress(self.content, mtime=0)

    @cached_property
    def etag(self) -> str:
        """A hash of the content; weak, as the compressed content has the same."""
        return f'W/"{hashlib.sha256(self.content).hexdigest()[:32]}"'

    def response(self, request: Request, *, vary: str = "Accept-Encoding", is_final: bool = False) -> Response:
        """Return the file, or 304 if the browser's copy is current.

        Args:
            request: what is answered.
            vary: the headers that the response varies by.
            is_final: whether the address will never have another content.
        """
        headers = {"ETag": self.etag, "Cache-Control": FOREVER if is_final else "no-cache", "Vary": vary}
        if self.etag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        media_type = MEDIA_TYPES[Path(self.name).suffix]
        if not _accepts(request.headers.get("accept-encoding", ""), "gzip"):
            return Response(self.content, headers=headers, media_type=media_type)
        headers["Content-Encoding"] = "gzip"
        return Response(self.compressed, headers=headers, media_type=media_type)


ASSETS: Final[Mapping[str, Asset]] = {
    path.name: Asset(path.name) for path in sorted(FOLDER.iterdir()) if path.suffix in MEDIA_TYPES
}


@cache
def version() -> str:
    """Return a hash of all files of the page."""
    return hashlib.sha256(b"".join((FOLDER / name).read_bytes() for name in ASSETS)).hexdigest()[:8]


def wants_html(accept: str) -> bool:
    """Return whether an Accept header names text/html itself."""
    return _accepts(accept, "text/html")


def _accepts(header: str, value: str) -> bool:
    """Return whether an Accept or Accept-Encoding header names a value, not by a wildcard and not with q=0."""
    for part in header.split(","):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        if name == value:
            return not any(re.fullmatch(r"q=0(\.0*)?", parameter) for parameter in parameters)
    return False
