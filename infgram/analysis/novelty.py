"""Novelty: the n-grams of a text that are absent from the corpus, and the longest match that ends at each token."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from infgram.analysis.matches import match_lengths
from infgram.analysis.subject import token_ids_of
from infgram.arguments import at_least, refusal, several
from infgram.index import Index, checked_index
from infgram.tables import Columns, Table
from infgram.types import Float64Array, Int64Array, Query
from infgram.watch import Progress, Watch

MOST_N: Final = 1_000_000
"""The maximum of `max_n`; each n takes 16 bytes of the result."""


@dataclass(frozen=True)
class Novelty(Table):
    """The n-novelty of one or several texts.

    Attributes:
        suffix_lengths: int64, for each token the length in tokens of the longest match that *ends* with it
            (Rusty-DAWG's non-novel suffix length); 0 if the token itself does not occur in the corpus. The arrays of
            several texts are concatenated.
        n_grams: int64, at index n − 1 the number of n-grams with repetitions: `n_tokens − n + 1` for one text.
        n_novel: int64, at index n − 1 the number of these that do not occur in the corpus.
    """

    suffix_lengths: Int64Array
    n_grams: Int64Array
    n_novel: Int64Array

    @property
    def n_tokens(self) -> int:
        """The number of tokens."""
        return len(self.suffix_lengths)

    @property
    def curve(self) -> Float64Array:
        """The share of novel n-grams at index n − 1, as float64; NaN if there is no n-gram."""
        with np.errstate(invalid="ignore"):
            return np.asarray(self.n_novel / self.n_grams, dtype=np.float64)

    def columns(self) -> Columns:
        """Return a row for each n: `n`, `n_grams`, `n_novel`, and `novel_share`."""
        sizes = np.arange(1, len(self.n_grams) + 1)
        return {"n": sizes, "n_grams": self.n_grams, "n_novel": self.n_novel, "novel_share": self.curve}

    @staticmethod
    def total(parts: Iterable[Novelty]) -> Novelty:
        """Combine the results of several texts; no n-gram extends from one text into the next."""
        results = list(parts)
        if not results:
            empty = np.empty(0, dtype=np.int64)
            return Novelty(empty, empty, empty)
        return Novelty(
            np.concatenate([result.suffix_lengths for result in results]),
            np.sum([result.n_grams for result in results], axis=0),
            np.sum([result.n_novel for result in results], axis=0),
        )


def novelty(
    index: Index, query: Query, *, max_n: int = 10, timeout_s: float | None = None, progress: Progress | None = None
) -> Novelty:
    """Return how much of a text is absent from the corpus, for n-grams of 1 to `max_n` tokens and at each token.

    The measures of Merrill, Smith and Elazar, "Evaluating n-gram novelty of language models using Rusty-DAWG", 2024.

    Cost: one search per token.

    Args:
        index: the corpus.
        query: the text, or its token ids.
        max_n: the maximum length of the n-grams.
        timeout_s: time limit in seconds; None for no limit.
        progress: called from time to time.

    Raises:
        QueryError: an argument is out of range, or the query is text and the index has no tokenizer.
        TimeLimitError: the time limit was exceeded.

    Examples:
        >>> import infgram, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with infgram.build_from_tokens([[1, 2, 3]], f"{folder}/x", vocab_size=5) as index:
        ...         result = infgram.novelty(index, [1, 2, 4], max_n=2)
        >>> result.curve.round(2).tolist(), result.suffix_lengths.tolist()
        ([0.33, 0.5], [1, 2, 0])
    """
    watch = Watch(timeout_s, progress)
    return _novelty(checked_index(index), query, _checked_n(max_n), watch)


def novelty_batch(
    index: Index,
    queries: Iterable[Query],
    *,
    max_n: int = 10,
    timeout_s: float | None = None,
    progress: Progress | None = None,
) -> Iterator[Novelty]:
    """Yield the `novelty` of each text, computed when the iterator is advanced; `Novelty.total` combines the results.

    `timeout_s` limits the total time.
    """
    watch = Watch(timeout_s, progress)
    longest = _checked_n(max_n)
    opened = checked_index(index)
    return (_novelty(opened, query, longest, watch) for query in several(queries, "queries"))


def _checked_n(max_n: int) -> int:
    if at_least(max_n, 1, "max_n") > MOST_N:
        raise refusal(max_n, "max_n", f"an integer from 1 to {MOST_N}")
    return max_n


def _novelty(index: Index, query: Query, max_n: int, watch: Watch) -> Novelty:
    token_ids = token_ids_of(index, query)
    lengths = match_lengths(index, token_ids, watch)
    sizes = np.arange(1, max_n + 1)
    n_grams = np.maximum(0, len(lengths) + 1 - sizes)
    n_short = np.cumsum(np.bincount(np.minimum(lengths, max_n), minlength=max_n + 1))[:max_n]
    n_seen = len(lengths) - n_short  # each n-gram that occurs begins a match of at least n tokens
    return Novelty(ending_lengths(lengths), n_grams, n_grams - n_seen)


def ending_lengths(lengths: Int64Array) -> Int64Array:
    """Return the longest match that ends with each token, given the longest match that begins at each position."""
    positions = np.arange(len(lengths))
    ends = positions + lengths
    begins = np.searchsorted(ends, positions + 1)  # the first position whose match contains the token
    return positions + 1 - begins
