"""The limits of a request's fields: declared beside the field, checked here, shown in the OpenAPI document."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import BaseModel, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from ..problems import FieldError, ProblemError
from ..settings import ALL, Limits

_MARK = "x-limit"
_KEYWORDS = {"string": "maxLength", "array": "maxItems", "integer": "maximum"}


@dataclass(frozen=True)
class AtMost:
    """Marks a field that a limit bounds: a number by its value, a text or list by its length.

    Attributes:
        limit: the field of `Limits`.
        none_is_all: whether None asks for all there is, which is beyond any limit but that of a stream.
    """

    limit: str
    none_is_all: bool = False

    def __get_pydantic_json_schema__(self, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {**handler(core_schema), _MARK: self.limit}


def check(body: BaseModel, limits: Limits) -> None:
    """Refuse a request with a field beyond its limit.

    Raises:
        ProblemError: names the fields and their limits.
    """
    errors = [
        exceeded(name, getattr(limits, mark.limit), unit)
        for name, mark in _marked_fields(type(body))
        for size, unit in [_size(getattr(body, name), mark)]
        if size > getattr(limits, mark.limit)
    ]
    if errors:
        raise ProblemError("limit_exceeded", errors=errors)


def check_sizes(value: Any, body_type: type[BaseModel], limits: Limits) -> None:
    """Refuse a decoded body with a text or list beyond its limit, before its elements are validated one by one.

    Raises:
        ProblemError: names the fields and their limits.
    """
    if not isinstance(value, dict):
        return
    errors = [
        exceeded(name, getattr(limits, mark.limit), "characters" if isinstance(found, str) else "items")
        for name, mark in _marked_fields(body_type)
        for found in [value.get(name)]
        if isinstance(found, str | list) and len(found) > getattr(limits, mark.limit)
    ]
    if errors:
        raise ProblemError("limit_exceeded", errors=errors)


def exceeded(field: str, most: int, unit: str = "") -> FieldError:
    """What is said of a field beyond its limit."""
    return FieldError(loc=["body", field], type="limit_exceeded", msg=f"Expected at most {most} {unit}".rstrip())


def write_into(schema: Any, limits: Limits) -> Any:
    """The same JSON schema, or part of one, with each mark replaced by its number."""
    if isinstance(schema, list):
        return [write_into(part, limits) for part in schema]
    if not isinstance(schema, dict):
        return schema
    filled = {key: write_into(value, limits) for key, value in schema.items() if key != _MARK}
    if _MARK in schema:
        bounded = filled if "type" in filled else filled["anyOf"][0]  # not the null beside it
        bounded[_KEYWORDS[bounded["type"]]] = getattr(limits, schema[_MARK])
    return filled


@cache
def _marked_fields(body_type: type[BaseModel]) -> tuple[tuple[str, AtMost], ...]:
    fields = body_type.model_fields.items()
    return tuple((name, mark) for name, field in fields for mark in field.metadata if isinstance(mark, AtMost))


def _size(value: str | list[Any] | int | None, mark: AtMost) -> tuple[int, str]:
    if value is None and mark.none_is_all:
        return ALL, ""
    if isinstance(value, int):
        return value, ""
    return len(value or ""), "characters" if isinstance(value, str) else "items"
