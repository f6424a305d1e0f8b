"""What the questions return: frozen values holding NumPy arrays.

Token ids are int64 wherever a row may be the end of a document; that row has the id `END_OF_DOCUMENT`.
Counts are int64, log-probabilities float64 in nats (−inf where the probability is zero).
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Literal, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from infgram.arguments import integer
from infgram.notebook import MOST_ROWS, document_html, found_html, hit_html
from infgram.reprs import ShortRepr
from infgram.tables import Columns, Table, masked, numbers

END_OF_DOCUMENT: Final = -1
"""The token id of the row "the document ends here" in a next-token distribution."""

Int64Array: TypeAlias = npt.NDArray[np.int64]
Float64Array: TypeAlias = npt.NDArray[np.float64]

Query: TypeAlias = str | Sequence[int] | npt.NDArray[np.integer[Any]]
"""Text, which the index's tokenizer encodes exactly as it stands, or token ids."""


class SuffixRange(NamedTuple):
    """The ranks `[lo, hi)` of one shard's suffix array whose suffixes begin with a query."""

    lo: int
    hi: int

    @property
    def size(self) -> int:
        """How many suffixes: the query's count in this shard."""
        return self.hi - self.lo


class Location(NamedTuple):
    """One occurrence: the document and the offset of its first token inside it, in tokens."""

    document_id: int
    offset: int


Load: TypeAlias = Literal["map", "warm", "ram"]
"""How an index is held: mapped files, mapped files read at once, or a copy in memory."""


@dataclass(frozen=True)
class LongestSuffix(ShortRepr):
    """The longest suffix of a context that occurs at least `min_count` times.

    Attributes:
        length: tokens in the suffix; 0 is the empty suffix, which is always allowed.
        count: its occurrences; `n_tokens` for the empty suffix.
    """

    length: int
    count: int


@dataclass(frozen=True)
class Reading(ShortRepr):
    """One way in which a string occurs.

    Attributes:
        count: its occurrences.
        token_ids: the most frequent token sequence of this reading; empty if there is none.
        text: the text of these tokens, which may begin before the string and end after it.
    """

    count: int
    token_ids: tuple[int, ...]
    text: str


@dataclass(frozen=True)
class Readings(ShortRepr):
    """The occurrences of a string, by the tokens in which they are.

    `as_typed`, `after_space` and `other_cuts` are disjoint, and their counts add up to `string_count`; `other_case`
    is disjoint from them. (Where a tokenizer changes texts, `as_typed` counts what the tokens of the text stand for,
    which may not be the text; if it is not, it is no part of the sum.)

    Attributes:
        text: the string.
        string_count: its occurrences in the text of the documents, in whatever tokens: what
            `count(text, any_tokenization=True)` gives. None if it was not determined; see `is_exact`.
        as_typed: in the tokens of the text itself; its count is what `count(text)` gives.
        after_space: in the tokens of the text with a space in front of it, where the space is part of the first token;
            None where the tokenizer makes no such token.
        other_cuts: in all other tokens: inside words, or cut elsewhere. None if it was not determined.
        other_case: what `count(text, ignore_case=True)` gives more than `string_count`. None if it was not determined.
        is_exact: whether every count was determined. What was not would have taken more than the allowed work, or the
            tokenizer does not put text together from the bytes of its tokens. A count that is given is always exact.
    """

    text: str
    string_count: int | None
    as_typed: Reading
    after_space: Reading | None
    other_cuts: Reading | None
    other_case: Reading | None
    is_exact: bool


@dataclass(frozen=True)
class NextTokenDistribution(Table):
    """What follows a context, exactly.

    Attributes:
        token_ids: int64, ascending (or by falling count after `top_k`, ties to the smaller id);
            `END_OF_DOCUMENT` is a row like any other.
        counts: int64, occurrences of the context followed by that token.
        context_count: occurrences of the context; `n_tokens + n_documents` for the empty one.
            `top_k` never changes it.
        n_distinct: distinct continuations before `top_k`.
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
        """Whether one continuation alone ever follows the context."""
        return self.n_distinct == 1

    def count_of(self, token_id: int) -> int:
        """Occurrences of the context followed by `token_id`, among the rows held."""
        return int(self.counts[self.token_ids == integer(token_id, "token_id")].sum())

    def columns(self) -> Columns:
        """`token_id`, `count`, and `log_prob` in nats."""
        return {"token_id": self.token_ids, "count": self.counts, "log_prob": self.log_probs}

    def _display(self) -> Columns:
        order = np.lexsort((self.token_ids, -self.counts))
        columns = {"token_id": self.token_ids[order], "count": self.counts[order]}
        return {**columns, "probability": columns["count"] / max(self.context_count, 1)}

    def _caption(self) -> str:
        return f"{self.context_count:,} occurrences of the context, {self.n_distinct:,} distinct continuations"


@dataclass(frozen=True)
class InfgramDistribution(NextTokenDistribution):
    """The ∞-gram: what follows the longest suffix of the context that occurs.

    Attributes:
        suffix_length: tokens of the context that were used.
    """

    suffix_length: int

    @property
    def effective_n(self) -> int:
        """The n of this ∞-gram: `suffix_length + 1`."""
        return self.suffix_length + 1

    def _caption(self) -> str:
        return f"∞-gram of {self.suffix_length:,} tokens of context: {super()._caption()}"


class InfgramLogProb(float):
    """The ∞-gram log-probability of one token in nats: a float that knows the suffix that gave it.

    Attributes:
        suffix_length: tokens of the context that were used.
        context_count: occurrences of that suffix.
        continuation_count: of those, how many the token follows.
        is_sparse: whether one continuation alone ever follows the suffix.
    """

    suffix_length: int
    context_count: int
    continuation_count: int
    is_sparse: bool

    def __new__(
        cls, *, suffix_length: int, context_count: int, continuation_count: int, is_sparse: bool
    ) -> InfgramLogProb:
        """The log-probability follows from the counts."""
        seen = continuation_count > 0
        self = super().__new__(cls, float(np.log(continuation_count / context_count)) if seen else -math.inf)
        self.suffix_length = suffix_length
        self.context_count = context_count
        self.continuation_count = continuation_count
        self.is_sparse = is_sparse
        return self

    def __getnewargs_ex__(self) -> tuple[tuple[()], dict[str, int | bool]]:
        """What a pickled one is made with."""
        return (), dict(vars(self))

    @property
    def effective_n(self) -> int:
        """The n of this ∞-gram: `suffix_length + 1`."""
        return self.suffix_length + 1


@dataclass(frozen=True)
class SequenceScore(Table):
    """The ∞-gram at every position of a sequence; arrays of one length.

    Position i is predicted from the tokens before it; with `end=True` one more position stands for the end.

    Attributes:
        token_ids: int64, what was predicted.
        suffix_lengths: int64, tokens of context used.
        context_counts: int64, occurrences of that suffix.
        continuation_counts: int64, of those, how many the token follows.
    """

    token_ids: Int64Array
    suffix_lengths: Int64Array
    context_counts: Int64Array
    continuation_counts: Int64Array

    @cached_property
    def log_probs(self) -> Float64Array:
        """float64 nats: log(continuation_counts / context_counts), −inf where the token never follows."""
        with np.errstate(divide="ignore"):  # an index always holds a document, so context_counts > 0
            return np.asarray(np.log(self.continuation_counts / self.context_counts), dtype=np.float64)

    def columns(self) -> Columns:
        """`token_id`, `suffix_length`, `context_count`, `continuation_count`, and `log_prob` in nats."""
        return {
            "token_id": self.token_ids,
            "suffix_length": self.suffix_lengths,
            "context_count": self.context_counts,
            "continuation_count": self.continuation_counts,
            "log_prob": self.log_probs,
        }


@dataclass(frozen=True)
class LongestMatches(Table):
    """The longest match that starts at each position of a sequence; arrays of one length.

    Attributes:
        lengths: int64, tokens from the position on that occur in the corpus; 0 when not even the first does.
        counts: int64, occurrences of these tokens; `n_tokens` for length 0.
    """

    lengths: Int64Array
    counts: Int64Array

    def columns(self) -> Columns:
        """`length` in tokens, and `count`."""
        return {"length": self.lengths, "count": self.counts}


@dataclass(frozen=True)
class Document(ShortRepr):
    """One document of the corpus, as decoded from its tokens.

    Attributes:
        document_id: its number in the index, from 0, in the order of the corpus.
        token_ids: int64.
        metadata: the fields that came with it, besides the text, and those of the folders named `key=value` that hold
            its file.
        source: its file, relative to the input; None if the index does not know it.
        line: its line or row in that file, from 1; None if the document is the whole file.
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
"""Within what the clauses of a search must meet."""

JsonScalar: TypeAlias = str | int | float | bool | None
"""What a metadata field can be compared with."""


@dataclass(frozen=True)
class SearchMatch(ShortRepr):
    """A place where a document holds a term of a search.

    Attributes:
        clause: the clause that the term belongs to, from 0 in the order of the query.
        offset: the term's first token inside the document, in tokens.
        length: the term's length in tokens.
        match_start: the match is `text[match_start:match_end]` of the document, in characters.
        snippet: a piece of the text around the match; `snippet[snippet_match_start:snippet_match_end]` is the match.
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
    """A document found; of itself it is shown at its first occurrence of the query.

    Attributes:
        document_id: its number in the index.
        text: the whole document.
        metadata: as in `Document`.
        source: likewise.
        line: likewise.
        match_count: occurrences of the query in it.
        matches: the first occurrences and, of each further clause, what completes them; by offset.
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
    """What a search found; iterating or indexing gives the hits of this page.

    Attributes:
        count: occurrences of the query: places of its first clause for which the others are fulfilled in the scope.
        document_count: distinct documents that hold one.
        is_exact: whether the counts are exact; otherwise they are estimates from a sample.
        documents: at most `limit` hits, no document twice.
        cursor: where the next page begins; None after the last one.
        count_interval: the bounds between which the exact count lies, with a confidence of 95%; None if it is known.
        document_count_interval: likewise of the documents.
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

    def __getitem__(self, place: int) -> SearchHit:
        return self.documents[place]

    def columns(self) -> Columns:
        """A row for each hit: the fields of `SearchHit` but for `matches`; `metadata` is JSON."""
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
    """The occurrences of a query in the documents that share a value of a metadata field.

    Attributes:
        value: the value; None also for documents without the field.
        count: occurrences in these documents.
        document_count: how many of these documents have an occurrence.
    """

    value: JsonScalar | list[Any] | dict[str, Any]
    count: int
    document_count: int


class BuildProgress(NamedTuple):
    """How far a build is.

    Attributes:
        stage: `"check"` (the files of a build that was stopped), `"train"`, `"tokenise"`, `"read"` (token ids),
            or `"sort"`.
        done: units done of this stage.
        total: units of this stage; 0 when unknown.
        unit: `"bytes"` on disk, or `"tokens"`.
    """

    stage: str
    done: int
    total: int
    unit: str


@dataclass(frozen=True)
class BuildEstimate(ShortRepr):
    """What a build will take, about, and what it will make.

    Attributes:
        n_documents: of the index.
        n_tokens: likewise.
        n_tokens_interval: the bounds between which the number of tokens lies, with a confidence of 95%; both are
            `n_tokens` if all of the input was encoded.
        disk_bytes: the size of the index.
        memory_bytes: anonymous and shared memory at the peak; less where the budget is smaller.
        elapsed_s: the time, in seconds.
        input_bytes: of the input, as stored.
        sampled_bytes: of the part of it that was looked at; all of it if that is small.
    """

    n_documents: int
    n_tokens: int
    n_tokens_interval: tuple[int, int]
    disk_bytes: int
    memory_bytes: int
    elapsed_s: float
    input_bytes: int
    sampled_bytes: int
