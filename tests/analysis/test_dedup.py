"""Compare duplicates with the reference, for several token widths, shards, threads and unions."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, strategies as st

import infgram
from tests.building import build_tokens, temporary_folder, token_index, union_index, width_of
from tests.reference import ReferenceIndex
from tests.strategies import WIDTHS, Layout, TokenCorpus, Tokens, corpora, layouts, texts

LENGTHS = (1, 2, 3, 5, 9, 17, 1000, 2**70)
PAGE = list(range(3, 40))

NAMED: dict[str, TokenCorpus] = {
    "only empty documents": TokenCorpus([[], []], 50, (0,)),
    "copies of one document": TokenCorpus([PAGE] * 5, 50, (3,)),
    "a copy inside another": TokenCorpus([PAGE, [1, *PAGE, 2], [*PAGE[:20], 1, *PAGE[20:]]], 50, (3,)),
    "one token repeated": TokenCorpus([[2] * 100, [2] * 3, [2] * 40], 50, (2,)),
    "a period": TokenCorpus([[0, 1, 2] * 30], 50, (0,)),
    "only across two documents": TokenCorpus([[1, 2], [3, 4], [1, 2, 3, 4]], 50, (1,)),
    "the last tokens of the text": TokenCorpus([PAGE, PAGE[-9:]], 50, (3,)),
    "spans that touch": TokenCorpus([PAGE[:9], PAGE[20:29], PAGE[:9] + PAGE[20:29]], 50, (3,)),
}


def check(documents: list[Tokens], index: infgram.Index, min_tokens: int, threads: int = 2) -> None:
    found = infgram.dedup(index, min_tokens=min_tokens, threads=threads)
    expected = ReferenceIndex(documents, 2**32).duplicate_spans(min(min_tokens, 10**6))
    by_document = {number: spans for number, spans in enumerate(expected) if spans}
    assert {one.document_id: [tuple(span) for span in one.spans.tolist()] for one in found} == by_document
    assert [one.document_id for one in found] == sorted(by_document)
    spans = list(itertools.chain.from_iterable(expected))
    assert found.totals == (
        len(documents),
        sum(map(len, documents)),
        sum(end - start for start, end in spans),
        len(spans),
        len(by_document),
    )


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("shards", [1, 2, 5])
@pytest.mark.parametrize("corpus", NAMED.values(), ids=NAMED)
def test_named_corpora(corpus: TokenCorpus, shards: int, width: int) -> None:
    layout = Layout(width, shards, threads=1)
    with token_index(corpus.documents, vocab_size=corpus.vocab_size, layout=layout) as index:
        assert index.token_width_bits == width_of(corpus.vocab_size, layout)
        for min_tokens in LENGTHS:
            check(corpus.documents, index, min_tokens)


@given(corpus=corpora(), layout=layouts, min_tokens=st.integers(1, 12))
def test_any_corpus(corpus: TokenCorpus, layout: Layout, min_tokens: int) -> None:
    with token_index(corpus.documents, vocab_size=corpus.vocab_size, layout=layout) as index:
        check(corpus.documents, index, min_tokens, layout.threads)


@given(parts=st.lists(texts, min_size=2, max_size=3), layout=layouts, min_tokens=st.integers(1, 5))
def test_a_union(parts: list[list[str]], layout: Layout, min_tokens: int) -> None:
    """The first copy is kept, whichever index contains it."""
    with union_index(parts, layout=layout) as index:
        documents = [list(text.encode()) for part in parts for text in part]
        check(documents, index, min_tokens)


@pytest.mark.parametrize("shards", [1, 3])
def test_groups_larger_than_a_task(shards: int, tmp_path: Path) -> None:
    """Use more suffixes than one task processes, in groups of every size up to half of them."""
    random = np.random.default_rng(5)
    pages = random.integers(0, 3, (40, 200))
    documents = [pages[page].tolist() for page in (random.integers(0, 40, 10_600) // 2).tolist()]
    layout = Layout(8, shards, threads=2)
    with build_tokens(documents, tmp_path / "x.infgram", vocab_size=10, layout=layout) as index:
        for min_tokens, threads in ((8, 2), (60, 3)):
            check(documents, index, min_tokens, threads)


def test_a_search_can_be_stopped_at_any_time() -> None:
    """Use a corpus with one group, in which every comparison takes long."""
    with token_index([[7] * 400_000], vocab_size=8) as index:
        with pytest.raises(infgram.TimeLimitError, match=r"time limit of 0\.05 s.*timeout_s"):
            infgram.dedup(index, min_tokens=100_000, timeout_s=0.05)

        def stop(progress: infgram.BuildProgress) -> None:
            assert (progress.stage, progress.total, progress.unit) == ("find", 400_000, "tokens")
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            infgram.dedup(index, min_tokens=100_000, progress=stop)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"min_tokens": 0}, "min_tokens is 0"),
        ({"min_tokens": 1.5}, "min_tokens is 1.5"),
        ({"threads": 0}, "threads is 0"),
        ({"timeout_s": 0}, "timeout_s is 0"),
        ({"timeout_s": float("nan")}, "timeout_s is nan"),
    ],
)
def test_wrong_arguments(options: dict[str, float], message: str) -> None:
    with token_index([[1]], vocab_size=8) as index, pytest.raises(infgram.QueryError, match=message):
        infgram.dedup(index, **options)  # type: ignore[arg-type]


def test_duplicates_outlive_the_index() -> None:
    with temporary_folder(0) as folder:
        index = build_tokens([PAGE, PAGE], folder / "x.infgram", vocab_size=50)
        found = infgram.dedup(index, min_tokens=5)
        index.close()
        assert [one.spans.tolist() for one in found] == [[[0, len(PAGE)]]]
        with pytest.raises(infgram.IndexClosedError):
            infgram.dedup(index)
