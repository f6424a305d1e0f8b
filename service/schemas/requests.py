"""The bodies of requests: strict, frozen, without unknown fields."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field, model_validator
from pydantic.functional_validators import AfterValidator

from .fields import (
    AtMost,
    MinCount,
    QueryRequest,
    TextRequest,
    TokenId,
    TokenIds,
    TopK,
    body_config,
    check_utf8,
    strict_config,
    without_null,
)


class CountRequest(TextRequest):
    """Count the occurrences of a query."""

    model_config = body_config(
        {"query": "natural language"},
        {"token_ids": [3, 14, 15]},
        {"query": "natural", "ignore_case": True},
        {"query": "natural", "readings": True},
    )
    quick = True

    readings: bool = Field(
        default=False, description="Also count the string in the text, by the tokenizations in which it occurs."
    )


class DocumentCountRequest(TextRequest):
    """Count the documents that contain a query."""

    model_config = body_config({"query": "natural language"})


class FindRequest(QueryRequest):
    """Find the suffix ranges of a query."""

    model_config = body_config({"query": "natural language"})
    quick = True


class LocateRequest(QueryRequest):
    """Find the occurrences of a query."""

    model_config = body_config({"query": "natural language", "limit": 3})

    limit: Annotated[
        Annotated[int, Field(ge=1)] | None,
        Field(description="Occurrences to return. Null, for JSON lines only: all."),
        AtMost("locations", none_is_all=True),
    ] = 100


class NextTokenRequest(TextRequest):
    """Find what follows the whole query."""

    model_config = body_config({"query": "natural language", "top_k": 5})
    quick = True

    top_k: TopK = 20


class InfgramRequest(QueryRequest):
    """Find what follows the longest suffix of the query that occurs."""

    model_config = body_config({"query": "a word on natural language", "top_k": 5, "min_count": 1})
    quick = True

    min_count: MinCount = 1
    top_k: TopK = 20


class InterpolatedRequest(QueryRequest):
    """Predict what follows the query, by the index and a neural model."""

    model_config = body_config({"query": "a word on natural language", "top_k": 5})

    top_k: TopK = 20


class ProbRequest(QueryRequest):
    """Find the probability of one token after the longest suffix of the query that occurs."""

    model_config = body_config({"query": "a word on natural language", "token_id": 15})
    quick = True

    token_id: Annotated[int, Field(ge=-1, description="The next token; −1 is the end of the document.")]
    min_count: MinCount = 1


class LongestSuffixRequest(QueryRequest):
    """Find the longest suffix of the query that occurs."""

    model_config = body_config({"query": "a word on natural language", "min_count": 1})
    quick = True

    min_count: MinCount = 1


class LongestMatchesRequest(QueryRequest):
    """Find the longest match from each token on."""

    model_config = body_config({"query": "a word on natural language"})


class ScoreRequest(QueryRequest):
    """Score each token of a text, given the tokens before it."""

    model_config = body_config({"query": "natural language", "end": False})

    min_count: MinCount = 1
    end: bool = Field(default=False, description="Also score the end of the document after the last token.")


Term = Annotated[str, AfterValidator(check_utf8)] | TokenIds
Clause = Annotated[list[Term], Field(min_length=1, fail_fast=True)]
Snippet = Annotated[
    int, Field(ge=0, description="Tokens of context around a match, half of them before it."), AtMost("snippet_tokens")
]
Seed = Annotated[int, Field(ge=0, le=2**64 - 1)]
DocumentNumber = Annotated[int, Field(ge=0, le=2**63 - 1)]
FieldValue = str | int | Annotated[float, Field(allow_inf_nan=False)] | bool | None


class Page(BaseModel):
    """Which matching documents to return, and how to show them."""

    limit: Annotated[int, Field(ge=0, description="Documents to return; 0 counts only."), AtMost("documents")] = 10
    seed: Seed | None = Field(
        default=None,
        description="Seed of a uniform sample of the documents; null returns them in the order of their ids.",
    )
    snippet_tokens: Snippet = 40
    where: Annotated[dict[str, FieldValue], Field(max_length=16, fail_fast=True)] = Field(
        default={},
        description="Metadata fields and the value that each must have; dots reach into objects. `source` and `line` "
        "are the document's file and line, unless its metadata has fields of these names.",
    )
    cursor: Annotated[str, Field(max_length=200)] | None = Field(
        default=None, description="The cursor of the previous page of the same query."
    )
    matches_per_document: Annotated[
        int, Field(ge=1, description="Matches to return for each document."), AtMost("matches")
    ] = 3


class SearchRequest(TextRequest, Page):
    """Search for documents that contain a query."""

    model_config = body_config(
        {"query": "natural language", "limit": 3, "seed": 7},
        {"query": "natural AND (speech OR text)", "scope": "document", "where": {"lang": "en"}},
        {"clauses": [["natural"], [[14], "text"]], "max_distance": 20},
        may_be_empty=False,
    )

    clauses: Annotated[Annotated[list[Clause], Field(fail_fast=True)] | None, AtMost("clauses")] = Field(
        default=None,
        description="An AND of ORs: a list of clauses, each a list of terms of text or token ids.",
        json_schema_extra=without_null,
    )
    scope: Literal["window", "document"] = Field(default="window", description="Where the clauses must occur together.")
    max_distance: int = Field(default=100, ge=0, description="Maximum tokens between clauses, for a window.")
    max_matches: Annotated[int, Field(ge=1)] | None = Field(
        default=None,
        description="Estimate the counts from this many occurrences if there are more; null counts exactly.",
    )


class SearchTextRequest(Page):
    """Search for documents that contain a string."""

    model_config = body_config({"query": "natural", "limit": 3}, {"query": "NATURAL LANG", "ignore_case": True})

    query: Annotated[str, AfterValidator(check_utf8), Field(min_length=1), AtMost("query_characters")] = Field(
        description="Text, also found inside words; with AND or OR in capitals, an AND of ORs of texts."
    )
    ignore_case: bool = Field(default=False, description="Ignore case.")


class TraceRequest(QueryRequest):
    """Trace the passages of a text that occur in the corpus."""

    model_config = body_config(
        {"query": "A word on natural language processing", "max_spans": 3, "documents_per_span": 2},
        {"query": "A WORD ON NATURAL LANGUAGE", "ignore_case": True},
    )

    any_tokenization: bool = Field(
        default=False, description="Spans are runs of whole words of the text that occur in any tokens."
    )
    ignore_case: bool = Field(default=False, description="Spans occur in any case; implies any_tokenization.")
    min_length: int = Field(
        default=1, ge=1, description="Minimum tokens of a span; minimum words with any_tokenization or ignore_case."
    )
    max_count: Annotated[int, Field(ge=1)] | None = Field(default=None, description="Maximum occurrences of a span.")
    max_spans: Annotated[
        Annotated[int, Field(ge=0)] | None,
        Field(description="Spans to keep, the least probable ones; null keeps one per 20 tokens."),
        AtMost("spans"),
    ] = None
    whole_words: bool = Field(default=False, description="Spans begin and end at word boundaries.")
    delimiters: Annotated[
        list[Annotated[str, AfterValidator(check_utf8)] | TokenId], Field(max_length=16, fail_fast=True)
    ] = Field(default=[], description="Texts or token ids that a span may contain only at its end.")
    documents_per_span: Annotated[int, Field(ge=0, description="Maximum documents per span."), AtMost("documents")] = 10
    snippet_tokens: Snippet = 80
    seed: Seed = Field(default=0, description="Seed of the sample of documents.")


class NoveltyRequest(QueryRequest):
    """Find the n-grams of a text that the corpus does not contain."""

    model_config = body_config({"query": "a word on natural language", "max_n": 5})

    max_n: Annotated[int, Field(ge=1, description="Maximum n."), AtMost("max_n")] = 10


class OverlapRequest(QueryRequest):
    """Measure how much of a test item occurs in the corpus, and whether a rule counts it as contaminated."""

    model_config = body_config({"query": "a word on natural language", "n": 8, "threshold": 0.7})

    rule: Literal["palm", "llama-2"] | None = Field(
        default=None,
        description="A published rule; null for any n-gram. Rules over words or characters read the whole corpus: "
        "`infgram overlap --rule gpt-3`.",
    )
    n: int | None = Field(default=None, ge=1, description="Tokens of the n-grams; by default 13, or those of the rule.")
    threshold: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="Minimum share; by default 0 (any n-gram), or that of the rule.",
    )
    measure: Literal["n_grams", "tokens"] | None = Field(
        default=None, description="What the share counts; by default n_grams, or that of the rule."
    )
    sizes: Annotated[list[Annotated[int, Field(ge=1)]], Field(max_length=16, fail_fast=True)] = Field(
        default=[], description="Further n-gram lengths to report."
    )


class CountsRequest(BaseModel):
    """Count the occurrences of many queries."""

    model_config = strict_config(
        {"token_ids": [[3, 14], [3, 14, 15]]}, {"queries": ["natural language"]}, one_of=("queries", "token_ids")
    )

    queries: Annotated[
        Annotated[list[Annotated[str, AfterValidator(check_utf8)]], Field(fail_fast=True)] | None, AtMost("batch_items")
    ] = Field(default=None, description="Texts.", json_schema_extra=without_null)
    token_ids: Annotated[Annotated[list[TokenIds], Field(fail_fast=True)] | None, AtMost("batch_items")] = Field(
        default=None, description="Lists of token ids.", json_schema_extra=without_null
    )

    @model_validator(mode="after")
    def _exactly_one_is_given(self) -> CountsRequest:
        if len(self.model_fields_set) != 1 or (self.queries is None and self.token_ids is None):
            raise ValueError("Expected exactly one of queries (texts) and token_ids (lists of integers)")
        return self


class TokenizeRequest(BaseModel):
    """Tokenize a text."""

    model_config = strict_config({"query": "natural language"})

    query: Annotated[str, AfterValidator(check_utf8), AtMost("query_characters")]


class DetokenizeRequest(BaseModel):
    """Detokenize token ids."""

    model_config = strict_config({"token_ids": [3, 14]})

    token_ids: Annotated[TokenIds, AtMost("query_tokens")]


class AddedDocument(BaseModel):
    """A document of text with metadata, or one of token ids."""

    model_config = strict_config(
        {"text": "A word on natural language.", "id": "essay-5"},
        {"token_ids": [3, 14, 15]},
        one_of=("text", "token_ids"),
        extra="allow",
    )

    text: str | None = Field(
        default=None, description="The text; all other fields are metadata.", json_schema_extra=without_null
    )
    token_ids: TokenIds | None = Field(
        default=None,
        description="Token ids of the index's vocabulary, without metadata.",
        json_schema_extra=without_null,
    )

    @model_validator(mode="after")
    def _is_text_or_token_ids(self) -> AddedDocument:
        if (self.text is None) == (self.token_ids is None) or {"text", "token_ids"} <= self.model_fields_set:
            raise ValueError("Expected exactly one of text and token_ids (a list of integers)")
        if self.token_ids is not None and self.model_extra:
            raise ValueError("Expected no other fields beside token_ids")
        return self


class AddRequest(BaseModel):
    """Add documents to an index."""

    model_config = strict_config(
        {"documents": [{"text": "A word on natural language.", "id": "essay-5"}]},
        {"documents": [{"token_ids": [3, 14, 15]}, {"token_ids": []}]},
    )

    documents: Annotated[list[AddedDocument], Field(min_length=1, fail_fast=True)] = Field(
        description="The documents in order, all of text or all of token ids."
    )

    @model_validator(mode="after")
    def _are_of_one_kind(self) -> AddRequest:
        if len({document.text is None for document in self.documents}) != 1:
            raise ValueError("Expected documents of text, or documents of token ids, not both")
        return self


class DeleteRequest(BaseModel):
    """Delete documents from an index."""

    model_config = strict_config(
        {"ids": ["essay-5", 77]},
        {"documents": [4]},
        {"where": {"lang": "en"}, "purge": True},
        one_of=("documents", "ids", "where"),
    )

    documents: Annotated[list[DocumentNumber], Field(min_length=1, fail_fast=True)] | None = Field(
        default=None, description="Numbers of documents.", json_schema_extra=without_null
    )
    ids: Annotated[list[str | int], Field(min_length=1, fail_fast=True)] | None = Field(
        default=None,
        description="Values of the metadata field `id`; a string of digits and the integer are the same id.",
        json_schema_extra=without_null,
    )
    where: Annotated[dict[str, FieldValue], Field(min_length=1, max_length=16, fail_fast=True)] | None = Field(
        default=None,
        description="Metadata fields and the value that each must have, as in a search.",
        json_schema_extra=without_null,
    )
    purge: bool = Field(default=False, description="Also remove their text from the disk, by writing its shards again.")

    @model_validator(mode="after")
    def _exactly_one_is_given(self) -> DeleteRequest:
        given = self.model_fields_set - {"purge"}
        if len(given) != 1 or getattr(self, *given) is None:
            raise ValueError("Expected exactly one of documents (numbers), ids and where (metadata)")
        return self


class DocumentRequest(BaseModel):
    """Return a document."""

    model_config = strict_config({"document_id": 4})

    document_id: Annotated[int, Field(ge=0, description="The document's id; ids start at 0.")]
