"""Compare every query of indexes with removed documents with the reference and with a new index of the others."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

import infgram
from infgram import _core
from infgram.lm import InfgramLM, jelinek_mercer_weights
from infgram.lm.models.infgram_lm import SMOOTHINGS, Smoothing
from tests.building import temporary_folder, token_index
from tests.index import test_oracle as oracle
from tests.lm.test_smoothing import check_model, keeping, keepings, min_counts, orders, sequences
from tests.reference import END_OF_DOCUMENT
from tests.reference_lm import fitted_weights
from tests.removing import Changed, changed_index, remove, write_shard
from tests.search.conjunctions import Numbers, clauses_of, conjunctions
from tests.search.test_search import check as check_search
from tests.strategies import Asked, Layout, TokenCorpus, Tokens, asked_corpora, layouts, usual_queries

removals = st.lists(st.sets(st.integers(0, 7), max_size=4), min_size=1, max_size=3)
gaps = st.lists(st.sampled_from([1, 1, 1, 2, 1000]), min_size=8, max_size=8)


def rounds_of(drawn: list[set[int]], n_documents: int) -> list[set[int]]:
    """Return rounds of documents to remove; at least one of the documents remains."""
    rounds = [{number % n_documents for number in some} for some in drawn]
    if len(set().union(*rounds)) == n_documents:
        kept = sum(map(len, drawn)) % n_documents
        rounds = [some - {kept} for some in rounds]
    return rounds


def numbers_of(drawn: list[int], n_documents: int) -> list[int]:
    return [number - 1 for number in itertools.accumulate(drawn[:n_documents])]


def check_everything(changed: Changed, corpus: TokenCorpus, queries: list[Tokens]) -> None:
    """Ask what the oracle asks of whole indexes."""
    index, reference = changed.index, changed.reference
    contexts = queries[:12] + queries[-6:]
    assert (index.n_tokens, index.n_documents) == (reference.n_tokens, reference.n_documents)
    oracle.check_documents(index, reference)
    check_numbers(changed)
    oracle.check_counts(index, reference, queries)
    oracle.check_find(index, reference, queries)
    oracle.check_locate(index, reference, queries)
    check_ranks(changed, queries)
    oracle.check_next_token_distribution(index, reference, queries)
    oracle.check_longest_suffix(index, reference, contexts)
    oracle.check_infgram_distribution(index, reference, contexts)
    tokens = (*corpus.alphabet, corpus.absent, END_OF_DOCUMENT)
    oracle.check_infgram_log_prob(index, reference, contexts[-6:], tokens)
    oracle.check_score(index, reference, contexts)
    oracle.check_longest_matches(index, reference, contexts)
    oracle.check_sessions(index, reference, contexts[-6:])
    oracle.check_refused(index, reference)
    index._core.verify()


def check_numbers(changed: Changed) -> None:
    """Check the numbers of the documents, and the errors for those that are gone."""
    ids, core = changed.reference.document_ids, changed.index._core
    for begin, limit in ((0, 10**6), (0, 0), (ids[0] + 1, 2), (ids[-1], 3), (ids[-1] + 1, 3)):
        assert core.document_ids(begin, limit).tolist() == [number for number in ids if number >= begin][:limit]
    last = changed.states[-1].first_document + 8000
    for number in {*range(20), *(number + 1 for number in ids), last} - set(ids):
        for question in (changed.index.document, changed.index.document_length, changed.index.document_metadata):
            with pytest.raises(infgram.QueryError, match=rf"document {number} was deleted|no document {number};"):
                question(number)


def check_ranks(changed: Changed, queries: list[Tokens]) -> None:
    """Check that ranks count live suffixes only: those of a range are the occurrences in the shard, in order."""
    index, reference = changed.index, changed.reference
    for query in queries[:8]:
        found = [
            [tuple(index.locate_rank(shard, rank)) for rank in range(lo, hi)]
            for shard, (lo, hi) in enumerate(index.find(query))
        ]
        expected = reference.locate(query)
        assert sorted(itertools.chain.from_iterable(found)) == sorted(expected)
        for places in found:
            assert places == [place for place in expected if place in places]
    for shard, (_, n_live) in enumerate(index.find([])):
        with pytest.raises(infgram.QueryError, match="no rank"):
            index.locate_rank(shard, n_live)


def check_pieces(changed: Changed, queries: list[Tokens], seed: int) -> None:
    """Check spans, what precedes them, samples, windows and duplicates."""
    index, fresh, reference = changed.index, changed.fresh, changed.reference
    for query in filter(None, queries[-4:]):
        spans = list(itertools.combinations(range(len(query) + 1), 2))
        begins, ends = (np.array(ints, dtype=np.int64) for ints in zip(*spans, strict=True))
        assert index.count_spans(query, begins, ends).tolist() == [reference.count(query[a:b]) for a, b in spans]
        heads = sorted(set(query))
        before = [
            (span, head, reference.count([token, *query[a:b]]))
            for span, (a, b) in enumerate(spans)
            for head, token in enumerate(heads)
        ]
        found = zip(*(each.tolist() for each in index._core.count_before(heads, query, begins, ends)), strict=True)
        assert list(found) == [row for row in before if row[2] > 0]
        for limit in (1, 100):
            sample = [tuple(place) for place in index.sample_documents(query, limit=limit, seed=seed)]
            assert sample == reference.sampled_places(query, limit=limit, seed=seed)
            for most_read in (1, 2, 5):
                arguments = (query, limit, seed, most_read)
                assert index._core.sample_documents(*arguments) == fresh.sample_documents(*arguments)
    for number, tokens in reference.tokens_of.items():
        assert index.document_tokens(number, 1, 3).tolist() == tokens[1:3]
    for min_tokens in (1, 2, 3, 7):
        spans_of = dict(zip(reference.document_ids, reference.duplicate_spans(min_tokens), strict=True))
        duplicates = infgram.dedup(index, min_tokens=min_tokens, threads=1)
        by_document = {one.document_id: [tuple(span) for span in one.spans.tolist()] for one in duplicates}
        assert by_document == {number: spans for number, spans in spans_of.items() if spans}


@given(asked_corpora(), removals, gaps, layouts)
def test_any_corpus(asked: Asked, drawn: list[set[int]], gap: list[int], layout: Layout) -> None:
    corpus, n = asked.corpus, len(asked.corpus.documents)
    rounds, numbers = rounds_of(drawn, n), numbers_of(gap, n)
    with changed_index(
        corpus.documents, rounds, vocab_size=corpus.vocab_size, layout=layout, numbers=numbers
    ) as changed:
        check_everything(changed, corpus, asked.queries)


@given(asked_corpora(), removals, gaps, layouts, conjunctions, st.integers(0, 2**64 - 1))
def test_searches_and_pieces(
    asked: Asked,
    drawn: list[set[int]],
    gap: list[int],
    layout: Layout,
    asked_for: list[tuple[Numbers, int | None]],
    seed: int,
) -> None:
    corpus, n = asked.corpus, len(asked.corpus.documents)
    rounds, numbers = rounds_of(drawn, n), numbers_of(gap, n)
    with changed_index(
        corpus.documents, rounds, vocab_size=corpus.vocab_size, layout=layout, numbers=numbers
    ) as changed:
        check_pieces(changed, asked.queries, seed)
        for terms, max_distance in asked_for:
            clauses = clauses_of(terms, asked)
            check_search(changed.index, changed.reference, clauses, max_distance)
            check_sampled_search(changed, clauses, max_distance, seed)


def check_sampled_search(changed: Changed, clauses: Any, max_distance: int | None, seed: int) -> None:
    """Check that samples of occurrences, from which counts are estimated, are those of a new index."""
    found, expected = (core.conjunction(clauses, max_distance) for core in (changed.index._core, changed.fresh))
    assert found.counts() == expected.counts()
    for size in {0, found.counts()[0] // 2, found.counts()[0]}:
        pairs = zip(
            found.sampled_documents(size, seed, lambda n: None),
            expected.sampled_documents(size, seed, lambda n: None),
            strict=True,
        )
        assert all(a.tolist() == b.tolist() for a, b in pairs)


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
@given(
    asked=asked_corpora(),
    drawn=removals,
    layout=layouts,
    keeping_as=keepings,
    n=orders,
    min_count=min_counts,
    fold=st.booleans(),
)
def test_models(
    smoothing: Smoothing,
    asked: Asked,
    drawn: list[set[int]],
    layout: Layout,
    keeping_as: tuple[int, int],
    n: int | None,
    min_count: int,
    fold: bool,
) -> None:
    corpus = asked.corpus
    rounds = rounds_of(drawn, len(corpus.documents))
    end_token = corpus.alphabet[0] if fold else None
    with (
        keeping(*keeping_as),
        changed_index(corpus.documents, rounds, vocab_size=corpus.vocab_size, layout=layout) as changed,
    ):
        model = InfgramLM(changed.index, smoothing, n=n, min_count=min_count, end_token=end_token)
        check_model(changed.index, changed.reference, sequences(asked), model, min_count=min_count)


@given(asked=asked_corpora(), drawn=removals, layout=layouts, keeping_as=keepings, min_count=min_counts)
def test_fitted_weights_and_features(
    asked: Asked, drawn: list[set[int]], layout: Layout, keeping_as: tuple[int, int], min_count: int
) -> None:
    corpus, documents = asked.corpus, sequences(asked)
    rounds = rounds_of(drawn, len(corpus.documents))
    with (
        keeping(*keeping_as),
        changed_index(corpus.documents, rounds, vocab_size=corpus.vocab_size, layout=layout) as changed,
    ):
        weights = jelinek_mercer_weights(changed.index, documents, min_count=min_count, rounds=3)
        expected = fitted_weights(changed.reference, documents, n=None, min_count=min_count, rounds=3)
        np.testing.assert_allclose(weights, expected, rtol=1e-9)
        few_occurrences, memory_bytes = keeping_as
        cores: list[Any] = [changed.index._core, changed.fresh]
        trees = [_core.ContextTree(core, memory_bytes, few_occurrences) for core in cores]
        for document in documents:
            found, of_fresh = (tree.features(document, [0, 1, 2, 5]) for tree in trees)
            assert all(a.tolist() == b.tolist() for a, b in zip(found, of_fresh, strict=True))


HARD: dict[str, tuple[list[Tokens], list[set[int]]]] = {
    "one of two equal documents": ([[0, 1, 2, 0, 1], [0, 1, 2, 0, 1]], [{0}]),
    "the other one": ([[0, 1, 2, 0, 1], [0, 1, 2, 0, 1]], [{1}]),
    "every document of the first shard": ([[0, 1], [1, 0, 1], [2, 0], [0, 1, 2]], [{0}, {1}]),
    "every document of the last shard": ([[0, 1], [1, 0, 1], [2, 0], [0, 1, 2]], [{2, 3}]),
    "all but one": ([[0, 1, 1], [1, 0], [], [0, 1, 1, 0], [1, 1]], [{0, 4}, {1}, {2}]),
    "all but an empty one": ([[0, 1, 1], [1, 0], [], [0, 1, 1, 0]], [{0, 1, 3}]),
    "only empty ones": ([[], [0, 1], [], [1, 0]], [{0}, {2}]),
    "the only one with a token": ([[0, 1], [2, 2, 2], [1, 0]], [{1}]),
    "runs": ([[2] * 40, [2] * 30, [2] * 20, [1, 2]], [{0}, {2}]),
    "nothing": ([[0, 1], [1, 0]], [set()]),
}


@pytest.mark.parametrize("width", [8, 16, 32])
@pytest.mark.parametrize("shards", [1, 2, 3])
@pytest.mark.parametrize("name", HARD)
def test_named_corpora(name: str, shards: int, width: int) -> None:
    documents, rounds = HARD[name]
    corpus = TokenCorpus(documents, 6, (0, 1, 2))
    with changed_index(documents, rounds, vocab_size=6, layout=Layout(width, shards, 1)) as changed:
        check_everything(changed, corpus, usual_queries(corpus))
        check_pieces(changed, usual_queries(corpus), 5)


def test_nothing_remains() -> None:
    """An index whose documents were all removed answers that nothing occurs; no language model can be made of it."""
    documents = HARD["all but one"][0]
    with token_index(documents, vocab_size=6) as index, temporary_folder(100) as folder:
        state = write_shard(folder / "shard", range(5), documents, range(5), 6, 8)
        index._open_core = core = _core.Index([remove(state, range(5), 1)])
        assert (index.n_tokens, index.n_documents, list(index.document_ids())) == (0, 0, [])
        for query in ([], [0], [0, 1], [5]):
            assert (index.count(query), index.document_count(query), index.find(query)) == (0, 0, [(0, 0)])
            assert (index.locate(query), index.longest_suffix(query)) == ([], infgram.LongestSuffix(0, 0))
            found = index.next_token_distribution(query)
            assert (found.token_ids.tolist(), found.context_count, found.n_distinct) == ([], 0, 0)
            assert float(index.infgram_log_prob(query, 0)) == -math.inf
            assert index.longest_matches(query).lengths.tolist() == [0] * len(query)
            assert index.score(query, end=True).continuation_counts.tolist() == [0] * (len(query) + 1)
        assert list(infgram.dedup(index, min_tokens=1, threads=1)) == []
        assert index.search([0]).document_count == 0
        with pytest.raises(infgram.QueryError, match="no document any more"):
            InfgramLM(index, "witten_bell")
        with pytest.raises(infgram.QueryError, match="document 0 was deleted"):
            index.document(0)
        core.verify()


def medium_corpus() -> list[Tokens]:
    """Return some 100,000 tokens of repetitive text: frequent words, phrases, and long passages that recur."""
    random = np.random.default_rng(3)
    weights = 1 / np.arange(1, 91)
    words = random.choice(90, size=60_000, p=weights / weights.sum())
    passages = [random.integers(0, 90, size=700).tolist() for _ in range(6)]
    documents: list[Tokens] = []
    for start in range(0, len(words), 400):
        document = words[start : start + 400].tolist()
        if start % 3 != 0:
            passage = passages[start // 400 % 6]
            cut = int(random.integers(0, 300))
            document[200:200] = passage[cut : cut + int(random.integers(250, 700))]
        documents.append(document)
    documents += [[7] * 900, documents[4], documents[5], [], documents[7][:350]]
    return documents


@pytest.mark.parametrize(("width", "shards"), [(8, 1), (16, 3), (32, 2)])
@pytest.mark.parametrize("kept", [20, 3])
def test_a_larger_corpus_equals_a_new_index(kept: int, width: int, shards: int) -> None:
    """Compare, where continuations are stored and long sequences share their work, with an index of the others."""
    documents = medium_corpus()
    chance = np.random.default_rng(kept)
    order = chance.permutation(len(documents)).tolist()
    n_removed = len(documents) * (kept - 1) // kept if kept == 3 else len(documents) // kept
    rounds = [set(order[: n_removed // 2]), set(order[n_removed // 2 : n_removed])]
    with changed_index(documents, rounds, vocab_size=90, layout=Layout(width, shards, 1)) as changed:
        found: Any = changed.index._core
        fresh: Any = changed.fresh
        removed = sorted(set().union(*rounds))
        texts = [documents[d] for d in [*removed[:4], *changed.reference.document_ids[:3], -1, -2, -5]]
        texts.append(list(itertools.chain.from_iterable(documents[d][100:900] for d in (1, 2, 4, 5))))
        contexts = [[], *([token] for token in range(0, 90, 3)), *(text[:n] for text in texts for n in (1, 2, 5, 300))]
        questions: list[Callable[[Any], Any]] = [
            lambda core: core.count_batch(contexts),
            lambda core: [core.next_tokens(context) for context in contexts],
            lambda core: [core.next_tokens(context, 3) for context in contexts],
            lambda core: [core.infgram(text, m) for text in texts for m in (1, 2, 50)],
            lambda core: [core.infgram_counts(text, 3, m) for text in texts for m in (1, 2)],
            lambda core: [core.score(text, True, m) for text in texts for m in (1, 2, 5)],
            lambda core: [core.longest_matches(text) for text in texts],
            lambda core: [core.locate(context, 50) for context in contexts],
            lambda core: [core.document_count(context) for context in contexts],
            lambda core: [core.sample_documents(context, 9, 1, 40) for context in contexts],
            lambda core: [count_long_spans(core, text) for text in texts],
            lambda core: duplicates_of(core, 50),
            lambda core: core.conjunction([[[1], [2, 3]], [[4]]], 20).documents(),
            lambda core: core.conjunction([[[1], [2, 3]], [[4]]], 20).sampled_documents(300, 2),
        ]
        for number, question in enumerate(questions):
            np.testing.assert_equal(question(found), question(fresh), err_msg=f"question {number}")
        trees = [_core.ContextTree(core, 2**28, 16) for core in (found, fresh)]
        for tree in trees:
            tree.survey(2)
        for smoothing in ("kneser_ney", "witten_bell", "ppm"):
            models = [_core.LanguageModel(tree, smoothing, 0, 1, None, []) for tree in trees]
            scores = [_core.evaluate_models([model], [True], [[]], texts[0], True) for model in models]
            np.testing.assert_array_equal(scores[0][0][0], scores[1][0][0])
            np.testing.assert_array_equal(scores[0][0][1], scores[1][0][1])
        found.verify()


def count_long_spans(core: Any, text: Tokens) -> Any:
    begins = np.arange(0, len(text), 7, dtype=np.int64)
    lengths = np.minimum(len(text) - begins, np.resize([1, 3, 250, 400, 10**6], len(begins)))
    return core.count_spans(text, begins, begins + lengths)


def duplicates_of(core: Any, min_tokens: int) -> Any:
    return core.duplicates(min_tokens, 1).ranges(0, 2**40)
