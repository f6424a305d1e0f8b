"""Compare the reference with cases counted by hand, and with a second algorithm."""

from __future__ import annotations

import ast
import bisect
import itertools
import math
import sys
from pathlib import Path

import pytest
from hypothesis import given

from tests.reference import END_OF_DOCUMENT, Place, ReferenceIndex, Suffix, priority
from tests.strategies import Asked, asked_corpora

# abab | (empty) | ab | b, with a = 0 and b = 1
BY_HAND = ReferenceIndex([[0, 1, 0, 1], [], [0, 1], [1]], vocab_size=3)


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ([], 7),
        ([0], 3),
        ([1], 4),
        ([2], 0),
        ([0, 1], 3),
        ([1, 0], 1),
        ([1, 1], 0),
        ([0, 1, 0, 1], 1),
        ([1, 0, 1, 0], 0),
    ],
)
def test_counts_by_hand(query: list[int], count: int) -> None:
    assert BY_HAND.count(query) == count


def test_duplicate_spans_by_hand() -> None:
    assert BY_HAND.duplicate_spans(1) == [[(2, 4)], [], [(0, 2)], [(0, 1)]]
    assert BY_HAND.duplicate_spans(2) == [[(2, 4)], [], [(0, 2)], []]
    assert BY_HAND.duplicate_spans(3) == [[], [], [], []]
    assert ReferenceIndex([[0, 1, 2, 0, 1, 3, 1, 2]], 4).duplicate_spans(2) == [[(3, 5), (6, 8)]]


def test_suffix_order_by_hand() -> None:
    # ab|0 < ab|2 < abab|0 < b|0 < b|2 < b|3 < bab|0: the end sorts below every token, equal suffixes by document
    assert BY_HAND.suffix_array() == [(0, 2), (2, 0), (0, 0), (0, 3), (2, 1), (3, 0), (0, 1)]


def test_next_tokens_by_hand() -> None:
    whole = BY_HAND.next_token_distribution([])
    assert (whole.token_ids, whole.counts, whole.context_count) == ([END_OF_DOCUMENT, 0, 1], [4, 3, 4], 11)
    after_ab = BY_HAND.next_token_distribution([0, 1])
    assert (after_ab.token_ids, after_ab.counts, after_ab.context_count) == ([END_OF_DOCUMENT, 0], [2, 1], 3)
    assert after_ab.log_probs == [math.log(2 / 3), math.log(1 / 3)]
    absent = BY_HAND.next_token_distribution([1, 1])
    assert (absent.token_ids, absent.counts, absent.context_count, absent.n_distinct) == ([], [], 0, 0)


def test_top_k_by_hand() -> None:
    top = BY_HAND.next_token_distribution([], top_k=2)
    assert (top.token_ids, top.counts, top.context_count, top.n_distinct) == ([END_OF_DOCUMENT, 1], [4, 4], 11, 3)


def test_longest_suffix_by_hand() -> None:
    assert BY_HAND.longest_suffix([2, 1, 0]) == Suffix(2, 1)
    assert BY_HAND.longest_suffix([2, 1, 0], min_count=2) == Suffix(1, 3)
    assert BY_HAND.longest_suffix([2, 1, 0], min_count=4) == Suffix(0, 7)
    assert BY_HAND.longest_suffix([0, 2]) == Suffix(0, 7)
    assert BY_HAND.longest_suffix([]) == Suffix(0, 7)


def test_score_by_hand() -> None:
    # a after nothing: 3 of 11; b after a: 3 of 3; b after ab: 0 of 3; the end after b (abb and bb do not occur): 3 of 4
    rows = BY_HAND.score([0, 1, 1], end=True)
    assert [row.suffix_length for row in rows] == [0, 1, 2, 1]
    assert [row.context_count for row in rows] == [11, 3, 3, 4]
    assert [row.continuation_count for row in rows] == [3, 3, 0, 3]
    assert [row.is_sparse for row in rows] == [False, True, False, False]
    assert rows[2].log_prob == -math.inf
    assert BY_HAND.score([]) == []


def test_search_by_hand() -> None:
    assert BY_HAND.document_count([1]) == 3
    assert BY_HAND.search([[[1]]]) == {0: [1, 3], 2: [1], 3: [0]}
    assert BY_HAND.search([[[1]]], limit=2) == {0: [1, 3], 2: [1]}
    assert BY_HAND.search([[[1, 1]]]) == {}
    with pytest.raises(ValueError, match="empty"):
        BY_HAND.search([[[]]])


def test_an_and_of_ors_by_hand() -> None:
    #                            0  1  2  3  4  5  6  7  8  9
    reference = ReferenceIndex([[0, 1, 2, 0, 3, 3, 3, 3, 1, 0], [0], [1, 0]], vocab_size=4)
    a, b, c = [[0]], [[1]], [[2], [3, 1]]
    assert reference.occurrences([a]) == [(0, 0), (0, 3), (0, 9), (1, 0), (2, 1)]
    assert reference.occurrences([a, b]) == [(0, 0), (0, 3), (0, 9), (2, 1)]
    assert reference.occurrences([a, b], 1) == [(0, 0), (0, 9), (2, 1)]
    assert reference.occurrences([a, b], 2) == [(0, 0), (0, 3), (0, 9), (2, 1)]
    assert reference.occurrences([a, b, c], 1) == []
    assert reference.occurrences([a, b, c], 2) == [(0, 0), (0, 3), (0, 9)]
    assert reference.occurrences([b, a, c], 2) == [(0, 1), (0, 8)]
    assert reference.occurrences([[[0], [0], [0, 1]]]) == reference.occurrences([a])
    assert reference.occurrences([b, [[1]]], 0) == reference.occurrences([b])


def test_priority_is_splitmix64() -> None:
    # The first output of splitmix64 with state 0 is 0xE220A8397B1DCDAF: its finaliser of the golden gamma.
    assert priority(1, 2**64 - 1) == 0xE220A8397B1DCDAF
    assert sorted(range(5), key=lambda document: priority(7, document)) != list(range(5))


def test_ids_outside_the_vocabulary_are_refused() -> None:
    for token in (-1, 3):
        with pytest.raises(ValueError, match="vocabulary"):
            BY_HAND.count([token])
    with pytest.raises(ValueError, match="vocabulary"):
        ReferenceIndex([[3]], vocab_size=3)


def test_the_reference_is_independent_of_infgram() -> None:
    tree = ast.parse((Path(__file__).parent / "reference.py").read_text(encoding="utf-8"))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.split(".")[0] for name in imported} <= sys.stdlib_module_names


@given(asked_corpora())
def test_counts_by_binary_search(asked: Asked) -> None:
    corpus, queries = asked
    reference = ReferenceIndex(corpus.documents, corpus.vocab_size)
    suffixes = [reference.documents[document][offset:] for document, offset in reference.suffix_array()]
    assert all(suffixes)
    assert len(suffixes) == reference.n_tokens
    for query in queries:
        lo = bisect.bisect_left(suffixes, query)
        hi = bisect.bisect_left(suffixes, [*query, corpus.vocab_size])
        assert reference.count(query) == hi - lo
        assert reference.locate(query) == reference.suffix_array()[lo:hi]


@given(asked_corpora())
def test_suffix_order_by_pairs(asked: Asked) -> None:
    reference = ReferenceIndex(asked.corpus.documents, asked.corpus.vocab_size)
    order = reference.suffix_array()
    assert sorted(order) == [
        Place(document, offset)
        for document, tokens in enumerate(asked.corpus.documents)
        for offset in range(len(tokens))
    ]
    for left, right in itertools.pairwise(order):
        assert _precedes(reference.documents, left, right)


@given(asked_corpora())
def test_next_tokens_by_counting_extensions(asked: Asked) -> None:
    corpus, contexts = asked
    reference = ReferenceIndex(corpus.documents, corpus.vocab_size)
    for context in contexts:
        rows = reference.next_token_distribution(context)
        expected = {token: reference.count([*context, token]) for token in corpus.alphabet}
        ends = sum(document[len(document) - len(context) :] == context for document in corpus.documents)
        assert dict(zip(rows.token_ids, rows.counts, strict=True)) == {
            token: count for token, count in {END_OF_DOCUMENT: ends, **expected}.items() if count
        }


@given(asked_corpora())
def test_longest_suffix_by_growing(asked: Asked) -> None:
    corpus, contexts = asked
    reference = ReferenceIndex(corpus.documents, corpus.vocab_size)
    for context in contexts:
        for min_count in (1, 2, 3):
            length = 0
            while length < len(context) and reference.count(context[len(context) - length - 1 :]) >= min_count:
                length += 1
            assert reference.longest_suffix(context, min_count=min_count).length == length


def _precedes(documents: list[list[int]], left: Place, right: Place) -> bool:
    """Compare token by token; the end of the document is −1, so it is below every token."""
    a = [*documents[left.document_id][left.offset :], END_OF_DOCUMENT]
    b = [*documents[right.document_id][right.offset :], END_OF_DOCUMENT]
    for x, y in zip(a, b, strict=False):
        if x != y:
            return x < y
    return left < right
