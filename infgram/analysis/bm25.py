"""BM25 scores of documents for a query."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from infgram.types import Float64Array, Int64Array

_K1: Final = 1.2  # term frequency saturation
_B: Final = 0.75  # length normalization


def bm25(query: Int64Array, documents: Sequence[Int64Array]) -> Float64Array:
    """Return the BM25 score of each document for the query, as float64; 0 if the document has no term of the query.

    The document frequencies and the mean length are those of the given documents. The score is the sum, over the terms
    of the query with repetitions, of idf · tf · (k1 + 1) / (tf + k1 · (1 − b + b · length / mean length)), where idf =
    log(1 + (N − df + ½) / (df + ½)) is never negative. Robertson, Walker, Jones, Hancock-Beaulieu, Gatford, "Okapi at
    TREC-3", 1994; Robertson, Zaragoza, "The probabilistic relevance framework: BM25 and beyond", 2009.

    Args:
        query: the terms of the query, arbitrary integers.
        documents: the terms of each document.
    """
    terms, query_counts = np.unique(query, return_counts=True)
    lengths = np.array([len(document) for document in documents], dtype=np.int64)
    if len(terms) == 0 or lengths.sum() == 0:
        return np.zeros(len(documents))
    all_terms = np.concatenate([np.asarray(document, dtype=np.int64) for document in documents])
    nearest = np.minimum(np.searchsorted(terms, all_terms), len(terms) - 1)
    is_shared = terms[nearest] == all_terms
    pairs, frequencies = np.unique(
        np.repeat(np.arange(len(documents)), lengths)[is_shared] * len(terms) + nearest[is_shared], return_counts=True
    )
    document, term = np.divmod(pairs, len(terms))
    document_frequencies = np.bincount(term, minlength=len(terms))
    idf = np.log1p((len(documents) - document_frequencies + 0.5) / (document_frequencies + 0.5))
    damping = _K1 * (1 - _B + _B * lengths[document] / lengths.mean())
    weights = query_counts[term] * idf[term] * frequencies * (_K1 + 1) / (frequencies + damping)
    return np.asarray(np.bincount(document, weights, minlength=len(documents)), dtype=np.float64)
