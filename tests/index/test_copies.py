"""Long repetitive sequences that occur in the corpus, or almost, compared with single searches.

`tests/native/test_match_pass.cpp` has the same with small bounds against a scan, and counts the work. Here the bounds
are the real ones, and the reference is `count`, which knows nothing of passes over sequences.
"""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings, strategies as st

import infgram
from infgram.analysis.matches import match_lengths
from infgram.types import Int64Array
from infgram.watch import Watch
from tests.building import token_index
from tests.strategies import WIDTHS, Layout

VOCABULARY = 200


def _fibonacci(size: int) -> list[int]:
    before, word = [0], [0, 1]
    while len(word) < size:
        before, word = word, word + before
    return word[:size]


def _word(kind: str, number: int, size: int) -> list[int]:
    rng = np.random.default_rng(number)
    if kind == "fibonacci":
        return _fibonacci(size)
    if kind == "thue-morse":
        return [place.bit_count() % 2 for place in range(size)]
    period = {"run": 1, "period": 2 + number % 700, "noise": size}[kind]
    return list(np.resize(rng.integers(0, 3 + number % 50, max(1, period)), size))


_words = st.builds(
    _word,
    st.sampled_from(["fibonacci", "thue-morse", "run", "period", "noise"]),
    st.integers(0, 20),
    st.integers(0, 1500),
)
_cuts = st.lists(st.tuples(st.integers(0, 9), st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=5)


def _cut_and_join(words: list[list[int]], cuts: list[tuple[int, float, float]]) -> list[int]:
    """Draw pieces of the words and concatenate them."""
    pieces = []
    for which, start, end in cuts:
        word = words[which % len(words)]
        pieces.append(word[int(start * len(word) / 2) : len(word) - int(end * len(word) / 2)])
    return [token for piece in pieces for token in piece]


@settings(max_examples=25)
@given(st.lists(_words, min_size=1, max_size=4), _cuts, _cuts, st.sampled_from(WIDTHS), st.integers(1, 5))
def test_every_position(
    words: list[list[int]],
    held: list[tuple[int, float, float]],
    cuts: list[tuple[int, float, float]],
    width: int,
    shards: int,
) -> None:
    documents = [*words, _cut_and_join(words, held), [0]]
    tokens = np.array(_cut_and_join(words, cuts), dtype=np.int64)
    with token_index(documents, vocab_size=VOCABULARY, layout=Layout(width, shards, 1)) as index:
        matches = index.longest_matches(tokens)
        check_matches(index, tokens, matches)
        check_scores(index, tokens, matches)
        blocks = match_lengths(index, tokens, Watch(), block_tokens=300)
        assert np.array_equal(blocks, matches.lengths)
        ends = np.minimum(np.arange(len(tokens)) + matches.lengths + 1, len(tokens))
        counts = index.count_spans(tokens, np.arange(len(tokens)), ends)
        for i in range(0, len(tokens), 17):
            assert counts[i] == index.count(tokens[i : ends[i]])


def check_matches(index: infgram.Index, tokens: Int64Array, matches: infgram.LongestMatches) -> None:
    ends = np.arange(len(tokens)) + matches.lengths
    assert (np.diff(ends) >= 0).all()
    for i in range(len(tokens)):
        assert matches.counts[i] == index.count(tokens[i : ends[i]])
        if ends[i] < len(tokens):
            assert index.count(tokens[i : ends[i] + 1]) == 0


def check_scores(index: infgram.Index, tokens: Int64Array, matches: infgram.LongestMatches) -> None:
    for min_count in (1, 2, 5):
        score = index.score(tokens, end=True, min_count=min_count)
        for t in range(0, len(tokens), 7):
            begin = t - int(score.suffix_lengths[t])
            if begin < t:
                assert score.context_counts[t] == index.count(tokens[begin:t]) >= min_count
            if begin > 0:
                assert index.count(tokens[begin - 1 : t]) < min_count
            assert score.continuation_counts[t] == index.count(tokens[begin : t + 1])
        length, rows = (
            score.suffix_lengths[-1],
            index.next_token_distribution(tokens[len(tokens) - score.suffix_lengths[-1] :]),
        )
        ended = dict(zip(rows.token_ids.tolist(), rows.counts.tolist(), strict=True)).get(infgram.END_OF_DOCUMENT, 0)
        assert (length > 0 and score.continuation_counts[-1] == ended) or length == 0


def test_few_searches_for_a_copied_passage() -> None:
    """This takes a minute if each position is compared with everything after it."""
    rng = np.random.default_rng(1)
    passage = rng.integers(0, VOCABULARY, 300_000)
    periodic = np.resize(passage[:100], 300_000)
    with token_index([passage, periodic], vocab_size=VOCABULARY) as index:
        for copy in (passage, periodic):
            matches = index.longest_matches(copy)
            assert np.array_equal(matches.lengths, np.arange(len(copy), 0, -1))
            score = index.score(copy)
            assert np.array_equal(score.suffix_lengths, np.arange(len(copy)))
        assert matches.counts[0] == 1
        assert infgram.novelty(index, np.tile(periodic, 2)).n_novel.sum() == 0
