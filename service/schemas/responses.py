"""The bodies of answers.

Integers are exact whatever their size. JSON has no infinity, so the log-probability of an impossible event is null. The
end of a document is the token id −1, whose token is null.
"""

from __future__ import annotations

from operator import not_
from typing import Any, Final, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from ..problems import Problem
from ..settings import Limits
from . import examples


def shown(*examples: dict[str, Any]) -> ConfigDict:
    """Return the configuration of an answer: frozen, with examples in the OpenAPI document."""
    return ConfigDict(frozen=True, json_schema_extra={"examples": list(examples)})


LONG_LISTS: Final = ("rows", "documents", "locations")
"""The lists that make an answer long; as JSON lines, each of their elements is a line."""


class Answer(BaseModel):
    """The query as tokens, and the time taken."""

    token_ids: list[int] = Field(description="The token ids of the query.")
    tokens: list[str | None] | None = Field(
        description="The text of each token; bytes of an incomplete character are written like `\\xe2`. Null for an "
        "index without a tokenizer."
    )
    elapsed_ms: float = Field(description="Milliseconds to compute this answer, without HTTP.")


class Reading(BaseModel):
    """Occurrences of a string in one kind of tokenization."""

    count: int
    token_ids: list[int] = Field(description="The most frequent of these token sequences; empty if there is none.")
    text: str = Field(description="The text of these tokens, which may extend beyond the string.")


class Readings(BaseModel):
    """The occurrences of a string by tokenization.

    `as_typed`, `after_space` and `other_tokenizations` are disjoint and add up to `string_count`.
    """

    text: str
    string_count: int | None = Field(
        description="Occurrences of the string in the documents' text; null if counting would have taken too long."
    )
    as_typed: Reading = Field(description="In the tokenization of the text itself.")
    after_space: Reading | None = Field(
        description="In the tokenization of the text after a space; null if its first token is the space alone."
    )
    other_tokenizations: Reading | None = Field(description="In other tokenizations, for example inside words.")
    other_case: Reading | None = Field(description="Further occurrences with `ignore_case`.")
    is_exact: bool = Field(description="Whether all counts were computed; those present are always exact.")


class CountResponse(Answer):
    """A count."""

    model_config = shown(examples.COUNT, examples.COUNT_WITH_READINGS)

    count: int = Field(description="Exact occurrences; for the empty query, all tokens.")
    readings: Readings | None = Field(
        default=None,
        description="The occurrences of the string by tokenization; present only if requested.",
        exclude_if=not_,
    )


class DocumentCountResponse(Answer):
    """A count of documents."""

    model_config = shown(examples.DOCUMENT_COUNT)

    document_count: int = Field(
        description="Exact count of distinct documents; for the empty query, of those not empty."
    )


class CountsResponse(BaseModel):
    """Counts only."""

    model_config = shown(examples.COUNTS)

    counts: list[int | None] = Field(
        description="Exact occurrences in the order of the queries; null for a query that failed."
    )
    errors: dict[int, Problem] = Field(description="The problems of the queries that failed, by position in the list.")
    elapsed_ms: float


class SuffixRangeResponse(BaseModel):
    """The ranks [lo, hi) in the suffix array of one shard."""

    lo: int
    hi: int


class FindResponse(Answer):
    """The suffix range in each shard."""

    model_config = shown(examples.FIND)

    count: int = Field(description="Suffixes in all ranges together.")
    ranges: list[SuffixRangeResponse] = Field(description="One per shard; hi = lo if the query does not occur in it.")


class Place(BaseModel):
    """One occurrence."""

    document_id: int
    offset: int = Field(description="Position of its first token inside the document.")


class LocateResponse(Answer):
    """Occurrences in suffix order over all shards; equal suffixes by position."""

    model_config = shown(examples.LOCATE)

    count: int = Field(description="Exact occurrences, not reduced by `limit`.")
    locations: list[Place]


class ProbResponse(Answer):
    """The ∞-gram probability of one token."""

    model_config = shown(examples.PROB)

    suffix_length: int = Field(description="Tokens of the context that were used.")
    effective_n: int = Field(description="suffix_length + 1.")
    context_count: int = Field(description="Occurrences of that suffix.")
    continuation_count: int = Field(description="How many of those are followed by the token.")
    is_sparse: bool = Field(description="Whether there is only one distinct continuation.")
    log_prob: float | None = Field(description="In nats; null if the token never follows.")


class LongestSuffixResponse(Answer):
    """The longest suffix that occurs."""

    model_config = shown(examples.LONGEST_SUFFIX)

    length: int = Field(description="Tokens of the suffix.")
    count: int = Field(description="Exact occurrences of the suffix; all tokens for length 0.")


class LongestMatchesResponse(Answer):
    """The longest match that starts at each token; all lists have the same length."""

    model_config = shown(examples.LONGEST_MATCHES)

    lengths: list[int] = Field(description="Tokens of the longest run from each token on that occurs.")
    counts: list[int] = Field(description="Exact occurrences of each run; all tokens for length 0.")


class TokenizeResponse(BaseModel):
    """The tokens of a text."""

    model_config = shown({"token_ids": [3, 14], "tokens": ["natural", " language"]})

    token_ids: list[int]
    tokens: list[str] = Field(description="The text of each token.")


class DetokenizeResponse(BaseModel):
    """The text of tokens."""

    model_config = shown({"text": "natural language", "tokens": ["natural", " language"]})

    text: str = Field(description="Bytes of incomplete characters are U+FFFD.")
    tokens: list[str] = Field(description="The text of each token.")


class Row(BaseModel):
    """One continuation."""

    token_id: int = Field(description="−1 is the end of the document.")
    token: str | None = Field(description="Null for the end of the document, or without a tokenizer.")
    count: int = Field(description="Exact occurrences of the context followed by this token.")
    log_prob: float = Field(description="In nats: log(count / context_count).")


class DistributionResponse(Answer):
    """What follows a context."""

    model_config = shown(examples.DISTRIBUTION)

    suffix_length: int = Field(description="Tokens of the context that were used; for /next-token always all.")
    effective_n: int = Field(description="suffix_length + 1.")
    context_count: int = Field(description="Occurrences of this suffix, not reduced by top_k.")
    n_distinct: int = Field(description="Distinct continuations, not reduced by top_k.")
    is_sparse: bool = Field(description="Whether there is only one distinct continuation.")
    rows: list[Row] = Field(
        description="By descending count, ties by ascending token id; empty if the context is absent."
    )


class LikelyToken(BaseModel):
    """One token that may come next."""

    token_id: int
    token: str | None = Field(description="Null without a tokenizer.")
    log_prob: float | None = Field(description="In nats; null if the probability is 0.")


class InterpolatedResponse(Answer):
    """What follows a context, by the index and a neural model."""

    model_config = shown(examples.INTERPOLATED)

    rows: list[LikelyToken] = Field(description="By descending probability, ties by ascending token id.")


class ScoreTotal(BaseModel):
    """Totals over a sequence."""

    n_positions: int = Field(description="Tokens that were scored, and the end of the document if requested.")
    n_impossible: int = Field(description="Positions whose token never follows the suffix used there.")
    log_prob: float | None = Field(description="Sum of log_probs in nats; null if a position is impossible.")


class ScoreResponse(Answer):
    """The ∞-gram at every position; all lists have the same length."""

    model_config = shown(examples.SCORE)

    suffix_lengths: list[int] = Field(description="Tokens of the context that were used.")
    context_counts: list[int] = Field(description="Occurrences of that suffix.")
    continuation_counts: list[int] = Field(description="How many of those are followed by the token.")
    log_probs: list[float | None] = Field(description="In nats; null where the token never follows.")
    total: ScoreTotal


class Match(BaseModel):
    """An occurrence of a search term in a document."""

    clause: int = Field(description="The clause of the term; clauses are numbered from 0.")
    offset: int = Field(description="Position of the match's first token inside the document.")
    length: int = Field(description="The match's length in tokens.")
    match_start: int = Field(description="First character of the match in the whole text, in Unicode characters.")
    match_end: int = Field(description="End of the match in the whole text, exclusive.")
    snippet: str = Field(description="The text around the match.")
    snippet_match_start: int
    snippet_match_end: int


class FoundDocument(Match):
    """A document that contains the query, shown at its first match."""

    model_config = shown(examples.FOUND_DOCUMENT)

    document_id: int
    metadata: dict[str, Any] = Field(description="The fields that came with the document.")
    source: str | None = Field(description="File of the document, relative to the input; null if unknown.")
    line: int | None = Field(description="Line or row in the file, from 1; null if the document is the whole file.")
    text: str = Field(description="The text, truncated to the limit text_characters.")
    text_truncated: bool
    match_count: int = Field(description="Occurrences of the query in the document.")
    matches: list[Match] = Field(description="The first matches, with those of the other clauses that complete them.")


class Found(BaseModel):
    """Matching documents, each once."""

    count: int = Field(description="Occurrences of the query: of its first clause, where the others match as well.")
    document_count: int = Field(description="Distinct documents that contain one.")
    is_exact: bool = Field(description="Whether the counts are exact and not estimates.")
    count_interval: tuple[int, int] | None = Field(description="95% confidence interval of an estimated count.")
    document_count_interval: tuple[int, int] | None
    clauses: list[list[str | None]] = Field(
        description="The query as parsed: an AND of ORs, each term as text; null without a tokenizer."
    )
    cursor: str | None = Field(description="The cursor of the next page; null after the last one.")
    documents: list[FoundDocument]


class SearchResponse(Found, Answer):
    """Matching documents, each once; `token_ids` and `tokens` are those of all terms, concatenated."""

    model_config = shown(examples.SEARCH)


class SearchTextResponse(Found):
    """Matching documents, each once; the counts are exact."""

    model_config = shown(examples.SEARCH_TEXT)

    elapsed_ms: float


class SpanDocument(BaseModel):
    """A document that contains a span, shown at one occurrence."""

    document_id: int
    offset: int = Field(description="Position of the match's first token inside the document.")
    snippet: str
    snippet_match_start: int
    snippet_match_end: int


class Span(BaseModel):
    """A maximal span: a run of the text's tokens that occurs in the corpus."""

    start: int = Field(description="First token of the span in the text.")
    end: int = Field(description="Exclusive.")
    text_start: int | None = Field(description="First character of the span in the text; null if unknown.")
    text_end: int | None
    text: str
    count: int = Field(description="Occurrences in the corpus; a minimum if is_exact is false.")
    is_exact: bool = Field(description="Whether the count is complete and the span certainly maximal.")
    log_prob: float = Field(description="Sum of the unigram log-probabilities of its tokens, in nats.")
    documents: list[SpanDocument]


class TracedDocument(BaseModel):
    """A document that contains at least one of the spans."""

    document_id: int
    score: float = Field(description="BM25 score of its passages for the whole text.")
    metadata: dict[str, Any] = Field(description="The fields that came with the document.")
    source: str | None = Field(description="File of the document, relative to the input; null if unknown.")
    line: int | None = Field(description="Line or row in the file, from 1; null if the document is the whole file.")
    spans: list[int] = Field(description="The indices of the spans that it was found for.")


class TraceResponse(Answer):
    """The passages of a text that occur in the corpus."""

    model_config = shown(examples.TRACE)

    n_maximal: int = Field(description="Number of maximal spans, before the least probable ones were chosen.")
    n_covered: int = Field(description="Tokens of the text inside at least one span.")
    n_given_up: int = Field(description="Searches for strings that were given up because they took too long.")
    spans: list[Span] = Field(description="In the order of the text.")
    documents: list[TracedDocument] = Field(description="The documents of all spans, best first.")


class NoveltyResponse(Answer):
    """The n-grams of a text that the corpus does not contain."""

    model_config = shown(examples.NOVELTY)

    suffix_lengths: list[int] = Field(
        description="For each token, the tokens of the longest run ending there that occurs."
    )
    n_grams: list[int] = Field(description="Number of n-grams of the text, at index n − 1.")
    n_novel: list[int] = Field(description="Number of n-grams that do not occur, at index n − 1.")
    curve: list[float | None] = Field(description="Share of novel n-grams; null if there are no n-grams.")


class SizeOverlap(BaseModel):
    """Overlap by the n-grams of one length."""

    n: int
    n_grams: int
    n_seen: int = Field(description="How many of these occur in the corpus.")
    n_covered: int = Field(description="Tokens inside at least one n-gram that occurs.")
    share: float
    token_share: float


class OverlapEvidence(BaseModel):
    """A passage that a test item shares with a document."""

    text: str = Field(description="The passage of the item; for a long match, its beginning.")
    document_id: int
    snippet: str = Field(description="The document's text around it.")
    snippet_match_start: int = Field(description="Start of the passage in the snippet, in characters.")
    snippet_match_end: int
    metadata: dict[str, Any] = Field(description="The document's metadata.")
    source: str | None = Field(description="The document's file; null if unknown.")
    line: int | None = Field(description="Its line or row there, from 1; null if the document is the whole file.")


class OverlapResponse(Answer):
    """Overlap of a test item with the corpus."""

    model_config = shown(examples.OVERLAP)

    rule: str = Field(description="The rule in words.")
    is_contaminated: bool
    is_short: bool = Field(description="Whether it is too short for the rule, and so neither contaminated nor clean.")
    longest_start: int = Field(description="Position of the first token of the longest match.")
    longest_length: int
    sizes: list[SizeOverlap]
    evidence: OverlapEvidence | None = Field(description="The evidence for a contaminated item; else null.")


class DocumentResponse(BaseModel):
    """One document."""

    model_config = shown(examples.WHOLE_DOCUMENT)

    document_id: int
    metadata: dict[str, Any] = Field(description="The fields that came with the document.")
    source: str | None = Field(description="File of the document, relative to the input; null if unknown.")
    line: int | None = Field(description="Line or row in the file, from 1; null if the document is the whole file.")
    n_tokens: int = Field(description="Tokens of the whole document.")
    text: str = Field(description="Truncated to the limit document_size; empty without a tokenizer.")
    text_truncated: bool
    token_ids: list[int] = Field(description="Truncated to the limit document_size.")
    token_ids_truncated: bool


class TokenizerInfo(BaseModel):
    """The tokenizer that an index was built with."""

    kind: str = Field(description='"bytes" or "huggingface".')
    fingerprint: str = Field(
        description="SHA-256 of the relevant parts of the definition; tokenizers with equal fingerprints give the same "
        "token ids."
    )


class IndexSummary(BaseModel):
    """One index."""

    model_config = shown(examples.INDEX)

    name: str
    n_tokens: int
    n_documents: int
    n_shards: int
    generation: int = Field(description="Number of changes of the index since its build.")
    vocab_size: int = Field(description="Token ids go from 0 to vocab_size − 1.")
    token_width_bits: int
    size_bytes: int = Field(description="Size of all files of the index.")
    bytes_per_token: float | None = Field(description="Without the metadata; null for an empty index.")
    tokenizer: TokenizerInfo | None


class SectionInfo(BaseModel):
    """One kind of file of an index, over all shards."""

    size_bytes: int
    bytes_per_token: float | None


class IndexInfo(IndexSummary):
    """All metadata of an index."""

    model_config = shown(examples.INDEX_INFO)

    sections: dict[str, SectionInfo]
    directory_bytes: int = Field(description="Size of the search directory, which is kept in memory.")
    n_removed_documents: int = Field(
        description="Deleted documents that are in the files until the index is compacted."
    )
    n_removed_tokens: int = Field(description="Their tokens.")
    format_version: int
    suffix_order: str
    builder_version: str
    n_skipped: int = Field(description="Inputs that the build skipped because they could not be read.")


class DocumentIdsResponse(BaseModel):
    """A page of the ids of all documents."""

    model_config = shown({"document_ids": [0, 1, 4], "next": 5})

    document_ids: list[int] = Field(description="Ids, ascending; those of deleted documents are missing.")
    next: int | None = Field(description="`begin` of the next page; null on the last page.")


class IndexList(BaseModel):
    """All indexes, and the limits of one request."""

    model_config = shown({"indexes": [examples.INDEX], "limits": Limits().model_dump()})

    indexes: list[IndexSummary]
    limits: Limits


JobKind: TypeAlias = Literal["add", "delete", "compact"]


class JobProgress(BaseModel):
    """How far a job is."""

    stage: str = Field(
        description="`tokenize`, `read`, `find`, `remove`, `copy`, `sort`, or `wait` while another program changes the "
        "index."
    )
    done: int = Field(description="Units done in this stage.")
    total: int = Field(description="Units of this stage; 0 if unknown.")
    unit: str


class AdditionResult(BaseModel):
    """The documents that were added."""

    generation: int = Field(description="The generation of the new state of the index.")
    first_document: int = Field(description="The number of the first added document; the others follow.")
    n_documents: int
    n_tokens: int


class DeletionResult(BaseModel):
    """The documents that were deleted."""

    generation: int = Field(description="The generation of the new state of the index.")
    n_documents: int
    n_tokens: int
    not_found: list[int | str] = Field(description="The given ids or numbers that no document has.")
    is_purged: bool = Field(description="Whether the text was removed from the disk.")


class CompactionResult(BaseModel):
    """The size of the index after a compaction."""

    generation: int = Field(description="The generation of the index.")
    n_documents: int
    n_tokens: int
    n_shards: int
    freed_bytes: int = Field(description="Bytes on disk by which the index shrank; negative if it grew.")
    is_changed: bool = Field(description="Whether there was anything to compact; otherwise nothing was written.")


class JobResponse(BaseModel):
    """A change of an index, which runs after the request."""

    model_config = shown(examples.JOB)

    id: str
    index: str
    kind: JobKind
    status: Literal["queued", "running", "succeeded", "failed"]
    progress: JobProgress | None = Field(default=None, description="Null before the first report.")
    result: AdditionResult | DeletionResult | CompactionResult | None = Field(
        default=None, description="What the job did, once it has succeeded."
    )
    error: Problem | None = Field(default=None, description="Why the job failed.")
    created: str = Field(description="Time in ISO 8601.")
    started: str | None = None
    finished: str | None = None


class JobList(BaseModel):
    """The jobs of an index."""

    model_config = shown({"jobs": [examples.JOB]})

    jobs: list[JobResponse]


class ReloadResponse(BaseModel):
    """Which indexes were replaced."""

    model_config = shown({"reloaded": ["language"], "unchanged": []})

    reloaded: list[str] = Field(description="Indexes that were replaced.")
    unchanged: list[str]


class ReloadFailure(BaseModel):
    """A failed reload; the old indexes are still served."""

    time: str = Field(description="Time of the failure in ISO 8601.")
    error: str = Field(description="The class of the error; its message is in the log.", examples=["IndexDamagedError"])


class Health(BaseModel):
    """The state of the server."""

    model_config = shown(
        {"status": "ok"},
        {"status": "ready", "reload_failed": {"time": "2026-01-31T12:00:00+00:00", "error": "IndexDamagedError"}},
    )

    status: str
    reload_failed: ReloadFailure | None = Field(
        default=None, description="The latest failed reload of any worker; absent if the last reloads succeeded."
    )
