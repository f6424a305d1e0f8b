"""Arguments that callers give, checked once at the border.

The QueryError names the argument, what it is and what it may be.

Anything that looks right but is not is refused here, before it fails somewhere inside or gives a wrong answer: a text
where several are expected, 1 for True, NaN for a number.
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
_MOST_SHOWN: Final = 80  # characters of what was found
_SHORT_TYPES: Final = (str, int, float, type(None))

MOST_THREADS: Final = 1024
MOST_SHARD_TOKENS: Final = 2**40
QUERIES: Final = "texts or sequences of token ids"


def refusal(value: object, name: str, expected: str) -> QueryError:
    """The error for an argument that is not what is expected."""
    if isinstance(value, str) and len(value) > _MOST_SHOWN:
        value = value[:_MOST_SHOWN]
    shown = cut(repr(value), _MOST_SHOWN) if isinstance(value, _SHORT_TYPES) else f"of type {type(value).__name__}"
    return QueryError(f"{name} is {shown}; expected {expected}")


def integer(value: int, name: str) -> int:
    """The value as an int; truth values are none."""
    if isinstance(value, bool | np.bool_) or not hasattr(value, "__index__") or isinstance(value, np.ndarray):
        raise refusal(value, name, "an integer")
    return value.__index__()


def at_least(value: int, least: int, name: str) -> int:
    """The integer, cut to 63 bits, if it is not below `least`."""
    if integer(value, name) < least:
        raise refusal(value, name, f"an integer of at least {least}")
    return min(value.__index__(), 2**63 - 1)


def top_k_or_none(top_k: int | None) -> int | None:
    """`top_k` of a distribution: None or an integer of at least 0."""
    return None if top_k is None else at_least(top_k, 0, "top_k")


def checked_seed(seed: int) -> int:
    """The number of a sample: from 0 to 2^64 − 1."""
    if not 0 <= integer(seed, "seed") < 2**64:
        raise refusal(seed, "seed", "an integer from 0 to 2^64 - 1")
    return seed.__index__()


def checked_threads(threads: int | None) -> int:
    """The number of threads; all cores for None."""
    if threads is None:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if not 1 <= integer(threads, "threads") <= MOST_THREADS:
        raise refusal(threads, "threads", f"an integer from 1 to {MOST_THREADS}, or None for all cores")
    return threads.__index__()


def real(value: float, name: str, *, low: float = -math.inf, high: float = math.inf) -> float:
    """The number, not NaN, if it is from `low` to `high`."""
    is_real = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    if not is_real or not low <= value <= high:
        bounds = (
            f" from {low:g} to {high:g}" if math.isfinite(high) else "" if low == -math.inf else f" of at least {low:g}"
        )
        raise refusal(value, name, f"a number{bounds}")
    return value


def flag(value: bool, name: str) -> bool:
    """True or False, and nothing that only passes for it."""
    if not isinstance(value, bool | np.bool_):
        raise refusal(value, name, "True or False")
    return bool(value)


def text(value: str, name: str) -> str:
    """The text, without lone surrogates, which UTF-8 cannot carry."""
    if not isinstance(value, str):
        raise refusal(value, name, "a text (str)")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise refusal(value, name, "a text without lone surrogates, which UTF-8 cannot carry") from None
    return value


def text_or_none(value: str | None, name: str) -> str | None:
    """The text, or None."""
    return None if value is None else text(value, name)


def path(value: str | os.PathLike[str], name: str) -> str:
    """The path as a string."""
    found = os.fspath(value) if isinstance(value, str | os.PathLike) else None
    if not isinstance(found, str):
        raise refusal(value, name, "a path (str or os.PathLike)")
    try:
        is_possible = b"\0" not in os.fsencode(found)
    except UnicodeEncodeError:
        is_possible = False
    if not is_possible:
        raise refusal(value, name, "a path without U+0000 and lone surrogates")
    return found


def choice(value: T, name: str, choices: Iterable[T]) -> T:
    """The value, if it is one of the choices."""
    allowed = tuple(choices)
    if not isinstance(value, str | None) or value not in allowed:
        names = [repr(each) for each in allowed]
        raise refusal(value, name, " or ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names))
    return value


def several(values: Iterable[T], name: str, of: str = QUERIES) -> Iterable[T]:
    """An iterable of queries or the like, in an order that says which is which.

    A text is one query and not its letters; a mapping or a set has no order of its own.
    """
    if isinstance(values, str | bytes | bytearray | Mapping | Set) or not isinstance(values, Iterable):
        hint = "; put a single one into a list" if isinstance(values, str) else ""
        raise refusal(values, name, f"a sequence of {of}{hint}")
    return values


def mapping(value: Mapping[Any, T], name: str, of: str) -> Mapping[Any, T]:
    """A mapping with texts as its keys."""
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise refusal(value, name, f"a mapping of {of}, as a dict")
    return value


def callback(value: Callable[..., Any] | None, name: str) -> None:
    """Nothing, if it can be called or is None."""
    if value is not None and not callable(value):
        raise refusal(value, name, "a function, or None")


def instance(value: T, name: str, kind: type | tuple[type, ...], expected: str) -> T:
    """The value, if it is of that class.

    Raises:
        TypeError: it is not.
    """
    if not isinstance(value, kind):
        raise TypeError(str(refusal(value, name, expected)))
    return value


def array(values: Any, name: str, *, kinds: str, ndim: int | None, expected: str) -> Any:
    """The values as a NumPy array of one of the kinds of dtype, with that many dimensions; none is of any kind."""
    if isinstance(values, str | bytes | bytearray | memoryview):
        raise refusal(values, name, expected)
    try:
        found = np.asarray(values)
    except ValueError:  # rows of unequal length
        raise refusal(values, name, expected) from None
    if (ndim is not None and found.ndim != ndim) or (found.dtype.kind not in kinds and found.size):
        raise refusal(values, name, expected)
    return found


def checked_shard_tokens(shard_tokens: float) -> int:
    """Return the number of tokens at which a shard is closed: from 1 to `MOST_SHARD_TOKENS`."""
    real(shard_tokens, "shard_tokens", low=1, high=MOST_SHARD_TOKENS)
    return int(shard_tokens)
