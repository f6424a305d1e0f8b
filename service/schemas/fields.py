"""What requests have in common: text or token ids, strict validation, and limits that each field declares.

A limit is declared beside the field by `AtMost`, checked here, and shown in the OpenAPI document.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler, model_validator
from pydantic.functional_validators import AfterValidator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from ..problems import FieldError, ProblemError
from ..settings import ALL, Limits

_MARK = "x-limit"
_KEYWORDS = {"string": "maxLength", "array": "maxItems", "integer": "maximum"}


@dataclass(frozen=True)
class AtMost:
    """Marks a field with an upper limit: on the value of a number, on the length of a text or list.

    Attributes:
        limit: the field of `Limits`.
        none_is_all: whether None requests everything, which only the limits of a stream allow.
    """

    limit: str
    none_is_all: bool = False

    def __get_pydantic_json_schema__(self, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {**handler(core_schema), _MARK: self.limit}


def check(body: BaseModel, limits: Limits) -> None:
    """Raise if a field of a request exceeds its limit.

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
    """Raise if a text or list of a decoded body exceeds its limit, before its elements are validated one by one.

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


def exceeded(field: str, limit: int, unit: str = "") -> FieldError:
    """Return the error of a field that exceeds its limit."""
    return FieldError(loc=["body", field], type="limit_exceeded", msg=f"Expected at most {limit} {unit}".rstrip())


def fill_in_limits(schema: Any, limits: Limits) -> Any:
    """Return the JSON schema, or part of one, with each mark replaced by the limit."""
    if isinstance(schema, list):
        return [fill_in_limits(part, limits) for part in schema]
    if not isinstance(schema, dict):
        return schema
    filled = {key: fill_in_limits(value, limits) for key, value in schema.items() if key != _MARK}
    if _MARK in schema:
        bounded = filled if "type" in filled else filled["anyOf"][0]  # not the null next to it
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


SHORT: Final = 512
"""Up to this many characters or token ids, and rows, a quick question is answered in less than a millisecond."""

SLOW_OPTIONS: Final = ("ignore_case", "any_tokenization", "readings")
"""Options that make a question search for a string, which may take long."""


def without_null(schema: dict[str, Any]) -> None:
    """Describe an optional field, in the OpenAPI document, by the type it has when present."""
    schema.pop("default", None)
    schema.update(schema.pop("anyOf")[0])


def strict_config(
    *examples: dict[str, Any], one_of: Sequence[str] = (), extra: Literal["forbid", "allow"] = "forbid"
) -> ConfigDict:
    """Return the configuration of a strict body without a query, of which exactly one field of `one_of` is required."""
    described: dict[str, Any] = {"examples": list(examples)}
    if one_of:
        described["oneOf"] = [{"required": [name]} for name in one_of]
    return ConfigDict(frozen=True, extra=extra, strict=True, json_schema_extra=described)


def body_config(*examples: dict[str, Any], may_be_empty: bool = True) -> ConfigDict:
    """Return the configuration of a body: strict, with examples and the rules of validators in the OpenAPI document."""

    def describe(schema: dict[str, Any]) -> None:
        schema["examples"] = list(examples)
        if "token_ids" in schema["properties"]:
            forms = [name for name in ("query", "token_ids", "clauses") if name in schema["properties"]]
            schema["oneOf"] = [{"required": [name]} for name in forms]
        if not may_be_empty:
            schema["properties"]["query"]["minLength"] = schema["properties"]["token_ids"]["minItems"] = 1

    return ConfigDict(frozen=True, extra="forbid", strict=True, json_schema_extra=describe)


TokenId = Annotated[int, Field(ge=0)]
TokenIds = Annotated[list[TokenId], Field(fail_fast=True)]
"""Validation of a list ends at the first invalid element, so that long invalid lists are refused quickly."""
TopK = Annotated[
    Annotated[int, Field(ge=1)] | None,
    Field(description="Rows to return, those with the largest counts. Null, for JSON lines only: all, by token id."),
    AtMost("top_k", none_is_all=True),
]
MinCount = Annotated[int, Field(ge=1, description="Minimum occurrences of a suffix to be used.")]


def check_utf8(text: str | None) -> str | None:
    """Refuse a lone surrogate, which JSON can escape but UTF-8 cannot encode."""
    try:
        (text or "").encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValueError("Expected text that UTF-8 can encode; found a lone surrogate") from error
    return text


class QueryRequest(BaseModel):
    """A query of text or token ids."""

    model_config = body_config({"query": "natural language"}, {"token_ids": [3, 14, 15]})

    quick: ClassVar[bool] = False
    """Whether the answer takes microseconds, however often the query occurs."""

    query: Annotated[str | None, AfterValidator(check_utf8), AtMost("query_characters")] = Field(
        default=None,
        description="Text, encoded by the index's tokenizer exactly as given.",
        json_schema_extra=without_null,
    )
    token_ids: Annotated[TokenIds | None, AtMost("query_tokens")] = Field(
        default=None, description="Token ids, without decimal points.", json_schema_extra=without_null
    )

    @property
    def is_quick(self) -> bool:
        """Whether it is answered faster than a thread could be notified."""
        n_rows = getattr(self, "top_k", None) or 0
        if not self.quick or max(len(self.query or self.token_ids or ()), n_rows) > SHORT:
            return False
        return not any(getattr(self, option, False) for option in SLOW_OPTIONS)

    @model_validator(mode="after")
    def _exactly_one_is_given(self) -> QueryRequest:
        given = self.model_fields_set & {"query", "token_ids", "clauses"}
        if len(given) != 1 or getattr(self, *given) is None:
            raise ValueError("Expected exactly one of query (text) and token_ids (a list of integers)")
        return self


class TextRequest(QueryRequest):
    """A question whose text may be searched as a string."""

    ignore_case: bool = Field(default=False, description="Ignore case, and so the tokenization.")
    any_tokenization: bool = Field(
        default=False, description="Find every occurrence of the string, also inside words, in any tokenization."
    )

    @property
    def is_in_characters(self) -> bool:
        """Whether the text is searched as a string, in any tokenization."""
        return self.ignore_case or self.any_tokenization
