"""What the tools take and return: the fields of the HTTP service that a language model needs, sized for its context."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.functional_validators import AfterValidator

from ..schemas.fields import AtMost, MinCount, check_utf8, strict_config
from ..schemas.requests import FieldValue, Seed


class NoArguments(BaseModel):
    """The arguments of a tool that takes none."""

    model_config = strict_config({})


class Arguments(BaseModel):
    """What every tool about an index takes; the other fields are those of the question's request."""

    model_config = strict_config()

    index: str = Field(description="The name of an index; list_indexes returns the names.")

    def question(self) -> dict[str, Any]:
        """Return the fields of the request."""
        return self.model_dump(exclude={"index"})


class TextArguments(Arguments):
    """What every tool about a text takes."""

    query: Annotated[str, Field(min_length=1), AfterValidator(check_utf8), AtMost("query_characters")] = Field(
        description="The text, taken exactly as given, with its spaces and its case."
    )


TopK = Annotated[int, Field(ge=1, le=100, description="Rows to return, the most frequent tokens.")]
SnippetTokens = Annotated[
    int, Field(ge=0, le=100, description="Tokens of text around each match, half of them before it.")
]
AnyTokenization = Annotated[
    bool,
    Field(
        description="Find the characters of the text however they were tokenized, also inside words; false finds only "
        "the occurrences with the same tokens, and is faster."
    ),
]
IgnoreCase = Annotated[bool, Field(description="Ignore case; implies any_tokenization.")]


class CountArguments(TextArguments):
    """The arguments of `count`."""

    model_config = strict_config({"index": "news", "query": "climate change"})


class NextTokensArguments(TextArguments):
    """The arguments of `next_tokens`."""

    model_config = strict_config({"index": "news", "query": "climate", "top_k": 5})

    top_k: TopK = 10
    any_tokenization: AnyTokenization = True
    ignore_case: IgnoreCase = False


class InfgramArguments(TextArguments):
    """The arguments of `infgram`."""

    model_config = strict_config({"index": "news", "query": "the effects of climate", "min_count": 10})

    top_k: TopK = 10
    min_count: MinCount = 1


class SearchArguments(TextArguments):
    """The arguments of `search`."""

    model_config = strict_config({"index": "news", "query": "climate AND (flood OR drought)", "limit": 3})

    limit: Annotated[int, Field(ge=0, le=20, description="Documents per page; 0 counts only.")] = 5
    cursor: Annotated[str, Field(max_length=200)] | None = Field(
        default=None,
        description="For the next page: the cursor of the page before, with all other arguments unchanged.",
    )
    scope: Literal["window", "document"] = Field(
        default="window", description="Where the terms of an AND must occur together: within 100 tokens, or anywhere."
    )
    any_tokenization: AnyTokenization = True
    ignore_case: IgnoreCase = False
    where: Annotated[dict[str, FieldValue], Field(max_length=16)] = Field(
        default={},
        description="Metadata fields and the value that each must have. `source` and `line` are a document's file and "
        "line.",
    )
    seed: Seed | None = Field(
        default=None, description="Return a random sample of the documents; null returns them in corpus order."
    )
    snippet_tokens: SnippetTokens = 40


class DocumentArguments(Arguments):
    """The arguments of `document`."""

    model_config = strict_config({"index": "news", "document_id": 17, "start": 4000, "n_characters": 1000})

    document_id: Annotated[int, Field(ge=0, description="A document_id of search, trace or overlap.")]
    start: Annotated[int, Field(ge=0, description="First character to return; match_start of search is one.")] = 0
    n_characters: Annotated[int, Field(ge=1, le=20_000, description="Characters to return.")] = 2_000


class TraceArguments(TextArguments):
    """The arguments of `trace`."""

    model_config = strict_config({"index": "news", "query": "The glaciers of the Alps are melting.", "max_spans": 5})

    max_spans: Annotated[int, Field(ge=1, le=20, description="Spans to return, the least probable.")] = 10
    min_length: Annotated[int, Field(ge=1, description="Minimum tokens of a span.")] = 1
    documents_per_span: Annotated[int, Field(ge=0, le=3, description="Documents to return for each span.")] = 1
    any_tokenization: AnyTokenization = False
    ignore_case: IgnoreCase = False
    snippet_tokens: SnippetTokens = 40


class OverlapArguments(TextArguments):
    """The arguments of `overlap`."""

    model_config = strict_config({"index": "news", "query": "Which glacier is the longest of the Alps?", "n": 8})

    rule: Literal["palm", "llama-2"] | None = Field(default=None, description="A published rule; null uses n.")
    n: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="Tokens of the n-grams; by default 13, or those of the rule."
    )
    threshold: Annotated[float, Field(ge=0, le=1)] | None = Field(
        default=None, description="Minimum share of contaminated n-grams; by default any, or that of the rule."
    )


class Result(BaseModel):
    """What a tool returns."""

    model_config = ConfigDict(frozen=True)


class ListedIndex(Result):
    """One index."""

    name: str
    n_documents: int
    n_tokens: int
    size_bytes: int
    tokenizer: str | None = Field(
        description='"bytes" (a token is a byte) or "huggingface"; null if the index takes no text, so no tool can use '
        "it."
    )
    tokenizer_fingerprint: str | None = Field(
        description="Counts per token of two indexes are comparable only if their fingerprints are equal."
    )


class ListIndexesResult(Result):
    """All indexes."""

    indexes: list[ListedIndex]


class CountResult(Result):
    """Counts of a text."""

    string_count: int | None = Field(
        description="Exact occurrences of the characters, also inside words; null if there are too many ways to "
        "tokenize them, as for one letter."
    )
    count: int = Field(description="Exact occurrences of the tokens, the ones that next_tokens continues.")
    other_case_count: int | None = Field(description="Further occurrences of the characters in another case.")
    n_tokens: int = Field(description="Tokens of the text.")
    tokens: list[str | None] = Field(description="The first of them, at most 50.")


class TokenRow(Result):
    """A token that follows, and how often."""

    token: str | None = Field(description="The token's text, with its leading space; null is the end of the document.")
    token_id: int
    count: int
    probability: float = Field(description="count / context_count.")


class NextTokensResult(Result):
    """What follows a text."""

    context_count: int = Field(description="Exact occurrences of the context; 0 if nothing can follow.")
    n_distinct: int = Field(description="Distinct tokens that follow.")
    rows: list[TokenRow] = Field(description="By descending count.")
    n_omitted_rows: int = Field(description="Tokens that follow and are not in rows; raise top_k for more.")


class InfgramResult(NextTokensResult):
    """What follows the longest suffix that occurs."""

    suffix_length: int = Field(description="Tokens of the suffix; 0 is the empty context.")
    n_tokens: int = Field(description="Tokens of the whole text.")
    suffix: str = Field(description="The suffix as text, at most its last 300 characters.")


class Shown(Result):
    """Where a document comes from."""

    document_id: int
    source: str | None = Field(description="The document's file; null if unknown.")
    line: int | None = Field(description="Its line or row there, from 1; null if it is the whole file.")
    metadata: dict[str, Any] = Field(description="The short fields that came with the document.")
    omitted_metadata: list[str] = Field(description="The names of the fields that are too long to show, at most 20.")


class SearchDocument(Shown):
    """A document that matches."""

    match_count: int = Field(description="Occurrences of the query in the document.")
    match: str = Field(description="The first match.")
    match_start: int = Field(description="Its first character in the document; pass it to document as start.")
    snippet: str = Field(description="The text around it, at most 1,000 characters.")


class SearchResult(Result):
    """One page of matching documents."""

    count: int = Field(description="Occurrences in all documents.")
    document_count: int = Field(description="Documents that match, on all pages.")
    is_exact: bool = Field(description="Whether the counts are exact.")
    documents: list[SearchDocument]
    cursor: str | None = Field(description="Pass it to search for the next page; null after the last one.")


class DocumentResult(Shown):
    """A part of a document."""

    n_tokens: int = Field(description="Tokens of the whole document.")
    start: int = Field(description="The first character of the text in the document.")
    text: str
    next_start: int | None = Field(description="Where the rest begins; null at the end of the document.")


class TraceDocument(Result):
    """A document that contains a span."""

    document_id: int
    snippet: str = Field(description="The text around the span, at most 1,000 characters.")


class TraceSpan(Result):
    """A run of tokens of the text that occurs in the corpus, and in no longer such run."""

    text: str = Field(description="The span, at most its first 300 characters.")
    n_tokens: int
    count: int = Field(description="Occurrences in the corpus; a minimum if is_exact is false.")
    is_exact: bool
    documents: list[TraceDocument]


class TraceResult(Result):
    """The passages of a text that occur in the corpus."""

    n_tokens: int = Field(description="Tokens of the text.")
    n_covered: int = Field(description="Tokens of the text inside at least one span, listed or not.")
    spans: list[TraceSpan] = Field(description="In the order of the text.")
    n_omitted_spans: int = Field(description="Further spans, more probable ones; raise max_spans for more.")


class OverlapSize(Result):
    """Overlap by n-grams of one length."""

    n: int
    n_grams: int = Field(description="n-grams of the text.")
    n_seen: int = Field(description="How many of these occur in the corpus.")
    share: float = Field(description="n_seen / n_grams.")


class OverlapDocument(Shown):
    """A document that shares a passage with the text."""

    text: str = Field(description="The passage, at most its first 300 characters.")
    snippet: str = Field(description="The document's text around it, at most 1,000 characters.")


class OverlapResult(Result):
    """How much of a text occurs in the corpus."""

    is_contaminated: bool
    is_short: bool = Field(description="Whether the text is too short for the rule, which then says nothing.")
    rule: str = Field(description="The rule in words.")
    n_tokens: int = Field(description="Tokens of the text.")
    longest_length: int = Field(description="Tokens of the longest passage that occurs.")
    sizes: list[OverlapSize]
    evidence: OverlapDocument | None = Field(description="A document with the passage, if the text is contaminated.")
