"""Simple case folding, which maps one character to one character.

The fold of a character is the result of `str.casefold` if that is one character; otherwise the result of `str.lower` if
that is one character; otherwise the character itself. This is Unicode's simple case folding (CaseFolding.txt, status C
and S), except for letters that only have a longer fold. For example, `ẞ` equals `ß` but not `ss`, and `K` (the kelvin
sign) equals `k`. Folding never changes the positions of characters.
"""

from __future__ import annotations

from collections import defaultdict
from functools import cache
from typing import Final

_NO_CASE_FROM: Final = 0x20000
"""The code point from which on no script has cases: these planes are ideographs, tags and private use."""


def fold(text: str) -> str:
    """Return the text with every character folded; the number of characters does not change."""
    return text.translate(_folds())


def variants(character: str) -> tuple[str, ...]:
    """Return all characters with the same fold as this one, including itself."""
    folded = fold(character)
    return (folded, *_variants().get(folded, ()))


def _fold_of(character: str) -> str:
    forms = (character.casefold(), character.lower(), character)
    return next(form for form in forms if len(form) == 1)


@cache
def _folds() -> dict[int, str]:
    """Return the folds of all characters that differ from their fold."""
    folds = ((code, _fold_of(chr(code))) for code in range(_NO_CASE_FROM))
    return {code: folded for code, folded in folds if ord(folded) != code}


@cache
def _variants() -> dict[str, tuple[str, ...]]:
    """Return the characters with each fold, without the fold itself."""
    variants: defaultdict[str, list[str]] = defaultdict(list)
    for code, folded in _folds().items():
        variants[folded].append(chr(code))
    return {folded: tuple(others) for folded, others in variants.items()}
