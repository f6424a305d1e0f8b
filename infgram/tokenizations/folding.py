"""What "the same letter in another case" means: simple case folding, one character for one character.

The fold of a character is what `str.casefold` makes of it if that is one character; otherwise what `str.lower` makes
of it if that is one; otherwise itself. This is Unicode's simple case folding (CaseFolding.txt, status C and S), but
for letters whose only fold is longer than they are. So `ẞ` equals `ß` and not `ss`, `K` (the sign for kelvin) equals
`k`, and a fold never changes where characters stand.
"""

from __future__ import annotations

from collections import defaultdict
from functools import cache
from typing import Final

_NO_CASE_FROM: Final = 0x20000
"""No script with cases has characters from here on: these planes are ideographs, tags and private use."""


def fold(text: str) -> str:
    """The text with every character folded; as many characters, each in its place."""
    return text.translate(_folds())


def variants(character: str) -> tuple[str, ...]:
    """All characters that have the fold of this one, itself among them."""
    folded = fold(character)
    return (folded, *_variants().get(folded, ()))


def _fold_of(character: str) -> str:
    forms = (character.casefold(), character.lower(), character)
    return next(form for form in forms if len(form) == 1)


@cache
def _folds() -> dict[int, str]:
    """The characters that are not their own fold."""
    folds = ((code, _fold_of(chr(code))) for code in range(_NO_CASE_FROM))
    return {code: folded for code, folded in folds if ord(folded) != code}


@cache
def _variants() -> dict[str, tuple[str, ...]]:
    """The characters with a given fold, besides that one."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for code, folded in _folds().items():
        found[folded].append(chr(code))
    return {folded: tuple(others) for folded, others in found.items()}
