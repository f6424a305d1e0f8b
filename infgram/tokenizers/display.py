r"""How a single token is shown to people.

A token is a piece of bytes. What is valid UTF-8 is shown as text; every other byte, such as one half
of an accented letter, is written as an escape: `\xe2`. The same rule holds for all tokenizers.
This is for display only: a token whose text really is a backslash and three letters looks the same.
"""

from __future__ import annotations

import re
from functools import cache

_BYTE_FALLBACK_TOKEN = re.compile(r"<0x([0-9A-F]{2})>")


def show_bytes(data: bytes) -> str:
    r"""Bytes as text, with `\xNN` for what is not valid UTF-8."""
    return data.decode("utf-8", errors="backslashreplace")


@cache
def byte_of_letter() -> dict[str, int]:
    """The alphabet of byte-level BPE: one printable letter for each of the 256 bytes, as GPT-2 defined it.

    Printable Latin-1 characters stand for themselves; the others follow from U+0100 on, in order.
    """
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    letters = {chr(byte): byte for byte in printable}
    letters.update({chr(0x100 + place): byte for place, byte in enumerate(others)})
    return letters


def bytes_of_byte_level_token(token: str) -> bytes:
    """The bytes of a byte-level token; an added token written in other letters is its own UTF-8 bytes."""
    letters = byte_of_letter()
    try:
        return bytes(letters[letter] for letter in token)
    except KeyError:
        return token.encode("utf-8")


def byte_of_fallback_token(token: str) -> bytes | None:
    """The byte of a sentencepiece byte token such as `<0xE2>`, or None for any other token."""
    match = _BYTE_FALLBACK_TOKEN.fullmatch(token)
    return bytes([int(match[1], 16)]) if match else None
