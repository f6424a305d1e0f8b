"""Short reprs of results: at most `MOST_CHARACTERS`, whatever the size of the result."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any, ClassVar, Final

import numpy as np

MOST_CHARACTERS: Final = 200
_MAX_VALUE: Final = 48  # characters of one value
_MAX_LISTED: Final = 5
_MAX_LISTED_CHARACTERS: Final = 60  # of one value
_MIN_VALUE: Final = 6  # characters of a truncated text
_OPEN_AND_CLOSE: Final[dict[type, str]] = {list: "[]", tuple: "()", set: "{}", frozenset: "{}"}


class ShortRepr:
    """Base of classes with a short repr of the fields of a dataclass, or of the attributes in `_repr_fields`.

    Attributes:
        _repr_fields: the attributes to show; empty for all fields of a dataclass.
    """

    __slots__ = ()

    _repr_fields: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls, **options: Any) -> None:
        """Set the repr on the class itself, so that `@dataclass` does not replace it."""
        super().__init_subclass__(**options)
        if "__repr__" not in vars(cls):
            cls.__repr__ = ShortRepr.__repr__  # type: ignore[method-assign]

    def __repr__(self) -> str:
        names = self._repr_fields or _field_names(self)
        return short_repr(type(self).__name__, {name: getattr(self, name) for name in names})


def short_repr(name: str, values: Mapping[str, Any], *, is_complete: bool = True) -> str:
    """Return `name(field=value, …)`; long values are truncated, and fields beyond the maximum length are omitted.

    Args:
        name: the name of the class.
        values: the value of each field.
        is_complete: False if the class has more fields.
    """
    left = MOST_CHARACTERS - len(name) - len("(, …)")
    parts: list[str] = []
    for field, value in values.items():
        part = f"{field}={_shown(value, min(_MAX_VALUE, max(left - len(field) - 3, _MIN_VALUE)))}"
        if len(part) + 2 > left:
            is_complete = False
            break
        parts.append(part)
        left -= len(part) + 2
    return f"{name}({', '.join(parts if is_complete else [*parts, '…'])})"


def named_tuple_repr(self: Any) -> str:
    """Return the short repr of a NamedTuple, for use as its `__repr__`."""
    return short_repr(type(self).__name__, {name: getattr(self, name) for name in self._fields})


def cut(text: str, most: int) -> str:
    """Truncate a text to at most `most` characters, with a final `…`."""
    return text if len(text) <= most else f"{text[: max(most - 1, 0)]}…"


def listed(values: Sequence[object]) -> str:
    """Return the first values for a message, and how many more there are."""
    shown = ", ".join(cut(str(value), _MAX_LISTED_CHARACTERS) for value in values[:_MAX_LISTED])
    n_more = len(values) - _MAX_LISTED
    return f"{shown} and {n_more:,} more" if n_more > 0 else shown


def _field_names(value: object) -> tuple[str, ...]:
    return tuple(field.name for field in fields(value) if field.repr) if is_dataclass(value) else ()


def _shown(value: Any, room: int) -> str:
    """Return a value in about `room` characters."""
    if isinstance(value, str | bytes | bytearray):
        short = value if len(value) <= room - 2 else value[: max(room - 3, 1)]
        shown = cut(repr(short), room)
        return shown if len(short) == len(value) else f"{cut(shown[:-1], room - 2)}…{shown[-1]}"
    if isinstance(value, np.ndarray):
        if value.ndim != 1:
            return f"<{value.dtype} array of shape {value.shape}>"
        return _items((repr(item) for item in value[:room].tolist()), len(value), "[]", room)
    if type(value) in _OPEN_AND_CLOSE:
        if value and all(isinstance(item, ShortRepr) for item in value):
            return f"<{len(value):,} {type(next(iter(value))).__name__}>"
        return _items((_shown(item, room) for item in value), len(value), _OPEN_AND_CLOSE[type(value)], room)
    if isinstance(value, Mapping):
        items = (f"{_shown(key, room // 2)}: {_shown(item, room // 2)}" for key, item in value.items())
        return _items(items, len(value), "{}", room)
    if isinstance(value, ShortRepr):
        return f"<{type(value).__name__}>"
    return cut(repr(value), max(room, 24))


def _items(shown: Iterable[str], n_items: int, brackets: str, room: int) -> str:
    """Return the items that fit, and the number of the others."""
    parts: list[str] = []
    left = room - len("[, … 1,000,000 more]")
    for part in shown:
        if len(part) > left and (parts or len(part) > room - len("[, … 1 more]")):
            break
        parts.append(part)
        left -= len(part) + 2
    n_more = n_items - len(parts)
    if n_more:
        parts.append(f"… {n_more:,} more" if parts else f"… {n_more:,}")
    comma = "," if brackets == "()" and n_items == 1 and not n_more else ""
    return f"{brackets[0]}{', '.join(parts)}{comma}{brackets[1]}"
