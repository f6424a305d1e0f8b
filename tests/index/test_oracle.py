"""Compare every query of an open index with the reference: named cases, then those of Hypothesis.

One index is built for each corpus and layout, and all queries run on it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import astuple
from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, strategies as st

import infgram
from tests.building import BYTES_VOCABULARY, token_index, union_index, width_of
from tests.reference import END_OF_DOCUMENT, Distribution, Prediction, ReferenceIndex
from tests.strategies import (
    LARGEST_VOCABULARY,
    Asked,
    Layout,
    TokenCorpus,
    Tokens,
    asked_corpora,
    layouts,
    texts,
    usual_queries,
)

MIN_COUNTS = (1, 2, 3, 1_000)
TOP_KS = (None, 1, 2, 1_000)
LAYOUTS = [
    Layout(width, shards, threads=(1, 2, 8)[(row + shards) % 3])
    for row, width in enumerate((8, 16, 32))
    for shards in range(1, 6)
]


def _fibonacci(length: int) -> Tokens:
    word, longer = [0], [0, 1]
    while len(longer) < length:
        word, longer = longer, longer + word
    return longer[:length]


NAMED: dict[str, TokenCorpus] = {
    "one empty document": TokenCorpus([[]], 6, (0,)),
    "only empty documents": TokenCorpus([[], [], [], [], []], 6, (0,)),
    "one token": TokenCorpus([[3]], 6, (3,)),
    "one token between empty documents": TokenCorpus([[], [], [3], [], []], 6, (3,)),
    "empty documents at both ends": TokenCorpus([[], [1, 2], [], [2, 1], []], 6, (1, 2)),
    "one token a document": TokenCorpus([[1], [0], [1], [2], [1], [0]], 6, (0, 1, 2)),
    "one token repeated": TokenCorpus([[2] * 100], 6, (2,)),
    "runs of growing length": TokenCorpus([[2] * length for length in range(12)], 6, (2,)),
    "runs of falling length": TokenCorpus([[2] * length for length in range(11, -1, -1)], 6, (2,)),
    "alternating": TokenCorpus([[0, 1] * 30, [1, 0] * 20], 6, (0, 1)),
    "period three": TokenCorpus([[0, 1, 2] * 15, [1, 2, 0] * 10, [0, 1]], 6, (0, 1, 2)),
    "Fibonacci word": TokenCorpus([_fibonacci(89), _fibonacci(55)], 6, (0, 1)),
    "all distinct": TokenCorpus([list(range(20)), list(range(20, 40))], 50, tuple(range(40))[::8]),
    "all distinct, falling": TokenCorpus([list(range(39, -1, -1))], 50, tuple(range(40))[::8]),
    "one document copied": TokenCorpus([[0, 1, 1, 0, 2]] * 12, 6, (0, 1, 2)),
    "each document the start of the next": TokenCorpus([_fibonacci(n) for n in range(1, 12)], 6, (0, 1)),
    "each document the end of the next": TokenCorpus([_fibonacci(34)[-n:] for n in range(1, 12)], 6, (0, 1)),
    "one long repeat in two documents": TokenCorpus([[0, *_fibonacci(34), 2], [1, *_fibonacci(34), 0]], 6, (0, 1, 2)),
    "document joins that look like n-grams": TokenCorpus([[0, 1], [2, 0], [1, 2], [0, 1, 2]], 6, (0, 1, 2)),
    "the lowest and the highest of 8 bits": TokenCorpus([[0, 254, 0], [254, 254], [254, 0]], 255, (0, 254)),
    "a vocabulary one too large for 8 bits": TokenCorpus([[0, 255, 0], [255, 255], [255, 0]], 256, (0, 255)),
    "the lowest and the highest of 16 bits": TokenCorpus([[0, 65_534, 0], [65_534, 65_534]], 65_535, (0, 65_534)),
    "a full vocabulary of 65,536": TokenCorpus([[0, 65_535, 0], [65_535, 65_535]], 65_536, (0, 65_535)),
    "ids of three bytes": TokenCorpus([[0, 69_999, 65_536], [69_999, 65_535, 69_999]], 70_000, (0, 65_536, 69_999)),
    "ids whose bytes sort otherwise": TokenCorpus(
        [[256, 1, 255, 65_280], [1, 256, 257, 255], [65_280, 255]], 65_535, (1, 255, 256, 65_280)
    ),
}


def check_sizes(index: infgram.Index, reference: ReferenceIndex, layout: Layout) -> None:
    assert index.n_tokens == reference.n_tokens
    assert index.n_documents == reference.n_documents
    assert index.vocab_size == reference.vocab_size
    assert index.token_width_bits == width_of(reference.vocab_size, layout)
    assert 1 <= index.n_shards <= reference.n_documents


def check_documents(index: infgram.Index, reference: ReferenceIndex) -> None:
    if isinstance(index, infgram.Index):  # a client has no such method
        assert [*index.document_ids()] == reference.document_ids
    for document_id, tokens in reference.tokens_of.items():
        document = index.document(document_id)
        assert document.document_id == document_id
        assert document.token_ids.tolist() == tokens


def check_counts(index: infgram.Index, reference: ReferenceIndex, queries: list[Tokens]) -> None:
    expected = [reference.count(query) for query in queries]
    assert [index.count(query) for query in queries] == expected
    batch = index.count_batch(queries)
    assert batch.dtype == np.int64
    assert batch.tolist() == expected
    documents = index.document_count_batch(queries)
    assert documents.dtype == np.int64
    assert documents.tolist() == [reference.document_count(query) for query in queries]


def check_find(index: infgram.Index, reference: ReferenceIndex, queries: list[Tokens]) -> None:
    for query in queries:
        ranges = index.find(query)
        assert len(ranges) == index.n_shards, query
        assert all(0 <= lo <= hi for lo, hi in ranges), query
        assert sum(hi - lo for lo, hi in ranges) == reference.count(query), query


def check_locate(index: infgram.Index, reference: ReferenceIndex, queries: list[Tokens]) -> None:
    for query in queries:
        expected = reference.locate(query)
        assert [tuple(place) for place in index.locate(query)] == expected, query
        for limit in (1, 3):
            assert [tuple(place) for place in index.locate(query, limit=limit)] == expected[:limit], (query, limit)


def check_next_token_distribution(index: infgram.Index, reference: ReferenceIndex, contexts: list[Tokens]) -> None:
    for top_k in TOP_KS:
        batch = index.next_token_distribution_batch(contexts, top_k=top_k)
        for context, from_batch in zip(contexts, batch, strict=True):
            expected = reference.next_token_distribution(context, top_k=top_k)
            assert_same_rows(index.next_token_distribution(context, top_k=top_k), expected, (context, top_k))
            assert_same_rows(from_batch, expected, (context, top_k, "batch"))


def check_longest_suffix(index: infgram.Index, reference: ReferenceIndex, contexts: list[Tokens]) -> None:
    for min_count in MIN_COUNTS:
        expected = [reference.longest_suffix(context, min_count=min_count) for context in contexts]
        single = [index.longest_suffix(context, min_count=min_count) for context in contexts]
        batch = index.longest_suffix_batch(contexts, min_count=min_count)
        assert [(found.length, found.count) for found in single] == expected, min_count
        assert [(found.length, found.count) for found in batch] == expected, min_count


def check_infgram_distribution(index: infgram.Index, reference: ReferenceIndex, contexts: list[Tokens]) -> None:
    for min_count, top_k in [*product(MIN_COUNTS, (None,)), (1, 2), (2, 1)]:
        batch = index.infgram_distribution_batch(contexts, min_count=min_count, top_k=top_k)
        for context, from_batch in zip(contexts, batch, strict=True):
            expected = reference.infgram_distribution(context, min_count=min_count, top_k=top_k)
            single = index.infgram_distribution(context, min_count=min_count, top_k=top_k)
            for found in (single, from_batch):
                assert_same_rows(found, expected, (context, min_count, top_k))
                assert found.suffix_length == expected.suffix_length
                assert found.effective_n == expected.suffix_length + 1


def check_infgram_log_prob(
    index: infgram.Index, reference: ReferenceIndex, contexts: list[Tokens], tokens: Iterable[int]
) -> None:
    for context, token, min_count in product(contexts, tokens, (1, 2)):
        found = index.infgram_log_prob(context, token, min_count=min_count)
        expected = reference.infgram_log_prob(context, token, min_count=min_count)
        case = (context, token, min_count)
        assert found.suffix_length == expected.suffix_length, case
        assert found.context_count == expected.context_count, case
        assert found.continuation_count == expected.continuation_count, case
        assert found.is_sparse == expected.is_sparse, case
        assert same_log_prob(float(found), expected.log_prob), case


def check_score(index: infgram.Index, reference: ReferenceIndex, sequences: list[Tokens]) -> None:
    for end, min_count in ((False, 1), (True, 1), (True, 2)):
        batch = index.score_batch(sequences, min_count=min_count, end=end)
        for tokens, from_batch in zip(sequences, batch, strict=True):
            expected = reference.score(tokens, min_count=min_count, end=end)
            for found in (index.score(tokens, min_count=min_count, end=end), from_batch):
                assert_same_scores(found, expected, (tokens, min_count, end))


def check_longest_matches(index: infgram.Index, reference: ReferenceIndex, sequences: list[Tokens]) -> None:
    for tokens in sequences:
        found = index.longest_matches(tokens)
        assert found.lengths.dtype == found.counts.dtype == np.int64
        pairs = list(zip(found.lengths.tolist(), found.counts.tolist(), strict=True))
        assert pairs == reference.longest_matches(tokens), tokens


def check_sessions(index: infgram.Index, reference: ReferenceIndex, sequences: list[Tokens]) -> None:
    """Check sessions token by token, from the middle, and copies."""
    for tokens, min_count in product(sequences, (1, 2)):
        half = len(tokens) // 2
        session = index.session(tokens[:half], min_count=min_count)
        whole = index.session(min_count=min_count)
        whole.extend(tokens[:half])
        for end in range(half, len(tokens) + 1):
            suffix, case = reference.longest_suffix(tokens[:end], min_count=min_count), (tokens, end, min_count)
            for part in (session, whole):
                assert astuple(part.longest_suffix) == suffix, case
                assert part.n_tokens == end
            if end < len(tokens):
                copy = session.copy()
                session.append(tokens[end])
                whole.append(tokens[end])
                assert astuple(copy.longest_suffix) == suffix, case
        found = session.distribution()
        expected = reference.infgram_distribution(tokens, min_count=min_count)
        assert_same_rows(found, expected, (tokens, min_count))
        assert found.suffix_length == expected.suffix_length
        top = session.distribution(top_k=1)
        assert_same_rows(top, reference.infgram_distribution(tokens, min_count=min_count, top_k=1), tokens)


def check_refused(index: infgram.Index, reference: ReferenceIndex) -> None:
    """Check that invalid token ids, and text without a tokenizer, are errors in every query."""
    for token in (-2, END_OF_DOCUMENT, reference.vocab_size, 2**32, 2**63):
        questions: list[Callable[[list[int]], object]] = [
            index.count,
            index.find,
            index.locate,
            index.next_token_distribution,
            index.longest_suffix,
            index.infgram_distribution,
            index.score,
            index.longest_matches,
            index.session,
            index.session().extend,
            lambda query: index.count_batch([[], query]),
        ]
        for question in questions:
            with pytest.raises(infgram.QueryError):
                question([token])
    with pytest.raises(infgram.QueryError):
        index.count("text")


def check_everything(corpus: TokenCorpus, reference: ReferenceIndex, layout: Layout, queries: list[Tokens]) -> None:
    with token_index(corpus.documents, vocab_size=corpus.vocab_size, layout=layout) as index:
        check_answers(index, corpus, reference, layout, queries)


def check_answers(
    index: infgram.Index, corpus: TokenCorpus, reference: ReferenceIndex, layout: Layout, queries: list[Tokens]
) -> None:
    check_sizes(index, reference, layout)
    check_questions(index, corpus, reference, queries)


def check_questions(
    index: infgram.Index, corpus: TokenCorpus, reference: ReferenceIndex, queries: list[Tokens]
) -> None:
    contexts = queries[:12] + queries[-6:]
    check_documents(index, reference)
    check_counts(index, reference, queries)
    check_find(index, reference, queries)
    check_locate(index, reference, queries)
    check_next_token_distribution(index, reference, queries)
    check_longest_suffix(index, reference, queries)
    check_infgram_distribution(index, reference, contexts)
    check_infgram_log_prob(index, reference, contexts[-6:], (*corpus.alphabet, corpus.absent, END_OF_DOCUMENT))
    check_score(index, reference, contexts)
    check_longest_matches(index, reference, contexts)
    check_sessions(index, reference, contexts[-6:])
    check_refused(index, reference)


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: f"{layout.width}bit-{layout.shards}x-{layout.threads}t")
@pytest.mark.parametrize("name", NAMED)
def test_named_corpora(name: str, layout: Layout) -> None:
    corpus = NAMED[name]
    check_everything(corpus, reference_of(name), layout, usual_queries(corpus) + _awkward_queries(corpus))


@given(asked_corpora(), layouts)
def test_any_corpus(asked: Asked, layout: Layout) -> None:
    reference = ReferenceIndex(asked.corpus.documents, asked.corpus.vocab_size)
    check_everything(asked.corpus, reference, layout, asked.queries)


@given(asked_corpora(), st.integers(1, 5))
def test_results_do_not_depend_on_widths_and_threads(asked: Asked, shards: int) -> None:
    """The same corpus at every width it fits and with 1, 2 and 8 threads."""
    corpus, queries = asked
    reference = ReferenceIndex(corpus.documents, corpus.vocab_size)
    narrowest = width_of(corpus.vocab_size)
    wide_enough = [width for width in LARGEST_VOCABULARY if width >= narrowest]
    for width, threads in {(narrowest, 1), (wide_enough[len(wide_enough) // 2], 2), (32, 8)}:
        layout = Layout(width, shards, threads)
        with token_index(corpus.documents, vocab_size=corpus.vocab_size, layout=layout) as index:
            check_sizes(index, reference, layout)
            check_counts(index, reference, queries)
            check_locate(index, reference, [[]])
            check_next_token_distribution(index, reference, queries[-3:])


def test_documents_spread_over_shards() -> None:
    """Check that the layouts of the other tests really have several shards."""
    for shards in range(1, 6):
        with token_index([[0, 1, 2]] * 20, vocab_size=6, layout=Layout(8, shards, 1)) as index:
            assert index.n_shards == shards


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint32, np.int64, np.uint64])
def test_queries_as_arrays(dtype: type[np.integer[Any]]) -> None:
    """Tuples and integer arrays of any width, also non-contiguous ones, are equivalent to lists."""
    corpus = NAMED["Fibonacci word"]
    reference = ReferenceIndex(corpus.documents, corpus.vocab_size)
    with token_index(corpus.documents, vocab_size=corpus.vocab_size) as index:
        for query in usual_queries(corpus):
            array: npt.NDArray[np.integer[Any]] = np.array(query, dtype=dtype)
            assert index.count(array) == index.count(tuple(query)) == reference.count(query)
            assert index.count(np.repeat(array, 2)[::2]) == reference.count(query)
            assert index.count(array[::-1]) == reference.count(query[::-1])
            assert_same_rows(index.infgram_distribution(array), reference.infgram_distribution(query), query)


@given(st.lists(texts, min_size=1, max_size=3), layouts)
def test_a_union_of_indexes(parts: list[list[str]], layout: Layout) -> None:
    """`open([a, b])` returns the results of one index of all documents, in order."""
    documents = [text for part in parts for text in part]
    reference = ReferenceIndex([list(text.encode()) for text in documents], BYTES_VOCABULARY)
    queries = [[], *([token] for token in b"ab\xc3\x20"), list(b"ab"), list(b"ba"), list(b"abab"), list(b"bz")]
    with union_index(parts, layout=layout) as index:
        check_counts(index, reference, queries)
        check_locate(index, reference, queries)
        check_documents(index, reference)
        check_next_token_distribution(index, reference, queries)
        check_score(index, reference, queries)


def assert_same_rows(found: infgram.NextTokenDistribution, expected: Distribution, case: object) -> None:
    assert found.token_ids.dtype == found.counts.dtype == np.int64, case
    assert found.token_ids.tolist() == expected.token_ids, case
    assert found.counts.tolist() == expected.counts, case
    assert found.context_count == expected.context_count, case
    assert found.n_distinct == expected.n_distinct, case
    assert found.is_sparse == expected.is_sparse, case
    assert found.log_probs.dtype == np.float64, case
    assert_same_log_probs(found.log_probs, expected.log_probs, case)


def assert_same_scores(found: infgram.SequenceScore, expected: list[Prediction], case: object) -> None:
    assert found.token_ids.tolist() == [row.token_id for row in expected], case
    assert found.suffix_lengths.tolist() == [row.suffix_length for row in expected], case
    assert found.context_counts.tolist() == [row.context_count for row in expected], case
    assert found.continuation_counts.tolist() == [row.continuation_count for row in expected], case
    assert_same_log_probs(found.log_probs, [row.log_prob for row in expected], case)


def assert_same_log_probs(found: npt.NDArray[np.float64], expected: list[float], case: object) -> None:
    assert len(found) == len(expected), case
    assert all(map(same_log_prob, found.tolist(), expected)), case


def same_log_prob(found: float, expected: float) -> bool:
    return math.isclose(found, expected, rel_tol=1e-12, abs_tol=1e-12)


@lru_cache
def reference_of(name: str) -> ReferenceIndex:
    """Return the reference for all layouts of a named corpus; it caches results."""
    return ReferenceIndex(NAMED[name].documents, NAMED[name].vocab_size)


def _awkward_queries(corpus: TokenCorpus) -> list[Tokens]:
    """Return queries across a document's end, one token too long, absent in the middle, and reversed."""
    joined = [token for document in corpus.documents for token in document]
    first, last = corpus.documents[0], corpus.documents[-1]
    half = len(joined) // 2
    middle, token = joined[half : half + 4], corpus.alphabet[0]
    return [
        joined[-32:],
        [*first[-31:], token],
        [token, *last[:31]],
        [*middle, corpus.absent, *middle],
        [corpus.absent, *middle],
        last[::-1][-32:],
    ]
