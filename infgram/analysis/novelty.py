"""Novelty: which n-grams of a text the corpus does not hold, and how far back each token goes on with it."""

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
"""The longest n-grams that are counted; each n takes 16 bytes of the result."""


@dataclass(frozen=True)
class Novelty(Table):
    """The n-novelty of a text, or of several.

    Attributes:
        suffix_lengths: int64, of each token how many tokens up to it and with it, as a run, occur in the corpus: the
            longest match that *ends* there, Rusty-DAWG's non-novel suffix length. 0 where not even the token does.
            Of several texts end to end.
        n_grams: int64, at n − 1 how many n-grams there are, each place counted: `n_tokens − n + 1` of one text.
        n_novel: int64, likewise, how many of them do not occur in the corpus.
    """

    suffix_lengths: Int64Array
    n_grams: Int64Array
    n_novel: Int64Array

    @property
    def n_tokens(self) -> int:
        """Tokens of the text."""
        return len(self.suffix_lengths)

    @property
    def curve(self) -> Float64Array:
        """float64, at n − 1 the share of n-grams that are novel; NaN where there is no n-gram."""
        with np.errstate(invalid="ignore"):
            return np.asarray(self.n_novel / self.n_grams, dtype=np.float64)

    def columns(self) -> Columns:
        """A row for each n: `n`, `n_grams`, `n_novel`, and `novel_share`."""
        sizes = np.arange(1, len(self.n_grams) + 1)
        return {"n": sizes, "n_grams": self.n_grams, "n_novel": self.n_novel, "novel_share": self.curve}

    @staticmethod
    def total(parts: Iterable[Novelty]) -> Novelty:
        """Several texts as one; no n-gram reaches from one into the next."""
        held = list(parts)
        if not held:
            nothing = np.empty(0, dtype=np.int64)
            return Novelty(nothing, nothing, nothing)
        return Novelty(
            np.concatenate([part.suffix_lengths for part in held]),
            np.sum([part.n_grams for part in held], axis=0),
            np.sum([part.n_novel for part in held], axis=0),
        )


def novelty(
    index: Index, query: Query, *, max_n: int = 10, timeout_s: float | None = None, progress: Progress | None = None
) -> Novelty:
    """How much of a text is new to the corpus, for n-grams of 1 to `max_n` tokens, and at each token.

    The measures of Merrill, Smith and Elazar, "Evaluating n-gram novelty of language models using Rusty-DAWG", 2024.

    Cost: a search for each token.

    Args:
        index: the corpus.
        query: the text, or its token ids.
        max_n: the longest n-grams to count.
        timeout_s: seconds it may take; None for no limit.
        progress: told now and then how far it is.

    Raises:
        QueryError: an argument is out of range, or a text is asked of an index without a tokenizer.
        TimeLimitError: the time is over.

    Examples:
        >>> import infgram, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with infgram.build_from_tokens([[1, 2, 3]], f"{folder}/x", vocab_size=5) as index:
        ...         found = infgram.novelty(index, [1, 2, 4], max_n=2)
        >>> found.curve.round(2).tolist(), found.suffix_lengths.tolist()
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
    """`novelty` of each text, one after the other as they are asked for; `Novelty.total` makes them one.

    `timeout_s` holds for all of them together.
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
    n_seen = len(lengths) - n_short  # the matches of at least n tokens: one begins with each n-gram that occurs
    return Novelty(ending_lengths(lengths), n_grams, n_grams - n_seen)


def ending_lengths(lengths: Int64Array) -> Int64Array:
    """Of each token the longest match that ends with it, from the longest that begins at each position."""
    places = np.arange(len(lengths))
    reach = places + lengths
    begins = np.searchsorted(reach, places + 1)  # the first position whose match holds the token
    return places + 1 - begins
