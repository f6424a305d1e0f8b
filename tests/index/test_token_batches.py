"""`Index.token_batches`: each token once an epoch, in an order that seed and epoch determine."""

from __future__ import annotations

import pickle
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

import infgram
from infgram.token_batches import shuffled
from tests.building import build_tokens, token_index
from tests.strategies import Layout, layouts

END = 7

corpora = st.lists(st.lists(st.integers(0, 6), max_size=12), min_size=1, max_size=8)
sizes = st.integers(1, 5)


@given(corpora, layouts, sizes, sizes, st.integers(1, 4), st.integers(0, 2**63), st.integers(0, 3))
def test_each_sequence_is_in_one_batch(
    documents: list[list[int]], layout: Layout, n_rows: int, length: int, world_size: int, seed: int, epoch: int
) -> None:
    stream = [token for document in documents for token in [*document, END]]
    stream += [END] * (-len(stream) % length)
    expected = Counter(tuple(stream[at : at + length]) for at in range(0, len(stream), length))
    with token_index(documents, vocab_size=7, layout=layout) as index:
        found: Counter[tuple[int, ...]] = Counter()
        for rank in range(world_size):
            batches = index.token_batches(
                n_rows, length, seed=seed, epoch=epoch, rank=rank, world_size=world_size, end_of_text=END
            )
            assert batches.n_sequences == expected.total()
            assert len(batches) == -(-batches.n_sequences // (n_rows * world_size))
            for step, batch in enumerate(batches):
                assert batch.shape[0] <= n_rows
                assert batch.shape[1] == length
                if step < len(batches) - 1:
                    assert batch.shape[0] == n_rows
                found.update(tuple(row) for row in batch.tolist())
        assert found == expected
        whole = index.token_batches(n_rows, length, end_of_text=END, drop_last=True)
        assert len(whole) == expected.total() // n_rows
        assert all(batch.shape == (n_rows, length) for batch in whole)


@given(st.integers(1, 3000), st.integers(0, 2**64), st.integers(0, 2**40))
def test_shuffled_is_a_permutation(n: int, seed: int, epoch: int) -> None:
    found = shuffled(np.arange(n), n, seed, epoch)
    assert sorted(found.tolist()) == list(range(n))
    assert shuffled(np.array([n - 1, 0]), n, seed, epoch).tolist() == [found[-1], found[0]]


def test_the_order_depends_on_seed_and_epoch() -> None:
    numbers = np.arange(1000)
    orders = [shuffled(numbers, 1000, seed, epoch) for seed in (0, 1) for epoch in (0, 1)]
    for i, first in enumerate(orders):
        assert 300 < np.abs(first - numbers).mean() < 366  # 333 is expected of a random order
        for second in orders[:i]:
            assert (first == second).sum() < 20
    assert orders[0][:5].tolist() == shuffled(np.arange(5), 1000, 0, 0).tolist()


@pytest.mark.parametrize("n", [2**32 + 1, 2**40])
def test_large_epochs(n: int) -> None:
    found = shuffled(np.arange(1000), n, 1, 2)
    assert len(set(found.tolist())) == 1000
    assert 0 <= found.min() < found.max() < n


def test_batches_resume_and_travel(tmp_path: Path) -> None:
    with build_tokens([list(range(50)), [1] * 30], tmp_path / "x", vocab_size=60, layout=Layout(16, 2, 1)) as index:
        batches = index.token_batches(2, 7, seed=3, end_of_text=60)
        copy = pickle.loads(pickle.dumps(batches))  # noqa: S301  # our own
        for step, batch in enumerate(batches):
            np.testing.assert_array_equal(copy[step], batch)
        with pytest.raises(IndexError, match="step is 6"):
            batches[len(batches)]


def test_batches_travel_in_the_state_that_they_read(tmp_path: Path) -> None:
    path = tmp_path / "x"
    with build_tokens([[1, 2], [3], [4, 5]], path, vocab_size=7) as index:
        before = index.token_batches(1, 2, end_of_text=END)
        expected = [batch.tolist() for batch in before]
        infgram.delete(path, documents=[0])
        for reload in (lambda: None, index.reload):
            reload()
            assert [batch.tolist() for batch in before] == expected
            with pytest.raises(infgram.IndexDamagedError, match="not the index that was pickled"):
                pickle.loads(pickle.dumps(before))  # noqa: S301  # our own
        after = index.token_batches(1, 2, end_of_text=END)
        copy = pickle.loads(pickle.dumps(after))  # noqa: S301  # our own
        assert [batch.tolist() for batch in copy] == [batch.tolist() for batch in after] != expected


def test_batches_have_one_epoch() -> None:
    with token_index([[1, 2]], vocab_size=3) as index:
        batches = index.token_batches(1, 2, end_of_text=3)
        with pytest.raises(AttributeError, match="epoch"):
            batches.epoch = 3  # type: ignore[attr-defined]


@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_data_loader(start: str, tmp_path: Path) -> None:
    data = pytest.importorskip("torch.utils.data")
    with build_tokens([list(range(50)), [1] * 30], tmp_path / "x", vocab_size=60) as index:
        batches = index.token_batches(3, 5, seed=1, end_of_text=60)
        loader = data.DataLoader(batches, batch_size=None, num_workers=2, multiprocessing_context=start)
        found = [batch.tolist() for batch in loader]
        assert found == [batch.tolist() for batch in batches]


def test_refusals() -> None:
    with token_index([[1, 2]], vocab_size=3) as index:
        refused: list[tuple[dict[str, Any], str]] = [
            ({"batch_size": 0}, "batch_size"),
            ({"sequence_length": 0}, "sequence_length"),
            ({"rank": 2, "world_size": 2}, "rank is 2; expected 0 to 1"),
            ({"seed": -1}, "seed"),
            ({"end_of_text": None}, "no tokenizer"),
            ({"end_of_text": 4}, "end_of_text is 4; expected 0 to 3"),
            ({"end_of_text": 2}, "documents contain the token id 2 .1 time.*for example 3"),
        ]
        for options, reason in refused:
            with pytest.raises(infgram.QueryError, match=reason):
                index.token_batches(**{"batch_size": 1, "sequence_length": 1, "end_of_text": 3, **options})
