"""BM25: how much a document is about a query, by the terms they share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from infgram.types import Float64Array, Int64Array

_K1: Final = 1.2  # how soon a term that occurs again stops to count
_B: Final = 0.75  # how much a document's length counts against it


def bm25(query: Int64Array, documents: Sequence[Int64Array]) -> Float64Array:
    """The score of each document for the query, among these documents: float64, 0 where no term is shared.

    The sum over the query's terms, each as often as it stands there, of idf · tf · (k1 + 1) / (tf + k1 · (1 − b + b ·
    length / mean length)), where idf = log(1 + (N − df + ½) / (df + ½)), which is never negative. Robertson, Walker,
    Jones, Hancock-Beaulieu, Gatford, "Okapi at TREC-3", 1994; Robertson, Zaragoza, "The probabilistic relevance
    framework: BM25 and beyond", 2009.

    Args:
        query: its terms, any integers.
        documents: the terms of each.
    """
    terms, query_counts = np.unique(query, return_counts=True)
    lengths = np.array([len(document) for document in documents], dtype=np.int64)
    if len(terms) == 0 or lengths.sum() == 0:
        return np.zeros(len(documents))
    held = np.concatenate([np.asarray(document, dtype=np.int64) for document in documents])
    place = np.minimum(np.searchsorted(terms, held), len(terms) - 1)
    shared = terms[place] == held
    pairs, frequencies = np.unique(
        np.repeat(np.arange(len(documents)), lengths)[shared] * len(terms) + place[shared], return_counts=True
    )
    document, term = np.divmod(pairs, len(terms))
    document_frequencies = np.bincount(term, minlength=len(terms))
    idf = np.log1p((len(documents) - document_frequencies + 0.5) / (document_frequencies + 0.5))
    damping = _K1 * (1 - _B + _B * lengths[document] / lengths.mean())
    weights = query_counts[term] * idf[term] * frequencies * (_K1 + 1) / (frequencies + damping)
    return np.asarray(np.bincount(document, weights, minlength=len(documents)), dtype=np.float64)
