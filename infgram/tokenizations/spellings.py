"""Search for all token sequences of an index that contain a text."""

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
"""The maximum length of a text in characters. The automaton takes 1 KiB of memory per byte of text."""

_MAX_COUNTED_STEPS: Final = 64
"""If more tokens may follow a sequence, its next tokens are read once, instead of counting each extended sequence."""

_MAX_HEADS_EXTENDED: Final = 8
"""If more first tokens end in the same state, their common continuations are searched for first."""

_READS_PER_SEARCH: Final = 16
"""The number of occurrences that are read in the time of one search."""

_NO_ROOT: Final = -1
_NO_STEPS: Final = Steps._make(np.empty(0, dtype=kind) for kind in (np.int64, np.int64, np.int64, np.bool_))


class Counts(Protocol):
    """The queries that the search runs on an index; every engine provides them."""

    @property
    def vocab_size(self) -> int:
        """The size of the vocabulary; token ids are 0 to `vocab_size - 1`."""

    def count_spans(self, tokens: Int64Array, begins: Int64Array, ends: Int64Array, /) -> Int64Array:
        """Return the count of each `tokens[begin:end]`."""

    def count_before(
        self, heads: Int64Array, tokens: Int64Array, begins: Int64Array, ends: Int64Array, /
    ) -> tuple[Int64Array, Int64Array, Int64Array]:
        """Count each head immediately before each `tokens[begin:end]`; return span numbers, head numbers and counts."""

    def next_tokens(self, context: Int64Array, /) -> tuple[Int64Array, Int64Array, int, int]:
        """Return the next tokens after the context: ids, counts, the context count, and the number of distinct ids."""


class Spellings(NamedTuple):
    """Token sequences of one length that contain a text, as arrays with one row per sequence.

    The text begins in the first token and ends in the last token, which may be the same. A sequence is listed once for
    each position in its first token at which the text begins.

    Attributes:
        tokens: int64 of shape (sequences, length).
        counts: int64, the number of occurrences of the sequence, at least 1.
        begins: int64, the number of bytes of the first token before the text.
        is_whole: whether the last token ends where the text ends.
    """

    tokens: Int64Array
    counts: Int64Array
    begins: Int64Array
    is_whole: npt.NDArray[np.bool_]

    def where(self, chosen: npt.NDArray[np.bool_]) -> Spellings:
        """Return the chosen rows."""
        return Spellings._make([column[chosen] for column in self])

    def __repr__(self) -> str:
        return named_tuple_repr(self)


class TooManySpellings(QueryError):
    """Raised if a search would follow more sequences than allowed."""


class _Rows(NamedTuple):
    """Token sequences of one length that occur, and end inside the text or complete it.

    A row with a root lacks its first token, which may be any one that ends in the state `roots`.
    """

    tokens: Int64Array
    counts: Int64Array
    begins: Int64Array
    roots: Int64Array
    states: Int64Array
    is_whole: npt.NDArray[np.bool_]

    def where(self, chosen: npt.NDArray[np.bool_]) -> _Rows:
        """Return the chosen rows."""
        return _Rows._make([column[chosen] for column in self])


def find_spellings(
    counts: Counts, tokenizer: Tokenizer, text: str, *, ignore_case: bool, max_branches: int
) -> Iterator[Spellings]:
    """Yield every token sequence that occurs in the index and contains the text, wherever the token borders are.

    Each occurrence of the text in a document is in exactly one of the sequences, so their counts sum to the count of
    the text.

    Method: an automaton reads the text from each byte of each vocabulary entry on. If a token ends inside the text, the
    sequence is extended by the tokens that continue the text, as long as the sequence occurs. If many first tokens end
    at the same position of the text, their common continuations are searched for first, and then the first tokens that
    precede each continuation: most ways to split a word in two do not occur.

    Args:
        counts: the index.
        tokenizer: the tokenizer of the index.
        text: the text, as in the decoded documents.
        ignore_case: whether characters with the same fold (`infgram.tokenizations.folding`) are equal.
        max_branches: the maximum number of sequences to follow; each costs one or two searches of the index.

    Raises:
        QueryError: the text is empty, too long, or not valid UTF-8.
        TooManySpellings: there are more than `max_branches` sequences to follow.
        TokenizerError: the decoded text of the tokenizer is not the bytes of its tokens.
    """
    automaton = _automaton(text, ignore_case)
    return _Search(counts, _vocabulary(tokenizer, counts.vocab_size), automaton, text, max_branches).run()


class _Search:
    """The search for one text in one index."""

    def __init__(
        self, counts: Counts, vocabulary: Vocabulary, automaton: Automaton, text: str, max_branches: int
    ) -> None:
        self._counts, self._vocabulary, self._automaton = counts, vocabulary, automaton
        self._text, self._max_branches, self._n_branches = text, max_branches, 0
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
        """Yield the sequences that begin with the heads, which are first tokens that end inside the text."""
        states, n_heads = np.unique(heads.states, return_counts=True)
        crowded = states[n_heads > _MAX_HEADS_EXTENDED]
        is_alone = ~np.isin(heads.states, crowded)
        tails: dict[int, list[_Rows]] = {int(root): [] for root in crowded}
        level = _roots(crowded)
        while len(level.states) or level.tokens.shape[1] == 0:
            self._add_branches(len(level.states))
            extended = self._extended(level)
            is_finished = extended.states == self._automaton.accept
            finished, level = extended.where(is_finished), extended.where(~is_finished)
            yield from _spellings(finished.where(finished.roots == _NO_ROOT))
            for root in set(finished.roots.tolist()):
                if root != _NO_ROOT:
                    tails[root].append(finished.where(finished.roots == root))
            if level.tokens.shape[1] == 1:
                level = _joined([level, heads.where(is_alone)])
        for root, rows in tails.items():
            if rows:
                yield from self._with_heads(heads.where(heads.states == root), rows)

    def _extended(self, level: _Rows) -> _Rows:
        """Return the rows extended by one token, as far as they occur."""
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
            elif len(steps.tokens) > _MAX_COUNTED_STEPS:
                after = [self._counts_after(prefix, steps.tokens) for prefix in rows.tokens]
                parts.append(pairs._replace(counts=np.concatenate(after)))
            else:
                to_count.append(pairs)
        if to_count:
            counted = _joined(to_count)
            parts.append(counted._replace(counts=self._count(counted.tokens)))
        extended = _joined(parts) if parts else _paired(level, _NO_STEPS)
        return extended.where(extended.counts > 0)

    def _with_heads(self, heads: _Rows, tails: list[_Rows]) -> Iterator[Spellings]:
        """Yield the sequences of a head and a tail that occur."""
        n_tails, n_heads = sum(len(rows.counts) for rows in tails), len(heads.counts)
        n_reads = sum(int(np.minimum(rows.counts // _READS_PER_SEARCH, n_heads).sum()) for rows in tails)
        self._add_branches(n_tails + n_reads)
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
        """Return the count of each row."""
        ends = np.arange(1, len(tokens) + 1) * tokens.shape[1]
        return self._counts.count_spans(tokens.ravel(), ends - tokens.shape[1], ends)

    def _counts_after(self, prefix: Int64Array, tokens: Int64Array) -> Int64Array:
        """Return how often each of the tokens follows the prefix."""
        rows, counts, _, _ = self._counts.next_tokens(prefix)
        if len(rows) == 0:
            return np.zeros(len(tokens), dtype=np.int64)
        nearest = np.minimum(np.searchsorted(rows, tokens), len(rows) - 1)
        return np.where(rows[nearest] == tokens, counts[nearest], 0)

    def _steps_after(self, state: int) -> tuple[Steps, Int64Array]:
        if state not in self._steps:
            self._steps[state] = self._occurring(self._vocabulary.further_steps(self._automaton, state))
        return self._steps[state]

    def _occurring(self, steps: Steps) -> tuple[Steps, Int64Array]:
        """Return the steps whose tokens occur, with their counts."""
        counts = self._count(steps.tokens[:, None])
        return steps.where(counts > 0), counts[counts > 0]

    def _add_branches(self, n_branches: int) -> None:
        self._n_branches += n_branches
        if self._n_branches > self._max_branches:
            raise TooManySpellings(
                f"the search for {self._text!r:.40} would follow at least {self._n_branches:,} token sequences; "
                f"the limit is {self._max_branches:,}; pass a longer text, or raise the limit (in Python, "
                "max_branches=…)"
            )

    def _refuse_empty_tokens(self) -> None:
        empty = self._vocabulary.empty_tokens
        if len(empty) and self._count(empty[:, None]).any():
            raise TokenizerError("the corpus contains tokens without text, so it cannot be searched for text")


def _joined(parts: list[_Rows]) -> _Rows:
    if len(parts) == 1:
        return parts[0]
    return _Rows._make(np.concatenate(columns) for columns in zip(*parts, strict=True))


def _roots(states: Int64Array) -> _Rows:
    """Return a row without tokens for each state, which stands for all first tokens that end in that state."""
    zeros = np.zeros(len(states), dtype=np.int64)
    return _Rows(np.empty((len(states), 0), dtype=np.int64), zeros, zeros, states, states, zeros.astype(np.bool_))


def _paired(rows: _Rows, steps: Steps) -> _Rows:
    """Return each row extended by each step, with counts 0."""
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
        raise QueryError("the text is empty; expected at least one character")
    if len(text) > LONGEST_TEXT:
        raise QueryError(
            f"the text has {len(text):,} characters; expected at most {LONGEST_TEXT:,} with ignore_case or "
            "any_tokenization; pass a part of the text, or leave out these options"
        )
    return Automaton(text, ignore_case=ignore_case)


def _vocabulary(tokenizer: Tokenizer, vocab_size: int) -> Vocabulary:
    token_bytes = tokenizer.token_bytes()
    if token_bytes is None:
        raise TokenizerError(
            "the decoded text of this index's tokenizer is not the bytes of its tokens, so a text can only be searched "
            "for in its own tokens; leave out ignore_case and any_tokenization, or build the index with a byte-level "
            "tokenizer, such as 'bytes' or 'bpe'"
        )
    return Vocabulary.of(token_bytes, vocab_size)
