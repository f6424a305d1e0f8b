"""Overlap: how much of each item of a test set occurs in the corpus, and whether the item is contaminated."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from infgram.analysis.matches import match_lengths
from infgram.analysis.normalized import Characters, Place, Unit, Words, find_pieces
from infgram.analysis.passages import Match, passages_of
from infgram.analysis.rules import OVERLAP_RULES, SAMPLES, Measure, OverlapRule
from infgram.analysis.subject import token_ids_of
from infgram.arguments import at_least, checked_seed, choice, several
from infgram.errors import QueryError
from infgram.index import Index, checked_index, tokenizer_or_none
from infgram.reprs import ShortRepr
from infgram.tables import Columns, Table, numbers
from infgram.types import Int64Array, Query
from infgram.watch import Watch

DEFAULT_SIZES: Final = (5, 8, 10, 13, 20, 50)

_MAX_EVIDENCE_TOKENS: Final = 256  # tokens of a match that are shown as evidence
_SNIPPET_TOKENS: Final = 40  # tokens around a match in a snippet; four times as many characters for words or characters


@dataclass(frozen=True)
class OverlapEvidence(ShortRepr):
    """A piece of an item that occurs in the corpus, with a document that contains it.

    Attributes:
        text: the piece of the item, or the beginning of a long one; empty without a tokenizer.
        document_id: a document that contains the piece.
        snippet: the document's text around the piece; empty without a tokenizer.
        snippet_match_start: the piece is `snippet[snippet_match_start:snippet_match_end]`, in characters.
        snippet_match_end: the end of the piece.
        metadata: the metadata of the document.
        source: the file of the document; None if unknown.
        line: the line or row of the document in the file, from 1; None if the document is the whole file.
    """

    text: str
    document_id: int
    snippet: str
    snippet_match_start: int
    snippet_match_end: int
    metadata: dict[str, Any]
    source: str | None
    line: int | None


@dataclass(frozen=True)
class SizeOverlap(ShortRepr):
    """The overlap for n-grams of one size.

    Attributes:
        n: the size of the n-grams in tokens; an item with fewer tokens has no n-gram.
        n_grams: the number of n-grams, with repetitions.
        n_seen: the number of n-grams that occur in the corpus.
        n_covered: the number of tokens inside at least one n-gram that occurs.
        n_tokens: the number of tokens.
    """

    n: int
    n_grams: int
    n_seen: int
    n_covered: int
    n_tokens: int

    @property
    def share(self) -> float:
        """The share of n-grams that occur; 0 if there is no n-gram."""
        return self.n_seen / self.n_grams if self.n_grams else 0.0

    @property
    def token_share(self) -> float:
        """The share of tokens inside an n-gram that occurs; 0 if there is no token."""
        return self.n_covered / self.n_tokens if self.n_tokens else 0.0

    def plus(self, other: SizeOverlap) -> SizeOverlap:
        """Return the sum of both; no n-gram extends from one into the other."""
        sums = (self.n_grams + other.n_grams, self.n_seen + other.n_seen, self.n_covered + other.n_covered)
        return SizeOverlap(self.n, *sums, self.n_tokens + other.n_tokens)


@dataclass(frozen=True)
class ItemOverlap(Table):
    """The overlap of one item of the test set with the corpus.

    Attributes:
        n_tokens: the number of tokens of the item.
        sizes: the overlap for each size of n-grams, ascending.
        longest_start: the position of the longest match in tokens; the first one if several are equally long.
        longest_length: the length of the longest match in tokens; 0 if no token occurs.
        is_contaminated: the verdict of the rule.
        is_short: whether the item has fewer units than the rule's n. The verdict on such an item is meaningful only if
            the rule compares the whole item instead; the item does not count as clean.
        rule_overlap: the overlap for the n-grams of the rule, in units of the rule: `n_tokens` and `n_covered` count
            words or characters if the rule does.
        evidence: the evidence for a contaminated item; None for other items.
    """

    n_tokens: int
    sizes: tuple[SizeOverlap, ...]
    longest_start: int
    longest_length: int
    is_contaminated: bool
    is_short: bool
    rule_overlap: SizeOverlap
    evidence: OverlapEvidence | None = None

    def size(self, n: int) -> SizeOverlap:
        """Return the overlap for one of the sizes."""
        return next(size for size in self.sizes if size.n == n)

    def columns(self) -> Columns:
        """Return a row for each size of n-grams."""
        return _size_columns(self.sizes)


@dataclass(frozen=True)
class TotalOverlap(Table):
    """The totals of the items processed so far.

    Attributes:
        n_items: the number of items.
        n_contaminated: the number of contaminated items.
        n_short: the number of items that are not contaminated, but too short for the rule.
        n_tokens: the number of tokens of all items.
        sizes: the overlap for each size of n-grams, ascending, summed over the items.
        longest_length: the length of the longest match of any item in tokens.
    """

    n_items: int
    n_contaminated: int
    n_short: int
    n_tokens: int
    sizes: tuple[SizeOverlap, ...]
    longest_length: int

    @property
    def n_clean(self) -> int:
        """The number of items that are neither contaminated nor too short."""
        return self.n_items - self.n_contaminated - self.n_short

    def plus(self, item: ItemOverlap) -> TotalOverlap:
        """Return the totals with one more item."""
        return TotalOverlap(
            self.n_items + 1,
            self.n_contaminated + item.is_contaminated,
            self.n_short + (item.is_short and not item.is_contaminated),
            self.n_tokens + item.n_tokens,
            tuple(mine.plus(its) for mine, its in zip(self.sizes, item.sizes, strict=True)),
            max(self.longest_length, item.longest_length),
        )

    def columns(self) -> Columns:
        """Return a row for each size of n-grams."""
        return _size_columns(self.sizes)


class Overlap(Iterator[ItemOverlap], Table):
    """An iterator of the overlap of each item, in the order of the items; returned by `overlap`.

    Attributes:
        total: the totals of the items returned so far.
        rule: the rule of the verdicts. The `n` of the rule gpt-3 is determined when the first item is computed.
    """

    _repr_fields = ("rule", "total")

    def __init__(
        self,
        index: Index,
        items: Iterable[Query],
        rule: OverlapRule,
        sizes: Sequence[int],
        timeout_s: float | None,
        *,
        fits_n: bool = False,
        seed: int = 0,
    ) -> None:
        """Use `infgram.overlap`."""
        given = [at_least(size, 1, "a size") for size in several(sizes, "sizes", "sizes of n-grams")]
        ascending = sorted({*given, *([rule.n] if rule.unit == "tokens" else [])})
        self.rule = rule
        self.total = TotalOverlap(0, 0, 0, 0, tuple(SizeOverlap(size, 0, 0, 0, 0) for size in ascending), 0)
        self._index, self._watch = checked_index(index), Watch(timeout_s)
        self._items = iter(several(items, "items"))
        self._fits_n, self._random = fits_n, random.Random(seed)
        self._normalized: Iterator[_Normalized] | None = None

    def __next__(self) -> ItemOverlap:
        """Return the overlap of the next item."""
        if self.rule.unit == "tokens":
            query = next(self._items)
            item = self._measured(token_ids_of(self._index, query))
        else:
            if self._normalized is None:
                self._normalized = iter(self._read_corpus())
            item = self._with_verdict(next(self._normalized))
        self.total = self.total.plus(item)
        return item

    def _measured(self, token_ids: Int64Array) -> ItemOverlap:
        """Return the overlap of an item in tokens, with the verdict if the rule counts tokens."""
        lengths = match_lengths(self._index, token_ids, self._watch)
        longest = int(np.argmax(lengths)) if len(lengths) else 0
        rule_overlap = size_overlap(lengths, self.rule.n)
        item = ItemOverlap(
            n_tokens=len(lengths),
            sizes=tuple(size_overlap(lengths, size.n) for size in self.total.sizes),
            longest_start=longest,
            longest_length=int(lengths[longest]) if len(lengths) else 0,
            is_contaminated=self.rule.unit == "tokens" and self.rule.is_contaminated(rule_overlap),
            is_short=len(lengths) < self.rule.n,
            rule_overlap=rule_overlap,
        )
        if not item.is_contaminated:
            return item
        shown = token_ids[longest : longest + min(item.longest_length, _MAX_EVIDENCE_TOKENS)]
        return replace(item, evidence=_evidence_of_tokens(self._index, shown))

    def _with_verdict(self, normalized: _Normalized) -> ItemOverlap:
        """Return the overlap of an item with the verdict of a rule that counts words or characters."""
        places = normalized.places
        seen_starts = [start for start, place in zip(normalized.starts, places, strict=True) if place is not None]
        n = normalized.n
        covered = {unit for start in seen_starts for unit in range(start, start + n)}
        rule_overlap = SizeOverlap(n, len(places), len(seen_starts), len(covered), normalized.n_units)
        is_contaminated = self.rule.is_contaminated(rule_overlap)
        evidence = None
        if is_contaminated:
            start, place = next((start, place) for start, place in zip(normalized.starts, places, strict=True) if place)
            evidence = _evidence_of_place(self._index, normalized, start, place)
        return replace(
            self._measured(token_ids_of(self._index, normalized.text)),
            is_contaminated=is_contaminated,
            is_short=normalized.n_units < self.rule.n,
            rule_overlap=rule_overlap,
            evidence=evidence,
        )

    def _read_corpus(self) -> list[_Normalized]:
        """Convert all items to the units of the rule, and search for their pieces in one pass over the corpus."""
        unit: Unit = Words() if self.rule.unit == "words" else Characters()
        texts = [self._text(item) for item in self._items]
        units = [unit.units(text) for text in texts]
        if self._fits_n and units:
            fifth = int(np.percentile([len(each) for each in units], 5))
            self.rule = replace(self.rule, n=min(max(fifth, 8), 13))
        n = self.rule.n
        starts = [self._starts(len(each)) for each in units]
        pieces = [
            [tuple(each[start : start + n]) for start in of_item] for each, of_item in zip(units, starts, strict=True)
        ]
        places = find_pieces(self._index, (piece for some in pieces for piece in some), unit, self._watch)
        return [
            _Normalized(
                text, unit, len(of_units), min(n, len(of_units)), of_item, [places.get(piece) for piece in some]
            )
            for text, of_units, of_item, some in zip(texts, units, starts, pieces, strict=True)
        ]

    def _starts(self, n_units: int) -> list[int]:
        """Return the starts of the pieces of an item in units; a short item is one piece."""
        n_starts = max(n_units - self.rule.n + 1, min(n_units, 1))
        if self.rule.unit == "characters":
            return sorted(self._random.sample(range(n_starts), min(SAMPLES, n_starts)))
        return list(range(n_starts))

    def _text(self, item: Query) -> str:
        if isinstance(item, str):
            return item
        return self._index.tokenizer.decode(token_ids_of(self._index, item))

    def columns(self) -> Columns:
        """Return a row for each remaining item, which consumes the iterator; `share_5` is the share of the 5-grams."""
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
        """Return the totals so far; display must not consume items."""
        return self.total.columns()


@dataclass(frozen=True)
class _Normalized:
    """An item in words or characters: its pieces of `n` units, their starts, and an occurrence of each or None."""

    text: str
    unit: Unit
    n_units: int
    n: int
    starts: list[int]
    places: list[Place | None]


def _evidence_of_tokens(index: Index, token_ids: Int64Array) -> OverlapEvidence:
    ((document_id, offset),) = index.locate(token_ids, limit=1)
    tokenizer = tokenizer_or_none(index)
    (passage,) = passages_of(index, tokenizer, document_id, [Match(offset, len(token_ids), 0)], _SNIPPET_TOKENS)
    text = "" if tokenizer is None else tokenizer.decode(token_ids)
    return OverlapEvidence(
        text, document_id, passage.text, *passage.places[0], **index.provenance(document_id)._asdict()
    )


def _evidence_of_place(index: Index, item: _Normalized, start: int, place: Place) -> OverlapEvidence:
    ranges = list(item.unit.places(item.text))
    text = item.text[ranges[start][0] : ranges[start + item.n - 1][1]]
    document = index.tokenizer.decode(index.document_tokens(place.document_id))
    first = max(0, place.start - 2 * _SNIPPET_TOKENS)
    return OverlapEvidence(
        text,
        place.document_id,
        document[first : place.end + 2 * _SNIPPET_TOKENS],
        place.start - first,
        place.end - first,
        **index.provenance(place.document_id)._asdict(),
    )


def overlap(
    index: Index,
    items: Iterable[Query],
    *,
    rule: str | None = None,
    n: int | None = None,
    threshold: float | None = None,
    measure: Measure | None = None,
    sizes: Sequence[int] = DEFAULT_SIZES,
    timeout_s: float | None = None,
    seed: int = 0,
) -> Overlap:
    """Compare each item of a test set with the corpus, and decide whether it is contaminated.

    An item is contaminated if at least one of its n-grams occurs in the corpus, and the share of n-grams that occur is
    at least `threshold`. With `measure="tokens"`, the share of tokens inside such n-grams counts instead. By default,
    any run of 13 *tokens* of the index contaminates an item. `rule` selects a rule of the literature instead; each is
    described in `infgram.OVERLAP_RULES`:

    - `"gpt-3"`: any n-gram of *words* in lower case without punctuation. n is the 5th percentile of the items' lengths,
      limited to 8 to 13. A shorter item is compared as a whole.
    - `"palm"`: 70% of the 8-grams of tokens.
    - `"llama-2"`: 80% of the tokens inside runs of 10 tokens; without the paper's skipgram budget of four tokens.
    - `"gpt-4"`: any of three random pieces of 50 letters and digits. A shorter item is compared as a whole.

    `n`, `threshold` and `measure` modify the rule. An item that is too short for the rule has `is_short`, and does not
    count as clean.

    Cost: one search per token; memory for one item. Each item is computed when the iterator is advanced. `"gpt-3"` and
    `"gpt-4"` read all items first, and then every document of the corpus once, at about a million words per second.

    Args:
        index: the corpus.
        items: texts or token ids; consumed one by one.
        rule: the name of a rule; None for n-grams of tokens.
        n: the size of the n-grams of the rule, in its units.
        threshold: the minimum share, from 0 to 1; 0 means any n-gram.
        measure: the share to compare: of the `"n_grams"` that occur, or of the `"tokens"` inside such n-grams.
        sizes: further sizes of n-grams of tokens to report.
        timeout_s: time limit in seconds for all items; None for no limit.
        seed: the seed of the random pieces of `"gpt-4"`.

    Returns:
        An iterator of the overlap of each item, whose `total` covers the items returned so far.

    Raises:
        QueryError: an argument is out of range; while iterating, if an item is text and the index has no tokenizer.
        TimeLimitError: while iterating, if the time limit was exceeded.

    Examples:
        >>> import infgram, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with infgram.build_from_tokens([[1, 2, 3, 4]], f"{folder}/x", vocab_size=5) as index:
        ...         overlap = infgram.overlap(index, [[1, 2, 3], [3, 2, 1]], n=2)
        ...         verdicts = [item.is_contaminated for item in overlap]
        >>> verdicts, overlap.total.n_contaminated
        ([True, False], 1)
    """
    checked_index(index)
    checked_seed(seed)
    chosen = _rule_of(rule)
    changed = replace(
        chosen,
        n=chosen.n if n is None else n,
        threshold=chosen.threshold if threshold is None else threshold,
        measure=chosen.measure if measure is None else measure,
    )
    if chosen.name and changed != chosen:
        changed = replace(changed, name=f"after {chosen.name}, changed")
    if changed.unit != "tokens":
        if changed.measure != "n_grams":
            raise QueryError(f"the rule {rule!r} counts {changed.unit}; expected measure 'n_grams'")
        if tokenizer_or_none(index) is None:
            raise QueryError(
                f"the rule {rule!r} counts {changed.unit}, but {index.paths[0]} holds no tokenizer; "
                "choose a rule that counts tokens: 'palm', 'llama-2', or n=…"
            )
    return Overlap(
        index, items, changed, sizes, timeout_s, fits_n=chosen.name == "gpt-3" and n is None, seed=checked_seed(seed)
    )


def _rule_of(name: str | None) -> OverlapRule:
    if name is None:
        return OverlapRule()
    return OVERLAP_RULES[choice(name, "rule", OVERLAP_RULES)]


def _size_columns(sizes: Sequence[SizeOverlap]) -> Columns:
    counts = numbers(sizes, "n", "n_grams", "n_seen", "n_covered", "n_tokens")
    return {**counts, **numbers(sizes, "share", "token_share", dtype=np.float64)}


def size_overlap(lengths: Int64Array, n: int) -> SizeOverlap:
    """Return the overlap for n-grams of size `n`, given the longest match that begins at each position."""
    seen = lengths[: max(0, len(lengths) - n + 1)] >= n
    starts = np.flatnonzero(seen)
    n_covered = int(np.minimum(np.diff(starts), n).sum()) + n if len(starts) else 0
    return SizeOverlap(n, len(seen), len(starts), n_covered, len(lengths))
