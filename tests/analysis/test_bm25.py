"""BM25 against plain loops."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st

from infgram.analysis.bm25 import bm25
from tests import reference

terms = st.lists(st.integers(0, 6), max_size=12)


@given(terms, st.lists(terms, min_size=1, max_size=6).filter(any))
def test_any_documents(query: list[int], documents: list[list[int]]) -> None:
    found = bm25(np.array(query, dtype=np.int64), [np.array(document, dtype=np.int64) for document in documents])
    assert found.tolist() == pytest.approx(reference.bm25(query, documents), abs=1e-9)


def test_nothing() -> None:
    empty = np.empty(0, dtype=np.int64)
    assert bm25(empty, []).tolist() == []
    assert bm25(np.array([1]), [empty, empty]).tolist() == [0.0, 0.0]
