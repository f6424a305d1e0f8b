"""Checks of arguments at the public interface. The error names the argument, its value and the expected values.

Values that would pass by accident are refused before they give a wrong answer: a string where a sequence of queries is
expected, 1 for True, NaN for a number.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Mapping, Set
from typing import Any, Final, TypeVar

import numpy as np

from infgram.errors import QueryError
from infgram.reprs import cut

T = TypeVar("T")
_MAX_SHOWN: Final = 80  # characters of a value in a message
_SHORT_TYPES: Final = (str, int, float, type(None))

MOST_THREADS: Final = 1024
MOST_SHARD_TOKENS: Final = 2**40
QUERIES: Final = "texts or sequences of token ids"


def refusal(value: object, name: str, expected: str) -> QueryError:
    """Return the error for an invalid argument."""
    if isinstance(value, str) and len(value) > _MAX_SHOWN:
        value = value[:_MAX_SHOWN]
    if isinstance(value, int) and value.bit_length() > _MAX_SHOWN:  # repr refuses integers of thousands of digits
        return QueryError(f"{name} is an integer of {value.bit_length():,} bits; expected {expected}")
    shown = cut(repr(value), _MAX_SHOWN) if isinstance(value, _SHORT_TYPES) else f"of type {type(value).__name__}"
    return QueryError(f"{name} is {shown}; expected {expected}")


def integer(value: int, name: str) -> int:
    """Return the value as an int; booleans are refused."""
    if isinstance(value, bool | np.bool_) or not hasattr(value, "__index__") or isinstance(value, np.ndarray):
        raise refusal(value, name, "an integer")
    return value.__index__()


def at_least(value: int, least: int, name: str) -> int:
    """Return an integer of at least `least`, capped at 2^63 − 1."""
    if integer(value, name) < least:
        raise refusal(value, name, f"an integer of at least {least}")
    return min(value.__index__(), 2**63 - 1)


def unsigned(value: int, name: str) -> int:
    """Return an integer from 0 to 2^63 − 1."""
    if not 0 <= integer(value, name) < 2**63:
        raise refusal(value, name, "an integer from 0 to 2^63 - 1")
    return value.__index__()


def top_k_or_none(top_k: int | None) -> int | None:
    """Return the `top_k` of a distribution: None or an integer of at least 0."""
    return None if top_k is None else at_least(top_k, 0, "top_k")


def checked_seed(seed: int) -> int:
    """Return the seed of a sample: an integer from 0 to 2^64 − 1."""
    if not 0 <= integer(seed, "seed") < 2**64:
        raise refusal(seed, "seed", "an integer from 0 to 2^64 - 1")
    return seed.__index__()


def checked_threads(threads: int | None) -> int:
    """Return the number of threads; all available cores for None."""
    if threads is None:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if not 1 <= integer(threads, "threads") <= MOST_THREADS:
        raise refusal(threads, "threads", f"an integer from 1 to {MOST_THREADS}, or None for all cores")
    return threads.__index__()


def real(value: float, name: str, *, low: float = -math.inf, high: float = math.inf) -> float:
    """Return a number from `low` to `high`; NaN is refused."""
    is_real = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    if not is_real or not low <= value <= high:
        bounds = (
            f" from {low:g} to {high:g}" if math.isfinite(high) else "" if low == -math.inf else f" of at least {low:g}"
        )
        raise refusal(value, name, f"a number{bounds}")
    return value


def flag(value: bool, name: str) -> bool:
    """Return a boolean; other values are refused, even if they are truthy."""
    if not isinstance(value, bool | np.bool_):
        raise refusal(value, name, "True or False")
    return bool(value)


def text(value: str, name: str) -> str:
    """Return a string without lone surrogates, which UTF-8 cannot encode."""
    if not isinstance(value, str):
        raise refusal(value, name, "a text (str)")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise refusal(value, name, "a text without lone surrogates, which UTF-8 cannot encode") from None
    return value


def text_or_none(value: str | None, name: str) -> str | None:
    """Return a string without lone surrogates, or None."""
    return None if value is None else text(value, name)


def path(value: str | os.PathLike[str], name: str) -> str:
    """Return a path as a string."""
    as_string = os.fspath(value) if isinstance(value, str | os.PathLike) else None
    if not isinstance(as_string, str):
        raise refusal(value, name, "a path (str or os.PathLike)")
    try:
        is_valid = b"\0" not in os.fsencode(as_string)
    except UnicodeEncodeError:
        is_valid = False
    if not is_valid:
        raise refusal(value, name, "a path without U+0000 and lone surrogates")
    return as_string


def choice(value: T, name: str, choices: Iterable[T]) -> T:
    """Return a value that is one of the choices."""
    allowed = tuple(choices)
    if not isinstance(value, str | None) or value not in allowed:
        names = [repr(each) for each in allowed]
        raise refusal(value, name, " or ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names))
    return value


def several(values: Iterable[T], name: str, of: str = QUERIES) -> Iterable[T]:
    """Return an iterable with an order, such as a sequence of queries.

    A string is refused, since it is a single query; so are mappings and sets, which do not have an order.
    """
    if isinstance(values, str | bytes | bytearray | Mapping | Set) or not isinstance(values, Iterable):
        hint = "; put a single item into a list" if isinstance(values, str) else ""
        raise refusal(values, name, f"a sequence of {of}{hint}")
    return values


def mapping(value: Mapping[Any, T], name: str, of: str) -> Mapping[Any, T]:
    """Return a mapping with strings as keys."""
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise refusal(value, name, f"a mapping of {of}, as a dict")
    return value


def callback(value: Callable[..., Any] | None, name: str) -> None:
    """Check that the value is callable or None."""
    if value is not None and not callable(value):
        raise refusal(value, name, "a function, or None")


def instance(value: T, name: str, kind: type | tuple[type, ...], expected: str) -> T:
    """Return an instance of a class.

    Raises:
        TypeError: the value is not an instance.
    """
    if not isinstance(value, kind):
        raise TypeError(str(refusal(value, name, expected)))
    return value


def array(values: Any, name: str, *, kinds: str, ndim: int | None, expected: str) -> Any:
    """Return the values as a NumPy array with one of the dtype kinds and `ndim` dimensions.

    An empty array may have any dtype.
    """
    if isinstance(values, str | bytes | bytearray | memoryview):
        raise refusal(values, name, expected)
    try:
        converted = np.asarray(values)
    except ValueError:  # rows of unequal length
        raise refusal(values, name, expected) from None
    if (ndim is not None and converted.ndim != ndim) or (converted.dtype.kind not in kinds and converted.size):
        raise refusal(values, name, expected)
    return converted


def checked_shard_tokens(shard_tokens: float) -> int:
    """Return the number of tokens at which a shard is closed: from 1 to `MOST_SHARD_TOKENS`."""
    real(shard_tokens, "shard_tokens", low=1, high=MOST_SHARD_TOKENS)
    return int(shard_tokens)
