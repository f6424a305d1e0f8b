"""Filters on the metadata of documents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from infgram.errors import QueryError
from infgram.types import JsonScalar

_MISSING: Final = object()


def checked(where: Mapping[str, JsonScalar]) -> dict[str, JsonScalar]:
    """The filters as asked.

    Raises:
        QueryError: a name is no text, or a value no text, number, truth value or None.
    """
    for name, value in where.items():
        if not isinstance(name, str) or not (value is None or isinstance(value, str | int | float)):
            raise QueryError(
                f"where holds {name!r}: {value!r}; expected names of metadata fields with texts, numbers, "
                "truth values or None"
            )
    return dict(where)


def holds(metadata: Mapping[str, Any], where: Mapping[str, JsonScalar]) -> bool:
    """Whether every field is there and has its value. A name with dots reaches into nested objects."""
    return all(_equal(_field(metadata, name), value) for name, value in where.items())


def _field(value: Any, name: str) -> Any:
    """The field of that very name, or else through each part before a dot."""
    if not isinstance(value, dict):
        return _MISSING
    if name in value:
        return value[name]
    for place, character in enumerate(name):
        if character == "." and name[:place] in value:
            found = _field(value[name[:place]], name[place + 1 :])
            if found is not _MISSING:
                return found
    return _MISSING


def _equal(found: Any, value: JsonScalar) -> bool:
    """As JSON values: 1 is 1.0, but neither is true."""
    return isinstance(found, bool) == isinstance(value, bool) and bool(found == value)
