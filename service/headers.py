"""What every answer tells the browser: text of a corpus is hostile, so nothing is guessed, framed or fetched."""

from __future__ import annotations

from typing import Final

HEADERS: Final = (
    (b"content-security-policy", b"default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)
