"""Limits of a `tokenizer.json`, checked before the package `tokenizers` allocates what the file asks for.

The package sizes its tables by the largest id, so that one entry with the id 2^31 aborts the process, and it applies
replacements without a limit on the result.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from infgram.errors import TokenizerError
from infgram.tokenizers.byte_level import steps_of

LARGEST_DEFINITION: Final = 256 << 20  # bytes; those of the largest vocabularies in use take 35 MB
_MOST_FREE_IDS: Final = 1 << 16  # in addition to as many as there are entries
_MOST_GROWTH: Final = 256  # characters that replacements make of one
_LONGEST_PREFIX: Final = 1024  # characters
_LARGE_ID: Final = re.compile(r":\s*\d{8}")


@contextmanager
def malformed_fields() -> Iterator[None]:
    """Raise the errors of code that inspects a parsed definition as `TokenizerError`.

    The package ignores some fields that have another type than it writes.
    """
    try:
        yield
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        if isinstance(error, TokenizerError):
            raise
        raise TokenizerError(f"invalid tokenizer.json: a field has an unexpected type: {error}") from error


def check_size(size_bytes: int) -> None:
    """Check the size of a file before it is read.

    Raises:
        TokenizerError: the file is too large.
    """
    if size_bytes > LARGEST_DEFINITION:
        raise TokenizerError(f"{size_bytes} bytes; expected a tokenizer.json of at most {LARGEST_DEFINITION} bytes")


def may_have_large_ids(definition: str) -> bool:
    """Return whether the text of a definition may hold an id of eight digits or more; fast, and seldom true."""
    return _LARGE_ID.search(definition) is not None


def check_ids(definition: Mapping[str, Any]) -> None:
    """Check that each id of a parsed definition is an integer from 0, and that most ids up to the largest are used.

    Raises:
        TokenizerError: an id is not, or the vocabulary has large gaps.
    """
    vocabulary = definition["model"].get("vocab")
    added = definition.get("added_tokens") or []
    ids = list(vocabulary.values()) if isinstance(vocabulary, Mapping) else []
    ids.extend(_added_ids(added))
    n_entries = len(vocabulary if isinstance(vocabulary, list) else ids)
    limit = 2 * n_entries + _MOST_FREE_IDS
    for token_id in ids:
        if type(token_id) is not int or not 0 <= token_id < limit:
            raise TokenizerError(
                f"invalid tokenizer.json: the token id {token_id!r:.40} in a vocabulary of {n_entries} entries; "
                f"expected integers from 0 to at most {limit - 1}"
            )


def check_steps(part: Mapping[str, Any] | None) -> None:
    """Check that a normalizer or a decoder cannot make a short text huge.

    Unicode normalization and the tables of sentencepiece are not checked.

    Raises:
        TokenizerError: its replacements together, or its prefix, exceed the limit.
    """
    growth, prefix = 1.0, 0
    for step in steps_of(part):
        if step.get("type") == "Replace":
            growth *= max(1.0, _growth(step))
        elif step.get("type") == "Prepend":
            prefix += len(str(step.get("prepend", "")))
    if growth > _MOST_GROWTH:
        raise TokenizerError(
            f"invalid tokenizer.json: its replacements make up to {growth:.3g} characters of one; expected at most "
            f"{_MOST_GROWTH}"
        )
    if prefix > _LONGEST_PREFIX:
        raise TokenizerError(
            f"invalid tokenizer.json: it puts {prefix} characters before each text; expected at most {_LONGEST_PREFIX}"
        )


def _added_ids(added: Any) -> Iterable[Any]:
    if not isinstance(added, list) or not all(isinstance(token, Mapping) for token in added):
        raise TokenizerError('invalid tokenizer.json: expected a list of objects in "added_tokens"')
    return (token.get("id") for token in added)


def _growth(step: Mapping[str, Any]) -> float:
    """Return how many characters a replacement makes of one, at most; a regular expression may match nothing."""
    pattern = step.get("pattern")
    literal = pattern.get("String") if isinstance(pattern, Mapping) else None
    n = len(str(step.get("content", "")))
    return n / len(literal) if isinstance(literal, str) and literal else n + 1.0
