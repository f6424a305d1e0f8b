"""Checks of parsed JSON that comes from an index or an unfinished build: each returns the value, or says what is wrong.

A check is called with a value and its place, such as `shards[3].folder`, which the error names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container
from typing import Any, Final, NoReturn, TypeAlias, TypeVar

T = TypeVar("T")
Check: TypeAlias = Callable[[Any, str], T]

MOST: Final = 2**63 - 1
"""The largest integer of any field: the core computes with 64 bits."""


class SchemaError(ValueError):
    """A field is missing, unknown, of another type or out of range; the message names its place."""


def anything(value: Any, place: str) -> Any:
    """Return any JSON value."""
    return value


def integer(least: int, most: int = MOST) -> Check[int]:
    """Return the check for an integer in a range, both ends included; booleans are not integers."""

    def check(value: Any, place: str) -> int:
        if type(value) is not int or not least <= value <= most:
            _refuse(value, place, f"an integer from {least} to {most}")
        return value

    return check


def text(pattern: str = r".*", expected: str = "a string") -> Check[str]:
    """Return the check for a string that matches a regular expression as a whole, with `expected` for messages."""
    compiled = re.compile(pattern, re.ASCII | re.DOTALL)

    def check(value: Any, place: str) -> str:
        if not isinstance(value, str) or compiled.fullmatch(value) is None:
            _refuse(value, place, expected)
        return value

    return check


def hexadecimal(n_digits: int) -> Check[str]:
    """Return the check for a checksum."""
    return text(f"[0-9a-f]{{{n_digits}}}", f"{n_digits} lowercase hexadecimal digits")


def one_of(*values: T) -> Check[T]:
    """Return the check for one of some values of the same type."""

    def check(value: Any, place: str) -> T:
        if type(value) is not type(values[0]) or value not in values:
            _refuse(value, place, " or ".join(map(repr, values)))
        return values[values.index(value)]

    return check


def optional(check: Check[T]) -> Check[T | None]:
    """Return the check for null or a value."""
    return lambda value, place: None if value is None else check(value, place)


def items(check: Check[T], *, least: int = 0) -> Check[tuple[T, ...]]:
    """Return the check for a list of at least some items."""

    def check_all(value: Any, place: str) -> tuple[T, ...]:
        if not isinstance(value, list) or len(value) < least:
            _refuse(value, place, f"a list of at least {least} items" if least else "a list")
        return tuple(check(item, f"{place}[{number}]") for number, item in enumerate(value))

    return check_all


def mapping(check: Check[T], names: Container[str] | None = None) -> Check[dict[str, T]]:
    """Return the check for an object whose field names are some of `names`; None for any names."""

    def check_all(value: Any, place: str) -> dict[str, T]:
        if not isinstance(value, dict):
            _refuse(value, place, "an object")
        unknown = [name for name in value if names is not None and name not in names]
        if unknown:
            raise SchemaError(f"{place} has the unknown field {unknown[0]!r:.80}")
        return {name: check(item, f"{place}.{name:.40}") for name, item in value.items()}

    return check_all


def record(make: Callable[..., T], **fields: Check[Any]) -> Check[T]:
    """Return the check for an object with exactly these fields, which are passed to `make`."""

    def check(value: Any, place: str) -> T:
        if not isinstance(value, dict):
            _refuse(value, place, "an object")
        if value.keys() != fields.keys():
            missing = [name for name in fields if name not in value]
            unknown = [name for name in value if name not in fields]
            wrong = f"lacks the field {missing[0]!r}" if missing else f"has the unknown field {unknown[0]!r:.40}"
            raise SchemaError(f"{place or 'the object'} {wrong}; expected {', '.join(fields)}")
        prefix = f"{place}." if place else ""
        return make(**{name: check_field(value[name], f"{prefix}{name}") for name, check_field in fields.items()})

    return check


def _refuse(value: Any, place: str, expected: str) -> NoReturn:
    raise SchemaError(f"{place or 'the value'} is {value!r:.80}; expected {expected}")
