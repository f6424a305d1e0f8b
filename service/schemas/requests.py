"""The bodies that are accepted: strict, frozen, without unknown fields."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.functional_validators import AfterValidator

from .limits import AtMost

SHORT: Final = 512
"""Token ids, or characters, and rows of an answer, up to which a quick question takes less than a millisecond."""


def _may_be_left_out(schema: dict[str, Any]) -> None:
    """In the OpenAPI document, a field that may be left out has the type it has when given."""
    schema.pop("default", None)
    schema.update(schema.pop("anyOf")[0])


def body_config(*examples: dict[str, Any], may_be_empty: bool = True) -> ConfigDict:
    """The configuration of a body: strict, and in the OpenAPI document with examples and what validators check."""

    def describe(schema: dict[str, Any]) -> None:
        schema["examples"] = list(examples)
        if "token_ids" in schema["properties"]:
            ways = [name for name in ("query", "token_ids", "clauses") if name in schema["properties"]]
            schema["oneOf"] = [{"required": [name]} for name in ways]
        if not may_be_empty:
            schema["properties"]["query"]["minLength"] = schema["properties"]["token_ids"]["minItems"] = 1

    return ConfigDict(frozen=True, extra="forbid", strict=True, json_schema_extra=describe)


TokenId = Annotated[int, Field(ge=0)]
TokenIds = Annotated[list[TokenId], Field(fail_fast=True)]
"""The first element that does not fit ends the validation of a list: it is as slow for wrong ones as they are many."""
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

    model_config = body_config({"query": "natural language"}, {"token_ids": [3, 14, 15]})

    quick: ClassVar[bool] = False
    """Whether its answer takes microseconds, however often it occurs."""

    query: Annotated[str | None, AfterValidator(_is_utf8), AtMost("query_characters")] = Field(
        default=None,
        description="Text, encoded by the index's tokenizer exactly as it stands.",
        json_schema_extra=_may_be_left_out,
    )
    token_ids: Annotated[TokenIds | None, AtMost("query_tokens")] = Field(
        default=None, description="Token ids, written without a decimal point.", json_schema_extra=_may_be_left_out
    )

    @property
    def is_quick(self) -> bool:
        """Whether it is answered before a thread could be told of it."""
        n_rows = getattr(self, "top_k", None) or 0
        return self.quick and max(len(self.query or self.token_ids or ()), n_rows) <= SHORT

    @model_validator(mode="after")
    def _exactly_one_is_given(self) -> Question:
        given = self.model_fields_set & {"query", "token_ids", "clauses"}
        if len(given) != 1 or getattr(self, *given) is None:
            raise ValueError("Expected exactly one of query (text) and token_ids (a list of integers)")
        return self


class TextQuestion(Question):
    """A question whose text may be looked for by its characters."""

    ignore_case: bool = Field(default=False, description="Find a text in any case, and so in any tokens.")
    any_tokenization: bool = Field(
        default=False, description="Find a text wherever it occurs, inside words too, whatever tokens it is made of."
    )

    @property
    def is_quick(self) -> bool:
        """Whether its text is to be found as it is, cut into tokens once."""
        return super().is_quick and not self.is_in_characters

    @property
    def is_in_characters(self) -> bool:
        """Whether its text may have other tokens than its own."""
        return self.ignore_case or self.any_tokenization


class CountQuestion(TextQuestion):
    """How often does this occur?"""

    model_config = body_config(
        {"query": "natural language"},
        {"token_ids": [3, 14, 15]},
        {"query": "natural", "ignore_case": True},
        {"query": "natural", "readings": True},
    )
    quick = True

    readings: bool = Field(
        default=False, description="Say how often the string occurs in the text, and in which tokens."
    )

    @property
    def is_quick(self) -> bool:
        """Whether its own tokens alone are counted."""
        return super().is_quick and not self.readings


class DocumentCountQuestion(TextQuestion):
    """How many documents hold this?"""

    model_config = body_config({"query": "natural language"})


class FindQuestion(Question):
    """In which ranks of the suffix arrays does this stand?"""

    model_config = body_config({"query": "natural language"})
    quick = True


class LocateQuestion(Question):
    """At which places does this stand?"""

    model_config = body_config({"query": "natural language", "limit": 3})

    limit: Annotated[
        Annotated[int, Field(ge=1)] | None,
        Field(description="Places to return. Null, for lines only: all of them."),
        AtMost("locations", none_is_all=True),
    ] = 100


class NextTokenQuestion(TextQuestion):
    """What follows the whole of this?"""

    model_config = body_config({"query": "natural language", "top_k": 5})
    quick = True

    top_k: TopK = 20


class InfgramQuestion(Question):
    """What follows the longest suffix of this that occurs?"""

    model_config = body_config({"query": "a word on natural language", "top_k": 5, "min_count": 1})
    quick = True

    min_count: MinCount = 1
    top_k: TopK = 20


class InterpolatedQuestion(Question):
    """What follows this, by the index and a neural model together?"""

    model_config = body_config({"query": "a word on natural language", "top_k": 5})

    top_k: TopK = 20


class ProbQuestion(Question):
    """How likely is one token after the longest suffix of this that occurs?"""

    model_config = body_config({"query": "a word on natural language", "token_id": 15})
    quick = True

    token_id: Annotated[int, Field(ge=-1, description="The next token; −1 is the end of the document.")]
    min_count: MinCount = 1


class LongestSuffixQuestion(Question):
    """How much of the end of this occurs?"""

    model_config = body_config({"query": "a word on natural language", "min_count": 1})
    quick = True

    min_count: MinCount = 1


class LongestMatchesQuestion(Question):
    """From each token on, how much of this occurs?"""

    model_config = body_config({"query": "a word on natural language"})


class ScoreQuestion(Question):
    """How likely is each token of this after those before it?"""

    model_config = body_config({"query": "natural language", "end": False})

    min_count: MinCount = 1
    end: bool = Field(default=False, description="Score the end of the document after the last token, too.")


Term = Annotated[str, AfterValidator(_is_utf8)] | TokenIds
Clause = Annotated[list[Term], Field(min_length=1, fail_fast=True)]
Snippet = Annotated[
    int, Field(ge=0, description="Tokens around a match, half before it and half after."), AtMost("snippet_tokens")
]
Seed = Annotated[int, Field(ge=0, le=2**64 - 1)]
FieldValue = str | int | Annotated[float, Field(allow_inf_nan=False)] | bool | None


class Page(BaseModel):
    """Which of the documents found, and how they are shown."""

    limit: Annotated[int, Field(ge=0, description="Documents to return; 0 only counts."), AtMost("documents")] = 10
    seed: Seed | None = Field(
        default=None,
        description="Draws a uniform sample, the same for the same seed; without it, documents come by their numbers.",
    )
    snippet_tokens: Snippet = 40
    where: Annotated[dict[str, FieldValue], Field(max_length=16, fail_fast=True)] = Field(
        default={},
        description="Fields of the metadata, dots reaching into objects, and the value each must have; `source` and "
        "`line` name a document's file and line if its metadata have no such fields.",
    )
    cursor: Annotated[str, Field(max_length=200)] | None = Field(
        default=None, description="That of the page before, of the same question."
    )
    matches_per_document: Annotated[
        int, Field(ge=1, description="Matches to show of each document."), AtMost("matches")
    ] = 3


class SearchQuestion(TextQuestion, Page):
    """Which documents hold this?"""

    model_config = body_config(
        {"query": "natural language", "limit": 3, "seed": 7},
        {"query": "natural AND (speech OR text)", "scope": "document", "where": {"lang": "en"}},
        {"clauses": [["natural"], [[14], "text"]], "max_distance": 20},
        may_be_empty=False,
    )

    clauses: Annotated[Annotated[list[Clause], Field(fail_fast=True)] | None, AtMost("clauses")] = Field(
        default=None,
        description="An AND of ORs: each clause a list of terms, each text or token ids.",
        json_schema_extra=_may_be_left_out,
    )
    scope: Literal["window", "document"] = Field(default="window", description="Within what the clauses must meet.")
    max_distance: int = Field(default=100, ge=0, description="Of a window: how many tokens the clauses lie apart.")
    max_matches: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="Estimate from so many occurrences where there are more; else counts are exact."
    )


class SearchTextQuestion(Page):
    """Which documents hold the characters of this?"""

    model_config = body_config({"query": "natural", "limit": 3}, {"query": "NATURAL LANG", "ignore_case": True})

    query: Annotated[str, AfterValidator(_is_utf8), Field(min_length=1), AtMost("query_characters")] = Field(
        description="Text, found inside words too; with AND or OR in capitals, an AND of ORs of texts."
    )
    ignore_case: bool = Field(default=False, description="Find the text in any case.")


class TraceQuestion(Question):
    """Which passages of this stand in the corpus, and where?"""

    model_config = body_config(
        {"query": "A word on natural language processing", "max_spans": 3, "documents_per_span": 2}
    )

    min_length: int = Field(default=1, ge=1, description="Tokens of a span at least.")
    max_count: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="Spans that occur more often are left out."
    )
    max_spans: Annotated[
        Annotated[int, Field(ge=0)] | None,
        Field(description="Keep so many, the least probable; null keeps one for every 20 tokens."),
        AtMost("spans"),
    ] = None
    whole_words: bool = Field(default=False, description="Spans begin and end where words do.")
    delimiters: Annotated[
        list[Annotated[str, AfterValidator(_is_utf8)] | TokenId], Field(max_length=16, fail_fast=True)
    ] = Field(default=[], description="Texts or token ids; none ends inside a span, except with its last token.")
    documents_per_span: Annotated[int, Field(ge=0, description="Documents of a span at most."), AtMost("documents")] = (
        10
    )
    snippet_tokens: Snippet = 80
    seed: Seed = Field(default=0, description="Of the sample of documents.")


class NoveltyQuestion(Question):
    """Which n-grams of this does the corpus not hold?"""

    model_config = body_config({"query": "a word on natural language", "max_n": 5})

    max_n: Annotated[int, Field(ge=1, description="The longest n-grams to count."), AtMost("max_n")] = 10


class OverlapQuestion(Question):
    """How much of this item of a test set stands in the corpus, and does that make it contaminated?"""

    model_config = body_config({"query": "a word on natural language", "n": 8, "threshold": 0.7})

    rule: Literal["palm", "llama-2"] | None = Field(
        default=None,
        description="A rule of the literature; null for any n-gram. Rules of words or characters read the whole "
        "corpus: `infgram overlap --rule gpt-3`.",
    )
    n: int | None = Field(default=None, ge=1, description="Tokens of the n-grams that decide: 13, or the rule's.")
    threshold: float | None = Field(
        default=None, ge=0, le=1, description="The least share: 0, which any n-gram meets, or the rule's."
    )
    measure: Literal["n_grams", "tokens"] | None = Field(
        default=None, description="Of what the share is: n_grams, or as the rule has it."
    )
    sizes: Annotated[list[Annotated[int, Field(ge=1)]], Field(max_length=16, fail_fast=True)] = Field(
        default=[], description="Further sizes of n-grams to report on."
    )


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

    queries: Annotated[
        Annotated[list[Annotated[str, AfterValidator(_is_utf8)]], Field(fail_fast=True)] | None, AtMost("batch_items")
    ] = Field(default=None, description="Texts.", json_schema_extra=_may_be_left_out)
    token_ids: Annotated[Annotated[list[TokenIds], Field(fail_fast=True)] | None, AtMost("batch_items")] = Field(
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

    token_ids: Annotated[TokenIds, AtMost("query_tokens")]


class DocumentQuestion(BaseModel):
    """What does this document say?"""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, json_schema_extra={"examples": [{"document_id": 4}]}
    )

    document_id: Annotated[int, Field(ge=0, description="Documents are numbered from 0.")]
