r"""How a single token is shown to people.

A token is a piece of bytes. What is valid UTF-8 is shown as text; every other byte, such as one half
of an accented letter, is written as an escape: `\xe2`. The same rule holds for all tokenizers.
This is for display only: a token whose text really is a backslash and three letters looks the same.
"""

from __future__ import annotations

import re

_BYTE_FALLBACK_TOKEN = re.compile(r"<0x([0-9A-F]{2})>")


def show_bytes(data: bytes) -> str:
    r"""Bytes as text, with `\xNN` for what is not valid UTF-8."""
    return data.decode("utf-8", errors="backslashreplace")


def byte_of_fallback_token(token: str) -> bytes | None:
    """The byte of a sentencepiece byte token such as `<0xE2>`, or None for any other token."""
    match = _BYTE_FALLBACK_TOKEN.fullmatch(token)
    return bytes([int(match[1], 16)]) if match else None
