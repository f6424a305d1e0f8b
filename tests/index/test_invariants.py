"""Invariants of query results on any corpus, without the reference."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given, strategies as st

import infgram
from infgram import END_OF_DOCUMENT
from tests.building import text_index, token_index, union_index
from tests.strategies import Asked, Layout, Tokens, asked_corpora, layouts, texts

Answers = list[object]


@given(asked_corpora(), layouts)
def test_extensions_and_the_end_sum_to_the_context(asked: Asked, layout: Layout) -> None:
    """The counts of `context + [token]` and of the end equal the rows and sum to `context_count`."""
    corpus, contexts = asked
    with token_index(corpus.documents, vocab_size=corpus.vocab_size, layout=layout) as index:
        for context in contexts:
            rows = index.next_token_distribution(context)
            extensions = {token: index.count([*context, token]) for token in corpus.alphabet}
            ends = rows.count_of(END_OF_DOCUMENT)
            assert {token: count for token, count in extensions.items() if count} == {
                token: rows.count_of(token) for token in rows.token_ids.tolist() if token != END_OF_DOCUMENT
            }
            assert sum(extensions.values()) + ends == rows.context_count == int(rows.counts.sum())
            assert rows.context_count == (index.count(context) if context else index.n_tokens + index.n_documents)
            assert ends == (sum(_ends_with(document, context) for document in corpus.documents))


@given(asked_corpora(), layouts)
def test_rows_ascend_and_sum_to_one(asked: Asked, layout: Layout) -> None:
    corpus, contexts = asked
    with token_index(corpus.documents, vocab_size=corpus.vocab_size, layout=layout) as index:
        for context in contexts:
            for rows in (index.next_token_distribution(context), index.infgram_distribution(context)):
                assert np.all(np.diff(rows.token_ids) > 0)
                assert np.all(rows.counts > 0)
                assert rows.n_distinct == len(rows.token_ids) == len(rows.counts) == len(rows.log_probs)
                if rows.context_count:
                    assert math.isclose(float(np.exp(rows.log_probs).sum()), 1.0)
                else:
                    assert len(rows.token_ids) == 0


@given(asked_corpora(), layouts, st.integers(1, 4))
def test_top_k_selects_rows(asked: Asked, layout: Layout, top_k: int) -> None:
    corpus, contexts = asked
    with token_index(corpus.documents, vocab_size=corpus.vocab_size, layout=layout) as index:
        for context in contexts:
            every, top = index.next_token_distribution(context), index.next_token_distribution(context, top_k=top_k)
            assert (top.context_count, top.n_distinct) == (every.context_count, every.n_distinct)
            rows = sorted(zip((-every.counts).tolist(), every.token_ids.tolist(), strict=True))[:top_k]
            assert list(zip((-top.counts).tolist(), top.token_ids.tolist(), strict=True)) == rows


@given(asked_corpora(), layouts)
def test_suffix_ranges_nest(asked: Asked, layout: Layout) -> None:
    """In each shard, the ranges of the extensions are disjoint, ordered, and inside the range of the query."""
    corpus, queries = asked
    with token_index(corpus.documents, vocab_size=corpus.vocab_size, layout=layout) as index:
        for query in queries:
            extensions = [index.find([*query, token]) for token in corpus.alphabet]
            for shard, (first, last) in enumerate(index.find(query)):
                reached = first
                for lo, hi in (ranges[shard] for ranges in extensions):
                    if lo < hi:
                        assert reached <= lo
                        reached = hi
                assert reached <= last


@given(asked_corpora(), st.integers(2, 5), st.sampled_from((1, 2, 8)))
def test_results_do_not_depend_on_shards(asked: Asked, shards: int, threads: int) -> None:
    corpus, queries = asked
    with (
        token_index(corpus.documents, vocab_size=corpus.vocab_size) as whole,
        token_index(corpus.documents, vocab_size=corpus.vocab_size, layout=Layout(8, shards, threads)) as split,
    ):
        for query in queries:
            assert _answers(whole, query) == _answers(split, query)


@given(texts, st.integers(2, 5))
def test_searches_do_not_depend_on_shards(documents: list[str], shards: int) -> None:
    with text_index(documents) as whole, text_index(documents, layout=Layout(8, shards, 1)) as split:
        for query, seed in (("a", None), ("a", 3), ("ab", None), ("ab", 3), ("é", 0)):
            assert whole.search(query, seed=seed) == split.search(query, seed=seed)


@given(texts, texts)
def test_counts_do_not_depend_on_the_order_of_indexes(left: list[str], right: list[str]) -> None:
    with union_index([left, right]) as one, union_index([right, left]) as other:
        for query in ("", "a", "b", "ab", "ba", "é", "a\r\n"):
            assert one.count(query) == other.count(query)
            assert _rows(one.next_token_distribution(query)) == _rows(other.next_token_distribution(query))
            assert one.longest_suffix(query) == other.longest_suffix(query)


@given(asked_corpora(), layouts)
def test_a_larger_min_count_never_lengthens_the_suffix(asked: Asked, layout: Layout) -> None:
    corpus, contexts = asked
    with token_index(corpus.documents, vocab_size=corpus.vocab_size, layout=layout) as index:
        for context in contexts:
            min_counts = (1, 2, 3, 5, 100_000)
            longest = [index.longest_suffix(context, min_count=min_count) for min_count in min_counts]
            lengths = [found.length for found in longest]
            assert lengths == sorted(lengths, reverse=True)
            assert longest[-1] == infgram.LongestSuffix(length=0, count=index.n_tokens)
            for min_count, found in zip(min_counts, longest, strict=True):
                assert found.count == index.count(_last(context, found.length))
                assert found.count >= min_count or found.length == 0
                assert found.length == len(context) or index.count(_last(context, found.length + 1)) < min_count


@given(asked_corpora(), layouts)
def test_the_infgram_is_the_distribution_of_the_longest_suffix(asked: Asked, layout: Layout) -> None:
    corpus, contexts = asked
    with token_index(corpus.documents, vocab_size=corpus.vocab_size, layout=layout) as index:
        for context in contexts:
            used = index.infgram_distribution(context)
            assert used.suffix_length == index.longest_suffix(context).length
            assert _rows(used) == _rows(index.next_token_distribution(_last(context, used.suffix_length)))
            for token in (*corpus.alphabet, END_OF_DOCUMENT):
                found = index.infgram_log_prob(context, token)
                assert found.continuation_count == used.count_of(token)
                assert (found.suffix_length, found.context_count) == (used.suffix_length, used.context_count)
                assert found.is_sparse == used.is_sparse


@given(asked_corpora(), layouts, st.integers(1, 3))
def test_a_score_is_the_log_prob_at_each_position(asked: Asked, layout: Layout, min_count: int) -> None:
    corpus, sequences = asked
    with token_index(corpus.documents, vocab_size=corpus.vocab_size, layout=layout) as index:
        for tokens in sequences[-6:]:
            score = index.score(tokens, min_count=min_count, end=True)
            predicted = [*tokens, END_OF_DOCUMENT]
            assert score.token_ids.tolist() == predicted
            for position, token in enumerate(predicted):
                found = index.infgram_log_prob(tokens[:position], token, min_count=min_count)
                assert score.suffix_lengths[position] == found.suffix_length
                assert score.context_counts[position] == found.context_count
                assert score.continuation_counts[position] == found.continuation_count
                assert score.log_probs[position] == found
            without_end = index.score(tokens, min_count=min_count)
            assert without_end.log_probs.tolist() == score.log_probs[:-1].tolist()


@given(asked_corpora(), layouts)
def test_a_batch_equals_its_single_queries(asked: Asked, layout: Layout) -> None:
    corpus, queries = asked
    with token_index(corpus.documents, vocab_size=corpus.vocab_size, layout=layout) as index:
        assert index.count_batch(queries).tolist() == [index.count(query) for query in queries]
        assert list(index.longest_suffix_batch(queries)) == [index.longest_suffix(query) for query in queries]
        for query, rows, used, score in zip(
            queries,
            index.next_token_distribution_batch(queries),
            index.infgram_distribution_batch(queries),
            index.score_batch(queries),
            strict=True,
        ):
            assert _rows(rows) == _rows(index.next_token_distribution(query))
            assert _rows(used) == _rows(index.infgram_distribution(query))
            assert score.log_probs.tolist() == index.score(query).log_probs.tolist()
        assert index.count_batch([]).tolist() == []
        assert list(index.score_batch([])) == []


@given(asked_corpora(), layouts)
def test_every_document_is_found(asked: Asked, layout: Layout) -> None:
    """The count of each document includes all its copies, and one of its locations is its own start."""
    documents = asked.corpus.documents
    with token_index(documents, vocab_size=asked.corpus.vocab_size, layout=layout) as index:
        assert sum(index.count([token]) for token in asked.corpus.alphabet) == index.n_tokens
        for document_id, document in enumerate(documents):
            if document:
                assert (document_id, 0) in index.locate(document)
                assert len(index.locate(document)) == index.count(document) >= documents.count(document)


def _answers(index: infgram.Index, query: Tokens) -> Answers:
    score = index.score(query[-16:], end=True)
    return [
        index.count(query),
        index.locate(query),
        _rows(index.next_token_distribution(query)),
        index.longest_suffix(query),
        _rows(index.infgram_distribution(query, min_count=2)),
        score.suffix_lengths.tolist(),
        score.log_probs.tolist(),
    ]


def _rows(found: infgram.NextTokenDistribution) -> tuple[list[int], list[int], int, int]:
    return found.token_ids.tolist(), found.counts.tolist(), found.context_count, found.n_distinct


def _last(context: Tokens, length: int) -> Tokens:
    return context[len(context) - length :]


def _ends_with(document: Tokens, context: Tokens) -> bool:
    return document[max(len(document) - len(context), 0) :] == context
