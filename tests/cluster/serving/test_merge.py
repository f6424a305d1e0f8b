"""Groups of shards in this process return the same results as one index: the tests of the library, on groups."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import infgram
from infgram.cluster import Index
from infgram.cluster.serving.backend import GroupQuery, LocalBackend
from infgram.cluster.serving.layout import Layout as Groups, spread
from infgram.files.manifest import Manifest
from tests.building import BYTES_VOCABULARY, build_texts, build_tokens, temporary_folder
from tests.index import test_oracle as library
from tests.reference import ReferenceIndex
from tests.search import test_search as finding
from tests.search.conjunctions import Numbers, clauses_of, conjunctions
from tests.strategies import Asked, Layout, asked_corpora, layouts, texts, usual_queries

SOME = settings(max_examples=40, deadline=None)
LAYOUTS = [Layout(8, 5, 1), Layout(16, 3, 1), Layout(32, 2, 1), Layout(8, 1, 1)]


def in_groups(folder: Path, n_groups: int) -> Index:
    manifest = Manifest.read(folder)
    sizes = [shard.n_tokens + 1 for shard in manifest.shards]
    return Index(LocalBackend(Groups(manifest, spread(sizes, [1] * n_groups)), folder), folder)


@contextmanager
def grouped_tokens(documents: list[list[int]], vocab_size: int, layout: Layout, n_groups: int) -> Iterator[Index]:
    with temporary_folder(sum(map(len, documents))) as folder:
        build_tokens(documents, folder / "x.infgram", vocab_size=vocab_size, layout=layout).close()
        index = in_groups(folder / "x.infgram", n_groups)
        with index:
            yield index


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: f"{layout.width}bit-{layout.shards}x")
@pytest.mark.parametrize("name", library.NAMED)
def test_named_corpora(name: str, layout: Layout) -> None:
    corpus, reference = library.NAMED[name], library.reference_of(name)
    with grouped_tokens(corpus.documents, corpus.vocab_size, layout, 3) as index:
        library.check_answers(index, corpus, reference, layout, usual_queries(corpus))


@SOME
@given(asked_corpora(), layouts, st.integers(1, 5))
def test_any_corpus(asked: Asked, layout: Layout, n_groups: int) -> None:
    corpus = asked.corpus
    reference = ReferenceIndex(corpus.documents, corpus.vocab_size)
    with grouped_tokens(corpus.documents, corpus.vocab_size, layout, n_groups) as index:
        library.check_answers(index, corpus, reference, layout, asked.queries)


@SOME
@given(asked_corpora(), layouts, st.integers(1, 5), conjunctions)
def test_every_and_of_ors(asked: Asked, layout: Layout, n_groups: int, drawn: list[tuple[Numbers, int | None]]) -> None:
    corpus = asked.corpus
    reference = ReferenceIndex(corpus.documents, corpus.vocab_size)
    with grouped_tokens(corpus.documents, corpus.vocab_size, layout, n_groups) as index:
        for numbers, max_distance in drawn:
            finding.check(index, reference, clauses_of(numbers, asked), max_distance)


@SOME
@given(texts, layouts, st.integers(2, 4))
def test_as_on_one_machine(documents: list[str], layout: Layout, n_groups: int) -> None:
    """Compare what the reference does not define: samples, estimates, spellings, filters, pages, tools."""
    reference = ReferenceIndex([list(text.encode()) for text in documents], BYTES_VOCABULARY)
    everything = "".join(documents)
    with (
        temporary_folder(len(everything)) as folder,
        build_texts(documents, folder / "x", layout=layout) as whole,
        in_groups(folder / "x", n_groups) as index,
    ):
        library.check_find(index, reference, [[], [97], [97, 98]])
        for query, seed in product(("a", "b", "ab", "é", "ba"), (None, 3)):
            for options in ({}, {"max_matches": 2}, {"where": {"number": 1}}, {"limit": 1, "scope": "document"}):
                expected = whole.search(f"{query} OR aa", seed=seed, **options)
                assert index.search(f"{query} OR aa", seed=seed, **options) == expected
                if expected.cursor:
                    more = whole.search(f"{query} OR aa", seed=seed, cursor=expected.cursor, **options)
                    found = index.search(f"{query} OR aa", seed=seed, cursor=expected.cursor, **options)
                    assert found == more
            for most_read in (1, 3, 1_000):
                sample = index.sample_documents(query, limit=3, seed=seed or 0, most_read=most_read)
                assert sample == whole.sample_documents(query, limit=3, seed=seed or 0, most_read=most_read)
            assert index.count(query, ignore_case=True) == whole.count(query, ignore_case=True)
            assert index.search_text(query, ignore_case=True) == whole.search_text(query, ignore_case=True)
            assert index.readings(query) == whole.readings(query)
            both = f"{query} AND b"
            assert index.search(both, any_tokenization=True) == whole.search(both, any_tokenization=True)
        asked = (np.array([97, 98, 32]), np.array([97, 98, 97]), np.array([0, 1, 0, 1]), np.array([1, 2, 2, 3]))
        before, expected_before = (each._core.count_before(*asked) for each in (index, whole))
        assert [column.tolist() for column in before] == [column.tolist() for column in expected_before]
        for shard, (lo, hi) in enumerate(whole.find("a")):
            for rank in range(lo, hi):
                assert index.locate_rank(shard, rank) == whole.locate_rank(shard, rank)
        if everything.strip():
            assert str(infgram.trace(index, everything[:40])) == str(infgram.trace(whole, everything[:40]))
            assert str(infgram.novelty(index, everything[:40])) == str(infgram.novelty(whole, everything[:40]))
        for min_count in (2, 5):
            library.check_score(index, reference, [list(everything.encode()[:30])])
            for end in (False, True):
                left, right = (each.score(everything[:30], min_count=min_count, end=end) for each in (index, whole))
                for name in ("suffix_lengths", "context_counts", "continuation_counts"):
                    assert getattr(left, name).tolist() == getattr(right, name).tolist()
        index.verify()


def test_many_threads_share_messages(tmp_path: Path) -> None:
    """Each thread gets its own answer or error."""
    build_texts(["ab" * 9, "abc", "b"], tmp_path / "x", layout=Layout(8, 3, 1)).close()
    index = in_groups(tmp_path / "x", 3)
    with index:
        backend: Any = index._engine._backend
        n_messages, run = 0, backend.run

        def slow(queries: Any, allow_missing: bool) -> Any:
            nonlocal n_messages
            n_messages += 1
            time.sleep(0.02)
            return run(queries, allow_missing)

        backend.run = slow

        def asked(number: int) -> int | str:
            try:
                return index.count([97 + number % 3] if number % 5 else [300])
            except infgram.QueryError:
                return "refused"

        with ThreadPoolExecutor(32) as threads:
            found = list(threads.map(asked, range(200)))
        expected = {0: 10, 1: 11, 2: 1}
        assert found == [expected[number % 3] if number % 5 else "refused" for number in range(200)]
        assert n_messages < 100

        def fail(queries: Any, allow_missing: bool) -> Any:
            raise infgram.ShardUnavailableError("gone")

        backend.run = fail
        with ThreadPoolExecutor(8) as threads:
            for future in [threads.submit(index.count, "a") for _ in range(20)]:
                with pytest.raises(infgram.ShardUnavailableError, match="gone"):
                    future.result(timeout=60)


class Lossy(LocalBackend):
    """Groups that can be lost."""

    lost: frozenset[int] = frozenset()

    def run(self, queries: Mapping[int, Sequence[GroupQuery]], allow_missing: bool) -> dict[int, list[Any]]:
        found = super().run({group: some for group, some in queries.items() if group not in self.lost}, allow_missing)
        if len(found) < len(queries) and not (allow_missing and found):
            raise infgram.ShardUnavailableError("lost")
        return found


@pytest.fixture
def lossy(tmp_path: Path) -> Iterator[tuple[Index, Lossy]]:
    build_texts(["xabc", "b", "abab"], tmp_path / "x", layout=Layout(8, 3, 1)).close()
    manifest = Manifest.read(tmp_path / "x")
    backend = Lossy(Groups(manifest, (1,) * len(manifest.shards)), tmp_path / "x")
    index = Index(backend, tmp_path / "x")
    with index:
        yield index, backend


def test_a_session_does_not_forget_for_a_partial_answer(lossy: tuple[Index, Lossy]) -> None:
    index, backend = lossy
    session = index.session("xab")
    backend.lost = frozenset({0})
    with infgram.partial_answers() as partial:
        assert session.longest_suffix.length == 2
    assert partial.missing_shards == (0,)
    backend.lost = frozenset()
    session.append(ord("c"))
    assert session.longest_suffix.length == 4


def test_a_missing_document_is_an_error(lossy: tuple[Index, Lossy]) -> None:
    """A missing document is an error, even in a batch with existing ones."""
    index, backend = lossy
    backend.lost = frozenset({0})
    with infgram.partial_answers():
        assert index.document(index.n_documents - 1).text == "abab"
        for question in (lambda: index.document(0), lambda: index._core.document_metadata([2, 0])):
            with pytest.raises(infgram.ShardUnavailableError):
                question()
        assert [hit.document_id for hit in index.search("b", limit=5)] == [1, 2]


def test_queries_of_a_closed_index_raise(lossy: tuple[Index, Lossy]) -> None:
    index, _ = lossy
    index.close()
    for question in (lambda: index.count("a"), lambda: index.longest_suffix_batch(["a"]), index.verify):
        with pytest.raises(infgram.IndexClosedError):
            question()


def test_empty_batches(lossy: tuple[Index, Lossy]) -> None:
    index, _ = lossy
    assert index.count_batch([]).tolist() == index.document_count_batch([]).tolist() == []
    assert index.score_batch([]) == []
    assert index.infgram_distribution_batch([]) == []


def test_queries_that_need_the_files_are_refused(tmp_path: Path) -> None:
    build_texts(["ab", "abc"], tmp_path / "x", layout=Layout(8, 2, 1)).close()
    with in_groups(tmp_path / "x", 2) as index, pytest.raises(infgram.QueryError, match="on one machine"):
        infgram.dedup(index, min_tokens=2)


def test_a_deployment_is_not_reloaded(tmp_path: Path) -> None:
    build_texts(["ab", "abc"], tmp_path / "x", layout=Layout(8, 2, 1)).close()
    with in_groups(tmp_path / "x", 2) as index, pytest.raises(infgram.QueryError, match="deploy its current state"):
        index.reload()


@given(st.lists(st.integers(0, 50), min_size=1, max_size=20), st.lists(st.integers(1, 9), min_size=1, max_size=25))
def test_shards_are_spread_by_size(sizes: list[int], rooms: list[int]) -> None:
    groups = spread(sizes, rooms)
    assert len(groups) == min(len(sizes), len(rooms))
    assert min(groups) >= 1
    assert sum(groups) == len(sizes)


def test_equal_shards_are_spread_evenly_or_by_memory() -> None:
    assert spread([5] * 8, [1, 1]) == (4, 4)
    assert spread([5] * 8, [3, 1]) == (6, 2)
    assert spread([5] * 3, [1] * 8) == (1, 1, 1)
