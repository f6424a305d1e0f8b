"""The bodies that are accepted: strict, frozen, without unknown fields."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidatorFunctionWrapHandler, model_validator
from pydantic.functional_validators import AfterValidator, WrapValidator

from .limits import AtMost
from .problems import of_validation


def _may_be_left_out(schema: dict[str, Any]) -> None:
    """In the OpenAPI document, a field that may be left out has the type it has when given."""
    schema.pop("default", None)
    schema.update(schema.pop("anyOf")[0])


def _body(*examples: dict[str, Any], may_be_empty: bool = True) -> ConfigDict:
    """The configuration of a body: strict, and in the OpenAPI document with examples and what validators check."""

    def describe(schema: dict[str, Any]) -> None:
        schema["examples"] = list(examples)
        if "query" in schema["properties"]:
            schema["oneOf"] = [{"required": ["query"]}, {"required": ["token_ids"]}]
        if not may_be_empty:
            schema["properties"]["query"]["minLength"] = schema["properties"]["token_ids"]["minItems"] = 1

    return ConfigDict(frozen=True, extra="forbid", strict=True, json_schema_extra=describe)


TokenId = Annotated[int, Field(ge=0)]
TopK = Annotated[
    Annotated[int, Field(ge=1)] | None,
    Field(description="Rows to return: those of largest count. Null, for lines only: all of them, by token id."),
    AtMost("top_k", none_is_all=True),
]
MinCount = Annotated[int, Field(ge=1, description="How often a suffix must occur to be used.")]


def _is_utf8(text: str | None) -> str | None:
    """JSON may escape half a surrogate pair, which is no text."""
    try:
        (text or "").encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValueError("Expected text that UTF-8 can carry; found a lone surrogate") from error
    return text


class Question(BaseModel):
    """Text or token ids."""

    model_config = _body({"query": "natural language"}, {"token_ids": [3, 14, 15]})

    query: Annotated[str | None, AfterValidator(_is_utf8), AtMost("query_characters")] = Field(
        default=None,
        description="Text, encoded by the index's tokenizer exactly as it stands.",
        json_schema_extra=_may_be_left_out,
    )
    token_ids: Annotated[list[TokenId] | None, AtMost("query_tokens")] = Field(
        default=None, description="Token ids, written without a decimal point.", json_schema_extra=_may_be_left_out
    )

    @model_validator(mode="after")
    def _exactly_one_is_given(self) -> Question:
        if len(self.model_fields_set & {"query", "token_ids"}) != 1 or (self.query is None and self.token_ids is None):
            raise ValueError("Expected exactly one of query (text) and token_ids (a list of integers)")
        return self


class CountQuestion(Question):
    """How often does this occur?"""

    model_config = _body({"query": "natural language"}, {"token_ids": [3, 14, 15]})


class FindQuestion(Question):
    """In which ranks of the suffix arrays does this stand?"""

    model_config = _body({"query": "natural language"})


class LocateQuestion(Question):
    """At which places does this stand?"""

    model_config = _body({"query": "natural language", "limit": 3})

    limit: Annotated[
        Annotated[int, Field(ge=1)] | None,
        Field(description="Places to return. Null, for lines only: all of them."),
        AtMost("locations", none_is_all=True),
    ] = 100


class NextTokenQuestion(Question):
    """What follows the whole of this?"""

    model_config = _body({"query": "natural language", "top_k": 5})

    top_k: TopK = 20


class InfgramQuestion(Question):
    """What follows the longest suffix of this that occurs?"""

    model_config = _body({"query": "a word on natural language", "top_k": 5, "min_count": 1})

    min_count: MinCount = 1
    top_k: TopK = 20


class ProbQuestion(Question):
    """How likely is one token after the longest suffix of this that occurs?"""

    model_config = _body({"query": "a word on natural language", "token_id": 15})

    token_id: Annotated[int, Field(ge=-1, description="The next token; −1 is the end of the document.")]
    min_count: MinCount = 1


class LongestSuffixQuestion(Question):
    """How much of the end of this occurs?"""

    model_config = _body({"query": "a word on natural language", "min_count": 1})

    min_count: MinCount = 1


class LongestMatchesQuestion(Question):
    """From each token on, how much of this occurs?"""

    model_config = _body({"query": "a word on natural language"})


class ScoreQuestion(Question):
    """How likely is each token of this after those before it?"""

    model_config = _body({"query": "natural language", "end": False})

    min_count: MinCount = 1
    end: bool = Field(default=False, description="Score the end of the document after the last token, too.")


class SearchQuestion(Question):
    """Which documents hold this?"""

    model_config = _body({"query": "natural language", "limit": 3, "seed": 7}, may_be_empty=False)

    limit: Annotated[int, Field(ge=1, description="Documents to return."), AtMost("documents")] = 10
    seed: Annotated[int, Field(ge=0, le=2**64 - 1)] | None = Field(
        default=None,
        description="Draws a uniform sample, the same for the same seed; without it, documents come by their numbers.",
    )
    snippet_tokens: Annotated[
        int,
        Field(ge=0, description="Tokens around the match, half before it and half after."),
        AtMost("snippet_tokens"),
    ] = 40


def _problem_in_place(value: Any, validate: ValidatorFunctionWrapHandler) -> Any:
    """A question of a batch that does not fit its schema fails alone."""
    try:
        return validate(value)
    except ValidationError as error:
        errors = error.errors(include_url=False, include_context=False, include_input=False)
        return of_validation([{**each, "loc": ("body", *each["loc"])} for each in errors]).problem


Q = TypeVar("Q", bound=Question)
Item = Annotated[Q, WrapValidator(_problem_in_place)]
"""A question of a batch; at run time a `Problem` where it does not fit."""


class Batch(BaseModel):
    """Several questions of one kind."""

    model_config = _body({"items": [{"query": "natural"}, {"token_ids": [3, 14, 15]}]})

    items: list[Any]


class CountBatch(Batch):
    """Several counts."""

    items: Annotated[list[Item[CountQuestion]], AtMost("batch_items")]


class FindBatch(Batch):
    """Several finds."""

    items: Annotated[list[Item[FindQuestion]], AtMost("batch_items")]


class LocateBatch(Batch):
    """Several places to find."""

    items: Annotated[list[Item[LocateQuestion]], AtMost("batch_items")]


class NextTokenBatch(Batch):
    """Several next-token questions."""

    items: Annotated[list[Item[NextTokenQuestion]], AtMost("batch_items")]


class InfgramBatch(Batch):
    """Several ∞-gram questions."""

    items: Annotated[list[Item[InfgramQuestion]], AtMost("batch_items")]


class ProbBatch(Batch):
    """Several probabilities."""

    model_config = _body({"items": [{"query": "natural", "token_id": 15}, {"token_ids": [3], "token_id": -1}]})

    items: Annotated[list[Item[ProbQuestion]], AtMost("batch_items")]


class LongestSuffixBatch(Batch):
    """Several longest suffixes."""

    items: Annotated[list[Item[LongestSuffixQuestion]], AtMost("batch_items")]


class LongestMatchesBatch(Batch):
    """Several sequences to match."""

    items: Annotated[list[Item[LongestMatchesQuestion]], AtMost("batch_items")]


class ScoreBatch(Batch):
    """Several sequences to score."""

    items: Annotated[list[Item[ScoreQuestion]], AtMost("batch_items")]


class SearchBatch(Batch):
    """Several searches."""

    items: Annotated[list[Item[SearchQuestion]], AtMost("batch_items")]


class CountsQuestion(BaseModel):
    """How often does each of these occur?"""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        json_schema_extra={
            "examples": [{"token_ids": [[3, 14], [3, 14, 15]]}, {"queries": ["natural language"]}],
            "oneOf": [{"required": ["queries"]}, {"required": ["token_ids"]}],
        },
    )

    queries: Annotated[list[Annotated[str, AfterValidator(_is_utf8)]] | None, AtMost("batch_items")] = Field(
        default=None, description="Texts.", json_schema_extra=_may_be_left_out
    )
    token_ids: Annotated[list[list[TokenId]] | None, AtMost("batch_items")] = Field(
        default=None, description="Lists of token ids.", json_schema_extra=_may_be_left_out
    )

    @model_validator(mode="after")
    def _exactly_one_is_given(self) -> CountsQuestion:
        if len(self.model_fields_set) != 1 or (self.queries is None and self.token_ids is None):
            raise ValueError("Expected exactly one of queries (texts) and token_ids (lists of integers)")
        return self


class TokenizeQuestion(BaseModel):
    """What are the tokens of this text?"""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, json_schema_extra={"examples": [{"query": "natural language"}]}
    )

    query: Annotated[str, AfterValidator(_is_utf8), AtMost("query_characters")]


class DetokenizeQuestion(BaseModel):
    """What is the text of these tokens?"""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, json_schema_extra={"examples": [{"token_ids": [3, 14]}]}
    )

    token_ids: Annotated[list[TokenId], AtMost("query_tokens")]
