r"""Display of single tokens.

A token is a byte string. Valid UTF-8 is displayed as text; every other byte, such as one half of an accented letter, is
displayed as an escape: `\xe2`. The rule is the same for all tokenizers. It is for display only: a token whose text is a
literal `\xe2` looks the same.
"""

from __future__ import annotations

import re

_BYTE_FALLBACK_TOKEN = re.compile(r"<0x([0-9A-F]{2})>")


def show_bytes(data: bytes) -> str:
    r"""Return bytes as text, with `\xNN` for bytes that are not valid UTF-8."""
    return data.decode("utf-8", errors="backslashreplace")


def byte_of_fallback_token(token: str) -> bytes | None:
    """Return the byte of a sentencepiece byte token such as `<0xE2>`; None for any other token."""
    match = _BYTE_FALLBACK_TOKEN.fullmatch(token)
    return bytes([int(match[1], 16)]) if match else None
