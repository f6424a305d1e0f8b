"""The conditions of --where."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from infgram.types import JsonScalar


def filters_of(conditions: list[str]) -> dict[str, JsonScalar]:
    """Parse the conditions of --where.

    Raises:
        typer.BadParameter: a field is given twice, or a condition is invalid.
    """
    filters = dict(map(_filter, conditions))
    if len(filters) < len(conditions):
        raise typer.BadParameter("a field is given twice; expected one value per field", param_hint="--where")
    return filters


def _filter(condition: str) -> tuple[str, JsonScalar]:
    """Parse a condition such as `lang=en`.

    Raises:
        typer.BadParameter: there is no `=`, or no field before it.
    """
    name, equals, text = condition.partition("=")
    if not name or not equals:
        raise typer.BadParameter(f"{condition!r} is not a condition; expected FIELD=VALUE", param_hint="--where")
    try:
        value = json.loads(text, parse_constant=str)
    except (ValueError, RecursionError):
        value = text
    return name, value if value is None or isinstance(value, str | int | float) else text
