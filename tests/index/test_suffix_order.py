"""The order of all suffixes of corpora too large for the reference, and hard for suffix sorting.

The check is linear and sorts nothing. An order of all places is the suffix order if it has each place once and all
neighbors are in order: by their first tokens or, where these are equal, by the ranks of the places one further on.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

import infgram
from tests.building import token_index
from tests.strategies import Layout

Int64Array = npt.NDArray[np.int64]

N_TOKENS = 100_000
VOCAB_SIZE = 65_536 * 4


def _fibonacci(n: int) -> Int64Array:
    word, longer = np.array([0]), np.array([0, 1])
    while len(longer) < n:
        word, longer = longer, np.concatenate([longer, word])
    return longer[:n].astype(np.int64)


def _thue_morse(n: int) -> Int64Array:
    bits = np.arange(n, dtype=np.int64)
    for shift in (32, 16, 8, 4, 2, 1):
        bits ^= bits >> shift
    return bits & 1


def _random(n: int, n_distinct: int) -> Int64Array:
    return np.random.default_rng(n_distinct).integers(0, n_distinct, n, dtype=np.int64)


def _cut(tokens: Int64Array, n_documents: int) -> list[Int64Array]:
    """Divide `tokens` into documents of uneven lengths, some of them empty."""
    cuts = np.random.default_rng(n_documents).integers(0, len(tokens) + 1, n_documents - 1)
    return np.split(tokens, np.sort(cuts))


CORPORA: dict[str, Callable[[int], list[Int64Array]]] = {
    "one token repeated": lambda n: [np.zeros(n, dtype=np.int64)],
    "one token repeated, in many documents": lambda n: _cut(np.zeros(n, dtype=np.int64), 200),
    "one token repeated, then another": lambda n: [np.repeat(np.array([1, 0, 2]), [n - 2, 1, 1])],
    "alternating": lambda n: [np.arange(n) % 2],
    "a period of a thousand": lambda n: [np.tile(_random(1000, 4), n // 1000)],
    "Fibonacci word": lambda n: [_fibonacci(n)],
    "Thue-Morse word, cut": lambda n: _cut(_thue_morse(n), 7),
    "all distinct, rising": lambda n: [np.arange(n)],
    "all distinct, falling": lambda n: [np.arange(n)[::-1]],
    "all distinct, shuffled": lambda n: _cut(np.random.default_rng(0).permutation(n), 50),
    "one document copied a thousand times": lambda n: [_random(n // 1000, 3)] * 1000,
    "two long documents, the same but for the last token": lambda n: [
        np.append(_random(n // 2, 4), last) for last in (1, 0)
    ],
    "documents of one token": lambda n: np.split(_random(n // 5, 3), n // 5),
    "mostly empty documents": lambda n: _cut(_random(n // 10, 3), n // 5),
    "random over two tokens": lambda n: _cut(_random(n, 2), 30),
    "random over the vocabulary": lambda n: _cut(_random(n, VOCAB_SIZE), 30),
}


@pytest.mark.parametrize("threads", [1, 2, 8])
@pytest.mark.parametrize("name", CORPORA)
def test_suffix_order(name: str, threads: int) -> None:
    documents = CORPORA[name](N_TOKENS)
    vocab_size = VOCAB_SIZE if max(map(_largest, documents)) > 254 else 255
    with token_index(documents, vocab_size=vocab_size, layout=Layout(8, 1, threads)) as index:
        assert_suffix_order(documents, np.array(index.locate([]), dtype=np.int64))
        index.verify()


@pytest.mark.parametrize("threads", [1, 8])
@pytest.mark.parametrize("name", ["random over two tokens", "random over the vocabulary", "documents of one token"])
def test_suffix_order_over_shards(name: str, threads: int) -> None:
    documents = CORPORA[name](N_TOKENS // 10)
    with token_index(documents, vocab_size=VOCAB_SIZE, layout=Layout(8, 4, threads)) as index:
        assert index.n_shards > 1
        assert_suffix_order(documents, np.array(index.locate([]), dtype=np.int64))


@pytest.mark.torture
@pytest.mark.parametrize("threads", [1, 2, 8])
@pytest.mark.parametrize("name", CORPORA)
def test_suffix_order_of_ten_million(name: str, threads: int) -> None:
    """Check with `verify`, and check the smallest suffixes."""
    documents = CORPORA[name](10_000_000)
    largest = max(map(_largest, documents))
    with token_index(
        documents, vocab_size=VOCAB_SIZE if largest < VOCAB_SIZE else 2**24, layout=Layout(8, 1, threads)
    ) as index:
        index.verify()
        assert index.count([]) == sum(map(len, documents))
        first = index.locate([], limit=50)
        suffixes = [documents[document_id][offset : offset + 10_000].tolist() for document_id, offset in first]
        assert suffixes == sorted(suffixes)


def assert_suffix_order(documents: list[Int64Array], order: Int64Array) -> None:
    """Check that `order`, rows of (document, offset), has the places of all tokens in suffix order."""
    lengths = np.array([len(document) for document in documents], dtype=np.int64)
    starts = np.cumsum(lengths + 1) - (lengths + 1)  # each document is followed by its end
    ends = starts + lengths
    text = np.zeros(int(lengths.sum()) + len(documents), dtype=np.int64)
    is_token = np.ones(len(text), dtype=np.bool_)
    is_token[ends] = False
    text[is_token] = np.concatenate(documents)
    assert np.all((order[:, 1] >= 0) & (order[:, 1] < lengths[order[:, 0]])), "a place outside its document"
    positions = starts[order[:, 0]] + order[:, 1]
    assert np.array_equal(np.sort(positions), np.flatnonzero(is_token)), "a place is missing or duplicated"
    rank = np.empty(len(text), dtype=np.int64)
    rank[ends] = np.arange(len(documents))  # ends sort below all tokens, and by position
    rank[positions] = len(documents) + np.arange(len(positions))
    left, right = positions[:-1], positions[1:]
    in_order = (text[left] < text[right]) | ((text[left] == text[right]) & (rank[left + 1] < rank[right + 1]))
    assert np.all(in_order), f"neighbors out of order at rank {int(np.argmin(in_order))}"


def _largest(document: Int64Array) -> int:
    return int(document.max()) if len(document) else 0


def test_the_check_detects_a_wrong_order() -> None:
    documents = [np.array([0, 1, 0, 1]), np.array([0, 1])]
    right = np.array([(0, 2), (1, 0), (0, 0), (0, 3), (1, 1), (0, 1)])
    assert_suffix_order(documents, right)
    for left in range(len(right) - 1):
        swapped = right.copy()
        swapped[[left, left + 1]] = right[[left + 1, left]]
        with pytest.raises(AssertionError, match="out of order"):
            assert_suffix_order(documents, swapped)
    with pytest.raises(AssertionError, match="missing"):
        assert_suffix_order(documents, right[[0, 0, 2, 3, 4, 5]])


def test_locations_are_python_integers() -> None:
    """`locate` returns the document and the offset as Python integers."""
    with token_index([[1, 2, 1]], vocab_size=6) as index:
        places = list(index.locate([1]))
        assert places == [infgram.Location(0, 2), infgram.Location(0, 0)]
        assert all(type(number) is int for place in places for number in place)
