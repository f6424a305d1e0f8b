"""How a text is spelt in the tokens of an index: in whatever tokens, in whatever case."""

from __future__ import annotations

from infgram.spelling.folding import fold
from infgram.spelling.following import tokens_after
from infgram.spelling.readings import find_readings
from infgram.spelling.search import LONGEST_TEXT, Spellings, TooManySpellings, find_spellings

__all__ = [
    "LONGEST_TEXT",
    "Spellings",
    "TooManySpellings",
    "find_readings",
    "find_spellings",
    "fold",
    "tokens_after",
]
