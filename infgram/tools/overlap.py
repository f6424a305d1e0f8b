"""Overlap: how much of a test set stands in the corpus, item by item, with a verdict at a stated threshold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

import numpy as np

from infgram.arguments import at_least, choice, real, several
from infgram.index import Index, checked_index
from infgram.reprs import ShortRepr
from infgram.tables import Columns, Table, numbers
from infgram.tools.matches import match_lengths
from infgram.tools.subject import token_ids_of
from infgram.types import Int64Array, Query
from infgram.watch import Watch

Measure: TypeAlias = Literal["n_grams", "tokens"]

DEFAULT_N: Final = 13
DEFAULT_SIZES: Final = (5, 8, 10, 13, 20, 50)


@dataclass(frozen=True)
class Rule(ShortRepr):
    """When an item is contaminated: when enough of it stands in the corpus, and at least one n-gram does.

    Attributes:
        n: tokens of an n-gram.
        threshold: the least share, from 0 to 1; 0 is met by any n-gram.
        measure: of what: `"n_grams"`, those that occur in the corpus, or `"tokens"`, those inside such n-grams.
    """

    n: int = DEFAULT_N
    threshold: float = 0.0
    measure: Measure = "n_grams"

    def __post_init__(self) -> None:
        """Check the fields.

        Raises:
            QueryError: one is out of range.
        """
        at_least(self.n, 1, "n")
        choice(self.measure, "measure", get_args(Measure))
        real(self.threshold, "threshold", low=0, high=1)

    def condemns(self, shares: SizeOverlap) -> bool:
        """The verdict on what was found for n-grams of this rule's size."""
        share = shares.share if self.measure == "n_grams" else shares.token_share
        return shares.n_seen > 0 and share >= self.threshold


@dataclass(frozen=True)
class SizeOverlap(ShortRepr):
    """What n-grams of one size say.

    Attributes:
        n: tokens of an n-gram; an item of fewer tokens has none.
        n_grams: how many there are, each place counted.
        n_seen: how many of them occur in the corpus.
        n_covered: tokens inside at least one that does.
        n_tokens: tokens in all.
    """

    n: int
    n_grams: int
    n_seen: int
    n_covered: int
    n_tokens: int

    @property
    def share(self) -> float:
        """Of the n-grams, how many occur; 0 where there is none."""
        return self.n_seen / self.n_grams if self.n_grams else 0.0

    @property
    def token_share(self) -> float:
        """Of the tokens, how many lie inside an n-gram that occurs; 0 where there is none."""
        return self.n_covered / self.n_tokens if self.n_tokens else 0.0

    def plus(self, other: SizeOverlap) -> SizeOverlap:
        """Both together; no n-gram reaches from one into the other."""
        sums = (self.n_grams + other.n_grams, self.n_seen + other.n_seen, self.n_covered + other.n_covered)
        return SizeOverlap(self.n, *sums, self.n_tokens + other.n_tokens)


@dataclass(frozen=True)
class ItemOverlap(Table):
    """An item of the test set beside the corpus.

    Attributes:
        n_tokens: of the item.
        sizes: for each size of n-grams, ascending.
        longest_start: where its longest match begins, in tokens; the first of equally long ones.
        longest_length: tokens of it; 0 if none occurs.
        is_contaminated: the verdict.
    """

    n_tokens: int
    sizes: tuple[SizeOverlap, ...]
    longest_start: int
    longest_length: int
    is_contaminated: bool

    def size(self, n: int) -> SizeOverlap:
        """What the n-grams of one of the sizes say."""
        return next(size for size in self.sizes if size.n == n)

    def columns(self) -> Columns:
        """A row for each size of n-grams."""
        return _size_columns(self.sizes)


@dataclass(frozen=True)
class TotalOverlap(Table):
    """The items so far, together.

    Attributes:
        n_items: how many.
        n_contaminated: of those.
        n_short: of those, how many have fewer tokens than the n-grams that decide, and so can be nothing but clean.
        n_tokens: of all.
        sizes: for each size of n-grams, ascending, summed over the items.
        longest_length: the longest match of any.
    """

    n_items: int
    n_contaminated: int
    n_short: int
    n_tokens: int
    sizes: tuple[SizeOverlap, ...]
    longest_length: int

    def plus(self, item: ItemOverlap, *, is_short: bool) -> TotalOverlap:
        """With one more item."""
        return TotalOverlap(
            self.n_items + 1,
            self.n_contaminated + item.is_contaminated,
            self.n_short + is_short,
            self.n_tokens + item.n_tokens,
            tuple(mine.plus(its) for mine, its in zip(self.sizes, item.sizes, strict=True)),
            max(self.longest_length, item.longest_length),
        )

    def columns(self) -> Columns:
        """A row for each size of n-grams."""
        return _size_columns(self.sizes)


class Overlap(Iterator[ItemOverlap], Table):
    """The items' overlaps, each computed when it is asked for, in the order of the items; made by `overlap`.

    Attributes:
        total: the items that have come so far, together.
        rule: of the verdict.
    """

    _repr_fields = ("rule", "total")

    def __init__(
        self, index: Index, items: Iterable[Query], rule: Rule, sizes: Sequence[int], timeout_s: float | None
    ) -> None:
        """Use `infgram.overlap`."""
        given = several(sizes, "sizes", "sizes of n-grams")
        ascending = sorted({rule.n, *(at_least(size, 1, "a size") for size in given)})
        self.rule = rule
        self.total = TotalOverlap(0, 0, 0, 0, tuple(SizeOverlap(size, 0, 0, 0, 0) for size in ascending), 0)
        self._index, self._watch = checked_index(index), Watch(timeout_s)
        self._items = iter(several(items, "items"))

    def __next__(self) -> ItemOverlap:
        """The next item's."""
        lengths = match_lengths(self._index, token_ids_of(self._index, next(self._items)), self._watch)
        sizes = tuple(size_overlap(lengths, size.n) for size in self.total.sizes)
        longest = int(np.argmax(lengths)) if len(lengths) else 0
        item = ItemOverlap(
            n_tokens=len(lengths),
            sizes=sizes,
            longest_start=longest,
            longest_length=int(lengths[longest]) if len(lengths) else 0,
            is_contaminated=any(self.rule.condemns(size) for size in sizes if size.n == self.rule.n),
        )
        self.total = self.total.plus(item, is_short=len(lengths) < self.rule.n)
        return item

    def columns(self) -> Columns:
        """A row for each item that has not come yet, which this takes; `share_5` is that of the 5-grams."""
        first, items = self.total.n_items, list(self)
        return {
            "item": np.arange(first, first + len(items)),
            **numbers(items, "n_tokens"),
            **numbers(items, "is_contaminated", dtype=np.bool_),
            **numbers(items, "longest_start", "longest_length"),
            **{
                f"share_{size.n}": np.array([item.sizes[place].share for item in items], dtype=np.float64)
                for place, size in enumerate(self.total.sizes)
            },
        }

    def _display(self) -> Columns:
        """The sums so far: to be shown must take no item."""
        return self.total.columns()


def overlap(
    index: Index,
    items: Iterable[Query],
    *,
    n: int = DEFAULT_N,
    threshold: float = 0.0,
    measure: Measure = "n_grams",
    sizes: Sequence[int] = DEFAULT_SIZES,
    timeout_s: float | None = None,
) -> Overlap:
    """How much of each item of a test set stands in the corpus, and whether that makes it contaminated.

    An item is contaminated when at least the share `threshold` of its n-grams (or, by `measure`, of its tokens) is
    found, and at least one n-gram is. The default is GPT-3's rule: any 13-gram (Brown et al., "Language models are
    few-shot learners", 2020, appendix C). PaLM's is n=8 and threshold=0.7 (Chowdhery et al., 2022, section 8), that
    of Llama 2 about n=10, threshold=0.8 and measure="tokens" (Touvron et al., 2023, A.6). They count words or tokens
    of their own; here it is the index's tokens. An item of fewer than n tokens is clean.

    Cost: a search for each token; memory for one item. Nothing is computed before it is asked for.

    Args:
        index: the corpus.
        items: texts or token ids; taken one after the other.
        n: tokens of the n-grams that decide.
        threshold: the least share, from 0 to 1; 0 is met by any n-gram.
        measure: of what: `"n_grams"` that occur, or `"tokens"` inside such.
        sizes: further sizes of n-grams to report on.
        timeout_s: seconds that all items may take; None for no limit.

    Returns:
        An iterator of the items' overlaps, whose `total` grows with them.

    Raises:
        QueryError: an argument is out of range; while iterating, a text is asked of an index without a tokenizer.
        TimeLimitError: while iterating: the time is over.

    Example:
        >>> import infgram, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with infgram.build_from_tokens([[1, 2, 3, 4]], f"{folder}/x", vocab_size=5) as index:
        ...         found = infgram.overlap(index, [[1, 2, 3], [3, 2, 1]], n=2)
        ...         verdicts = [item.is_contaminated for item in found]
        >>> verdicts, found.total.n_contaminated
        ([True, False], 1)
    """
    return Overlap(index, items, Rule(n, threshold, measure), sizes, timeout_s)


def _size_columns(sizes: Sequence[SizeOverlap]) -> Columns:
    counts = numbers(sizes, "n", "n_grams", "n_seen", "n_covered", "n_tokens")
    return {**counts, **numbers(sizes, "share", "token_share", dtype=np.float64)}


def size_overlap(lengths: Int64Array, n: int) -> SizeOverlap:
    """What the n-grams of one size say, from the longest match that begins at each position."""
    seen = lengths[: max(0, len(lengths) - n + 1)] >= n
    starts = np.flatnonzero(seen)
    n_covered = int(np.minimum(np.diff(starts), n).sum()) + n if len(starts) else 0
    return SizeOverlap(n, len(seen), len(starts), n_covered, len(lengths))
