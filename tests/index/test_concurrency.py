"""Many threads query one open index and get the results of a single thread."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import NamedTuple

import pytest

import infgram
from tests.building import token_index
from tests.reference import ReferenceIndex
from tests.strategies import Layout, Tokens

N_THREADS = 8
ROUNDS = 5
VOCAB_SIZE = 300


class Question(NamedTuple):
    """A query and its expected result."""

    ask: Callable[[], object]
    answer: object


def _documents() -> list[Tokens]:
    rng = random.Random(0)
    unit = [rng.randrange(4) for _ in range(9)]
    random_ones = [[rng.choice((0, 1, 2, 299)) for _ in range(rng.randrange(60))] for _ in range(20)]
    return [*random_ones, [], unit * 6, unit * 6, [1] * 70, *random_ones[:5]]


def _queries(documents: list[Tokens]) -> list[Tokens]:
    rng = random.Random(1)
    cuts = [document[lo : lo + rng.randrange(1, 12)] for document in documents for lo in (0, len(document) // 2)]
    altered = [[*cut[:-1], rng.choice((0, 1, 2, 299, 7))] for cut in cuts]
    return [[], *cuts, *altered]


@pytest.fixture(scope="module")
def reference() -> ReferenceIndex:
    return ReferenceIndex(_documents(), VOCAB_SIZE)


@pytest.fixture(scope="module", params=[1, 4], ids=["1 shard", "4 shards"])
def index(request: pytest.FixtureRequest) -> Iterator[infgram.Index]:
    with token_index(_documents(), vocab_size=VOCAB_SIZE, layout=Layout(8, request.param, 2)) as opened:
        yield opened


def test_threads_get_the_expected_results(index: infgram.Index, reference: ReferenceIndex) -> None:
    questions = list(_questions(index, reference))
    barrier = threading.Barrier(N_THREADS)

    def worker(seed: int) -> int:
        order = questions * ROUNDS
        random.Random(seed).shuffle(order)
        barrier.wait(timeout=60)
        for question in order:
            assert question.ask() == question.answer
        return len(order)

    with ThreadPoolExecutor(N_THREADS) as pool:
        assert list(pool.map(worker, range(N_THREADS))) == [len(questions) * ROUNDS] * N_THREADS


def test_batches_at_the_same_time(index: infgram.Index, reference: ReferenceIndex) -> None:
    """Each thread runs its own batch, of its own size, on the shared pool."""
    queries = _queries(reference.documents)
    barrier = threading.Barrier(N_THREADS)

    def worker(number: int) -> None:
        mine = queries[number::3] * (number + 1)
        expected = [reference.count(query) for query in mine]
        suffixes = [reference.longest_suffix(query) for query in mine]
        scores = [[row.suffix_length for row in reference.score(query)] for query in mine]
        barrier.wait(timeout=60)
        for _ in range(ROUNDS):
            assert index.count_batch(mine).tolist() == expected
            assert [(found.length, found.count) for found in index.longest_suffix_batch(mine)] == suffixes
            assert [score.suffix_lengths.tolist() for score in index.score_batch(mine)] == scores

    with ThreadPoolExecutor(N_THREADS) as pool:
        list(pool.map(worker, range(N_THREADS)))


def test_closing_during_queries(reference: ReferenceIndex) -> None:
    """Each query returns the expected result or raises `IndexClosedError`; nothing crashes."""
    queries = _queries(reference.documents)
    expected = [reference.count(query) for query in queries]
    for _ in range(ROUNDS):
        with token_index(reference.documents, vocab_size=VOCAB_SIZE, layout=Layout(8, 2, 2)) as index:
            started = threading.Barrier(N_THREADS + 1)

            def worker(index: infgram.Index = index, started: threading.Barrier = started) -> None:
                started.wait(timeout=60)
                while True:
                    try:
                        found = index.count_batch(queries).tolist()
                    except infgram.IndexClosedError:
                        return
                    assert found == expected

            with ThreadPoolExecutor(N_THREADS) as pool:
                futures = [pool.submit(worker) for _ in range(N_THREADS)]
                started.wait(timeout=60)
                index.close()
                for future in futures:
                    future.result(timeout=60)


def test_threads_may_open_the_same_index(index: infgram.Index, reference: ReferenceIndex) -> None:
    queries = _queries(reference.documents)[:40]
    expected = [reference.count(query) for query in queries]

    def worker(_: int) -> list[int]:
        with infgram.open(index.paths) as mine:
            return [int(count) for count in mine.count_batch(queries)]

    with ThreadPoolExecutor(N_THREADS) as pool:
        assert list(pool.map(worker, range(N_THREADS * 2))) == [expected] * (N_THREADS * 2)


def _questions(index: infgram.Index, reference: ReferenceIndex) -> Iterator[Question]:
    for query in _queries(reference.documents):
        yield Question(partial(index.count, query), reference.count(query))
        yield Question(partial(_places, index, query), reference.locate(query))
        yield Question(partial(_next_tokens, index, query), reference.next_token_distribution(query)[:3])
        yield Question(partial(_infgram, index, query), reference.infgram_distribution(query, min_count=2)[:3])
        yield Question(partial(_scored, index, query), [row.continuation_count for row in reference.score(query)])


def _places(index: infgram.Index, query: Tokens) -> list[tuple[int, int]]:
    return [(document_id, offset) for document_id, offset in index.locate(query)]


def _next_tokens(index: infgram.Index, query: Tokens) -> object:
    found = index.next_token_distribution(query)
    return found.token_ids.tolist(), found.counts.tolist(), found.context_count


def _infgram(index: infgram.Index, query: Tokens) -> object:
    found = index.infgram_distribution(query, min_count=2)
    return found.token_ids.tolist(), found.counts.tolist(), found.context_count


def _scored(index: infgram.Index, query: Tokens) -> object:
    return index.score(query).continuation_counts.tolist()
