"""All sequences of tokens of an index that hold a text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple, Protocol

import numpy as np

from infgram.errors import QueryError, TokenizerError
from infgram.reprs import named_tuple_repr
from infgram.spelling.automaton import Automaton
from infgram.spelling.vocabulary import Steps, first_steps, further_steps
from infgram.tokenizers import TokenBytes, Tokenizer
from infgram.tokenizers.checks import utf8
from infgram.types import Int64Array

LONGEST_TEXT: Final = 10_000
"""Characters. The automaton takes 1 KiB of memory a byte of text."""

_FEW: Final = 64
"""So few tokens are counted one by one after a sequence; instead of more, whatever follows it is read."""

_AT_ONCE: Final = 1024
"""Sequences followed together."""


class Counts(Protocol):
    """What of an index is asked; the native core has it."""

    @property
    def vocab_size(self) -> int:
        """Token ids go from 0 to `vocab_size - 1`."""

    def count_batch(self, queries: Sequence[Sequence[int]]) -> Int64Array:
        """The count of each query."""

    def next_tokens(self, context: Sequence[int]) -> tuple[Int64Array, Int64Array, int, int]:
        """What follows the whole context: ids, counts, and two sums."""


class Spellings(NamedTuple):
    """Sequences of tokens that hold the text, alike but for the last token.

    The text begins somewhere in the first token and ends somewhere in the last, which may be the same one. A sequence
    is listed once for each place in its first token where the text begins.

    Attributes:
        prefix: the tokens before the last.
        last_tokens: int64.
        counts: int64, how often the prefix with that last token occurs; more than 0.
    """

    prefix: tuple[int, ...]
    last_tokens: Int64Array
    counts: Int64Array

    def __repr__(self) -> str:
        return named_tuple_repr(self)


class _Branch(NamedTuple):
    """A sequence that occurs and ends inside the text; `state` is how far the text was read."""

    tokens: tuple[int, ...]
    state: int


class _Found(NamedTuple):
    """The sequences that hold the text, and those that must be followed."""

    spellings: list[Spellings]
    branches: list[_Branch]


def find_spellings(
    counts: Counts, tokenizer: Tokenizer, text: str, *, ignore_case: bool, max_branches: int
) -> Iterator[Spellings]:
    """Every sequence of tokens that occurs in the index and holds the text, however it falls on their borders.

    Each occurrence of the text in a document lies in one of them, so that the counts add up to its count.

    Method: an automaton reads the text from each byte of each vocabulary entry on. Where a token ends inside the
    text, the sequence is followed by the tokens that go on with it, if any such sequence occurs. Cost: a pass over the
    bytes of the vocabulary, one over its entries for each state in which a token ends, and a search of the index for
    each sequence: some ten thousand for a word and a byte-pair vocabulary of 50,000.

    Args:
        counts: the index.
        tokenizer: its tokenizer.
        text: as it stands in the decoded documents.
        ignore_case: whether characters with the same fold (`infgram.spelling.folding`) are the same.
        max_branches: how many sequences may be followed.

    Raises:
        QueryError: the text is empty, too long, no UTF-8, or has more than `max_branches` sequences to follow.
        TokenizerError: the texts of the tokenizer are not made of the bytes of its tokens.
    """
    walk = _Walk(counts, _vocabulary(tokenizer, counts.vocab_size), _automaton(text, ignore_case))
    spellings, level = walk.begin()
    yield from spellings
    n_branches = 0
    while level:
        n_branches += len(level)
        if n_branches > max_branches:
            raise QueryError(
                f"the text {text!r:.40} begins in {n_branches:,} sequences of tokens or more, and each takes a search "
                f"or several; ask for a longer text, or allow more with max_branches=… (now {max_branches:,})"
            )
        following: list[_Branch] = []
        for first in range(0, len(level), _AT_ONCE):
            spellings, branches = walk.follow(level[first : first + _AT_ONCE])
            yield from spellings
            following += branches
        level = following


class _Walk:
    """One text in one index."""

    def __init__(self, counts: Counts, vocabulary: TokenBytes, automaton: Automaton) -> None:
        self._counts, self._vocabulary, self._automaton = counts, vocabulary, automaton
        self._steps: dict[int, Steps] = {}
        self._count_after = np.zeros(counts.vocab_size, dtype=np.int64)  # of the next token; zeros between uses

    def begin(self) -> _Found:
        """The single tokens."""
        self._refuse_empty_tokens()
        steps = first_steps(self._vocabulary, self._automaton)
        found = _Found([], [])
        counts = self._counts.count_batch([(token,) for token in steps.tokens.tolist()])
        _add(found, (), steps, counts)
        return found

    def follow(self, branches: list[_Branch]) -> _Found:
        """The sequences with one more token."""
        found = _Found([], [])
        queries: list[tuple[int, ...]] = []
        to_count: list[tuple[_Branch, Steps]] = []
        for branch in branches:
            steps = self._steps_after(branch.state)
            if len(steps.tokens) > _FEW:
                _add(found, branch.tokens, steps, self._counts_after(branch.tokens, steps.tokens))
            else:
                queries += [(*branch.tokens, token) for token in steps.tokens.tolist()]
                to_count.append((branch, steps))
        counts = self._counts.count_batch(queries)
        begin = 0
        for branch, steps in to_count:
            end = begin + len(steps.tokens)
            _add(found, branch.tokens, steps, counts[begin:end])
            begin = end
        return found

    def _counts_after(self, prefix: tuple[int, ...], tokens: Int64Array) -> Int64Array:
        """How often each of the tokens follows the prefix."""
        rows, counts, _, _ = self._counts.next_tokens(prefix)
        is_token = rows >= 0  # the end of a document is no token
        rows = rows[is_token]
        self._count_after[rows] = counts[is_token]
        after = self._count_after[tokens]
        self._count_after[rows] = 0
        return after

    def _steps_after(self, state: int) -> Steps:
        if state not in self._steps:
            self._steps[state] = further_steps(self._vocabulary, self._automaton, state)
        return self._steps[state]

    def _refuse_empty_tokens(self) -> None:
        empty = np.flatnonzero(self._vocabulary.lengths == 0)
        if self._counts.count_batch([(token,) for token in empty.tolist()]).any():
            raise TokenizerError("the corpus holds tokens that stand for no text, which no text can be looked for in")


def _add(found: _Found, prefix: tuple[int, ...], steps: Steps, counts: Int64Array) -> None:
    """What occurs of a prefix with one more token; `counts` are those of `steps.tokens`."""
    n_finishing = steps.n_finishing
    occurs = np.flatnonzero(counts[:n_finishing])
    if len(occurs):
        found.spellings.append(Spellings(prefix, steps.tokens[occurs], counts[occurs]))
    goes_on = np.flatnonzero(counts[n_finishing:])
    tokens, states = steps.tokens[n_finishing:][goes_on].tolist(), steps.states[goes_on].tolist()
    found.branches.extend(_Branch((*prefix, token), state) for token, state in zip(tokens, states, strict=True))


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


def _vocabulary(tokenizer: Tokenizer, vocab_size: int) -> TokenBytes:
    vocabulary = tokenizer.token_bytes()
    if vocabulary is None:
        raise TokenizerError(
            "this index's tokenizer puts text together otherwise than from the bytes of its tokens, so a text can only "
            "be looked for in its own tokens; ask without ignore_case and any_tokenization, or build the index with a "
            "byte-level tokenizer, as 'bytes' and 'bpe' are"
        )
    return vocabulary.first(vocab_size)
