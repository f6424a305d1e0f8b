"""All sequences of tokens of an index that hold a text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from infgram.errors import QueryError, TokenizerError
from infgram.reprs import named_tuple_repr
from infgram.tokenizations.automaton import Automaton
from infgram.tokenizations.vocabulary import Steps, Vocabulary
from infgram.tokenizers import Tokenizer
from infgram.tokenizers.checks import utf8
from infgram.types import Int64Array

LONGEST_TEXT: Final = 10_000
"""Characters. The automaton takes 1 KiB of memory a byte of text."""

_FEW: Final = 64
"""Of more tokens that may follow a sequence, all that do follow it are read instead of each being counted."""

_FEW_HEADS: Final = 8
"""Of more first tokens that end alike, what may follow is looked for first, then which of them come before it."""

_READS_OF_A_SEARCH: Final = 16
"""Occurrences read in the time of one search."""

_NO_ROOT: Final = -1
_NO_STEPS: Final = Steps._make(np.empty(0, dtype=kind) for kind in (np.int64, np.int64, np.int64, np.bool_))


class Counts(Protocol):
    """What of an index is asked; every engine has it."""

    @property
    def vocab_size(self) -> int:
        """Token ids go from 0 to `vocab_size - 1`."""

    def count_spans(self, tokens: Int64Array, begins: Int64Array, ends: Int64Array, /) -> Int64Array:
        """The count of each `tokens[begin:end]`."""

    def count_before(
        self, heads: Int64Array, tokens: Int64Array, begins: Int64Array, ends: Int64Array, /
    ) -> tuple[Int64Array, Int64Array, Int64Array]:
        """Which heads come right before which `tokens[begin:end]`: numbers of spans and of heads, and counts."""

    def next_tokens(self, context: Int64Array, /) -> tuple[Int64Array, Int64Array, int, int]:
        """What follows the whole context: ids, counts, and two sums."""


class Spellings(NamedTuple):
    """Sequences of tokens that hold a text, all of one length; arrays with one row each.

    The text begins in the first token and ends in the last, which may be the same one. A sequence is listed once for
    each place in its first token where the text begins.

    Attributes:
        tokens: int64 of shape (sequences, length).
        counts: int64, occurrences of the sequence; more than 0.
        begins: int64, bytes of the first token before the text.
        is_whole: whether the last token ends where the text does.
    """

    tokens: Int64Array
    counts: Int64Array
    begins: Int64Array
    is_whole: npt.NDArray[np.bool_]

    def where(self, chosen: npt.NDArray[np.bool_]) -> Spellings:
        """Some of them."""
        return Spellings._make([column[chosen] for column in self])

    def __repr__(self) -> str:
        return named_tuple_repr(self)


class TooManySpellings(QueryError):
    """More sequences would have to be followed than are allowed."""


class _Rows(NamedTuple):
    """Sequences that occur and end inside the text, or finish it; all of one length.

    A row with a root begins not with a first token but after any of those that end in the state `roots`.
    """

    tokens: Int64Array
    counts: Int64Array
    begins: Int64Array
    roots: Int64Array
    states: Int64Array
    is_whole: npt.NDArray[np.bool_]

    def where(self, chosen: npt.NDArray[np.bool_]) -> _Rows:
        """Some of them."""
        return _Rows._make([column[chosen] for column in self])


def find_spellings(
    counts: Counts, tokenizer: Tokenizer, text: str, *, ignore_case: bool, max_branches: int
) -> Iterator[Spellings]:
    """Every sequence of tokens that occurs in the index and holds the text, however it falls on their borders.

    Each occurrence of the text in a document lies in exactly one of them, so the counts add up to its count.

    Method: an automaton reads the text from each byte of each vocabulary entry on. Where a token ends inside the text,
    the sequence is extended by the tokens that go on with the text, as long as the sequence occurs. Where many first
    tokens end at the same place of the text, what follows is looked for first, once for all of them, and only then
    which of them come before it: most ways to cut a word in two do not occur.

    Args:
        counts: the index.
        tokenizer: its tokenizer.
        text: as it stands in the decoded documents.
        ignore_case: whether characters with the same fold (`infgram.tokenizations.folding`) are the same.
        max_branches: how many sequences may be followed; each costs a search or two of the index.

    Raises:
        QueryError: the text is empty, too long, no UTF-8.
        TooManySpellings: it has more than `max_branches` sequences to follow.
        TokenizerError: the texts of the tokenizer are not made of the bytes of its tokens.
    """
    automaton = _automaton(text, ignore_case)
    return _Walk(counts, _vocabulary(tokenizer, counts.vocab_size), automaton, text, max_branches).run()


class _Walk:
    """One text in one index."""

    def __init__(
        self, counts: Counts, vocabulary: Vocabulary, automaton: Automaton, text: str, max_branches: int
    ) -> None:
        self._counts, self._vocabulary, self._automaton = counts, vocabulary, automaton
        self._text, self._most, self._n_branches = text, max_branches, 0
        self._steps: dict[int, tuple[Steps, Int64Array]] = {}

    def run(self) -> Iterator[Spellings]:
        self._refuse_empty_tokens()
        steps, counts = self._occurring(self._vocabulary.first_steps(self._automaton))
        heads = _Rows(
            steps.tokens[:, None],
            counts,
            steps.begins,
            np.full(len(counts), _NO_ROOT, dtype=np.int64),
            steps.states,
            steps.is_whole,
        )
        is_finished = heads.states == self._automaton.accept
        yield from _spellings(heads.where(is_finished))
        yield from self._continued(heads.where(~is_finished))

    def _continued(self, heads: _Rows) -> Iterator[Spellings]:
        """The sequences that begin with the heads, which end inside the text."""
        states, n_heads = np.unique(heads.states, return_counts=True)
        crowded = states[n_heads > _FEW_HEADS]
        is_alone = ~np.isin(heads.states, crowded)
        tails: dict[int, list[_Rows]] = {int(root): [] for root in crowded}
        level = _roots(crowded)
        while len(level.states) or level.tokens.shape[1] == 0:
            self._spend(len(level.states))
            found = self._extended(level)
            is_finished = found.states == self._automaton.accept
            finished, level = found.where(is_finished), found.where(~is_finished)
            yield from _spellings(finished.where(finished.roots == _NO_ROOT))
            for root in set(finished.roots.tolist()):
                if root != _NO_ROOT:
                    tails[root].append(finished.where(finished.roots == root))
            if level.tokens.shape[1] == 1:
                level = _joined([level, heads.where(is_alone)])
        for root, rows in tails.items():
            if rows:
                yield from self._headed(heads.where(heads.states == root), rows)

    def _extended(self, level: _Rows) -> _Rows:
        """The rows with one more token, those that occur."""
        n_tokens = level.tokens.shape[1]
        parts: list[_Rows] = []
        to_count: list[_Rows] = []
        states = sorted(set(level.states.tolist()))
        for state in states:
            rows = level if len(states) == 1 else level.where(level.states == state)
            steps, counts = self._steps_after(state)
            pairs = _paired(rows, steps)
            if n_tokens == 0:
                parts.append(pairs._replace(counts=counts))
            elif len(steps.tokens) > _FEW:
                after = [self._counts_after(prefix, steps.tokens) for prefix in rows.tokens]
                parts.append(pairs._replace(counts=np.concatenate(after)))
            else:
                to_count.append(pairs)
        if to_count:
            counted = _joined(to_count)
            parts.append(counted._replace(counts=self._count(counted.tokens)))
        found = _joined(parts) if parts else _paired(level, _NO_STEPS)
        return found.where(found.counts > 0)

    def _headed(self, heads: _Rows, tails: list[_Rows]) -> Iterator[Spellings]:
        """Which of the heads come before which of the tails."""
        n_tails, n_heads = sum(len(rows.counts) for rows in tails), len(heads.counts)
        n_reads = sum(int(np.minimum(rows.counts // _READS_OF_A_SEARCH, n_heads).sum()) for rows in tails)
        self._spend(n_tails + n_reads)
        lengths = np.concatenate([np.full(len(rows.counts), rows.tokens.shape[1]) for rows in tails])
        ends = np.cumsum(lengths)
        flat = np.concatenate([rows.tokens.ravel() for rows in tails])
        numbers, head_numbers, counts = self._counts.count_before(heads.tokens[:, 0], flat, ends - lengths, ends)
        first = 0
        for rows in tails:
            end = first + len(rows.counts)
            here = (numbers >= first) & (numbers < end)
            if here.any():
                of_tail, of_head = numbers[here] - first, head_numbers[here]
                tokens = np.concatenate((heads.tokens[of_head], rows.tokens[of_tail]), axis=1)
                yield Spellings(tokens, counts[here], heads.begins[of_head], rows.is_whole[of_tail])
            first = end

    def _count(self, tokens: Int64Array) -> Int64Array:
        """The count of each row."""
        ends = np.arange(1, len(tokens) + 1) * tokens.shape[1]
        return self._counts.count_spans(tokens.ravel(), ends - tokens.shape[1], ends)

    def _counts_after(self, prefix: Int64Array, tokens: Int64Array) -> Int64Array:
        """How often each of the tokens follows the prefix."""
        rows, counts, _, _ = self._counts.next_tokens(prefix)
        if len(rows) == 0:
            return np.zeros(len(tokens), dtype=np.int64)
        places = np.minimum(np.searchsorted(rows, tokens), len(rows) - 1)
        return np.where(rows[places] == tokens, counts[places], 0)

    def _steps_after(self, state: int) -> tuple[Steps, Int64Array]:
        if state not in self._steps:
            self._steps[state] = self._occurring(self._vocabulary.further_steps(self._automaton, state))
        return self._steps[state]

    def _occurring(self, steps: Steps) -> tuple[Steps, Int64Array]:
        """The steps whose tokens occur, and how often."""
        counts = self._count(steps.tokens[:, None])
        return steps.where(counts > 0), counts[counts > 0]

    def _spend(self, n_branches: int) -> None:
        self._n_branches += n_branches
        if self._n_branches > self._most:
            raise TooManySpellings(
                f"the text {self._text!r:.40} begins in {self._n_branches:,} sequences of tokens or more, and each "
                "takes a search or several; ask for a longer text, or allow more (in Python, max_branches=…, "
                f"now {self._most:,})"
            )

    def _refuse_empty_tokens(self) -> None:
        empty = self._vocabulary.empty_tokens
        if len(empty) and self._count(empty[:, None]).any():
            raise TokenizerError("the corpus holds tokens that stand for no text, which no text can be looked for in")


def _joined(parts: list[_Rows]) -> _Rows:
    if len(parts) == 1:
        return parts[0]
    return _Rows._make(np.concatenate(columns) for columns in zip(*parts, strict=True))


def _roots(states: Int64Array) -> _Rows:
    """Rows of no token, each after the first tokens that end in one state."""
    zeros = np.zeros(len(states), dtype=np.int64)
    return _Rows(np.empty((len(states), 0), dtype=np.int64), zeros, zeros, states, states, zeros.astype(np.bool_))


def _paired(rows: _Rows, steps: Steps) -> _Rows:
    """Each row with each step after it, not counted yet."""
    n_rows, n_steps = len(rows.states), len(steps.tokens)
    of_row = np.arange(n_rows).repeat(n_steps)
    of_step = np.arange(n_rows * n_steps) - of_row * n_steps
    tokens = np.empty((n_rows * n_steps, rows.tokens.shape[1] + 1), dtype=np.int64)
    tokens[:, :-1] = rows.tokens[of_row]
    tokens[:, -1] = steps.tokens[of_step]
    zeros = np.zeros(len(tokens), dtype=np.int64)
    is_whole = steps.is_whole[of_step]
    return _Rows(tokens, zeros, rows.begins[of_row], rows.roots[of_row], steps.states[of_step], is_whole)


def _spellings(rows: _Rows) -> Iterator[Spellings]:
    if len(rows.counts):
        yield Spellings(rows.tokens, rows.counts, rows.begins, rows.is_whole)


def _automaton(text: str, ignore_case: bool) -> Automaton:
    utf8(text)
    if not text:
        raise QueryError("the text is empty, which stands everywhere; expected at least one character")
    if len(text) > LONGEST_TEXT:
        raise QueryError(
            f"the text has {len(text):,} characters, and {LONGEST_TEXT:,} are the most that are looked for in any "
            "case or tokens; ask for a part of it, or without these options"
        )
    return Automaton(text, ignore_case=ignore_case)


def _vocabulary(tokenizer: Tokenizer, vocab_size: int) -> Vocabulary:
    token_bytes = tokenizer.token_bytes()
    if token_bytes is None:
        raise TokenizerError(
            "this index's tokenizer puts text together otherwise than from the bytes of its tokens, so a text can only "
            "be looked for in its own tokens; ask without ignore_case and any_tokenization, or build the index with a "
            "byte-level tokenizer, as 'bytes' and 'bpe' are"
        )
    return Vocabulary.of(token_bytes, vocab_size)
