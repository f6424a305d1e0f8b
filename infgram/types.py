"""The results of queries: immutable values with NumPy arrays.

Token ids are int64 where the end of a document may occur, which has the id `END_OF_DOCUMENT`. Counts are int64,
log-probabilities float64 in nats (−inf where the probability is zero).
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from infgram.arguments import integer
from infgram.caching import cached_property
from infgram.notebook import MOST_ROWS, document_html, found_html, hit_html
from infgram.reprs import ShortRepr
from infgram.tables import Columns, Table, masked, numbers

END_OF_DOCUMENT: Final = -1
"""The token id of the end of a document in next-token distributions."""

Int64Array: TypeAlias = npt.NDArray[np.int64]
Float64Array: TypeAlias = npt.NDArray[np.float64]

Query: TypeAlias = str | Sequence[int] | npt.NDArray[np.integer[Any]]
"""A text, which the tokenizer of the index encodes unchanged, or token ids."""


class SuffixRange(NamedTuple):
    """The ranks `[lo, hi)` of one shard's suffix array whose suffixes begin with a query."""

    lo: int
    hi: int

    @property
    def size(self) -> int:
        """The number of suffixes: the count of the query in this shard."""
        return self.hi - self.lo


class Location(NamedTuple):
    """One occurrence: the document, and the offset of the first token inside it, in tokens."""

    document_id: int
    offset: int


Load: TypeAlias = Literal["map", "warm", "ram"]
"""How the files of an index are held: memory-mapped, memory-mapped and read in advance, or copied into memory."""


@dataclass(frozen=True)
class LongestSuffix(ShortRepr):
    """The longest suffix of a context that occurs at least `min_count` times.

    Attributes:
        length: the number of tokens in the suffix; 0 for the empty suffix, which always qualifies.
        count: the occurrences of the suffix; `n_tokens` for the empty suffix.
    """

    length: int
    count: int


@dataclass(frozen=True)
class Reading(ShortRepr):
    """One kind of tokenization in which a string occurs.

    Attributes:
        count: the occurrences of the string in this reading.
        token_ids: the most frequent token sequence of this reading; empty if the count is 0.
        text: the text of these tokens, which may begin before the string and end after it.
    """

    count: int
    token_ids: tuple[int, ...]
    text: str


@dataclass(frozen=True)
class Readings(ShortRepr):
    """The occurrences of a string, by their tokenization.

    `as_typed`, `after_space` and `other_tokenizations` are disjoint and add up to `string_count`; `other_case` is
    disjoint from them. (A tokenizer that changes texts is an exception: `as_typed` then counts the tokens of the text,
    which may decode to another text and is not part of the sum in that case.)

    Attributes:
        text: the string.
        string_count: the occurrences in the text of the documents in any tokenization, equal to
            `count(text, any_tokenization=True)`. None if unknown; see `is_exact`.
        as_typed: the occurrences with the tokens of the text itself, equal to `count(text)`.
        after_space: the occurrences with the tokens of the text after a space, where the space is part of the first
            token; None if the tokenizer has no such token.
        other_tokenizations: the occurrences with any other tokens: inside words, or with other token boundaries. None
            if unknown.
        other_case: the difference of `count(text, ignore_case=True)` and `string_count`. None if unknown.
        is_exact: whether every count is known. A count is unknown if it takes more work than allowed, or if the
            tokenizer does not decode to the concatenated bytes of its tokens. Every known count is exact.
    """

    text: str
    string_count: int | None
    as_typed: Reading
    after_space: Reading | None
    other_tokenizations: Reading | None
    other_case: Reading | None
    is_exact: bool


@dataclass(frozen=True)
class NextTokenDistribution(Table):
    """The exact distribution of the token after a context.

    Attributes:
        token_ids: int64, ascending; with `top_k` by descending count, ties by ascending id. Includes
            `END_OF_DOCUMENT`.
        counts: int64, occurrences of the context followed by each token.
        context_count: occurrences of the context; `n_tokens + n_documents` for the empty context. Independent of
            `top_k`.
        n_distinct: the number of distinct next tokens before `top_k`.
    """

    token_ids: Int64Array
    counts: Int64Array
    context_count: int
    n_distinct: int

    @cached_property
    def log_probs(self) -> Float64Array:
        """float64 nats: log(counts / context_count)."""
        if self.context_count == 0:
            return np.empty(0, dtype=np.float64)
        return np.asarray(np.log(self.counts / self.context_count), dtype=np.float64)

    @property
    def is_sparse(self) -> bool:
        """Whether the context has exactly one distinct next token."""
        return self.n_distinct == 1

    def count_of(self, token_id: int) -> int:
        """Return the occurrences of the context followed by `token_id`; 0 if `top_k` removed the token."""
        return int(self.counts[self.token_ids == integer(token_id, "token_id")].sum())

    def columns(self) -> Columns:
        """Return `token_id`, `count`, and `log_prob` in nats."""
        return {"token_id": self.token_ids, "count": self.counts, "log_prob": self.log_probs}

    def _display(self) -> Columns:
        order = np.lexsort((self.token_ids, -self.counts))
        columns = {"token_id": self.token_ids[order], "count": self.counts[order]}
        return {**columns, "probability": columns["count"] / max(self.context_count, 1)}

    def _caption(self) -> str:
        return f"{self.context_count:,} occurrences of the context, {self.n_distinct:,} distinct continuations"


@dataclass(frozen=True)
class InfgramDistribution(NextTokenDistribution):
    """The ∞-gram distribution: the distribution of the token after the longest suffix of the context that occurs.

    Attributes:
        suffix_length: the number of context tokens in the suffix.
    """

    suffix_length: int

    @property
    def effective_n(self) -> int:
        """The n of this ∞-gram: `suffix_length + 1`."""
        return self.suffix_length + 1

    def _caption(self) -> str:
        return f"∞-gram of {self.suffix_length:,} tokens of context: {super()._caption()}"


class InfgramLogProb(float):
    """The ∞-gram log-probability of one token in nats: a float with the counts behind it.

    Attributes:
        suffix_length: the number of context tokens in the suffix.
        context_count: occurrences of the suffix.
        continuation_count: occurrences of the suffix followed by the token.
        is_sparse: whether the suffix has exactly one distinct next token.
    """

    suffix_length: int
    context_count: int
    continuation_count: int
    is_sparse: bool

    def __new__(
        cls, *, suffix_length: int, context_count: int, continuation_count: int, is_sparse: bool
    ) -> InfgramLogProb:
        """Compute the log-probability from the counts."""
        seen = continuation_count > 0
        self = super().__new__(cls, float(np.log(continuation_count / context_count)) if seen else -math.inf)
        self.suffix_length = suffix_length
        self.context_count = context_count
        self.continuation_count = continuation_count
        self.is_sparse = is_sparse
        return self

    def __getnewargs_ex__(self) -> tuple[tuple[()], dict[str, int | bool]]:
        """Return the arguments for unpickling."""
        return (), dict(vars(self))

    @property
    def effective_n(self) -> int:
        """The n of this ∞-gram: `suffix_length + 1`."""
        return self.suffix_length + 1


@dataclass(frozen=True)
class SequenceScore(Table):
    """The ∞-gram at every position of a sequence; all arrays have one length.

    Each position is predicted from the tokens before it. With `end=True` the end of the document is an additional
    position.

    Attributes:
        token_ids: int64, the predicted tokens.
        suffix_lengths: int64, the number of context tokens in the suffix.
        context_counts: int64, occurrences of the suffix.
        continuation_counts: int64, occurrences of the suffix followed by the token.
    """

    token_ids: Int64Array
    suffix_lengths: Int64Array
    context_counts: Int64Array
    continuation_counts: Int64Array

    @cached_property
    def log_probs(self) -> Float64Array:
        """float64 nats: log(continuation_counts / context_counts); −inf where the continuation count is 0."""
        least = np.maximum(self.context_counts, 1)  # 0 only if all documents were deleted
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(self.continuation_counts / least), dtype=np.float64)

    def columns(self) -> Columns:
        """Return `token_id`, `suffix_length`, `context_count`, `continuation_count`, and `log_prob` in nats."""
        return {
            "token_id": self.token_ids,
            "suffix_length": self.suffix_lengths,
            "context_count": self.context_counts,
            "continuation_count": self.continuation_counts,
            "log_prob": self.log_probs,
        }


@dataclass(frozen=True)
class LongestMatches(Table):
    """The longest match that starts at each position of a sequence; both arrays have one length.

    Attributes:
        lengths: int64, the length of the match in tokens; 0 if the token does not occur in the corpus.
        counts: int64, occurrences of the match; `n_tokens` for length 0.
    """

    lengths: Int64Array
    counts: Int64Array

    def columns(self) -> Columns:
        """Return `length` in tokens, and `count`."""
        return {"length": self.lengths, "count": self.counts}


@dataclass(frozen=True)
class Document(ShortRepr):
    """One document of the corpus, decoded from its tokens.

    Attributes:
        document_id: the number of the document in the index, from 0, in corpus order.
        text: the decoded text; empty if the index has no tokenizer.
        token_ids: int64, the tokens.
        metadata: the fields of the record except the text, and the fields of folders named `key=value` above its file.
        source: the file, relative to the input; None if unknown.
        line: the line or row in the file, from 1; None if the document is the whole file.
    """

    document_id: int
    text: str
    token_ids: Int64Array
    metadata: Mapping[str, Any]
    source: str | None = None
    line: int | None = None

    def _repr_html_(self) -> str:
        return document_html(self.document_id, self.text, len(self.token_ids), self.metadata)


Scope: TypeAlias = Literal["window", "document"]
"""The scope in which all clauses of a search must occur."""

JsonScalar: TypeAlias = str | int | float | bool | None
"""A value with which a metadata field can be compared."""


@dataclass(frozen=True)
class SearchMatch(ShortRepr):
    """An occurrence of a term of a search in a document.

    Attributes:
        clause: the clause of the term, from 0 in query order.
        offset: the offset of the first token of the term inside the document, in tokens.
        length: the length of the term in tokens.
        match_start: the start of the match in the text of the document, in characters.
        match_end: the end of the match in the text of the document, in characters.
        snippet: the text around the match.
        snippet_match_start: the start of the match in the snippet, in characters.
        snippet_match_end: the end of the match in the snippet, in characters.
    """

    clause: int
    offset: int
    length: int
    match_start: int
    match_end: int
    snippet: str
    snippet_match_start: int
    snippet_match_end: int


@dataclass(frozen=True)
class SearchHit(SearchMatch):
    """A document that matches a search. As a `SearchMatch` it is the first occurrence of the query.

    Attributes:
        document_id: the number of the document in the index.
        text: the text of the document.
        metadata: as in `Document`.
        source: as in `Document`.
        line: as in `Document`.
        match_count: occurrences of the query in the document.
        matches: the first occurrences of the first clause, and the matches of the other clauses that complete them;
            by offset.
    """

    document_id: int
    text: str
    metadata: Mapping[str, Any]
    source: str | None
    line: int | None
    match_count: int
    matches: tuple[SearchMatch, ...]

    _repr_fields = ("document_id", "match_count", "offset", "snippet", "metadata")

    def _repr_html_(self) -> str:
        shown = [match for match in self.matches if match.clause == 0] or [self]
        snippets = [(match.snippet, match.snippet_match_start, match.snippet_match_end) for match in shown]
        return hit_html(self.document_id, self.metadata, self.match_count, snippets)


@dataclass(frozen=True)
class SearchResult(Table):
    """The result of a search. Iteration and indexing give the hits of this page.

    Attributes:
        count: occurrences of the query: occurrences of the first clause with all other clauses in the scope.
        document_count: distinct documents with an occurrence.
        is_exact: whether the counts are exact; otherwise they are estimates from a sample.
        documents: at most `limit` hits, in distinct documents.
        cursor: the cursor of the next page; None on the last page.
        count_interval: the 95% confidence interval of `count`; None if the counts are exact.
        document_count_interval: the 95% confidence interval of `document_count`; None if the counts are exact.
    """

    count: int
    document_count: int
    is_exact: bool
    documents: tuple[SearchHit, ...]
    cursor: str | None = None
    count_interval: tuple[int, int] | None = None
    document_count_interval: tuple[int, int] | None = None

    def __len__(self) -> int:
        return len(self.documents)

    def __iter__(self) -> Iterator[SearchHit]:
        return iter(self.documents)

    def __getitem__(self, number: int) -> SearchHit:
        return self.documents[number]

    def columns(self) -> Columns:
        """Return one row per hit: the fields of `SearchHit` except `matches`, with `metadata` as JSON."""
        hits = self.documents
        return {
            **numbers(hits, "document_id", "match_count", "offset", "length", "match_start", "match_end"),
            "snippet": [hit.snippet for hit in hits],
            **numbers(hits, "snippet_match_start", "snippet_match_end"),
            "text": [hit.text for hit in hits],
            "metadata": [json.dumps(hit.metadata, ensure_ascii=False) for hit in hits],
            "source": [hit.source for hit in hits],
            "line": masked([hit.line for hit in hits]),
        }

    def _caption(self) -> str:
        about = "" if self.is_exact else "about "
        return f"{about}{self.count:,} occurrences in {about}{self.document_count:,} documents, {len(self)} shown"

    def _repr_html_(self) -> str:
        shown = self.documents[:MOST_ROWS]
        return found_html(self._caption(), [hit._repr_html_() for hit in shown], len(self) - len(shown))


@dataclass(frozen=True)
class FieldCount(ShortRepr):
    """The occurrences of a query in the documents with one value of a metadata field.

    Attributes:
        value: the value; None also for documents without the field.
        count: occurrences in these documents.
        document_count: the number of these documents with an occurrence.
    """

    value: JsonScalar | list[Any] | dict[str, Any]
    count: int
    document_count: int


class BuildProgress(NamedTuple):
    """The progress of a build.

    Attributes:
        stage: `"check"` (files of an interrupted build), `"train"`, `"tokenize"`, `"read"` (token ids), `"sort"`;
            for changes of an index also `"find"` and `"remove"` (documents to delete) and `"copy"` (those to keep).
        done: the units done in this stage.
        total: the units of this stage; 0 if unknown.
        unit: `"bytes"` on disk, `"tokens"` or `"documents"`.
    """

    stage: str
    done: int
    total: int
    unit: str


@dataclass(frozen=True)
class BuildEstimate(ShortRepr):
    """The estimated resources of a build, and the estimated size of its index.

    Attributes:
        n_documents: documents of the index.
        n_tokens: tokens of the index.
        n_tokens_interval: the 95% confidence interval of `n_tokens`; both bounds are `n_tokens` if all of the input
            was encoded.
        disk_bytes: the size of the index.
        memory_bytes: the peak of anonymous and shared memory; less with a smaller budget.
        elapsed_s: the time in seconds.
        input_bytes: the size of the input, as stored.
        sampled_bytes: the size of the sampled part, as stored; equal to `input_bytes` for a small input.
    """

    n_documents: int
    n_tokens: int
    n_tokens_interval: tuple[int, int]
    disk_bytes: int
    memory_bytes: int
    elapsed_s: float
    input_bytes: int
    sampled_bytes: int
