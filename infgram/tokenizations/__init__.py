"""Search for a text in any tokenization, optionally in any case."""

from __future__ import annotations

from infgram.tokenizations.folding import fold
from infgram.tokenizations.next_tokens import tokens_after
from infgram.tokenizations.readings import find_readings
from infgram.tokenizations.spellings import LONGEST_TEXT, Spellings, TooManySpellings, find_spellings

__all__ = [
    "LONGEST_TEXT",
    "Spellings",
    "TooManySpellings",
    "find_readings",
    "find_spellings",
    "fold",
    "tokens_after",
]
