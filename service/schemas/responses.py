"""What is answered.

Integers are exact whatever their size. JSON has no infinity, so an impossible log-probability is null. The end of a
document is the token id −1, whose token is null.
"""

from __future__ import annotations

from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from ..problems import Problem
from ..settings import Limits
from . import examples


def shown(*examples: dict[str, Any]) -> ConfigDict:
    """The configuration of an answer: frozen, and in the OpenAPI document with examples."""
    return ConfigDict(frozen=True, json_schema_extra={"examples": list(examples)})


LONG_LISTS: Final = ("rows", "documents", "locations")
"""The lists that an answer is long by; as JSON lines, each of their elements is a line."""


class Answer(BaseModel):
    """What every answer says of its question."""

    token_ids: list[int] = Field(description="The tokens that were asked about.")
    tokens: list[str | None] | None = Field(
        description="Each token alone, to show; bytes that are no whole character are written like `\\xe2`. Null for "
        "an index without a tokenizer."
    )
    elapsed_ms: float = Field(description="Milliseconds spent on this answer, without HTTP.")


class Reading(BaseModel):
    """One way in which a string occurs."""

    count: int
    token_ids: list[int] = Field(description="The most frequent token sequence of this reading; empty if none occurs.")
    text: str = Field(description="The text of these tokens, which may begin before the string and end after it.")


class Readings(BaseModel):
    """The occurrences of a string, by the tokens in which they are.

    `as_typed`, `after_space` and `other_cuts` are disjoint and add up to `string_count`.
    """

    text: str
    string_count: int | None = Field(
        description="Occurrences of the string in the documents' text; null if that would have taken too long."
    )
    as_typed: Reading = Field(description="In the tokens of the text itself.")
    after_space: Reading | None = Field(
        description="In the tokens of the text with a space in front; null where these do not begin with a token of "
        "the space and more."
    )
    other_cuts: Reading | None = Field(description="In other tokens: inside words, or cut elsewhere.")
    other_case: Reading | None = Field(description="What `ignore_case` finds more.")
    is_exact: bool = Field(description="Whether every count was determined; those that are given are always exact.")


class CountAnswer(Answer):
    """A count."""

    model_config = shown(examples.COUNT, examples.COUNT_WITH_READINGS)

    count: int = Field(description="Exact occurrences; for the empty query, all tokens.")
    readings: Readings | None = Field(
        default=None,
        description="How often the string occurs, and in which tokens; only where it was asked for.",
        exclude_if=lambda readings: readings is None,
    )


class DocumentCountAnswer(Answer):
    """A count of documents."""

    model_config = shown(examples.DOCUMENT_COUNT)

    document_count: int = Field(description="Distinct documents, exact; for the empty query, those with a token.")


class CountsAnswer(BaseModel):
    """Counts, and nothing else."""

    model_config = shown(examples.COUNTS)

    counts: list[int | None] = Field(
        description="Exact occurrences, in the order of the questions; null if one failed."
    )
    errors: dict[int, Problem] = Field(description="By its place in the list, the problem of each that failed.")
    elapsed_ms: float


class SuffixRangeAnswer(BaseModel):
    """The ranks [lo, hi) of one shard's suffix array."""

    lo: int
    hi: int


class FindAnswer(Answer):
    """The suffix range in each shard."""

    model_config = shown(examples.FIND)

    count: int = Field(description="Suffixes in all ranges together.")
    ranges: list[SuffixRangeAnswer] = Field(description="One a shard; hi = lo where nothing is found.")


class Place(BaseModel):
    """One occurrence."""

    document_id: int
    offset: int = Field(description="Of its first token inside the document, in tokens.")


class LocateAnswer(Answer):
    """Places, in the order of the suffixes over all shards; equal suffixes by position."""

    model_config = shown(examples.LOCATE)

    count: int = Field(description="Exact occurrences; `limit` never changes it.")
    locations: list[Place]


class ProbAnswer(Answer):
    """The ∞-gram probability of one token."""

    model_config = shown(examples.PROB)

    suffix_length: int = Field(description="Tokens of the context that were used.")
    effective_n: int = Field(description="suffix_length + 1.")
    context_count: int = Field(description="Occurrences of that suffix.")
    continuation_count: int = Field(description="Of those, how many the token follows.")
    is_sparse: bool = Field(description="Whether one continuation alone ever follows.")
    log_prob: float | None = Field(description="Nats; null if the token never follows.")


class LongestSuffixAnswer(Answer):
    """The longest suffix that occurs."""

    model_config = shown(examples.LONGEST_SUFFIX)

    length: int = Field(description="Tokens of the suffix.")
    count: int = Field(description="Its exact occurrences; all tokens for length 0.")


class LongestMatchesAnswer(Answer):
    """The longest match that starts at each token; all lists have one length."""

    model_config = shown(examples.LONGEST_MATCHES)

    lengths: list[int] = Field(description="Tokens from there on that occur in the corpus.")
    counts: list[int] = Field(description="Exact occurrences of these; all tokens for length 0.")


class TokenizeAnswer(BaseModel):
    """The tokens of a text."""

    model_config = shown({"token_ids": [3, 14], "tokens": ["natural", " language"]})

    token_ids: list[int]
    tokens: list[str] = Field(description="Each token alone, to show.")


class DetokenizeAnswer(BaseModel):
    """The text of tokens."""

    model_config = shown({"text": "natural language", "tokens": ["natural", " language"]})

    text: str = Field(description="Bytes that are no whole character are U+FFFD.")
    tokens: list[str] = Field(description="Each token alone, to show.")


class Row(BaseModel):
    """One continuation."""

    token_id: int = Field(description="−1 is the end of the document.")
    token: str | None = Field(description="Null for the end of the document, or without a tokenizer.")
    count: int = Field(description="Exact occurrences of the context followed by this token.")
    log_prob: float = Field(description="Nats: log(count / context_count).")


class DistributionAnswer(Answer):
    """What follows a context."""

    model_config = shown(examples.DISTRIBUTION)

    suffix_length: int = Field(description="Tokens of the context that were used; of /next-token always all.")
    effective_n: int = Field(description="suffix_length + 1.")
    context_count: int = Field(description="Occurrences of what was used; top_k never changes it.")
    n_distinct: int = Field(description="Distinct continuations, before top_k.")
    is_sparse: bool = Field(description="Whether one continuation alone ever follows.")
    rows: list[Row] = Field(description="By falling count, ties by rising token id; empty if the context is absent.")


class LikelyToken(BaseModel):
    """One token that may come next."""

    token_id: int
    token: str | None = Field(description="Null without a tokenizer.")
    log_prob: float | None = Field(description="Nats; null where it cannot come.")


class InterpolatedAnswer(Answer):
    """What follows a context, by the index and a neural model together."""

    model_config = shown(examples.INTERPOLATED)

    rows: list[LikelyToken] = Field(description="By falling probability, ties by rising token id.")


class ScoreTotal(BaseModel):
    """A sequence as a whole."""

    n_positions: int = Field(description="Tokens that were scored, and the end if it was asked for.")
    n_impossible: int = Field(description="Positions whose token never follows the suffix used there.")
    log_prob: float | None = Field(description="Sum of log_probs in nats; null if a position is impossible.")


class ScoreAnswer(Answer):
    """The ∞-gram at every position; all lists have one length."""

    model_config = shown(examples.SCORE)

    suffix_lengths: list[int] = Field(description="Tokens of context used.")
    context_counts: list[int] = Field(description="Occurrences of that suffix.")
    continuation_counts: list[int] = Field(description="Of those, how many the token follows.")
    log_probs: list[float | None] = Field(description="Nats; null where the token never follows.")
    total: ScoreTotal


class Match(BaseModel):
    """A place where a document holds a term of a search."""

    clause: int = Field(description="The clause that the term belongs to, from 0.")
    offset: int = Field(description="The match's first token inside the document, in tokens.")
    length: int = Field(description="The match's length in tokens.")
    match_start: int = Field(description="The match's first character in the whole text, in Unicode characters.")
    match_end: int = Field(description="The end of the match in the whole text, exclusive.")
    snippet: str = Field(description="The text around the match.")
    snippet_match_start: int
    snippet_match_end: int


class FoundDocument(Match):
    """A document that holds the query, shown at its first match."""

    model_config = shown(examples.FOUND_DOCUMENT)

    document_id: int
    metadata: dict[str, Any] = Field(description="The fields that came with the document.")
    source: str | None = Field(description="Its file, relative to the input; null if the index does not know it.")
    line: int | None = Field(description="Its line or row there, from 1; null if it is the whole file.")
    text: str = Field(description="The document, cut after the limit text_characters.")
    text_truncated: bool
    match_count: int = Field(description="Occurrences of the query in the document.")
    matches: list[Match] = Field(description="The first of them, each with what completes it of the other clauses.")


class Found(BaseModel):
    """Documents, none twice."""

    count: int = Field(description="Occurrences of the query: places of its first clause where the others are met.")
    document_count: int = Field(description="Distinct documents that hold one.")
    is_exact: bool = Field(description="Whether the counts are exact; else they are estimates.")
    count_interval: tuple[int, int] | None = Field(
        description="Of an estimate: between these the count lies, with a confidence of 95%."
    )
    document_count_interval: tuple[int, int] | None
    clauses: list[list[str | None]] = Field(
        description="The query as it was understood: an AND of ORs, each term as text; null without a tokenizer."
    )
    cursor: str | None = Field(description="Where the next page begins; null after the last.")
    documents: list[FoundDocument]


class SearchAnswer(Found, Answer):
    """Documents, none twice; `token_ids` and `tokens` are those of all terms, end to end."""

    model_config = shown(examples.SEARCH)


class SearchTextAnswer(Found):
    """Documents, none twice; the counts are exact."""

    model_config = shown(examples.SEARCH_TEXT)

    elapsed_ms: float


class SpanDocument(BaseModel):
    """A document that holds a span, shown at one place."""

    document_id: int
    offset: int = Field(description="The match's first token inside the document, in tokens.")
    snippet: str
    snippet_match_start: int
    snippet_match_end: int


class Span(BaseModel):
    """A maximal span: a run of the text's tokens that occurs in the corpus."""

    start: int = Field(description="Its first token in the text.")
    end: int = Field(description="Exclusive.")
    text_start: int | None = Field(description="Its first character in the text; null where that is not known.")
    text_end: int | None
    text: str
    count: int = Field(description="Its exact occurrences in the corpus.")
    log_prob: float = Field(description="Of its tokens as if each stood alone, in nats.")
    documents: list[SpanDocument]


class TracedDocument(BaseModel):
    """A document that holds at least one of the spans."""

    document_id: int
    score: float = Field(description="BM25 of its passages for the whole text.")
    metadata: dict[str, Any] = Field(description="The fields that came with the document.")
    source: str | None = Field(description="Its file, relative to the input; null if the index does not know it.")
    line: int | None = Field(description="Its line or row there, from 1; null if it is the whole file.")
    spans: list[int] = Field(description="The numbers of the spans it was found for.")


class TraceAnswer(Answer):
    """What of a text stands in the corpus."""

    model_config = shown(examples.TRACE)

    n_maximal: int = Field(description="Maximal spans, before all but the least probable were left out.")
    n_covered: int = Field(description="Tokens of the text inside at least one of the spans.")
    spans: list[Span] = Field(description="By their place in the text.")
    documents: list[TracedDocument] = Field(description="Those of all spans, best first.")


class NoveltyAnswer(Answer):
    """Which n-grams of a text the corpus does not hold."""

    model_config = shown(examples.NOVELTY)

    suffix_lengths: list[int] = Field(description="Of each token, how many up to it and with it, as a run, occur.")
    n_grams: list[int] = Field(description="At n − 1, the n-grams of the text.")
    n_novel: list[int] = Field(description="At n − 1, those of them that do not occur.")
    curve: list[float | None] = Field(description="The share that is novel; null where there is no n-gram.")


class SizeOverlap(BaseModel):
    """What the n-grams of one size say."""

    n: int
    n_grams: int
    n_seen: int = Field(description="Of these, how many occur in the corpus.")
    n_covered: int = Field(description="Tokens inside at least one that does.")
    share: float
    token_share: float


class OverlapEvidence(BaseModel):
    """What an item shares with a document."""

    text: str = Field(description="The piece of the item; of a long match its beginning.")
    document_id: int
    snippet: str = Field(description="The document's text around it.")
    snippet_match_start: int = Field(description="Where in the snippet it begins, in characters.")
    snippet_match_end: int
    metadata: dict[str, Any] = Field(description="The document's.")
    source: str | None = Field(description="The document's file; null if that is not known.")
    line: int | None = Field(description="Its line or row there, from 1; null if the document is the whole file.")


class OverlapAnswer(Answer):
    """An item of a test set beside the corpus."""

    model_config = shown(examples.OVERLAP)

    rule: str = Field(description="The rule in words.")
    is_contaminated: bool
    is_short: bool = Field(description="Too few tokens for the rule's n-grams: not contaminated, but not clean either.")
    longest_start: int = Field(description="Where its longest match begins, in tokens.")
    longest_length: int
    sizes: list[SizeOverlap]
    evidence: OverlapEvidence | None = Field(description="Of a contaminated item.")


class DocumentAnswer(BaseModel):
    """One document."""

    model_config = shown(examples.WHOLE_DOCUMENT)

    document_id: int
    metadata: dict[str, Any] = Field(description="The fields that came with the document.")
    source: str | None = Field(description="Its file, relative to the input; null if the index does not know it.")
    line: int | None = Field(description="Its line or row there, from 1; null if it is the whole file.")
    n_tokens: int = Field(description="Tokens of the whole document.")
    text: str = Field(description="Cut after the limit document_size; empty without a tokenizer.")
    text_truncated: bool
    token_ids: list[int] = Field(description="Cut after the limit document_size.")
    token_ids_truncated: bool


class TokenizerInfo(BaseModel):
    """The tokenizer that an index was built with."""

    kind: str = Field(description='"bytes" or "huggingface".')
    fingerprint: str = Field(
        description="SHA-256 of what decides the ids of a text; tokenizers with equal ones encode alike."
    )


class IndexSummary(BaseModel):
    """One index."""

    model_config = shown(examples.INDEX)

    name: str
    n_tokens: int
    n_documents: int
    n_shards: int
    vocab_size: int = Field(description="Token ids go from 0 to vocab_size − 1.")
    token_width_bits: int
    size_bytes: int = Field(description="All its files together.")
    bytes_per_token: float | None = Field(description="Without the metadata; null without a token.")
    tokenizer: TokenizerInfo | None


class SectionInfo(BaseModel):
    """One kind of file of an index, over all shards."""

    size_bytes: int
    bytes_per_token: float | None


class IndexInfo(IndexSummary):
    """Everything that an index says of itself."""

    model_config = shown(examples.INDEX_INFO)

    sections: dict[str, SectionInfo]
    directory_bytes: int = Field(description="Of these, what is held in memory to find patterns soon.")
    format_version: int
    suffix_order: str
    builder_version: str
    n_skipped: int = Field(description="Inputs left out by the build, since they could not be read.")


class IndexList(BaseModel):
    """All indexes, and what may be asked of them."""

    model_config = shown({"indexes": [examples.INDEX], "limits": Limits().model_dump()})

    indexes: list[IndexSummary]
    limits: Limits


class ReloadAnswer(BaseModel):
    """Which indexes were replaced."""

    model_config = shown({"reloaded": ["language"], "unchanged": []})

    reloaded: list[str] = Field(description="Those that answer from another folder now.")
    unchanged: list[str]


class ReloadFailure(BaseModel):
    """A reload that failed; what was served before still is."""

    time: str = Field(description="When, in ISO 8601.")
    error: str = Field(description="The kind of the error; the log has its message.", examples=["IndexDamagedError"])


class Health(BaseModel):
    """The state of the server."""

    model_config = shown(
        {"status": "ok"},
        {"status": "ready", "reload_failed": {"time": "2026-01-31T12:00:00+00:00", "error": "IndexDamagedError"}},
    )

    status: str
    reload_failed: ReloadFailure | None = Field(
        default=None, description="The latest reload of any worker, if it failed; left out if it did not."
    )
