r"""Make corpus text safe and readable on a terminal.

Corpus text is untrusted. Its control characters and escape sequences could move the cursor, recolour or rename the
terminal, or hide text, so they are printed as visible escapes like `\x1b`. Nothing is interpreted as markup.
"""

from __future__ import annotations

import math
import re
import unicodedata
from typing import Final

_NAMED: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_JOINERS: Final = "\u200c\u200d"  # inside words of several scripts and inside emoji
_UNSAFE: Final = frozenset(("Cc", "Cf", "Cs", "Zl", "Zp"))  # control, format (direction too), surrogate, line ends
_PLAIN = re.compile(r"[ -~]*")


def one_line(text: str) -> str:
    r"""Return the text on one line, with line ends, tabs and unsafe characters as escapes."""
    if _PLAIN.fullmatch(text):
        return text
    return "".join(_escape(letter) if _is_unsafe(letter) else letter for letter in text)


def lines(text: str) -> list[str]:
    r"""Return the lines of the text, with tabs as spaces and unsafe characters as escapes."""
    return [one_line(line.expandtabs(4)) for line in text.replace("\r\n", "\n").split("\n")]


def quoted(text: str, longest: int = 60) -> str:
    """Return the text on one line in quotation marks, which show its outer spaces. Cut the middle of a long text."""
    shown = one_line(text)
    if len(shown) > longest:
        half = (longest - 1) // 2
        shown = f"{shown[:half]}…{shown[-half:]}"
    return f'"{shown}"'


def size(n_bytes: float) -> str:
    """Format a size in decimal units: `31.5 MB`."""
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if n_bytes < 999.95 or unit == "TB":
            break
        n_bytes /= 1000
    return f"{n_bytes:.0f} {unit}" if unit == "B" else f"{n_bytes:.1f} {unit}"


def duration(seconds: float) -> str:
    """Format a duration: `8.3 s`, `2 min 05 s`, `3 h 10 min`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes_left = divmod(minutes, 60)
    return f"{hours} h {minutes_left:02} min" if hours else f"{minutes} min {rest:02} s"


def number(value: int, noun: str, plural: str | None = None) -> str:
    """Format a number with its noun: `1 document`, `1,024 documents`."""
    return f"{value:,} {noun}" if value == 1 else f"{value:,} {plural or f'{noun}s'}"


def log_prob(value: float) -> str:
    """Format a log-probability in nats; `-inf` if the probability is zero."""
    return f"{value:.4f}" if math.isfinite(value) else "-inf"


def _is_unsafe(letter: str) -> bool:
    return unicodedata.category(letter) in _UNSAFE and letter not in _JOINERS


def _escape(letter: str) -> str:
    code = ord(letter)
    if letter in _NAMED:
        return _NAMED[letter]
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
