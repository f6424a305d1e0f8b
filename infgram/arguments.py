"""Integers that callers give, checked once at the border."""

from __future__ import annotations

from infgram.errors import QueryError


def integer(value: int, name: str) -> int:
    """The value as an int; QueryError, naming it, for truth values and whatever is no integer."""
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise QueryError(f"{name} is {value!r}; expected an integer")
    return value.__index__()


def at_least(value: int, least: int, name: str) -> int:
    """The integer, cut to 63 bits; QueryError if it is below `least`."""
    if integer(value, name) < least:
        raise QueryError(f"{name} is {value}; expected an integer of at least {least}")
    return min(value.__index__(), 2**63 - 1)


def top_k_or_none(top_k: int | None) -> int | None:
    """`top_k` of a distribution: None or an integer of at least 0."""
    return None if top_k is None else at_least(top_k, 0, "top_k")


def checked_seed(seed: int) -> int:
    """The number of a sample: from 0 to 2^64 − 1."""
    if not 0 <= integer(seed, "seed") < 2**64:
        raise QueryError(f"seed is {seed}; expected an integer from 0 to 2^64 - 1")
    return seed.__index__()
